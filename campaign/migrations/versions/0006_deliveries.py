"""Queues find what is due, and what is old, by index; tables are called what the code calls them.

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-29
"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'

NAMES = {'letters': 'outgoing_emails', 'partner_hosts': 'embed_origins', 'api_stops': 'write_api_pauses'}
QUEUES = ('outgoing_emails', 'webhook_deliveries')
WAITING = sa.text('sent_at IS NULL AND failed_at IS NULL')
ENDED = 'coalesce(sent_at, failed_at)'

RENAMES = sa.text("""
    SELECT format('ALTER TABLE %I RENAME CONSTRAINT %I TO %I', CAST(:new AS text), conname, replace(conname, :old, :new))
    FROM pg_constraint WHERE conrelid = CAST(:new AS regclass) AND strpos(conname, :old) > 0
    UNION
    SELECT format('ALTER TABLE %I RENAME TO %I', relname, replace(relname, :old, :new))
    FROM pg_depend JOIN pg_class ON pg_class.oid = objid
    WHERE refobjid = CAST(:new AS regclass) AND relkind IN ('i', 'S') AND strpos(relname, :old) > 0""")


def upgrade() -> None:
    for old, new in NAMES.items():
        _rename(old, new)
    op.execute('ALTER INDEX uq_api_keys_name_in_force RENAME TO uq_api_keys_active_name')
    op.alter_column('outgoing_emails', 'attempts', server_default='0')
    for table in QUEUES:
        op.drop_index(f'ix_{table}_due', table)
        op.create_index(f'ix_{table}_due', table, ['due_at', 'attempts', 'id'], postgresql_where=WAITING)
        op.create_index(f'ix_{table}_ended', table, [sa.text(ENDED)], postgresql_where=sa.text(f'{ENDED} IS NOT NULL'))
    op.execute("UPDATE schedules SET job = 'send_emails' WHERE job = 'send_letters'")


def downgrade() -> None:
    op.execute("UPDATE schedules SET job = 'send_letters' WHERE job = 'send_emails'")
    for table in QUEUES:
        op.drop_index(f'ix_{table}_ended', table)
        op.drop_index(f'ix_{table}_due', table)
        op.create_index(f'ix_{table}_due', table, ['due_at'], postgresql_where=WAITING)
    op.alter_column('outgoing_emails', 'attempts', server_default=None)
    op.execute('ALTER INDEX uq_api_keys_active_name RENAME TO uq_api_keys_name_in_force')
    for old, new in NAMES.items():
        _rename(new, old)


def _rename(old: str, new: str) -> None:
    """Rename a table, and with it the constraints, indexes and sequences that have its name in theirs."""
    op.rename_table(old, new)
    for statement in op.get_bind().scalars(RENAMES, {'old': old, 'new': new}).all():
        op.execute(statement)
