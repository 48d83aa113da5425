"""No e-mail is lost: each is sent once, and tried again where the server would not have it yet."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from campaign import jobs
from campaign.clock import now
from campaign.db import db
from campaign.deliveries import LEASE, MAX_ATTEMPTS
from campaign.mail import outbox
from campaign.mail.models import OutgoingEmail
from campaign.mail.pacing import Paces
from campaign.mail.transport import Transport
from campaign.people.models import Person
from campaign.pledges import emails
from tests.factories import is_true, policy, submitted, text
from tests.ports import free_port

PACES = Paces(per_network=60, in_all=6_000)


def queue(*addresses, template="held", locale="en", **facts):
    known = {
        "name": "Wanjiru Kamau",
        "official": False,
        "campaign_title": text(locale=locale).title,
        "my_token": "signed",
        "hours": 24,
    }
    for address in addresses:
        outbox.queue(template, locale, address, address.encode(), known | facts)
    db.session.flush()


def only_email():
    email = db.session.scalars(select(OutgoingEmail)).one()
    db.session.refresh(email)
    return email


def pretend(passed):
    """Let time pass for all e-mails: what was due later is due so much earlier."""
    db.session.execute(update(OutgoingEmail).values(due_at=OutgoingEmail.due_at - passed))
    db.session.flush()


def deliver_nowhere():
    with Transport(f"smtp://127.0.0.1:{free_port()}") as away:
        return outbox.deliver_due(away, PACES)


def test_an_email_arrives_in_its_readers_language(session, postbox, transport):
    submitted(locale="fr", name="Éloïse Traoré")

    assert outbox.deliver_due(transport, PACES) == 1

    (message,) = postbox.messages
    assert postbox.envelopes[0].rcpt_tos == ["wanjiru@example.org"]
    assert message["Content-Language"] == "fr"
    assert text(locale="fr").title in message["Subject"]
    assert "Éloïse Traoré" in message.get_body(("plain",)).get_content()


def test_what_was_sent_is_forgotten_but_for_its_hash(session, transport):
    queue("wanjiru@example.org")

    outbox.deliver_due(transport, PACES)

    email = only_email()
    assert email.sent_at is not None
    assert (email.recipient, email.facts, email.error) == (None, {}, None)
    assert outbox.queued_since(b"wanjiru@example.org", ["held"], now() - timedelta(days=1)) == 1


def test_nothing_is_sent_twice(session, postbox, transport):
    queue("a@example.org", "b@example.org")

    sent = [outbox.deliver_due(transport, PACES) for _ in range(3)]

    assert sent == [2, 0, 0]
    assert len(postbox.messages) == 2
    assert not is_true(outbox.has_due())


def test_while_the_server_is_away_nothing_is_lost(session, postbox, transport):
    queue("wanjiru@example.org")

    assert deliver_nowhere() == 0
    assert (only_email().failed_at, only_email().sent_at) == (None, None)
    pretend(timedelta(minutes=2))

    assert outbox.deliver_due(transport, PACES) == 1
    assert len(postbox.messages) == 1
    assert only_email().error is None


def test_while_the_server_is_away_a_run_does_not_try_them_all(session):
    """Each try may hang for half a minute, and the worker has other things to do."""
    queue(*(f"{n}@example.org" for n in range(5)))

    deliver_nowhere()

    assert db.session.scalar(select(func.sum(OutgoingEmail.attempts))) == 1


def test_attempts_are_further_and_further_apart_for_longer_than_a_weekend(session):
    queue("wanjiru@example.org")
    waits = []
    while only_email().failed_at is None:
        before = now()
        deliver_nowhere()
        waits.append((only_email().due_at - before) / timedelta(minutes=1))
        pretend(timedelta(days=9))

    *retried, _ = waits
    assert [round(minutes) for minutes in retried[:5]] == [1, 2, 4, 8, 16]
    assert timedelta(days=2.5) < timedelta(minutes=sum(retried)) < timedelta(days=4)
    assert only_email().attempts == MAX_ATTEMPTS


def test_an_address_that_is_erased_while_it_is_refused_is_kept_nowhere(session, postbox, transport):
    """The refusal is recorded after the erasure, and servers repeat the address in it."""

    postbox.at_rcpt = lambda to: f"451 4.7.1 <{to}> is greylisted, says {to}"
    queue("wanjiru@example.org")
    claimed = outbox.claim(PACES)
    # What another process does, of which this one's object knows nothing.
    erasure = update(OutgoingEmail.__table__).values(recipient=None, facts={}, failed_at=now())
    session.execute(erasure)

    outbox._deliver(transport, claimed)
    session.flush()

    row = session.execute(select(OutgoingEmail.__table__)).mappings().one()
    assert (row["recipient"], row["facts"]) == (None, {})
    assert "451" in row["error"]
    assert "wanjiru" not in row["error"]


def test_a_mailbox_that_is_not_there_is_given_up_at_once(session, postbox, transport):
    postbox.at_rcpt = lambda _: "550 5.1.1 No such mailbox"
    queue("nobody@example.org")

    outbox.deliver_due(transport, PACES)

    assert only_email().failed_at is not None
    assert "550" in only_email().error
    assert not is_true(outbox.has_due())


@pytest.mark.parametrize("stage", ["at_rcpt", "at_data"])
@pytest.mark.parametrize(
    "answer", ["451 4.7.1 Greylisted, come back later", "452 4.2.2 Mailbox full"]
)
def test_what_is_refused_for_now_is_tried_again(session, postbox, transport, stage, answer):
    setattr(postbox, stage, lambda _: answer)
    queue("wanjiru@example.org")
    outbox.deliver_due(transport, PACES)
    assert only_email().failed_at is None

    setattr(postbox, stage, lambda _: None)
    pretend(timedelta(minutes=2))

    assert outbox.deliver_due(transport, PACES) == 1


def test_a_message_refused_permanently_is_given_up(session, postbox, transport):
    postbox.at_data = lambda _: "554 5.7.1 We do not want this"
    queue("wanjiru@example.org")

    outbox.deliver_due(transport, PACES)

    assert only_email().failed_at is not None


def test_a_refused_email_does_not_keep_the_others_back(session, postbox, transport):
    postbox.at_rcpt = lambda address: "550 5.1.1 No" if address.startswith("nobody") else None
    queue("a@example.org", "nobody@example.org", "b@example.org")

    assert outbox.deliver_due(transport, PACES) == 2


def test_an_email_that_cannot_be_composed_waits_until_it_is_fixed(session, postbox, transport):
    queue("a@example.org", template="refused")  # its reason is missing
    queue("b@example.org")

    assert outbox.deliver_due(transport, PACES) == 1

    broken = db.session.scalars(select(OutgoingEmail).where(OutgoingEmail.sent_at.is_(None))).one()
    assert (broken.failed_at, broken.attempts) == (None, 1)
    assert "reason" in broken.error


def test_a_killed_workers_email_comes_back_after_its_lease(session, postbox, transport):
    queue("wanjiru@example.org")
    assert outbox.claim(PACES) is not None  # and then the worker dies

    assert outbox.deliver_due(transport, PACES) == 0
    pretend(LEASE)

    assert outbox.deliver_due(transport, PACES) == 1


def test_an_email_of_which_every_worker_died_is_given_up(session, postbox, transport):
    queue("wanjiru@example.org")
    for _ in range(MAX_ATTEMPTS):
        assert outbox.claim(PACES) is not None  # and then the worker dies
        pretend(LEASE)

    assert outbox.deliver_due(transport, PACES) == 0

    assert only_email().failed_at is not None
    assert not is_true(outbox.has_due())


def test_an_email_that_came_twice_has_one_message_id(session, postbox, transport):
    """Sent, and killed before that was recorded: the second copy must be known as one."""
    queue("wanjiru@example.org")
    id_ = only_email().id
    postbox.at_data = lambda server: server.transport.abort()
    outbox.deliver_due(transport, PACES)
    postbox.at_data = lambda _: None
    pretend(timedelta(minutes=2))

    outbox.deliver_due(transport, PACES)

    assert [message["Message-ID"] for message in postbox.messages] == [f"<{id_}@localhost>"] * 2


def test_emails_are_sent_oldest_first(session, postbox, transport):
    queue("late@example.org", "early@example.org")
    early = update(OutgoingEmail).where(OutgoingEmail.recipient == "early@example.org")
    db.session.execute(early.values(due_at=OutgoingEmail.due_at - timedelta(minutes=5)))

    outbox.deliver_due(transport, PACES)

    assert [envelope.rcpt_tos[0] for envelope in postbox.envelopes] == [
        "early@example.org",
        "late@example.org",
    ]


def test_emails_of_an_erased_person_are_not_sent(session, postbox, transport):
    pledge = submitted()
    outbox.forget([pledge.person.fingerprint], pledge.person.address)

    assert outbox.deliver_due(transport, PACES) == 0
    assert postbox.messages == []


def test_forgetting_does_not_bring_an_address_new_emails(session):
    queue("wanjiru@example.org")

    outbox.forget([b"wanjiru@example.org"], "wanjiru@example.org")

    assert outbox.queued_since(b"wanjiru@example.org", ["held"], now() - timedelta(days=1)) == 1


def test_purging_removes_only_what_is_done_and_old(session, transport):
    queue("sent@example.org")
    outbox.deliver_due(transport, PACES)
    queue("waiting@example.org")

    outbox.purge(now() - timedelta(days=1))
    assert len(db.session.scalars(select(OutgoingEmail)).all()) == 2
    outbox.purge(now() + timedelta(days=1))

    assert only_email().recipient == "waiting@example.org"


def test_several_workers_send_each_email_once(elsewhere, postbox):
    addresses = {f"{n}@example.org" for n in range(40)}
    queue(*addresses)
    jobs.commit()

    def work():
        with Transport(postbox.url) as transport:
            return outbox.deliver_due(transport, PACES)

    sent = [working.result(30) for working in [elsewhere(work) for _ in range(4)]]

    assert sum(sent) == len(addresses)
    assert sorted(envelope.rcpt_tos[0] for envelope in postbox.envelopes) == sorted(addresses)


def test_an_email_leaves_only_with_the_commit_of_what_caused_it(elsewhere, postbox):
    submitted()

    def work():
        with Transport(postbox.url) as transport:
            return outbox.deliver_due(transport, PACES)

    assert elsewhere(work).result(20) == 0
    jobs.rollback()

    assert elsewhere(work).result(20) == 0
    assert db.session.scalars(select(Person)).all() == []


def test_a_confirmation_can_be_followed_from_the_mail_itself(session, postbox, transport):
    pledge = submitted(f"{uuid4().hex}@example.org")

    outbox.deliver_due(transport, PACES)

    plain = postbox.messages[0].get_body(("plain",)).get_content()
    token = plain.split("/pledges/confirm/")[1].split("/")[0]
    assert policy().signer.read(emails.CONFIRM, token, timedelta(days=1)) == str(pledge.id)


def test_the_backlog_counts_what_is_due_and_what_was_given_up(session):
    moment = now()
    for address, times in {
        "due@example.org": {"due_at": moment - timedelta(seconds=90)},
        "later@example.org": {"due_at": moment + timedelta(hours=1)},
        "given-up@example.org": {"failed_at": moment},
        "long-ago@example.org": {"failed_at": moment - timedelta(days=3)},
    }.items():
        email = {"template": "confirm", "locale": "en", "recipient": address}
        session.add(OutgoingEmail(**email, recipient_hash=b"", facts={}, **times))
    session.flush()

    found = outbox.backlog(moment - timedelta(days=1))

    assert (found.due, found.given_up) == (1, 1)
    assert 90 <= found.seconds_behind < 120
