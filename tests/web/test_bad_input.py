"""Hostile and broken input: never a crash, never reflected as markup, the right status, nothing stored unclean."""

from io import BytesIO
from urllib.parse import quote_from_bytes

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from campaign import jobs
from campaign.db import db
from campaign.pledges.emails import MINE
from campaign.pledges.models import Pledge
from campaign.tallies import operations as tallies
from tests.factories import CAMPAIGN, confirmed, form_fields, institution, policy
from tests.web.browsing import FORM_PATH, INSTITUTION_FORM_PATH, Page, form_token, open_page

FORM = "application/x-www-form-urlencoded"
MARKUP = "</textarea><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
HOSTILE = {
    "nothing": b"",
    "blank": "\u2800\u3164 \u00a0".encode(),
    "NUL": b"a\0b\0",
    "controls": bytes(range(1, 32)) + b"\x7f\xc2\x85",
    "bidi": "Anna \u202eanimreP\u2066\u2069 \u200f".encode(),
    "zalgo": ("Z" + "\u0489\u0300\u0316" * 500).encode(),
    "emoji": "👩🏽‍🔬 🏴\U000e0067\U000e0062\U000e007f".encode(),
    "astral": "𠮷野家 𡈽山".encode(),
    "long": b"x" * 100_000,
    "long in another way": "é ".encode() * 20_000,
    "surrogate": b"\xed\xa0\x80\xed\xb0\x80",
    "invalid": b"\xff\xfe\xc3(\xf0\x28\x8c",
    "overlong": b"\xc0\xaf\xe0\x80\xaf",
    "markup": MARKUP.encode(),
    "SQL": b"'; DROP TABLE pledges; --",
    "template": b"{{191*70049}}${191*70049}#{191*70049}{% print(191*70049) %}%(name)s",
    "formula": b"=HYPERLINK(1)",
    "line ends": b"a\r\nBcc: x@example.org\r\n\r\nb",
    "number": b"-99999999999999999999999999",
    "path": b"../../../../etc/passwd",
    "noncharacters": "\ufffe\uffff\ufdd0".encode(),
}
TYPED = ("name", "email", "institution_query", "institution_text", "orcid", "words", "form_token")
TYPED_BY_REPRESENTATIVES = ("name", "email", "institution_query", "office", "letter_1")
CHOSEN = (
    "affiliation", "institution", "role", "country", "disciplines", "commitments", "listed", "newsletter",
    "website", "letter_locale_1", "action",
)  # fmt: skip
COMPUTED = "13379359"  # what {{191*70049}} would be


def body(fields: dict[str, bytes]) -> bytes:
    """A form's body with any bytes in it, such as no browser would send."""
    return b"&".join(f"{name}={quote_from_bytes(v)}".encode() for name, v in fields.items())


def filled_in(**different: bytes) -> dict[str, bytes]:
    typed = form_fields(form_token())
    plain = {n: (v if isinstance(v, str) else v[0]).encode() for n, v in typed.items()}
    return plain | different


def post(client: FlaskClient, path: str, fields: dict[str, bytes]) -> Page:
    return Page(client.post(path, data=body(fields), content_type=FORM))


def assert_harmless(page: Page, case: str) -> None:
    assert page.status in {200, 303, 400, 422}, case
    assert "<script>alert" not in page.html, case
    assert "<img src=x" not in page.html, case
    assert COMPUTED not in page.html, case


@pytest.mark.parametrize(
    ("path", "field"),
    [
        *((FORM_PATH, name) for name in TYPED),
        *((INSTITUTION_FORM_PATH, name) for name in TYPED_BY_REPRESENTATIVES),
    ],
)
def test_no_text_does_harm(client: FlaskClient, path: str, field: str) -> None:
    for case, value in HOSTILE.items():
        assert_harmless(post(client, path, filled_in(**{field: value})), case)


