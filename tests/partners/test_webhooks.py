"""Partners are told of milestones and daily tallies: once, signed, and again where they did not take it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner
from flask.cli import ScriptInfo
from sqlalchemy import func, select, update
from standardwebhooks import Webhook as Signature

from campaign import jobs
from campaign.cli import lightup
from campaign.clock import now
from campaign.db import db
from campaign.deliveries import LEASE, MAX_ATTEMPTS
from campaign.partners import queries, webhooks
from campaign.partners.models import (
    PartnerEvent,
    Webhook,
    WebhookDelivery,
    WebhookMilestone,
)
from campaign.partners.rules import DAILY, EVENTS, MILESTONE
from campaign.safe_http import Outbound
from campaign.tallies.models import Tally
from tests.factories import CAMPAIGN, STAFF, confirmed, institution, is_true, policy, text
from worker import actors

pytestmark = pytest.mark.usefixtures("session")
TO = "https://hooks.uni.ac.ke/"
YESTERDAY = timedelta(days=1)


def added(url=TO, institution_id=None, events=EVENTS, at=None):
    return webhooks.add(url, institution_id, events, STAFF, at or now())


def count(people, dimension="total", key="", kind="person"):
    """Let the tallies say so."""
    id_ = {"campaign_id": text().campaign_id, "dimension": dimension, "key": key, "kind": kind}
    db.session.merge(Tally(**id_, count=people))
    db.session.flush()


def queued(event=None):
    messages = db.session.scalars(
        select(WebhookDelivery.message).order_by(WebhookDelivery.queued_at, WebhookDelivery.id)
    )
    return [m["data"] | {"type": m["type"]} for m in messages if event in {None, m["type"]}]


def only_delivery():
    return db.session.scalars(
        select(WebhookDelivery).execution_options(populate_existing=True)
    ).one()


def pretend(passed):
    """Let time pass for all messages."""
    db.session.execute(update(WebhookDelivery).values(due_at=WebhookDelivery.due_at - passed))


def deliver(outbound):
    """Send all that is due, as the job does; tell what went wrong."""
    errors = []
    while claimed := webhooks.claim():
        errors.append(webhooks.deliver(outbound, policy().signer, claimed, now()))
    return errors


# Milestones


def test_each_milestone_is_told_once():
    added()
    for number in (9, 10, 11, 60):
        count(number)
        webhooks.announce_milestones(now())

    told = queued(MILESTONE)

    assert [(data["milestone"], data["people"]) for data in told] == [(10, 10), (25, 60), (50, 60)]
    assert {data["campaign"] for data in told} == {CAMPAIGN}


def test_a_count_that_falls_and_rises_again_tells_nothing_twice():
    added()
    for number in (10, 9, 10):
        count(number)
        webhooks.announce_milestones(now())
    webhooks.purge(now() + timedelta(days=99))
    webhooks.announce_milestones(now())

    assert len(queued(MILESTONE)) == 1


def test_what_was_passed_before_is_not_told():
    count(30)
    added()
    assert webhooks.announce_milestones(now()) == 0

    count(50)
    webhooks.announce_milestones(now())

    assert [data["milestone"] for data in queued()] == [50]


def test_an_institution_is_told_of_its_own_people_only():
    home = institution().id
    added(institution_id=home)
    count(500)
    count(10, "institution", institution().id)
    count(25, "institution", home)
    count(1, "institution", home, kind="institution")

    webhooks.announce_milestones(now())

    assert [(d["milestone"], d["institution"], d["official_pledges"]) for d in queued()] == [
        (10, home, 1),
        (25, home, 1),
    ]


def test_an_institution_that_merged_is_told_of_its_successor():
    new = institution().id
    old = institution(status="inactive", successor_id=new).id
    added(institution_id=old)
    count(6, "institution", old)
    count(5, "institution", new)

    webhooks.announce_milestones(now())

    assert [(data["milestone"], data["people"]) for data in queued()] == [(10, 11)]


def test_whoever_did_not_ask_is_not_told():
    added(events=[DAILY])
    count(10)
    assert webhooks.announce_milestones(now()) == 0


@pytest.mark.parametrize("by_command", [False, True])
def test_each_fold_tells_of_milestones(run, monkeypatch, by_command):
    monkeypatch.setattr(webhooks, "MILESTONES", (2,))
    added()
    for number in range(2):
        confirmed(f"p{number}@example.org")

    for _ in range(2):
        run("tallies", "fold") if by_command else actors.fold_tallies()

    assert [(data["milestone"], data["people"]) for data in queued()] == [(2, 2)]


# Daily


def test_yesterdays_tally_is_told_once_a_day():
    moment = datetime(2026, 11, 22, 0, 20, tzinfo=UTC)
    added(at=moment - YESTERDAY)
    count(7)

    numbers = [
        webhooks.queue_daily(moment),
        webhooks.queue_daily(moment + timedelta(hours=23)),
        webhooks.queue_daily(moment + timedelta(days=1)),
    ]

    days = [data["day"] for data in queued(DAILY) if data["campaign"] == CAMPAIGN]
    assert numbers[1] == 0
    assert days == [date(2026, 11, 21).isoformat(), date(2026, 11, 22).isoformat()]
    assert {data["people"] for data in queued(DAILY)} == {0, 7}


def test_a_day_that_was_over_before_is_not_told():
    added()
    assert webhooks.queue_daily(now()) == 0


# Sending


def test_a_message_arrives_signed(partner, outbound):
    webhook = added(partner.url)
    webhooks.queue_test(webhook, now())

    assert deliver(outbound) == [None]

    ((headers, body),) = partner.got
    secret = webhooks.secret_of(policy().signer, webhook.id)
    assert Signature(secret).verify(body, headers)["type"] == "webhook.test"
    assert headers["webhook-id"] == str(only_delivery().id)
    assert headers["content-type"] == "application/json"
    assert only_delivery().sent_at is not None
    assert deliver(outbound) == []


def test_another_secret_does_not_verify(partner, outbound):
    webhooks.queue_test(added(partner.url), now())
    deliver(outbound)
    other = webhooks.secret_of(policy().signer, added().id)

    ((headers, body),) = partner.got
    with pytest.raises(Exception, match="signature"):
        Signature(other).verify(body, headers)


def test_what_was_not_taken_is_sent_again_under_the_same_id(partner, outbound):
    partner.answers = [500, 302, 204]
    webhooks.queue_test(added(partner.url), now())

    for _ in range(4):
        deliver(outbound)
        pretend(timedelta(minutes=5))

    assert len(partner.got) == 3
    assert len({headers["webhook-id"] for headers, _ in partner.got}) == 1
    assert (only_delivery().attempts, only_delivery().error) == (3, None)


def test_attempts_are_further_and_further_apart(partner, outbound):
    partner.answers = [500] * 4
    webhooks.queue_test(added(partner.url), now())
    waits = []
    for _ in range(4):
        before = now()
        deliver(outbound)
        waits.append(round((only_delivery().due_at - before) / timedelta(minutes=1)))
        pretend(timedelta(days=9))

    assert waits == [1, 2, 4, 8]


def test_a_partner_that_is_away_keeps_nobody_waiting(partner, outbound):
    """One try for all that waits there, since each may take its time."""
    away = added("http://127.0.0.1:1/")
    for _ in range(5):
        webhooks.queue_test(away, now())
    webhooks.queue_test(added(partner.url), now())

    errors = deliver(outbound)

    assert len(errors) == 2
    assert len(partner.got) == 1


@pytest.mark.parametrize("tried", [0, MAX_ATTEMPTS - 2])
def test_a_message_that_is_never_taken_does_not_keep_the_others_back(partner, outbound, tried):
    partner.answers = [400, 204]
    webhook = added(partner.url)
    bad, good = (str(webhooks.queue_test(webhook, now())) for _ in range(2))
    of_the_bad = update(WebhookDelivery).where(WebhookDelivery.id == bad)
    first = WebhookDelivery.due_at - timedelta(seconds=1)
    db.session.execute(of_the_bad.values(attempts=tried, due_at=first))

    deliver(outbound)
    pretend(2 * webhooks.PAUSE)
    deliver(outbound)

    assert [headers["webhook-id"] for headers, _ in partner.got[:2]] == [bad, good]


def test_a_webhook_that_is_dead_is_disabled_with_a_line_in_the_trail(partner, outbound):
    partner.answers = [503] * MAX_ATTEMPTS
    webhook = added(partner.url)
    webhooks.queue_test(webhook, now())

    for _ in range(MAX_ATTEMPTS + 1):
        deliver(outbound)
        pretend(timedelta(days=9))

    assert len(partner.got) == MAX_ATTEMPTS
    assert webhook.disabled_at is not None
    last = db.session.scalars(select(PartnerEvent).order_by(PartnerEvent.id.desc())).first()
    assert (str(last.actor), last.action) == ("system", "webhook disabled")
    with pytest.raises(webhooks.Disabled):
        webhooks.queue_test(webhook, now())


def test_a_webhook_that_takes_other_messages_is_not_disabled(partner, outbound):
    partner.answers = [503]
    webhook = added(partner.url)
    webhooks.queue_test(webhook, now() - timedelta(hours=1))
    db.session.execute(update(WebhookDelivery).values(attempts=MAX_ATTEMPTS - 1))
    webhook.last_taken_at = now() + timedelta(seconds=5)
    db.session.flush()

    deliver(outbound)

    assert (webhook.disabled_at, only_delivery().failed_at is None) == (None, False)


def test_gone_ends_a_webhook_at_once(partner, outbound):
    partner.answers = [410]
    webhook = added(partner.url)
    for _ in range(2):
        webhooks.queue_test(webhook, now())

    deliver(outbound)

    assert len(partner.got) == 1
    assert webhook.disabled_at is not None
    assert not is_true(webhooks.has_due())
    count(10)
    assert webhooks.announce_milestones(now()) == 0


def test_nothing_goes_into_our_own_network(partner):
    webhooks.queue_test(added(partner.url), now())
    with Outbound(may_be_private=False) as outside:
        (error,) = deliver(outside)

    assert error.startswith("PrivateAddress")
    assert partner.got == []


def test_a_webhook_removed_while_a_message_is_under_way(partner, outbound):
    webhook = added(partner.url)
    webhooks.queue_test(webhook, now())
    claimed = webhooks.claim()
    webhooks.remove(webhook, STAFF)

    assert webhooks.deliver(outbound, policy().signer, claimed, now()) is None
    assert not is_true(webhooks.has_due())


def test_a_killed_workers_message_comes_back(partner, outbound):
    webhooks.queue_test(added(partner.url), now())
    webhooks.claim()
    assert webhooks.claim() is None

    pretend(LEASE)

    assert deliver(outbound) == [None]


def test_a_message_of_which_every_worker_died_is_given_up(app, partner):
    """It may be the message, or us: its webhook is not to blame."""
    webhook = added(partner.url)
    webhooks.queue_test(webhook, now())
    for _ in range(MAX_ATTEMPTS):
        assert webhooks.claim() is not None
        pretend(LEASE)
    jobs.commit()

    actors.send_webhooks()
    jobs.rollback()

    assert partner.got == []
    assert (only_delivery().failed_at is None, webhook.disabled_at) == (False, None)


def test_old_messages_go_and_milestones_stay(partner, outbound):
    added(partner.url)
    count(10)
    webhooks.announce_milestones(now())
    deliver(outbound)
    left = db.session.scalar(select(func.count()).select_from(WebhookDelivery))

    webhooks.purge(now() - timedelta(days=1))
    assert left == 1 == db.session.scalar(select(func.count()).select_from(WebhookDelivery))
    webhooks.purge(now() + timedelta(days=1))

    assert db.session.scalar(select(func.count()).select_from(WebhookDelivery)) == 0
    assert db.session.scalar(select(func.count()).select_from(WebhookMilestone)) == 1


def test_the_job_sends_what_is_due(app, settings, partner, monkeypatch):
    open_ = replace(settings, webhooks_to_private_networks=True)
    monkeypatch.setitem(app.config, "SETTINGS", open_)
    webhooks.queue_test(added(partner.url), now())

    actors.send_webhooks()

    assert len(partner.got) == 1


# Commands


@pytest.fixture
def run(app, settings, monkeypatch):
    open_ = replace(settings, webhooks_to_private_networks=True)
    monkeypatch.setitem(app.config, "SETTINGS", open_)

    def invoke(*arguments):
        info = ScriptInfo(create_app=lambda: app)
        runner = CliRunner(catch_exceptions=False)
        return runner.invoke(lightup, list(arguments), obj=info, prog_name="lightup")

    return invoke


def test_a_webhook_is_added_tested_listed_and_removed(run, partner):
    id_, secret = run("webhooks", "add", partner.url, "--event", MILESTONE).output.split()

    assert run("webhooks", "test", id_).output == "Taken.\n"
    ((headers, body),) = partner.got
    Signature(secret).verify(body, headers)
    (line,) = run("webhooks", "list").output.splitlines()
    assert line.startswith(f"{id_}  taken {now():%Y-%m-%d}  campaigns  {MILESTONE}  {partner.url}")

    assert run("webhooks", "remove", id_).exit_code == 0

    assert db.session.scalars(select(Webhook)).all() == []
    assert [event.action for event in queries.trail()] == ["webhook removed", "webhook added"]


def test_a_test_that_is_not_taken_is_told(run, partner):
    partner.answers = [500]
    id_ = run("webhooks", "add", partner.url).output.split()[0]

    result = run("webhooks", "test", id_)

    assert (result.exit_code, "answered 500" in result.output) == (1, True)


@pytest.mark.parametrize(
    "wrong",
    [
        ["add", "nonsense"],
        ["add", TO, "--event", "coffee"],
        ["add", TO, "--institution", "nonsense"],
        ["remove", "nonsense"],
        ["test", "00000000-0000-4000-8000-000000000000"],
    ],
)
def test_a_senseless_webhook_is_told(run, wrong):
    result = run("webhooks", *wrong)
    assert (result.exit_code > 0, "Error: " in result.output) == (True, True)


def test_without_the_setting_only_https_is_taken(app):
    info = ScriptInfo(create_app=lambda: app)
    result = CliRunner().invoke(lightup, ["webhooks", "add", "http://x.org/"], obj=info)
    assert (result.exit_code, "https" in result.output) == (1, True)
