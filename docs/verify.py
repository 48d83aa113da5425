"""Checks a downloaded dataset of Light Up the Heart of Science. Needs Python 3.9, nothing else.

    python3 verify.py lightup-2026-11-21.zip [WORD ...]

The dataset is the .zip file, or the folder that it was unpacked to. Each WORD is your receipt
(32 characters) or the digest of a day that you noted down (64): it must be there. Compared are:

    datapackage.json  says its day, and the size and the SHA-256 of every other file
    pledges.csv       the list: a line for each place where a pledge counts, sorted
    tallies.csv       how many lines each place has; institutions.csv and countries.csv, too
    records.jsonl     the chain: a line for each day and campaign, with its counts, the SHA-256 of
                      its lines in the list, and the SHA-256 of the line before, that day's digest

Each of them can be written in one way only: a line has a form that is given below, or is written
again here and compared. The names of places come from public registries, and nothing proves them.
Ends with 0 if all of it agrees. Otherwise says what does not, and ends with 1.
"""

import csv
import io
import json
import re
import struct
import sys
import zipfile
import zlib
from collections import Counter, defaultdict
from contextlib import suppress
from datetime import date
from hashlib import sha256
from itertools import groupby, islice, zip_longest
from pathlib import Path

KINDS = ("person", "institution")
TABLES = {
    "pledges.csv": "fingerprint,campaign,dimension,key,kind",
    "tallies.csv": "campaign,dimension,key,kind,count",
    "institutions.csv": "campaign,institution,name,country,person_pledges,institution_pledges",
    "countries.csv": "campaign,country,name,person_pledges,institution_pledges",
}
FILES = [*TABLES, "records.jsonl", "datapackage.json"]
ABOUT = (
    "$schema", "name", "title", "description", "homepage", "version", "created", "licenses",
    "sources",
)  # fmt: skip
PARTS = {
    "<campaign>": "[a-z0-9][a-z0-9_-]{0,99}", "<n>": "(0|[1-9][0-9]{0,14})", "<country>": "[A-Z]{2}",
    "<ROR id>": "[0-9a-z]{9}", "<day>": "[0-9]{4}-[0-9]{2}-[0-9]{2}", "<128 bits>": "[0-9a-f]{32}",
    "<SHA-256>": "[0-9a-f]{64}",
}  # fmt: skip


def form(text):
    """A function that says whether a line has this form."""
    for name, part in PARTS.items():
        text = text.replace(name, part)
    return re.compile(f"{text}\n".encode()).fullmatch


is_pledge = form(
    "<128 bits>,<campaign>,(country,<country>|institution,<ROR id>|day,<day>),(person|institution)"
)
is_record = form(
    r'\{"campaign":"<campaign>","campaigns":\["<campaign>"(,"<campaign>")*\],'
    r'"countries":\{("<country>":\[<n>,<n>\](,"<country>":\[<n>,<n>\])*)?\},"day":"<day>",'
    r'"digest":"<SHA-256>","institutions":<n>,"persons":<n>,"previous":(null|"<SHA-256>")\}'
)


def lines(dataset, name):
    """The lines of a file, without the one that names the columns."""
    longest = 1_000_000
    with (dataset / name).open("rb") as file:
        if name in TABLES and file.readline(longest) != f"{TABLES[name]}\n".encode():
            raise ValueError(f"{name}: the first line does not name the columns")
        while line := file.readline(longest):
            if not line.endswith(b"\n"):
                raise ValueError(f"{name}: a line has no end")
            yield line


class PledgeList:
    """The list, read once: what it counts, its digest for each campaign, the lines looked for."""

    def __init__(self, dataset, wanted):
        self.counts, self.found = Counter(), defaultdict(list)
        self.digests, last = defaultdict(sha256), ""
        for line in lines(dataset, "pledges.csv"):
            if not is_pledge(line):
                raise ValueError(f"pledges.csv: not a line of the list: {line[:200]}")
            fingerprint, campaign, dimension, key, kind = line.decode().rstrip("\n").split(",")
            if fingerprint <= last:
                raise ValueError(f"pledges.csv: {fingerprint} stands twice or out of order")
            if fingerprint in wanted:
                self.found[wanted[fingerprint]].append(f"{campaign}: {dimension} {key}")
            self.counts[campaign, dimension, key, kind] += 1
            if dimension == "country":  # each pledge has one
                self.counts[campaign, "total", "", kind] += 1
            self.digests[campaign].update(line)
            last = fingerprint

    def by_key(self, campaign, dimension):
        """How many people and institutions each key has."""
        keys = {place[2] for place in self.counts if place[:2] == (campaign, dimension)}
        return {
            key: [self.counts[campaign, dimension, key, kind] for kind in KINDS]
            for key in sorted(keys)
        }

    def rows(self, name):
        """The rows of a table: each place, the number of columns that name it, and its counts."""
        if name == "tallies.csv":
            return [(place, 0, [count]) for place, count in sorted(self.counts.items())]
        dimension, names = TABLES[name].split(",")[1], TABLES[name].count(",") - 3
        return [
            ((campaign, key), names, counts)
            for campaign in sorted(self.digests)
            for key, counts in self.by_key(campaign, dimension).items()
        ]


