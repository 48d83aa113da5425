"""Taking a pledge: what a form stores, whom it writes to, and what it may not touch."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from campaign.clock import now
from campaign.db import db
from campaign.mail.models import OutgoingEmail
from campaign.people import queries as people_queries
from campaign.people.models import Person
from campaign.pledges import operations, queries, submitting
from campaign.pledges.emails import FORM_LIFETIME, MINE, MINE_LIFETIME
from campaign.pledges.holding import SHORTEST_READING, Limits
from campaign.pledges.intake import FormUsed
from campaign.pledges.models import ReceivedForm, Status
from campaign.pledges.submission import submission_id
from tests.factories import (
    confirmed,
    context,
    institution,
    policy,
    submission,
    submitted,
    take_forms,
    text,
)
from tests.pledges.tools import (
    ADDRESS,
    STRANGER,
    actions,
    ask_for_link,
    pledges,
    speaking,
    submit,
    templates,
)

pytestmark = pytest.mark.usefixtures("session")


def test_a_submitted_pledge_waits_for_its_person_and_counts_for_nothing():
    pledge = submitted()

    assert pledge.status == Status.UNCONFIRMED
    assert pledge.confirmed_at is None
    assert templates() == ["confirm"]
    assert queries.signatories(pledge.campaign_id) == []


def test_a_pledge_points_at_the_text_and_language_that_were_shown():
    shown = text(locale="fr")

    pledge = submitted(locale="fr")

    assert (pledge.text_id, pledge.locale) == (shown.id, shown.locale)


@pytest.mark.parametrize("status", [Status.CONFIRMED, Status.HELD, Status.REFUSED])
def test_a_form_for_an_address_that_pledged_changes_nothing_but_writes_to_it(status):
    pledge = confirmed()
    pledge.status = status
    db.session.flush()

    submit(name="Somebody Else", country="FR", listed=False)

    db.session.refresh(pledge)
    assert (pledge.status, pledge.name, pledge.country, pledge.listed) == (
        status,
        "Wanjiru Kamau",
        "KE",
        True,
    )
    assert templates() == ["confirm", "known"]
    assert len(pledges()) == 1


def test_spellings_of_one_address_are_one_person():
    confirmed("Wanjiru+a@example.org")
    submit("wanjiru+b@EXAMPLE.org")

    assert len(pledges()) == len(db.session.scalars(select(Person)).all()) == 1


# Identity and mailbox: "victim+x@host", typed first by a stranger, must not take the victim's place.

ALIAS = "wanjiru+x@example.org"


def letters_to(address):
    """The e-mails queued for an address that were not called back."""
    letters = select(OutgoingEmail).where(OutgoingEmail.recipient == address)
    return db.session.scalars(letters.order_by(OutgoingEmail.id)).all()


def test_each_spelling_gets_its_own_letter_and_sees_nothing_of_the_other():
    strange, own = submitted(ALIAS, name="Somebody Else"), submitted(name="Wanjiru Kamau")

    assert strange.id != own.id
    (to_alias,), (to_owner,) = letters_to(ALIAS), letters_to(ADDRESS)
    assert (to_alias.facts["name"], to_owner.facts["name"]) == ("Somebody Else", "Wanjiru Kamau")
    for secret in ("code", "confirm_token", "my_token"):
        assert to_alias.facts[secret] != to_owner.facts[secret]


def test_the_first_spelling_to_confirm_stays_and_the_others_are_removed():
    strange, own = submitted(ALIAS), submitted()

    operations.confirm(policy(), own.id, own.submission, now())

    assert pledges() == [own]
    assert [person.address for person in db.session.scalars(select(Person))] == [ADDRESS]
    assert actions(own) == ["submitted", "confirmed"]
    assert [event.action for event in queries.trail(strange.id)] == ["submitted", "superseded"]
    assert letters_to(ALIAS) == []


def test_another_spelling_of_a_known_address_stores_nothing_and_shows_nothing_of_it():
    confirmed()

    submit(ALIAS, name="Somebody Else", slug="haikou-initiative")

    assert [pledge.name for pledge in pledges()] == ["Wanjiru Kamau"]
    assert letters_to(ALIAS) == []
    asked = letters_to(ADDRESS)[-1]
    assert (asked.template, sorted(asked.facts)) == (
        "other_spelling",
        ["campaign_slug", "campaign_title"],
    )


def test_the_link_to_ones_own_page_goes_to_the_spelling_that_was_confirmed():
    submitted(ALIAS)
    confirmed()

    ask_for_link(ALIAS)

    assert letters_to(ADDRESS)[-1].template == "my_link"
    assert letters_to(ALIAS) == []


def test_an_unconfirmed_spelling_gets_the_link_to_its_own_page_only():
    strange = submitted(ALIAS)
    submitted()

    ask_for_link(ALIAS)
    ask_for_link("wanjiru+y@example.org")

    assert [letter.template for letter in letters_to(ADDRESS)] == ["confirm"]
    assert [letter.template for letter in letters_to(ALIAS)] == ["confirm", "my_link"]
    assert signed_person(letters_to(ALIAS)[-1]) == str(strange.person_id)


def signed_person(letter):
    return policy().signer.read(MINE, letter.facts["my_token"], MINE_LIFETIME)


def test_details_do_not_use_up_the_letters_of_the_plain_address():
    for number in range(policy().mails_per_address + 3):
        submit(f"wanjiru+{number}@example.org")

    submit()

    assert [letter.template for letter in letters_to(ADDRESS)] == ["confirm"]


# A form serves one address


def test_a_form_that_came_with_one_address_takes_no_other():
    form = uuid4()
    submit(id=submission_id(form, b"first"))

    with pytest.raises(FormUsed):
        submit(STRANGER, id=submission_id(form, b"second"))


def test_a_form_that_came_with_a_known_address_takes_no_other():
    confirmed()
    form = uuid4()
    submit(id=submission_id(form, b"first"))

    with pytest.raises(FormUsed):
        submit(STRANGER, id=submission_id(form, b"second"))


def test_a_form_may_be_corrected_by_its_sender():
    form = uuid4()
    submit(id=submission_id(form, b"first"), name="Wanjiru Kamua")
    submit(id=submission_id(form, b"second"), name="Wanjiru Kamau")

    assert [pledge.name for pledge in pledges()] == ["Wanjiru Kamau"]


def test_what_was_taken_is_forgotten_but_for_its_sender_and_that_after_a_day():
    confirmed()
    submit(name="Somebody Else")

    (form,) = db.session.scalars(select(ReceivedForm)).all()
    assert (form.address, form.answers) == (None, None)

    submitting.forget_taken(now() + FORM_LIFETIME + timedelta(minutes=1))
    assert db.session.scalars(select(ReceivedForm)).all() == []


def test_a_form_that_cannot_be_taken_does_not_stop_the_others(monkeypatch):
    confirmed()
    confirmed(STRANGER)
    submitting.submit(policy(), submission(ADDRESS), now())
    submitting.submit(policy(), submission(STRANGER), now())
    first = db.session.scalars(select(ReceivedForm).order_by(ReceivedForm.received_at)).first()
    first.answers = {"not": "a pledge"}

    take_forms()

    assert (first.attempts, first.address) == (submitting.MAX_ATTEMPTS, ADDRESS)
    assert [letter.template for letter in letters_to(STRANGER)] == ["confirm", "known"]


# What is odd gets a letter without any typed word


@pytest.mark.parametrize("odd", ["honeypot", "too-fast"])
def test_a_letter_about_an_odd_form_repeats_no_typed_word(odd):
    opened = now() if odd == "too-fast" else now() - SHORTEST_READING
    signals = {"honeypot_filled": odd == "honeypot", "form_opened_at": opened}
    submit(context=context(**signals), name="Buy Pills Now")

    (letter,) = letters_to(ADDRESS)
    assert "Pills" not in str(letter.facts)


def test_a_letter_about_a_form_from_a_crowded_network_repeats_no_typed_word():
    strict = replace(policy(), limits=Limits(per_network=1, per_campus=1))
    own = institution()
    crowd = context()
    for number in range(3):
        # An institution's address frees from being held, but it is only typed so far.
        sent = submission(
            f"a{number}@{own.domains[0]}", context=crowd, institution=own.id, name="Buy Pills Now"
        )
        submitting.submit(strict, sent, now())
        while submitting.take_next(strict, now()):
            pass

    letters = db.session.scalars(select(OutgoingEmail).order_by(OutgoingEmail.id)).all()
    assert ["Pills" in str(letter.facts) for letter in letters] == [True, False, False]
    assert [pledge.hold_reasons for pledge in pledges()] == [[], [], []]


def test_a_form_sent_twice_is_one_pledge_and_one_letter():
    submission = uuid4()

    submit(id=submission)
    submit(id=submission)

    assert len(pledges()) == 1
    assert templates() == ["confirm"]
    assert actions(pledges()[0]) == ["submitted"]


def test_of_two_tabs_the_later_form_counts_and_brings_a_letter_of_its_own():
    first, second = uuid4(), uuid4()

    submit(id=first, name="First Tab")
    submit(id=second, name="Second Tab")

    (pledge,) = pledges()
    assert (pledge.name, pledge.submission) == ("Second Tab", second)
    assert templates() == ["confirm", "confirm"]


def test_one_person_can_pledge_in_both_campaigns_and_for_their_institution():
    confirmed()
    confirmed(slug="haikou-initiative")
    confirmed(**speaking(institution(), ADDRESS))

    assert len(pledges()) == 3
    assert len(db.session.scalars(select(Person)).all()) == 1


def test_nobody_has_consented_before_they_confirmed():
    pledge = submitted(newsletter=True)

    assert people_queries.consents(pledge.person_id) == []
    assert not people_queries.has_consented(pledge.person_id, "newsletter")


def test_who_withdrew_can_pledge_again():
    pledge = confirmed()
    operations.withdraw(policy(), pledge, now())

    again = confirmed(name="Wanjiru K. Kamau")

    assert again.person is pledge.person
    assert [p.name for p in queries.signatories(pledge.campaign_id)] == ["Wanjiru K. Kamau"]
    assert (pledge.status, pledge.name) == (Status.WITHDRAWN, "Wanjiru Kamau")
    assert actions(pledge) == ["submitted", "confirmed", "withdrawn"]


def test_who_withdrew_has_one_word_at_a_time_like_everybody():
    operations.withdraw(policy(), confirmed(), now())

    submit(name="First Tab")
    submit(name="Second Tab")

    assert sorted(pledge.name for pledge in pledges()) == ["Second Tab", "Wanjiru Kamau"]


def test_an_address_gets_no_more_letters_a_day_than_allowed():
    for _ in range(policy().mails_per_address + 3):
        submit()
        ask_for_link()

    assert templates().count("confirm") == policy().mails_per_address
    assert templates().count("my_link") == policy().mails_per_address


def test_after_a_day_an_address_gets_letters_again():
    for _ in range(policy().mails_per_address + 1):
        submit()
    db.session.execute(
        update(OutgoingEmail).values(
            queued_at=OutgoingEmail.queued_at - timedelta(days=1, seconds=1)
        )
    )

    submit()

    assert len(templates()) == policy().mails_per_address + 1


def test_one_address_does_not_use_up_the_letters_of_another():
    for _ in range(policy().mails_per_address + 1):
        submit()

    submit(STRANGER)

    assert (
        db.session.scalars(select(OutgoingEmail.recipient).order_by(OutgoingEmail.id)).all()[-1]
        == STRANGER
    )
