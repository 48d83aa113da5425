"""What staff correct in the registry, and logos of institutions.

Revision ID: 0023
Revises: 0022
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0023'
down_revision = '0022'


def upgrade() -> None:
    op.create_table('institution_corrections',
        sa.Column('institution_id', sa.Text(), nullable=False),
        sa.Column('field', sa.Text(), nullable=False),
        sa.Column('value', postgresql.JSONB(), nullable=False),
        sa.Column('actor_kind', sa.Text(), nullable=False),
        sa.Column('actor_id', sa.Text(), nullable=True),
        sa.Column('corrected_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.CheckConstraint(
            "actor_kind IN ('person', 'staff', 'partner', 'system')",
            name=op.f('ck_institution_corrections_actor_kind'),
        ),
        sa.ForeignKeyConstraint(
            ['institution_id'], ['institutions.id'], ondelete='CASCADE',
            name=op.f('fk_institution_corrections_institution_id_institutions'),
        ),
        sa.PrimaryKeyConstraint('institution_id', 'field', name=op.f('pk_institution_corrections')),
    )
    op.create_table('corrected_records',
        sa.Column('institution_id', sa.Text(), nullable=False),
        sa.Column('original', postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ['institution_id'], ['institutions.id'], ondelete='CASCADE',
            name=op.f('fk_corrected_records_institution_id_institutions'),
        ),
        sa.PrimaryKeyConstraint('institution_id', name=op.f('pk_corrected_records')),
    )
    op.create_table('institution_logos',
        sa.Column('institution_id', sa.Text(), nullable=False),
        sa.Column('digest', sa.Text(), nullable=False),
        sa.Column('png', sa.LargeBinary(), nullable=False),
        sa.Column('width', sa.SmallInteger(), nullable=False),
        sa.Column('height', sa.SmallInteger(), nullable=False),
        sa.Column('added_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.ForeignKeyConstraint(
            ['institution_id'], ['institutions.id'], ondelete='CASCADE',
            name=op.f('fk_institution_logos_institution_id_institutions'),
        ),
        sa.PrimaryKeyConstraint('institution_id', name=op.f('pk_institution_logos')),
    )
    op.create_index(op.f('ix_institution_logos_digest'), 'institution_logos', ['digest'])
    # Those that a merged institution has taken the place of.
    op.create_index(
        op.f('ix_institutions_successor_id'), 'institutions', ['successor_id'],
        postgresql_where=sa.text('successor_id IS NOT NULL'),
    )
    # Lists of the desk.
    op.create_index(op.f('ix_institutions_name_id'), 'institutions', ['name', 'id'])
    # What a merge of institutions did, so that it can be taken back.
    op.create_index(
        'ix_pledge_events_merge', 'pledge_events', [sa.text("(details ->> 'merge')")],
        postgresql_where=sa.text("(details ->> 'merge') IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index('ix_pledge_events_merge', 'pledge_events')
    op.drop_index(op.f('ix_institutions_name_id'), 'institutions')
    op.drop_index(op.f('ix_institutions_successor_id'), 'institutions')
    op.drop_table('institution_logos')
    op.drop_table('corrected_records')
    op.drop_table('institution_corrections')
