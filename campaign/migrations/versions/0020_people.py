"""Supporters brought in from files, suppressed addresses, counts from before the campaign.

Revision ID: 0020
Revises: 0019
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0020'
down_revision = '0019'

ACTOR_KIND = "actor_kind IN ('person', 'staff', 'partner', 'system')"
NAMES = {'postgresql_using': 'gin', 'postgresql_ops': {'name_folded': 'gin_trgm_ops'}}


def upgrade() -> None:
    op.create_table('supporter_imports',
        sa.Column('id', sa.Uuid(), server_default=sa.text('uuidv7()'), nullable=False),
        sa.Column('actor_kind', sa.Text(), nullable=False),
        sa.Column('actor_id', sa.Text(), nullable=True),
        sa.Column('file_name', sa.Text(), nullable=False),
        sa.Column('headers', postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column('columns', postgresql.JSONB(), nullable=False),
        sa.Column('consent_source', sa.Text(), nullable=True),
        sa.Column('consent_on', sa.Date(), nullable=True),
        sa.Column('locale', sa.Text(), nullable=False),
        sa.Column('decisions', postgresql.JSONB(), nullable=False),
        sa.Column('rows', sa.Integer(), nullable=False),
        sa.Column('check_id', sa.Uuid(), nullable=True),
        sa.Column('task_id', sa.Uuid(), nullable=True),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(ACTOR_KIND, name=op.f('ck_supporter_imports_actor_kind')),
        sa.ForeignKeyConstraint(['check_id'], ['tasks.id'], name=op.f('fk_supporter_imports_check_id_tasks')),
        sa.ForeignKeyConstraint(['task_id'], ['tasks.id'], name=op.f('fk_supporter_imports_task_id_tasks')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_supporter_imports')),
    )
    op.create_table('supporter_import_rows',
        sa.Column('import_id', sa.Uuid(), nullable=False),
        sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('cells', postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column('fingerprint', sa.LargeBinary(), nullable=True),
        sa.Column('outcome', sa.Text(), nullable=True),
        sa.Column('problem', sa.Text(), nullable=True),
        sa.Column('detail', sa.Text(), nullable=True),
        sa.CheckConstraint("outcome IN ('new', 'known', 'repeated', 'undecided', 'refused')",
            name=op.f('ck_supporter_import_rows_outcome')),
        sa.ForeignKeyConstraint(['import_id'], ['supporter_imports.id'], ondelete='CASCADE',
            name=op.f('fk_supporter_import_rows_import_id_supporter_imports')),
        sa.PrimaryKeyConstraint('import_id', 'number', name=op.f('pk_supporter_import_rows')),
    )
    op.create_index('ix_supporter_import_rows_outcome', 'supporter_import_rows', ['import_id', 'outcome', 'problem'])
    op.create_index('ix_supporter_import_rows_person', 'supporter_import_rows', ['fingerprint'])
    op.create_table('supporters',
        sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column('person_id', sa.Uuid(), nullable=False),
        sa.Column('name', sa.Text(), nullable=True),
        sa.Column('name_folded', sa.Text(), nullable=True),
        sa.Column('country', sa.CHAR(length=2), nullable=True),
        sa.Column('institution_id', sa.Text(), nullable=True),
        sa.Column('institution_text', sa.Text(), nullable=True),
        sa.Column('locale', sa.Text(), nullable=False),
        sa.Column('source', sa.Text(), nullable=False),
        sa.Column('import_id', sa.Uuid(), nullable=False),
        sa.Column('added_person', sa.Boolean(), nullable=False),
        sa.Column('imported_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.ForeignKeyConstraint(['person_id'], ['people.id'], ondelete='CASCADE',
            name=op.f('fk_supporters_person_id_people')),
        sa.ForeignKeyConstraint(['institution_id'], ['institutions.id'],
            name=op.f('fk_supporters_institution_id_institutions')),
        sa.ForeignKeyConstraint(['import_id'], ['supporter_imports.id'],
            name=op.f('fk_supporters_import_id_supporter_imports')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_supporters')),
        sa.UniqueConstraint('person_id', name=op.f('uq_supporters_person_id')),
    )
    op.create_index('ix_supporters_name', 'supporters', ['name_folded'], **NAMES)
    op.create_index('ix_supporters_import_id', 'supporters', ['import_id', 'id'])
    op.create_table('suppressions',
        sa.Column('fingerprint', sa.LargeBinary(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('actor_kind', sa.Text(), nullable=False),
        sa.Column('actor_id', sa.Text(), nullable=True),
        sa.Column('suppressed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.CheckConstraint(ACTOR_KIND, name=op.f('ck_suppressions_actor_kind')),
        sa.PrimaryKeyConstraint('fingerprint', name=op.f('pk_suppressions')),
    )
    op.add_column('consents', sa.Column('source', sa.Text(), nullable=True))
    op.add_column('consents', sa.Column('import_id', sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f('fk_consents_import_id_supporter_imports'), 'consents', 'supporter_imports',
        ['import_id'], ['id'])
    op.create_index(op.f('ix_consents_import_id'), 'consents', ['import_id'])
    op.create_table('milestones',
        sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('count', sa.BigInteger(), nullable=False),
        sa.Column('what', sa.Text(), nullable=False),
        sa.Column('locale', sa.Text(), nullable=False),
        sa.Column('source', sa.Text(), nullable=False),
        sa.Column('country', sa.CHAR(length=2), nullable=True),
        sa.CheckConstraint('count > 0', name=op.f('ck_milestones_count')),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_milestones_campaign_id_campaigns')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_milestones')),
    )
    op.create_index(op.f('ix_milestones_campaign_id'), 'milestones', ['campaign_id'])
    # Staff find people by name who are not listed in public, too.
    op.drop_index('ix_pledges_name_search', 'pledges')
    op.create_index('ix_pledges_name_search', 'pledges', ['name_folded'], **NAMES)


def downgrade() -> None:
    op.drop_index('ix_pledges_name_search', 'pledges')
    op.create_index('ix_pledges_name_search', 'pledges', ['name_folded'], **NAMES,
        postgresql_where=sa.text("status = 'confirmed' AND listed"))
    op.drop_table('milestones')
    op.drop_index('ix_consents_import_id', 'consents')
    op.drop_constraint('fk_consents_import_id_supporter_imports', 'consents')
    op.drop_column('consents', 'import_id')
    op.drop_column('consents', 'source')
    op.drop_table('suppressions')
    op.drop_table('supporters')
    op.drop_table('supporter_import_rows')
    op.drop_table('supporter_imports')
