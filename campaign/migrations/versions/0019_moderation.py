"""What staff decide of pledges: notes, tasks, rules for e-mail domains, what the public reads, who stands first.

Revision ID: 0019
Revises: 0018
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op

revision = '0019'
down_revision = '0018'

ACTOR = "actor_kind IN ('person', 'staff', 'partner', 'system')"
DOMAIN = "reverse(split_part(mailbox, '@', 2))"
WORDS_WAIT = (
    "status = 'confirmed' AND words_approved IS NULL"
    " AND (listed AND words IS NOT NULL OR support_letters <> '{}'::jsonb)"
)
IS_VERDICT = "action IN ('accepted', 'refused', 'decision undone', 'invalidated', 'counted again')"
SHOWN_BEFORE = ('name', 'listed', 'words', 'role', 'office', 'support_letters', 'orcid', 'institution_text')
SHOWN = (*SHOWN_BEFORE, 'words_approved', 'pin')


def watch(columns: tuple[str, ...]) -> None:
    """Have public pages made anew when one of these columns changes."""
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    op.execute(f"""
        CREATE TRIGGER note_changed_view AFTER UPDATE ON pledges FOR EACH ROW
        WHEN (OLD.status = 'confirmed' AND NEW.status = 'confirmed' AND ({old}) IS DISTINCT FROM ({new}))
        EXECUTE FUNCTION write_shown_delta()
    """)


def upgrade() -> None:
    op.execute("DROP TRIGGER note_changed_view ON pledges")
    op.add_column('pledges', sa.Column('words_approved', sa.Boolean(), nullable=True))
    op.add_column('pledges', sa.Column('pin', sa.SmallInteger(), nullable=True))
    # What is public already stays so.
    op.execute(f"UPDATE pledges SET words_approved = true WHERE {WORDS_WAIT}")  # noqa: S608
    watch(SHOWN)
    op.drop_index('ix_pledges_network', table_name='pledges')
    op.create_index('ix_pledges_network', 'pledges', ['network_hash', 'submitted_at'], postgresql_where=sa.text('network_hash IS NOT NULL'))
    op.create_index('ix_pledges_submitted', 'pledges', ['submitted_at'])
    op.create_index('ix_pledges_words_waiting', 'pledges', ['confirmed_at', 'id'], postgresql_where=sa.text(WORDS_WAIT))
    op.create_index('ix_pledges_words_settled', 'pledges', ['words_approved', 'confirmed_at', 'id'], postgresql_where=sa.text('words_approved IS NOT NULL'))
    op.create_index('ix_pledges_pinned', 'pledges', ['campaign_id', 'pin'], postgresql_where=sa.text('pin IS NOT NULL'))
    op.create_index('ix_pledge_events_verdicts', 'pledge_events', ['id'], postgresql_where=sa.text(IS_VERDICT))
    op.create_index('ix_people_domain', 'people', [sa.text(DOMAIN), 'created_at'], postgresql_ops={DOMAIN: 'text_pattern_ops'})
    op.create_table('pledge_notes',
        sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column('pledge_id', sa.Uuid(), nullable=False),
        sa.Column('actor_kind', sa.Text(), nullable=False),
        sa.Column('actor_id', sa.Text(), nullable=True),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('written_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.CheckConstraint(ACTOR, name=op.f('ck_pledge_notes_actor_kind')),
        sa.ForeignKeyConstraint(['pledge_id'], ['pledges.id'], name=op.f('fk_pledge_notes_pledge_id_pledges'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_pledge_notes')),
    )
    op.create_index(op.f('ix_pledge_notes_pledge_id'), 'pledge_notes', ['pledge_id'])
    op.create_table('task_pledges',
        sa.Column('task_id', sa.Uuid(), nullable=False),
        sa.Column('pledge_id', sa.Uuid(), nullable=False),
        sa.Column('event_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['event_id'], ['pledge_events.id'], name=op.f('fk_task_pledges_event_id_pledge_events')),
        sa.ForeignKeyConstraint(['task_id'], ['tasks.id'], name=op.f('fk_task_pledges_task_id_tasks')),
        sa.PrimaryKeyConstraint('task_id', 'pledge_id', name=op.f('pk_task_pledges')),
    )
    op.create_index(op.f('ix_task_pledges_pledge_id'), 'task_pledges', ['pledge_id'])
    op.create_table('open_cases',
        sa.Column('pledge_id', sa.Uuid(), nullable=False),
        sa.Column('account', sa.Text(), nullable=False),
        sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['pledge_id'], ['pledges.id'], name=op.f('fk_open_cases_pledge_id_pledges'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('pledge_id', 'account', name=op.f('pk_open_cases')),
    )
    op.create_table('mail_domains',
        sa.Column('domain', sa.Text(), nullable=False),
        sa.Column('rule', sa.Text(), nullable=False),
        sa.Column('actor_kind', sa.Text(), nullable=False),
        sa.Column('actor_id', sa.Text(), nullable=True),
        sa.Column('changed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.CheckConstraint(ACTOR, name=op.f('ck_mail_domains_actor_kind')),
        sa.CheckConstraint("rule IN ('hold', 'refuse', 'trust')", name=op.f('ck_mail_domains_rule')),
        sa.PrimaryKeyConstraint('domain', name=op.f('pk_mail_domains')),
    )


def downgrade() -> None:
    for table in ('mail_domains', 'open_cases', 'task_pledges', 'pledge_notes'):
        op.drop_table(table)
    op.drop_index('ix_people_domain', table_name='people')
    op.drop_index('ix_pledge_events_verdicts', table_name='pledge_events')
    for index in ('pinned', 'words_settled', 'words_waiting', 'submitted', 'network'):
        op.drop_index(f'ix_pledges_{index}', table_name='pledges')
    op.create_index('ix_pledges_network', 'pledges', ['submitted_at'], postgresql_where=sa.text('network_hash IS NOT NULL'))
    op.execute("DROP TRIGGER note_changed_view ON pledges")
    op.drop_column('pledges', 'pin')
    op.drop_column('pledges', 'words_approved')
    watch(SHOWN_BEFORE)
