"""A day's numbers: made from the pledges alone, chained, never changed, and published as a whole or not at all."""

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest
from flask import current_app
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from campaign import jobs
from campaign.db import db
from campaign.pledges import operations as pledges
from campaign.pledges.models import Kind, Pledge, Status
from campaign.records import listing, operations, package, queries
from campaign.records.listing import DIMENSIONS, CountKey, receipt
from campaign.records.models import DailyRecord
from campaign.tallies import operations as tallies
from campaign.tallies.models import Tally
from tests.conftest import Elsewhere
from tests.factories import CAMPAIGN, institution, policy, submitted
from tests.records.publishing import DAY, NOON, invent, publish, rows, verify
from worker.actors import publish_records

BEFORE = DAY - timedelta(days=1)
in_a_session = pytest.mark.usefixtures("session")


def pledged(address: str = "wanjiru@example.org", at: datetime = NOON, **details: object) -> Pledge:
    """A pledge that was confirmed at this time."""
    pledge = submitted(address, **details)
    pledges.confirm(policy(), pledge.id, pledge.submission, at)
    db.session.flush()
    return pledge


def records(folder: Path, campaign: str = CAMPAIGN) -> list[dict[str, object]]:
    lines = (folder / package.CHAIN).read_text().splitlines()
    return [record for record in map(json.loads, lines) if record["campaign"] == campaign]


@in_a_session
def test_the_list_counts_what_the_tallies_count(tmp_path: Path) -> None:
    invent(600)
    tallies.fold_all()

    table = rows(publish(tmp_path) / package.TALLIES)[1:]

    counted = db.session.scalars(
        select(Tally).where(Tally.dimension.in_(("total", *DIMENSIONS)), Tally.count > 0)
    ).all()
    campaigns = dict(db.session.execute(text("SELECT id, slug FROM campaigns")).all())
    assert {tuple(row) for row in table} == {
        (campaigns[t.campaign_id], t.dimension, t.key, t.kind, str(t.count)) for t in counted
    }


@in_a_session
def test_the_day_ends_at_midnight_utc(tmp_path: Path) -> None:
    midnight = datetime.combine(DAY + timedelta(days=1), time(), UTC)
    last = pledged("last@example.org", midnight - timedelta(microseconds=1))
    next_day = pledged("next@example.org", midnight)

    folder = publish(tmp_path)

    found = [queries.places(tmp_path, receipt(policy().signer, p.id)) for p in (last, next_day)]
    assert [len(places) for places in found] == [2, 0]
    assert [record["persons"] for record in records(folder)] == [1]


@in_a_session
def test_a_pledge_is_found_where_it_counts(tmp_path: Path) -> None:
    invent()
    where = institution()
    pledge = pledged(institution=where.id, country="UG")
    publish(tmp_path)

    places = queries.places(tmp_path, receipt(policy().signer, pledge.id))

    keys = {"country": "UG", "institution": where.id, "day": str(DAY)}
    assert places == [CountKey(CAMPAIGN, d, keys[d], Kind.PERSON) for d in DIMENSIONS]


@in_a_session
def test_every_pledge_is_found_and_nothing_else(tmp_path: Path) -> None:
    invent()
    publish(tmp_path)

    ids = db.session.scalars(select(Pledge.id).where(Pledge.status == Status.CONFIRMED)).all()
    found = [queries.places(tmp_path, receipt(policy().signer, id_)) for id_ in ids]

    assert [len(places) for places in found] == [3] * len(ids)
    for nobody in ("0" * 32, "f" * 32, "7" * 32, ""):
        assert queries.places(tmp_path, nobody) == []


@in_a_session
def test_one_who_withdraws_leaves_the_next_list_and_the_chain_stays_valid(tmp_path: Path) -> None:
    invent()
    pledge = pledged(at=NOON - timedelta(days=1))
    publish(tmp_path, BEFORE)
    mine = receipt(policy().signer, pledge.id)
    assert queries.places(tmp_path, mine)

    pledges.withdraw(policy(), pledge, NOON)
    db.session.flush()
    folder = publish(tmp_path)

    assert queries.places(tmp_path, mine) == []
    assert len(records(folder)) == 2
    assert verify(folder).code == 0


