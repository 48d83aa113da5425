"""Every spelling of an address is a person of its own until one confirms; a form serves one address.

Revision ID: 0010
Revises: 0009
Create Date: 2026-11-30
"""

import idna
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0010'
down_revision = '0009'

# As the program folds them; beyond ASCII, ``_mailbox`` does.
MAILBOX = r"""
    CASE WHEN lower(address) ~ '@(gmail|googlemail)\.com$'
         THEN replace(regexp_replace(split_part(lower(address), '@', 1), '(.)\+.*', '\1'), '.', '') || '@gmail.com'
         ELSE lower(address) END"""
TYPED_LATER = """
    EXISTS (SELECT FROM people AS earlier WHERE earlier.fingerprint = people.fingerprint AND earlier.id < people.id)"""


def upgrade() -> None:
    op.add_column('people', sa.Column('mailbox', sa.Text(), nullable=True))
    op.execute(f'UPDATE people SET mailbox = {MAILBOX}')
    _fold_beyond_ascii()
    op.alter_column('people', 'mailbox', nullable=False)
    op.create_index('uq_people_mailbox', 'people', ['fingerprint', 'mailbox'], unique=True)
    op.drop_constraint('uq_people_fingerprint', 'people')
    op.drop_index('ix_pledges_network', 'pledges')
    op.create_index('ix_pledges_network', 'pledges', ['submitted_at'],
        postgresql_where=sa.text('network_hash IS NOT NULL'))
    op.create_table('received_forms',
        sa.Column('form', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('sender', sa.LargeBinary(), nullable=False),
        sa.Column('network_hash', sa.LargeBinary(), nullable=True),
        sa.Column('institution_id', sa.Text(), nullable=True),
        sa.Column('address', sa.Text(), nullable=True),
        sa.Column('locale', sa.Text(), nullable=False),
        sa.Column('answers', postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column('attempts', sa.SmallInteger(), server_default='0', nullable=False),
        sa.Column('due_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('received_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.PrimaryKeyConstraint('form', name=op.f('pk_received_forms')),
    )
    op.create_index('ix_received_forms_waiting', 'received_forms', ['due_at'],
        postgresql_where=sa.text('address IS NOT NULL'))
    op.create_index('ix_received_forms_network', 'received_forms', ['network_hash', 'received_at'],
        postgresql_where=sa.text('network_hash IS NOT NULL'))


def _fold_beyond_ascii() -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.text(r"SELECT id, address FROM people WHERE address ~ '[^\x01-\x7f]'")).all()
    for id_, address in rows:
        connection.execute(
            sa.text('UPDATE people SET mailbox = :mailbox WHERE id = :id'), {'id': id_, 'mailbox': _mailbox(address)}
        )


def _mailbox(address: str) -> str:
    local, _, domain = address.rpartition('@')
    host = idna.encode(domain, uts46=True, transitional=False).decode().lower()
    return f'{local.casefold()}@{host}'


def downgrade() -> None:
    op.drop_table('received_forms')
    op.drop_index('ix_pledges_network', 'pledges')
    op.create_index('ix_pledges_network', 'pledges', ['network_hash', 'submitted_at'],
        postgresql_where=sa.text('network_hash IS NOT NULL'))
    # Of several spellings none is confirmed. The one typed first stays, as it did before.
    op.execute(f'DELETE FROM pledges USING people WHERE people.id = person_id AND {TYPED_LATER}')
    op.execute(f'DELETE FROM people WHERE {TYPED_LATER}')
    op.create_unique_constraint('uq_people_fingerprint', 'people', ['fingerprint'])
    op.drop_index('uq_people_mailbox', 'people')
    op.drop_column('people', 'mailbox')
