"""The plain pledge in one statement, the plain confirmation in another.

On the day a campaign is in the news nearly every submission comes from an address never seen, and nearly every
confirmation is of a pledge nothing is odd about. Taking these step by step (``operations``) is a dozen round
trips; here it is one each. Both statements do nothing at all where the case is not plain: then ``operations``
goes on. A test holds that both ways leave the same rows behind.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import Text

from campaign import jobs
from campaign.campaigns.models import CampaignText
from campaign.db import db
from campaign.institutions.folding import fold
from campaign.people.operations import WORDING_VERSION
from campaign.people.rules import Address
from campaign.pledges.holding import CROWDED, Limits, crowd_values, may_be_crowded
from campaign.pledges.rules import Draft

# An address that is known inserts no person, hence nothing else; so does one from a crowded network.
_TAKE = text(f"""
    WITH network AS ({CROWDED}),
    person AS (
        INSERT INTO people (id, fingerprint, address, locale)
        SELECT :person_id, :fingerprint, :address, :locale FROM network
        WHERE NOT (crowded AND :network_matters)
        ON CONFLICT (fingerprint) DO NOTHING
        RETURNING id
    ),
    pledge AS (
        INSERT INTO pledges (
            id, campaign_id, person_id, kind, text_id, status, hold_reasons, submission, code_attempts,
            name, name_folded, institution_id, institution_text, role, office, letters, country, disciplines,
            orcid, commitments, words, listed, newsletter, locale, is_demo, source,
            source_page, network_hash, submitted_at)
        SELECT
            :pledge_id, :campaign_id, id, :kind, :text_id, 'unconfirmed', :hold_reasons, :submission, 0,
            :name, :name_folded, :institution_id, :institution_text, :role, :office, :letters, :country,
            :disciplines, :orcid, :commitments, :words, :listed, :newsletter, :locale, false, :source,
            :source_page, :network_hash, :now
        FROM person
        RETURNING id
    ),
    event AS (
        INSERT INTO pledge_events (pledge_id, actor, action, details)
        SELECT id, 'person', 'submitted', :details FROM pledge
    ),
    letter AS (
        INSERT INTO outgoing_emails (template, locale, recipient, recipient_hash, facts, attempts)
        SELECT 'confirm', :locale, :address, :fingerprint, :facts, 0 FROM pledge
        WHERE (SELECT count(*) FROM outgoing_emails WHERE recipient_hash = :fingerprint AND queued_at > :yesterday)
            < :mails_per_address
    )
    SELECT id FROM pledge""").bindparams(  # noqa: S608 - both parts are constants of ours
    bindparam("hold_reasons", type_=ARRAY(Text)),
    bindparam("disciplines", type_=ARRAY(Text)),
    bindparam("commitments", type_=ARRAY(Text)),
    bindparam("letters", type_=JSONB),
    bindparam("details", type_=JSONB),
    bindparam("facts", type_=JSONB),
)

# An institution speaks once, and what is held must tell its person why: both are for ``operations``.
# The person's row is locked before the pledge's, see ``queries.locked``.
_CONFIRM = text("""
    WITH person AS MATERIALIZED (
        SELECT id FROM people WHERE id = (SELECT person_id FROM pledges WHERE id = :pledge_id)
        FOR NO KEY UPDATE
    ),
    pledge AS (
        UPDATE pledges SET status = 'confirmed', confirmed_at = :now FROM person
        WHERE pledges.id = :pledge_id AND person_id = person.id AND submission = :submission
            AND status = 'unconfirmed' AND kind = 'person' AND hold_reasons = '{}'
        RETURNING pledges.id, person_id, locale, listed, newsletter, submitted_at
    ),
    spoken AS (
        UPDATE people SET locale = pledge.locale FROM pledge
        WHERE people.id = pledge.person_id AND people.locale <> pledge.locale
    ),
    consent AS (
        INSERT INTO consents (person_id, purpose, granted, wording_version, locale, given_at)
        SELECT person_id, purpose, granted, :wording_version, locale, submitted_at
        FROM pledge, LATERAL (VALUES ('listing', listed), ('newsletter', newsletter)) AS answers (purpose, granted)
        WHERE purpose = 'listing' OR granted -- a box left empty revokes no earlier yes
    ),
    event AS (
        INSERT INTO pledge_events (pledge_id, actor, action, details)
        SELECT id, 'person', 'confirmed', '{}' FROM pledge
    )
    SELECT id FROM pledge""")


def take(
    draft: Draft,
    address: Address,
    shown: CampaignText,
    submission: UUID,
    reasons: Sequence[str],
    limits: Limits,
    **rest: Any,
) -> bool:
    """Store the pledge of an address never seen, with its letter; False, and nothing done, where it is known
    or where too many pledge from its network.

    ``rest`` are the values that the statement takes as they are, beginning with the ids of pledge and person.
    """
    values = crowd_values(draft, rest["network_hash"], limits, rest["now"]) | {
        "network_matters": may_be_crowded(draft, address),
        "kind": draft.kind,
        "name": draft.name,
        "name_folded": fold(draft.name),
        "institution_text": draft.institution_text,
        "role": draft.role,
        "office": draft.office,
        "letters": dict(draft.letters),
        "country": draft.country,
        "disciplines": list(draft.disciplines),
        "orcid": draft.orcid,
        "commitments": list(draft.commitments),
        "words": draft.words,
        "listed": draft.listed,
        "address": address.original,
        "campaign_id": shown.campaign_id,
        "text_id": shown.id,
        "submission": submission,
        "hold_reasons": list(reasons),
        "details": {
            "version": shown.version,
            "locale": rest["locale"],
            "hold_reasons": list(reasons),
        },
        "yesterday": rest["now"] - timedelta(days=1),
    }
    jobs.wake("send_emails")
    return _affects_a_row(_TAKE, values | rest)


def confirm(pledge_id: UUID, submission: UUID, now: datetime) -> bool:
    """Make a plain unconfirmed pledge count; False, and nothing done, where anything is odd about it."""
    values = {
        "pledge_id": pledge_id,
        "submission": submission,
        "now": now,
        "wording_version": WORDING_VERSION,
    }
    jobs.wake("fold_tallies")
    return _affects_a_row(_CONFIRM, values)


def _affects_a_row(statement: TextClause, values: Mapping[str, Any]) -> bool:
    return db.session.connection().execute(statement, values).first() is not None
