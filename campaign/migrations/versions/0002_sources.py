"""Where a pledge came from, and a tally version that also rises when what is shown of a pledge changes.

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-22
"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'

# A delta of nothing: it counts nowhere, but the pages that are made from the tallies' version are made anew.
SHOWN_TRIGGER = """
CREATE FUNCTION write_shown_delta() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally_deltas (campaign_id, kind, institution_id, country, commitments, disciplines, source, day, change)
    VALUES (NEW.campaign_id, NEW.kind, NEW.institution_id, NEW.country, '{}', '{}', NEW.source,
            (NEW.confirmed_at AT TIME ZONE 'UTC')::date, 0);
    RETURN NULL;
END $$;

CREATE TRIGGER note_changed_view AFTER UPDATE ON pledges FOR EACH ROW
    WHEN (OLD.status = 'confirmed' AND NEW.status = 'confirmed' AND
          (OLD.name, OLD.listed, OLD.words, OLD.role, OLD.office, OLD.letters, OLD.orcid, OLD.institution_text)
          IS DISTINCT FROM
          (NEW.name, NEW.listed, NEW.words, NEW.role, NEW.office, NEW.letters, NEW.orcid, NEW.institution_text))
    EXECUTE FUNCTION write_shown_delta();
"""

DELTA_FUNCTION = """
CREATE OR REPLACE FUNCTION write_tally_delta() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.status = 'confirmed' THEN
        INSERT INTO tally_deltas (campaign_id, kind, institution_id, country, commitments, disciplines, {column}day, change)
        VALUES (OLD.campaign_id, OLD.kind, OLD.institution_id, OLD.country, OLD.commitments, OLD.disciplines, {old}
                (OLD.confirmed_at AT TIME ZONE 'UTC')::date, -1);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.status = 'confirmed' THEN
        INSERT INTO tally_deltas (campaign_id, kind, institution_id, country, commitments, disciplines, {column}day, change)
        VALUES (NEW.campaign_id, NEW.kind, NEW.institution_id, NEW.country, NEW.commitments, NEW.disciplines, {new}
                (NEW.confirmed_at AT TIME ZONE 'UTC')::date, 1);
    END IF;
    RETURN NULL;
END $$"""


def upgrade() -> None:
    op.add_column('pledges', sa.Column('source', sa.Text(), server_default='site', nullable=False))
    op.add_column('pledges', sa.Column('source_page', sa.Text(), nullable=True))
    op.add_column('tally_deltas', sa.Column('source', sa.Text(), server_default='site', nullable=False))
    op.execute(DELTA_FUNCTION.format(column='source, ', old='OLD.source,', new='NEW.source,'))
    op.execute(SHOWN_TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER note_changed_view ON pledges")
    op.execute("DROP FUNCTION write_shown_delta")
    op.execute(DELTA_FUNCTION.format(column='', old='', new=''))
    op.drop_column('tally_deltas', 'source')
    op.drop_column('pledges', 'source_page')
    op.drop_column('pledges', 'source')
