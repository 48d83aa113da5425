"""Tallies are what a GROUP BY over the pledges says, after anything that happens, folded at any moment."""

from collections import Counter, defaultdict
from contextlib import suppress
from datetime import UTC, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as effort
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import create_engine, func, select, text, update

from campaign import jobs
from campaign.clock import now
from campaign.db import db
from campaign.geography import regions_of
from campaign.pledges import operations as pledges
from campaign.pledges import reviewing
from campaign.pledges.merging import MergeRefused
from campaign.pledges.models import Kind, Pledge, Status
from campaign.tallies import operations as tallies
from campaign.tallies import queries
from campaign.tallies.models import Tally, TallyDelta
from tests.factories import (
    STAFF,
    accepted,
    confirmed,
    context,
    draft,
    institution,
    merged,
    policy,
    submitted,
)

CAMPAIGNS = ("heart-of-science", "haikou-initiative")


def expected():
    """Every tally, counted pledge by pledge without any of the code under test."""
    found, lit = Counter(), defaultdict(set)
    for pledge in db.session.scalars(select(Pledge).where(Pledge.status == Status.CONFIRMED)):
        day = pledge.confirmed_at.astimezone(UTC).date().isoformat()
        places = {"country": pledge.country, "institution": pledge.institution_id}
        keys = [
            ("total", ""),
            ("day", day),
            ("source", pledge.source),
            ("language", pledge.locale),
            ("text", str(pledge.text_id)),
        ]
        keys += [
            ("country-day", f"{pledge.country} {day}"),
            ("language-day", f"{pledge.locale} {day}"),
        ]
        for name, place in places.items():
            if place:
                keys += [(name, place), (f"{name}-month", f"{place} {day[:7]}")]
        keys += [("region", region) for region in regions_of(pledge.country)]
        keys += [("commitment", code) for code in pledge.commitments]
        keys += [("discipline", code) for code in pledge.disciplines]
        found.update((pledge.campaign_id, *key, pledge.kind) for key in keys)
        for dimension, key in keys:
            if dimension in {"country", "institution"}:
                lit[pledge.campaign_id, "spread", dimension, pledge.kind].add(key)
    return dict(found) | {tally: len(keys) for tally, keys in lit.items()}


def stored():
    rows = db.session.scalars(select(Tally).where(Tally.count != 0)).all()
    return {(row.campaign_id, row.dimension, row.key, row.kind): row.count for row in rows}


def waiting():
    return db.session.scalar(select(func.count()).select_from(TallyDelta))


class AnySequence(RuleBasedStateMachine):
    """People, staff and the worker do things in any order; what the tests' session never commits is undone."""

    addresses = st.sampled_from(["ada@example.org", "bo@example.org", "cy@example.org"])
    which = st.integers(0, 30)
    countries = st.sampled_from(["KE", "FR", "AQ"])
    commitments = st.lists(st.sampled_from(["network", "lectures"]), unique=True)
    disciplines = st.lists(st.sampled_from(["1.5", "2.1"]), unique=True)

    def __init__(self):
        super().__init__()
        self.institutions = [institution() for _ in range(3)]
        self.now = now()

    def teardown(self):
        tallies.fold_all()
        assert stored() == expected()
        jobs.rollback()

    def pick(self, number, *statuses):
        """One of the pledges in these states, if there is any."""
        found = (
            select(Pledge).order_by(Pledge.id).where(Pledge.status.in_(statuses or tuple(Status)))
        )
        rows = db.session.scalars(found).all()
        return rows[number % len(rows)] if rows else None

    def details(self, kind, number, country, commitments, disciplines):
        where = [None, *self.institutions][number % 4]
        if kind == Kind.INSTITUTION:
            where = where or self.institutions[0]
        return {
            "kind": kind, "country": country, "commitments": commitments, "disciplines": disciplines,
            "institution": where and where.id, "institution_text": None if where else "A School",
        }  # fmt: skip

    @rule(
        address=addresses, slug=st.sampled_from(CAMPAIGNS), kind=st.sampled_from(Kind), number=which,
        country=countries, commitments=commitments, disciplines=disciplines, odd=st.booleans(),
        confirms=st.sampled_from([True, True, False]),
    )  # fmt: skip
    def submit(self, address, slug, odd, confirms, **details):
        known = self.pick_of(address, slug, details["kind"])
        if known and known.status not in {Status.UNCONFIRMED, Status.WITHDRAWN}:
            return
        source = "form@www.example.org" if odd else "site"
        given = context(honeypot_filled=odd, source=source)
        pledge = submitted(address, slug=slug, context=given, **self.details(**details))
        if confirms:
            pledges.confirm(policy(), pledge.id, pledge.submission, self.now)

    def pick_of(self, address, slug, kind):
        rows = db.session.scalars(select(Pledge).where(Pledge.kind == kind)).all()
        return next(
            (p for p in rows if (p.person.address, p.campaign.slug) == (address, slug)), None
        )

    @rule(number=which)
    def confirm(self, number):
        if pledge := self.pick(number, Status.UNCONFIRMED):
            pledges.confirm(policy(), pledge.id, pledge.submission, self.now)

    @rule(number=which, country=countries, commitments=commitments, disciplines=disciplines)
    def correct(self, number, **details):
        if pledge := self.pick(number, Status.CONFIRMED, Status.HELD):
            changed = draft(**self.details(Kind(pledge.kind), number, **details))
            pledges.correct(policy(), pledge, changed, "en", self.now)

    @rule(number=which)
    def withdraw(self, number):
        if pledge := self.pick(number, Status.CONFIRMED, Status.HELD):
            pledges.withdraw(policy(), pledge, self.now)

    @rule(number=which)
    def erase(self, number):
        if pledge := self.pick(number):
            pledges.erase_person(pledge.person)

    @rule(number=which)
    def accept(self, number):
        if pledge := self.pick(number, Status.HELD):
            try:
                reviewing.accept(policy(), pledge, STAFF)
            except reviewing.Disputed:
                reviewing.accept_instead(policy(), pledge, STAFF)

    @rule(number=which)
    def refuse(self, number):
        if pledge := self.pick(number, Status.CONFIRMED, Status.HELD, Status.UNCONFIRMED):
            reviewing.refuse(policy(), pledge, STAFF, "No.")

    @rule(number=which)
    def settle(self, number):
        if (pledge := self.pick(number)) and pledge.institution_text:
            reviewing.link_institution(pledge, self.institutions[number % 3], STAFF)

    @rule(pair=st.permutations(range(3)))
    def merge(self, pair):
        old, new = (self.institutions[index] for index in pair[:2])
        with suppress(MergeRefused):
            merged(old, new)

    @rule(batch=st.integers(1, 5))
    def fold(self, batch):
        assert tallies.fold(batch) <= batch

    @rule(days=st.integers(1, 3))
    def days_pass(self, days):
        self.now += timedelta(days=days)

    @invariant()
    def tallies_and_what_waits_make_up_the_pledges(self):
        assert tallies.differences() == []


