"""Certificates: who gets one, in which language; what the page that checks one tells, and when it stops."""

import re
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner
from werkzeug.test import TestResponse

from campaign import jobs
from campaign.clock import now
from campaign.http.pledge_flow import thanks_token
from campaign.pledges import certificates, operations
from campaign.pledges.certificates import PURPOSE
from campaign.pledges.emails import MINE
from campaign.pledges.models import Kind, Pledge
from campaign.tokens import Signer
from tests.factories import CAMPAIGN, accepted, confirmed, institution, policy, submitted
from tests.ground.test_typesetting import fonts_in, pages_in
from tests.web.browsing import LANGUAGES, Page, open_page, press


def number_of(pledge: Pledge) -> str:
    jobs.commit()
    return certificates.number_of(policy().signer, pledge.id)


def download(client: FlaskClient, pledge: Pledge, file: str, locale: str = "en") -> TestResponse:
    jobs.commit()
    token = policy().signer.sign(PURPOSE, str(pledge.id))
    return client.get(f"/{locale}/pledges/certificate/{token}/{file}")


def check(client: FlaskClient, number: str, locale: str = "en") -> Page:
    return open_page(client, f"/{locale}/verify/{number}/")


# The documents


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_certificate_comes_in_every_language(client: FlaskClient, locale: str) -> None:
    answer = download(client, confirmed(name="Wanjirũ 𠮷䶮"), "certificate.pdf", locale)
    assert answer.status_code == 200
    assert answer.mimetype == "application/pdf"
    assert f"certificate-{locale}.pdf" in answer.headers["Content-Disposition"]
    assert pages_in(answer.data) == 1
    assert "NotoSansCJKsc" in fonts_in(answer.data)  # the rare characters of the name


def test_the_picture_to_share_has_the_size_that_networks_show(client: FlaskClient) -> None:
    answer = download(client, confirmed(), "card.png")
    assert answer.mimetype == "image/png"
    assert (int.from_bytes(answer.data[16:20]), int.from_bytes(answer.data[20:24])) == (1200, 630)


def test_what_a_link_downloads_is_kept_nowhere(client: FlaskClient) -> None:
    answer = download(client, confirmed(), "certificate.pdf")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex"


def official() -> Pledge:
    university = institution(name="University of Lights", labels={"ar": "جامعة الأنوار"})
    return accepted(
        f"rector@{university.domains[0]}",  # from elsewhere it would be held for review
        kind=Kind.INSTITUTION,
        institution=university.id,
        office="Vice-Chancellor",
        commitments=["contact"],
    )


def test_an_institution_gets_a_certificate_of_its_own(client: FlaskClient) -> None:
    pledge = official()
    for file in ("certificate.pdf", "card.png"):
        assert download(client, pledge, file, "ar").status_code == 200


def test_nobody_gets_one_before_confirming(client: FlaskClient) -> None:
    for file in ("certificate.pdf", "card.png"):
        assert download(client, submitted(), file).status_code == 410


def test_a_link_of_another_purpose_opens_no_certificate(client: FlaskClient) -> None:
    pledge = confirmed()
    token = policy().signer.sign(MINE, str(pledge.id))
    assert client.get(f"/en/pledges/certificate/{token}/certificate.pdf").status_code == 404


