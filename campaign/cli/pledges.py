"""Commands for reviewing pledges, until the staff desk takes over."""

import shlex
from uuid import UUID

import click
from flask.cli import AppGroup

from campaign import jobs, tasks
from campaign.cli.common import actor, find_institution
from campaign.clock import now
from campaign.db import db
from campaign.institutions import queries as institution_queries
from campaign.pledges import merging, queue, reviewing
from campaign.pledges import queries as pledge_queries
from campaign.pledges.evidence import Side, evidence
from campaign.pledges.merging import MergeProblem, MergeRefused
from campaign.pledges.models import Kind, NotAwaiting, Pledge
from campaign.pledges.policy import current_policy
from campaign.staff.scopes import EVERYTHING
from campaign.tasks import State, Task, WrongState

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
    waiting = queue.held(limit=limit)
    for pledge in waiting:
        click.echo(
            f"{pledge.id}  {pledge.submitted_at:%Y-%m-%d %H:%M}  {pledge.country}  "
            f"{', '.join(pledge.hold_reasons)}  {pledge.name}"
        )
    click.echo(f"{len(waiting)} held.")


@pledges.command()
@click.argument("pledge_id", type=PledgeId())
def show(pledge_id: UUID) -> None:
    """Show one pledge with its events; with what speaks for and against it."""
    pledge = _pledge(pledge_id)
    for label, value in _described(pledge).items():
        # Indented, so that no line of a letter looks like one of ours.
        lines = str(value).replace("\n", f"\n{'':15}")
        click.echo(f"{label + ':':14} {lines}")
    click.echo(f"{'version:':14} {pledge_queries.version_of(pledge.id)}")
    for item in evidence(pledge):
        click.echo(f"  {_SIGNS[item.side]} {_EVIDENCE[item.code]}: {item.found}")
    for event in pledge_queries.trail(pledge.id):
        click.echo(
            f"  {event.happened_at:%Y-%m-%d %H:%M} {event.actor}: {event.action} {event.details or ''}"
        )