@in_a_session
def test_a_correction_moves_the_pledge_under_the_same_receipt(tmp_path: Path) -> None:
    pledge = pledged(at=NOON - timedelta(days=1))
    publish(tmp_path, BEFORE)
    mine = receipt(policy().signer, pledge.id)

    pledge.country = "TZ"
    db.session.flush()
    publish(tmp_path)

    assert queries.places(tmp_path, mine)[0].key == "TZ"


@in_a_session
def test_the_list_does_not_tell_which_lines_are_of_one_pledge(tmp_path: Path) -> None:
    invent()

    names = [row[0] for row in rows(publish(tmp_path) / package.LIST)[1:]]

    assert len(set(names)) == len(names)
    assert names == sorted(names)
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in names)


@in_a_session
def test_no_personal_data_is_published(tmp_path: Path) -> None:
    pledge = pledged(institution=institution().id, words="A word", orcid="0000-0002-1825-0097")
    folder = publish(tmp_path)

    everything = b"".join((folder / name).read_bytes() for name in package.FILES)

    private = [pledge.name, pledge.person.address, pledge.words, pledge.orcid]
    private += [str(pledge.id), str(pledge.person_id), receipt(policy().signer, pledge.id)]
    assert [value for value in private if str(value).encode() in everything] == []


@in_a_session
def test_each_day_holds_the_digest_of_the_day_before(tmp_path: Path) -> None:
    invent()
    for age in (2, 1, 0):
        folder = publish(tmp_path, DAY - timedelta(days=age))

    lines = (folder / package.CHAIN).read_bytes().splitlines()
    mine = [line for line in lines if json.loads(line)["campaign"] == CAMPAIGN]
    digests = [sha256(line).hexdigest() for line in mine]
    assert [json.loads(line)["previous"] for line in mine] == [None, *digests[:-1]]
    assert verify(folder, *digests).code == 0


@in_a_session
@pytest.mark.parametrize(
    "change", ["UPDATE daily_records SET line = ''", "DELETE FROM daily_records"]
)
def test_a_published_record_never_changes(tmp_path: Path, change: str) -> None:
    publish(tmp_path)

    with pytest.raises(DatabaseError, match="published record"):
        db.session.execute(text(change))


@in_a_session
def test_the_same_data_make_the_same_bytes(tmp_path: Path) -> None:
    invent()
    first = publish(tmp_path / "one")
    db.session.execute(text("TRUNCATE daily_records"))
    second = publish(tmp_path / "other")

    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes(), path.name


@in_a_session
def test_the_package_describes_every_column(tmp_path: Path) -> None:
    invent(50)
    folder = publish(tmp_path)
    described = json.loads((folder / package.DESCRIPTION).read_text())

    for resource in described["resources"]:
        if resource["format"] == "csv":
            names = [field["name"] for field in resource["schema"]["fields"]]
            assert rows(folder / resource["path"])[0] == names
    assert described["licenses"][0]["name"] == "CC-BY-4.0"
    with ZipFile(folder / f"lightup-{DAY}.zip") as archive:
        assert archive.namelist() == [*package.FILES]
        assert {r["path"] for r in described["resources"]} == {*package.FILES} - {
            package.DESCRIPTION
        }


@in_a_session
def test_nobody_yet_is_a_day_as_well(tmp_path: Path) -> None:
    folder = publish(tmp_path)

    assert [record["persons"] for record in records(folder)] == [0]
    assert verify(folder).code == 0


def publish_and_commit(folder: Path, day: date = DAY) -> bool:
    with operations.publication(folder, policy().signer, day, "http://localhost") as is_new:
        jobs.commit()
    return is_new


