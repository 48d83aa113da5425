"""Partners.

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-22
"""

revision = '0003'
down_revision = '0002'


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
