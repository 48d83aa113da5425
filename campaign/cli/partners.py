"""Commands for origins, keys, webhooks and the write API, until the staff desk takes over."""

from uuid import UUID

import click
from flask.cli import AppGroup

from campaign import jobs
from campaign.cli.common import actor, find_institution
from campaign.clock import now
from campaign.config import current_settings
from campaign.institutions.queries import name_in
from campaign.partners import operations as partner_operations
from campaign.partners import queries as partner_queries
from campaign.partners import rules as partner_rules
from campaign.partners import webhooks as partner_webhooks
from campaign.partners.models import ApiKey, Webhook
from campaign.pledges.policy import current_policy
from campaign.safe_http import InvalidUrl, Outbound, parse_url

origins = AppGroup(
    "origins", help="Choose the sites that may show an institution's form in a frame."
)
keys = AppGroup("keys", help="Create and revoke keys of the write API.")
webhooks = AppGroup("webhooks", help="Choose the addresses that get milestones and daily tallies.")
api = AppGroup("api", help="Pause and resume the write API; show its audit log.")

DEFAULT_QUOTA = 1000


class Origin(click.ParamType[str]):
    """A parameter that is an origin: scheme and host of a site."""

    name = "origin"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        try:
            return partner_rules.parse_origin(str(value))
        except partner_rules.InvalidOrigin as invalid:
            self.fail(f"{value!r}: {invalid}", param, ctx)


class KeyName(click.ParamType[str]):
    """A parameter that is the name of a key."""

    name = "name"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        try:
            return partner_rules.check_key_name(str(value))
        except partner_rules.InvalidKeyName as invalid:
            self.fail(f"{value!r}: {invalid}", param, ctx)


@origins.command("add")
@click.argument("ror_id")
@click.argument("origin", type=Origin())
def add_origin(ror_id: str, origin: str) -> None:
    """Let the pages of ORIGIN, such as https://www.uni.ac.ke, show the institution's form in a frame."""
    added = partner_operations.add_embed_origin(find_institution(ror_id).id, origin, actor())
    jobs.commit()
    click.echo(f"{origin} may now show the form." if added else f"{origin} was registered before.")


@origins.command("list")
@click.argument("ror_id", required=False)
def list_origins(ror_id: str | None) -> None:
    """List all registered origins, or those of one institution."""
    institution_id = find_institution(ror_id).id if ror_id else None
    for row, institution in partner_queries.embed_origins(institution_id):
        name = name_in(institution, "en")
        click.echo(f"{institution.id}  {row.added_at:%Y-%m-%d}  {row.origin}  {name}")


@origins.command("remove")
@click.argument("ror_id")
@click.argument("origin", type=Origin())
def remove_origin(ror_id: str, origin: str) -> None:
    """Revoke ORIGIN: its pages show the card that links here instead of the form."""
    if not partner_operations.remove_embed_origin(find_institution(ror_id).id, origin, actor()):
        raise click.ClickException(f"{origin} is not registered; `lightup origins list` shows all.")
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
    """Create a key of the write API and show it, once."""
    institution_id = find_institution(ror_id).id if ror_id else None
    try:
        _, secret = partner_operations.create_key(
            current_policy().signer, name, institution_id, quota, actor()
        )
    except partner_operations.NameTaken:
        raise click.ClickException(
            f"There is an active key {name}; revoke it first, or choose another name."
        ) from None
    jobs.commit()
    click.echo(secret)
    click.echo(
        "Hand it over by a secure channel. It is not stored and cannot be shown again.", err=True
    )


@keys.command("list")
def list_keys() -> None:
    """List all keys: name, first characters, institution, quota, last day of use, state."""
    for key in partner_queries.api_keys():
        click.echo("  ".join(_description(key)))


def _description(key: ApiKey) -> list[str]:
    return [
        f"{key.name:20}",
        f"{key.prefix}…",
        key.institution_id or "any      ",
        f"{key.quota:,} a day",
        f"last used {key.last_used_on}" if key.last_used_on else "never used",
        f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "active",
    ]


@keys.command("revoke")
@click.argument("name")
def revoke_key(name: str) -> None:
    """Refuse a key from now on. Pledges made with it stay."""
    key = partner_queries.active_key(name)
    if key is None:
        raise click.ClickException(
            f"There is no active key {name}; `lightup keys list` shows the names."
        )
    partner_operations.revoke_key(key, actor(), now())
    jobs.commit()
    click.echo("Revoked.")


