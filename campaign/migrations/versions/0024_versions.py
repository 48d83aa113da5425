"""Tallies by the text that was signed, so that the pledges of each version are counted.

Revision ID: 0024
Revises: 0023
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op

revision = '0024'
down_revision = '0023'

DELTA_FUNCTION = """
CREATE OR REPLACE FUNCTION write_tally_delta() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.status = 'confirmed' THEN
        INSERT INTO tally_deltas (campaign_id, kind, institution_id, country, commitments, disciplines, source, locale,
                                  {column}day, change)
        VALUES (OLD.campaign_id, OLD.kind, OLD.institution_id, OLD.country, OLD.commitments, OLD.disciplines, OLD.source,
                OLD.locale, {old}(OLD.confirmed_at AT TIME ZONE 'UTC')::date, -1);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.status = 'confirmed' THEN
        INSERT INTO tally_deltas (campaign_id, kind, institution_id, country, commitments, disciplines, source, locale,
                                  {column}day, change)
        VALUES (NEW.campaign_id, NEW.kind, NEW.institution_id, NEW.country, NEW.commitments, NEW.disciplines, NEW.source,
                NEW.locale, {new}(NEW.confirmed_at AT TIME ZONE 'UTC')::date, 1);
    END IF;
    RETURN NULL;
END $$"""

CHANGE_TRIGGER = """
CREATE OR REPLACE TRIGGER count_changed_pledge AFTER UPDATE ON pledges FOR EACH ROW
    WHEN ((OLD.status = 'confirmed' OR NEW.status = 'confirmed') AND
          (OLD.status, OLD.campaign_id, OLD.kind, OLD.institution_id, OLD.country, OLD.commitments,
           OLD.disciplines, OLD.locale, {old}OLD.confirmed_at)
          IS DISTINCT FROM
          (NEW.status, NEW.campaign_id, NEW.kind, NEW.institution_id, NEW.country, NEW.commitments,
           NEW.disciplines, NEW.locale, {new}NEW.confirmed_at))
    EXECUTE FUNCTION write_tally_delta()"""

# Deltas that wait have no text, so the fold leaves them out of the texts: those count all pledges there are now.
COUNT_TEXTS = """
INSERT INTO tallies (campaign_id, dimension, key, kind, count)
SELECT campaign_id, 'text', text_id::text, kind, count(*) FROM pledges WHERE status = 'confirmed'
GROUP BY campaign_id, text_id, kind
"""


def upgrade() -> None:
    op.add_column('tally_deltas', sa.Column('text_id', sa.Integer(), nullable=True))
    op.execute(DELTA_FUNCTION.format(column='text_id, ', old='OLD.text_id, ', new='NEW.text_id, '))
    op.execute(CHANGE_TRIGGER.format(old='OLD.text_id, ', new='NEW.text_id, '))
    op.execute(COUNT_TEXTS)


def downgrade() -> None:
    op.execute("DELETE FROM tallies WHERE dimension = 'text'")
    op.execute(CHANGE_TRIGGER.format(old='', new=''))
    op.execute(DELTA_FUNCTION.format(column='', old='', new=''))
    op.drop_column('tally_deltas', 'text_id')
