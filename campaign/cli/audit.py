"""Commands for the audit log: what staff did, and whether anybody changed it afterwards."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps

import click
from flask.cli import AppGroup

from campaign import audit as audit_log
from campaign import audit_chain, jobs
from campaign.audit import Actor, ActorKind, Filter
from campaign.audit_chain import Fault
from campaign.pledges.policy import current_policy

audit = AppGroup("audit", help="Show what staff did; find what was changed in the audit log.")

_FAULTS = {
    Fault.CHANGED: "was changed after it was sealed",
    Fault.REMOVED: "was removed after it was sealed",
    Fault.PUT_IN: "was put in between sealed lines",
    Fault.SEAL_CHANGED: "have a seal that was changed",
    Fault.SEAL_REMOVED: "have lost their seal",
    Fault.DIGEST_UNKNOWN: "A digest that you noted is in no seal: the newest seals were removed.",
}


class ActorName(click.ParamType[Actor]):
    """An actor as the log shows it."""

    name = "actor"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Actor:
        kind, _, id_ = str(value).partition(":")
        if kind not in {*ActorKind}:
            self.fail(f"{value!r} is no actor, such as staff:kim or system", param, ctx)
        return Actor(ActorKind(kind), id_ or None)


def _with_filter(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that narrow what is shown, and the ``Filter`` that they make."""

    @wraps(command)
    def with_filter(
        actor: Actor | None,
        action: str,
        subject: str,
        since: datetime | None,
        until: datetime | None,
        **others: int | None,
    ) -> None:
        command(Filter(actor, action, subject, _in_utc(since), _in_utc(until)), **others)

    for option in (
        click.option("--until", type=click.DateTime(), help="Only before this time (UTC)."),
        click.option("--since", type=click.DateTime(), help="Only from this time (UTC) on."),
        click.option(
            "--subject", default="", help="What was acted on, or its kind: pledge:0198…, pledge."
        ),
        click.option("--action", default="", help="What was done, such as accepted."),
        click.option("--actor", type=ActorName(), help="Who did it, such as staff:kim."),
    ):
        option(with_filter)
    return with_filter


def _in_utc(time: datetime | None) -> datetime | None:
    return time and time.replace(tzinfo=UTC)


@audit.command()
@_with_filter
@click.option("--limit", default=50, show_default=True, help="How many lines.")
@click.option("--before", type=int, help="Only lines with a smaller number than this.")
def show(wanted: Filter, limit: int, before: int | None) -> None:
    """List the newest lines, newest first: number, time (UTC), who, what, to what, details."""
    for event in audit_log.events(wanted, before_id=before, limit=limit):
        details = json.dumps(event.details, ensure_ascii=False) if event.details else ""
        click.echo(
            f"{event.id:>8}  {event.happened_at:%Y-%m-%d %H:%M:%S}  {event.actor}  {event.action}  "
            f"{event.subject}  {details}".rstrip()
        )


@audit.command()
@_with_filter
def export(wanted: Filter) -> None:
    """Print all lines, oldest first, as JSON Lines."""
    for event in audit_log.stream(wanted):
        click.echo(json.dumps(audit_log.to_json(event), ensure_ascii=False))


@audit.command()
def seal() -> None:
    """Seal what has not been sealed yet, as the worker does each minute."""
    total = 0
    while sealed := audit_chain.seal(current_policy().signer):
        jobs.commit()
        total += sealed
    jobs.commit()
    click.echo(f"Sealed {total:,} lines.")


@audit.command()
@click.argument("digests", nargs=-1)
def verify(digests: tuple[str, ...]) -> None:
    """Find every sealed line that was changed, removed or put in. The exit code is 1 if there is any.

    DIGESTS are those that you noted earlier, from this command or the worker's output: they show whether the
    newest seals were removed with their lines.
    """
    found = audit_chain.verify(current_policy().signer, digests)
    for finding in found.findings:
        lines = {finding.first_id, finding.last_id}
        named = (
            f"Line {finding.first_id}" if len(lines) == 1 else f"Lines {min(lines)} to {max(lines)}"
        )
        fault = _FAULTS[finding.fault]
        click.echo(fault if finding.fault is Fault.DIGEST_UNKNOWN else f"{named} {fault}.")
    click.echo(f"{found.sealed:,} lines are sealed, up to line {found.last_id}.")
    click.echo(f"Note this digest elsewhere: {found.digest or 'none yet'}")
    sys.exit(1 if found.findings else 0)
