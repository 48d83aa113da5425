"""The whole path of a pledge, without JavaScript: form, mail, button or code, thanks."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner
from sqlalchemy import func, select

from campaign import jobs
from campaign.clock import now
from campaign.db import db
from campaign.institutions.models import Institution
from campaign.mail.models import OutgoingEmail
from campaign.people.models import Person
from campaign.pledges import operations, publicity, queries, reviewing
from campaign.pledges.emails import CONFIRM, FORM, MINE, SENT
from campaign.pledges.models import Kind, Pledge, Status
from campaign.staff.scopes import Scope
from tests.factories import CAMPAIGN, STAFF, confirmed, form_fields, policy, submitted, text
from tests.web.browsing import (
    FORM_PATH,
    INSTITUTION_FORM_PATH,
    LANGUAGES,
    Fields,
    Page,
    code_in,
    filled_in,
    form_token,
    letter_text,
    link_in,
    newest_letter,
    open_page,
    press,
)

ADDRESS = "wanjiru@example.org"
FORGED = "bm90aGluZw.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb"
# Every field of the form for people, with something in it that must not get lost.
EVERYTHING: Fields = {
    "website": [""],
    "name": ['Ng\'endo <wa> "Kamau" & 李'],
    "email": ["ngendo(at)example.org"],
    "affiliation": ["unlisted"],
    "institution_query": ['Chuo & "Kikuu"'],
    "institution_text": ["Chuo cha <Ndoto>"],
    "role": ["doctoral"],
    "country": ["KE"],
    "commitments": ["network", "lectures"],
    "words": ["First line.\n\n  Second <b>line</b>."],
    "disciplines": ["1.5", "5.8"],
    "orcid": ["0000-0002-1825-0098"],
    "listed": ["anonymous"],
    "newsletter": ["yes"],
}
FOR_INSTITUTION: Fields = {
    "website": [""],
    "institution_query": ["Chuo"],
    "name": ["Achieng' Otieno"],
    "office": ["Rector & <President>"],
    "email": ["rector(at)example.org"],
    "commitments": ["hosting", "open-data"],
    "letter_locale_1": ["sw"],
    "letter_1": ["Sisi, chuo kikuu.\n\nTunaahidi <b>."],
    "letter_locale_2": ["ar"],
    "letter_2": ["نحن الجامعة نتعهد."],
    "letter_locale_3": [""],
    "letter_3": [""],
    "newsletter": ["yes"],
}


@pytest.fixture
def university(session: object) -> Institution:
    """An institution of the registry with a mail domain of its own."""
    found = db.session.scalars(
        select(Institution)
        .where(Institution.domains != [], Institution.status == "active")
        .order_by(Institution.weight.desc(), Institution.id)
    ).first()
    assert found is not None
    return found


def sent(client: FlaskClient, path: str = FORM_PATH, locale: str = "en", **different: Any) -> Page:
    """The page that follows a form filled in without a mistake."""
    fields = form_fields(form_token(locale=locale)) | different
    return press(client, open_page(client, path.replace("/en/", f"/{locale}/")), fields)


def the_pledge() -> Pledge:
    return db.session.scalars(select(Pledge)).one()


def number_of(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def kept(page: Page) -> Fields:
    """What the form on the page would send again, with line ends as in Python."""
    return {
        name: [value.replace("\r\n", "\n") for value in values]
        for name, values in filled_in(page.form()).items()
        if name != "form_token"
    }


def is_told_to_be_held(page: Page, address: str) -> bool:
    """Whether page and letter say so; a pledge that counts is thanked with numbers."""
    letter = newest_letter(address)
    has_numbers = bool(page.all("ul", class_="figures"))
    return (
        page.status == 200 and not has_numbers and letter is not None and letter.template == "held"
    )


# From the form to the thanks


def test_a_pledge_is_confirmed_by_typing_the_code(client: FlaskClient) -> None:
    page = sent(client)
    assert (page.status, "/pledges/sent/" in page.path) == (200, True)

    page = press(client, page, {"code": code_in(letter_text(ADDRESS))})

    assert (page.status, "/pledges/thanks/" in page.path) == (200, True)
    assert the_pledge().status == Status.CONFIRMED


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_pledge_is_confirmed_by_the_button(client: FlaskClient, locale: str) -> None:
    sent(client, locale=locale)
    link = link_in(letter_text(ADDRESS), "/pledges/confirm/")
    assert link.startswith(f"/{locale}/")

    page = open_page(client, link)
    assert "Wanjiru Kamau" in page.text
    page = press(client, page)

    assert page.path.startswith(f"/{locale}/pledges/thanks/")
    assert (the_pledge().status, the_pledge().locale) == (Status.CONFIRMED, locale)


def test_what_was_typed_is_what_is_stored(client: FlaskClient) -> None:
    different = EVERYTHING | {"email": [ADDRESS], "orcid": ["0000-0002-1825-0097"]}
    sent(client, **different)

    pledge = the_pledge()

    assert pledge.name == EVERYTHING["name"][0]
    assert (pledge.institution_text, pledge.role) == ("Chuo cha <Ndoto>", "doctoral")
    assert (pledge.country, pledge.disciplines) == ("KE", ["1.5", "5.8"])
    assert pledge.commitments == ["network", "lectures"]
    assert pledge.words == "First line.\n\nSecond <b>line</b>."
    assert (pledge.listed, pledge.newsletter) == (False, True)


def test_the_pledge_points_at_the_text_that_was_on_the_screen(client: FlaskClient) -> None:
    sent(client, locale="sw")
    assert the_pledge().text_id == text(locale="sw").id


def test_confirming_twice_is_fine(client: FlaskClient) -> None:
    sent(client)
    page = open_page(client, link_in(letter_text(ADDRESS), "/pledges/confirm/"))
    press(client, page)
    first = the_pledge().confirmed_at

    assert press(client, page).status == 200
    assert the_pledge().confirmed_at == first


def test_the_link_of_a_confirmed_pledge_leads_to_the_thanks(client: FlaskClient) -> None:
    page = sent(client)
    link = link_in(letter_text(ADDRESS), "/pledges/confirm/")
    press(client, page, {"code": code_in(letter_text(ADDRESS))})

    assert "/pledges/thanks/" in open_page(client, link).path


def test_thanks_are_over_once_the_pledge_is_withdrawn(client: FlaskClient) -> None:
    page = press(client, sent(client), {"code": code_in(letter_text(ADDRESS))})
    operations.withdraw(policy(), the_pledge(), now())
    jobs.commit()

    assert open_page(client, page.path).status == 410


# The institution, found without a script


def test_searching_shows_matches_and_keeps_everything(
    client: FlaskClient, university: Institution
) -> None:
    name = university.name
    typed = EVERYTHING | {"institution_query": [name], "affiliation": ["institution"]}

    page = press(client, open_page(client, FORM_PATH), typed | {"action": ["find"]})

    assert (page.status, page.problems) == (200, {})
    assert university.id in [r.get("value") for r in page.all("input", name="institution")]
    assert kept(page) == typed
    assert number_of(Pledge) == 0


@pytest.mark.parametrize(
    ("path", "next_steps"),
    [
        (FORM_PATH, "choose “At an institution that the search does not find” above"),
        (INSTITUTION_FORM_PATH, "try another name or an abbreviation"),
    ],
)
def test_who_finds_no_institution_is_told_what_to_do_next(
    client: FlaskClient, path: str, next_steps: str
) -> None:
    typed = {"institution_query": "Xyzzyq", "affiliation": "institution", "action": "find"}

    page = press(client, open_page(client, path), typed)

    notices = [notice.text for notice in page.all("p", class_="notice status")]
    (notice,) = [text for text in notices if text.startswith("No institution found.")]
    assert next_steps in notice


def test_a_match_can_be_chosen_and_pledged_for(
    client: FlaskClient, university: Institution
) -> None:
    typed = {"institution_query": university.name, "action": "find", "affiliation": "institution"}
    page = press(client, open_page(client, FORM_PATH), typed)
    fields = form_fields(form_token(), affiliation="institution", role="staff")

    press(client, page, fields | {"institution": university.id})

    assert the_pledge().institution_id == university.id


def test_another_institution_can_be_searched_after_one_was_chosen(
    client: FlaskClient, university: Institution
) -> None:
    other = db.session.scalars(
        select(Institution).where(Institution.country != university.country).limit(1)
    ).one()
    typed = {"affiliation": "institution", "institution": university.id, "action": "find"}

    page = press(client, open_page(client, FORM_PATH), typed | {"institution_query": other.name})

    assert other.id in [r.get("value") for r in page.all("input", name="institution")]


def test_searching_for_nothing_keeps_the_chosen_institution(
    client: FlaskClient, university: Institution
) -> None:
    typed = {"affiliation": "institution", "institution": university.id, "action": "find"}
    page = press(client, open_page(client, FORM_PATH), typed | {"institution_query": "zzqqxxyy"})
    assert kept(page)["institution"] == [university.id]


def test_the_address_suggests_the_institution(client: FlaskClient, university: Institution) -> None:
    fields = {"email": f"someone@{university.domains[0]}", "affiliation": "institution"}
    page = press(client, open_page(client, FORM_PATH), fields | {"action": "pledge"})
    assert university.id in [r.get("value") for r in page.all("input", name="institution")]


def test_a_link_from_an_institution_fills_it_in(
    client: FlaskClient, university: Institution
) -> None:
    page = open_page(client, f"{FORM_PATH}?institution={university.id}")
    assert kept(page)["institution"] == [university.id]
    assert kept(page)["country"] == [university.country]


# Problems


@pytest.mark.parametrize(
    ("path", "typed", "wrong"),
    [
        (FORM_PATH, EVERYTHING, {"email", "orcid"}),
        (INSTITUTION_FORM_PATH, FOR_INSTITUTION, {"email", "institution_query"}),
    ],
)
def test_problems_come_back_with_everything_typed(
    client: FlaskClient, path: str, typed: Fields, wrong: set[str]
) -> None:
    page = press(client, open_page(client, path), typed | {"action": ["pledge"]})

    assert (page.status, set(page.problems)) == (422, wrong)
    assert kept(page) == typed
    assert number_of(Person) == 0


def test_everything_that_is_missing_is_said_at_once(client: FlaskClient) -> None:
    page = press(client, open_page(client, FORM_PATH), {"action": "pledge"})

    assert page.status == 422
    assert list(page.problems) == [
        "name",
        "email",
        "institution_query",
        "role",
        "country",
        "listed",
    ]


@pytest.mark.parametrize("path", [FORM_PATH, INSTITUTION_FORM_PATH])
def test_every_problem_leads_to_its_field_and_stands_beside_it(
    client: FlaskClient, path: str
) -> None:
    typed = {"orcid": "1", "words": "x" * 501, "letter_1": "x" * 5001, "commitments": "none"}
    page = press(client, open_page(client, path), typed | {"action": "pledge"})

    assert len(page.problems) >= 5
    for target, message in page.problems.items():
        assert page.ids.count(target) == 1, target
        assert page.html.count(message) >= 2, message


def test_the_title_says_that_there_is_a_problem(client: FlaskClient) -> None:
    page = press(client, open_page(client, FORM_PATH), {"action": "pledge"})
    assert page.one("title").text.startswith("Error: ")


def test_a_second_letter_in_the_same_language_is_not_lost(client: FlaskClient) -> None:
    typed = FOR_INSTITUTION | {"letter_locale_2": ["sw"]}
    page = press(client, open_page(client, INSTITUTION_FORM_PATH), typed | {"action": ["pledge"]})

    assert "letter_locale_2" in page.problems
    assert kept(page) == typed


# The form's token


def tokens(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Everything that is not the token of this form, or not any more."""
    signer = policy().signer
    with monkeypatch.context() as patch:
        patch.setattr(TimestampSigner, "get_timestamp", lambda _: int(now().timestamp()) - 90_000)
        expired = form_token()
    payload = ["00000000-0000-4000-8000-000000000000", text().id, 0]
    return {
        "missing": "",
        "forged": FORGED,
        "cut off": form_token()[:-3],
        "foreign purpose": signer.sign(MINE, payload),
        "other campaign": form_token("haikou-initiative"),
        "expired": expired,
        "no such text": signer.sign(FORM, [*payload[:1], 2_000_000_000, 0]),
    }


