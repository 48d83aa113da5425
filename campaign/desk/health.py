"""Is everything running? Each part of the machinery as one sentence; a silent failure is what staff fear most."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaign import audit_chain, i18n, schedules
from campaign.http.readiness import LATE_SECONDS, MANY_DELTAS
from campaign.i18n import gettext, ngettext
from campaign.institutions.queries import latest_release
from campaign.mail import outbox
from campaign.records import operations as record_operations
from campaign.records import queries as record_queries
from campaign.tallies.queries import waiting_deltas

# A job is due each minute; another one may take its turn first.
_LATE_RUN = timedelta(minutes=5)
# After midnight (UTC) the night's list is published within an hour or, with millions of pledges, somewhat more.
_PUBLISHED_BY = timedelta(hours=3)
# Lines are sealed each minute; a transaction that stays open delays that.
_SEALED_BY = timedelta(minutes=15)


@dataclass(frozen=True)
class Part:
    """A part of the machinery: whether it is well, and what there is to say."""

    is_well: bool
    sentence: str


def parts(now: datetime) -> list[Part]:
    """Return every part. Eight statements."""
    return [_worker(now), _counts(), *_mail(now), _night(now), _record(now), _registry(now)]


def _worker(now: datetime) -> Part:
    ran_at = schedules.last_run()
    if ran_at is None:
        return Part(False, gettext("Scheduler and worker have not done anything yet."))
    if now - ran_at < _LATE_RUN:
        return Part(True, gettext("Scheduler and worker are on time."))
    ago = i18n.format_ago(ran_at, now)
    return Part(
        False,
        gettext(
            "Scheduler or worker are not running: the last work was done %(ago)s. No mail leaves, and nothing is"
            " counted.",
            ago=ago,
        ),
    )


def _counts() -> Part:
    waiting = waiting_deltas(MANY_DELTAS)
    if not waiting:
        return Part(True, gettext("All pledges are counted."))
    sentence = ngettext(
        "%(number)s change waits to be counted.",
        "%(number)s changes wait to be counted.",
        waiting,
        number=i18n.format_number(waiting),
    )
    return Part(waiting < MANY_DELTAS, sentence)


def _mail(now: datetime) -> Iterator[Part]:
    found = outbox.backlog(now - timedelta(days=1))
    if found.due:
        sentence = ngettext(
            "%(number)s letter is waiting; the oldest was due %(ago)s.",
            "%(number)s letters are waiting; the oldest was due %(ago)s.",
            found.due,
            number=i18n.format_number(found.due),
            ago=i18n.format_ago(now - timedelta(seconds=found.seconds_behind), now),
        )
        yield Part(found.seconds_behind < LATE_SECONDS, sentence)
    else:
        yield Part(True, gettext("No mail is waiting."))
    if found.given_up:
        sentence = ngettext(
            "%(number)s letter could not be delivered since yesterday and was given up.",
            "%(number)s letters could not be delivered since yesterday and were given up.",
            found.given_up,
            number=i18n.format_number(found.given_up),
        )
        yield Part(False, sentence)


def _night(now: datetime) -> Part:
    day, newest = record_operations.last_day(now), record_queries.newest_day()
    if newest is not None and newest >= day:
        return Part(True, gettext("Last night’s list is published."))
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    is_due = newest is not None and now > midnight + _PUBLISHED_BY
    return Part(not is_due, gettext("Last night’s list is not published yet."))


def _record(now: datetime) -> Part:
    since = audit_chain.unsealed_since()
    if since is None or now - since < _SEALED_BY:
        return Part(True, gettext("The record is sealed."))
    ago = i18n.format_ago(since, now)
    return Part(
        False, gettext("The oldest line of the record that is not sealed came %(ago)s.", ago=ago)
    )


def _registry(now: datetime) -> Part:
    release = latest_release()
    if release is None:
        return Part(True, gettext("The registry of institutions is the small one to start with."))
    sentence = gettext(
        "The registry of institutions is release %(version)s of ROR, imported %(ago)s.",
        version=i18n.isolated(release.version or ""),
        ago=i18n.format_ago(release.imported_at, now),
    )
    return Part(True, sentence)
