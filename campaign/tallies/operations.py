"""Fold deltas into tallies, and check and repair the tallies against the pledges.

Both count with the same SQL (``SUMS``), once over deltas and once over pledges, so they cannot count differently.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, TextClause, bindparam, exists, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from campaign import topics
from campaign.db import db, lock_number
from campaign.geography import COUNTRIES, regions_of
from campaign.tallies.models import TALLIES, TallyDelta

FOLD_BATCH = 50_000
# One fold at a time, since two would wait for each other's rows.
_FOLD_LOCK = lock_number("fold tallies")

# Sums of all dimensions but spread, over {source}: deltas, or pledges in the shape of deltas. It is scanned three
# times, however many dimensions there are: for its plain columns, its commitments and its disciplines.
# ``mask`` says which grouping set a sum belongs to. It has one bit for each of (text_id, institution_id, country,
# source, locale, month, day), the first one highest, set if the sum is over all values of that column: 127 is the
# total, 95 (0b1011111) an institution.
SUMS = """
    scalars AS (
        SELECT campaign_id, kind, text_id, institution_id, country, source, locale,
               to_char(day, 'YYYY-MM') AS month, day, sum(change)::bigint AS n,
               grouping(text_id, institution_id, country, source, locale, to_char(day, 'YYYY-MM'), day) AS mask
        FROM {source}
        GROUP BY GROUPING SETS (
            (campaign_id, kind), (campaign_id, kind, text_id), (campaign_id, kind, institution_id),
            (campaign_id, kind, country), (campaign_id, kind, source), (campaign_id, kind, locale),
            (campaign_id, kind, day),
            (campaign_id, kind, institution_id, to_char(day, 'YYYY-MM')),
            (campaign_id, kind, country, to_char(day, 'YYYY-MM')),
            (campaign_id, kind, country, day), (campaign_id, kind, locale, day))
    ),
    sums (campaign_id, kind, dimension, key, n) AS (
        SELECT campaign_id, kind, 'total', '', n FROM scalars WHERE mask = 127
        UNION ALL
        SELECT campaign_id, kind, 'text', text_id::text, n FROM scalars WHERE mask = 63 AND text_id IS NOT NULL
        UNION ALL
        SELECT campaign_id, kind, 'institution', institution_id, n FROM scalars
        WHERE mask = 95 AND institution_id IS NOT NULL
        UNION ALL
        SELECT campaign_id, kind, 'country', country, n FROM scalars WHERE mask = 111
        UNION ALL
        SELECT campaign_id, kind, 'source', source, n FROM scalars WHERE mask = 119
        UNION ALL
        SELECT campaign_id, kind, 'language', locale, n FROM scalars WHERE mask = 123 AND locale IS NOT NULL
        UNION ALL
        SELECT campaign_id, kind, 'day', day::text, n FROM scalars WHERE mask = 126
        UNION ALL
        SELECT campaign_id, kind, 'institution-month', institution_id || ' ' || month, n FROM scalars
        WHERE mask = 93 AND institution_id IS NOT NULL
        UNION ALL
        SELECT campaign_id, kind, 'country-month', country || ' ' || month, n FROM scalars WHERE mask = 109
        UNION ALL
        SELECT campaign_id, kind, 'country-day', country || ' ' || day, n FROM scalars WHERE mask = 110
        UNION ALL
        SELECT campaign_id, kind, 'language-day', locale || ' ' || day, n FROM scalars
        WHERE mask = 122 AND locale IS NOT NULL
        UNION ALL
        SELECT campaign_id, kind, 'region', region, sum(n)::bigint
        FROM scalars JOIN unnest(:countries, :regions) AS located (country, region) USING (country)
        WHERE mask = 111 GROUP BY campaign_id, kind, region
        UNION ALL
        SELECT campaign_id, kind, 'commitment', code, sum(change)::bigint
        FROM {source}, unnest(commitments) AS code GROUP BY campaign_id, kind, code
        UNION ALL
        SELECT campaign_id, kind, 'discipline', code, sum(change)::bigint
        FROM {source}, unnest(disciplines) AS code GROUP BY campaign_id, kind, code
    )"""

# One statement, so that a batch is folded exactly once. ``old`` and ``new`` (PostgreSQL 18) are a tally before and
# after: its key counts in ``spread`` once it is above zero, so becoming so adds 1 and falling to zero takes 1 away.
# A version rises for every campaign with a delta, even if its sums are zero: what is shown may have changed.
_FOLD = f"""
    WITH taken AS (
        DELETE FROM tally_deltas
        WHERE id IN (SELECT id FROM tally_deltas ORDER BY id LIMIT :batch)
        RETURNING campaign_id, kind, text_id, institution_id, country::text AS country, source, locale, day,
                  commitments, disciplines, change
    ), {SUMS.format(source="taken")},
    folded AS (
        INSERT INTO tallies (campaign_id, dimension, key, kind, count)
        SELECT campaign_id, dimension, key, kind, n FROM sums WHERE n <> 0
        ORDER BY campaign_id, dimension, key, kind
        ON CONFLICT (campaign_id, dimension, key, kind) DO UPDATE SET count = tallies.count + excluded.count
        RETURNING campaign_id, dimension, kind,
                  (new.count > 0)::int - (coalesce(old.count, 0) > 0)::int AS nonzero_change
    ),
    nonzero_keys AS (
        INSERT INTO tallies (campaign_id, dimension, key, kind, count)
        SELECT campaign_id, 'spread', dimension, kind, sum(nonzero_change) FROM folded
        WHERE dimension IN ('country', 'institution')
        GROUP BY campaign_id, dimension, kind HAVING sum(nonzero_change) <> 0
        ON CONFLICT (campaign_id, dimension, key, kind) DO UPDATE SET count = tallies.count + excluded.count
    ),
    raised AS (
        INSERT INTO public_versions (topic, subject, version)
        SELECT DISTINCT '{TALLIES}', campaign_id::text, 1 FROM taken
        ON CONFLICT (topic, subject) DO UPDATE SET version = public_versions.version + 1, raised_at = now()
    )
    SELECT count(*) FROM taken"""  # noqa: S608 (no outside value gets into the text)

# Tallies beside what they should be now: the counted pledges, less the deltas that are not folded yet (hence
# ``-change``). Spread is taken from the tallies themselves, so it is only right once they are. The full join finds
# tallies that should not be there as well as those that are missing.
_DIFFERENCES = f"""
    WITH counted AS (
        SELECT campaign_id, kind, text_id, institution_id, country::text AS country, source, locale, commitments,
               disciplines, (confirmed_at AT TIME ZONE 'UTC')::date AS day, 1 AS change
        FROM pledges WHERE status = 'confirmed'
        UNION ALL
        SELECT campaign_id, kind, text_id, institution_id, country::text, source, locale, commitments,
               disciplines, day, -change
        FROM tally_deltas
    ), {SUMS.format(source="counted")},
    expected AS (
        SELECT * FROM sums WHERE n <> 0
        UNION ALL
        SELECT campaign_id, kind, 'spread', dimension, count(*) FROM tallies
        WHERE dimension IN ('country', 'institution') AND count > 0 GROUP BY campaign_id, kind, dimension
    )
    SELECT campaign_id, dimension, key, kind, coalesce(tallies.count, 0) AS is_now, coalesce(n, 0) AS should_be
    FROM expected FULL JOIN tallies USING (campaign_id, dimension, key, kind)
    WHERE coalesce(tallies.count, 0) <> coalesce(n, 0)
    ORDER BY campaign_id, dimension, key, kind"""  # noqa: S608

_REPAIR = """
    INSERT INTO tallies (campaign_id, dimension, key, kind, count)
    VALUES (:campaign_id, :dimension, :key, :kind, :should_be)
    ON CONFLICT (campaign_id, dimension, key, kind) DO UPDATE SET count = excluded.count"""


@dataclass(frozen=True)
class Difference:
    """A tally that differs from the pledges: its count now, and the one it should have."""

    campaign_id: int
    dimension: str
    key: str
    kind: str
    is_now: int
    should_be: int


def fold(batch: int = FOLD_BATCH) -> int:
    """Fold one batch of deltas into the tallies; return how many, 0 if another worker is folding.

    Each delta is folded exactly once: it is deleted in the transaction that changes the tallies, which the caller
    commits.
    """
    if not db.session.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _FOLD_LOCK}):
        return 0
    return db.session.scalar(located(_FOLD), {"batch": batch, **located_countries()}) or 0


def fold_all() -> int:
    """Fold all deltas in the current transaction; return how many there were."""
    total = 0
    while folded := fold():
        total += folded
    return total


def has_deltas() -> ColumnElement[bool]:
    """The condition that there are deltas to fold."""
    return exists(select(TallyDelta.id))


def differences() -> list[Difference]:
    """Return every tally that differs from a GROUP BY over the pledges, in one snapshot."""
    rows = db.session.execute(located(_DIFFERENCES), located_countries())
    return [Difference(**row._mapping) for row in rows]


def repair() -> list[Difference]:
    """Correct every tally that differs; return the differences. No fold runs until the caller commits."""
    db.session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _FOLD_LOCK})
    corrected = _correct(differences())
    corrected += _correct(differences())  # again, for spread: it is counted from the tallies
    for campaign_id in {difference.campaign_id for difference in corrected}:
        topics.raise_version(TALLIES, campaign_id)
    return corrected


def _correct(wrong: list[Difference]) -> list[Difference]:
    """Set these tallies to what they should be, and return them."""
    for difference in wrong:
        db.session.execute(text(_REPAIR), vars(difference))
    return wrong


def located(statement: str) -> TextClause:
    """Return a statement that contains ``SUMS``, typed for the parameters of ``located_countries``."""
    return text(statement).bindparams(
        bindparam("countries", type_=ARRAY(Text)), bindparam("regions", type_=ARRAY(Text))
    )


def located_countries() -> dict[str, list[str]]:
    """Return the parameters of ``SUMS``: each country beside each of its regions, as two arrays in step."""
    pairs = [(country, region) for country in COUNTRIES for region in regions_of(country)]
    return {
        "countries": [country for country, _ in pairs],
        "regions": [region for _, region in pairs],
    }
