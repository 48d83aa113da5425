"""The public pages: in every language, with the right numbers, and nothing of those who want to stay unseen."""

import re
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from campaign import i18n, jobs
from campaign.clock import now
from campaign.db import db
from campaign.demo import pledges
from campaign.institutions.models import Institution
from campaign.institutions.search import LONGEST_QUERY
from campaign.pledges.models import Kind
from campaign.pledges.queries import PAGE_SIZE
from campaign.tallies import operations as tallies
from tests.factories import CAMPAIGN, accepted, confirmed, institution
from tests.web.browsing import LANGUAGES, Page, open_page

HOME = f"campaigns/{CAMPAIGN}/"
PAGES = (
    "",
    HOME,
    f"{HOME}countries/",
    f"{HOME}institutions/",
    f"{HOME}signatories/",
    f"{HOME}text/1/",
    f"{HOME}pledge/",
    f"{HOME}pledge/institution/",
    "countries/",
    "countries/KE/",
    "countries/KE/institutions/",
    "countries/KE/signatories/",
    "regions/014/",
    "institutions/{home}/",
    "institutions/{home}/signatories/",
    "privacy/",
    "about/",
    "data/",
    "api/",
    "my/",
)


@dataclass(frozen=True)
class World:
    """What there is to be seen: two people and the representative of one institution."""

    home: str
    home_name: str

    def path(self, page: str, locale: str = "en") -> str:
        return f"/{locale}/{page.format(home=self.home)}"


@pytest.fixture
def world(session: object) -> World:
    home = institution(name="University of the Lake", city="Kisumu")
    at_home = {"institution": home.id, "role": "researcher"}
    confirmed("listed@example.org", name="Listed Lakeside", words="Lit for you.", **at_home)
    hidden = {"name": "Hidden Hillside", "words": "Seen by nobody.", "listed": False}
    confirmed("hidden@example.org", **hidden, **at_home)
    accepted(
        f"rector@{home.domains[0]}",
        kind=Kind.INSTITUTION,
        name="Rector Riverside",
        office="Rector",
        institution=home.id,
        commitments=["hosting"],
    )
    made = World(home.id, home.name)
    fold()
    return made


def fold() -> None:
    tallies.fold()
    jobs.commit()


def figures(page: Page) -> list[str]:
    return [line.text for line in page.one("ul", class_="figures").all("li")]


def status_of(client: FlaskClient, path: str) -> int:
    with client.get(path) as answer:  # a static file is open until then
        return answer.status_code


# Every page in every language


@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_page_answers_in_the_language(client: FlaskClient, world: World, locale: str) -> None:
    for path in PAGES:
        page = open_page(client, world.path(path, locale))
        html = page.one("html")
        assert page.status == 200, path
        assert (html.get("lang"), html.get("dir")) == (locale, i18n.direction(locale)), path
        assert len(page.all("h1")) == len(page.all("main")) == 1, path
        canonical = page.one("link", rel="canonical").get("href")
        assert canonical == f"http://localhost{world.path(path, locale)}"


def test_every_page_names_itself_in_all_languages(client: FlaskClient, world: World) -> None:
    for path in PAGES:
        page = open_page(client, world.path(path, "fr"))
        alternates = [e for e in page.all("link", rel="alternate") if "hreflang" in e]
        links = {e.get("hreflang"): e.get("href") for e in alternates}
        menu = {e.get("hreflang"): e.get("href") for e in page.one("nav", id="languages").all("a")}

        expected = {tag: world.path(path, tag) for tag in LANGUAGES}
        assert menu == expected
        absolute = {tag: f"http://localhost{url}" for tag, url in expected.items()}
        assert links == absolute | {"x-default": absolute["en"]}


def test_every_reference_inside_a_page_leads_somewhere(client: FlaskClient, world: World) -> None:
    references = ("for", "aria-labelledby", "aria-describedby", "popovertarget")
    for path in PAGES:
        page = open_page(client, world.path(path))
        elements = list(page.root.below())
        named = {word for e in elements for name in references for word in e.get(name).split()}
        anchors = {e.get("href")[1:] for e in page.all("a") if e.get("href").startswith("#")}

        assert len(page.ids) == len(set(page.ids)), path
        assert named | anchors <= set(page.ids), path


