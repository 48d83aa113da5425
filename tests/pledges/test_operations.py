"""What can happen to a pledge: each change, its letter, the trail it leaves, and what it may not touch."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from campaign.clock import now
from campaign.db import db
from campaign.mail.models import OutgoingEmail
from campaign.people import operations as people
from campaign.people.models import Consent, Person
from campaign.people.rules import parse_address
from campaign.pledges import operations, queries
from campaign.pledges.emails import code_of
from campaign.pledges.models import Kind, Pledge, PledgeEvent, Status
from campaign.pledges.operations import (
    MAX_CODE_ATTEMPTS,
    NotAwaiting,
    SupersededSubmission,
    WrongCode,
)
from tests.factories import circumstances, confirmed, draft, institution, policy, submitted, text

pytestmark = pytest.mark.usefixtures("session")

ADDRESS = "wanjiru@example.org"
STRANGER = "grace@another.org"
HELD = {"circumstances": circumstances(honeypot_filled=True)}


def submit(address=ADDRESS, submission=None, **different):
    given = {"circumstances": different.pop("circumstances", circumstances())}
    operations.submit(
        policy(), draft(**different), parse_address(address), text(), submission or uuid4(), **given,
        locale="en", newsletter=False, now=now(),
    )  # fmt: skip


def templates():
    """Which letters were queued, oldest first."""
    return list(db.session.scalars(select(OutgoingEmail.template).order_by(OutgoingEmail.id)))


def actions(pledge):
    return [event.action for event in queries.trail(pledge.id)]


def pledges():
    return db.session.scalars(select(Pledge)).all()


def speaking(for_institution, address, **different):
    """Fields of a representative's pledge."""
    return {
        "address": address, "kind": Kind.INSTITUTION, "institution": for_institution.id, "office": "Rector",
        "country": for_institution.country, "commitments": [], "disciplines": [],
    } | different  # fmt: skip


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
    submitted("Wanjiru+a@example.org")
    submit("wanjiru+b@EXAMPLE.org")

    assert len(pledges()) == len(db.session.scalars(select(Person)).all()) == 1


def test_a_form_sent_twice_is_one_pledge_and_one_letter():
    submission = uuid4()

    submit(submission=submission)
    submit(submission=submission)

    assert len(pledges()) == 1
    assert templates() == ["confirm"]
    assert actions(pledges()[0]) == ["submitted"]


def test_of_two_tabs_the_later_form_counts_and_brings_a_letter_of_its_own():
    first, second = uuid4(), uuid4()

    submit(submission=first, name="First Tab")
    submit(submission=second, name="Second Tab")

    (pledge,) = pledges()
    assert (pledge.name, pledge.submission) == ("Second Tab", second)
    assert templates() == ["confirm", "confirm"]


def test_a_page_that_shows_an_earlier_form_confirms_nothing():
    pledge = submitted(name="What The Page Shows")
    shown = pledge.submission
    submit(name="What It Says Now")

    with pytest.raises(SupersededSubmission):
        operations.confirm(policy(), pledge, shown, now())

    assert pledge.status == Status.UNCONFIRMED


def test_one_person_can_pledge_in_both_campaigns_and_for_their_institution():
    confirmed()
    confirmed(slug="haikou-initiative")
    confirmed(**speaking(institution(), ADDRESS))

    assert len(pledges()) == 3
    assert len(db.session.scalars(select(Person)).all()) == 1


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

    operations.confirm(policy(), pledge, pledge.submission, now() + timedelta(days=1))

    assert pledge.confirmed_at == before
    assert actions(pledge) == ["submitted", "confirmed"]
    assert len(people.consents(pledge.person_id)) == 1


def test_a_box_left_empty_revokes_no_earlier_yes():
    pledge = confirmed(newsletter=True)

    confirmed(slug="haikou-initiative", newsletter=False)

    assert people.has_consented(pledge.person_id, "newsletter")


@pytest.mark.parametrize("status", [Status.REFUSED, Status.WITHDRAWN])
def test_what_was_refused_or_withdrawn_cannot_be_confirmed(status):
    pledge = submitted()
    pledge.status = status

    with pytest.raises(NotAwaiting):
        operations.confirm(policy(), pledge, pledge.submission, now())


