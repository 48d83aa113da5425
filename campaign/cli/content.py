"""Commands for texts: publishing campaigns, adding and updating languages."""

import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import click
from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po
from babel.plural import to_gettext
from flask.cli import AppGroup

from campaign.catalogues import compile_catalogues
from campaign.cli.running import publish_shipped_texts
from campaign.paths import TRANSLATIONS

campaigns = AppGroup("campaigns", help="Publish what is pledged.")
languages = AppGroup("languages", help="Add a language; keep the catalogues complete.")

TEMPLATE = TRANSLATIONS / "messages.pot"


@campaigns.command()
def publish() -> None:
    """Publish the texts in translations/campaigns as a new version, where they have changed since the last time.

    A campaign that staff manage is left alone.
    """
    publish_shipped_texts()


@languages.command(with_appcontext=False)
@click.argument("tag")
def add(tag: str) -> None:
    """Add the language with this BCP 47 TAG (for example "sw" or "zh-Hant"): an empty catalogue to translate."""
    try:
        locale = Locale.parse(tag, sep="-")
        tag = str(locale).replace("_", "-")  # as CLDR spells it: "ZH-hans" would be another folder
    except (ValueError, UnknownLocaleError):
        raise click.ClickException(f"{tag} is not a language tag that CLDR knows.") from None
    path = _catalogue(tag)
    if path.exists():
        raise click.ClickException(f"{tag} is there already.")
    extract_messages()
    path.parent.mkdir(parents=True)
    _write(path, _merged(_empty(locale), _template()))
    click.echo(
        f"Translate {path}, then add {TRANSLATIONS / 'campaigns'}/*/{tag}.toml and run `lightup migrate`."
    )


@languages.command(with_appcontext=False)
def update() -> None:
    """Collect the messages from code and templates and bring every catalogue up to date."""
    extract_messages()
    for path in sorted(TRANSLATIONS.glob("*/LC_MESSAGES/messages.po")):
        with path.open("rb") as source:
            catalogue = read_po(source, locale=path.parent.parent.name)
        _write(path, _merged(catalogue, _template()))
        missing = sum(not _is_translated(message) for message in catalogue if message.id)
        click.echo(f"{path.parent.parent.name}: {missing} to translate")
    compile_catalogues(TRANSLATIONS)


def extract_messages(target: Path = TEMPLATE) -> None:
    """Write the template of all messages in campaign/ and templates/ (Babel's extractors)."""
    root = TRANSLATIONS.parent
    subprocess.run(
        [
            sys.executable,
            "-m",
            "babel.messages.frontend",
            "-q",
            "extract",
            "--mapping-file=translations/babel.cfg",
            "--keyword=lazy_gettext",
            "--keyword=lazy_ngettext:1,2",
            "--add-comments=NOTE:",
            "--no-location",
            "--no-wrap",
            "--sort-output",
            "--omit-header",
            "--ignore-dirs=.* _data mail_catcher",
            f"--output-file={target}",
            "campaign",
            "templates",
        ],
        cwd=root,
        check=True,
    )


def _empty(locale: Locale) -> Catalog:
    """A catalogue with CLDR's plural forms: Babel's own table knows fewer, and wrong ones for zh-Hans."""
    # CLDR's "e" is the exponent of compact numbers ("1M"), which gettext does not know: zero for all of ours.
    plurals = re.sub(r"\be\b", "0", to_gettext(locale.plural_form))
    header = (
        f'msgid ""\nmsgstr ""\n"Project-Id-Version: lightup\\n"\n"Plural-Forms: {plurals}\\n"\n'
    )
    return read_po(BytesIO(header.encode()), locale=locale)


def _template() -> Catalog:
    with TEMPLATE.open("rb") as source:
        return read_po(source)


def _merged(catalogue: Catalog, template: Catalog) -> Catalog:
    """No guesses: a fuzzy translation would be shown to nobody and hide that one is missing."""
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    return catalogue


def _catalogue(tag: str) -> Path:
    return TRANSLATIONS / tag.replace("-", "_") / "LC_MESSAGES" / "messages.po"


def _write(path: Path, catalogue: Catalog) -> None:
    with path.open("wb") as target:
        write_po(
            target, catalogue, width=0, sort_output=True, ignore_obsolete=True, omit_header=False
        )


def _is_translated(message: Message) -> bool:
    forms = (message.string,) if isinstance(message.string, str) else message.string or ("",)
    return all(forms)
