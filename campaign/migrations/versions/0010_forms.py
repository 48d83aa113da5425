"""Every spelling of an address is a person of its own until one confirms; a form serves one address.

Revision ID: 0010
Revises: 0009
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0010'
down_revision = '0009'

FORM_OF = '(substring(uuid_send(submission) FROM 1 FOR 8)::int8)'
# As the program folds them, but for letters beyond ASCII, of which addresses hardly have any.
MAILBOX = r"""
    CASE WHEN lower(address) ~ '@(gmail|googlemail)\.com$'
         THEN replace(regexp_replace(split_part(lower(address), '@', 1), '(.)\+.*', '\1'), '.', '') || '@gmail.com'
         ELSE lower(address) END"""
TYPED_LATER = """
    EXISTS (SELECT FROM people AS earlier WHERE earlier.fingerprint = people.fingerprint AND earlier.id < people.id)"""


def upgrade() -> None:
    op.add_column('people', sa.Column('mailbox', sa.Text(), nullable=True))
    op.execute(f'UPDATE people SET mailbox = {MAILBOX}')
    op.alter_column('people', 'mailbox', nullable=False)
    op.create_index('uq_people_mailbox', 'people', ['fingerprint', 'mailbox'], unique=True)
    op.drop_constraint('uq_people_fingerprint', 'people')
    op.create_index('uq_pledges_form_serves_once', 'pledges', [sa.text(FORM_OF)], unique=True,
        postgresql_where=sa.text("status <> 'withdrawn'"))
    op.drop_index('ix_pledges_submission', 'pledges')
    op.create_table('received_forms',
        sa.Column('form', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('sender', sa.LargeBinary(), nullable=False),
        sa.Column('address', sa.Text(), nullable=True),
        sa.Column('locale', sa.Text(), nullable=False),
        sa.Column('answers', postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column('attempts', sa.SmallInteger(), server_default='0', nullable=False),
        sa.Column('received_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.PrimaryKeyConstraint('form', name=op.f('pk_received_forms')),
    )
    op.create_index('ix_received_forms_waiting', 'received_forms', ['received_at'],
        postgresql_where=sa.text('address IS NOT NULL'))


def downgrade() -> None:
    op.drop_table('received_forms')
    op.create_index('ix_pledges_submission', 'pledges', ['submission'])
    op.drop_index('uq_pledges_form_serves_once', 'pledges')
    # Of several spellings none is confirmed. The one typed first stays, as it did before.
    op.execute(f'DELETE FROM pledges USING people WHERE people.id = person_id AND {TYPED_LATER}')
    op.execute(f'DELETE FROM people WHERE {TYPED_LATER}')
    op.create_unique_constraint('uq_people_fingerprint', 'people', ['fingerprint'])
    op.drop_index('uq_people_mailbox', 'people')
    op.drop_column('people', 'mailbox')
