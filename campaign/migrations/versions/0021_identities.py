"""Identities of staff at another sign-in service.

Revision ID: 0021
Revises: 0020
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op

revision = '0021'
down_revision = '0020'


def upgrade() -> None:
    op.create_table('staff_identities',
        sa.Column('issuer', sa.Text(), nullable=False),
        sa.Column('subject', sa.Text(), nullable=False),
        sa.Column('account_id', sa.Uuid(), nullable=False),
        sa.Column('connected_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.ForeignKeyConstraint(['account_id'], ['staff_accounts.id'], name=op.f('fk_staff_identities_account_id_staff_accounts')),
        sa.PrimaryKeyConstraint('issuer', 'subject', name=op.f('pk_staff_identities')),
    )
    op.create_index(op.f('ix_staff_identities_account_id'), 'staff_identities', ['account_id'])


def downgrade() -> None:
    op.drop_table('staff_identities')
