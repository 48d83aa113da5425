"""Commands for reviewing pledges, until the staff desk takes over."""

from uuid import UUID

import click
from flask.cli import AppGroup

from campaign import jobs
from campaign.cli.common import actor, find_institution
from campaign.institutions import queries as institution_queries
from campaign.pledges import queries as pledge_queries
from campaign.pledges import reviewing
from campaign.pledges.models import NotAwaiting, Pledge
from campaign.pledges.policy import current_policy

pledges = AppGroup(
    "pledges", help="Review held pledges; link those whose institution was not listed."
)


class PledgeId(click.ParamType[UUID]):
    """A pledge by its id."""

    name = "pledge-id"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> UUID:
        try:
            return UUID(str(value))
        except ValueError:
            self.fail(
                f"{value!r} is not a pledge's id; `lightup pledges held` shows them", param, ctx
            )


@pledges.command()
@click.option("--limit", default=100, show_default=True)
def held(limit: int) -> None:
    """List the pledges that wait for review, oldest first."""
    waiting = pledge_queries.held(limit)
    for pledge in waiting:
        click.echo(
            f"{pledge.id}  {pledge.submitted_at:%Y-%m-%d %H:%M}  {pledge.country}  "
            f"{', '.join(pledge.hold_reasons)}  {pledge.name}"
        )
    click.echo(f"{len(waiting)} held.")


@pledges.command()
@click.argument("pledge_id", type=PledgeId())
def show(pledge_id: UUID) -> None:
    """Show one pledge with its events."""
    pledge = _pledge(pledge_id)
    for label, value in _described(pledge).items():
        click.echo(f"{label + ':':14} {value}")
    for event in pledge_queries.trail(pledge.id):
        click.echo(
            f"  {event.happened_at:%Y-%m-%d %H:%M} {event.actor}: {event.action} {event.details or ''}"
        )


def _described(pledge: Pledge) -> dict[str, object]:
    institution = (
        pledge.institution.name if pledge.institution else pledge.institution_text or "independent"
    )
    described = {
        "status": pledge.status,
        "held for": ", ".join(pledge.hold_reasons),
        "campaign": pledge.campaign.slug,
        "kind": pledge.kind,
        "name": pledge.name,
        "address": pledge.person.address,
        "institution": institution,
        "office": pledge.office,
        "role": pledge.role,
        "country": pledge.country,
        "words": pledge.words,
        **{f"letter ({locale})": letter for locale, letter in pledge.support_letters.items()},
    }
    return {label: value for label, value in described.items() if value}


@pledges.command()
@click.argument("pledge_id", type=PledgeId())
def accept(pledge_id: UUID) -> None:
    """Accept a held pledge, so that it counts. Its person gets an e-mail."""
    pledge = _pledge(pledge_id)
    try:
        reviewing.accept(current_policy(), pledge, actor())
    except NotAwaiting:
        raise click.ClickException(
            f"This pledge is {pledge.status} and cannot be accepted, or its institution has pledged already."
        ) from None
    jobs.commit()
    click.echo("Accepted.")


@pledges.command()
@click.argument("pledge_id", type=PledgeId())
@click.option("--reason", required=True, help="A sentence for its person, in their language.")
def refuse(pledge_id: UUID, reason: str) -> None:
    """Refuse a pledge. Its person gets the reason by e-mail."""
    try:
        reviewing.refuse(current_policy(), _pledge(pledge_id), actor(), reason)
    except NotAwaiting:
        raise click.ClickException("This pledge was withdrawn or refused before.") from None
    jobs.commit()
    click.echo("Refused.")


@pledges.command("not-listed")
def not_listed() -> None:
    """List the institutions that people entered because the registry does not have them."""
    for institution in pledge_queries.not_listed():
        click.echo(f"{institution.pledges:6,}  {institution.country}  {institution.text}")


@pledges.command()
@click.argument("text")
@click.argument("country")
@click.argument("ror_id")
def settle(text: str, country: str, ror_id: str) -> None:
    """Link the pledges whose institution was entered as TEXT, in COUNTRY, to an institution of the registry."""
    institution = find_institution(ror_id)
    linked = pledge_queries.with_institution_text(text, country.upper())
    for pledge in linked:
        reviewing.link_institution(pledge, institution, actor())
    jobs.commit()
    click.echo(f"{len(linked):,} pledges now belong to {institution.name}.")


@pledges.command("merge-institutions")
@click.argument("source_ror_id")
@click.argument("target_ror_id")
def merge_institutions(source_ror_id: str, target_ror_id: str) -> None:
    """Move all pledges of one institution to its successor."""
    source, target = institution_queries.get(source_ror_id), find_institution(target_ror_id)
    if source is None or source.id == target.id:
        raise click.ClickException("Name two institutions that are in the registry.")
    moved = reviewing.merge_institution(current_policy(), source.id, target.id, actor())
    jobs.commit()
    click.echo(f"{moved:,} pledges moved to {target.name}.")


def _pledge(pledge_id: UUID) -> Pledge:
    pledge = pledge_queries.get_locked(pledge_id)
    if pledge is None:
        raise click.ClickException("There is no such pledge.")
    return pledge
