"""What public pages follow: one table of versions for all topics, instead of one for the tallies.

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-29
"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'


def upgrade() -> None:
    op.create_table('public_versions',
        sa.Column('topic', sa.Text(), nullable=False),
        sa.Column('subject', sa.Text(), nullable=False),
        sa.Column('version', sa.BigInteger(), nullable=False),
        sa.Column('raised_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.PrimaryKeyConstraint('topic', 'subject', name=op.f('pk_public_versions')),
    )
    op.execute("""
        INSERT INTO public_versions (topic, subject, version, raised_at)
        SELECT 'tallies', campaign_id::text, version, folded_at FROM tally_versions
    """)
    op.drop_table('tally_versions')


def downgrade() -> None:
    op.create_table('tally_versions',
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('version', sa.BigInteger(), nullable=False),
        sa.Column('folded_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_tally_versions_campaign_id_campaigns')),
        sa.PrimaryKeyConstraint('campaign_id', name=op.f('pk_tally_versions')),
    )
    op.execute("""
        INSERT INTO tally_versions (campaign_id, version, folded_at)
        SELECT subject::int, version, raised_at FROM public_versions WHERE topic = 'tallies'
    """)
    op.drop_table('public_versions')
