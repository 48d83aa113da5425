"""What is published of people's details, and the groups in which it is published. The first daily run fills them.

The tallies no longer count commitments by place, which nothing reads any more.

Revision ID: 0012
Revises: 0011
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'


def upgrade() -> None:
    op.create_table('detail_groups',
        sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('country', sa.Text(), nullable=True),
        sa.Column('institution_id', sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_detail_groups_campaign_id_campaigns')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_detail_groups')),
    )
    op.create_table('detail_counts',
        sa.Column('group_id', sa.BigInteger(), nullable=False),
        sa.Column('dimension', sa.Text(), nullable=False),
        sa.Column('code', sa.Text(), nullable=False),
        sa.Column('people', sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(['group_id'], ['detail_groups.id'], name=op.f('fk_detail_counts_group_id_detail_groups'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('group_id', 'dimension', 'code', name=op.f('pk_detail_counts')),
    )
    op.create_table('detail_members',
        sa.Column('pledge_id', sa.Uuid(), nullable=False),
        sa.Column('choices', sa.Uuid(), nullable=False),
        sa.Column('group_id', sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(['group_id'], ['detail_groups.id'], name=op.f('fk_detail_members_group_id_detail_groups'), ondelete='SET NULL'),
        sa.ForeignKeyConstraint(['pledge_id'], ['pledges.id'], name=op.f('fk_detail_members_pledge_id_pledges'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('pledge_id', 'choices', name=op.f('pk_detail_members')),
    )
    op.create_index(op.f('ix_detail_members_group_id'), 'detail_members', ['group_id'])
    op.create_table('published_tallies',
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('dimension', sa.Text(), nullable=False),
        sa.Column('place', sa.Text(), nullable=False),
        sa.Column('code', sa.Text(), nullable=False),
        sa.Column('people', sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_published_tallies_campaign_id_campaigns')),
        sa.PrimaryKeyConstraint('campaign_id', 'dimension', 'place', 'code', name=op.f('pk_published_tallies')),
    )
    op.execute("DELETE FROM tallies WHERE dimension IN ('country-commitment', 'institution-commitment')")


def downgrade() -> None:
    for table in ('published_tallies', 'detail_members', 'detail_counts', 'detail_groups'):
        op.drop_table(table)
    op.execute("DELETE FROM public_versions WHERE topic = 'details'")
