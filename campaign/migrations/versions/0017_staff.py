"""Accounts of the desk: how their owners sign in, and where they are signed in.

Revision ID: 0017
Revises: 0016
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0017'
down_revision = '0016'

ROLES = (
    "roles <@ ARRAY['administrator', 'editor', 'translator', 'moderator', 'sender', 'analyst', 'coordinator', 'steward']"
)


def upgrade() -> None:
    op.create_table('staff_accounts',
        _id(),
        sa.Column('address', sa.Text(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('locale', sa.Text(), nullable=False),
        sa.Column('roles', postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column('countries', postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column('languages', postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column('institution_id', sa.Text(), nullable=True),
        sa.Column('password_hash', sa.Text(), nullable=True),
        sa.Column('totp_secret', sa.LargeBinary(), nullable=True),
        sa.Column('totp_interval', sa.BigInteger(), nullable=True),
        sa.Column('uses_keys', sa.Boolean(), server_default='true', nullable=False),
        _moment('created_at'),
        sa.Column('joined_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(ROLES, name=op.f('ck_staff_accounts_roles')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_accounts')),
        sa.UniqueConstraint('address', name=op.f('uq_staff_accounts_address')),
    )
    op.create_table('staff_passkeys',
        _id(),
        *_account('staff_passkeys'),
        sa.Column('credential_id', sa.LargeBinary(), nullable=False),
        sa.Column('public_key', sa.LargeBinary(), nullable=False),
        sa.Column('signatures', sa.BigInteger(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        _moment('created_at'),
        sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_passkeys')),
        sa.UniqueConstraint('credential_id', name=op.f('uq_staff_passkeys_credential_id')),
    )
    op.create_index(op.f('ix_staff_passkeys_account_id'), 'staff_passkeys', ['account_id'])
    op.create_table('staff_recovery_codes',
        sa.Column('digest', sa.LargeBinary(), nullable=False),
        *_account('staff_recovery_codes'),
        sa.PrimaryKeyConstraint('digest', name=op.f('pk_staff_recovery_codes')),
    )
    op.create_index(op.f('ix_staff_recovery_codes_account_id'), 'staff_recovery_codes', ['account_id'])
    op.create_table('staff_sessions',
        _id(),
        *_account('staff_sessions'),
        sa.Column('digest', sa.LargeBinary(), nullable=False),
        sa.Column('browser', sa.Text(), nullable=False),
        sa.Column('network_hash', sa.LargeBinary(), nullable=False),
        _moment('began_at'),
        _moment('seen_at'),
        _moment('proved_at'),
        sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_sessions')),
        sa.UniqueConstraint('digest', name=op.f('uq_staff_sessions_digest')),
    )
    op.create_index('ix_staff_sessions_open', 'staff_sessions', ['account_id'], postgresql_where=sa.text('ended_at IS NULL'))
    op.create_table('staff_tickets',
        sa.Column('digest', sa.LargeBinary(), nullable=False),
        sa.Column('purpose', sa.Text(), nullable=False),
        *_account('staff_tickets', nullable=True),
        sa.Column('payload', postgresql.JSONB(), nullable=False),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('digest', name=op.f('pk_staff_tickets')),
    )
    op.create_index(op.f('ix_staff_tickets_account_id'), 'staff_tickets', ['account_id'])
    op.create_index(op.f('ix_staff_tickets_expires_at'), 'staff_tickets', ['expires_at'])
    op.create_table('staff_attempts',
        _id(),
        sa.Column('address_hash', sa.LargeBinary(), nullable=False),
        sa.Column('network_hash', sa.LargeBinary(), nullable=False),
        _moment('failed_at'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_attempts')),
    )
    for column in ('address_hash', 'network_hash'):
        op.create_index(op.f(f'ix_staff_attempts_{column}_failed_at'), 'staff_attempts', [column, 'failed_at'])


def _id() -> sa.Column:
    return sa.Column('id', sa.Uuid(), server_default=sa.text('uuidv7()'), nullable=False)


def _moment(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False)


def _account(table: str, nullable: bool = False) -> tuple:
    name = op.f(f'fk_{table}_account_id_staff_accounts')
    return (
        sa.Column('account_id', sa.Uuid(), nullable=nullable),
        sa.ForeignKeyConstraint(['account_id'], ['staff_accounts.id'], name=name),
    )


def downgrade() -> None:
    for table in ('attempts', 'tickets', 'sessions', 'recovery_codes', 'passkeys', 'accounts'):
        op.drop_table(f'staff_{table}')