def test_after_any_sequence_tallies_equal_a_group_by(session):
    run_state_machine_as_test(
        AnySequence,
        settings=effort(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def campaign_with(number, **different):
    """The campaign's id after so many people pledged."""
    pledged = [confirmed(f"{uuid4().hex}@example.org", **different) for _ in range(number)]
    return pledged[0].campaign_id


def total(campaign_id):
    return queries.counts(campaign_id).people


def test_what_is_shown_of_a_pledge_raises_the_version_and_no_number(session):
    pledge = confirmed()
    tallies.fold()
    before, version = stored(), queries.version(pledge.campaign_id)

    pledges.set_listed(pledge, not pledge.listed, "en", now())
    session.flush()

    assert tallies.fold() == 1
    assert stored() == before
    assert queries.version(pledge.campaign_id) == version + 1


def test_a_confirmed_pledge_counts_in_every_dimension(session):
    pledge = confirmed(institution=institution().id)

    tallies.fold()

    assert stored() == expected()
    assert {dimension for _, dimension, _, _ in stored()} == {
        "total", "country", "institution", "region", "commitment", "discipline", "day", "spread",
        "source", "language", "country-month", "institution-month", "country-day", "language-day", "text",
    }  # fmt: skip
    assert waiting() == 0
    assert total(pledge.campaign_id) == 1


def test_nothing_counts_before_it_is_confirmed(session):
    submitted()

    assert waiting() == 0


def test_changes_of_what_nobody_sees_leave_no_delta(session):
    pledge = confirmed()
    tallies.fold()

    pledge.newsletter = not pledge.newsletter
    db.session.flush()

    assert waiting() == 0


def test_people_and_institutions_are_never_added_up(session):
    own = institution()
    confirmed("a@example.org", institution=own.id)
    official = accepted(f"rector@{own.domains[0]}", institution=own.id)

    tallies.fold()

    of_institution = queries.counts_of(official.campaign_id, "institution", own.id)
    assert (of_institution.people, of_institution.official_pledges) == (1, 1)


def test_spread_counts_what_is_lit_and_goes_out_again(session):
    own = institution()
    first, second = (confirmed(f"{who}@example.org", institution=own.id) for who in "ab")
    confirmed("c@example.org", country="FR")
    tallies.fold()
    before = queries.counts(first.campaign_id)

    for pledge in (first, second):
        pledges.withdraw(policy(), pledge, now())
    tallies.fold()

    after = queries.counts(first.campaign_id)
    assert (before.countries, before.institutions_reached) == (2, 1)
    assert (after.countries, after.institutions_reached) == (1, 0)


def test_lit_and_out_within_one_batch_leaves_spread_alone(session):
    pledges.withdraw(policy(), confirmed(country="FR"), now())
    pledge = confirmed("b@example.org")

    assert tallies.fold() == 3

    assert queries.counts(pledge.campaign_id).countries == 1
    assert stored() == expected()


def test_even_an_operators_sql_is_counted(session):
    campaign_with(3)
    db.session.execute(text("UPDATE pledges SET country = 'FR', commitments = '{}'"))
    db.session.execute(
        text("DELETE FROM pledges WHERE id = (SELECT min(id::text)::uuid FROM pledges)")
    )

    tallies.fold()

    assert stored() == expected()
    assert dict(queries.ranking(campaign_id := confirmed().campaign_id, "country")) == {"FR": 2}
    assert total(campaign_id) == 2


def test_the_day_is_that_of_utc_whatever_the_time_zone_of_the_connection(session):
    db.session.execute(text("SET LOCAL TIME ZONE 'Pacific/Kiritimati'"))
    confirmed()

    tallies.fold()

    assert stored() == expected()
    assert tallies.differences() == []


def test_the_version_rises_with_every_fold_of_its_campaign_only(session):
    mine = campaign_with(1, slug=CAMPAIGNS[0])
    other = campaign_with(1, slug=CAMPAIGNS[1])
    tallies.fold()
    before = queries.version(mine), queries.version(other)

    campaign_with(2, slug=CAMPAIGNS[0])
    tallies.fold()

    assert (queries.version(mine), queries.version(other)) == (before[0] + 1, before[1])


def test_folding_nothing_changes_nothing(session):
    campaign_id = campaign_with(1)
    tallies.fold()
    before = queries.version(campaign_id)

    assert tallies.fold() == 0
    assert queries.version(campaign_id) == before


@pytest.mark.parametrize(
    "corruption",
    [
        "UPDATE tallies SET count = count + 5 WHERE dimension = 'country'",
        "UPDATE tallies SET count = 0 WHERE dimension = 'institution'",
        "UPDATE tallies SET count = 7 WHERE dimension = 'spread'",
        "DELETE FROM tallies",
        "INSERT INTO tallies SELECT id, 'country', 'FR', 'person', 1 FROM campaigns",
    ],
)
def test_repair_sets_a_wrong_tally_right_and_raises_the_version(session, corruption):
    campaign_id = campaign_with(2, institution=institution().id)
    tallies.fold()
    version = queries.version(campaign_id)
    db.session.execute(text(corruption))

    wrong = tallies.repair()

    assert wrong
    assert (tallies.differences(), stored()) == ([], expected())
    assert queries.version(campaign_id) == version + 1


def test_repair_finds_nothing_where_all_is_well(session):
    campaign_id = campaign_with(2)
    tallies.fold()
    campaign_with(1)
    version = queries.version(campaign_id)

    assert tallies.repair() == []
    assert queries.version(campaign_id) == version
    assert total(campaign_id) == 2


def test_repair_does_not_count_twice_what_still_waits(session):
    campaign_with(2)
    tallies.fold()
    campaign_with(3)
    db.session.execute(update(Tally).values(count=Tally.count + 1))

    tallies.repair()
    tallies.fold()

    assert stored() == expected()


def test_two_folds_at_once_count_once(elsewhere):
    campaign_id = campaign_with(5)
    jobs.commit()
    assert tallies.fold() == 5

    assert elsewhere(tallies.fold).result(20) == 0
    jobs.commit()

    assert elsewhere(tallies.fold).result(20) == 0
    assert (total(campaign_id), tallies.differences()) == (5, [])


def test_many_folds_while_people_pledge_count_each_of_them_once(elsewhere):
    people = 24

    def pledge(number):
        confirmed(f"person-{number}@example.org", institution_text="A School")
        jobs.commit()

    def fold(_number):
        tallies.fold(batch=2)
        jobs.commit()

    for running in [
        elsewhere(lambda n=n, w=w: w(n)) for n in range(people) for w in (pledge, fold)
    ]:
        running.result(30)
    tallies.fold_all()
    jobs.commit()

    assert stored() == expected()
    assert (
        sum(count for (_, dimension, _, _), count in stored().items() if dimension == "total")
        == people
    )


def test_a_worker_killed_before_it_commits_loses_nothing(committing, settings):
    campaign_id = campaign_with(4)
    jobs.commit()
    assert tallies.fold() == 4
    killed = db.session.scalar(text("SELECT pg_backend_pid()"))

    killer = create_engine(settings.database_url)
    with killer.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": killed})
    killer.dispose()
    db.session().invalidate()

    assert tallies.fold() == 4
    assert (total(campaign_id), tallies.differences()) == (4, [])


def test_repair_waits_for_a_fold_that_is_going_on(elsewhere, until_blocked):
    campaign_with(3)
    jobs.commit()
    tallies.fold()

    repairing = elsewhere(tallies.repair)
    until_blocked()
    jobs.commit()

    assert repairing.result(20) == []
