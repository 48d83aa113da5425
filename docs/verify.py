"""Checks a downloaded dataset of Light Up the Heart of Science. Needs Python 3.9, nothing else.

    python3 verify.py lightup-2026-11-21.zip [WORD ...]

The dataset is the .zip file, or the folder that it was unpacked to. Each WORD is your receipt
(32 characters) or the digest of a day that you noted down (64): it must be there. Compared are:

    datapackage.json  says its day, and the size and the SHA-256 of every other file
    pledges.csv       the list: a line for each place where a pledge counts, sorted
    tallies.csv       how many lines each place has; institutions.csv and countries.csv, too
    records.jsonl     the chain: a line for each campaign and day, with its counts, the SHA-256 of
                      its lines in the list, and the SHA-256 of the line before, that day's digest

The names of places come from public registries, and nothing here proves them.
Ends with 0 if all of it agrees. Otherwise says what does not, and ends with 1.
"""

import csv
import hashlib
import json
import sys
import zipfile
from collections import Counter, defaultdict
from pathlib import Path

HEADER = b"fingerprint,campaign,dimension,key,kind\n"
KINDS = ("person", "institution")
TABLES = {"institution": "institutions.csv", "country": "countries.csv"}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class PledgeList:
    """The list, read once: what it counts, its digest for each campaign, the lines looked for."""

    def __init__(self, dataset, wanted):
        self.counts, self.found, self.problems = Counter(), defaultdict(list), []
        self.digests, last = defaultdict(hashlib.sha256), ""
        with (dataset / "pledges.csv").open("rb") as file:
            if file.readline() != HEADER:
                self.problems.append("pledges.csv: the first line does not name the columns")
            for line in file:
                fingerprint, campaign, dimension, key, kind = line.decode().rstrip("\n").split(",")
                if fingerprint <= last:
                    self.problems.append(f"pledges.csv: {fingerprint} stands twice or out of order")
                if fingerprint in wanted:
                    self.found[wanted[fingerprint]].append(f"{campaign}: {dimension} {key}")
                self.counts[campaign, dimension, key, kind] += 1
                self.counts[campaign, "total", "", kind] += dimension == "country"  # each has one
                self.digests[campaign].update(line)
                last = fingerprint

    def by_key(self, campaign, dimension):
        """How many people and institutions each key has."""
        keys = {place[2] for place in self.counts if place[:2] == (campaign, dimension)}
        return {k: [self.counts[campaign, dimension, k, kind] for kind in KINDS] for k in keys}

    def sums(self, campaign, dimension):
        """How many people and institutions have a line."""
        both = self.by_key(campaign, dimension).values()
        return [sum(persons for persons, _ in both), sum(others for _, others in both)]


def check_files(dataset, resources):
    """Every file is the one that the dataset describes."""
    for resource in resources:
        digest, size = hashlib.sha256(), 0
        with (dataset / resource["path"]).open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
                size += len(block)
        if (resource["bytes"], resource["hash"]) != (size, f"sha256:{digest.hexdigest()}"):
            yield f"{resource['path']} is not the file that datapackage.json describes"


def check_chain(lines):
    """Every day holds the digest of the day before."""
    last = {}
    for line in lines:
        record = json.loads(line)
        day_before, digest = last.get(record["campaign"], ("", None))
        if record["previous"] != digest or record["day"] <= day_before:
            yield f"records.jsonl: {record['campaign']} {record['day']} does not follow {day_before}"
        last[record["campaign"]] = record["day"], sha256(line)


def check_tables(dataset, pledges):
    """The tables count what the list counts."""
    said = Counter()
    for place, count in tables(dataset):
        if place in said:
            yield f"{' '.join(place)}: stands twice"
        said[place] = count
    listed = Counter({("tallies.csv", *place): n for place, n in pledges.counts.items()})
    listed.update({(TABLES[p[1]], *p): n for p, n in pledges.counts.items() if p[1] in TABLES})
    for place in sorted(said.keys() | listed.keys()):
        if said[place] != listed[place]:
            yield f"{' '.join(place)}: {said[place]}, but {listed[place]} in the list"


def tables(dataset):
    """Every count of the tables: file, campaign, dimension, key and kind, and how many."""
    for row in read(dataset / "tallies.csv"):
        place = row["campaign"], row["dimension"], row["key"], row["kind"]
        yield ("tallies.csv", *place), int(row["count"])
    for dimension, name in TABLES.items():
        for row in read(dataset / name):
            for kind in KINDS:
                place = name, row["campaign"], dimension, row[dimension], kind
                yield place, int(row[f"{kind}_pledges"])


def read(path):
    with path.open("rb") as file:
        yield from csv.DictReader(line.decode() for line in file)


def check_record(record, pledges, newest_day, campaigns):
    """The newest day of a campaign is made from this very list."""
    campaign, day = record["campaign"], record["day"]
    totals = [record["persons"], record["institutions"]]
    if (day, record["campaigns"]) != (newest_day, campaigns):
        yield f"{campaign}: {day} is not the newest day, or a campaign is missing"
    if record["digest"] != pledges.digests[campaign].hexdigest():
        yield f"{campaign}: the list is not that of {day}; a pledge was added, removed or moved"
    if totals != pledges.sums(campaign, "total"):
        yield f"{campaign}: the list does not have as many pledges as the record of {day}"
    if record["countries"] != pledges.by_key(campaign, "country"):
        yield f"{campaign}: the counts by country of {day} are not those of the list"
    if totals != pledges.sums(campaign, "day"):
        yield f"{campaign}: the list does not have one day for each pledge"
    at_institutions = pledges.sums(campaign, "institution")
    if at_institutions[0] > totals[0] or at_institutions[1] > totals[1]:
        yield f"{campaign}: the list has more than one institution for a pledge"


def check(path, words):
    """Everything that is wrong with a dataset, as sentences."""
    dataset = zipfile.Path(path) if path.is_file() else path
    description = json.loads((dataset / "datapackage.json").read_bytes())
    day, dimensions = description["version"], (*TABLES, "day")
    wanted = {sha256(f"{w} {day} {d}".encode())[:32]: w for w in words for d in dimensions}
    pledges = PledgeList(dataset, wanted)
    lines = (dataset / "records.jsonl").read_bytes().splitlines()
    yield from (*check_files(dataset, description["resources"]), *pledges.problems)
    yield from check_chain(lines)
    yield from check_tables(dataset, pledges)
    newest = {json.loads(line)["campaign"]: line for line in lines}
    for campaign, line in sorted(newest.items()):
        print(f"{campaign}, digest of {json.loads(line)['day']}: {sha256(line)}")
        yield from check_record(json.loads(line), pledges, day, sorted(newest))
    yield from (f"{campaign}: not in the chain" for campaign in pledges.digests.keys() - newest)
    for word in words:
        for place in pledges.found[word]:
            print(f"{word} counts in {place}")
        if not pledges.found[word] and word not in map(sha256, lines):
            yield f"{word}: no receipt in this list, nor the digest of a day in this chain"


def main(path, *words):
    try:
        problems = list(check(Path(path), [word.strip().lower() for word in words]))
    except Exception as error:  # whatever a stranger's file can do
        problems = [f"{path} cannot be read as a dataset: {error!r}"]
    for line in [f"WRONG: {problem}" for problem in problems[:20]] or ["Everything agrees."]:
        print(line)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if sys.argv[1:] else __doc__)
