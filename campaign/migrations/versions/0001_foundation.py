"""The foundation: registry, campaigns, people, pledges, tallies, letters, schedules.

Revision ID: 0001
Revises: nothing
Create Date: 2026-11-21
"""

import sqlalchemy as sa
from alembic import op
from dramatiq_postgres.schema import generate_init_sql
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None


# Every change of what is counted writes a delta in its own transaction, whoever makes the change and however.
DELTA_TRIGGERS = """
CREATE FUNCTION write_tally_delta() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.status = 'confirmed' THEN
        INSERT INTO tally_deltas (campaign_id, kind, institution_id, country, commitments, disciplines, day, change)
        VALUES (OLD.campaign_id, OLD.kind, OLD.institution_id, OLD.country, OLD.commitments, OLD.disciplines,
                (OLD.confirmed_at AT TIME ZONE 'UTC')::date, -1);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.status = 'confirmed' THEN
        INSERT INTO tally_deltas (campaign_id, kind, institution_id, country, commitments, disciplines, day, change)
        VALUES (NEW.campaign_id, NEW.kind, NEW.institution_id, NEW.country, NEW.commitments, NEW.disciplines,
                (NEW.confirmed_at AT TIME ZONE 'UTC')::date, 1);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER count_new_pledge AFTER INSERT ON pledges FOR EACH ROW
    WHEN (NEW.status = 'confirmed') EXECUTE FUNCTION write_tally_delta();
CREATE TRIGGER count_removed_pledge AFTER DELETE ON pledges FOR EACH ROW
    WHEN (OLD.status = 'confirmed') EXECUTE FUNCTION write_tally_delta();
CREATE TRIGGER count_changed_pledge AFTER UPDATE ON pledges FOR EACH ROW
    WHEN ((OLD.status = 'confirmed' OR NEW.status = 'confirmed') AND
          (OLD.status, OLD.campaign_id, OLD.kind, OLD.institution_id, OLD.country, OLD.commitments,
           OLD.disciplines, OLD.confirmed_at)
          IS DISTINCT FROM
          (NEW.status, NEW.campaign_id, NEW.kind, NEW.institution_id, NEW.country, NEW.commitments,
           NEW.disciplines, NEW.confirmed_at))
    EXECUTE FUNCTION write_tally_delta();
"""

