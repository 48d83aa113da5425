"""Which release of ROR each import of the registry brought.

Revision ID: 0015
Revises: 0014
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'


def upgrade() -> None:
    op.create_table('registry_imports',
        sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column('version', sa.Text(), nullable=True),
        sa.Column('released_on', sa.Date(), nullable=True),
        sa.Column('file_name', sa.Text(), nullable=False),
        sa.Column('digest', sa.LargeBinary(), nullable=False),
        sa.Column('added', sa.Integer(), nullable=False),
        sa.Column('changed', sa.Integer(), nullable=False),
        sa.Column('unchanged', sa.Integer(), nullable=False),
        sa.Column('refused', sa.Integer(), nullable=False),
        sa.Column('imported_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_registry_imports')),
    )


def downgrade() -> None:
    op.drop_table('registry_imports')
