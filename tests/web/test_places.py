"""Pages of countries, regions and institutions: what they count, list, lead to, and leave unsaid."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import text, update

from campaign import geography, jobs
from campaign.clock import now
from campaign.db import db
from campaign.institutions import logos
from campaign.institutions.models import Institution
from campaign.institutions.operations import import_dump
from campaign.pledges.models import Kind, Pledge
from campaign.pledges.queries import PAGE_SIZE, signatories
from campaign.staff.scopes import EVERYTHING
from campaign.tallies import operations as tallies
from campaign.tallies.publishing import publish
from tests import factories
from tests.factories import STAFF, accepted, confirmed, institution
from tests.institutions.dumps import record, write_json
from tests.web.browsing import Page, open_page

FIRST, SECOND = "heart-of-science", "haikou-initiative"


def campaign_id() -> int:
    return factories.text().campaign_id


def people(number: int, country: str = "KE", **different: object) -> None:
    for index in range(number):
        details = {"name": f"Person {index:02}", "country": country} | different
        who = f"{country}-{details.get('institution', '')}-{details['name']}"
        confirmed(f"{who}@example.org".lower().replace(" ", "-"), **details)


def fold() -> None:
    tallies.fold_all()
    publish(now())
    jobs.commit()


def names(page: Page) -> list[str]:
    return [e.text for e in page.all("p", class_="name")]


def rows(page: Page) -> list[list[str]]:
    lines = page.one("tbody").all("tr")
    return [
        [
            line.all("bdi")[0].text,
            line.all("td")[0].text,
            *(b.text for b in line.all("span", class_="badge")),
        ]
        for line in lines
    ]


def standings(page: Page) -> list[str]:
    return [e.text for box in page.all("div", class_="standings") for e in box.all("li")]


# Every place has a page


def test_every_country_has_a_page(client: FlaskClient) -> None:
    assert len(geography.COUNTRIES) == 250
    for code in geography.COUNTRIES:
        page = open_page(client, f"/en/countries/{code}/")
        assert (page.status, page.title) == (200, geography.country_name(code, "en"))
        assert "The first light can be yours" in page.one("main").text


@pytest.mark.parametrize("code", sorted(geography.REGIONS))
def test_every_region_has_a_page_with_its_countries(client: FlaskClient, code: str) -> None:
    page = open_page(client, f"/fr/regions/{code}/")
    links = {e.get("href") for e in page.one("main").all("a")}
    members = {c for c, regions in geography.COUNTRIES.items() if code in regions}
    assert page.title == geography.region_name(code, "fr")
    assert {f"/fr/countries/{member}/" for member in members} <= links


def test_the_list_of_countries_leads_to_all_of_them(client: FlaskClient) -> None:
    people(2, "KE")
    fold()
    page = open_page(client, "/ar/countries/")
    links = {e.get("href") for e in page.one("main").all("a")}
    assert {f"/ar/countries/{code}/" for code in geography.COUNTRIES} <= links
    assert {"/ar/regions/002/", "/ar/regions/014/"} <= links
    (lit,) = page.all("li", class_="lit")
    assert lit.all("span", class_="count")[0].text == "2"


@pytest.mark.parametrize(
    "path",
    [
        "regions/001/", "regions/14/", "regions/xxx/", "regions/014/qr.png", "countries/XX/signatories/",
        "countries/XX/card.png", "countries/XX/qr.svg", "institutions/000000000/signatories/",
        "institutions/000000000/card.png", "institutions/{home}/institutions/", "planets/KE/card.png",
        "countries/KE/signatories/?campaign=nothing", "countries/KE/signatories/?after=forged",
        "countries/KE/institutions/?page=0", "countries/KE/institutions/?page=1001",
        "countries/KE/institutions/?page=abc", "countries/KE/institutions/?page=01",
        "countries/KE/institutions/?campaign=nothing",
    ],
)  # fmt: skip
def test_what_is_no_place_is_not_found(client: FlaskClient, path: str) -> None:
    home = institution().id
    jobs.commit()
    assert client.get(f"/en/{path.format(home=home)}").status_code == 404


@pytest.mark.parametrize("below", ["", "signatories/", "institutions/", "card.png", "qr.svg"])
def test_small_letters_lead_to_the_country(client: FlaskClient, below: str) -> None:
    answer = client.get(f"/sw/countries/ke/{below}")
    assert (answer.status_code, answer.location) == (301, f"/sw/countries/KE/{below}")


def test_who_is_led_elsewhere_keeps_their_search_and_page(client: FlaskClient) -> None:
    home = institution().id
    gone = institution(status="inactive", successor_id=home).id
    jobs.commit()
    for old, new, query in (
        (
            "countries/ke/institutions",
            "countries/KE/institutions",
            "q=na%C3%AFve+ke&page=2&_anchor=x",
        ),
        ("countries/ke/signatories", "countries/KE/signatories", "after=x&campaign=code&q=a&q=b"),
        (f"institutions/{gone}/signatories", f"institutions/{home}/signatories", "q=wu"),
    ):
        answer = client.get(f"/fr/{old}/?{query}")
        assert (answer.status_code, answer.location) == (301, f"/fr/{new}/?{query}")


@pytest.mark.parametrize("below", ["", "signatories/", "card.png", "qr.svg"])
def test_what_is_below_a_merged_institution_leads_to_its_successor(
    client: FlaskClient, below: str
) -> None:
    home = institution().id
    gone = institution(status="inactive", successor_id=home).id
    jobs.commit()
    answer = client.get(f"/fr/institutions/{gone}/{below}")
    assert (answer.status_code, answer.location) == (301, f"/fr/institutions/{home}/{below}")


# What they count


def test_a_region_counts_its_countries(client: FlaskClient) -> None:
    home = institution(country="UG").id
    people(3, "KE")
    people(2, "UG", institution=home)
    people(4, "FR")
    fold()

    figures = open_page(client, "/en/regions/014/").all("ul", class_="figures")[0]

    assert [line.text for line in figures.all("li")][:2] == [
        "5 people have pledged",
        "1 institution where people have pledged",
    ]


@pytest.mark.parametrize("path", ["countries/KE", "regions/202", "institutions/{home}"])
def test_commitments_are_those_of_the_place(client: FlaskClient, path: str) -> None:
    """In fives: eleven and six of sixteen."""
    home = institution().id
    people(10, "KE", institution=home, commitments=["network"])
    people(1, "KE", institution=home, name="Other", commitments=["network", "lectures"])
    for number in range(5):
        people(1, "KE", institution=home, name=f"Else {number}", commitments=["lectures"])
    people(5, "FR", commitments=["lectures"])
    fold()

    page = open_page(client, f"/en/{path.format(home=home)}/")
    bars = page.all("ul", class_="bars")[0].all("li")

    sentences = dict(factories.text().commitments)
    counts = {sentences["network"]: "10", sentences["lectures"]: "5"}
    assert {bar.all("span")[0].text: bar.all("span")[-1].text for bar in bars} == counts


def test_months_begin_with_the_first_pledge(client: FlaskClient) -> None:
    people(12, "KE")
    for pledge in db.session.query(Pledge).limit(6):
        pledge.confirmed_at = now() - timedelta(days=70)
    fold()
    first = now() - timedelta(days=70)
    between = (now().year - first.year) * 12 + now().month - first.month - 1

    for path in ("countries/KE", "regions/014"):
        months = open_page(client, f"/en/{path}/").one("ol", class_="months").all("li")
        shown = [month.text.partition(": ")[2] for month in months]
        assert shown == ["5", *["0"] * between, "5"]


@pytest.mark.parametrize("place", ["countries/KE", "regions/202", "institutions/{home}"])
@pytest.mark.parametrize(("number", "is_shown"), [(3, False), (12, True)])
def test_too_few_people_are_counted_and_not_described(
    client: FlaskClient, place: str, number: int, is_shown: bool
) -> None:
    home = institution().id
    people(number - 1, "KE", institution=home, commitments=["network"])
    people(1, "KE", institution=home, name="Other", commitments=["lectures"])
    fold()

    page = open_page(client, f"/en/{place.format(home=home)}/").one("main")

    sentences = dict(factories.text().commitments)
    assert "groups of at least five people" in page.text
    assert f"{number} people have pledged" in page.text
    assert (sentences["network"] in page.text) == is_shown
    assert sentences["lectures"] not in page.text


# Ranks


def test_a_rank_is_told_from_five_pledges_on_and_among_enough_others(client: FlaskClient) -> None:
    for country, number in {"KE": 6, "FR": 5, "UG": 4, "DE": 1}.items():
        people(number, country)
    fold()

    def told(country: str) -> list[str]:
        return standings(open_page(client, f"/en/countries/{country}/"))

    assert told("KE") == ["World: place 1 of 4 countries and territories"]
    assert told("FR") == ["World: place 2 of 4 countries and territories"]
    assert told("UG") == told("AQ") == []


def test_equal_numbers_share_a_place(client: FlaskClient) -> None:
    for country in ("KE", "FR", "DE", "UG"):
        people(5, country)
    fold()
    page = open_page(client, "/en/countries/FR/")
    assert standings(page) == ["World: place 1 of 4 countries and territories (shared)"]


def test_nobody_is_told_to_be_last(client: FlaskClient) -> None:
    for extra, country in enumerate(("AQ", "FR", "DE", "KE")):
        people(5 + extra, country)
    fold()
    page = open_page(client, "/en/countries/AQ/")
    assert standings(page) == ["World: one of 4 countries and territories with lights"]


def test_an_institution_stands_among_those_of_its_country(client: FlaskClient) -> None:
    ids = [institution().id for _ in range(4)]
    abroad = institution(country="FR").id
    for extra, id_ in enumerate(ids):
        people(5 + extra, "KE", institution=id_)
    people(9, "FR", institution=abroad)
    fold()
    page = open_page(client, f"/en/institutions/{ids[2]}/")
    assert standings(page) == ["Kenya: place 2 of 4 institutions"]


# Who is listed


def test_a_list_holds_the_people_of_its_place_and_campaign(client: FlaskClient) -> None:
    home = institution().id
    confirmed("a@example.org", name="At Home", institution=home)
    confirmed("b@example.org", name="In Uganda", country="UG")
    confirmed("c@example.org", name="In France", country="FR")
    confirmed("d@example.org", name="Other Campaign", slug=SECOND, institution=home)
    confirmed("e@example.org", name="Unseen", listed=False, institution=home)
    fold()

    def listed(path: str) -> set[str]:
        return set(names(open_page(client, f"/en/{path}")))

    assert listed(f"institutions/{home}/signatories/") == {"At Home"}
    assert listed("countries/KE/signatories/") == {"At Home"}
    assert listed("regions/014/signatories/") == {"At Home", "In Uganda"}
    assert listed(f"countries/KE/signatories/?campaign={SECOND}") == {"Other Campaign"}
    assert listed("regions/014/signatories/?q=uganda") == {"In Uganda"}
    assert listed("countries/KE/signatories/?q=unseen") == set()


@pytest.mark.parametrize("place", ["countries/KE", "regions/014", "institutions/{home}"])
def test_a_list_goes_on_where_its_page_ended(client: FlaskClient, place: str) -> None:
    home = institution().id
    for number in range(PAGE_SIZE + 2):
        pledge = confirmed(f"p{number}@example.org", name=f"Person {number:02}", institution=home)
        pledge.confirmed_at = now() - timedelta(minutes=number // 3)  # some at the same moment
    jobs.commit()

    first = open_page(client, f"/en/{place.format(home=home)}/signatories/?campaign={FIRST}")
    second = open_page(client, first.one("a", rel="next").get("href"))

    assert [len(names(page)) for page in (first, second)] == [PAGE_SIZE, 2]
    assert len({*names(first), *names(second)}) == PAGE_SIZE + 2
    assert second.one("meta", name="robots").get("content") == "noindex"


@pytest.mark.parametrize(
    ("typed", "found"), [("wu", True), ("i", False), ("ong", True), ("on", False), ("伟", False)]
)
def test_few_letters_are_looked_for_where_a_word_begins(
    session: object, typed: str, found: bool
) -> None:
    confirmed(name="Mei Wu Long")
    assert bool(signatories(campaign_id(), name=typed)) == found


def test_a_given_name_of_one_character_is_found(session: object) -> None:
    confirmed(name="王小伟")
    assert signatories(campaign_id(), country="KE", name="伟")


_MANY = """
    WITH added AS (
        INSERT INTO people (id, fingerprint, mailbox, address, locale)
        SELECT md5('p' || i)::uuid, sha256(('many ' || i)::bytea), i || '@example.org', i || '@example.org', 'en'
        FROM generate_series(1, 6000) AS i RETURNING id)
    INSERT INTO pledges (id, campaign_id, person_id, kind, text_id, status, hold_reasons, submission, code_attempts,
        name, name_folded, institution_id, support_letters, country, disciplines, commitments, listed, newsletter,
        locale, is_demo, submitted_at, confirmed_at)
    SELECT md5('q' || i)::uuid, :campaign_id, md5('p' || i)::uuid, 'person', :text_id, 'confirmed', '{}',
        md5('q' || i)::uuid, 0, 'Scientist ' || i, 'scientist ' || i, :home, '{}', 'KE', '{}', '{}', true, false,
        'en', false, at, at
    FROM generate_series(1, 6000) AS i, LATERAL (SELECT now() - random() * interval '9 days' AS at) AS times"""


@pytest.mark.parametrize("place", ["country", "countries", "institution_id"])
def test_a_page_of_a_long_list_reads_no_more_than_a_page(session: object, place: str) -> None:
    """Read in the order of an index: as fast at 100,000 names as at 6,000."""
    home, shown = institution().id, factories.text()
    facts = {"home": home, "campaign_id": shown.campaign_id, "text_id": shown.id}
    db.session.execute(text(_MANY), facts)
    db.session.execute(text("ANALYZE pledges"))
    among = {place: {"country": "KE", "countries": ["KE", "UG"], "institution_id": home}[place]}
    first = signatories(shown.campaign_id, **among, limit=51)  # type: ignore[arg-type]
    before = (first[-1].confirmed_at, first[-1].id)

    db.session.execute(text("SET LOCAL enable_seqscan = on"))
    fetched = _rows_fetched()
    signatories(shown.campaign_id, **among, before=before, limit=51)  # type: ignore[arg-type]

    assert _rows_fetched() - fetched < 500


def _rows_fetched() -> int:
    found = db.session.scalar(
        text(
            "SELECT pg_stat_get_xact_tuples_returned('pledges'::regclass)"
            " + pg_stat_get_xact_tuples_fetched('pledges'::regclass)"
        )
    )
    return int(found or 0)


# Institutions of a place


def test_institutions_of_a_country_come_by_their_people(client: FlaskClient) -> None:
    large, small = institution(name="Large").id, institution(name="Small").id
    silent = institution(name="Silent")
    abroad = institution(name="Abroad", country="FR").id
    people(2, institution=large)
    people(1, institution=small)
    people(3, "FR", institution=abroad)
    officially = {"office": "Head", "institution": silent.id, "commitments": []}
    accepted(f"head@{silent.domains[0]}", kind=Kind.INSTITUTION, **officially)
    fold()

    page = open_page(client, "/en/countries/KE/institutions/")

    assert rows(page) == [["Large", "2"], ["Small", "1"], ["Silent", "0", "Official pledge"]]
    assert len(rows(open_page(client, "/en/regions/150/institutions/"))) == 1


def test_any_institution_of_the_country_is_found(client: FlaskClient) -> None:
    known = db.session.query(Institution).filter_by(country="KE", status="active").first()
    assert known is not None
    page = open_page(client, f"/en/countries/KE/institutions/?q={known.name}")
    assert [known.name, "0"] in rows(page)
    assert page.one("meta", name="robots").get("content") == "noindex"
    elsewhere = open_page(client, f"/en/countries/FR/institutions/?q={known.name}")
    assert known.name not in [e.text for e in elsewhere.all("th")]


def test_who_finds_no_institution_is_told_what_to_do_next(client: FlaskClient) -> None:
    page = open_page(client, "/en/countries/KE/institutions/?q=Xyzzyq")
    (notice,) = page.all("p", class_="notice")
    assert "Kenya: no institution found." in notice.text
    targets = [link.get("href") for link in notice.all("a")]
    assert targets == ["/en/countries/", f"/en/campaigns/{FIRST}/pledge/"]


def test_the_release_of_the_registry_is_named_where_institutions_are_listed(
    client: FlaskClient, tmp_path: Path
) -> None:
    paths = ("about/", f"campaigns/{FIRST}/institutions/", "countries/KE/institutions/")
    named = "Registry: ROR, version 2.9 of June 23, 2026 (CC0)."
    for path in paths:
        assert "Registry: ROR" not in open_page(client, f"/en/{path}").text

    import_dump(write_json(tmp_path / "v2.9-2026-06-23-ror-data.json", [record(1)]))
    jobs.commit()

    for path in paths:
        assert named in open_page(client, f"/en/{path}").text


def test_the_list_of_institutions_has_pages(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaign.web.place_lists.PER_PAGE", 2)
    for _ in range(3):
        people(1, institution=institution().id)
    fold()

    first = open_page(client, "/en/countries/KE/institutions/")
    second = open_page(client, first.one("a", rel="next").get("href"))

    assert [len(rows(page)) for page in (first, second)] == [2, 1]
    canonical = second.one("link", rel="canonical").get("href")
    assert canonical == f"http://localhost/en/countries/KE/institutions/?campaign={FIRST}&page=2"


# The institution's own word


def official(letters: dict[str, str]) -> str:
    home = institution()
    pledge = accepted(
        f"rector@{home.domains[0]}",
        kind=Kind.INSTITUTION,
        name="Rector Riverside",
        office="Rector",
        institution=home.id,
        commitments=[],
        support_letters=letters,
    )
    pledge.words_approved = True
    fold()
    return home.id


def test_the_letter_in_the_language_of_the_reader_comes_first(client: FlaskClient) -> None:
    home = official({"en": "In English.", "fr": "En français.", "sw": "Kwa Kiswahili."})
    page = open_page(client, f"/fr/institutions/{home}/").one("main")
    (letter,) = page.all("div", class_="letter")
    assert "En français." in letter.text
    assert [fold_.all("p")[0].text for fold_ in page.all("details")] == [
        "In English.",
        "Kwa Kiswahili.",
    ]


def test_who_cannot_read_any_letter_sees_the_english_one_in_its_direction(
    client: FlaskClient,
) -> None:
    home = official({"en": "In English.", "sw": "Kwa Kiswahili."})
    page = open_page(client, f"/ar/institutions/{home}/").one("main")
    (letter,) = page.all("div", class_="letter")
    assert (letter.get("lang"), letter.get("dir")) == ("en", "ltr")


def test_a_name_full_of_markup_stays_a_name(client: FlaskClient) -> None:
    evil = "</script><script>alert(1)</script>"
    home = institution(name=evil, city=evil).id
    db.session.execute(update(Institution).where(Institution.id == home).values(aliases=[evil]))
    jobs.commit()
    page = open_page(client, f"/en/institutions/{home}/")
    assert "<script>alert" not in page.html
    assert page.title == evil


def test_a_logo_is_shown_at_once_and_kept_by_browsers_under_its_digest(client: FlaskClient) -> None:
    own = institution(name="Lake University")
    own_id = own.id
    jobs.commit()
    path = f"/en/institutions/{own_id}/"
    assert "logos/" not in client.get(path).text
    stream = io.BytesIO()
    Image.new("RGB", (40, 20), "green").save(stream, "PNG")
    logos.put(own, stream.getvalue(), STAFF, EVERYTHING)
    jobs.commit()
    client.application.extensions["response_cache"].clear()  # or wait for a second

    shown = open_page(client, path).one("img", class_="logo")
    answer = client.get(shown.get("src"))

    assert (shown.get("alt"), shown.get("width")) == ("Logo of Lake University", "40")
    assert (answer.mimetype, answer.data[:4]) == ("image/png", b"\x89PNG")
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/logos/0.png").status_code == 404