_SIGNS = {Side.FOR: "+", Side.AGAINST: "-", Side.NEITHER: "?"}
_EVIDENCE = {
    "own-domain": "the mailbox is at a domain of the institution",
    "below-own-domain": "the mailbox is below a domain of the institution; whose is it?",
    "website-domain": "the mailbox is at the domain of the institution's website",
    "office-mailbox": "the mailbox is named after an office",
    "accepted-before": "the same person was accepted for this institution in another campaign",
    "student-domain": "the mailbox is at a domain for students or graduates",
    "free-mail": "the mailbox is at a provider where anyone can have one",
    "other-domain": "the mailbox is at a domain that the registry does not know as the institution's",
    "pledged-as-student": "the same person has pledged as",
    "speaks-already": "another pledge counts for this institution",
    "waits-too": "another pledge for this institution waits as well",
    "same-network": "other pledges from the same network within an hour",
    "alone-at-domain": "nobody else has ever come from this domain",
    "colleagues": "people of the institution who have pledged",
    "colleagues-at-own-domain": "people of the institution who have pledged from a mailbox there",
    "orcid": "the ORCID iD, as the person entered it",
    "office": "the office, as the person entered it",
    "website": "look there for who holds the office, and for a telephone number",
}


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
@click.option(
    "--version",
    type=int,
    help="The version that `show` printed: nothing is accepted that changed since. Needed for an institution's.",
)
@click.option(
    "--instead",
    is_flag=True,
    help="If another pledge counts for the same institution, hold that one.",
)
def accept(pledge_id: UUID, version: int | None, instead: bool) -> None:
    """Accept a held pledge, so that it counts. Its person gets an e-mail."""
    pledge = _pledge(pledge_id)
    if version is None and pledge.kind == Kind.INSTITUTION:
        raise click.ClickException("Read it first: `lightup pledges show` prints its --version.")
    decide = reviewing.accept_instead if instead else reviewing.accept
    try:
        if version is not None:
            reviewing.check_version(pledge, version)
        decide(current_policy(), pledge, actor())
    except reviewing.ChangedMeanwhile:
        raise click.ClickException(
            "Something has happened to this pledge since. Read it again with `lightup pledges show`."
        ) from None
    except NotAwaiting:
        raise click.ClickException(
            f"This pledge is {pledge.status} and cannot be accepted."
        ) from None
    except reviewing.Disputed as disputed:
        raise click.ClickException(
            f"Pledge {disputed.other.id} counts for the same institution. Compare the two with `lightup pledges"
            " show`; --instead accepts this one and holds the other."
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
    """List the institutions that people entered because the registry does not have them, quoted for `settle`."""
    for institution in pledge_queries.not_listed():
        # Staff copy the text into a command, and a stranger wrote it: $(…) must not run in their terminal.
        text = shlex.quote(institution.text)
        click.echo(f"{institution.pledges:6,}  {institution.country}  {text}")


@pledges.command()
@click.argument("text")
@click.argument("country")
@click.argument("ror_id")
def settle(text: str, country: str, ror_id: str) -> None:
    """Link the pledges whose institution was entered as TEXT, in COUNTRY, to an institution of the registry."""
    institution = find_institution(ror_id)
    linked = reviewing.settle(text, country.upper(), institution, actor(), EVERYTHING)
    jobs.commit()
    click.echo(f"{len(linked):,} pledges now belong to {institution.name}.")


@pledges.command("merge-institutions")
@click.argument("source_ror_id")
@click.argument("target_ror_id")
@click.option("--why", default="", help="A sentence for the record, which names nobody.")
def merge_institutions(source_ror_id: str, target_ror_id: str, why: str) -> None:
    """Move all pledges of one institution to its successor, and have its address lead there."""
    source, target = institution_queries.get(source_ror_id), find_institution(target_ror_id)
    if source is None:
        raise click.ClickException("Name two institutions that are in the registry.")
    try:
        task = merging.propose(source, target, why, actor(), EVERYTHING)
    except MergeRefused as refused:
        raise click.ClickException(_REFUSALS[refused.problem]) from None
    tasks.start(task, actor())
    _do(task)
    click.echo(f"{task.done - 1:,} pledges moved to {target.name}.")


@pledges.command("unmerge-institutions")
@click.argument("source_ror_id")
def unmerge_institutions(source_ror_id: str) -> None:
    """Take the last merge of an institution back: move its pledges back that have not moved on since."""
    source = institution_queries.get(source_ror_id)
    merges = merging.merges_of(source.id) if source else []
    task = next((merge for merge in merges if source and merge.plan["source"] == source.id), None)
    if source is None or task is None:
        raise click.ClickException("This institution was not merged into another.")
    plan = merging.plan_unmerge(task, EVERYTHING)
    try:
        tasks.undo(task, actor(), now())
    except WrongState:
        raise click.ClickException(f"The merge is {task.state}.") from None
    _do(task)
    click.echo(f"{plan.back:,} pledges moved back to {source.name}, {plan.stay:,} stay.")


_REFUSALS = {
    MergeProblem.SAME: "Name two institutions, not one twice.",
    MergeProblem.DESCENDANT: "The second is a part of the first. Merge the part into the whole.",
    MergeProblem.SOURCE_MERGED: "The first was merged into another one already. Take that back first.",
    MergeProblem.TARGET_GONE: "The second is closed, or another one has taken its place: name that.",
    MergeProblem.RUNNING: "Another merge of one of the two is not finished.",
}


def _do(task: Task) -> None:
    """Do a task here and now; the worker may help."""
    jobs.commit()
    tasks.run(now)
    db.session.refresh(task)
    if task.state not in {State.DONE, State.UNDONE}:
        raise click.ClickException(f"The task is {task.state}: {task.done:,} of {task.total:,}.")


def _pledge(pledge_id: UUID) -> Pledge:
    pledge = pledge_queries.get_locked(pledge_id)
    if pledge is None:
        raise click.ClickException("There is no such pledge.")
    return pledge
