"""Seals of the audit log, and indexes to read it by; forms that were opened; tallies by language; when jobs ran.

Revision ID: 0018
Revises: 0017
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0018'
down_revision = '0017'

SEALS_STAY = """
CREATE TRIGGER audit_seals_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit()
"""

DELTA_FUNCTION = """
CREATE OR REPLACE FUNCTION write_tally_delta() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.status = 'confirmed' THEN
        INSERT INTO tally_deltas (campaign_id, kind, institution_id, country, commitments, disciplines, source, {column}day, change)
        VALUES (OLD.campaign_id, OLD.kind, OLD.institution_id, OLD.country, OLD.commitments, OLD.disciplines, OLD.source, {old}
                (OLD.confirmed_at AT TIME ZONE 'UTC')::date, -1);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.status = 'confirmed' THEN
        INSERT INTO tally_deltas (campaign_id, kind, institution_id, country, commitments, disciplines, source, {column}day, change)
        VALUES (NEW.campaign_id, NEW.kind, NEW.institution_id, NEW.country, NEW.commitments, NEW.disciplines, NEW.source, {new}
                (NEW.confirmed_at AT TIME ZONE 'UTC')::date, 1);
    END IF;
    RETURN NULL;
END $$"""

CHANGE_TRIGGER = """
CREATE OR REPLACE TRIGGER count_changed_pledge AFTER UPDATE ON pledges FOR EACH ROW
    WHEN ((OLD.status = 'confirmed' OR NEW.status = 'confirmed') AND
          (OLD.status, OLD.campaign_id, OLD.kind, OLD.institution_id, OLD.country, OLD.commitments,
           OLD.disciplines, {old}OLD.confirmed_at)
          IS DISTINCT FROM
          (NEW.status, NEW.campaign_id, NEW.kind, NEW.institution_id, NEW.country, NEW.commitments,
           NEW.disciplines, {new}NEW.confirmed_at))
    EXECUTE FUNCTION write_tally_delta()"""

# Deltas that wait have no language, so the fold leaves them out of the languages: those count all pledges there are
# now. The days of countries count what has been folded.
COUNT_NEW_DIMENSIONS = """
WITH counted AS (
    SELECT campaign_id, kind, country::text, locale, (confirmed_at AT TIME ZONE 'UTC')::date AS day, count(*) AS n
    FROM pledges WHERE status = 'confirmed' GROUP BY 1, 2, 3, 4, 5
), sums (campaign_id, kind, dimension, key, n) AS (
    SELECT campaign_id, kind, 'language', locale, n FROM counted
    UNION ALL
    SELECT campaign_id, kind, 'language-day', locale || ' ' || day, n FROM counted
    UNION ALL
    SELECT campaign_id, kind, 'country-day', country || ' ' || day, n FROM counted
    UNION ALL
    SELECT campaign_id, kind, 'country-day', country || ' ' || day, -change FROM tally_deltas
)
INSERT INTO tallies (campaign_id, dimension, key, kind, count)
SELECT campaign_id, dimension, key, kind, sum(n) FROM sums GROUP BY campaign_id, dimension, key, kind HAVING sum(n) <> 0
"""


def upgrade() -> None:
    op.create_table('audit_seals',
        sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('first_id', sa.BigInteger(), nullable=False),
        sa.Column('last_id', sa.BigInteger(), nullable=False),
        sa.Column('ids', postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column('line_digests', postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column('digest', sa.LargeBinary(), nullable=False),
        sa.Column('sealed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.CheckConstraint('first_id <= last_id', name=op.f('ck_audit_seals_is_range')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_seals')),
        sa.UniqueConstraint('last_id', name=op.f('uq_audit_seals_last_id')),
    )
    op.execute(SEALS_STAY)
    op.create_index('ix_audit_events_subject_kind', 'audit_events', [sa.text("split_part(subject, ':', 1)"), 'id'])
    op.create_index(op.f('ix_audit_events_actor_kind_actor_id_id'), 'audit_events', ['actor_kind', 'actor_id', 'id'])
    op.create_index(op.f('ix_audit_events_action_id'), 'audit_events', ['action', 'id'])
    op.create_index(op.f('ix_audit_events_happened_at'), 'audit_events', ['happened_at'])

    op.create_table('form_counts',
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('locale', sa.Text(), nullable=False),
        sa.Column('opened', sa.Integer(), nullable=False),
        sa.Column('sent', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_form_counts_campaign_id_campaigns')),
        sa.PrimaryKeyConstraint('day', 'campaign_id', 'kind', 'locale', name=op.f('pk_form_counts')),
    )
    op.add_column('schedules', sa.Column('ran_at', sa.DateTime(timezone=True), nullable=True))

    op.add_column('tally_deltas', sa.Column('locale', sa.Text(), nullable=True))
    op.execute(DELTA_FUNCTION.format(column='locale, ', old='OLD.locale,', new='NEW.locale,'))
    op.execute(CHANGE_TRIGGER.format(old='OLD.locale, ', new='NEW.locale, '))
    op.execute(COUNT_NEW_DIMENSIONS)


def downgrade() -> None:
    op.execute("DELETE FROM tallies WHERE dimension IN ('language', 'language-day', 'country-day')")
    op.execute(CHANGE_TRIGGER.format(old='', new=''))
    op.execute(DELTA_FUNCTION.format(column='', old='', new=''))
    op.drop_column('tally_deltas', 'locale')
    op.drop_column('schedules', 'ran_at')
    op.drop_table('form_counts')
    for columns in ('happened_at', 'action_id', 'actor_kind_actor_id_id'):
        op.drop_index(op.f(f'ix_audit_events_{columns}'), 'audit_events')
    op.drop_index('ix_audit_events_subject_kind', 'audit_events')
    op.drop_table('audit_seals')