def test_consents_are_recorded_apart_with_wording_language_and_time():
    pledge = confirmed(locale="fr", newsletter=True, listed=False)

    found = {consent.purpose: consent for consent in people.consents(pledge.person_id)}
    assert (found["listing"].granted, found["newsletter"].granted) == (False, True)
    for consent in found.values():
        assert consent.wording_version == people.WORDING_VERSION
        assert consent.locale == pledge.locale
        assert consent.given_at == pledge.submitted_at


def test_nobody_has_consented_before_they_confirmed():
    pledge = submitted(newsletter=True)

    assert people.consents(pledge.person_id) == []
    assert not people.has_consented(pledge.person_id, "newsletter")


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
    submit(submission=submission)

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
    operations.confirm(policy(), pledge, pledge.submission, now())

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

    newest = people.consents(pledge.person_id)[-1]
    assert (newest.purpose, newest.granted, newest.locale) == ("listing", True, "fr")


def test_a_representative_who_moves_to_another_institution_is_held_and_told():
    pledge = confirmed(**speaking(own := institution(), f"rector@{own.domains[0]}"))
    other = institution()

    operations.correct(
        policy(),
        pledge,
        draft(kind=Kind.INSTITUTION, institution=other.id, office="Rector"),
        "en",
        now(),
    )

    assert (pledge.status, pledge.hold_reasons) == (Status.HELD, ["institution-changed"])
    assert templates()[-1] == "held"


def test_a_person_who_moves_to_another_institution_stays_counted():
    pledge = confirmed(institution=institution().id)

    operations.correct(policy(), pledge, draft(institution=institution().id), "en", now())

    assert pledge.status == Status.CONFIRMED


def test_unlisting_takes_the_name_away_and_is_recorded():
    pledge = confirmed()

    operations.set_listed(pledge, False, "sw", now())
    db.session.flush()

    assert queries.signatories(pledge.campaign_id) == []
    newest = people.consents(pledge.person_id)[-1]
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


def test_who_withdrew_can_pledge_again():
    pledge = confirmed()
    operations.withdraw(policy(), pledge, now())

    again = confirmed(name="Wanjiru K. Kamau")

    assert again.person is pledge.person
    assert [p.name for p in queries.signatories(pledge.campaign_id)] == ["Wanjiru K. Kamau"]
    assert (pledge.status, pledge.name) == (Status.WITHDRAWN, "Wanjiru Kamau")
    assert actions(pledge) == ["submitted", "confirmed", "withdrawn"]


def test_the_same_form_sent_again_after_withdrawing_can_be_confirmed_by_its_code():
    withdrawn = confirmed()
    operations.withdraw(policy(), withdrawn, now())
    submit(submission=withdrawn.submission)
    again = next(pledge for pledge in pledges() if pledge is not withdrawn)

    operations.confirm_by_code(
        policy(), again.submission, code_of(policy().signer, again.id), now()
    )

    assert (again.status, withdrawn.status) == (Status.CONFIRMED, Status.WITHDRAWN)


def expire(_pledge):
    operations.forget_unconfirmed(now() + timedelta(minutes=1))


@pytest.mark.parametrize("undo", [operations.disown, expire])
def test_what_a_stranger_sends_for_one_who_withdrew_changes_nothing_and_goes(undo):
    mine = confirmed(newsletter=True, words="My words")
    operations.withdraw(policy(), mine, now())

    undo(submitted(name="A Stranger", words="Not my words", country="FR"))
    db.session.flush()

    assert pledges() == [mine]
    assert (mine.status, mine.name, mine.words) == (Status.WITHDRAWN, "Wanjiru Kamau", "My words")
    assert len(people.consents(mine.person_id)) == 2


def test_who_withdrew_has_one_word_at_a_time_like_everybody():
    operations.withdraw(policy(), confirmed(), now())

    submit(name="First Tab")
    submit(name="Second Tab")

    assert sorted(pledge.name for pledge in pledges()) == ["Second Tab", "Wanjiru Kamau"]


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
    operations.send_my_link(policy(), parse_address(ADDRESS), "en", now())

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
    assert queries.held() == [pledge]
    assert queries.signatories(pledge.campaign_id) == []


