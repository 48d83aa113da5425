"""Details are published in groups: no series of published numbers leaves fewer than five people."""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from campaign import jobs, topics
from campaign.clock import now
from campaign.db import db
from campaign.institutions.models import Institution
from campaign.pledges.models import Kind, Pledge, Status
from campaign.tallies import details, publishing
from campaign.tallies import operations as tallies
from campaign.tallies.models import DETAILS, DetailCount, DetailGroup, PublishedTally
from tests import factories
from tests.conftest import Elsewhere
from tests.factories import confirmed, institution, is_true

FEWEST = publishing.FEWEST
MONTH = timedelta(days=31)


def people(number: int, **different: object) -> list[Pledge]:
    """So many people who pledged just now."""
    first = len(db.session.scalars(select(Pledge.id)).all())
    return [confirmed(f"p{first + n}@example.org", **different) for n in range(number)]


def publish(at: datetime | None = None) -> None:
    tallies.fold_all()
    publishing.publish(at or now())


def published(dimension: str = "commitment", place: str = "") -> dict[str, int]:
    return dict(details.people(factories.text().campaign_id, dimension, place))


# The differencing attack


def exact_sums() -> dict[str, set[str]]:
    """By place, whom the published sums are about, before they are rounded: each person has a commitment alone."""
    rows = select(DetailGroup.country, DetailGroup.institution_id, DetailCount.code).join(
        DetailGroup, DetailGroup.id == DetailCount.group_id
    )
    sums: dict[str, set[str]] = defaultdict(set)
    for country, institution_id, code in db.session.execute(
        rows.where(DetailCount.dimension == "commitment")
    ):
        for place in {"", country or "", institution_id or ""}:
            assert code not in sums[place], "a choice is counted once"
            sums[place].add(code)
    return sums


