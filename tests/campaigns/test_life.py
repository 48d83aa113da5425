"""The life of a campaign: created, published, scheduled, closed, archived; and what of it is in the record."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from campaign import topics
from campaign.audit import AuditEvent
from campaign.campaigns import operations, queries, writing
from campaign.campaigns.drafts import IncompleteDraft
from campaign.campaigns.models import TEXTS, CampaignState
from campaign.campaigns.operations import NothingChanged, PastHour, WrongState
from campaign.campaigns.rules import PROSE, InvalidName, Problem
from campaign.clock import now
from campaign.db import db
from campaign.i18n import offered
from campaign.pledges.models import Status
from campaign.pledges.operations import confirm
from campaign.pledges.submitting import CampaignClosed
from campaign.tallies import queries as tally_queries
from campaign.tallies.operations import fold_all
from tests.campaigns.tools import campaign, draft, save, save_in_all
from tests.factories import CAMPAIGN, STAFF, confirmed, is_true, policy, submitted, text
from worker import actors

pytestmark = pytest.mark.usefixtures("session")

HOUR = timedelta(hours=1)


def last_event() -> tuple[str, dict[str, Any]]:
    newest = select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)
    event = db.session.scalars(newest).one()
    return event.action, event.details


# Created


def test_a_new_campaign_is_seen_by_nobody_before_its_first_version() -> None:
    created = operations.create(STAFF, "rivers")

    assert queries.current_text("rivers", "en") is None
    assert [one.slug for one in queries.list_all()][-1] == "rivers"
    assert last_event() == ("campaign created", {"after": {"slug": "rivers"}})
    with pytest.raises(IncompleteDraft):
        operations.publish_draft(STAFF, created.id)


@pytest.mark.parametrize(
    ("slug", "problem"),
    [
        (CAMPAIGN, Problem.TAKEN),
        ("new", Problem.RESERVED),
        ("", Problem.REQUIRED),
        ("Rivers", Problem.FORM),
        ("rivers\0", Problem.FORM),
        ("../rivers", Problem.FORM),
        ("r" * 61, Problem.TOO_LONG),
    ],
)
def test_a_slug_that_cannot_be_used_is_refused(slug: str, problem: Problem) -> None:
    with pytest.raises(InvalidName) as refused:
        operations.create(STAFF, slug)
    assert refused.value.problem is problem


# Published


def test_a_campaign_is_written_translated_and_published_in_all_languages() -> None:
    rivers = operations.create(STAFF, "rivers")
    for name in PROSE:
        save_in_all(f"The {name}", name, slug="rivers")
    for list_name, code in (("commitments", "clean"), ("commitments_institution", "pay")):
        writing.add_commitment(STAFF, None, rivers.id, list_name, code, "A promise (en)")
        save_in_all("A promise", f"{list_name}/{code}", slug="rivers")

    assert operations.publish_draft(STAFF, rivers.id) == 1
    assert text("rivers", "ar").title == "The title (ar)"
    assert text("rivers", "sw").commitments == [["clean", "A promise (sw)"]]


def test_publishing_is_refused_with_what_is_missing_and_what_is_stale() -> None:
    save("Another title")
    writing.add_commitment(STAFF, None, campaign().id, "commitments", "field-work", "Go outside")

    with pytest.raises(IncompleteDraft) as refused:
        operations.publish_draft(STAFF, campaign().id)
    assert refused.value.passages == {
        locale: ["title", "commitments/field-work"] for locale in offered() if locale != "en"
    }
    assert queries.current_version(campaign().id) == 1


def test_a_campaign_without_commitments_is_not_complete() -> None:
    operations.create(STAFF, "rivers")

    assert draft("rivers").left_to_do()["en"][-2:] == ["commitments", "commitments_institution"]


def test_a_version_has_what_the_draft_said_and_the_record_says_what_changed() -> None:
    save_in_all("Another title")
    raised = topics.version(TEXTS, "")

    assert operations.publish_draft(STAFF, campaign().id) == 2
    assert (text().title, text(locale="fr").title) == ("Another title (en)", "Another title (fr)")
    assert topics.version(TEXTS, "") == raised + 1
    action, details = last_event()
    assert (action, details["before"], details["after"]) == ("texts published", 1, 2)
    assert details["passages"] == {locale: ["title"] for locale in offered()}
    with pytest.raises(NothingChanged):
        operations.publish_draft(STAFF, campaign().id)


def test_a_retired_commitment_stays_with_those_who_made_it() -> None:
    pledge = confirmed(commitments=["lectures"])
    writing.retire_commitment(STAFF, None, campaign().id, "lectures", now())
    operations.publish_draft(STAFF, campaign().id)

    assert "lectures" not in text().commitments_for("person")
    assert pledge.text.commitments_for("person")["lectures"]
    assert pledge.commitments == ["lectures"]


def test_pledges_are_counted_for_each_version() -> None:
    confirmed("a@example.org")
    confirmed("b@example.org", locale="fr")
    submitted("unconfirmed@example.org")
    confirmed("c@example.org", slug="haikou-initiative", commitments=["pass-on"])
    save_in_all("Another title")
    operations.publish_draft(STAFF, campaign().id)
    confirmed("d@example.org")

    fold_all()
    assert tally_queries.by_version(campaign().id) == {1: 2, 2: 1}


# Scheduled


def test_texts_are_published_at_their_hour_as_they_were_when_that_was_decided() -> None:
    save_in_all("Another title")
    operations.schedule(STAFF, campaign().id, now() + HOUR, now())
    save_in_all("Later still")

    assert not operations.publish_next_due(now())
    assert operations.publish_next_due(now() + HOUR)
    assert text().title == "Another title (en)"
    assert last_event()[1]["after"] == 2
    assert not operations.publish_next_due(now() + HOUR)


def test_the_worker_publishes_what_is_due() -> None:
    save_in_all("Another title")
    operations.schedule(STAFF, campaign().id, now() - HOUR, now() - 2 * HOUR)

    assert is_true(queries.has_due_texts())
    actors.publish_due_texts()
    assert text().title == "Another title (en)"
    assert not is_true(queries.has_due_texts())


def test_who_publishes_at_once_drops_what_was_scheduled() -> None:
    save_in_all("Another title")
    operations.schedule(STAFF, campaign().id, now() + HOUR, now())
    save_in_all("Newer")
    operations.publish_draft(STAFF, campaign().id)

    assert queries.scheduled(campaign().id) is None


def test_a_schedule_can_be_moved_and_cancelled() -> None:
    save_in_all("Another title")
    operations.schedule(STAFF, campaign().id, now() + HOUR, now())
    operations.schedule(STAFF, campaign().id, moved := now() + 2 * HOUR, now())
    scheduled = queries.scheduled(campaign().id)
    assert scheduled is not None
    assert scheduled.due_at == moved

    operations.cancel_schedule(STAFF, campaign().id)
    assert queries.scheduled(campaign().id) is None
    with pytest.raises(WrongState):
        operations.cancel_schedule(STAFF, campaign().id)


def test_what_cannot_be_published_cannot_be_scheduled() -> None:
    with pytest.raises(NothingChanged):
        operations.schedule(STAFF, campaign().id, now() + HOUR, now())
    save("Another title")
    with pytest.raises(IncompleteDraft):
        operations.schedule(STAFF, campaign().id, now() + HOUR, now())
    save_in_all("Another title")
    with pytest.raises(PastHour):
        operations.schedule(STAFF, campaign().id, now(), now())


# Closed and archived


def test_a_closed_campaign_takes_no_pledge_and_confirms_those_that_were_made() -> None:
    raised = topics.version(TEXTS, "")
    operations.close(STAFF, campaign().id)

    assert topics.version(TEXTS, "") == raised + 1
    assert last_event() == ("campaign closed", {"before": "open", "after": "closed"})
    with pytest.raises(CampaignClosed):
        submitted()
    operations.reopen(STAFF, campaign().id)
    pledge = submitted()
    operations.close(STAFF, campaign().id)
    confirm(policy(), pledge.id, pledge.submission, now())
    assert pledge.status == Status.CONFIRMED


def test_an_archived_campaign_is_listed_no_more_and_can_come_back() -> None:
    operations.archive(STAFF, campaign().id)

    assert queries.listed() == ["haikou-initiative"]
    assert queries.current_text(CAMPAIGN, "en") is not None
    assert not queries.takes_pledges(campaign().id)
    operations.reopen(STAFF, campaign().id)
    assert queries.listed() == [CAMPAIGN, "haikou-initiative"]


def test_what_is_closed_is_not_closed_again() -> None:
    operations.close(STAFF, campaign().id)
    with pytest.raises(WrongState):
        operations.close(STAFF, campaign().id)
    assert queries.state_of(campaign().id) is CampaignState.CLOSED
