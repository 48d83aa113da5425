"""Seals of the audit log, and indexes to read it by.

Revision ID: 0022
Revises: 0016
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0022'
down_revision = '0016'

SEALS_STAY = """
CREATE TRIGGER audit_seals_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit()
"""


def upgrade() -> None:
    op.create_table('audit_seals',
        sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('first_id', sa.BigInteger(), nullable=False),
        sa.Column('last_id', sa.BigInteger(), nullable=False),
        sa.Column('ids', postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column('line_digests', postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column('digest', sa.LargeBinary(), nullable=False),
        sa.Column('sealed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.CheckConstraint('first_id <= last_id', name=op.f('ck_audit_seals_is_range')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_seals')),
        sa.UniqueConstraint('last_id', name=op.f('uq_audit_seals_last_id')),
    )
    op.execute(SEALS_STAY)
    op.create_index('ix_audit_events_subject_kind', 'audit_events', [sa.text("split_part(subject, ':', 1)"), 'id'])
    op.create_index(op.f('ix_audit_events_actor_kind_actor_id_id'), 'audit_events', ['actor_kind', 'actor_id', 'id'])
    op.create_index(op.f('ix_audit_events_action_id'), 'audit_events', ['action', 'id'])
    op.create_index(op.f('ix_audit_events_happened_at'), 'audit_events', ['happened_at'])


def downgrade() -> None:
    for columns in ('happened_at', 'action_id', 'actor_kind_actor_id_id'):
        op.drop_index(op.f(f'ix_audit_events_{columns}'), 'audit_events')
    op.drop_index('ix_audit_events_subject_kind', 'audit_events')
    op.drop_table('audit_seals')
