"""Commands for texts: publish campaigns, add and update languages."""

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

campaigns = AppGroup("campaigns", help="Publish the texts of the campaigns.")
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
        tag = str(locale).replace("_", "-")  # in CLDR's spelling: "ZH-hans" would be another folder
    except (ValueError, UnknownLocaleError):
        raise click.ClickException(f"{tag} is not a language tag that CLDR knows.") from None
    path = _catalogue(tag)
    if path.exists():
        raise click.ClickException(f"{tag} is there already.")
    extract_messages()
    path.parent.mkdir(parents=True)
    path.write_bytes(_as_bytes(_merged(_empty(locale), _read(TEMPLATE)), omit_header=False))
    click.echo(
        f"Translate {path}, then add {TRANSLATIONS / 'campaigns'}/*/{tag}.toml and run `lightup migrate`."
    )


@languages.command(with_appcontext=False)
def update() -> None:
    """Collect the messages from code and templates and bring every catalogue up to date."""
    extract_messages()
    for path in sorted(TRANSLATIONS.glob("*/LC_MESSAGES/messages.po")):
        click.echo(f"{path.parent.parent.name}: {update_catalogue(path)} to translate")
    compile_catalogues(TRANSLATIONS)


def update_catalogue(path: Path, template: Path = TEMPLATE) -> int:
    """Merge the template's messages into one catalogue; return how many of them are left to translate."""
    catalogue = _merged(_read(path, locale=path.parent.parent.name), _read(template))
    # Babel would write the header anew each time, with another date and order. It stays as its translators left it.
    header, _, _ = path.read_bytes().partition(b"\n\n")
    path.write_bytes(header + b"\n\n" + _as_bytes(catalogue, omit_header=True))
    return sum(not _is_translated(message) for message in catalogue if message.id)


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
    """An empty catalogue with the plural forms of CLDR: Babel's own table has fewer, and wrong ones for zh-Hans."""
    # CLDR's "e" is the exponent of compact numbers ("1M"), which gettext does not know: zero for all of ours.
    plurals = re.sub(r"\be\b", "0", to_gettext(locale.plural_form))
    header = (
        f'msgid ""\nmsgstr ""\n"Project-Id-Version: lightup\\n"\n"Plural-Forms: {plurals}\\n"\n'
    )
    return read_po(BytesIO(header.encode()), locale=locale)


def _read(path: Path, locale: str | None = None) -> Catalog:
    with path.open("rb") as source:
        return read_po(source, locale=locale)


def _merged(catalogue: Catalog, template: Catalog) -> Catalog:
    """The catalogue with exactly the template's messages.

    Nothing is guessed: a fuzzy translation is never shown, and would hide that one is missing.
    """
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    return catalogue


def _catalogue(tag: str) -> Path:
    return TRANSLATIONS / tag.replace("-", "_") / "LC_MESSAGES" / "messages.po"


def _as_bytes(catalogue: Catalog, *, omit_header: bool) -> bytes:
    target = BytesIO()
    write_po(
        target, catalogue, width=0, sort_output=True, ignore_obsolete=True, omit_header=omit_header
    )
    return target.getvalue().rstrip() + b"\n"


def _is_translated(message: Message) -> bool:
    forms = (message.string,) if isinstance(message.string, str) else message.string or ("",)
    return all(forms)
