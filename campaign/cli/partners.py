"""Commands for hosts, keys, webhooks and the write API, until the staff desk comes."""

from uuid import UUID

import click
from flask.cli import AppGroup

from campaign import jobs
from campaign.cli.common import actor, find_institution
from campaign.clock import now
from campaign.config import current_settings
from campaign.institutions.queries import name_in
from campaign.partners import operations, queries, rules
from campaign.partners import webhooks as hooks
from campaign.partners.models import ApiKey, Webhook
from campaign.pledges.policy import current_policy
from campaign.safe_http import InvalidUrl, Outbound, parse_url

hosts = AppGroup("hosts", help="Say on which sites an institution's form may stand in a frame.")
keys = AppGroup("keys", help="Give out and revoke keys of the write API.")
webhooks = AppGroup("webhooks", help="Say whom to tell of milestones and daily tallies.")
api = AppGroup("api", help="Stop and start the write API; show what was done for partners.")

DEFAULT_QUOTA = 1000


class Origin(click.ParamType[str]):
    """A site by scheme and host."""

    name = "origin"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        try:
            return rules.parse_origin(str(value))
        except rules.InvalidOrigin as invalid:
            self.fail(f"{value!r}: {invalid}", param, ctx)


class KeyName(click.ParamType[str]):
    """A name of a key, as it shows in the counts."""

    name = "name"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        try:
            return rules.check_key_name(str(value))
        except rules.InvalidKeyName as invalid:
            self.fail(f"{value!r}: {invalid}", param, ctx)


@hosts.command("add")
@click.argument("ror_id")
@click.argument("origin", type=Origin())
def add_host(ror_id: str, origin: str) -> None:
    """Let the pages of ORIGIN, such as https://www.uni.ac.ke, show the institution's form in a frame."""
    added = operations.add_host(find_institution(ror_id).id, origin, actor())
    jobs.commit()
    click.echo(f"{origin} may now show the form." if added else f"{origin} was registered before.")


@hosts.command("list")
@click.argument("ror_id", required=False)
def list_hosts(ror_id: str | None) -> None:
    """List all registered hosts, or those of one institution."""
    for host, institution in queries.hosts(find_institution(ror_id).id if ror_id else None):
        click.echo(
            f"{institution.id}  {host.added_at:%Y-%m-%d}  {host.origin}  {name_in(institution, 'en')}"
        )


@hosts.command("remove")
@click.argument("ror_id")
@click.argument("origin", type=Origin())
def remove_host(ror_id: str, origin: str) -> None:
    """No longer let the pages of ORIGIN show the form; they get the card that links here."""
    if not operations.remove_host(find_institution(ror_id).id, origin, actor()):
        raise click.ClickException(f"{origin} is not registered; `lightup hosts list` shows all.")
    jobs.commit()
    click.echo(f"{origin} may no longer show the form.")


@keys.command("create")
@click.argument("name", type=KeyName())
@click.option(
    "--institution", "ror_id", help="ROR id: the key can pledge for this institution only."
)
@click.option(
    "--quota",
    type=click.IntRange(1, 1_000_000),
    default=DEFAULT_QUOTA,
    show_default=True,
    help="Pledges a day (UTC).",
)
def create_key(name: str, ror_id: str | None, quota: int) -> None:
    """Make a key of the write API and show it, once."""
    institution_id = find_institution(ror_id).id if ror_id else None
    try:
        _, secret = operations.create_key(
            current_policy().signer, name, institution_id, quota, actor()
        )
    except operations.NameTaken:
        raise click.ClickException(
            f"There is a key {name}; revoke it first, or choose another name."
        ) from None
    jobs.commit()
    click.echo(secret)
    click.echo("Hand it over by a safe way. It is not stored and cannot be shown again.", err=True)


@keys.command("list")
def list_keys() -> None:
    """List all keys: name, how the key begins, whom it is for, quota, last day of use."""
    for key in queries.api_keys():
        click.echo("  ".join(_described(key)))


def _described(key: ApiKey) -> list[str]:
    return [
        f"{key.name:20}",
        f"{key.prefix}…",
        key.institution_id or "anybody  ",
        f"{key.quota:,} a day",
        f"last used {key.last_used_on}" if key.last_used_on else "never used",
        f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "in force",
    ]