@pytest.mark.parametrize("field", CHOSEN)
def test_no_answer_that_is_not_on_offer_does_harm(client: FlaskClient, field: str) -> None:
    for case in ("nothing", "NUL", "long", "surrogate", "invalid", "markup", "number"):
        for path in (FORM_PATH, INSTITUTION_FORM_PATH):
            assert_harmless(post(client, path, filled_in(**{field: HOSTILE[case]})), case)


@pytest.mark.parametrize("affiliation", ["institution", "unlisted", "independent"])
def test_all_fields_hostile_at_once_do_no_harm(client: FlaskClient, affiliation: str) -> None:
    fixed = {"affiliation": affiliation.encode(), "action": b"find"}
    for case, value in HOSTILE.items():
        fields = dict.fromkeys((*TYPED, *CHOSEN), value[:1_000])
        token = {"form_token": form_token().encode()}
        assert_harmless(post(client, FORM_PATH, fields | token | fixed), case)


def test_what_is_stored_is_clean(client: FlaskClient) -> None:
    typed = "\u202e Anna\0 \u200b𠮷野\r\n Perm\u00adina\u0007 ".encode()
    words = "One\0.\r\n\r\n\r\n\r\nTwo\u2066. 🌍".encode()

    post(client, FORM_PATH, filled_in(name=typed, words=words))

    pledge = db.session.scalars(select(Pledge)).one()
    assert (pledge.name, pledge.words) == ("Anna 𠮷野 Permina", "One.\n\nTwo. 🌍")


@pytest.mark.parametrize(
    "name", ["𠮷野家", "O’Neill-Müller", "نور الدین", "क्षत्रिय", "X Æ A-12", "李"]
)
def test_names_of_all_scripts_are_welcome_and_shown_as_they_are(
    client: FlaskClient, name: str
) -> None:
    confirmed(name=name)
    jobs.commit()
    page = open_page(client, f"/en/campaigns/{CAMPAIGN}/signatories/")
    assert page.one("p", class_="name").text == name


def test_markup_in_stored_text_is_shown_as_text(client: FlaskClient) -> None:
    home = institution(name=MARKUP, city=MARKUP)
    confirmed(name=MARKUP, words=MARKUP, institution=home.id, role="staff")
    confirmed("b@example.org", name="B", institution_text=MARKUP, role="staff")
    home_path = f"institutions/{home.id}/"
    tallies.fold()
    jobs.commit()
    for path in (
        f"campaigns/{CAMPAIGN}/",
        f"campaigns/{CAMPAIGN}/signatories/",
        "countries/KE/",
        home_path,
    ):
        page = open_page(client, f"/en/{path}")
        assert MARKUP in page.text, path
        assert_harmless(page, path)


@pytest.mark.parametrize("field", ["name", "email", "country", "words", "listed", "affiliation"])
def test_several_values_for_one_field_do_no_harm(client: FlaskClient, field: str) -> None:
    doubled = body(filled_in()) + f"&{field}=x&{field}=y&{field}[]=z&{field}[a]=z".encode()
    assert_harmless(Page(client.post(FORM_PATH, data=doubled, content_type=FORM)), field)


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        ("application/json", b'{"name": ["a"], "form_token": {}}'),
        ("application/json", b"{" * 10_000),
        ("text/plain", b"name=a"),
        (FORM, b"&&&==&%&%zz&=&"),
        (FORM, b"a" * 1000),
        ("multipart/form-data; boundary=x", b"--x\r\nnothing of the kind"),
        ("multipart/form-data", b"--x--"),
        ("; charset=nonsense", b"\xff"),
        ("", b""),
    ],
)
def test_what_is_no_form_is_answered_with_the_form(
    client: FlaskClient, content_type: str, data: bytes
) -> None:
    page = Page(client.post(FORM_PATH, data=data, content_type=content_type))
    assert (page.status, len(page.all("form"))) == (400, 1)


def test_a_file_in_place_of_a_text_is_as_good_as_nothing(client: FlaskClient) -> None:
    fields = {name: value.decode() for name, value in filled_in().items()}
    answer = client.post(FORM_PATH, data=fields | {"name": (BytesIO(b"Anna"), "anna.txt")})
    assert (answer.status_code, list(Page(answer).problems)) == (422, ["name"])


