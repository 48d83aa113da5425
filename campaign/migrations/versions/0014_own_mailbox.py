"""Whether a pledge's address is at a domain of the institution.

Looked up for the pledges that wait to be confirmed. Unknown for those confirmed before: the registry may have changed
since.

Revision ID: 0014
Revises: 0013
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'

# As ``rules.is_own_mailbox`` does.
LOOK_UP = """
    UPDATE pledges SET own_mailbox = EXISTS (
        SELECT FROM institutions, unnest(institutions.domains) AS domain
        WHERE institutions.id = pledges.institution_id
        AND right(people.mailbox, length(domain) + 1) IN ('@' || domain, '.' || domain)
    )
    FROM people WHERE people.id = pledges.person_id AND pledges.status = 'unconfirmed'"""


def upgrade() -> None:
    op.add_column('pledges', sa.Column('own_mailbox', sa.Boolean(), nullable=True))
    op.execute(LOOK_UP)


def downgrade() -> None:
    op.drop_column('pledges', 'own_mailbox')
