"""The life of a pledge in its person's hands: each change, its letter, its trail, and what it may not touch."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from campaign.clock import now
from campaign.db import db
from campaign.mail.models import OutgoingEmail
from campaign.people import operations as people
from campaign.people import queries as people_queries
from campaign.people.models import Consent, Person
from campaign.pledges import operations, queries, queue, retention
from campaign.pledges.emails import code_of
from campaign.pledges.models import Kind, NotAwaiting, PledgeEvent, Status
from campaign.pledges.operations import MAX_CODE_ATTEMPTS, SupersededSubmission, WrongCode
from tests.factories import accepted, confirmed, draft, institution, policy, submitted
from tests.pledges.tools import (
    HELD,
    STRANGER,
    actions,
    ask_for_link,
    pledges,
    speaking,
    submit,
    templates,
)

pytestmark = pytest.mark.usefixtures("session")


def test_a_page_that_shows_an_earlier_form_confirms_nothing():
    pledge = submitted(name="What The Page Shows")
    shown = pledge.submission
    submit(name="What It Says Now")

    with pytest.raises(SupersededSubmission):
        operations.confirm(policy(), pledge.id, shown, now())

    assert pledge.status == Status.UNCONFIRMED


def test_confirming_makes_it_public():
    pledge = confirmed()

    assert pledge.status == Status.CONFIRMED
    assert [signatory.name for signatory in queries.signatories(pledge.campaign_id)] == [
        pledge.name
    ]
    assert actions(pledge) == ["submitted", "confirmed"]


def test_confirming_twice_is_fine_and_changes_nothing():
    pledge = confirmed()
    before = pledge.confirmed_at

    operations.confirm(policy(), pledge.id, pledge.submission, now() + timedelta(days=1))

    assert pledge.confirmed_at == before
    assert actions(pledge) == ["submitted", "confirmed"]
    assert len(people_queries.consents(pledge.person_id)) == 1


def test_a_box_left_empty_revokes_no_earlier_yes():
    pledge = confirmed(newsletter=True)

    confirmed(slug="haikou-initiative", newsletter=False)

    assert people_queries.has_consented(pledge.person_id, "newsletter")


@pytest.mark.parametrize("status", [Status.REFUSED, Status.WITHDRAWN])
def test_what_was_refused_or_withdrawn_cannot_be_confirmed(status):
    pledge = submitted()
    pledge.status = status

    with pytest.raises(NotAwaiting):
        operations.confirm(policy(), pledge.id, pledge.submission, now())


def test_consents_are_recorded_apart_with_wording_language_and_time():
    pledge = confirmed(locale="fr", newsletter=True, listed=False)

    found = {consent.purpose: consent for consent in people_queries.consents(pledge.person_id)}
    assert (found["listing"].granted, found["newsletter"].granted) == (False, True)
    for consent in found.values():
        assert consent.wording_version == people.WORDING_VERSION
        assert consent.locale == pledge.locale
        assert consent.given_at == pledge.submitted_at


def test_the_code_confirms():
    pledge = submitted()

    found = operations.confirm_by_code(
        policy(), pledge.submission, code_of(policy().signer, pledge.id), now()
    )

    assert found is pledge
    assert pledge.status == Status.CONFIRMED


def test_a_wrong_code_confirms_nothing_and_is_counted():
    pledge = submitted()

    with pytest.raises(WrongCode):
        operations.confirm_by_code(policy(), pledge.submission, "no code", now())

    assert (pledge.status, pledge.code_attempts) == (Status.UNCONFIRMED, 1)


def test_a_code_for_a_form_that_stored_nothing_is_wrong():
    """So it is where the address was known, and nobody can tell the difference."""
    confirmed()
    submission = uuid4()
    submit(id=submission)

    with pytest.raises(WrongCode):
        operations.confirm_by_code(policy(), submission, "000000", now())


def test_the_code_of_an_earlier_form_confirms_nothing():
    pledge = submitted()
    earlier = pledge.submission
    submit(name="What It Says Now")

    with pytest.raises(WrongCode):
        operations.confirm_by_code(policy(), earlier, code_of(policy().signer, pledge.id), now())


def guess_wrong(pledge, times):
    for _ in range(times):
        with pytest.raises(WrongCode):
            operations.confirm_by_code(policy(), pledge.submission, "wrong", now())


def test_after_too_many_guesses_the_right_code_is_wrong_but_the_link_works():
    pledge = submitted()
    guess_wrong(pledge, MAX_CODE_ATTEMPTS)

    with pytest.raises(WrongCode):
        operations.confirm_by_code(
            policy(), pledge.submission, code_of(policy().signer, pledge.id), now()
        )
    operations.confirm(policy(), pledge.id, pledge.submission, now())

    assert pledge.status == Status.CONFIRMED


def test_another_form_does_not_bring_new_guesses():
    pledge = submitted()
    guess_wrong(pledge, MAX_CODE_ATTEMPTS - 1)

    submit()
    guess_wrong(pledge, 1)

    assert pledge.code_attempts == MAX_CODE_ATTEMPTS
    with pytest.raises(WrongCode):
        operations.confirm_by_code(
            policy(), pledge.submission, code_of(policy().signer, pledge.id), now()
        )


def test_correcting_changes_what_is_said_and_leaves_what_was_signed():
    pledge = confirmed()
    signed, at = pledge.text_id, pledge.confirmed_at

    operations.correct(policy(), pledge, draft(name="Wanjirũ Kamau", country="UG"), "en", now())

    assert (pledge.name, pledge.name_folded, pledge.country) == (
        "Wanjirũ Kamau",
        "wanjiru kamau",
        "UG",
    )
    assert (pledge.text_id, pledge.confirmed_at, pledge.status) == (signed, at, Status.CONFIRMED)
    assert actions(pledge)[-1] == "corrected"
    assert queries.trail(pledge.id)[-1].details == {"fields": ["country", "name"]}


def test_saving_without_a_change_leaves_no_trace():
    pledge = confirmed()

    operations.correct(policy(), pledge, draft(), "en", now())

    assert actions(pledge) == ["submitted", "confirmed"]


def test_a_correction_that_lists_somebody_records_their_consent():
    pledge = confirmed(listed=False)

    operations.correct(policy(), pledge, draft(listed=True), "fr", now())

    newest = people_queries.consents(pledge.person_id)[-1]
    assert (newest.purpose, newest.granted, newest.locale) == ("listing", True, "fr")


def test_a_representative_who_moves_to_another_institution_is_held_and_told():
    pledge = accepted(**speaking(own := institution(), f"rector@{own.domains[0]}"))
    other = institution()

    operations.correct(
        policy(),
        pledge,
        draft(kind=Kind.INSTITUTION, institution=other.id, office="Rector"),
        "en",
        now(),
    )

    assert (pledge.status, pledge.hold_reasons) == (Status.HELD, ["changed"])
    assert templates()[-1] == "held"


def test_a_correction_keeps_why_a_pledge_was_held_and_tells_once():
    own = institution()
    pledge = confirmed(**speaking(own, f"rector@{own.domains[0]}"), **HELD)
    for office in ("Vice-Chancellor", "Chancellor"):
        said = draft(kind=Kind.INSTITUTION, institution=own.id, office=office)
        operations.correct(policy(), pledge, said, "en", now())

    assert pledge.hold_reasons == ["honeypot", "official", "changed"]
    assert templates().count("held") == 1


def test_a_person_who_moves_to_another_institution_stays_counted():
    pledge = confirmed(institution=institution().id)

    operations.correct(policy(), pledge, draft(institution=institution().id), "en", now())

    assert pledge.status == Status.CONFIRMED


@pytest.mark.parametrize(
    ("below", "is_own"), [("", True), ("students.", True), ("not", False), (None, False)]
)
def test_a_pledge_knows_whether_its_mailbox_is_the_institutions(below, is_own):
    own = institution()
    domain = "example.org" if below is None else f"{below}{own.domains[0]}"

    pledge = confirmed(f"wanjiru@{domain}", institution=own.id)

    assert pledge.own_mailbox is is_own


def test_a_correction_looks_at_the_mailbox_anew():
    own, other = institution(), institution()
    pledge = confirmed(f"wanjiru@{own.domains[0]}", institution=other.id)
    seen = [pledge.own_mailbox]

    for institution_id in (own.id, None, own.id, other.id):
        operations.correct(policy(), pledge, draft(institution=institution_id), "en", now())
        seen.append(pledge.own_mailbox)

    assert seen == [False, True, False, True, False]
    assert queries.trail(pledge.id)[-1].details == {"fields": ["institution_id"]}


def test_a_correction_of_something_else_leaves_what_was_noted_of_the_mailbox():
    own = institution()
    pledge = confirmed(f"wanjiru@{own.domains[0]}", institution=own.id)
    own.domains = []

    operations.correct(policy(), pledge, draft(institution=own.id, name="W. K."), "en", now())

    assert pledge.own_mailbox is True


def test_unlisting_takes_the_name_away_and_is_recorded():
    pledge = confirmed()

    operations.set_listed(pledge, False, "sw", now())
    db.session.flush()

    assert queries.signatories(pledge.campaign_id) == []
    newest = people_queries.consents(pledge.person_id)[-1]
    assert (newest.purpose, newest.granted, newest.locale) == ("listing", False, "sw")
    assert actions(pledge)[-1] == "unlisted"


def test_unlisting_twice_is_recorded_once():
    pledge = confirmed()

    operations.set_listed(pledge, False, "en", now())
    operations.set_listed(pledge, False, "en", now())

    assert actions(pledge) == ["submitted", "confirmed", "unlisted"]


def test_a_withdrawn_pledge_is_gone_from_the_list_and_keeps_its_trail():
    pledge = confirmed()

    operations.withdraw(policy(), pledge, now())

    assert pledge.status == Status.WITHDRAWN
    assert queries.signatories(pledge.campaign_id) == []
    assert actions(pledge) == ["submitted", "confirmed", "withdrawn"]
    assert templates() == ["confirm", "withdrawn"]


def test_withdrawing_twice_is_refused():
    pledge = confirmed()
    operations.withdraw(policy(), pledge, now())

    with pytest.raises(NotAwaiting):
        operations.withdraw(policy(), pledge, now())


def test_the_same_form_sent_again_after_withdrawing_can_be_confirmed_by_its_code():
    withdrawn = confirmed()
    operations.withdraw(policy(), withdrawn, now())
    submit(id=withdrawn.submission)
    again = next(pledge for pledge in pledges() if pledge is not withdrawn)

    operations.confirm_by_code(
        policy(), again.submission, code_of(policy().signer, again.id), now()
    )

    assert (again.status, withdrawn.status) == (Status.CONFIRMED, Status.WITHDRAWN)


def expire(_pledge):
    retention.forget_unconfirmed(now() + timedelta(minutes=1))


@pytest.mark.parametrize("undo", [operations.disown, expire])
def test_what_a_stranger_sends_for_one_who_withdrew_changes_nothing_and_goes(undo):
    mine = confirmed(newsletter=True, words="My words")
    operations.withdraw(policy(), mine, now())

    undo(submitted(name="A Stranger", words="Not my words", country="FR"))
    db.session.flush()

    assert pledges() == [mine]
    assert (mine.status, mine.name, mine.words) == (Status.WITHDRAWN, "Wanjiru Kamau", "My words")
    assert len(people_queries.consents(mine.person_id)) == 2


def test_who_disowns_a_pledge_leaves_nothing_but_its_trail():
    pledge = submitted()
    id_ = pledge.id

    operations.disown(pledge)

    assert pledges() == []
    assert db.session.scalars(select(Person)).all() == []
    assert [event.action for event in queries.trail(id_)] == ["submitted", "disowned"]


def test_disowning_stops_the_letters_that_are_on_their_way():
    operations.disown(submitted())

    letter = db.session.scalars(select(OutgoingEmail)).one()
    assert (letter.recipient, letter.facts) == (None, {})
    assert letter.failed_at is not None


def test_disowning_one_pledge_leaves_the_other():
    kept = confirmed(slug="haikou-initiative")

    operations.disown(submitted())

    assert pledges() == [kept]
    assert db.session.get(Person, kept.person_id) is not None


def test_a_confirmed_pledge_cannot_be_disowned():
    with pytest.raises(NotAwaiting):
        operations.disown(confirmed())


def test_erasing_leaves_no_personal_data_anywhere():
    person = confirmed(
        words="Keep our rivers clean", orcid="0000-0002-1825-0097", locale="en"
    ).person
    confirmed(slug="haikou-initiative")
    ask_for_link()

    operations.erase_person(person)

    assert db.session.scalars(select(Person)).all() == pledges() == []
    assert db.session.scalars(select(Consent)).all() == []
    for letter in db.session.scalars(select(OutgoingEmail)):
        assert (letter.recipient, letter.facts) == (None, {})


def test_the_trail_holds_no_personal_data():
    pledge = confirmed(
        words="Keep our rivers", orcid="0000-0002-1825-0097", institution_text="A Small School"
    )
    operations.correct(
        policy(), pledge, draft(name="Wangari Kamau", words="Other words"), "en", now()
    )
    operations.set_listed(pledge, False, "en", now())
    operations.withdraw(policy(), pledge, now())
    db.session.flush()

    trail = " ".join(
        f"{e.actor} {e.action} {e.details}" for e in db.session.scalars(select(PledgeEvent))
    )
    for personal in (
        "Wanjiru",
        "Wangari",
        "example.org",
        "rivers",
        "Other words",
        "0000-0002",
        "Small School",
    ):
        assert personal not in trail


def test_erasing_one_person_leaves_the_others():
    erased, kept = confirmed().person, confirmed(STRANGER)

    operations.erase_person(erased)

    assert pledges() == [kept]


def test_a_pledge_that_looks_odd_is_held_when_confirmed_and_its_person_told():
    pledge = confirmed(**HELD)

    assert (pledge.status, pledge.hold_reasons) == (Status.HELD, ["honeypot"])
    assert templates() == ["confirm", "held"]
    assert queue.held() == [pledge]
    assert queries.signatories(pledge.campaign_id) == []


@pytest.mark.parametrize(
    "domain", ["{}", "students.{}", "mail.dept.{}", "gmail.com", "{}.evil.com"]
)
def test_no_mailbox_speaks_for_an_institution_by_itself(domain):
    """A student's is below the university's domain, too."""
    own = institution()

    pledge = confirmed(**speaking(own, f"rector@{domain.format(own.domains[0])}"))

    assert (pledge.status, pledge.hold_reasons) == (Status.HELD, ["official"])
    assert queries.official_pledge(pledge.campaign_id, own.id) is None
    assert templates() == ["confirm", "held"]


def test_the_link_to_ones_own_page_goes_to_known_addresses_only():
    confirmed()

    ask_for_link()
    ask_for_link(STRANGER)

    assert templates() == ["confirm", "my_link"]
    assert len(db.session.scalars(select(Person)).all()) == 1
