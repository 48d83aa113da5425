"""A person's own page: asked for by mail, then seen, corrected, unlisted, withdrawn, exported, erased."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner
from sqlalchemy import select

from campaign import jobs
from campaign.clock import now
from campaign.db import db
from campaign.mail.models import OutgoingEmail
from campaign.people import queries as people_queries
from campaign.people.models import Consent, Person
from campaign.pledges.emails import CONFIRM, MINE
from campaign.pledges.models import Kind, Pledge, Status
from campaign.tallies import operations as tallies
from campaign.tallies.queries import counts
from tests.factories import CAMPAIGN, accepted, confirmed, institution, policy, submitted
from tests.web.browsing import (
    LANGUAGES,
    Page,
    filled_in,
    letter_text,
    link_in,
    newest_letter,
    open_page,
    press,
)

ADDRESS = "wanjiru@example.org"
PUBLIC_LIST = f"/en/campaigns/{CAMPAIGN}/signatories/"
NOBODY = "00000000-0000-4000-8000-000000000000"


def my_path(pledge: Pledge, locale: str = "en") -> str:
    """The address of the page of a pledge's person; what was prepared is committed for it."""
    jobs.commit()
    return f"/{locale}/my/{policy().signer.sign(MINE, str(pledge.person_id))}/"


def the_pledge() -> Pledge:
    return db.session.scalars(select(Pledge)).one()


def form_to(page: Page, ending: str) -> int:
    """Which of the page's forms is sent to an address with this ending."""
    forms = page.one("main").all("form")
    (number,) = [n for n, form in enumerate(forms) if form.get("action").endswith(ending)]
    return number


# Getting there


@pytest.mark.parametrize("locale", LANGUAGES)
def test_the_link_comes_by_mail_and_opens_the_page(client: FlaskClient, locale: str) -> None:
    confirmed(ADDRESS)
    jobs.commit()

    asked = press(client, open_page(client, f"/{locale}/my/"), {"email": f" {ADDRESS.upper()} "})
    page = open_page(client, link_in(letter_text(ADDRESS), f"/{locale}/my/"))

    assert (asked.status, page.status) == (200, 200)
    assert "Wanjiru Kamau" in page.text
    assert ADDRESS in page.text


def test_asking_answers_the_same_for_an_unknown_address(client: FlaskClient) -> None:
    confirmed(ADDRESS)
    jobs.commit()
    known, unknown = (
        client.post("/en/my/", data={"email": address}) for address in (ADDRESS, "no@example.org")
    )

    assert known.data == unknown.data
    assert (known.status, list(known.headers)) == (unknown.status, list(unknown.headers))
    assert newest_letter("no@example.org") is None


@pytest.mark.parametrize("typed", ["", "nobody", "a@b@c.org", "x" * 300 + "@example.org"])
def test_a_mistyped_address_comes_back_with_its_problem(client: FlaskClient, typed: str) -> None:
    page = press(client, open_page(client, "/en/my/"), {"email": typed})

    assert (page.status, list(page.problems)) == (422, ["email"])
    assert filled_in(page.form()) == {"email": [typed]}


def test_a_forged_link_is_not_found(client: FlaskClient) -> None:
    path = my_path(confirmed())
    assert open_page(client, path[:-2] + "/").status == 404


def test_the_link_of_a_confirmation_does_not_open_the_page(client: FlaskClient) -> None:
    token = policy().signer.sign(CONFIRM, str(confirmed().person_id))
    jobs.commit()
    assert open_page(client, f"/en/my/{token}/").status == 404


