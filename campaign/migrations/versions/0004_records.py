"""The chain of daily records.

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-22
"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'

# What was published can be checked for ever.
IMMUTABLE_RECORDS = """
CREATE FUNCTION refuse_change_of_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a published record never changes; the next day''s tells what is new';
END $$;
CREATE TRIGGER published_records_stay BEFORE UPDATE OR DELETE ON daily_records
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_record();
"""


def upgrade() -> None:
    op.create_table('daily_records',
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('line', sa.Text(), nullable=False),
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_daily_records_campaign_id_campaigns')),
    sa.PrimaryKeyConstraint('campaign_id', 'day', name=op.f('pk_daily_records'))
    )
    op.execute(IMMUTABLE_RECORDS)


def downgrade() -> None:
    op.drop_table('daily_records')
    op.execute("DROP FUNCTION refuse_change_of_record")