def test_an_old_link_has_expired(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    pledge = confirmed()
    two_days_ago = int(now().timestamp()) - 2 * 86_400
    with monkeypatch.context() as patch:
        patch.setattr(TimestampSigner, "get_timestamp", lambda _self: two_days_ago)
        token = policy().signer.sign(PURPOSE, str(pledge.id))
    assert client.get(f"/en/pledges/certificate/{token}/card.png").status_code == 410


# The ways to them


def files_linked(page: Page) -> list[str]:
    links = [link.get("href") for link in page.one("main").all("a")]
    return [link for link in links if link.endswith((".pdf", ".png"))]


def test_the_thanks_lead_to_the_certificate_in_every_language(client: FlaskClient) -> None:
    token = thanks_token(confirmed().id)
    jobs.commit()
    links = files_linked(open_page(client, f"/ar/pledges/thanks/{token}/"))
    assert {link.split("/")[1] for link in links} == set(LANGUAGES)
    for link in links:
        assert client.get(link).status_code == 200


def test_the_own_page_leads_to_the_certificate(client: FlaskClient) -> None:
    pledge = confirmed()
    jobs.commit()
    token = policy().signer.sign(MINE, str(pledge.person_id))
    links = files_linked(open_page(client, f"/en/my/{token}/"))
    assert {link.split("/")[1] for link in links} == set(LANGUAGES)


def test_a_withdrawn_pledge_offers_no_certificate(client: FlaskClient) -> None:
    pledge = confirmed()
    operations.withdraw(policy(), pledge, now())
    jobs.commit()
    token = policy().signer.sign(MINE, str(pledge.person_id))
    assert not files_linked(open_page(client, f"/en/my/{token}/"))
    assert download(client, pledge, "certificate.pdf").status_code == 410


# Checking one


@pytest.mark.parametrize("locale", LANGUAGES)
def test_anyone_can_check_a_certificate(client: FlaskClient, locale: str) -> None:
    university = institution(name="University of Lights")
    page = check(client, number_of(confirmed(institution=university.id, listed=True)), locale)
    assert page.status == 200
    assert "Wanjiru Kamau" in page.text
    assert "University of Lights" in page.text


def test_the_check_names_nobody_who_is_not_listed(client: FlaskClient) -> None:
    university = institution(name="University of Lights")
    page = check(client, number_of(confirmed(institution=university.id, listed=False)))
    assert page.status == 200
    assert "Wanjiru" not in page.html
    assert "University of Lights" in page.text
    assert "not the name on the certificate" in page.text


def test_the_check_tells_who_spoke_for_an_institution(client: FlaskClient) -> None:
    page = check(client, number_of(official()))
    assert "University of Lights" in page.text
    assert "Represented by" in page.text


def test_a_withdrawn_pledge_is_said_to_be_gone(client: FlaskClient) -> None:
    pledge = confirmed()
    operations.withdraw(policy(), pledge, now())
    page = check(client, number_of(pledge))
    assert page.status == 410
    assert "no longer valid" in page.title
    assert "Wanjiru" not in page.html


def test_what_others_send_makes_no_withdrawn_certificate_unknown(client: FlaskClient) -> None:
    pledge = confirmed()
    operations.withdraw(policy(), pledge, now())
    submitted(name="A Stranger")
    assert check(client, number_of(pledge)).status == 410


def test_a_certificate_stays_invalid_when_its_person_pledges_again(client: FlaskClient) -> None:
    pledge = confirmed()
    operations.withdraw(policy(), pledge, now())
    again = confirmed()
    assert check(client, number_of(pledge)).status == 410
    assert check(client, number_of(again)).status == 200


def test_an_erased_pledge_leaves_no_trace(client: FlaskClient) -> None:
    pledge = confirmed()
    number = number_of(pledge)
    operations.erase_person(pledge.person)
    jobs.commit()
    assert check(client, number).status == 404


def test_an_unconfirmed_pledge_has_no_certificate(client: FlaskClient) -> None:
    assert check(client, number_of(submitted())).status == 404


@pytest.mark.parametrize(
    "number",
    ["0000-0000-0000-0000", "x", "7K3M", "Ü" * 16, "-" * 300, "%00", "7K3M-QX9T-2BVW-H0DU"],
)
def test_an_unknown_number_is_told_so_calmly(client: FlaskClient, number: str) -> None:
    assert check(client, number).status == 404


def test_a_number_may_be_typed_from_paper(client: FlaskClient) -> None:
    number = number_of(confirmed())
    page = open_page(client, "/en/verify/")
    typed = number.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    found = open_page(client, page.form().get("action"), query_string={"number": typed})
    assert found.status == 200
    assert number in found.text


def test_checks_are_for_no_search_engine(client: FlaskClient) -> None:
    page = check(client, number_of(confirmed()))
    assert page.one("meta", name="robots").get("content") == "noindex"


def test_a_number_survives_a_correction(client: FlaskClient) -> None:
    pledge = confirmed()
    number = number_of(pledge)
    token = policy().signer.sign(MINE, str(pledge.person_id))
    edit = open_page(client, f"/en/my/{token}/pledges/{pledge.id}/")
    press(client, edit, {"name": "Wanjiru wa Kamau", "action": "save"})
    assert "Wanjiru wa Kamau" in check(client, number).text


# The number itself


def test_a_number_is_sixteen_characters_in_fours() -> None:
    number = certificates.number_of(Signer("one"), UUID(int=7))
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", number)


def test_a_number_tells_no_time() -> None:
    """Two pledges of the same moment have nothing in common that could be seen."""
    moment = 1_790_000_000_000 << 80
    one, other = (certificates.number_of(Signer("one"), UUID(int=moment + n)) for n in (1, 2))
    alike = sum(a == b for a, b in zip(one, other, strict=True)) - 3  # the hyphens
    assert alike < 6


def test_a_number_of_another_key_is_worth_nothing(client: FlaskClient) -> None:
    pledge = confirmed()
    jobs.commit()
    assert check(client, certificates.number_of(Signer("another"), pledge.id)).status == 404


def test_each_of_many_pledges_is_found_by_its_own_number(client: FlaskClient) -> None:
    pledges = [confirmed(f"person-{n}@example.org") for n in range(20)]
    for pledge in pledges:
        assert certificates.find(policy().signer, number_of(pledge)) is pledge


# Posters


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("size", ["a4", "a3"])
def test_an_institution_has_a_poster(client: FlaskClient, locale: str, size: str) -> None:
    university = institution(name="University of Lights")
    jobs.commit()
    answer = client.get(f"/{locale}/posters/{university.id}.pdf?size={size}")
    assert answer.status_code == 200
    assert pages_in(answer.data) == 1
    (width,) = re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+)", answer.data)
    assert round(float(width)) == {"a4": 595, "a3": 842}[size]


def test_a_campaign_has_a_poster(client: FlaskClient) -> None:
    answer = client.get(f"/en/posters/{CAMPAIGN}.pdf")
    assert answer.status_code == 200
    assert "max-age" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path", ["nobody.pdf", f"{CAMPAIGN}.pdf?size=a0", "0aaaaaa00.pdf", "..pdf", f"{'x' * 999}.pdf"]
)
def test_there_is_no_poster_of_nothing(client: FlaskClient, path: str) -> None:
    assert client.get(f"/en/posters/{path}").status_code == 404


def test_the_poster_of_a_merged_institution_leads_to_its_successor(client: FlaskClient) -> None:
    successor = institution()
    merged = institution(status="withdrawn", successor_id=successor.id)
    jobs.commit()
    query = f"size=a3&campaign={CAMPAIGN}"
    answer = client.get(f"/en/posters/{merged.id}.pdf?{query}")
    assert answer.status_code == 301
    assert answer.location == f"/en/posters/{successor.id}.pdf?{query}"
