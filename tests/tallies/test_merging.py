"""Institutions are merged, un-merged, imported and corrected while people come and go: every count stays right."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck
from hypothesis import settings as effort
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaign import jobs
from campaign.clock import now
from campaign.db import db
from campaign.institutions import corrections
from campaign.institutions.models import SUCCESSOR, Institution
from campaign.institutions.operations import import_dump
from campaign.pledges import merging, operations, reviewing
from campaign.pledges.merging import MergeRefused
from campaign.pledges.models import Kind, NotAwaiting, Pledge, Status
from campaign.staff.scopes import EVERYTHING
from campaign.tallies import operations as tallies
from campaign.tasks import State, Task
from campaign.tasks import undo as begin_undoing
from tests.factories import STAFF, accepted, confirmed, done, draft, merged, policy
from tests.institutions.dumps import name, record, ror_id

NUMBERS = st.integers(1, 4)


class AnyMerges(RuleBasedStateMachine):
    """Four institutions of a dump; what the tests' session never commits is undone."""

    path: Any

    def __init__(self) -> None:
        super().__init__()
        self.people = 0
        self.import_(1)

    def teardown(self) -> None:
        tallies.fold_all()
        assert tallies.differences() == []
        jobs.rollback()

    def one(self, number: int) -> Institution:
        return db.session.get_one(Institution, ror_id(number))

    def pick(self, number: int) -> Pledge | None:
        rows = db.session.scalars(select(Pledge).order_by(Pledge.id)).all()
        return rows[number % len(rows)] if rows else None

    @rule(release=st.integers(1, 3))
    def import_(self, release: int) -> None:
        records = [
            record(
                number,
                names=[name(f"Quagga {release} {number}", "ror_display")],
                domains=[f"quagga{number}.ac.ke"],
            )
            for number in range(1, 5)
        ]
        self.path.write_text(json.dumps(records))
        import_dump(self.path)

    @rule(number=NUMBERS, is_official=st.booleans())
    def pledge(self, number: int, is_official: bool) -> None:
        self.people += 1
        address = f"person{self.people}@quagga{number}.ac.ke"
        if not is_official:
            confirmed(address, institution=ror_id(number))
            return
        with suppress(reviewing.Disputed):
            accepted(address, institution=ror_id(number))

    @rule(number=st.integers(0, 20), to=NUMBERS)
    def change(self, number: int, to: int) -> None:
        pledge = self.pick(number)
        if pledge and pledge.kind == Kind.PERSON and pledge.status == Status.CONFIRMED:
            operations.correct(policy(), pledge, draft(institution=ror_id(to)), "en", now())

    @rule(number=st.integers(0, 20))
    def erase(self, number: int) -> None:
        if pledge := self.pick(number):
            operations.erase_person(pledge.person)

    @rule(number=st.integers(0, 20))
    def accept(self, number: int) -> None:
        pledge = self.pick(number)
        if pledge and pledge.status == Status.HELD:
            with suppress(NotAwaiting, reviewing.Disputed):
                reviewing.accept(policy(), pledge, STAFF)

    @rule(number=NUMBERS, domain=st.sampled_from(["zebrula.ac.ke", "okapi.ac.ke"]))
    def correct(self, number: int, domain: str) -> None:
        corrections.correct(self.one(number), {"domains": [domain]}, STAFF, EVERYTHING)

    @rule(pair=st.permutations(range(1, 5)))
    def merge(self, pair: list[int]) -> None:
        source, target = (self.one(number) for number in pair[:2])
        with suppress(MergeRefused):
            merged(source, target)
            assert self.at(source.id) == 0

    @rule(number=st.integers(0, 20))
    def unmerge(self, number: int) -> None:
        done_ones = select(Task).where(Task.kind == merging.MERGE.name, Task.state == State.DONE)
        tasks = db.session.scalars(done_ones.order_by(Task.id)).all()
        if not tasks:
            return
        task = tasks[number % len(tasks)]
        plan = merging.plan_unmerge(task, EVERYTHING)
        before = [self.at(one.id) for one in (plan.source, plan.target)]
        begin_undoing(task, STAFF, now())
        done(task)
        after = [self.at(one.id) for one in (plan.source, plan.target)]
        assert after == [before[0] + plan.back, before[1] - plan.back]

    def at(self, institution_id: str) -> int:
        there = select(func.count()).where(Pledge.institution_id == institution_id)
        return db.session.scalar(there) or 0

    @rule(batch=st.integers(1, 5))
    def fold(self, batch: int) -> None:
        tallies.fold(batch)

    @invariant()
    def tallies_and_what_waits_make_up_the_pledges(self) -> None:
        assert tallies.differences() == []

    @invariant()
    def a_correction_outlives_every_import(self) -> None:
        for number in range(1, 5):
            shown = self.one(number)
            for one in corrections.of(shown.id):
                column = "successor_id" if one.field == SUCCESSOR else one.field
                assert getattr(shown, column) == one.value


def test_after_any_merges_tallies_equal_a_group_by(session: Session, tmp_path: Any) -> None:
    AnyMerges.path = tmp_path / "dump.json"
    run_state_machine_as_test(
        AnyMerges,
        settings=effort(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
