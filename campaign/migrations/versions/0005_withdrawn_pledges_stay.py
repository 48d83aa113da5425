"""A withdrawn pledge stays as it was: who pledges again makes another one.

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-22
"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'

COLUMNS = ['campaign_id', 'person_id', 'kind']


def upgrade() -> None:
    op.create_index('uq_pledges_person_speaks_once', 'pledges', COLUMNS, unique=True, postgresql_where=sa.text("status <> 'withdrawn'"))
    op.drop_constraint('uq_pledges_campaign_id_person_id_kind', 'pledges')


def downgrade() -> None:
    # Fails where somebody has pledged again: which of their pledges should go is nothing that a step back can know.
    op.create_unique_constraint('uq_pledges_campaign_id_person_id_kind', 'pledges', COLUMNS)
    op.drop_index('uq_pledges_person_speaks_once', 'pledges')
