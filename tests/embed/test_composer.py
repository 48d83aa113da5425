"""The page where widgets are composed, as a reader without scripts uses it."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from campaign import jobs
from tests.factories import CAMPAIGN, institution
from tests.web.browsing import LANGUAGES, Page, open_page, parse

INSTITUTION = "01km6p862"  # United Arab Emirates University, of the starter registry


def snippets(page: Page) -> list[str]:
    return ["".join(map(str, one.all("code")[0].children)) for one in page.all("pre")]


@pytest.mark.parametrize("tag", LANGUAGES)
def test_the_page_speaks_every_language(client: FlaskClient, session: Session, tag: str) -> None:
    page = open_page(client, f"/{tag}/embed/?institution={INSTITUTION}")
    assert page.status == 200
    assert page.all("heart-of-science")[0].get("lang") == tag


def test_an_institution_is_found_without_scripts(client: FlaskClient, session: Session) -> None:
    page = open_page(client, "/en/embed/?institution_query=emirates&action=find&widget=counter")

    values = [choice.get("value") for choice in page.all("input", name="institution")]
    assert INSTITUTION in values
    assert not page.all("heart-of-science")
    (kept,) = [one for one in page.all("input", name="widget") if "checked" in one]
    assert kept.get("value") == "counter"


def test_what_is_chosen_is_what_is_pasted(client: FlaskClient, session: Session) -> None:
    query = f"institution={INSTITUTION}&campaign={CAMPAIGN}&widget=button&language=ar&theme=dark"
    page = open_page(client, f"/en/embed/?{query}")

    pasted = parse(snippets(page)[0])
    (element,) = pasted.all("heart-of-science")
    assert pasted.all("script")[0].get("src") == "http://localhost/embed/v1.js"
    assert element.attributes == {
        "institution": INSTITUTION, "campaign": CAMPAIGN, "widget": "button", "lang": "ar", "theme": "dark",
    }  # fmt: skip
    assert "جامعة الإمارات العربية المتحدة" in element.text
    assert "/ar/campaigns/" in element.all("a")[0].get("href")


def test_a_frame_alone_and_a_badge_are_offered(client: FlaskClient, session: Session) -> None:
    page = open_page(client, f"/en/embed/?institution={INSTITUTION}&widget=form&language=fr")

    frame, badge = (parse(lines) for lines in snippets(page)[1:3])
    (iframe,) = frame.all("iframe")
    assert iframe.get("referrerpolicy") == "origin"
    path = iframe.get("src").removeprefix("http://localhost")
    assert client.get(path).status_code == 200
    assert (
        client.get(badge.all("img")[0].get("src").removeprefix("http://localhost")).status_code
        == 200
    )
    assert "via=badge" in badge.all("a")[0].get("href")


def test_a_name_cannot_leave_its_attribute(client: FlaskClient, session: Session) -> None:
    evil = institution(name='"><script>alert(1)</script>')
    jobs.commit()
    page = open_page(client, f"/en/embed/?institution={evil.id}&widget=form")
    assert "<script>alert" not in page.html
    assert len(parse(snippets(page)[0]).all("script")) == 1


def test_posters_are_linked_in_the_chosen_language(client: FlaskClient, session: Session) -> None:
    page = open_page(client, f"/en/embed/?institution={INSTITUTION}&language=ur")
    links = [a.get("href") for a in page.all("a") if ".pdf" in a.get("href")]
    assert [
        f"/ur/posters/{INSTITUTION}.pdf?size={size}" in link
        for size, link in zip(("a3", "a4"), links, strict=True)
    ]


@pytest.mark.parametrize(
    "query",
    ["institution=x", "widget=x&theme=x&language=x&campaign=x", "institution_query=" + "x" * 5000],
)
def test_nonsense_is_answered_calmly(client: FlaskClient, session: Session, query: str) -> None:
    page = open_page(client, f"/en/embed/?institution={INSTITUTION}&{query}")
    assert page.status == 200


def test_the_page_may_show_our_own_form_in_a_frame_and_no_other(
    client: FlaskClient, session: Session
) -> None:
    policy = client.get("/en/embed/").headers["Content-Security-Policy"]
    assert "frame-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