def test_every_link_inside_the_site_answers(client: FlaskClient, world: World) -> None:
    links = {
        link.get("href").partition("#")[0]
        for path in PAGES
        for link in open_page(client, world.path(path)).all("a", "link")
        if link.get("href").startswith(("/en/", "/static/"))
    }
    assert len(links) > len(PAGES)
    assert {link: status for link in links if (status := status_of(client, link)) != 200} == {}


def test_the_language_menu_stays_on_the_page_and_in_the_search(
    client: FlaskClient, world: World
) -> None:
    page = open_page(client, world.path(f"{HOME}signatories/?q=Lake+side&country=KE"))
    french = page.one("nav", id="languages").all("a", hreflang="fr")[0]
    assert french.get("href") == f"/fr/{HOME}signatories/?q=Lake+side&country=KE"


@pytest.mark.parametrize(
    "query",
    [
        "_external=1&_scheme=javascript",
        "_method=POST",
        "_anchor=x",
        "endpoint=web.front",
        "slug=haikou-initiative",
        "locale=ar",
        "version=x",
        "self=1",
    ],
)
def test_a_query_cannot_bend_the_language_menu(client: FlaskClient, query: str) -> None:
    page = open_page(client, f"/en/{HOME}text/1/?{query}")
    french = page.one("nav", id="languages").all("a", hreflang="fr")[0]
    assert page.status == 200
    assert french.get("href").partition("?")[0] == f"/fr/{HOME}text/1/"


# What is not there


@pytest.mark.parametrize(
    "path",
    [
        "nowhere",
        "campaigns/nothing/",
        "campaigns/nothing/pledge/",
        "campaigns/nothing/signatories/",
        f"{HOME}text/99/",
        f"{HOME}text/99999999999999999999/",
        f"{HOME}institutions/?page=0",
        f"{HOME}institutions/?page=99999999999999999999",
        "countries/XX/",
        "countries/Kenya/",
        "institutions/000000000/",
        "institutions/https:/",
        "pledges/confirm/nothing/",
    ],
)
def test_what_is_not_there_is_said_in_the_language_of_the_reader(
    client: FlaskClient, path: str
) -> None:
    page = open_page(client, f"/ar/{path}")

    assert page.status == 404
    assert (page.one("html").get("lang"), page.one("html").get("dir")) == ("ar", "rtl")
    assert page.one("meta", name="robots").get("content") == "noindex"


@pytest.mark.parametrize(
    "path", ["/xx/", "/xx/nowhere", "/nowhere", "/EN/", "/zh-hans/", "/xx/about/"]
)
def test_without_a_language_in_the_address_the_browser_is_asked(
    client: FlaskClient, path: str
) -> None:
    page = open_page(client, path, headers={"Accept-Language": "ur-PK, en;q=0.5"})
    assert (page.status, page.one("html").get("lang")) == (404, "ur")


def test_a_wrong_method_names_the_right_ones(client: FlaskClient) -> None:
    answer = client.post("/fr/about/")
    assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (
        405,
        {"GET", "HEAD", "OPTIONS"},
    )
    assert Page(answer).one("html").get("lang") == "fr"


@pytest.mark.parametrize("code", ["ke", "Ke"])
def test_a_country_in_small_letters_is_led_to_its_page(client: FlaskClient, code: str) -> None:
    answer = client.get(f"/sw/countries/{code}/")
    assert (answer.status_code, answer.headers["Location"]) == (301, "/sw/countries/KE/")


def test_a_withdrawn_institution_leads_to_its_successor(client: FlaskClient, world: World) -> None:
    gone = institution(status="withdrawn", successor_id=world.home).id
    jobs.commit()

    answer = client.get(f"/fr/institutions/{gone}/")

    assert answer.status_code == 301
    assert answer.headers["Location"] == f"/fr/institutions/{world.home}/"


def test_a_closed_institution_without_successor_keeps_its_page(client: FlaskClient) -> None:
    closed = institution(status="inactive", name="Closed College").id
    jobs.commit()
    assert open_page(client, f"/en/institutions/{closed}/").title == "Closed College"


def test_parents_are_named_and_linked(client: FlaskClient, world: World) -> None:
    child = institution(parents=[world.home, "0nothere00"]).id
    jobs.commit()
    page = open_page(client, f"/en/institutions/{child}/")
    assert page.all("a", href=f"/en/institutions/{world.home}/")[0].text == world.home_name


