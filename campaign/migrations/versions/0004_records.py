"""Records.

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-22
"""

revision = '0004'
down_revision = '0003'


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