def test_an_old_link_has_expired(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(TimestampSigner, "get_timestamp", lambda _: int(now().timestamp()) - 86_500)
        path = my_path(confirmed())

    page = open_page(client, path)
    assert (page.status, "expired" in page.title) == (410, True)


def test_the_page_shows_what_happened(client: FlaskClient) -> None:
    page = open_page(client, my_path(confirmed()))
    trail = [line.text for line in page.one("ol", class_="trail").all("li")]
    assert [line.rpartition(" ")[2] for line in trail] == ["Sent", "Confirmed"]


# Correcting


def test_the_form_to_correct_holds_what_was_said(client: FlaskClient) -> None:
    pledge = confirmed(institution_text="Chuo <cha> Ndoto", role="staff", words="Two.\n\nLines.")

    page = open_page(client, f"{my_path(pledge)}pledges/{pledge.id}/")

    assert filled_in(page.form()) == {
        "name": ["Wanjiru Kamau"],
        "affiliation": ["unlisted"],
        "institution_query": [""],
        "institution_text": ["Chuo <cha> Ndoto"],
        "role": ["staff"],
        "country": ["KE"],
        "commitments": ["network", "lectures"],
        "words": ["Two.\n\nLines."],
        "disciplines": ["1.5"],
        "orcid": [""],
        "listed": ["name"],
    }


def test_a_correction_is_saved_and_shown(client: FlaskClient) -> None:
    pledge = confirmed()
    page = open_page(client, f"{my_path(pledge)}pledges/{pledge.id}/")

    page = press(client, page, {"name": "Wanjiru wa Kamau", "orcid": "0000000218250097"})

    assert page.one("div", role="status")
    assert (the_pledge().name, the_pledge().orcid) == ("Wanjiru wa Kamau", "0000-0002-1825-0097")
    assert "Wanjiru wa Kamau" in open_page(client, PUBLIC_LIST).text


def test_a_problem_in_a_correction_loses_nothing(client: FlaskClient) -> None:
    pledge = confirmed()
    page = open_page(client, f"{my_path(pledge)}pledges/{pledge.id}/")
    typed = filled_in(page.form()) | {
        "name": ["=1+1"],
        "words": ["Kept\nwords"],
        "listed": ["anonymous"],
    }

    page = press(client, page, typed)

    assert (page.status, list(page.problems)) == (422, ["name"])
    assert filled_in(page.form()) == typed
    assert the_pledge().name == "Wanjiru Kamau"


def test_searching_an_institution_saves_nothing_yet(client: FlaskClient) -> None:
    pledge = confirmed()
    page = open_page(client, f"{my_path(pledge)}pledges/{pledge.id}/")
    typed = {"name": "Another", "action": "find", "institution_query": "Nairobi"}

    page = press(client, page, typed)

    assert (page.status, filled_in(page.form())["name"]) == (200, ["Another"])
    assert the_pledge().name == "Wanjiru Kamau"


def test_a_correction_that_hides_the_name_is_a_consent_withdrawn(client: FlaskClient) -> None:
    pledge = confirmed()
    page = open_page(client, f"{my_path(pledge)}pledges/{pledge.id}/")

    press(client, page, {"listed": "anonymous"})

    assert not people_queries.has_consented(the_pledge().person_id, "listing")
    assert "Wanjiru" not in open_page(client, PUBLIC_LIST).text


def representative(**different: Any) -> Pledge:
    details: dict[str, Any] = {"office": "Rector", "disciplines": []}
    home = institution()
    address = f"rector@{home.domains[0]}"
    commitments = {"commitments": ["hosting"], "institution": home.id}
    return accepted(address, kind=Kind.INSTITUTION, **(details | commitments | different))


def test_a_representative_corrects_office_and_letters(client: FlaskClient) -> None:
    letters = {"sw": "Barua.", "ar": "رسالة."}
    pledge = representative(support_letters=letters)
    page = open_page(client, f"{my_path(pledge)}pledges/{pledge.id}/")
    written = filled_in(page.form())
    assert {written[f"letter_locale_{n}"][0]: written[f"letter_{n}"][0] for n in (1, 2)} == letters

    press(client, page, {"office": "Vice-Chancellor", "letter_1": "", "letter_2": "Barua mpya."})

    assert (the_pledge().office, list(the_pledge().support_letters.values())) == (
        "Vice-Chancellor",
        ["Barua mpya."],
    )
    assert the_pledge().status == Status.HELD  # staff accepted another letter


def test_a_representative_who_moves_to_another_institution_is_held(client: FlaskClient) -> None:
    pledge, other = representative(), institution().id
    page = open_page(client, f"{my_path(pledge)}pledges/{pledge.id}/")

    press(client, page, {"institution": other})

    assert (the_pledge().status, the_pledge().institution_id) == (Status.HELD, other)


def test_an_institution_cannot_be_unlisted(client: FlaskClient) -> None:
    """Its pledge is public as a whole; it can be withdrawn."""
    pledge = representative()
    answer = client.post(f"{my_path(pledge)}pledges/{pledge.id}/listing", data={"listed": "no"})
    assert (answer.status_code, the_pledge().listed) == (404, True)


# Listing, news, withdrawing


def test_the_name_is_taken_off_the_list_and_put_back(client: FlaskClient) -> None:
    pledge = confirmed()
    page = open_page(client, my_path(pledge))

    page = press(client, page, {"listed": "no"}, form=form_to(page, "/listing"))
    assert "Wanjiru" not in open_page(client, PUBLIC_LIST).text

    press(client, page, {"listed": "yes"}, form=form_to(page, "/listing"))
    assert "Wanjiru" in open_page(client, PUBLIC_LIST).text
    answers = [
        c.granted for c in people_queries.consents(the_pledge().person_id) if c.purpose == "listing"
    ]
    assert answers == [True, False, True]


def test_the_newsletter_is_ordered_and_stopped(client: FlaskClient) -> None:
    pledge = confirmed()
    person_id, page = pledge.person_id, open_page(client, my_path(pledge))

    page = press(client, page, {"newsletter": "yes"}, form=form_to(page, "/newsletter"))
    assert people_queries.has_consented(person_id, "newsletter")

    press(client, page, {"newsletter": "no"}, form=form_to(page, "/newsletter"))
    assert not people_queries.has_consented(person_id, "newsletter")


def test_withdrawing_asks_first(client: FlaskClient) -> None:
    pledge = confirmed()
    page = open_page(client, f"{my_path(pledge)}pledges/{pledge.id}/withdraw")
    assert (page.status, the_pledge().status) == (200, Status.CONFIRMED)


def test_a_withdrawn_pledge_is_neither_shown_nor_counted_and_keeps_its_trail(
    client: FlaskClient,
) -> None:
    pledge = confirmed()
    campaign_id = pledge.campaign_id
    page = press(client, open_page(client, f"{my_path(pledge)}pledges/{pledge.id}/withdraw"))

    tallies.fold()

    assert counts(campaign_id).people == 0
    assert "Wanjiru" not in open_page(client, PUBLIC_LIST).text
    assert "Withdrawn" in page.one("ol", class_="trail").text
    letter = newest_letter(ADDRESS)
    assert letter is not None
    assert letter.template == "withdrawn"


def test_whoever_withdrew_can_pledge_again(client: FlaskClient) -> None:
    pledge = confirmed()
    press(client, open_page(client, f"{my_path(pledge)}pledges/{pledge.id}/withdraw"))

    again = confirmed()

    assert again.status == Status.CONFIRMED
    assert again.withdrawn_at is None


# Export


def exported(client: FlaskClient, pledge: Pledge) -> dict[str, Any]:
    answer = client.get(f"{my_path(pledge)}export")
    assert answer.mimetype == "application/json"
    assert "attachment" in answer.headers["Content-Disposition"]
    return dict(json.loads(answer.text))


def test_the_export_holds_everything_that_is_kept(client: FlaskClient) -> None:
    pledge = confirmed(words="Kwa watoto.", orcid="0000-0002-1825-0097", newsletter=True)
    own = {
        "name",
        "words",
        "orcid",
        "country",
        "disciplines",
        "commitments",
        "listed",
        "newsletter",
    }
    expected = {name: getattr(pledge, name) for name in own}

    everything = exported(client, pledge)

    assert (everything["address"], everything["language"]) == (ADDRESS, "en")
    (found,) = everything["pledges"]
    assert {name: found[name] for name in own} == expected
    assert found["own_mailbox"] is False
    assert found["text"].startswith(the_pledge().text.pledge[:40])
    assert [event["action"] for event in found["trail"]] == ["submitted", "confirmed"]
    assert {(c["purpose"], c["granted"]) for c in everything["consents"]} == {
        ("listing", True),
        ("newsletter", True),
    }


def test_the_export_holds_no_keyed_hash(client: FlaskClient) -> None:
    pledge = confirmed()
    hashes = [pledge.network_hash, pledge.person.fingerprint]

    text = json.dumps(exported(client, pledge))

    for secret in hashes:
        assert secret is not None
        assert secret.hex() not in text
    assert not {"fingerprint", "network_hash", "submission", "name_folded"} & set(text.split('"'))


def test_the_export_holds_nothing_of_others(client: FlaskClient) -> None:
    confirmed("other@example.org", name="Somebody Else")
    text = json.dumps(exported(client, confirmed()))
    assert "Somebody" not in text
    assert "other@" not in text


# Erasing


def test_erasing_asks_first(client: FlaskClient) -> None:
    page = open_page(client, f"{my_path(confirmed())}erase")
    assert (page.status, the_pledge().status) == (200, Status.CONFIRMED)


def test_erasing_leaves_no_trace_but_the_trail(client: FlaskClient) -> None:
    pledge = confirmed(newsletter=True)
    campaign_id, path = pledge.campaign_id, my_path(pledge)

    page = press(client, open_page(client, f"{path}erase"))
    tallies.fold()

    assert (page.status, page.path) == (200, f"{path}erase")
    assert [db.session.scalars(select(m)).all() for m in (Person, Pledge, Consent)] == [[], [], []]
    assert counts(campaign_id).people == 0
    assert "Wanjiru" not in open_page(client, PUBLIC_LIST).text


def test_erasing_takes_back_letters_that_were_not_sent(client: FlaskClient) -> None:
    path = my_path(confirmed())
    press(client, open_page(client, f"{path}erase"))
    assert not [letter for letter in db.session.scalars(select(OutgoingEmail)) if letter.recipient]


@pytest.mark.parametrize("part", ["", "export", "erase", f"pledges/{NOBODY}/"])
def test_the_link_leads_nowhere_after_erasing(client: FlaskClient, part: str) -> None:
    path = my_path(confirmed())
    press(client, open_page(client, f"{path}erase"))
    assert open_page(client, path + part).status == 410


def test_erasing_twice_is_told_to_be_over(client: FlaskClient) -> None:
    page = open_page(client, f"{my_path(confirmed())}erase")
    press(client, page)
    assert press(client, page).status == 410


# Whose pledge it is

PARTS = ("", "withdraw", "listing")


@pytest.mark.parametrize("part", PARTS)
def test_a_pledge_of_somebody_else_is_not_found(client: FlaskClient, part: str) -> None:
    foreign, mine = confirmed("other@example.org"), confirmed()
    id_ = foreign.id

    answer = client.post(f"{my_path(mine)}pledges/{id_}/{part}", data={"listed": "no"})

    assert answer.status_code == 404
    found = db.session.get_one(Pledge, id_)
    assert (found.status, found.listed) == (Status.CONFIRMED, True)


@pytest.mark.parametrize("part", PARTS)
def test_a_pledge_that_does_not_count_cannot_be_changed(client: FlaskClient, part: str) -> None:
    pledge = submitted()
    assert client.post(f"{my_path(pledge)}pledges/{pledge.id}/{part}").status_code == 404