# Numbers


def test_people_and_institutions_are_counted_apart(client: FlaskClient, world: World) -> None:
    for path in ("", HOME, "countries/KE/", "institutions/{home}/"):
        lines = open_page(client, world.path(path)).one("main").all("li")
        numbers = [line.text for line in lines if "pledged" in line.text]
        assert "2 people have pledged" in numbers, path
        assert not [n for n in numbers if n.startswith("3 ")], path
    front = figures(Page(client.get(world.path(HOME))))
    assert "1 institution has pledged officially" in front


def test_a_country_counts_the_institutions_of_its_people(client: FlaskClient, world: World) -> None:
    page = open_page(client, world.path("countries/KE/"))
    assert "1 institution where people have pledged" in [e.text for e in page.all("li")]


def test_an_institution_that_pledged_is_listed_even_before_its_people(
    client: FlaskClient, world: World
) -> None:
    alone = institution(name="Lonely Lighthouse")
    details = {"office": "Head", "institution": alone.id, "commitments": []}
    accepted(f"head@{alone.domains[0]}", kind=Kind.INSTITUTION, **details)
    fold()

    rows = open_page(client, world.path(f"{HOME}institutions/")).one("tbody").all("tr")

    cells = [[cell.text for cell in row.all("th", "td")] for row in rows]
    assert [cell[-1] for cell in cells] == ["2", "0"]
    assert all("Official pledge" in cell[0] for cell in cells)


def test_the_table_of_countries_counts_apart(client: FlaskClient, world: World) -> None:
    page = open_page(client, world.path(f"{HOME}countries/"))
    (row,) = page.one("tbody").all("tr")
    assert [cell.text for cell in row.all("th", "td")] == ["Kenya", "2", "1"]


# Who is shown


def test_whoever_wants_to_stay_unseen_is_seen_nowhere(client: FlaskClient, world: World) -> None:
    for path in (*PAGES, f"{HOME}signatories/?q=Hillside", f"{HOME}signatories/?country=KE"):
        main = open_page(client, world.path(path)).one("main")
        assert not re.search(r"Hidden|by nobody|hidden@", main.text), path


def test_a_representative_is_not_in_the_list_of_people(client: FlaskClient, world: World) -> None:
    page = open_page(client, world.path(f"{HOME}signatories/"))
    assert [e.text for e in page.all("p", class_="name")] == ["Listed Lakeside"]


def test_no_page_shows_an_address(client: FlaskClient, world: World) -> None:
    for path in PAGES:
        html = open_page(client, world.path(path)).html
        assert "listed@example.org" not in html, path


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=lakeside", True),
        ("q=LÄKÉ", True),
        ("q=nobody", False),
        ("q=%25", False),
        ("q=_", False),
        ("country=ke", True),
        ("country=UG", False),
        ("country=XX", True),
        ("q=lake&country=KE", True),
    ],
)
def test_searching_the_list(client: FlaskClient, world: World, query: str, found: bool) -> None:
    page = open_page(client, world.path(f"{HOME}signatories/?{query}"))
    assert page.status == 200
    assert bool(page.all("p", class_="name")) == found