def test_a_day_is_published_once(committing: None, tmp_path: Path) -> None:
    assert publish_and_commit(tmp_path)

    assert not publish_and_commit(tmp_path)
    assert queries.days(tmp_path) == [DAY]


def test_the_chain_never_goes_back(committing: None, tmp_path: Path) -> None:
    """The clock was wrong once, either way: a day out of order would break the chain for good."""
    publish_and_commit(tmp_path)
    morning_after = datetime.combine(DAY, time(1), UTC)

    assert not operations.is_due(tmp_path, morning_after)
    assert not publish_and_commit(tmp_path, BEFORE)

    assert publish_and_commit(tmp_path, DAY + timedelta(days=2))
    assert verify(tmp_path / str(DAY + timedelta(days=2))).code == 0


@in_a_session
def test_no_line_of_a_day_is_that_of_another(tmp_path: Path) -> None:
    """Else a line that goes from one institution to another would tell that it is one and the same person."""
    invent()
    before, after = (
        {row[0] for row in rows(publish(tmp_path, day) / package.LIST)[1:]}
        for day in (DAY, DAY + timedelta(days=1))
    )

    assert len(before) == len(after)
    assert not before & after


@in_a_session
def test_of_older_days_the_bundle_is_kept_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "DAYS_KEPT", 4)
    for age in range(operations.DAYS_KEPT, -1, -1):
        publish(tmp_path, DAY - timedelta(days=age))

    assert len(queries.days(tmp_path)) == operations.DAYS_KEPT
    assert [path.name for path in (tmp_path / str(BEFORE)).iterdir()] == [f"lightup-{BEFORE}.zip"]
    assert verify(tmp_path / str(BEFORE) / f"lightup-{BEFORE}.zip").code == 0


@in_a_session
def test_what_was_committed_but_not_placed_is_placed_next_time(tmp_path: Path) -> None:
    """Killed between the commit and the renaming: the day must not be lost, as its list is no more."""
    operations.stage(tmp_path, policy().signer, DAY, "http://localhost")
    assert queries.days(tmp_path) == []
    assert operations.is_due(tmp_path, NOON + timedelta(days=1))

    operations.tidy(tmp_path)

    assert queries.days(tmp_path) == [DAY]
    assert not operations.is_due(tmp_path, NOON + timedelta(days=1))
    assert verify(tmp_path / str(DAY)).code == 0


@in_a_session
def test_what_was_not_committed_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / f".{DAY}").mkdir()
    (tmp_path / f".{DAY}" / package.LIST).write_text("half a list")

    operations.tidy(tmp_path)
    folder = publish(tmp_path)

    assert verify(folder).code == 0


def test_two_workers_do_not_publish_at_once(elsewhere: Elsewhere, tmp_path: Path) -> None:
    with operations._alone():
        assert not elsewhere(lambda: publish_and_commit(tmp_path)).result(20)

    assert elsewhere(lambda: publish_and_commit(tmp_path)).result(20)


def test_the_job_publishes_the_day_that_is_over_once(
    app: object, committing: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = replace(current_app.config["SETTINGS"], data_folder=str(tmp_path))
    monkeypatch.setitem(current_app.config, "SETTINGS", ours)
    now = datetime.now(UTC)
    assert operations.is_due(tmp_path, now)

    publish_records()
    publish_records()

    assert queries.days(tmp_path) == [operations.last_day(now)]
    assert not operations.is_due(tmp_path, now)
    assert db.session.scalar(select(DailyRecord.day).limit(1)) == operations.last_day(now)


@in_a_session
def test_a_list_longer_than_a_bucket_is_in_order(tmp_path: Path) -> None:
    lines = [f"{sha256(str(n).encode()).hexdigest()},x\n".encode() for n in range(5_000)]

    assert list(listing._in_order(lines, tmp_path)) == sorted(lines)
    assert list(tmp_path.iterdir()) == []