TOKENS = (
    "missing",
    "forged",
    "cut off",
    "foreign purpose",
    "other campaign",
    "expired",
    "no such text",
)


@pytest.mark.parametrize("kind", TOKENS)
def test_a_form_without_its_token_comes_back_complete_with_a_fresh_one(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    typed = EVERYTHING | {"email": [ADDRESS], "orcid": ["0000-0002-1825-0097"]}
    bad = {"form_token": [tokens(monkeypatch)[kind]], "action": ["pledge"]}

    page = press(client, open_page(client, FORM_PATH), typed | bad)
    assert (page.status, kept(page), number_of(Person)) == (400, typed, 0)

    assert "/pledges/sent/" in press(client, page, {"action": "pledge"}).path


def test_a_form_sent_twice_is_one_pledge_and_one_letter(client: FlaskClient) -> None:
    page, fields = open_page(client, FORM_PATH), form_fields(form_token())
    first, second = press(client, page, fields), press(client, page, fields)

    assert first.path.split(".")[0] == second.path.split(".")[0]
    assert (number_of(Pledge), number_of(OutgoingEmail)) == (1, 1)


def test_two_tabs_make_one_pledge_and_neither_confirms_unseen_what_the_other_says(
    client: FlaskClient,
) -> None:
    sent(client, name="First Tab")
    seen = open_page(client, link_in(letter_text(ADDRESS), "/pledges/confirm/"))
    sent(client, name="Second Tab")

    page = press(client, seen)
    assert (page.status, the_pledge().status) == (409, Status.UNCONFIRMED)
    assert "Second Tab" in page.text

    assert press(client, page).status == 200
    assert (the_pledge().name, the_pledge().status) == ("Second Tab", Status.CONFIRMED)


def test_a_form_sent_again_with_other_words_is_another_one(client: FlaskClient) -> None:
    """Else who went back and changed it could have somebody confirm what they never saw."""
    page, fields = open_page(client, FORM_PATH), form_fields(form_token())
    press(client, page, {**fields, "name": "What They Saw"})
    seen = open_page(client, link_in(letter_text(ADDRESS), "/pledges/confirm/"))
    press(client, page, {**fields, "name": "What It Says Now"})

    assert press(client, seen).status == 409
    assert the_pledge().status == Status.UNCONFIRMED


def test_the_code_page_of_the_first_tab_does_not_confirm_the_second(client: FlaskClient) -> None:
    first = sent(client, name="First Tab")
    sent(client, name="Second Tab")

    page = press(client, first, {"code": code_in(letter_text(ADDRESS))})

    assert (page.status, the_pledge().status) == (422, Status.UNCONFIRMED)


# The code


@pytest.mark.parametrize(
    "written",
    [
        lambda code: f" {code[:3]} {code[3:]}\n",
        lambda code: f"{code[:3]}-{code[3:]}",
        lambda code: code.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
        lambda code: code.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")),
        lambda code: code.translate(str.maketrans("0123456789", "०१२३४५६७८९")),
        lambda code: code.translate(str.maketrans("0123456789", "０１２３４５６７８９")),
        lambda code: f"\u2066{code}\u2069",
    ],
    ids=["spaces", "hyphen", "Arabic", "Urdu", "Devanagari", "full width", "isolates"],
)
def test_the_code_may_be_written_in_any_digits(client: FlaskClient, written: Any) -> None:
    page = sent(client)
    press(client, page, {"code": written(code_in(letter_text(ADDRESS)))})
    assert the_pledge().status == Status.CONFIRMED


@pytest.mark.parametrize("typed", ["", "abc", "²³¹", "000000", "1" * 100])
def test_a_wrong_code_is_told_and_may_be_mended(client: FlaskClient, typed: str) -> None:
    page = sent(client)
    code = code_in(letter_text(ADDRESS))

    wrong = press(client, page, {"code": typed if typed != code else "000001"})

    assert (wrong.status, list(wrong.problems)) == (422, ["code"])
    assert "/pledges/thanks/" in press(client, wrong, {"code": code}).path


def test_a_code_cannot_be_guessed_for_long_but_the_link_still_works(client: FlaskClient) -> None:
    page = sent(client)
    code = code_in(letter_text(ADDRESS))
    for _ in range(operations.MAX_CODE_ATTEMPTS):
        press(client, page, {"code": str((int(code) + 1) % 1_000_000).zfill(6)})

    assert press(client, page, {"code": code}).status == 422
    confirm = open_page(client, link_in(letter_text(ADDRESS), "/pledges/confirm/"))
    assert press(client, confirm).status == 200


def test_the_code_can_be_typed_as_long_as_it_is_valid(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reminder that comes days later has the code in it, too."""
    pledge, days_ago = submitted(ADDRESS), int((now() - timedelta(days=29)).timestamp())
    with monkeypatch.context() as patch:
        patch.setattr(TimestampSigner, "get_timestamp", lambda _: days_ago)
        token = policy().signer.sign(SENT, str(pledge.submission))
    jobs.commit()

    page = open_page(client, f"/en/pledges/sent/{token}/")
    press(client, page, {"code": code_in(letter_text(ADDRESS))})

    assert the_pledge().status == Status.CONFIRMED


def test_sending_the_code_field_empty_uses_up_no_attempt(client: FlaskClient) -> None:
    page = sent(client)
    for _ in range(operations.MAX_CODE_ATTEMPTS):
        press(client, page, {"code": " "})
    assert the_pledge().code_attempts == 0


# Links from the mail


def test_a_scanner_that_follows_every_link_changes_nothing(client: FlaskClient) -> None:
    sent(client)
    letter = letter_text(ADDRESS)
    before = the_pledge().status, number_of(OutgoingEmail), number_of(Person)

    for _ in range(10):
        for part in ("/pledges/confirm/", "/pledges/not-me/"):
            assert open_page(client, link_in(letter, part)).status == 200
            client.head(link_in(letter, part))

    assert (the_pledge().status, number_of(OutgoingEmail), number_of(Person)) == before


def test_it_was_not_me_removes_everything(client: FlaskClient) -> None:
    sent(client)
    letter = letter_text(ADDRESS)

    page = press(client, open_page(client, link_in(letter, "/pledges/not-me/")))

    assert (page.status, page.all("button")[1:]) == (
        200,
        [],
    )  # the only one left chooses the language
    assert (number_of(Pledge), number_of(Person)) == (0, 0)
    assert open_page(client, link_in(letter, "/pledges/confirm/")).status == 410


def test_it_was_not_me_does_not_claim_to_have_removed_a_confirmed_pledge(
    client: FlaskClient,
) -> None:
    page = sent(client)
    link = link_in(letter_text(ADDRESS), "/pledges/not-me/")
    asking = open_page(client, link)
    press(client, page, {"code": code_in(letter_text(ADDRESS))})

    for page in (press(client, asking), open_page(client, link)):
        assert page.title == asking.title
        assert page.one("main").all("a", href="/en/my/")
    assert the_pledge().status == Status.CONFIRMED


@pytest.mark.parametrize("part", ["confirm", "not-me", "sent", "thanks"])
def test_a_forged_link_is_told_to_be_invalid(client: FlaskClient, part: str) -> None:
    assert open_page(client, f"/en/pledges/{part}/{FORGED}/").status == 404


@pytest.mark.parametrize("part", ["confirm", "not-me", "thanks"])
def test_a_link_for_another_purpose_opens_nothing(client: FlaskClient, part: str) -> None:
    token = policy().signer.sign(SENT, str(submitted().id))
    assert open_page(client, f"/en/pledges/{part}/{token}/").status == 404


@pytest.mark.parametrize(("part", "purpose"), [("confirm", CONFIRM), ("sent", SENT)])
def test_an_expired_link_says_so(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, part: str, purpose: str
) -> None:
    long_ago = int((now() - timedelta(days=31)).timestamp())
    with monkeypatch.context() as patch:
        patch.setattr(TimestampSigner, "get_timestamp", lambda _: long_ago)
        token = policy().signer.sign(purpose, "00000000-0000-4000-8000-000000000000")

    page = open_page(client, f"/en/pledges/{part}/{token}/")

    assert (page.status, "expired" in page.title) == (410, True)


@pytest.mark.parametrize("typed", [{"submission": ""}, {"submission": "x"}])
def test_a_confirmation_without_its_form_is_refused_calmly(
    client: FlaskClient, typed: dict[str, str]
) -> None:
    sent(client)
    page = open_page(client, link_in(letter_text(ADDRESS), "/pledges/confirm/"))

    assert press(client, page, typed).status == 400
    assert the_pledge().status == Status.UNCONFIRMED


# Nobody learns which addresses are known


def bring_to(status: str) -> None:
    """Let the address be known, with a pledge in this state."""
    if status != "unknown":
        pledge = submitted(ADDRESS) if status == Status.UNCONFIRMED else confirmed(ADDRESS)
        if status == Status.WITHDRAWN:
            operations.withdraw(policy(), pledge, now())
        elif status != Status.UNCONFIRMED:
            pledge.status = status
    jobs.commit()


def answers(client: FlaskClient) -> list[Any]:
    """What whoever sends the form sees: the answer, the page it leads to, the answer to a wrong code."""
    fields = form_fields(form_token())
    posted = client.post(FORM_PATH, data=fields)
    location = posted.headers["Location"]
    seen = [posted, client.get(location), client.post(location, data={"code": "1"})]
    token = location.rstrip("/").rpartition("/")[2]
    return [
        (a.status, [(n, v.replace(token, "…")) for n, v in a.headers], a.text.replace(token, "…"))
        for a in seen
    ]


@pytest.mark.parametrize("status", Status)
def test_known_and_unknown_addresses_get_the_same_answers(
    client: FlaskClient, status: Status
) -> None:
    unknown = answers(client)
    db.session.query(Pledge).delete()
    db.session.query(Person).delete()
    bring_to(status)

    assert answers(client) == unknown


def test_who_has_pledged_gets_a_letter_that_says_so(client: FlaskClient) -> None:
    confirmed(ADDRESS, name="As It Was")
    jobs.commit()

    sent(client, name="Somebody Else")

    assert the_pledge().name == "As It Was"
    letter = newest_letter(ADDRESS)
    assert letter is not None
    assert letter.template == "known"


# Representatives


def for_institution(client: FlaskClient, university: Institution, address: str) -> Page:
    fields = FOR_INSTITUTION | {"institution": [university.id], "email": [address]}
    token = {"form_token": form_token(), "action": "pledge"}
    sent(client, INSTITUTION_FORM_PATH, **(fields | token))
    return press(client, open_page(client, link_in(letter_text(address), "/pledges/confirm/")))


def test_a_representative_pledges_with_letters_in_two_languages(
    client: FlaskClient, university: Institution
) -> None:
    for_institution(client, university, f"rector@{university.domains[0]}")
    reviewing.accept(policy(), the_pledge(), STAFF)
    pledge_id = the_pledge().id
    publicity.settle_words({pledge_id: queries.version_of(pledge_id)}, True, STAFF, Scope())
    jobs.commit()

    page = open_page(client, f"/en/institutions/{university.id}/")

    assert "Rector & <President>" in page.text
    for tag, letter in (("sw", "Sisi, chuo kikuu. Tunaahidi <b>."), ("ar", "نحن الجامعة نتعهد.")):
        assert letter in [" ".join(p.text for p in e.all("p")) for e in page.all("div", lang=tag)]


@pytest.mark.parametrize("domain", ["{}", "students.{}", "example.org"])
def test_a_representative_is_held_and_told_so(
    client: FlaskClient, university: Institution, domain: str
) -> None:
    address = f"rector@{domain.format(university.domains[0])}"
    page = for_institution(client, university, address)

    assert is_told_to_be_held(page, address)
    assert the_pledge().hold_reasons == ["official"]
    assert "Achieng" not in open_page(client, f"/en/institutions/{university.id}/").text


def test_one_address_may_pledge_for_a_person_and_for_an_institution(
    client: FlaskClient, university: Institution
) -> None:
    address = f"rector@{university.domains[0]}"
    sent(client, email=address)
    for_institution(client, university, address)
    assert {p.kind for p in db.session.scalars(select(Pledge))} == set(Kind)


# Held, never dropped


@pytest.mark.parametrize(
    ("reason", "different"),
    [
        ("honeypot", lambda: {"website": "https://spam.example"}),
        ("too-fast", lambda: {"form_token": form_token(age=timedelta())}),
    ],
)
def test_what_looks_like_a_machine_is_held_and_told_so(
    client: FlaskClient, reason: str, different: Any
) -> None:
    page = sent(client, **different())
    page = press(client, page, {"code": code_in(letter_text(ADDRESS))})

    assert is_told_to_be_held(page, ADDRESS)
    assert (the_pledge().status, the_pledge().hold_reasons) == (Status.HELD, [reason])


def test_a_held_pledge_is_shown_nowhere(client: FlaskClient) -> None:
    page = sent(client, website="x", name="Held Name")
    press(client, page, {"code": code_in(letter_text(ADDRESS))})

    for path in (f"/en/campaigns/{CAMPAIGN}/", f"/en/campaigns/{CAMPAIGN}/signatories/"):
        assert "Held Name" not in open_page(client, path).html
