"""W3C's checker finds no error in any page, picture or style sheet of the site."""

import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign import jobs
from campaign.http.access import ANYONE, LINK_HOLDER
from campaign.http.pledge_flow import THANKS
from campaign.paths import STATIC
from campaign.pledges import certificates
from campaign.pledges.emails import CONFIRM, MINE, SENT
from campaign.pledges.models import Kind
from campaign.tallies import operations as tallies
from tests.factories import CAMPAIGN, accepted, confirmed, institution, policy, submitted
from tests.npm import package

CHECKER = ("vnu-jar", "26.9.27")
CHECKED = {"text/html": "html", "image/svg+xml": "svg", "text/css": "css"}
HOME = f"campaigns/{CAMPAIGN}/"
PATHS = (
    *("", HOME, "about/", "privacy/", "my/", "countries/", "numbers/", "data/", "api/", "embed/"),
    *("countries/KE/", "regions/002/", "institutions/{home}/", "nowhere/", "verify/"),
    *(f"{HOME}{part}/" for part in ("countries", "institutions", "signatories", "text/1")),
    *(f"{HOME}{part}" for part in ("pledge/", "pledge/institution/", "map.svg")),
    f"{HOME}map.svg?variant=day",
    *(
        f"{HOME}charts/{name}.svg"
        for name in ("over-time", "regions", "disciplines", "commitments")
    ),
    *(f"{place}/institutions/" for place in ("countries/KE", "regions/002")),
    *(
        f"{place}/{part}"
        for place in ("countries/KE", "regions/002", "institutions/{home}")
        for part in ("signatories/", "qr.svg")
    ),
    *("pledges/sent/{sent}/", "pledges/confirm/{confirm}/", "pledges/not-me/{confirm}/"),
    *("pledges/thanks/{thanks}/", "verify/{number}/", "verify/nothing/"),
    *("my/{mine}/", "my/{mine}/erase", "my/{mine}/pledges/{pledge}/"),
    "my/{mine}/pledges/{pledge}/withdraw",
)
WITHOUT_LANGUAGE = (
    "/embed/{locale}/form?institution={home}",
    "/embed/{locale}/sent/{sent}?institution={home}",
    "/embed/{locale}/thanks/{thanks}?institution={home}",
    "/badge/{home}.svg?lang={locale}",
)
# What shows no markup: data, files of other kinds, ways to a page.
OTHER = (
    "api.",
    "api_document.",
    "downloads.",
    "embed.data",
    "embed.loader",
    "embed.oembed",
    "static",
)
OTHER_ENDINGS = (".png", ".pdf", ".csv", "/search", "/proposals", "/export", "/health", "/ready")
# CSS Anchor Positioning and the properties of SVG 2, which browsers know and the checker does not.
NOT_YET_KNOWN = re.compile("CSS: “(position-area|position-try-fallbacks|r|paint-order)”: Property")
ANY = defaultdict(
    lambda: "x", {"{locale}": "en", "{pledge}": "00000000-0000-4000-8000-000000000000"}
)
LEADING_ON = {"root.choose_language", "frames.choose_language"}


@pytest.fixture
def values(session: object) -> dict[str, Any]:
    """What fills in the addresses: a place and people with everything that a page can show."""
    home = institution(name="Université <du> “Lac” & Co")
    at_home = {"institution": home.id, "role": "researcher", "words": "Lit <for> you & “them”."}
    pledge = confirmed("one@example.org", name="Wanjirũ <K> & O’Neil", **at_home)
    details = {
        "office": "Rector",
        "commitments": ["hosting"],
        "support_letters": {"en": "We <will>."},
    }
    accepted(f"rector@{home.domains[0]}", kind=Kind.INSTITUTION, institution=home.id, **details)
    waiting = submitted("two@example.org")
    tallies.fold()
    jobs.commit()
    sign = policy().signer.sign
    return {
        "home": home.id,
        "pledge": pledge.id,
        "number": certificates.number_of(policy().signer, pledge.id),
        "sent": sign(SENT, str(waiting.submission)),
        "confirm": sign(CONFIRM, str(waiting.id)),
        "thanks": sign(THANKS, str(pledge.id)),
        "mine": sign(MINE, str(pledge.person_id)),
    }


def test_no_markup_has_an_error(
    client: FlaskClient, values: dict[str, Any], tmp_path: Path
) -> None:
    jar = package(*CHECKER, needs=("java",)) / "build/dist/vnu.jar"
    save_all(client, values, tmp_path)

    checker = ["java", "-jar", jar, "--errors-only", "--format", "json", "--also-check-css"]
    done = subprocess.run(
        [*checker, "--also-check-svg", tmp_path], capture_output=True, text=True, check=False
    )

    messages = [told(message) for message in json.loads(done.stderr)["messages"]]
    wrong = [message for message in messages if not NOT_YET_KNOWN.search(message)]
    assert not wrong, "\n".join(wrong)


def test_no_page_is_left_out(app: Flask) -> None:
    adapter = app.url_map.bind("localhost")
    opened = (*(f"/en/{path}" for path in PATHS if path != "nowhere/"), *WITHOUT_LANGUAGE)
    reached = {
        adapter.match(re.sub(r"\{\w+\}", lambda name: ANY[name[0]], path.partition("?")[0]))[0]
        for path in opened
    }
    shown = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and getattr(app.view_functions[rule.endpoint], "access", None) in {ANYONE, LINK_HOLDER}
        and not rule.endpoint.startswith(OTHER)
        and not rule.rule.endswith(OTHER_ENDINGS)
    }
    assert shown - reached == LEADING_ON


def save_all(client: FlaskClient, values: dict[str, Any], folder: Path) -> None:
    for file in (*STATIC.rglob("*.css"), *STATIC.rglob("*.svg")):
        (folder / file.name).write_bytes(file.read_bytes())
    for locale in ("en", "ar"):
        for number, path in enumerate(
            (*(f"/{locale}/{path}" for path in PATHS), *WITHOUT_LANGUAGE)
        ):
            answer = client.get(path.format(locale=locale, **values))
            assert answer.status_code == (404 if "noth" in path or "nowh" in path else 200), path
            kind = CHECKED[answer.mimetype]
            name = path.partition("?")[0].strip("/").replace("/", "_").removesuffix(f".{kind}")
            (folder / f"{number:02} {locale} {name}.{kind}").write_bytes(answer.data)


def told(message: dict[str, Any]) -> str:
    where = f"{unquote(Path(message['url']).name)}:{message.get('lastLine')}"
    return f"{where} {message['message']} … {message.get('extract')!r}"