# A signed text never changes.
IMMUTABLE_TEXTS = """
CREATE FUNCTION refuse_change_of_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a published text never changes; publish another version';
END $$;
CREATE TRIGGER published_texts_stay BEFORE UPDATE OR DELETE ON campaign_texts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_text();
"""


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_table('campaigns',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_campaigns')),
    sa.UniqueConstraint('slug', name=op.f('uq_campaigns_slug'))
    )
    op.create_table('institution_words',
    sa.Column('word', sa.Text(collation='C'), nullable=False),
    sa.Column('frequency', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('word', name=op.f('pk_institution_words'))
    )
    op.create_index(op.f('ix_institution_words_word'), 'institution_words', ['word'], unique=False, postgresql_using='gin', postgresql_ops={'word': 'gin_trgm_ops'})
    op.create_table('institutions',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('types', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('country', sa.Text(), nullable=False),
    sa.Column('subdivision', sa.Text(), nullable=True),
    sa.Column('city', sa.Text(), nullable=True),
    sa.Column('latitude', sa.Double(), nullable=True),
    sa.Column('longitude', sa.Double(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('labels', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('acronyms', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('aliases', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('domains', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('website', sa.Text(), nullable=True),
    sa.Column('website_host', sa.Text(), nullable=True),
    sa.Column('established', sa.SmallInteger(), nullable=True),
    sa.Column('parents', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('successor_id', sa.Text(), nullable=True),
    sa.Column('weight', sa.REAL(), nullable=False),
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.Column('imported_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("status IN ('active', 'inactive', 'withdrawn')", name=op.f('ck_institutions_status')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_institutions'))
    )
    op.create_index(op.f('ix_institutions_country'), 'institutions', ['country'], unique=False)
    op.create_index(op.f('ix_institutions_domains'), 'institutions', ['domains'], unique=False, postgresql_using='gin')
    op.create_index(op.f('ix_institutions_website_host'), 'institutions', ['website_host'], unique=False, postgresql_where=sa.text('website_host IS NOT NULL'))
    op.create_table('letters',
    sa.Column('id', sa.Uuid(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('template', sa.Text(), nullable=False),
    sa.Column('locale', sa.Text(), nullable=False),
    sa.Column('recipient', sa.Text(), nullable=True),
    sa.Column('recipient_hash', sa.LargeBinary(), nullable=False),
    sa.Column('facts', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('attempts', sa.SmallInteger(), nullable=False),
    sa.Column('queued_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_letters'))
    )
    op.create_index('ix_letters_due', 'letters', ['due_at'], unique=False, postgresql_where=sa.text('sent_at IS NULL AND failed_at IS NULL'))
    op.create_index('ix_letters_recipient', 'letters', ['recipient_hash', 'queued_at'], unique=False)
    op.create_table('people',
    sa.Column('id', sa.Uuid(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('fingerprint', sa.LargeBinary(), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('locale', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_people')),
    sa.UniqueConstraint('fingerprint', name=op.f('uq_people_fingerprint'))
    )
    op.create_table('pledge_events',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('pledge_id', sa.Uuid(), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('action', sa.Text(), nullable=False),
    sa.Column('details', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('happened_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pledge_events'))
    )
    op.create_index(op.f('ix_pledge_events_pledge_id_id'), 'pledge_events', ['pledge_id', 'id'], unique=False)
    op.create_table('schedules',
    sa.Column('job', sa.Text(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('job', name=op.f('pk_schedules'))
    )
    op.create_table('tally_deltas',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('institution_id', sa.Text(), nullable=True),
    sa.Column('country', sa.CHAR(length=2), nullable=False),
    sa.Column('commitments', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('disciplines', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('change', sa.SmallInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tally_deltas'))
    )
    op.create_table('campaign_texts',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('locale', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('theme', sa.Text(), nullable=False),
    sa.Column('summary', sa.Text(), nullable=False),
    sa.Column('introduction', sa.Text(), nullable=False),
    sa.Column('pledge', sa.Text(), nullable=False),
    sa.Column('pledge_institution', sa.Text(), nullable=False),
    sa.Column('commitments', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('commitments_institution', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('version > 0', name=op.f('ck_campaign_texts_version_positive')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_campaign_texts_campaign_id_campaigns')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_campaign_texts')),
    sa.UniqueConstraint('campaign_id', 'version', 'locale', name=op.f('uq_campaign_texts_campaign_id_version_locale'))
    )
    op.create_table('consents',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('granted', sa.Boolean(), nullable=False),
    sa.Column('wording_version', sa.Integer(), nullable=False),
    sa.Column('locale', sa.Text(), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_consents_person_id_people'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_consents'))
    )
    op.create_index(op.f('ix_consents_person_id_purpose_id'), 'consents', ['person_id', 'purpose', 'id'], unique=False)
    op.create_table('institution_names',
    sa.Column('institution_id', sa.Text(), nullable=False),
    sa.Column('position', sa.SmallInteger(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.Column('folded', sa.Text(collation='C'), nullable=False),
    sa.Column('terms', postgresql.TSVECTOR(), nullable=False),
    sa.Column('words', sa.SmallInteger(), nullable=False),
    sa.Column('country', sa.Text(), nullable=False),
    sa.Column('weight', sa.REAL(), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['institutions.id'], name=op.f('fk_institution_names_institution_id_institutions'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('institution_id', 'position', name=op.f('pk_institution_names'))
    )
    op.create_index(op.f('ix_institution_names_folded'), 'institution_names', ['folded'], unique=False)
    op.create_index(op.f('ix_institution_names_terms'), 'institution_names', ['terms'], unique=False, postgresql_using='gin')
    op.create_table('tallies',
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('dimension', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('count', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_tallies_campaign_id_campaigns')),
    sa.PrimaryKeyConstraint('campaign_id', 'dimension', 'key', 'kind', name=op.f('pk_tallies'))
    )
    op.create_index('ix_tallies_key', 'tallies', ['dimension', 'key'], unique=False)
    op.create_index('ix_tallies_ranking', 'tallies', ['campaign_id', 'dimension', 'kind', sa.literal_column('count DESC'), 'key'], unique=False)
    op.create_table('tally_versions',
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('folded_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_tally_versions_campaign_id_campaigns')),
    sa.PrimaryKeyConstraint('campaign_id', name=op.f('pk_tally_versions'))
    )
    op.create_table('pledges',
    sa.Column('id', sa.Uuid(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('text_id', sa.Integer(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('hold_reasons', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('submission', sa.Uuid(), nullable=False),
    sa.Column('code_attempts', sa.SmallInteger(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('name_folded', sa.Text(), nullable=False),
    sa.Column('institution_id', sa.Text(), nullable=True),
    sa.Column('institution_text', sa.Text(), nullable=True),
    sa.Column('role', sa.Text(), nullable=True),
    sa.Column('office', sa.Text(), nullable=True),
    sa.Column('letters', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('country', sa.CHAR(length=2), nullable=False),
    sa.Column('disciplines', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('orcid', sa.Text(), nullable=True),
    sa.Column('commitments', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('words', sa.Text(), nullable=True),
    sa.Column('listed', sa.Boolean(), nullable=False),
    sa.Column('newsletter', sa.Boolean(), nullable=False),
    sa.Column('locale', sa.Text(), nullable=False),
    sa.Column('is_demo', sa.Boolean(), nullable=False),
    sa.Column('network_hash', sa.LargeBinary(), nullable=True),
    sa.Column('submitted_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reminded_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(status = 'confirmed') <= (confirmed_at IS NOT NULL)", name=op.f('ck_pledges_confirmed_has_time')),
    sa.CheckConstraint("kind IN ('person', 'institution')", name=op.f('ck_pledges_kind')),
    sa.CheckConstraint("status IN ('unconfirmed', 'held', 'confirmed', 'refused', 'withdrawn')", name=op.f('ck_pledges_status')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_pledges_campaign_id_campaigns')),
    sa.ForeignKeyConstraint(['institution_id'], ['institutions.id'], name=op.f('fk_pledges_institution_id_institutions')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_pledges_person_id_people')),
    sa.ForeignKeyConstraint(['text_id'], ['campaign_texts.id'], name=op.f('fk_pledges_text_id_campaign_texts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pledges')),
    sa.UniqueConstraint('campaign_id', 'person_id', 'kind', name=op.f('uq_pledges_campaign_id_person_id_kind'))
    )
    op.create_index('ix_pledges_demo', 'pledges', ['id'], unique=False, postgresql_where=sa.text('is_demo'))
    op.create_index('ix_pledges_name_search', 'pledges', ['name_folded'], unique=False, postgresql_using='gin', postgresql_ops={'name_folded': 'gin_trgm_ops'}, postgresql_where=sa.text("status = 'confirmed' AND listed"))
    op.create_index('ix_pledges_network', 'pledges', ['network_hash', 'submitted_at'], unique=False, postgresql_where=sa.text('network_hash IS NOT NULL'))
    op.create_index('ix_pledges_not_listed', 'pledges', ['submitted_at'], unique=False, postgresql_where=sa.text('institution_text IS NOT NULL AND institution_id IS NULL'))
    op.create_index(op.f('ix_pledges_person_id'), 'pledges', ['person_id'], unique=False)
    op.create_index('ix_pledges_public_list', 'pledges', ['campaign_id', 'kind', sa.literal_column('confirmed_at DESC'), sa.literal_column('id DESC')], unique=False, postgresql_where=sa.text("status = 'confirmed' AND listed"))
    op.create_index('ix_pledges_public_list_of_country', 'pledges', ['campaign_id', 'country', sa.literal_column('confirmed_at DESC')], unique=False, postgresql_where=sa.text("status = 'confirmed' AND listed"))
    op.create_index('ix_pledges_public_list_of_institution', 'pledges', ['institution_id', 'campaign_id', sa.literal_column('confirmed_at DESC')], unique=False, postgresql_where=sa.text("status = 'confirmed'"))
    op.create_index(op.f('ix_pledges_submission'), 'pledges', ['submission'], unique=False)
    op.create_index('ix_pledges_unsettled', 'pledges', ['status', 'submitted_at'], unique=False, postgresql_where=sa.text("status IN ('unconfirmed', 'held')"))
    op.create_index('uq_pledges_institution_speaks_once', 'pledges', ['campaign_id', 'institution_id'], unique=True, postgresql_where=sa.text("kind = 'institution' AND status = 'confirmed'"))
    op.execute(DELTA_TRIGGERS)
    op.execute(IMMUTABLE_TEXTS)
    op.execute(generate_init_sql())


def downgrade() -> None:
    op.execute("DROP SCHEMA dramatiq CASCADE")
    op.drop_table('pledges')
    op.drop_table('tally_versions')
    op.drop_table('tallies')
    op.drop_table('institution_names')
    op.drop_table('consents')
    op.drop_table('campaign_texts')
    op.drop_table('tally_deltas')
    op.drop_table('schedules')
    op.drop_table('pledge_events')
    op.drop_table('people')
    op.drop_table('letters')
    op.drop_table('institutions')
    op.drop_table('institution_words')
    op.drop_table('campaigns')
    op.execute("DROP FUNCTION refuse_change_of_text, write_tally_delta")
