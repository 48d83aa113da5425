"""Publish people's details once a day, in groups, so that no series of published numbers describes a single person.

*Headline counts* are live: how many people of the campaign, of a country, of an institution. *Details* are what
people chose and when, counted for one place: commitments, fields of research, months. Published with each pledge,
they would describe the person who pledged between two states, or who belongs to a country, but to none of its
institutions.

So each person is counted in one **group**: at least five people whose details appear on the same day and count for
the same places. People who wait for a group form one with the others of their institution; where there are fewer
than five after ``WAIT``, with those of their country, or else of the campaign, and then count for that only. People
without an institution wait for others of their country. One person alone never changes a group: those who leave it
(withdraw, move, choose otherwise) stay counted until five have left. Then all who left are taken out; if fewer than
five would remain, the whole group is. No choice of a person is ever counted in a second group.

Hence every published state, of any place on any day, is a sum of whole groups or of what remained of them, each of
at least five people. However states are added and subtracted, the result concerns no one, or at least five people.
Nor does it depend on what anyone chose when a group is formed.

Such sums are published rounded down to multiples of five, and never as the number of all people of a place. So no
number says "one of them", "all but one" or, by its absence, "none". Months are rounded as they add up, so that a
month with too few people is counted with a later one. Days are those of the whole campaign: they split no place,
and the daily dataset has them, too. They are copied as they are, once a day.

It does not protect a person against someone who knows what all others of the group chose, such as the author of
four invented pledges.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import product

from sqlalchemy import ColumnElement, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger

from campaign import topics
from campaign.db import db, lock_number
from campaign.tallies.models import DETAILS
from campaign.tallies.operations import located, located_countries
from campaign.topics import PublicVersion

FEWEST = 5
# How long people wait for others of their institution before they are counted with those of a larger place.
WAIT = timedelta(days=30)

_PUBLISH_LOCK = lock_number("publish details")

# Every person who counts, with a digest of what they chose. A table, so that all statements below see one moment: a
# person who withdraws meanwhile must not be missing from a group that is being formed.
_CHOSEN = (
    "DROP TABLE IF EXISTS chosen",
    """
    CREATE TEMPORARY TABLE chosen ON COMMIT DROP AS
    SELECT id AS pledge_id, md5(ROW (commitments, disciplines)::text)::uuid AS choices, campaign_id,
           country::text AS country, institution_id, commitments, disciplines, confirmed_at, is_demo
    FROM pledges WHERE status = 'confirmed' AND kind = 'person'""",
    "ANALYZE chosen",
)
# Where a group counts for a place, its member must still be there.
_STAYS = """(detail_groups.country IS NULL OR detail_groups.country = chosen.country)
    AND (detail_groups.institution_id IS NULL OR detail_groups.institution_id = chosen.institution_id)"""

# A group follows its members when staff merge their institution into another one.
_FOLLOW_MERGES = text("""
    WITH homes AS (
        SELECT group_id, mode() WITHIN GROUP (ORDER BY institution_id) AS institution_id
        FROM detail_members JOIN chosen USING (pledge_id) GROUP BY group_id
    )
    UPDATE detail_groups SET institution_id = homes.institution_id
    FROM homes WHERE homes.group_id = id AND detail_groups.institution_id <> homes.institution_id""")

_SHRUNK = text(f"""
    WITH staying AS (
        SELECT detail_groups.id, count(*) AS people
        FROM chosen JOIN detail_members USING (pledge_id, choices) JOIN detail_groups ON detail_groups.id = group_id
        WHERE {_STAYS} GROUP BY detail_groups.id
    )
    SELECT group_id FROM detail_counts LEFT JOIN staying ON staying.id = group_id
    WHERE dimension = 'total' AND detail_counts.people - coalesce(staying.people, 0) >= :fewest""")  # noqa: S608

_TAKE_OUT = f"""
    UPDATE detail_members SET group_id = NULL FROM detail_groups
    WHERE detail_groups.id = group_id AND group_id = ANY (:groups) AND NOT EXISTS (
        SELECT FROM chosen WHERE chosen.pledge_id = detail_members.pledge_id
            AND chosen.choices = detail_members.choices AND {_STAYS})"""  # noqa: S608

_FORGET = "DELETE FROM detail_counts WHERE group_id = ANY (:groups)"

_COUNT = """
    INSERT INTO detail_counts (group_id, dimension, code, people)
    SELECT group_id, dimension, code, count(*)
    FROM detail_members JOIN chosen USING (pledge_id, choices), LATERAL (
        VALUES ('total', ''), ('month', to_char(confirmed_at AT TIME ZONE 'UTC', 'YYYY-MM'))
        UNION SELECT 'commitment', unnest(commitments)
        UNION SELECT 'discipline', unnest(disciplines)
    ) AS detail (dimension, code)
    WHERE group_id = ANY (:groups) GROUP BY group_id, dimension, code"""

_DISSOLVE = """
    DELETE FROM detail_groups WHERE id = ANY (:groups) AND NOT EXISTS (
        SELECT FROM detail_counts WHERE group_id = id AND dimension = 'total' AND people >= :fewest)"""

# Who may form a group, and for which country and institution it counts; from the narrowest to the widest.
_LEVELS = (
    ("country", "institution_id", "institution_id IS NOT NULL"),
    ("country", "NULL::text", "(institution_id IS NULL OR confirmed_at < :waited_since)"),
    ("NULL::text", "NULL::text", "confirmed_at < :waited_since"),
)
_GATHER = """
    WITH waiting AS (
        SELECT pledge_id, choices, campaign_id, {country} AS country, {institution} AS institution_id
        FROM chosen LEFT JOIN detail_members USING (pledge_id, choices)
        WHERE detail_members.pledge_id IS NULL AND is_demo = :is_demo AND {may_form_a_group}
    ),
    gathered AS (
        INSERT INTO detail_groups (campaign_id, country, institution_id)
        SELECT campaign_id, country, institution_id FROM waiting
        GROUP BY campaign_id, country, institution_id HAVING count(*) >= :fewest
        RETURNING id, campaign_id, coalesce(country, '') AS country, coalesce(institution_id, '') AS institution
    ),
    joined AS (
        INSERT INTO detail_members (pledge_id, choices, group_id)
        SELECT pledge_id, choices, id FROM waiting JOIN gathered
            ON gathered.campaign_id = waiting.campaign_id AND gathered.country = coalesce(waiting.country, '')
            AND gathered.institution = coalesce(waiting.institution_id, '')
    )
    SELECT id FROM gathered"""

_REPLACE_PUBLISHED = """
    WITH places (group_id, campaign_id, place) AS (
        SELECT id, campaign_id, '' FROM detail_groups
        UNION ALL
        SELECT id, campaign_id, country FROM detail_groups WHERE country IS NOT NULL
        UNION ALL
        SELECT id, campaign_id, institution_id FROM detail_groups WHERE institution_id IS NOT NULL
        UNION ALL
        SELECT id, campaign_id, region
        FROM detail_groups JOIN unnest(:countries, :regions) AS located (country, region) USING (country)
    ),
    sums AS (
        SELECT campaign_id, place, dimension, code, sum(people)::bigint AS people
        FROM places JOIN detail_counts USING (group_id) GROUP BY campaign_id, place, dimension, code
    ),
    added_up AS (
        SELECT *, max(people) FILTER (WHERE dimension = 'total') OVER (PARTITION BY campaign_id, place) AS total,
               CASE dimension WHEN 'month' THEN (sum(people) OVER months)::bigint ELSE people END AS so_far
        FROM sums WINDOW months AS (PARTITION BY campaign_id, place, dimension ORDER BY code)
    ),
    rounded AS (
        SELECT *, least(so_far, total - 1) / :fewest * :fewest AS fives FROM added_up
    ),
    published AS (
        SELECT campaign_id, dimension, place, code,
               fives - CASE dimension WHEN 'month' THEN lag(fives, 1, 0::bigint) OVER months ELSE 0 END AS people
        FROM rounded WINDOW months AS (PARTITION BY campaign_id, place, dimension ORDER BY code)
    )
    INSERT INTO published_tallies (campaign_id, dimension, place, code, people)
    SELECT * FROM published WHERE people > 0
    AND (dimension = 'commitment' OR dimension = CASE place WHEN '' THEN 'discipline' ELSE 'month' END)
    UNION ALL
    SELECT campaign_id, dimension, '', key, count FROM tallies
    WHERE dimension = 'day' AND kind = 'person' AND count > 0"""


def is_due() -> ColumnElement[bool]:
    """The condition that nothing has been published today (UTC)."""
    today = func.date_trunc("day", func.now(), "UTC")
    published = select(PublicVersion.version).where(
        PublicVersion.topic == DETAILS, PublicVersion.raised_at >= today
    )
    return ~published.exists()


def publish_if_due(now: datetime) -> None:
    """Publish, unless it was done today; see ``publish``."""
    _wait_for_others()
    if db.session.scalar(select(is_due())):
        publish(now)


def publish(now: datetime) -> None:
    """Publish the details of those who can form a group now, for the caller to commit.

    The tallies should be folded before: the days are copied from them.
    """
    _wait_for_others()
    for statement in _CHOSEN:
        db.session.execute(text(statement))
    _take_out_those_who_left()
    _gather(now - WAIT)
    db.session.execute(text("DELETE FROM published_tallies"))
    values = {"fewest": FEWEST, **located_countries()}
    db.session.execute(located(_REPLACE_PUBLISHED), values)
    topics.raise_version(DETAILS)


def _wait_for_others() -> None:
    """Let one publication run at a time."""
    db.session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _PUBLISH_LOCK})


def _take_out_those_who_left() -> None:
    """Count groups anew that at least ``FEWEST`` people have left; dissolve those where fewer remain."""
    db.session.execute(_FOLLOW_MERGES)
    groups = db.session.scalars(_SHRUNK, {"fewest": FEWEST}).all()
    for statement in (_TAKE_OUT, _FORGET, _COUNT):
        _execute(statement, groups)
    _execute(_DISSOLVE, groups, fewest=FEWEST)


def _gather(waited_since: datetime) -> None:
    """Form groups of those who are in none, and count them.

    Invented people form groups of their own, since everyone can find out what they chose.
    """
    for is_demo, (country, institution, may_form_a_group) in product((False, True), _LEVELS):
        statement = _GATHER.format(
            country=country, institution=institution, may_form_a_group=may_form_a_group
        )
        values = {"fewest": FEWEST, "waited_since": waited_since, "is_demo": is_demo}
        groups = db.session.scalars(text(statement), values).all()
        _execute(_COUNT, groups)


def _execute(statement: str, groups: Sequence[int], **values: int) -> None:
    """Execute a statement on these groups."""
    typed = text(statement).bindparams(bindparam("groups", type_=ARRAY(BigInteger)))
    db.session.execute(typed, {"groups": [*groups], **values})