def add(by_key):
    """How many people and institutions have a line."""
    return [sum(counts[kind] for counts in by_key.values()) for kind in (0, 1)]


def is_day(text):
    """Whether the calendar has this day."""
    with suppress(ValueError):
        return date.fromisoformat(text).isoformat() == text


def spelled(data, **how):
    """JSON in the one spelling in which it is written."""
    return f"{json.dumps(data, ensure_ascii=False, **how)}\n".encode()


def description(dataset):
    """What datapackage.json says. Its explanations can be any; all else is written again here."""
    with (dataset / "datapackage.json").open("rb") as file:
        text = file.read(1_000_000)
    try:
        said = json.loads(text, parse_float=str, parse_constant=str)
        day = date.fromisoformat(said["version"]).isoformat()
        due = {key: said[key] for key in ABOUT} | {"version": day, "created": f"{day}T23:59:59Z"}
        due["resources"] = [resource(*both) for both in zip_longest(FILES[:-1], said["resources"])]
        is_due = spelled(due, indent=2) == text
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
        is_due = False
    if not is_due:
        raise ValueError("datapackage.json is not as the site writes it")
    return said


def resource(name, said):
    """What datapackage.json says of a file."""
    about = {"name": name.split(".")[0], "path": name, "encoding": "utf-8"}
    about |= {"bytes": said["bytes"], "hash": said["hash"]}
    if name not in TABLES:
        return about | {"format": "jsonl", "mediatype": "application/jsonl"}
    columns, fields = TABLES[name].split(","), []
    for column, field in zip_longest(columns, said["schema"]["fields"]):
        kind = "integer" if column == "count" or column.endswith("_pledges") else "string"
        fields.append({"name": column, "type": kind, "description": field["description"]})
    key = columns[: {"pledges.csv": 1, "tallies.csv": 4}.get(name, 2)]
    schema = {"fields": fields, "missingValues": [], "primaryKey": key}
    return about | {"type": "table", "format": "csv", "mediatype": "text/csv", "schema": schema}


def check_folder(path, day):
    """No other file is there, but perhaps the .zip file of the day, which is not looked into."""
    for file in path.iterdir():
        if file.is_symlink() or file.name not in [*FILES, f"lightup-{day}.zip"]:
            yield f"{file.name!r} is not a file of this dataset"


def check_archive(path, day):
    """The files are there, one after the other, and there is no room for anything else."""
    big, facts = (1 << 31) - 1, ((*map(int, day.split("-")), 0, 0, 0), 0o100644 << 16)
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        end, directory = 0, 22 + 76 * (archive.start_dir > big)  # big numbers need more room
        for entry in archive.infolist():
            file.seek(end)
            header = file.read(50 + len(entry.filename))
            is_next = (entry.header_offset, entry.date_time, entry.external_attr) == (end, *facts)
            if not (is_next and is_header(header, entry) and ends(file, entry.compress_size)):
                yield f"{entry.filename} is not in the .zip file as the site writes it"
            more = 16 * (max(entry.file_size, entry.compress_size) > big) + 8 * (end > big)
            directory += 46 + len(entry.filename) + more + 4 * (more > 0)
            end += len(header) + entry.compress_size
    if path.stat().st_size != end + directory:
        yield "the .zip file has something before, between or after its files"


def is_header(header, entry):
    """Whether what stands before a file in the archive is what the directory at the end says."""
    name, sizes = entry.filename.encode(), (entry.compress_size, entry.file_size)
    crc, unsaid = entry.CRC.to_bytes(4, "little"), (0xFFFFFFFF, 0xFFFFFFFF)
    due = struct.pack(f"<2H{len(name)}s2H2Q", len(name), 20, name, 1, 16, *reversed(sizes))
    is_sized = len(header) > 30 and struct.unpack("<2L", header[18:26]) in (sizes, unsaid)
    return is_sized and (header[6:10], header[14:18], header[26:]) == (b"\0\0\x08\0", crc, due)


def ends(file, size):
    """Whether a compressed file has this size, and nothing follows its end."""
    inflated = zlib.decompressobj(-zlib.MAX_WBITS)
    while not inflated.eof and (block := file.read(min(size, 4096))):
        inflated.decompress(block)
        size -= len(block)
    return inflated.eof and not inflated.unused_data and not size


def check_files(dataset, resources):
    """Every file is the one that the dataset describes."""
    for resource in resources:
        digest, size = sha256(), 0
        with (dataset / resource["path"]).open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
                size += len(block)
        if (resource["bytes"], resource["hash"]) != (size, f"sha256:{digest.hexdigest()}"):
            yield f"{resource['path']} is not the file that datapackage.json describes"


