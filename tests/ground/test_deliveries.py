"""A queue costs the same however long it is: what is due, and what is old, is found by index."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, select, text

from campaign import deliveries
from campaign.clock import now
from campaign.db import db
from campaign.mail.models import OutgoingEmail
from campaign.partners.models import WebhookDelivery

pytestmark = pytest.mark.usefixtures("session")
ROWS = 20_000

FILL = {
    OutgoingEmail: """
        INSERT INTO outgoing_emails (template, locale, recipient, recipient_hash, facts, sent_at)
        SELECT 'held', 'en', i || '@example.org', sha256(i::text::bytea), '{}', CASE WHEN :sent THEN now() END
        FROM generate_series(1, :rows) AS i""",
    WebhookDelivery: """
        WITH webhook AS (
            INSERT INTO webhooks (url, events) VALUES ('https://hooks.uni.ac.ke/', '{}') RETURNING id
        )
        INSERT INTO webhook_deliveries (webhook_id, subject, message, sent_at)
        SELECT id, i::text, '{}', CASE WHEN :sent THEN now() END
        FROM webhook, generate_series(1, :rows) AS i""",
}
every_queue = pytest.mark.parametrize("model", FILL, ids=lambda model: model.__tablename__)


def fill(model, *, sent):
    """Add rows that became due at one instant, or were sent at one."""
    db.session.execute(text(FILL[model]), {"rows": ROWS, "sent": sent})
    db.session.execute(text(f"ANALYZE {model.__tablename__}"))


@pytest.fixture
def plan_of():
    """The plan of the one statement that a function executes."""

    def explain(run):
        plans = []

        def keep(connection, cursor, statement, parameters, *_):
            cursor.execute(f"EXPLAIN {statement}", parameters)
            plans.append("\n".join(line for (line,) in cursor.fetchall()))

        event.listen(Engine, "before_cursor_execute", keep)
        try:
            run()
        finally:
            event.remove(Engine, "before_cursor_execute", keep)
        (plan,) = plans
        return plan

    return explain


@every_queue
def test_a_claim_reads_one_row_of_the_index(model, plan_of):
    fill(model, sent=False)

    plan = plan_of(lambda: deliveries.claim(model))

    assert f"Index Scan using ix_{model.__tablename__}_due" in plan
    assert "Sort" not in plan
    assert "Seq Scan" not in plan


@every_queue
def test_purging_looks_at_old_rows_only(model, plan_of):
    fill(model, sent=True)

    plan = plan_of(lambda: deliveries.purge(model, now() - timedelta(days=30)))

    assert f"ix_{model.__tablename__}_ended" in plan
    assert "Seq Scan" not in plan


@every_queue
def test_whether_anything_is_due_is_seen_in_the_index(model, plan_of):
    fill(model, sent=True)

    plan = plan_of(lambda: db.session.scalar(select(deliveries.has_due(model))))

    assert f"ix_{model.__tablename__}_due" in plan
    assert "Seq Scan" not in plan


@every_queue
def test_what_became_due_at_one_instant_is_claimed_in_its_order(model):
    fill(model, sent=False)

    claimed = [deliveries.claim(model).id for _ in range(3)]

    assert claimed == sorted(claimed)
    assert not db.session.scalar(
        text(f"SELECT EXISTS (SELECT FROM {model.__tablename__} WHERE id < :id AND attempts = 0)"),
        {"id": claimed[-1]},
    )