def test_accepting_a_held_pledge_makes_it_count_and_tells_its_person():
    pledge = confirmed(**HELD)

    operations.accept(policy(), pledge, "staff:ada", now())

    assert (pledge.status, pledge.hold_reasons) == (Status.CONFIRMED, [])
    assert templates() == ["confirm", "held", "accepted"]
    assert queries.trail(pledge.id)[-1].actor == "staff:ada"


def test_accepting_before_the_person_confirmed_still_leaves_it_to_them():
    pledge = submitted(**HELD)

    operations.accept(policy(), pledge, "staff:ada", now())
    assert pledge.status == Status.UNCONFIRMED
    operations.confirm(policy(), pledge, pledge.submission, now())

    assert pledge.status == Status.CONFIRMED
    assert templates() == ["confirm"]


def test_what_is_not_held_cannot_be_accepted():
    for pledge in (submitted(), confirmed(STRANGER)):
        with pytest.raises(NotAwaiting):
            operations.accept(policy(), pledge, "staff:ada", now())


def test_a_pledge_withdrawn_while_it_was_held_cannot_be_accepted():
    pledge = confirmed(**HELD)
    operations.withdraw(policy(), pledge, now())

    with pytest.raises(NotAwaiting):
        operations.accept(policy(), pledge, "staff:ada", now())


def test_a_refused_person_reads_the_reason():
    pledge = confirmed(**HELD)

    operations.refuse(policy(), pledge, "staff:ada", "This is not a person's name.", now())

    letter = db.session.scalars(
        select(OutgoingEmail).where(OutgoingEmail.template == "refused")
    ).one()
    assert letter.facts["reason"] == "This is not a person's name."
    assert pledge.status == Status.REFUSED


def test_refusing_what_nobody_confirmed_writes_to_nobody():
    pledge = submitted(**HELD)

    operations.refuse(policy(), pledge, "staff:ada", "Spam.", now())

    assert templates() == ["confirm"]


def test_settling_a_free_text_names_the_institution():
    found = institution()
    pledge = confirmed(institution_text="Example Univ.")

    operations.settle_institution(pledge, found, "staff:ada")

    assert (pledge.institution_id, pledge.institution_text) == (found.id, None)
    assert actions(pledge)[-1] == "institution settled"


def test_merging_moves_every_pledge_to_the_successor():
    old, new = institution(), institution()
    moved = [confirmed(f"{name}@example.org", institution=old.id) for name in ("a", "b")]
    stays = confirmed("c@example.org", institution=new.id)

    number = operations.merge_institution(policy(), old.id, new.id, "staff:ada")

    assert number == 2
    assert {p.institution_id for p in (*moved, stays)} == {new.id}
    assert actions(moved[0])[-1] == "institution merged"
    assert "institution merged" not in actions(stays)


def test_merging_two_institutions_that_both_spoke_holds_the_merged_ones_word():
    old, new = institution(), institution()
    merged, stays = (confirmed(**speaking(one, f"rector@{one.domains[0]}")) for one in (old, new))

    operations.merge_institution(policy(), old.id, new.id, "staff:ada")

    db.session.refresh(merged)
    assert (merged.status, merged.hold_reasons) == (Status.HELD, ["institution-has-pledged"])
    assert queries.official_pledge(stays.campaign_id, new.id) == stays
    assert templates()[-1] == "held"


@pytest.mark.parametrize("prefix", ["", "science.", "mail.dept."])
def test_a_representative_with_an_official_address_or_one_below_speaks_at_once(prefix):
    own = institution()

    pledge = confirmed(**speaking(own, f"rector@{prefix}{own.domains[0]}"))

    assert pledge.status == Status.CONFIRMED
    assert queries.official_pledge(pledge.campaign_id, own.id) == pledge


