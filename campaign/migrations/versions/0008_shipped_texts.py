"""Which shipped texts were published last, and which campaigns staff manage.

Revision ID: 0008
Revises: 0007
Create Date: 2026-11-29
"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'


def upgrade() -> None:
    op.add_column('campaigns', sa.Column('shipped_digest', sa.LargeBinary(), nullable=True))
    op.add_column('campaigns', sa.Column('managed_by_staff', sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.drop_column('campaigns', 'managed_by_staff')
    op.drop_column('campaigns', 'shipped_digest')
