"""Long work of staff as rows; the session in which staff acted.

Revision ID: 0016
Revises: 0015
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0016'
down_revision = '0015'

STATES = "state IN ('planned', 'running', 'cancelled', 'done', 'undoing', 'undone', 'failed')"


def upgrade() -> None:
    op.create_table('tasks',
        sa.Column('id', sa.Uuid(), server_default=sa.text('uuidv7()'), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('actor_kind', sa.Text(), nullable=False),
        sa.Column('actor_id', sa.Text(), nullable=True),
        sa.Column('state', sa.Text(), nullable=False),
        sa.Column('is_undoing', sa.Boolean(), nullable=False),
        sa.Column('plan', postgresql.JSONB(), nullable=False),
        sa.Column('scope', postgresql.JSONB(), nullable=False),
        sa.Column('cursor', postgresql.JSONB(), nullable=False),
        sa.Column('result', postgresql.JSONB(), nullable=False),
        sa.Column('done', sa.Integer(), nullable=False),
        sa.Column('total', sa.Integer(), nullable=False),
        sa.Column('error', sa.Text(), nullable=True),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('worked_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("actor_kind IN ('person', 'staff', 'partner', 'system')", name=op.f('ck_tasks_actor_kind')),
        sa.CheckConstraint(STATES, name=op.f('ck_tasks_state')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_tasks')),
    )
    op.create_index('ix_tasks_running', 'tasks', ['id'], postgresql_where=sa.text("state IN ('running', 'undoing')"))
    op.create_index(op.f('ix_tasks_kind_id'), 'tasks', ['kind', 'id'])
    op.add_column('audit_events', sa.Column('session_id', sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column('audit_events', 'session_id')
    op.drop_table('tasks')
