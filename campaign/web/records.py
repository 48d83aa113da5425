"""The published numbers: a page that explains them and looks up a receipt, and the files to download."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from flask import Blueprint, abort, render_template, request, send_file
from werkzeug.wrappers import Response

from campaign import i18n
from campaign.campaigns import queries as campaign_queries
from campaign.campaigns.models import CampaignText
from campaign.campaigns.queries import current_text
from campaign.config import current_settings
from campaign.http.access import anyone
from campaign.http.headers import CROSS_ORIGIN_HEADERS, keep_private
from campaign.http.locales import localized, to_readers_language
from campaign.http.rate_limits import FORM_LIMIT, rate_limited
from campaign.institutions import queries as institution_queries
from campaign.institutions.models import Institution
from campaign.paths import VERIFIER
from campaign.records import queries as record_queries
from campaign.records.models import DailyRecord
from campaign.records.package import FILES, bundle_name
from campaign.tallies import milestones
from campaign.tallies.models import Milestone

blueprint = localized("records", __name__, "/numbers")
downloads = Blueprint("downloads", __name__, url_prefix="/data")

DAYS_SHOWN = 7
_VERIFIER_NAME = "verify.py"
# Types that this site never compresses: a compressed response has no ranges, and its bytes another digest.
_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/vnd.datapackage+json",
    ".jsonl": "application/jsonl; charset=utf-8",
    ".zip": "application/zip",
    ".py": "text/x-python; charset=utf-8",
}
_FRESH, _FOR_EVER = (
    "public, max-age=300, stale-if-error=86400",
    "public, max-age=31536000, immutable",
)


@dataclass(frozen=True)
class Day:
    """One campaign's numbers of one day, as published."""

    day: date
    people: int
    official_pledges: int
    digest: str


@dataclass(frozen=True)
class Chain:
    """The newest days of a campaign, newest first."""

    text: CampaignText
    days: list[Day]


@dataclass(frozen=True)
class Before:
    """Counts from before a campaign, the oldest first."""

    text: CampaignText
    milestones: Sequence[Milestone]


@dataclass(frozen=True)
class Found:
    """Where the newest list counts a pledge."""

    text: CampaignText | None
    country: str
    day: date
    institution: Institution | None


@dataclass(frozen=True)
class Check:
    """The outcome of looking up a receipt; ``found`` is None where the newest list does not have it."""

    receipt: str
    is_receipt: bool
    found: Found | None


@blueprint.get("/")
@anyone
@rate_limited(FORM_LIMIT)
def numbers() -> str:
    newest = record_queries.published(_folder(), record_queries.LATEST)
    typed = request.args.get("receipt", "")
    if typed:
        keep_private()
    return render_template(
        "records/numbers.html",
        chains=_chains(),
        before=_before(),
        newest=newest,
        files=[file for name in FILES if (file := record_queries.published(_folder(), name))],
        check=_check(typed) if typed and newest else None,
        typed=typed[:100],
    )


def _chains() -> list[Chain]:
    chains = []
    for text in _texts():
        records = record_queries.latest(text.campaign_id, DAYS_SHOWN)
        if records:
            chains.append(Chain(text, [_day(record) for record in records]))
    return chains


def _before() -> list[Before]:
    counts = ((text, milestones.of_campaign(text.campaign_id)) for text in _texts())
    return [Before(text, found) for text, found in counts if found]


def _texts() -> Iterator[CampaignText]:
    """The texts of all campaigns: what was published of an archived one can be verified, too."""
    for campaign in campaign_queries.list_all():
        if text := current_text(campaign.slug, i18n.current()):
            yield text


def _day(record: DailyRecord) -> Day:
    """A day as its published line has it, never as the database would count it now."""
    line = json.loads(record.line)
    return Day(record.day, line["persons"], line["institutions"], record.digest)


def _check(typed: str) -> Check:
    """Look a receipt up in the published list, and nowhere else: everyone who has the list gets the same answer."""
    receipt = re.sub(r"[\s-]", "", typed[:100]).lower()
    if not re.fullmatch(r"[0-9a-f]{32}", receipt):
        return Check(receipt, False, None)
    keys = {place.dimension: place for place in record_queries.places(_folder(), receipt)}
    if not keys:
        return Check(receipt, True, None)
    affiliation = keys.get("institution")
    found = Found(
        text=current_text(keys["day"].campaign, i18n.current()),
        country=keys["country"].key,
        day=date.fromisoformat(keys["day"].key),
        institution=institution_queries.get(affiliation.key) if affiliation else None,
    )
    return Check(receipt, True, found)


@downloads.get("/")
@anyone
def dataset() -> Response:
    """Lead a reader who opens the folder itself to the page that explains it, in their language."""
    return to_readers_language("records.numbers", anchor="data")


@downloads.get("/<name>")
@anyone
def download(name: str) -> Response:
    """A file of the newest dataset, the .zip of any day that is kept, or the program that checks them."""
    if name == _VERIFIER_NAME:
        return _send(VERIFIER, name, _FRESH)
    file = record_queries.published(_folder(), name) or abort(404)
    caching = _FOR_EVER if name == bundle_name(file.day) else _FRESH
    return _send(file.path, f"{file.day}-{file.path.name}", caching)


def _send(path: Path, version: str, caching: str) -> Response:
    """Send a file with ranges, its ETag the same on every machine of the site (RFC 9110, 8.8.3 and 14)."""
    is_file_of_program = path == VERIFIER
    response = send_file(
        path,
        mimetype=_TYPES[path.suffix],
        conditional=True,
        etag=True if is_file_of_program else version,
        download_name=path.name,
        as_attachment=path.suffix == ".zip",
    )
    response.headers.update(CROSS_ORIGIN_HEADERS | {"Cache-Control": caching})
    response.headers["Access-Control-Expose-Headers"] = "Content-Range, Content-Length, ETag"
    return response


def _folder() -> Path:
    return Path(current_settings().data_folder).resolve()
