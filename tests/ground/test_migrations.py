"""The schema of the migrations is the schema of the models, and every step can be taken back."""

from pathlib import Path

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import NullPool, create_engine, text

import campaign.audit_chain
import campaign.schedules
import campaign.tasks  # noqa: F401 (tables that only the worker uses)
from campaign.app import create_site, create_worker
from campaign.config import Settings
from campaign.db import db
from campaign.local.postgres import EmbeddedPostgres
from campaign.people.rules import parse_address
from campaign.tallies import operations as tallies


def test_an_empty_database_upgrades_to_the_models(app: Flask) -> None:
    """The session's database was made by the migrations alone, from empty."""
    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


def test_every_migration_can_be_taken_back(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "pg", fast=True) as server:
        other = create_site(
            Settings(database_url=server.url, secret_key="x" * 32, broker_url="memory:")
        )
        with other.app_context():
            flask_migrate.upgrade()
            flask_migrate.downgrade(revision="base")
            db.engine.dispose()
        engine = create_engine(server.url, poolclass=NullPool)
        with engine.connect() as connection:
            left = connection.scalars(
                text("SELECT tablename FROM pg_tables WHERE schemaname IN ('public', 'dramatiq')")
            )
            assert set(left) <= {"alembic_version"}


BEFORE = """
    INSERT INTO campaigns (slug, position) VALUES ('old', 1);
    INSERT INTO tally_versions (campaign_id, version, folded_at) VALUES (1, 42, now());
    INSERT INTO letters (template, locale, recipient, recipient_hash, facts, attempts)
        VALUES ('confirm', 'sw', 'a@example.org', 'hash', '{}', 3);
    INSERT INTO pledge_events (pledge_id, actor, action, details) VALUES
        ('00000000-0000-7000-8000-000000000001', 'person', 'submitted', '{}'),
        ('00000000-0000-7000-8000-000000000001', 'staff:kim', 'accepted', '{}');
    INSERT INTO api_stops (reason) VALUES ('A key leaked.');
    INSERT INTO schedules (job) VALUES ('send_letters')"""


def test_rows_survive_new_names_there_and_back(tmp_path: Path) -> None:
    """From 0005 to 0009 and back: e-mails, pauses, actors, versions and schedules."""
    with EmbeddedPostgres(tmp_path / "pg", fast=True) as server:
        settings = Settings(database_url=server.url, secret_key="x" * 32, broker_url="memory:")
        with create_worker(settings).app_context():
            flask_migrate.upgrade(revision="0005")
            db.session.execute(text(BEFORE))
            db.session.commit()

            flask_migrate.upgrade()
            actors = read("SELECT actor_kind, actor_id FROM pledge_events ORDER BY id")
            assert actors == [("person", None), ("staff", "kim")]
            assert read("SELECT locale, attempts FROM outgoing_emails") == [("sw", 3)]
            assert read("SELECT reason FROM write_api_pauses") == [("A key leaked.",)]
            assert read("SELECT topic, subject, version FROM public_versions") == [
                ("tallies", "1", 42)
            ]
            assert read("SELECT job FROM schedules") == [("send_emails",)]

            flask_migrate.downgrade(revision="0005")
            assert read("SELECT actor FROM pledge_events ORDER BY id") == [
                ("person",),
                ("staff:kim",),
            ]
            assert read("SELECT locale, attempts FROM letters") == [("sw", 3)]
            assert read("SELECT campaign_id, version FROM tally_versions") == [(1, 42)]
            assert read("SELECT job FROM schedules") == [("send_letters",)]
            db.session.remove()
            db.engine.dispose()


def read(query: str) -> list[tuple[object, ...]]:
    """The rows, in a transaction of their own, so that no lock is left for the next migration."""
    rows = [tuple(row) for row in db.session.execute(text(query))]
    db.session.commit()
    return rows


@pytest.mark.parametrize(
    "change", ["UPDATE campaign_texts SET pledge = 'x'", "DELETE FROM campaign_texts"]
)
def test_a_published_text_never_changes(app: Flask, session: object, change: str) -> None:
    with pytest.raises(Exception, match="published text"):
        db.session.execute(text(change))


PEOPLE = (
    "Ada+X@Example.org", "A.da+y@googlemail.com", "grace@example.org", "ada@münchen.de", "Ada@例子.中国",
    "straße@example.org", "ada@मेल.भारत",
)  # fmt: skip