@keys.command("revoke")
@click.argument("name")
def revoke_key(name: str) -> None:
    """Refuse a key from now on. What came through it stays."""
    key = queries.key_in_force(name)
    if key is None:
        raise click.ClickException(
            f"No key {name} is in force; `lightup keys list` shows the names."
        )
    operations.revoke_key(key, actor(), now())
    jobs.commit()
    click.echo("Revoked.")


@webhooks.command("add")
@click.argument("url")
@click.option("--institution", "ror_id", help="ROR id: tell of this institution's counts only.")
@click.option(
    "--event",
    "events",
    type=click.Choice(rules.EVENTS),
    multiple=True,
    help="What to tell of; may be given more than once. All, if not given.",
)
def add_webhook(url: str, ror_id: str | None, events: tuple[str, ...]) -> None:
    """Post messages to URL from now on, and show the secret that signs them."""
    institution_id = find_institution(ror_id).id if ror_id else None
    try:
        address = parse_url(url, may_be_private=current_settings().webhooks_to_private_networks)
    except InvalidUrl as invalid:
        raise click.ClickException(f"{url}: {invalid}.") from None
    webhook = hooks.add(address, institution_id, events or rules.EVENTS, actor(), now())
    jobs.commit()
    click.echo(f"{webhook.id}\n{hooks.secret_of(current_policy().signer, webhook.id)}")


@webhooks.command("list")
def list_webhooks() -> None:
    """List all webhooks: id, state, whose counts, events, address."""
    for webhook in queries.webhooks():
        state = (
            f"disabled {webhook.disabled_at:%Y-%m-%d}"
            if webhook.disabled_at
            else f"taken {webhook.last_taken_at:%Y-%m-%d}"
            if webhook.last_taken_at
            else "nothing taken yet"
        )
        whose = webhook.institution_id or "campaigns"
        click.echo(f"{webhook.id}  {state}  {whose}  {', '.join(webhook.events)}  {webhook.url}")


@webhooks.command("remove")
@click.argument("webhook_id", type=click.UUID)
def remove_webhook(webhook_id: UUID) -> None:
    """Post nothing more to a webhook, and forget it."""
    hooks.remove(_webhook(webhook_id), actor())
    jobs.commit()
    click.echo("Removed.")


@webhooks.command("test")
@click.argument("webhook_id", type=click.UUID)
def test_webhook(webhook_id: UUID) -> None:
    """Post a message of the type webhook.test now, and tell how it was taken."""
    try:
        id_ = hooks.queue_test(_webhook(webhook_id), now())
    except hooks.Disabled:
        raise click.ClickException(
            "This webhook is disabled; remove it and add it again."
        ) from None
    parcel = hooks.claim(id_)
    jobs.commit()
    assert parcel is not None, "nobody else saw it before the commit"
    with Outbound(may_be_private=current_settings().webhooks_to_private_networks) as outbound:
        error = hooks.deliver(outbound, current_policy().signer, parcel, now())
    jobs.commit()
    if error:
        raise click.ClickException(f"It was not taken: {error}. It will be tried again.")
    click.echo("Taken.")


@api.command()
@click.option("--reason", required=True, help="A sentence that partners' programs get to read.")
def stop(reason: str) -> None:
    """Take nothing more through the write API, whoever sends it. The site goes on."""
    try:
        operations.stop_api(reason, actor())
    except operations.AlreadySo:
        raise click.ClickException("The write API is stopped already.") from None
    jobs.commit()
    click.echo("Stopped.")


@api.command()
def start() -> None:
    """Take pledges through the write API again."""
    try:
        operations.start_api(actor(), now())
    except operations.AlreadySo:
        raise click.ClickException("The write API was not stopped.") from None
    jobs.commit()
    click.echo("Started.")


@api.command()
@click.option("--limit", default=100, show_default=True)
def trail(limit: int) -> None:
    """Show what was done to hosts, keys, webhooks and the API, newest first."""
    for event in queries.trail(limit):
        click.echo(
            f"{event.happened_at:%Y-%m-%d %H:%M} {event.actor}: {event.action} {event.subject} "
            f"{event.details or ''}"
        )


def _webhook(webhook_id: UUID) -> Webhook:
    webhook = queries.webhook(webhook_id)
    if webhook is None:
        raise click.ClickException("There is no such webhook; `lightup webhooks list` shows all.")
    return webhook
