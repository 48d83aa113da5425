"""Drafts of texts as rows; campaigns that are closed.

Revision ID: 0022
Revises: 0021
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0022'
down_revision = '0021'

ACTOR = "actor_kind IN ('person', 'staff', 'partner', 'system')"


def upgrade() -> None:
    op.add_column('campaigns', sa.Column('state', sa.Text(), server_default='open', nullable=False))
    op.create_check_constraint(op.f('ck_campaigns_state'), 'campaigns', "state IN ('open', 'closed', 'archived')")
    op.create_table('draft_passages',
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('locale', sa.Text(), nullable=False),
        sa.Column('passage', sa.Text(), nullable=False),
        sa.Column('version', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('source_version', sa.Integer(), nullable=True),
        sa.Column('actor_kind', sa.Text(), nullable=False),
        sa.Column('actor_id', sa.Text(), nullable=True),
        sa.Column('written_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.CheckConstraint(ACTOR, name=op.f('ck_draft_passages_actor_kind')),
        sa.CheckConstraint('version > 0', name=op.f('ck_draft_passages_version_positive')),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'],
            name=op.f('fk_draft_passages_campaign_id_campaigns')),
        sa.PrimaryKeyConstraint('campaign_id', 'locale', 'passage', 'version', name=op.f('pk_draft_passages')),
    )
    op.create_table('draft_commitments',
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('code', sa.Text(), nullable=False),
        sa.Column('list_name', sa.Text(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("list_name IN ('commitments', 'commitments_institution')",
            name=op.f('ck_draft_commitments_list_name')),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'],
            name=op.f('fk_draft_commitments_campaign_id_campaigns')),
        sa.PrimaryKeyConstraint('campaign_id', 'code', name=op.f('pk_draft_commitments')),
    )
    op.create_table('proposed_passages',
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('locale', sa.Text(), nullable=False),
        sa.Column('passage', sa.Text(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('is_open', sa.Boolean(), nullable=False),
        sa.Column('proposed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'],
            name=op.f('fk_proposed_passages_campaign_id_campaigns')),
        sa.PrimaryKeyConstraint('campaign_id', 'locale', 'passage', name=op.f('pk_proposed_passages')),
    )
    op.create_index('ix_proposed_passages_open', 'proposed_passages', ['campaign_id'],
        postgresql_where=sa.text('is_open'))
    op.create_table('scheduled_texts',
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('texts', postgresql.JSONB(), nullable=False),
        sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('actor_kind', sa.Text(), nullable=False),
        sa.Column('actor_id', sa.Text(), nullable=True),
        sa.Column('scheduled_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.CheckConstraint(ACTOR, name=op.f('ck_scheduled_texts_actor_kind')),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'],
            name=op.f('fk_scheduled_texts_campaign_id_campaigns')),
        sa.PrimaryKeyConstraint('campaign_id', name=op.f('pk_scheduled_texts')),
    )
    op.create_index(op.f('ix_scheduled_texts_due_at'), 'scheduled_texts', ['due_at'])
    op.create_table('passage_readers',
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('locale', sa.Text(), nullable=False),
        sa.Column('account_id', sa.Text(), nullable=False),
        sa.Column('passage', sa.Text(), nullable=False),
        sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'],
            name=op.f('fk_passage_readers_campaign_id_campaigns')),
        sa.PrimaryKeyConstraint('campaign_id', 'locale', 'account_id', name=op.f('pk_passage_readers')),
    )


def downgrade() -> None:
    for table in ('passage_readers', 'scheduled_texts', 'proposed_passages', 'draft_commitments', 'draft_passages'):
        op.drop_table(table)
    op.drop_constraint(op.f('ck_campaigns_state'), 'campaigns')
    op.drop_column('campaigns', 'state')