def test_the_list_goes_on_where_its_page_ended(client: FlaskClient) -> None:
    for number in range(PAGE_SIZE + 2):
        pledge = confirmed(f"p{number}@example.org", name=f"Person {number:02}")
        pledge.confirmed_at = now() - timedelta(minutes=number // 3)  # some at the same moment
    jobs.commit()

    first = open_page(client, f"/en/{HOME}signatories/?q=person")
    second = open_page(client, first.one("a", rel="next").get("href"))

    names = [[e.text for e in page.all("p", class_="name")] for page in (first, second)]
    assert [len(part) for part in names] == [PAGE_SIZE, 2]
    assert len({*names[0], *names[1]}) == PAGE_SIZE + 2
    assert not second.all("a", rel="next")


@pytest.mark.parametrize(
    "cursor", ["x", "WyIyMDI2Il0.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb", "%00", "é"]
)
def test_a_forged_cursor_is_not_found(client: FlaskClient, cursor: str) -> None:
    assert client.get(f"/en/{HOME}signatories/?after={cursor}").status_code == 404


# What the pledge form asks for while somebody types


SHAPE = {"id", "name", "other_name", "city", "country", "country_name"}


def known() -> Institution:
    """An institution of the registry that came with its names."""
    registered = select(Institution).where(Institution.domains != []).order_by(Institution.id)
    return db.session.scalars(registered.limit(1)).one()


def test_searching_finds_by_name_and_tells_the_country(client: FlaskClient) -> None:
    wanted = known()
    id_, name = wanted.id, wanted.name

    answer = client.get(f"/fr/institutions/search?q={quote(name)}")

    (match,) = [m for m in answer.json["matches"] if m["id"] == id_]
    assert set(match) == SHAPE
    assert match["country_name"]


def test_a_domain_proposes_its_institution(client: FlaskClient) -> None:
    wanted = known()
    id_, domain = wanted.id, wanted.domains[0]

    answer = client.get(f"/ar/institutions/proposals?domain={domain.upper()}")

    assert id_ in [m["id"] for m in answer.json["matches"]]
    assert all(set(match) == SHAPE for match in answer.json["matches"])


ABSURD = (
    "", " ", "!!!", "a", "&|!", "x:*", "'", "\\", "\\'", "(((", "<->", "' OR 1=1 --", "%", "_", "*",
    "\0", "a\0b", "\u202e", "\u0301", "👩‍🔬", "𠮷", "🏴\U000e0067", "ﷺ" * 60, "ß" * 100, "x" * 5000,
    "a " * 100, "@", "# ", "ke ", "..", "a..b", "-.-", "xn--", "xn--a", "x." * 130, "[::1]", "gmail.com",
)  # fmt: skip


@pytest.mark.parametrize("asked", ABSURD)
def test_absurd_questions_get_calm_answers(client: FlaskClient, asked: str) -> None:
    for path in (
        f"institutions/search?q={quote(asked)}",
        f"institutions/search?q=university&country={quote(asked)}",
        f"institutions/proposals?domain={quote(asked)}",
    ):
        answer = client.get(f"/en/{path}")
        assert (answer.status_code, type(answer.json["matches"])) == (200, list)


def test_the_form_takes_as_much_as_the_search(client: FlaskClient) -> None:
    form = client.get(f"/en/{HOME}pledge/", follow_redirects=True).text
    assert re.search(rf'id="institution_query"[^>]* maxlength="{LONGEST_QUERY}"', form)


@pytest.mark.parametrize("query", ["q=%ff%fe", "q=%ED%A0%80", "q[]=x", "q=a&q=b", ""])
def test_malformed_questions_get_calm_answers(client: FlaskClient, query: str) -> None:
    for path in ("institutions/search", "institutions/proposals", f"{HOME}signatories/"):
        assert client.get(f"/en/{path}?{query}").status_code == 200


# Demonstration data


def test_every_page_says_so_while_it_holds_invented_pledges(
    client: FlaskClient, world: World
) -> None:
    pledges.add(20, now())
    jobs.commit()
    for path in (*PAGES, "nowhere"):
        assert open_page(client, world.path(path)).all("p", class_="demo"), path

    pledges.remove()
    jobs.commit()
    for path in (*PAGES, "nowhere"):
        assert not open_page(client, world.path(path)).all("p", class_="demo"), path


# The way to the reader's language


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("pt-BR, en;q=0.8", "pt"),
        ("zh-CN", "zh-Hans"),
        ("zh-TW, zh;q=0.9", "zh-Hans"),
        ("zh-TW", "en"),
        ("zh-Hant-HK, sw;q=0.1", "sw"),
        ("de, ar;q=0.5, fr;q=0.7", "fr"),
        ("sr-Latn", "en"),
        ("fr;q=0", "en"),
        ("fr;q=0, es;q=0.1", "es"),
        ("*", "en"),
        (", ;q=, --, x" * 50, "en"),
        ("en-" + "x" * 3000, "en"),
    ],
)
def test_the_front_door_leads_to_the_language_of_the_browser(
    client: FlaskClient, asked: str, offered: str
) -> None:
    answer = client.get("/", headers={"Accept-Language": asked})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/{offered}/")
    assert "Accept-Language" in answer.headers["Vary"]


def test_the_health_check_answers(client: FlaskClient) -> None:
    assert client.get("/health").text == "ok\n"