@pytest.mark.parametrize("foreign", ["gmail.com", "evil-{}", "{}.evil.com"])
def test_a_representative_with_any_other_address_is_held(foreign):
    own = institution()

    pledge = confirmed(**speaking(own, f"rector@{foreign.format(own.domains[0])}"))

    assert (pledge.status, pledge.hold_reasons) == (Status.HELD, ["unofficial-address"])
    assert queries.official_pledge(pledge.campaign_id, own.id) is None


def test_an_institution_speaks_once_and_the_second_waits_for_staff():
    own = institution()
    first, second = (
        confirmed(**speaking(own, f"{who}@{own.domains[0]}")) for who in ("rector", "dean")
    )

    assert (first.status, second.status) == (Status.CONFIRMED, Status.HELD)
    assert second.hold_reasons == ["institution-has-pledged"]
    with pytest.raises(NotAwaiting):
        operations.accept(policy(), second, "staff:ada", now())


def test_when_the_first_word_is_withdrawn_the_second_can_be_accepted():
    own = institution()
    first, second = (
        confirmed(**speaking(own, f"{who}@{own.domains[0]}")) for who in ("rector", "dean")
    )
    operations.withdraw(policy(), first, now())

    operations.accept(policy(), second, "staff:ada", now())

    assert queries.official_pledge(second.campaign_id, own.id) == second


def test_an_address_gets_no_more_letters_a_day_than_allowed():
    for _ in range(policy().mails_per_address + 3):
        submit()
        operations.send_my_link(policy(), parse_address(ADDRESS), "en", now())

    assert len(templates()) == policy().mails_per_address


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


def test_what_staff_decided_is_told_even_to_a_flooded_address():
    """Nobody can keep a person from learning that they were refused by sending forms with their address."""
    pledge = confirmed(**HELD)
    for _ in range(policy().mails_per_address):
        submit()

    operations.refuse(policy(), pledge, "staff:ada", "Spam.", now())

    assert templates()[-1] == "refused"


def test_who_forgot_to_confirm_is_reminded_once():
    submitted()
    later = now() + operations.REMINDER_AFTER + timedelta(minutes=1)

    reminded = [
        operations.remind(policy(), later),
        operations.remind(policy(), later + timedelta(days=9)),
    ]

    assert reminded == [1, 0]
    assert templates() == ["confirm", "reminder"]


def test_nobody_is_reminded_too_early_or_without_need():
    submitted()
    confirmed(STRANGER)

    assert (
        operations.remind(policy(), now() + operations.REMINDER_AFTER - timedelta(minutes=1)) == 0
    )
    assert operations.remind(policy(), now() + timedelta(days=9)) == 1


def test_the_reminder_tells_how_many_days_are_left():
    submitted()

    operations.remind(policy(), now() + timedelta(days=10))

    letter = db.session.scalars(
        select(OutgoingEmail).where(OutgoingEmail.template == "reminder")
    ).one()
    assert letter.facts["days"] == policy().unconfirmed_days - 10


def test_what_nobody_confirmed_is_forgotten_with_its_person():
    stale, kept = submitted(), confirmed(STRANGER)
    stale_id = stale.id

    forgotten = operations.forget_unconfirmed(now() + timedelta(minutes=1))

    assert forgotten == 1
    assert pledges() == [kept]
    assert db.session.scalars(select(Person.id)).all() == [kept.person_id]
    assert [event.action for event in queries.trail(stale_id)] == ["submitted", "expired"]


def test_network_hashes_are_forgotten_when_old():
    old, new = confirmed(), confirmed(STRANGER)
    old.submitted_at -= timedelta(days=31)

    operations.forget_networks(now() - timedelta(days=30))

    db.session.refresh(old)
    db.session.refresh(new)
    assert old.network_hash is None
    assert new.network_hash is not None


def test_the_link_to_ones_own_page_goes_to_known_addresses_only():
    confirmed()

    operations.send_my_link(policy(), parse_address(ADDRESS), "en", now())
    operations.send_my_link(policy(), parse_address(STRANGER), "en", now())

    assert templates() == ["confirm", "my_link"]
    assert len(db.session.scalars(select(Person)).all()) == 1