def check_table(dataset, name, pledges):
    """A table has the lines that the list makes. Only the names of places are taken from it."""
    for line, row in zip_longest(lines(dataset, name), pledges.rows(name)):
        due = io.StringIO()
        if line and row:
            place, names, counts = row
            said = next(csv.reader([line.decode(errors="replace")]))
            fields = [*place, *said[len(place) : len(place) + names], *counts]
            csv.writer(due, lineterminator="\n").writerow(fields)
        if line != due.getvalue().encode():
            said = (line or b"no more lines")[:200]
            yield f"{name} has {said}, the list {row}: a line is missing, changed or stands twice"
            return


def records(dataset):
    """The records of the chain, each with its digest."""
    for line in lines(dataset, "records.jsonl"):
        record = json.loads(line) if is_record(line) else {}
        if spelled(record, sort_keys=True, separators=(",", ":")) != line:
            raise ValueError(f"records.jsonl: not a record: {line[:200]}")
        yield record, sha256(line[:-1]).hexdigest()


def check_chain(dataset, newest, unseen):
    """Each day has a record of every campaign so far, which names that campaign's record before."""
    last, names = "", set()
    for day, of_day in groupby(records(dataset), lambda both: both[0]["day"]):
        group = [*of_day]
        named = [record["campaign"] for record, _ in group]
        if not (last < day and is_day(day)):
            yield f"records.jsonl: {day} stands after {last or 'nothing'}"
        if sorted(names | {*named}) != named:
            yield f"records.jsonl: a campaign has no record of {day}, or not where it must stand"
        for record, digest in group:
            campaign = record["campaign"]
            before, digest_before = newest.get(campaign, ({"day": ""}, None))
            if record["campaigns"] != named:
                yield f"records.jsonl: {campaign} {day} names other campaigns than have a record"
            if record["previous"] != digest_before or day <= before["day"]:
                yield f"records.jsonl: {campaign} {day} does not follow {before['day']}"
            if [record["persons"], record["institutions"]] != add(record["countries"]):
                yield f"records.jsonl: the countries of {campaign} {day} do not add up"
            newest[campaign] = record, digest
            unseen.discard(digest)
        last, names = day, {*named}


def check_record(record, pledges, newest_day, campaigns):
    """The newest day of a campaign is made from this very list."""
    campaign, day = record["campaign"], record["day"]
    totals, countries = [record["persons"], record["institutions"]], record["countries"]
    days, institutions = (pledges.by_key(campaign, each) for each in ("day", "institution"))
    if (day, record["campaigns"]) != (newest_day, campaigns):
        yield f"{campaign}: {day} is not the newest day, or a campaign is missing"
    if record["digest"] != pledges.digests[campaign].hexdigest():
        yield f"{campaign}: the list is not that of {day}; a pledge was added, removed or moved"
    if countries != pledges.by_key(campaign, "country"):
        yield f"{campaign}: the counts by country of {day} are not those of the list"
    if totals != add(days):
        yield f"{campaign}: the list does not have one day for each pledge"
    if any(key > day or not is_day(key) for key in days):
        yield f"{campaign}: a pledge was confirmed after {day}, or on a day that does not exist"
    if any(add(institutions)[kind] > totals[kind] for kind in (0, 1)):
        yield f"{campaign}: the list has more than one institution for a pledge"


def check(path, words):
    """Everything that is wrong with a dataset, as sentences."""
    if path.is_file() and zipfile.ZipFile(path).namelist() != FILES:
        raise ValueError(f"the .zip file must have {', '.join(FILES)}, each once and in this order")
    dataset = zipfile.Path(path) if path.is_file() else path
    for name in FILES:
        if not (dataset / name).is_file():
            raise ValueError(f"{name} is missing")
    described = description(dataset)
    day, dimensions = described["version"], ("country", "institution", "day")
    wanted = {
        sha256(f"{w} {day} {d}".encode()).hexdigest()[:32]: w for w in words for d in dimensions
    }
    yield from (check_archive if path.is_file() else check_folder)(path, day)
    yield from check_files(dataset, described["resources"])
    pledges, newest, unseen = PledgeList(dataset, wanted), {}, {*words}
    yield from check_chain(dataset, newest, unseen)
    for name in [*TABLES][1:]:
        yield from check_table(dataset, name, pledges)
    for campaign, (record, digest) in sorted(newest.items()):
        print(f"{campaign}, digest of {record['day']}: {digest}")
        yield from check_record(record, pledges, day, sorted(newest))
    yield from (f"{campaign}: not in the chain" for campaign in pledges.digests.keys() - newest)
    for word in words:
        for place in pledges.found[word]:
            print(f"{word} counts in {place}")
        if not pledges.found[word] and word in unseen:
            yield f"{word}: no receipt in this list, nor the digest of a day in this chain"


def main(path, *words):
    problems = []
    try:
        for problem in islice(check(Path(path), [word.strip().lower() for word in words]), 20):
            problems.append(problem)
    except Exception as error:  # whatever a stranger's file can do
        problems.append(f"{path} cannot be read as a dataset: {error}")
    for line in [f"WRONG: {problem}" for problem in problems] or ["Everything agrees."]:
        print(line.encode("ascii", "backslashreplace").decode())
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if sys.argv[1:] else __doc__)