@webhooks.command("add")
@click.argument("url")
@click.option("--institution", "ror_id", help="ROR id: report this institution's counts only.")
@click.option(
    "--event",
    "events",
    type=click.Choice(partner_rules.EVENTS),
    multiple=True,
    help="What to report; may be given more than once. All, if not given.",
)
def add_webhook(url: str, ror_id: str | None, events: tuple[str, ...]) -> None:
    """Post messages to URL from now on, and show the secret that signs them."""
    institution_id = find_institution(ror_id).id if ror_id else None
    try:
        parsed = parse_url(url, may_be_private=current_settings().webhooks_to_private_networks)
    except InvalidUrl as invalid:
        raise click.ClickException(f"{url}: {invalid}.") from None
    webhook = partner_webhooks.add(
        parsed, institution_id, events or partner_rules.EVENTS, actor(), now()
    )
    jobs.commit()
    click.echo(f"{webhook.id}\n{partner_webhooks.secret_of(current_policy().signer, webhook.id)}")


@webhooks.command("list")
def list_webhooks() -> None:
    """List all webhooks: id, state, institution or campaigns, events, address."""
    for webhook in partner_queries.webhooks():
        state = (
            f"disabled {webhook.disabled_at:%Y-%m-%d}"
            if webhook.disabled_at
            else f"taken {webhook.last_taken_at:%Y-%m-%d}"
            if webhook.last_taken_at
            else "nothing taken yet"
        )
        subject = webhook.institution_id or "campaigns"
        click.echo(f"{webhook.id}  {state}  {subject}  {', '.join(webhook.events)}  {webhook.url}")


@webhooks.command("remove")
@click.argument("webhook_id", type=click.UUID)
def remove_webhook(webhook_id: UUID) -> None:
    """Remove a webhook and all messages waiting for it."""
    partner_webhooks.remove(_webhook(webhook_id), actor())
    jobs.commit()
    click.echo("Removed.")


@webhooks.command("test")
@click.argument("webhook_id", type=click.UUID)
def test_webhook(webhook_id: UUID) -> None:
    """Post a message of type webhook.test now, and report the outcome."""
    try:
        delivery_id = partner_webhooks.queue_test(_webhook(webhook_id), now())
    except partner_webhooks.Disabled:
        raise click.ClickException(
            "This webhook is disabled; remove it and add it again."
        ) from None
    claimed = partner_webhooks.claim(delivery_id)
    jobs.commit()
    assert claimed is not None, "no other worker can see it before the commit"
    with Outbound(may_be_private=current_settings().webhooks_to_private_networks) as outbound:
        error = partner_webhooks.deliver(outbound, current_policy().signer, claimed, now())
    jobs.commit()
    if error:
        raise click.ClickException(f"It was not taken: {error}. It will be tried again.")
    click.echo("Taken.")


@api.command()
@click.option("--reason", required=True, help="A sentence for partners, sent with every refusal.")
def pause(reason: str) -> None:
    """Stop accepting pledges through the write API, from any key. The site goes on."""
    try:
        partner_operations.pause_write_api(reason, actor())
    except partner_operations.AlreadyPaused:
        raise click.ClickException("The write API is paused already.") from None
    jobs.commit()
    click.echo("Paused.")


@api.command()
def resume() -> None:
    """Accept pledges through the write API again."""
    try:
        partner_operations.resume_write_api(actor(), now())
    except partner_operations.NotPaused:
        raise click.ClickException("The write API is not paused.") from None
    jobs.commit()
    click.echo("Resumed.")


@api.command()
@click.option("--limit", default=100, show_default=True)
def trail(limit: int) -> None:
    """Show the audit log of origins, keys, webhooks and the write API, newest first."""
    for event in partner_queries.trail(limit):
        click.echo(
            f"{event.happened_at:%Y-%m-%d %H:%M} {event.actor}: {event.action} {event.subject} "
            f"{event.details or ''}"
        )


def _webhook(webhook_id: UUID) -> Webhook:
    webhook = partner_queries.webhook(webhook_id)
    if webhook is None:
        raise click.ClickException("There is no such webhook; `lightup webhooks list` shows all.")
    return webhook