def test_people_of_before_get_the_mailbox_that_the_program_gives_them(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "pg", fast=True) as server:
        settings = Settings(database_url=server.url, secret_key="x" * 32, broker_url="memory:")
        with create_worker(settings).app_context():
            flask_migrate.upgrade(revision="0009")
            for address in PEOPLE:
                db.session.execute(
                    text(
                        "INSERT INTO people (fingerprint, address, locale) VALUES (:hash, :address, 'en')"
                    ),
                    {"hash": address.encode(), "address": address},
                )
            db.session.commit()
            flask_migrate.upgrade(revision="0010")
            mailboxes = dict(read("SELECT address, mailbox FROM people"))
            assert mailboxes == {address: parse_address(address).mailbox for address in PEOPLE}

            db.session.execute(
                text(
                    "INSERT INTO people (fingerprint, mailbox, address, locale)"
                    " SELECT fingerprint, 'grace+x@example.org', 'grace+x@example.org', locale FROM people"
                    " WHERE address = 'grace@example.org'"
                )
            )
            db.session.commit()
            flask_migrate.downgrade(revision="0009")
            addresses = {address for (address,) in read("SELECT address FROM people")}
            db.session.remove()
            db.engine.dispose()
    assert addresses == set(PEOPLE)


# A campaign, its text and a university; then somebody for each mailbox, whose pledge has this status.
BEFORE_OWN_MAILBOX = """
    INSERT INTO campaigns (slug, position) VALUES ('old', 1);
    INSERT INTO campaign_texts (campaign_id, version, locale, title, theme, summary, introduction, pledge,
            pledge_institution, commitments, commitments_institution)
        VALUES (1, 1, 'en', '', '', '', '', '', '', '{}', '{}');
    INSERT INTO institutions (id, status, types, country, name, labels, acronyms, aliases, domains, parents,
            weight, digest)
        VALUES ('02y9nww90', 'active', '{}', 'KE', 'N', '{}', '{}', '{}', '{uonbi.ac.ke}', '{}', 1, '');
    INSERT INTO people (fingerprint, mailbox, address, locale)
        SELECT mailbox::bytea, mailbox, mailbox, 'en' FROM unnest(ARRAY[
            'a@uonbi.ac.ke', 'b@students.uonbi.ac.ke', 'c@notuonbi.ac.ke', 'd@uonbi.ac.ke', 'e@uonbi.ac.ke'
        ]) AS mailbox;
    INSERT INTO pledges (campaign_id, person_id, kind, text_id, status, hold_reasons, submission, code_attempts,
            name, name_folded, institution_id, support_letters, country, disciplines, commitments, listed,
            newsletter, locale, is_demo, confirmed_at)
        SELECT 1, id, 'person', 1, status, '{}', gen_random_uuid(), 0, '', '',
            CASE WHEN mailbox ~ '^e' THEN NULL ELSE '02y9nww90' END, '{}', 'KE', '{}', '{}', false,
            false, 'en', false, CASE WHEN status = 'confirmed' THEN now() END
        FROM people, LATERAL (
            SELECT CASE WHEN mailbox ~ '^d' THEN 'confirmed' ELSE 'unconfirmed' END AS status
        ) AS its"""


def test_a_pledge_that_waits_learns_whether_its_mailbox_is_the_institutions(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "pg", fast=True) as server:
        settings = Settings(database_url=server.url, secret_key="x" * 32, broker_url="memory:")
        with create_worker(settings).app_context():
            flask_migrate.upgrade(revision="0012")
            db.session.execute(text(BEFORE_OWN_MAILBOX))
            db.session.commit()
            flask_migrate.upgrade(revision="0014")
            noted = read(
                "SELECT own_mailbox FROM pledges JOIN people ON people.id = person_id ORDER BY mailbox"
            )
            db.session.remove()
            db.engine.dispose()
    assert noted == [(True,), (True,), (False,), (None,), (False,)]


# Of two pledges that count, only the first is folded; each adds one to some of the new tallies.
BEFORE_LANGUAGES = BEFORE_OWN_MAILBOX.replace("mailbox ~ '^d'", "mailbox ~ '^[ad]'")


def test_pledges_of_before_count_in_the_new_dimensions(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "pg", fast=True) as server:
        settings = Settings(database_url=server.url, secret_key="x" * 32, broker_url="memory:")
        with create_worker(settings).app_context():
            flask_migrate.upgrade(revision="0012")
            db.session.execute(text(BEFORE_LANGUAGES))
            db.session.commit()
            flask_migrate.upgrade(revision="0016")
            db.session.execute(
                text("DELETE FROM tally_deltas WHERE id = (SELECT min(id) FROM tally_deltas)")
            )
            db.session.commit()
            flask_migrate.upgrade()
            counts = dict(
                read(
                    "SELECT dimension, count FROM tallies WHERE dimension ~ '(language|-day|text)'"
                )
            )
            tallies.fold_all()
            db.session.commit()
            differing = {one.dimension for one in tallies.differences()}
            db.session.remove()
            db.engine.dispose()
    assert counts == {"language": 2, "language-day": 2, "country-day": 1, "text": 2}
    assert not differing & {*counts}