class History:
    """People come, go, return, move and think again, a few a day; institutions are merged, and empty at once."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.institutions = [institution().id for _ in range(4)]
        self.codes = 0
        self.at = now() - timedelta(days=400)
        self.pledges: list[Pledge] = []

    def day(self) -> None:
        self.at += timedelta(days=self.chance.choice([1, 1, 1, 9]))
        for _ in range(self.chance.choice([0, 1, 1, 2, 3, 9])):
            self.join()
        for change in self.chance.choices([self.leave, self.back, self.move, self.choose], k=2):
            change(self.chance.choice(self.pledges)) if self.pledges else None
        if self.chance.random() < 0.05:
            old, new = self.chance.sample(self.institutions, 2)
            self.all_at(old, institution_id=new)
        if self.chance.random() < 0.05:
            self.all_at(self.chance.choice(self.institutions), status=Status.WITHDRAWN)
        db.session.flush()

    def join(self) -> None:
        (pledge,) = people(1)
        pledge.confirmed_at = self.at
        self.choose(pledge)
        self.move(pledge)
        self.pledges.append(pledge)

    def choose(self, pledge: Pledge) -> None:
        self.codes += 1
        pledge.commitments = [f"p{self.codes}"]

    def move(self, pledge: Pledge) -> None:
        pledge.institution_id = self.chance.choice([None, *self.institutions])
        pledge.country = self.chance.choice(["KE", "KE", "KE", "FR"])

    def leave(self, pledge: Pledge) -> None:
        pledge.status = Status.WITHDRAWN

    def back(self, pledge: Pledge) -> None:
        pledge.status = Status.CONFIRMED

    def all_at(self, home: str, **change: str) -> None:
        for pledge in self.pledges:
            if pledge.institution_id == home:
                for name, value in change.items():
                    setattr(pledge, name, value)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_added_and_subtracted_is_about_five_people_or_none(
    session: Session, seed: int
) -> None:
    """People whom no published state tells apart form a class; every combination of states weighs them alike.

    So if every class has five people, no combination of pages, days and places is about fewer.
    """
    history = History(seed)
    seen_in: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for day in range(60):
        history.day()
        publishing.publish(history.at)
        for place, codes in exact_sums().items():
            for code in codes:
                seen_in[code].append((day, place))

    classes = Counter(tuple(sorted(states)) for states in seen_in.values())

    assert len(classes) > 10
    assert min(classes.values()) >= FEWEST


# Who forms a group


def test_four_people_wait_and_five_are_counted(session: Session) -> None:
    home = institution().id
    people(4, institution=home)
    publish()
    assert exact_sums() == {}

    people(1, institution=home)
    publish()

    assert set(exact_sums()) == {"", "KE", home}


def test_too_few_of_an_institution_are_counted_with_their_country_after_a_month(
    session: Session,
) -> None:
    homes = [institution().id for _ in range(2)]
    for home in homes:
        people(3, institution=home, commitments=["network"])
    publish()
    assert published() == {}

    publish(now() + MONTH)

    assert published("commitment", "KE") == published() == {"network": 5}
    assert published("commitment", homes[0]) == {}


def test_too_few_of_a_country_are_counted_with_the_campaign_after_a_month(session: Session) -> None:
    for country in ("KE", "FR", "DE"):
        people(2, country=country, commitments=["network"])
    publish()
    assert published() == {}

    publish(now() + MONTH)

    assert published() == {"network": 5}
    assert published("commitment", "KE") == {}


def test_groups_of_different_campaigns_and_kinds_are_apart(session: Session) -> None:
    people(3)
    people(3, slug="haikou-initiative")
    own = institution()
    rector = {"kind": Kind.INSTITUTION, "institution": own.id, "commitments": []}
    confirmed(f"rector@{own.domains[0]}", **rector)

    publish(now() + MONTH)

    assert exact_sums() == {}


def test_invented_people_form_groups_of_their_own(session: Session) -> None:
    """The program that invents them is public."""
    people(4)
    for pledge in people(4):
        pledge.is_demo = True
    publish()

    assert exact_sums() == {}


# Who leaves one


def test_who_leaves_stays_counted_until_five_have_left(session: Session) -> None:
    pledges = people(15, commitments=["network"])
    people(1, commitments=[])
    publish()
    for pledge in pledges[:4]:
        pledge.status = Status.WITHDRAWN
    publish()
    assert published() == {"network": 15}

    db.session.delete(pledges[4])
    publish()

    assert published() == {"network": 10}


def test_a_group_with_too_few_left_is_dissolved(session: Session) -> None:
    pledges = people(6, commitments=["network"])
    publish()
    for pledge in pledges[:5]:
        pledge.status = Status.WITHDRAWN

    publish()

    assert published() == {}
    assert db.session.scalars(select(DetailGroup)).all() == []


def test_a_choice_is_never_counted_a_second_time(session: Session) -> None:
    pledges = people(5)
    publish()
    for pledge in pledges:
        pledge.status = Status.WITHDRAWN
    publish()
    for pledge in pledges:
        pledge.status = Status.CONFIRMED

    people(4)
    publish()

    assert exact_sums() == {}


def test_a_group_follows_its_institution_into_another(session: Session) -> None:
    old, new = (institution().id for _ in range(2))
    pledges = people(6, institution=old, commitments=["network"])
    people(1, institution=new)
    publish()

    for pledge in pledges:
        pledge.institution_id = new
    publish()

    assert published("commitment", new) == {"network": 5}
    assert published("commitment", old) == {}


# What is shown of a group


@pytest.mark.parametrize(
    ("chose", "of", "shown"),
    [
        (0, 12, 0), (1, 12, 0), (4, 12, 0), (5, 12, 5), (9, 12, 5), (10, 12, 10), (11, 12, 10), (12, 12, 10),
        (5, 5, 0), (5, 6, 5), (6, 6, 5), (10, 10, 5), (10, 11, 10),
    ],
)  # fmt: skip
def test_numbers_go_in_fives_and_are_never_everyone(
    session: Session, chose: int, of: int, shown: int
) -> None:
    people(chose, commitments=["network"], disciplines=["2.1"])
    people(of - chose, commitments=[], disciplines=[])

    publish()

    assert published().get("network", 0) == published("discipline").get("2.1", 0) == shown


def test_a_month_with_too_few_is_counted_with_a_later_one(session: Session) -> None:
    campaign = factories.text().campaign_id
    for month, number in enumerate([1, 2, 3, 1, 4, 1], start=1):
        for pledge in people(number):
            pledge.confirmed_at = pledge.confirmed_at.replace(2025, month, 1)

    publish()

    for place in ("KE", "014", "002"):
        assert details.people(campaign, "month", place) == {"2025-03": 5, "2025-05": 5}
    assert details.first_months(campaign, ["KE", "FR"]) == {"KE": "2025-03"}


def test_a_place_has_no_fields_of_research_and_the_campaign_no_months(session: Session) -> None:
    people(6, institution=institution().id)
    publish()
    rows = db.session.scalars(select(PublishedTally)).all()
    assert {(row.dimension, bool(row.place)) for row in rows} == {
        ("commitment", True), ("commitment", False), ("discipline", False), ("month", True), ("day", False),
    }  # fmt: skip


def test_days_move_once_a_day(session: Session) -> None:
    people(2)
    publish()
    people(1)
    tallies.fold_all()
    campaign = factories.text().campaign_id
    assert [row.people for row in details.by_day(campaign)] == [2]

    publish()

    assert [row.people for row in details.days(campaign)] == [3]


# When


def test_it_is_due_once_a_day_and_readers_notice(session: Session) -> None:
    assert is_true(publishing.is_due())
    version = topics.version(DETAILS, "")

    publishing.publish_if_due(now())

    assert not is_true(publishing.is_due())
    publishing.publish_if_due(now())
    assert topics.version(DETAILS, "") == version + 1
    db.session.execute(text("UPDATE public_versions SET raised_at = raised_at - interval '1 day'"))
    assert is_true(publishing.is_due())


def test_workers_that_publish_at_once_publish_once(elsewhere: Elsewhere) -> None:
    people(6, commitments=["network"])
    jobs.commit()

    def run() -> None:
        publishing.publish_if_due(now())
        jobs.commit()

    for running in [elsewhere(run) for _ in range(4)]:
        running.result(20)

    assert topics.version(DETAILS, "") == 1
    assert published() == {"network": 5}


def test_who_withdraws_meanwhile_is_counted_as_the_group_was_formed(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a group of four would be published."""
    first = people(5, commitments=["network"])[0].id
    jobs.commit()

    def withdraw() -> None:
        db.session.get_one(Pledge, first).status = Status.WITHDRAWN
        jobs.commit()

    execute = publishing._execute

    def execute_late(statement: str, groups: Sequence[int], **values: int) -> None:
        if groups and statement == publishing._COUNT:
            elsewhere(withdraw).result(20)
        execute(statement, groups, **values)

    monkeypatch.setattr(publishing, "_execute", execute_late)
    publish()

    total = select(DetailCount.people).where(DetailCount.dimension == "total")
    assert db.session.scalars(total).all() == [5]


def test_nothing_of_an_erased_person_is_left_in_a_group(session: Session) -> None:
    pledges = people(6, institution=institution().id)
    publish()
    db.session.execute(delete(Pledge).where(Pledge.id == pledges[0].id))
    assert db.session.scalar(text("SELECT count(*) FROM detail_members")) == 5
    assert db.session.get(Institution, pledges[1].institution_id)
