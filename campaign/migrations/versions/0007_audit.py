"""An append-only audit log; actors by kind and id; letters of support under a name of their own.

Revision ID: 0007
Revises: 0006
Create Date: 2026-11-29
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0007'
down_revision = '0006'

TRAILS = ('pledge_events', 'partner_events')
ACTOR_KIND = "actor_kind IN ('person', 'staff', 'partner', 'system')"

# TRUNCATE has a trigger of its own, since it fires none of DELETE.
APPEND_ONLY = """
CREATE FUNCTION refuse_change_of_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only ever added to';
END $$;
CREATE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit();
"""


def upgrade() -> None:
    op.create_table('audit_events',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('actor_kind', sa.Text(), nullable=False),
    sa.Column('actor_id', sa.Text(), nullable=True),
    sa.Column('action', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('details', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('happened_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint(ACTOR_KIND, name=op.f('ck_audit_events_actor_kind')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_events'))
    )
    op.create_index(op.f('ix_audit_events_subject_id'), 'audit_events', ['subject', 'id'], unique=False)
    op.execute(APPEND_ONLY)
    for trail in TRAILS:
        _split_actor(trail)
    op.alter_column('pledges', 'letters', new_column_name='support_letters')


def _split_actor(trail: str) -> None:
    """"staff:kim" becomes "staff" and "kim", "person" stays alone; acts from before the log point to none."""
    op.alter_column(trail, 'actor', new_column_name='actor_kind')
    op.add_column(trail, sa.Column('actor_id', sa.Text(), nullable=True))
    op.add_column(trail, sa.Column('audit_id', sa.BigInteger(), nullable=True))
    op.execute(f"""
        UPDATE {trail} SET actor_kind = split_part(actor_kind, ':', 1), actor_id = substr(actor_kind, strpos(actor_kind, ':') + 1)
        WHERE strpos(actor_kind, ':') > 0""")
    op.create_check_constraint('actor_kind', trail, ACTOR_KIND)
    op.create_foreign_key(op.f(f'fk_{trail}_audit_id_audit_events'), trail, 'audit_events', ['audit_id'], ['id'])


def downgrade() -> None:
    op.alter_column('pledges', 'support_letters', new_column_name='letters')
    for trail in TRAILS:
        op.drop_constraint(op.f(f'ck_{trail}_actor_kind'), trail)
        op.execute(f"UPDATE {trail} SET actor_kind = actor_kind || ':' || actor_id WHERE actor_id IS NOT NULL")
        op.drop_column(trail, 'audit_id')
        op.drop_column(trail, 'actor_id')
        op.alter_column(trail, 'actor_kind', new_column_name='actor')
    op.drop_table('audit_events')
    op.execute("DROP FUNCTION refuse_change_of_audit")
