"""Commands for the registry of institutions."""

import csv
import json
import sys
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

import click
from flask.cli import AppGroup

from campaign import jobs
from campaign.cli.common import actor, find_institution
from campaign.cli.matching import (
    NEW_COLUMNS,
    Columns,
    NoSuchColumn,
    Row,
    Table,
    open_table,
    writer_to,
)
from campaign.geography import country_name
from campaign.institutions import corrections
from campaign.institutions import queries as institution_queries
from campaign.institutions.corrections import NotCorrected, RegistryBusy
from campaign.institutions.models import Institution, RegistryImport, written_id
from campaign.institutions.operations import ImportSummary, RecordChange, import_dump, preview
from campaign.institutions.ror import DumpError
from campaign.institutions.rules import LISTS, TYPES, InvalidInstitution
from campaign.staff.scopes import EVERYTHING

institutions = AppGroup(
    "institutions", help="Import and search the registry of institutions (ROR)."
)


@institutions.command("import")
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--starter",
    is_flag=True,
    help="Import the registry that ships with the program instead of FILE.",
)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
def import_(file: Path | None, starter: bool, dry_run: bool) -> None:
    """Import FILE, a dump of the Research Organization Registry: the zip as published, or its JSON (schema v2).

    New records are added, changed ones updated, and none is deleted: a withdrawn institution keeps its pledges
    and points to its successor. Importing the same dump again changes nothing. A broken record is reported
    with its place in the file and left out. The exit code is 1 only where the file as a whole was refused;
    then nothing was changed.

    \b
    Dumps: https://doi.org/10.5281/zenodo.6347574
    """
    if (file is None) != starter:
        raise click.UsageError("Name one FILE, or give --starter.")
    path = file or institution_queries.starter_path()
    if dry_run:
        _preview(path)
        return
    with click.progressbar(length=100, label="Importing", width=40) as bar:
        try:
            summary = import_dump(
                path, lambda done, total: bar.update(100 * done // (total or 1) - bar.pos)
            )
        except (DumpError, OSError) as error:
            jobs.rollback()
            raise click.ClickException(f"Nothing was imported. {error}") from None
    jobs.commit()
    _report(summary)
    click.echo(f"The registry is that of {_release(institution_queries.latest_imports(1)[0])}.")


def _preview(path: Path) -> None:
    with click.progressbar(length=100, label="Reading", width=40) as bar:
        try:
            diff = preview(
                path, lambda done, total: bar.update(100 * done // (total or 1) - bar.pos)
            )
        except (DumpError, OSError) as error:
            raise click.ClickException(str(error)) from None
    click.echo("Nothing was changed. An import would do this:")
    _report(diff.summary)
    for field, records in diff.fields.most_common():
        click.echo(f"{records:8,}  {field}")
    _list([f"{record.id}: {record.name}" for record in diff.added], "Added, the first of them")
    _list(
        [line for record in diff.changed for line in _changes(record)], "Changed, the first of them"
    )


def _changes(record: RecordChange) -> list[str]:
    return [f"{record.id}: {record.name}"] + [
        f"  {change.field}: {_value(change.before)} → {_value(change.after)}"
        for change in record.changes
    ]


def _value(value: object) -> str:
    """As JSON, at most a line long."""
    return f"{json.dumps(value, ensure_ascii=False):.200}"


@institutions.command()
@click.argument("ror_id")
@click.argument("field")
@click.argument("value", nargs=-1)
def correct(ror_id: str, field: str, value: tuple[str, ...]) -> None:
    """Correct one FIELD of an institution: what ROR says of it is kept, and no import overwrites the VALUE.

    \b
    name VALUE               the name displayed
    "label sw" VALUE         the name in a language (BCP 47); without a value, none
    website VALUE            without a value, none
    aliases, acronyms, domains, parents
                             any number of values, which replace all
    """
    institution = find_institution(ror_id)
    said = list(value) if field in LISTS else " ".join(value)
    try:
        corrections.correct(institution, {field: said}, actor(), EVERYTHING)
    except InvalidInstitution as invalid:
        raise click.ClickException(_problems(invalid)) from None
    except KeyError:
        raise click.ClickException(f"{field} cannot be corrected; see --help.") from None
    except RegistryBusy:
        raise click.ClickException(_BUSY) from None
    jobs.commit()
    _echo_corrections(institution)


@institutions.command("take-back")
@click.argument("ror_id")
@click.argument("field")
def take_back(ror_id: str, field: str) -> None:
    """Take the correction of one FIELD back, so that it says what ROR says."""
    institution = find_institution(ror_id)
    try:
        corrections.take_back(institution, field, actor(), EVERYTHING)
    except NotCorrected:
        raise click.ClickException(f"{field} is as ROR has it.") from None
    except RegistryBusy:
        raise click.ClickException(_BUSY) from None
    jobs.commit()
    _echo_corrections(institution)


@institutions.command()
@click.argument("name")
@click.argument("country")
@click.option("--type", "type_", type=click.Choice(TYPES), default="other", show_default=True)
@click.option("--city", help="The city or town.")
@click.option("--domain", "domains", multiple=True, help="Its own domain; may be given again.")
@click.option("--website", help="The address of its website.")
def add(
    name: str,
    country: str,
    type_: str,
    city: str | None,
    domains: tuple[str, ...],
    website: str | None,
) -> None:
    """Add an institution by NAME, in COUNTRY (ISO 3166-1 alpha-2), that ROR does not have.

    It gets an id that begins with x. If ROR gets a record of it, merge it into that.
    """
    said = {
        "name": name, "country": country.upper(), "type": type_, "city": city, "domains": list(domains),
        "website": website,
    }  # fmt: skip
    try:
        institution = corrections.add_own(said, actor(), EVERYTHING)
    except InvalidInstitution as invalid:
        raise click.ClickException(_problems(invalid)) from None
    except RegistryBusy:
        raise click.ClickException(_BUSY) from None
    jobs.commit()
    click.echo(f"{institution.id}  {institution.name}")


_BUSY = "An import is changing the registry. Try again in a minute."


def _problems(invalid: InvalidInstitution) -> str:
    return "; ".join(
        f"{field}: {problem}{f' ({value})' if value else ''}"
        for field, (problem, value) in invalid.problems.items()
    )


def _echo_corrections(institution: Institution) -> None:
    """Say what is shown now beside what ROR says."""
    for one in corrections.of(institution.id):
        click.echo(f"{one.field}: {_value(one.value)} (ROR: {_value(one.ror_value)})")
    click.echo(f"{institution.id}  {institution.name}")


@institutions.command()
@click.option("--limit", default=10, show_default=True, help="How many imports to list.")
def status(limit: int) -> None:
    """Say how many institutions there are, and which releases of ROR were imported, the newest first.

    An import that brought the same file again and changed nothing is not listed.
    """
    click.echo(f"{institution_queries.number_of_active():,} active institutions.")
    for record in institution_queries.latest_imports(limit):
        click.echo(f"{record.imported_at:%Y-%m-%d %H:%M} UTC  {_release(record)}")
        click.echo(f"  SHA-256 {record.digest.hex()}")
        click.echo(
            f"  {record.added:,} added, {record.changed:,} changed, {record.unchanged:,} unchanged,"
            f" {record.refused:,} refused"
        )


def _release(record: RegistryImport) -> str:
    """The release of ROR as a line says it, else the file."""
    if record.version:
        return f"ROR v{record.version} of {record.released_on}, {record.file_name}"
    packed = f", packed on {record.released_on}" if record.released_on else ""
    return f"{record.file_name} (its name says no release{packed})"


@institutions.command()
@click.argument("text")
@click.option(
    "--locale", default="en", show_default=True, help="The reader's language, as a BCP 47 tag."
)
@click.option(
    "--country", help="The reader's country (ISO 3166-1 alpha-2), whose institutions come first."
)
def search(text: str, locale: str, country: str | None) -> None:
    """Find institutions by TEXT as people type it: a name, alias or acronym, in any script, even misspelled."""
    for match in institution_queries.search(
        text, locale=locale, country=country.upper() if country else None
    ):
        others = "; ".join(other for other in (match.acronym, match.other_name) if other)
        place = ", ".join(part for part in (match.city, country_name(match.country, "en")) if part)
        click.echo(f"{match.id}  {match.name}{f' ({others})' if others else ''}  {place}")


@institutions.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--column",
    default="1",
    show_default=True,
    help="The column with names or affiliations: its header, or its number from 1.",
)
@click.option(
    "--country-column",
    help="The column with the country (ISO 3166-1 alpha-2), whose institutions are preferred.",
)
@click.option("--delimiter", default=",", show_default=True, help="The sign between two cells.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write, instead of to standard output.",
)
def match(
    file: Path, column: str, country_column: str | None, delimiter: str, output: Path | None
) -> None:
    """Match each row of FILE, a CSV file in UTF-8 with a header, with the institution that it most likely means.

    Writes the rows with three columns more: ror_id, the address of the institution; score, how sure the match is,
    from 0 to 1; matched_name, the name that fits. They are empty where none fits. A broken row is reported with
    its line and left unmatched, or left out if it cannot be taken apart; the rest goes on. Look at rows with a low
    score before you use them.
    """
    if output and output.exists() and output.samefile(file):
        raise click.UsageError("FILE and --output are the same file.")
    try:
        with open_table(file, delimiter) as table:
            columns = table.columns(column, country_column)
            with _binary(output) as stream:
                _match_table(table, columns, stream, file.stat().st_size)
    except NoSuchColumn as missing:
        raise click.ClickException(f"{file} has no column {missing}.") from None
    except (OSError, csv.Error, TypeError) as error:
        raise click.ClickException(f"{file} cannot be matched: {error}.") from None


def _binary(output: Path | None) -> AbstractContextManager[BinaryIO]:
    return output.open("wb") if output else nullcontext(sys.stdout.buffer)


def _match_table(table: Table, columns: Columns, stream: BinaryIO, size: int) -> None:
    """Write every row as soon as it is matched, and say on standard error how far it is and what is broken."""
    counts = Counter[str]()
    bar = click.progressbar(length=size, label="Matching", width=40, file=sys.stderr)
    with bar, writer_to(stream, table) as text:
        writer = csv.writer(text, delimiter=table.delimiter)
        writer.writerow([*table.header, *NEW_COLUMNS])
        for row in table.matched(columns):
            if row.cells:
                writer.writerow(row.cells)
            if row.problem:
                _report_row(row)
            counts["broken" if row.problem else "matched" if row.is_matched else "without"] += 1
            if step := table.bytes_read - bar.pos:
                bar.update(step)
    click.echo(
        f"{counts.total():,} rows: {counts['matched']:,} matched, {counts['without']:,} without a match, "
        f"{counts['broken']:,} broken.",
        err=True,
    )


def _report_row(row: Row) -> None:
    """On a terminal, in place of the progress bar, which is drawn anew below."""
    start = "\r\x1b[K" if sys.stderr.isatty() else ""
    click.echo(f"{start}line {row.line}: {row.problem}", err=True)


@institutions.command()
@click.argument("ror_id")
def show(ror_id: str) -> None:
    """Show everything known about the institution with this ROR_ID (its URL or its nine characters)."""
    institution = institution_queries.get(ror_id)
    if institution is None:
        raise click.ClickException(f"No institution in the registry has the id {ror_id}.")
    for name, value in _facts(institution):
        if value:
            click.echo(f"{name + ':':14}{value}")


def _facts(institution: Institution) -> list[tuple[str, object]]:
    successor = institution_queries.resolve(institution.id)
    return [
        ("id", written_id(institution.id)),
        ("status", institution.status),
        (
            "successor",
            written_id(successor.id)
            if successor and successor is not institution
            else institution.successor_id,
        ),
        ("name", institution.name),
        *(("name " + language, label) for language, label in sorted(institution.labels.items())),
        ("acronyms", "; ".join(institution.acronyms)),
        ("aliases", "; ".join(institution.aliases)),
        ("types", ", ".join(institution.types)),
        ("city", ", ".join(part for part in (institution.city, institution.subdivision) if part)),
        ("country", institution.country),
        (
            "coordinates",
            f"{institution.latitude}, {institution.longitude}" if institution.latitude else None,
        ),
        ("domains", ", ".join(institution.domains)),
        ("website", institution.website),
        ("established", institution.established),
        ("parents", ", ".join(institution.parents)),
        ("imported", f"{institution.imported_at:%Y-%m-%d %H:%M} UTC"),
    ]


def _report(summary: ImportSummary) -> None:
    click.echo(
        f"{summary.added:,} added, {summary.changed:,} changed, {summary.unchanged:,} unchanged, "
        f"{len(summary.refused):,} refused."
    )
    _list([str(refusal) for refusal in summary.refused], "Refused")
    _list(
        [f"{id_}: {domain}" for id_, domain in summary.dropped_domains],
        "Domains left out, since they are not one institution's (public suffixes, free mail, no domain names)",
    )


def _list(lines: list[str], title: str) -> None:
    if lines:
        click.echo(f"{title}:")
    for line in lines:
        click.echo(f"  {line}")
