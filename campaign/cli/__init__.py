"""One command-line program for everything: ``lightup --help``."""

from flask.cli import AppGroup

from campaign.cli.audit import audit
from campaign.cli.content import campaigns, languages
from campaign.cli.demo import demo
from campaign.cli.institutions import institutions
from campaign.cli.partners import api, keys, origins, webhooks
from campaign.cli.pledges import pledges
from campaign.cli.records import records
from campaign.cli.running import desk, logs, migrate, settings, setup, up, web, worker
from campaign.cli.staff import staff
from campaign.cli.tallies import tallies

lightup = AppGroup(
    "lightup",
    help="""Light Up the Heart of Science: a campaign of public pledges.

    `lightup up` runs everything on this machine, with its own database and a mail catcher; the other commands
    use the servers that the environment names (see `lightup settings`). Each has a --help of its own.
    """,
)
for command in (
    up,
    logs,
    web,
    desk,
    worker,
    setup,
    migrate,
    settings,
    staff,
    campaigns,
    languages,
    institutions,
    pledges,
    tallies,
    records,
    audit,
    origins,
    keys,
    webhooks,
    api,
    demo,
):
    lightup.add_command(command)
