"""E-mails to addresses never seen leave at a pace, counted by network and in all.

Revision ID: 0011
Revises: 0010
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'


def upgrade() -> None:
    op.add_column('outgoing_emails', sa.Column('network_hash', sa.LargeBinary(), nullable=True))
    op.create_table('email_turns',
        sa.Column('network_hash', sa.LargeBinary(), nullable=False),
        sa.Column('next_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('network_hash', name=op.f('pk_email_turns')),
    )


def downgrade() -> None:
    op.drop_table('email_turns')
    op.drop_column('outgoing_emails', 'network_hash')
