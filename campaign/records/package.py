"""Write a day's dataset as a Frictionless data package (datapackage.org, version 2).

The same data makes the same bytes, so that anyone who has an older copy can compare.
"""

import csv
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from campaign.records.listing import HEADER, CountKey

LIST, TALLIES, INSTITUTIONS, COUNTRIES = (
    "pledges.csv",
    "tallies.csv",
    "institutions.csv",
    "countries.csv",
)
CHAIN, DESCRIPTION = "records.jsonl", "datapackage.json"
FILES = (LIST, TALLIES, INSTITUTIONS, COUNTRIES, CHAIN, DESCRIPTION)

_FIELDS = {
    "campaign": ("string", "The campaign, as in its address."),
    "fingerprint": (
        "string",
        "Made from the receipt of one pledge; different for each dimension and each day's list.",
    ),
    "dimension": ("string", "What is counted: country, institution or day; total in tallies.csv."),
    "key": (
        "string",
        "ISO 3166-1 alpha-2 code, ROR id or ISO 8601 day (UTC); empty for the total.",
    ),
    "kind": ("string", "Who pledged: a person, or an institution through its representative."),
    "count": ("integer", "Confirmed pledges."),
    "institution": (
        "string",
        "ROR id, without https://ror.org/; ids that ROR did not give begin with x.",
    ),
    "country": ("string", "ISO 3166-1 alpha-2 code."),
    "name": ("string", "In English, or as the registry displays it."),
    "person_pledges": ("integer", "Confirmed pledges of people."),
    "institution_pledges": ("integer", "Confirmed pledges of institutions."),
}
_PLEDGES = ("person_pledges", "institution_pledges")
_COLUMNS: Mapping[str, Sequence[str]] = {
    LIST: HEADER,
    TALLIES: ("campaign", "dimension", "key", "kind", "count"),
    INSTITUTIONS: ("campaign", "institution", "name", "country", *_PLEDGES),
    COUNTRIES: ("campaign", "country", "name", *_PLEDGES),
}
_KEYS = {
    LIST: ["fingerprint"],
    TALLIES: ["campaign", "dimension", "key", "kind"],
    INSTITUTIONS: ["campaign", "institution"],
    COUNTRIES: ["campaign", "country"],
}


@dataclass(frozen=True)
class Listed:
    """What a list counts, and the SHA-256 of its lines by campaign, in hexadecimal."""

    counts: Mapping[CountKey, int]
    digests: Mapping[str, str]

    def keys(self, campaign: str, dimension: str) -> list[str]:
        """Return the keys of a dimension that have a pledge, in order."""
        return sorted({key.key for key in self.counts if key[:2] == (campaign, dimension)})

    def of_both_kinds(self, campaign: str, dimension: str, key: str = "") -> list[int]:
        """Return two numbers: the pledges of people and those of institutions."""
        kinds = ("person", "institution")
        return [self.counts.get(CountKey(campaign, dimension, key, kind), 0) for kind in kinds]


class ListedInstitution(NamedTuple):
    """How the tables name an institution; ``country`` is an ISO 3166-1 alpha-2 code."""

    name: str
    country: str


def write_list(folder: Path, lines: Iterable[tuple[CountKey, bytes]]) -> Listed:
    """Write the list and count it at the same time, so that the counts are of the same snapshot."""
    counts: Counter[CountKey] = Counter()
    digests: dict[str, Any] = defaultdict(sha256)
    with (folder / LIST).open("wb") as file:
        file.write(",".join(HEADER).encode() + b"\n")
        for key, line in lines:
            file.write(line)
            digests[key.campaign].update(line)
            counts[key] += 1
            if key.dimension == "country":  # every pledge has exactly one
                counts[CountKey(key.campaign, "total", "", key.kind)] += 1
    return Listed(counts, {campaign: digest.hexdigest() for campaign, digest in digests.items()})


def write_tables(
    folder: Path,
    listed: Listed,
    institutions: Mapping[str, ListedInstitution],
    countries: Mapping[str, str],
) -> None:
    """Write the counts, and those of institutions and countries once more with their names.

    ``institutions`` are by ROR id, ``countries`` are names by alpha-2 code.
    """
    campaigns = sorted(listed.digests)
    _write(folder / TALLIES, ((*key, count) for key, count in sorted(listed.counts.items())))
    _write(
        folder / INSTITUTIONS,
        (
            (campaign, key, *institutions[key], *listed.of_both_kinds(campaign, "institution", key))
            for campaign in campaigns
            for key in listed.keys(campaign, "institution")
        ),
    )
    _write(
        folder / COUNTRIES,
        (
            (campaign, key, countries[key], *listed.of_both_kinds(campaign, "country", key))
            for campaign in campaigns
            for key in listed.keys(campaign, "country")
        ),
    )


def _write(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS[path.name])
        writer.writerows(rows)


def write_chain(folder: Path, lines: Iterable[str]) -> None:
    """Write the records of all days, one in each line."""
    with (folder / CHAIN).open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"{line}\n" for line in lines)


def describe(folder: Path, day: date, site_url: str) -> None:
    """Write the package's descriptor, with the digest of every file in the folder."""
    description = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "lightup",
        "title": "Light Up the Heart of Science: public tallies",
        "description": "What counts at the end of the day, the list behind it, the chain of all days before. "
        "No personal data. verify.py, on the site, checks all but the names of places.",
        "homepage": site_url,
        "version": day.isoformat(),
        "created": f"{day}T23:59:59Z",
        "licenses": [
            {
                "name": "CC-BY-4.0",
                "title": "Creative Commons Attribution 4.0",
                "path": "https://creativecommons.org/licenses/by/4.0/",
            }
        ],
        "sources": [
            {"title": "Research Organization Registry (ROR), CC0", "path": "https://ror.org/"}
        ],
        "resources": [_resource(folder / name) for name in FILES if name != DESCRIPTION],
    }
    text = json.dumps(description, indent=2, ensure_ascii=False)
    (folder / DESCRIPTION).write_text(f"{text}\n", encoding="utf-8", newline="")


def _resource(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    common = {
        "name": path.stem,
        "path": path.name,
        "encoding": "utf-8",
        "bytes": path.stat().st_size,
        "hash": f"sha256:{digest}",
    }
    if path.name == CHAIN:
        return common | {"format": "jsonl", "mediatype": "application/jsonl"}
    fields = [
        {"name": name, "type": _FIELDS[name][0], "description": _FIELDS[name][1]}
        for name in _COLUMNS[path.name]
    ]
    # An empty key or name is an empty string, not a missing value.
    schema = {"fields": fields, "missingValues": [], "primaryKey": _KEYS[path.name]}
    table = {"type": "table", "format": "csv", "mediatype": "text/csv", "schema": schema}
    return common | table


def bundle(folder: Path, day: date) -> None:
    """Write all files into one .zip, dated by the day, so that its bytes do not depend on when it is made."""
    with ZipFile(folder / bundle_name(day), "w", ZIP_DEFLATED) as archive:
        for name in FILES:
            entry = ZipInfo(name, (day.year, day.month, day.day, 0, 0, 0))
            entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o100644 << 16
            with (
                (folder / name).open("rb") as source,
                archive.open(entry, "w", force_zip64=True) as target,
            ):
                shutil.copyfileobj(source, target, 1 << 20)


def bundle_name(day: date) -> str:
    return f"lightup-{day}.zip"
