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
from campaign.people.rules import parse_address
from campaign.pledges import operations, queries, retention, submitting
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

    forms = db.session.scalars(select(ReceivedForm)).all()
    assert [(form.address, form.answers) for form in forms] == [(None, None)] * 2

    submitting.forget_forms(now() + FORM_LIFETIME + timedelta(minutes=1))
    assert db.session.scalars(select(ReceivedForm)).all() == []


def test_a_form_that_cannot_be_taken_does_not_stop_the_others(monkeypatch):
    confirmed()
    confirmed(STRANGER)
    submitting.submit(policy(), submission(ADDRESS), now())
    submitting.submit(policy(), submission(STRANGER), now())
    first = db.session.scalars(select(ReceivedForm).where(ReceivedForm.address == ADDRESS)).one()
    first.answers = {"submission": "broken"}

    take_forms()

    assert (first.attempts, first.address) == (1, ADDRESS)
    assert first.due_at > now()
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


# What broke in a review, and must not again


def break_form():
    """Make the form that waits one that cannot be taken."""
    form = db.session.scalars(select(ReceivedForm).where(ReceivedForm.address.is_not(None))).one()
    form.answers = {"submission": "broken"}


def test_a_form_may_be_corrected_more_than_five_times():
    form = uuid4()
    for number in range(8):
        submit(id=submission_id(form, b"%d" % number), name=f"Wanjiru {number}")

    assert [pledge.name for pledge in pledges()] == ["Wanjiru 7"]
    assert set(db.session.scalars(select(ReceivedForm.address))) == {None}


def test_a_form_that_failed_is_taken_when_it_is_sent_again():
    confirmed()
    form = uuid4()
    submitting.submit(policy(), submission(ADDRESS, id=submission_id(form, b"1")), now())
    break_form()
    take_forms()

    submit(id=submission_id(form, b"2"))

    assert templates() == ["confirm", "known"]


def test_erasing_takes_forms_that_failed_along():
    pledge = confirmed()
    submitting.submit(policy(), submission(ADDRESS), now())
    break_form()
    take_forms()

    operations.erase_person(pledge.person)

    db.session.expire_all()
    assert ADDRESS not in db.session.scalars(select(ReceivedForm.address)).all()


def test_a_form_that_failed_is_forgotten_in_the_end():
    confirmed()
    submitting.submit(policy(), submission(ADDRESS), now())
    break_form()
    take_forms()
    submitting.forget_forms(now() + timedelta(days=365))
    assert db.session.scalars(select(ReceivedForm)).all() == []


def test_links_to_addresses_that_never_confirmed_are_paced_as_well():
    crowd = context()
    for number in range(4):
        submit(f"victim{number}@example.org", context=crowd, name="Buy Pills Now")
        for _ in range(5):
            ask_for_link(f"victim{number}@example.org")

    links = db.session.scalars(
        select(OutgoingEmail).where(OutgoingEmail.template == "my_link")
    ).all()
    assert [letter.network_hash is not None for letter in links] == [True] * len(links)


def test_later_letters_about_a_form_of_a_crowded_network_repeat_no_typed_word_either():
    strict = replace(policy(), limits=Limits(per_network=1, per_campus=1))
    own, crowd = institution(), context()
    address = f"victim@{own.domains[0]}"
    for who in (f"first@{own.domains[0]}", address):
        sent = submission(who, context=crowd, institution=own.id, name="Buy Pills Now")
        submitting.submit(strict, sent, now())
        while submitting.take_next(strict, now()):
            pass
    submitting.ask_for_my_link(strict, parse_address(address), "en", b"n")
    while submitting.take_next(strict, now()):
        pass
    retention.remind(strict, now() + retention.REMINDER_AFTER + timedelta(hours=1))

    letters = db.session.scalars(
        select(OutgoingEmail).where(OutgoingEmail.recipient == address).order_by(OutgoingEmail.id)
    ).all()
    assert {m.template: "Pills" in str(m.facts) for m in letters} == {
        "confirm": False,
        "my_link": False,
        "reminder": False,
    }


def test_reminders_to_addresses_that_never_answered_are_paced():
    submitted()
    retention.remind(policy(), now() + retention.REMINDER_AFTER + timedelta(hours=1))
    reminder = db.session.scalar(select(OutgoingEmail).where(OutgoingEmail.template == "reminder"))
    assert reminder.network_hash is not None


def test_what_was_queued_before_the_deploy_is_called_back_when_its_person_is_erased():
    pledge = confirmed("wanjiru+a@example.org")
    # as the old code queued it
    db.session.execute(update(OutgoingEmail).values(recipient_hash=pledge.person.fingerprint))
    operations.erase_person(pledge.person)
    db.session.expire_all()
    assert db.session.scalars(select(OutgoingEmail.recipient)).all() == [None]


@pytest.mark.parametrize("is_known", [True, False])
def test_a_form_tells_nobody_whether_the_address_it_came_with_first_was_known(is_known):
    if is_known:
        confirmed()
    form = uuid4()
    submit(id=submission_id(form, b"first"))
    submit()  # another form for the same address
    with pytest.raises(FormUsed):
        submit(STRANGER, id=submission_id(form, b"of the attacker"))


@pytest.mark.parametrize("is_known", [True, False])
def test_ones_own_letter_tells_nobody_whether_another_address_was_known(is_known):
    if is_known:
        confirmed()
    strict = replace(policy(), limits=Limits(per_network=2, per_campus=500))
    network = context()
    for who in ("mine1@example.org", ADDRESS, "mine2@example.org"):
        submitting.submit(strict, submission(who, context=network, name="Mallory"), now())
        while submitting.take_next(strict, now()):
            pass
    letter = db.session.scalar(
        select(OutgoingEmail).where(OutgoingEmail.recipient == "mine2@example.org")
    )
    assert letter.facts["name"] == ""


def test_a_form_used_for_oneself_and_then_for_the_institution_is_taken():
    own = institution()
    form = uuid4()
    submit(id=submission_id(form, b"1"))
    submit(id=submission_id(form, b"2"), **speaking(own, ADDRESS))
    assert len(pledges()) == 2
