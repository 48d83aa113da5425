"""Names of institutions are searched by their telling words; `lightup migrate` indexes those that are there.

Revision ID: 0013
Revises: 0012
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'


def upgrade() -> None:
    op.drop_column('institution_names', 'words')
    op.add_column('institution_names', sa.Column('key', sa.Text(collation='C'), server_default='', nullable=False))
    op.add_column('institution_names', sa.Column('place', sa.Text(), server_default='', nullable=False))
    op.alter_column('institution_names', 'key', server_default=None)
    op.alter_column('institution_names', 'place', server_default=None)
    op.create_index(op.f('ix_institution_names_key'), 'institution_names', ['key'])


def downgrade() -> None:
    op.drop_index(op.f('ix_institution_names_key'), table_name='institution_names')
    op.drop_column('institution_names', 'place')
    op.drop_column('institution_names', 'key')
    op.add_column('institution_names', sa.Column('words', sa.SmallInteger(), server_default='0', nullable=False))
    op.alter_column('institution_names', 'words', server_default=None)
