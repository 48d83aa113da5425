"""Whether a pledge's address is at the institution's domain.

Unknown for the pledges that are there already: the registry may have changed since they were made.

Revision ID: 0014
Revises: 0012
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0012'


def upgrade() -> None:
    op.add_column('pledges', sa.Column('own_mailbox', sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column('pledges', 'own_mailbox')
