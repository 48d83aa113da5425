"""What Today says of the machinery, and of what others did meanwhile."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from campaign import audit, audit_chain, schedules
from campaign.audit import SYSTEM
from campaign.clock import now
from campaign.db import db
from campaign.desk import health
from campaign.mail.models import OutgoingEmail
from campaign.pledges.policy import current_policy
from campaign.schedules import Schedule
from campaign.staff import sessions
from campaign.staff.rules import Role
from tests.desk.conftest import Desk
from tests.factories import account, confirmed

SignIn = Callable[..., Desk]


def trouble() -> list[str]:
    return [part.sentence for part in health.parts(now()) if not part.is_well]


def runs(ago: timedelta) -> None:
    schedules.add(["seal_audit"])
    db.session.flush()
    db.session.query(Schedule).update({"ran_at": now() - ago})


def email(**times: object) -> None:
    made = {"template": "confirm", "locale": "en", "recipient": "a@example.org"}
    db.session.add(OutgoingEmail(**made, recipient_hash=b"", facts={}, **times))
    db.session.flush()


def test_a_site_that_runs_has_no_trouble(session: Session) -> None:
    runs(timedelta(seconds=50))
    confirmed()
    email(due_at=now() - timedelta(seconds=5))
    assert trouble() == []
    sentences = " ".join(part.sentence for part in health.parts(now()))
    assert "1 change waits to be counted" in sentences
    assert "1 letter is waiting" in sentences or "2 letters are waiting" in sentences


def test_a_worker_that_never_ran_is_told(session: Session) -> None:
    assert trouble() == ["Scheduler and worker have not done anything yet."]


def test_a_worker_that_has_stopped_is_told(session: Session) -> None:
    runs(timedelta(minutes=20))
    (sentence,) = trouble()
    assert sentence.startswith("Scheduler or worker are not running: the last work was done 20 min")


def test_mail_that_is_late_or_given_up_is_told(session: Session) -> None:
    runs(timedelta())
    email(due_at=now() - timedelta(minutes=11))
    email(failed_at=now())
    late, given_up = trouble()
    assert late == "1 letter is waiting; the oldest was due 11 minutes ago."
    assert given_up.startswith("1 letter could not be delivered")


def test_counts_that_do_not_follow_are_told(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs(timedelta())
    monkeypatch.setattr(health, "MANY_DELTAS", 1)
    confirmed()
    assert trouble() == ["1 change waits to be counted."]


def test_a_record_that_is_not_sealed_is_told(session: Session) -> None:
    runs(timedelta())
    audit.record(SYSTEM, "tried", "test:1", {}).happened_at = now() - timedelta(minutes=20)
    db.session.flush()
    (sentence,) = trouble()
    assert sentence == "The oldest line of the record that is not sealed came 20 minutes ago."
    audit_chain.seal(current_policy().signer, wait_seconds=0)
    assert trouble() == []


def test_only_who_can_help_sees_whether_everything_runs(sign_in: SignIn) -> None:
    assert "Is everything running?" in sign_in().get("/").text
    assert "Is everything running?" not in sign_in(Role.MODERATOR).get("/").text


def test_what_others_did_since_the_last_visit_is_told(sign_in: SignIn) -> None:
    who, other = account(), account(name="Marisol Quintrel")
    before, _ = sessions.begin(who, "Firefox", b"", now() - timedelta(days=3))
    before.seen_at = now() - timedelta(days=2)
    for number in range(3):
        audit.record(other.actor(), "accepted", f"pledge:{number}", {})
    audit.record(SYSTEM, "sealed", "test:1", {})
    audit.record(who.actor(), "refused", "pledge:9", {})
    page = sign_in(who=who).get("/").text
    assert "Since you were here" in page
    assert "Marisol Quintrel" in page
    assert "× 3" in page
    assert "sealed" in page
    assert "refused" not in page


def test_the_first_visit_and_those_who_may_not_read_the_record_see_nothing_of_it(
    sign_in: SignIn,
) -> None:
    audit.record(SYSTEM, "sealed", "test:1", {})
    assert "Since you were here" not in sign_in().get("/").text
    who = account(Role.MODERATOR)
    sessions.begin(who, "Firefox", b"", now() - timedelta(days=3))
    assert "Since you were here" not in sign_in(who=who).get("/").text