@pytest.mark.parametrize("path", [FORM_PATH, INSTITUTION_FORM_PATH, "/en/my/"])
def test_more_than_a_pledge_can_be_is_refused_as_too_much(client: FlaskClient, path: str) -> None:
    page = post(client, path, filled_in(words=b"x" * 300_000))
    assert (page.status, page.one("html").get("lang")) == (413, "en")


def test_too_many_parts_are_refused_as_too_much(client: FlaskClient) -> None:
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="f{n}"\r\n\r\n1\r\n' for n in range(500)
    )
    answer = client.post(
        FORM_PATH, data=f"{parts}--x--\r\n", content_type="multipart/form-data; boundary=x"
    )
    assert answer.status_code == 413


def test_three_letters_of_full_length_are_not_too_much(client: FlaskClient) -> None:
    letters = {f"letter_{n}": "牡".encode() * 5_000 for n in (1, 2, 3)}
    page = post(client, INSTITUTION_FORM_PATH, filled_in(**letters))
    assert page.status == 422
    assert not {f"letter_{n}" for n in (1, 2, 3)} & set(page.problems)


@pytest.mark.parametrize("case", HOSTILE)
def test_no_value_does_harm_on_the_own_page(client: FlaskClient, case: str) -> None:
    pledge = confirmed()
    path = f"/en/my/{policy().signer.sign(MINE, str(pledge.person_id))}/"
    change = f"{path}pledges/{pledge.id}/"
    jobs.commit()
    value = HOSTILE[case]

    for target in (change, f"{change}listing", f"{path}newsletter"):
        fields = dict.fromkeys((*TYPED, *CHOSEN), value[:1_000])
        assert_harmless(post(client, target, fields), target)
    assert_harmless(post(client, "/en/my/", {"email": value}), case)
    assert db.session.scalar(select(func.count()).select_from(Pledge)) == 1


SEGMENTS = (
    "%00", "a%00b", "%ff%fe", "%ED%A0%80", "%2e%2e", "%2f%2f", "..;", "%E2%80%AE", "%F0%A0%AE%B7", "{{191*70049}}",
    "%3Cscript%3Ealert(1)%3C/script%3E", "'", "x" * 5000, "-1", "1e9", "%D9%A3", "%0d%0aSet-Cookie:x=1",
)  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "/{}/",
        "/en/{}",
        "/en/campaigns/{}/",
        "/en/campaigns/{}/pledge/",
        "/en/campaigns/heart-of-science/text/{}/",
        "/en/countries/{}/",
        "/en/institutions/{}/",
        "/en/pledges/sent/{}/",
        "/en/pledges/confirm/{}/",
        "/en/my/{}/",
        "/en/my/x/pledges/{}/",
        "/static/{}",
    ],
)
def test_no_address_does_harm(client: FlaskClient, path: str) -> None:
    for segment in SEGMENTS:
        page = Page(client.get(path.format(segment)))
        assert page.status in {301, 302, 308, 404}, segment
        assert "<script>alert" not in page.html
        assert COMPUTED not in page.html


def test_a_code_of_any_bytes_is_just_wrong(client: FlaskClient) -> None:
    sent = client.post(FORM_PATH, data=body(filled_in()), content_type=FORM).headers["Location"]
    for case, value in HOSTILE.items():
        page = post(client, sent, {"code": value})
        assert page.status == 422, case
        assert_harmless(page, case)


@pytest.mark.parametrize(
    "header", ["Origin", "Sec-Fetch-Site", "Accept-Language", "Referer", "User-Agent"]
)
def test_no_header_does_harm(client: FlaskClient, header: str) -> None:
    for value in (
        "http://[",
        "http://[::1",
        "null",
        "\xff\xfe",
        "a" * 8000,
        "://",
        ";q=x,,;",
        "%00",
    ):
        assert client.get("/en/", headers={header: value}).status_code == 200
        assert client.post("/en/my/", headers={header: value}).status_code in {403, 422}
