"""Read a dump of the Research Organization Registry: a zip as ROR publishes it, or the JSON in it.

The file is read as a stream, so memory does not grow with it. A file that is no dump raises a DumpError; a
broken record is returned as a Refusal with its position and the reason, and reading goes on.
"""

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO

import ijson

from campaign.institutions.records import BrokenRecord, Record, read_record

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# The keys of the first record show which schema the file is in.
_KEYS_OF_V2 = {"names", "locations", "status"}
_KEYS_OF_V1 = {"name", "country"}
# As ROR names its files: v1.58-2024-12-11-ror-data_schema_v2.json, v2.0-2025-12-16-ror-data.zip.
_RELEASE = re.compile(r"v(\d+(?:\.\d+)+)-(\d{4}-\d{2}-\d{2})-ror-data")


class DumpError(Exception):
    """The file as a whole cannot be imported; the message is a sentence for the operator."""


class NotADump(DumpError):
    """The file is not a ROR dump at all."""


class OldSchema(NotADump):
    """The file is a ROR dump in schema v1."""


class DamagedDump(DumpError):
    """The file begins as a dump, but is cut off or damaged."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that was left out; ``position`` is its number in the file, from 1."""

    position: int
    id: str | None
    reason: str

    def __str__(self) -> str:
        return f"record {self.position} ({self.id or 'without id'}): {self.reason}"


@dataclass(frozen=True, slots=True)
class Release:
    """The file of a dump and the release of ROR that its name, or that of the JSON in a zip, says it is.

    Without such a name ``version`` is None, and ``released_on`` the day on which the JSON was packed into the zip,
    if it was. ``digest`` is the SHA-256 of the file.
    """

    file_name: str
    version: str | None
    released_on: date | None
    digest: bytes


class Dump:
    """An open dump."""

    def __init__(self, stream: IO[bytes], size: int, release: Release) -> None:
        self.stream = stream
        self.size = size  # in bytes, unpacked
        self.release = release

    @property
    def bytes_read(self) -> int:
        return self.stream.tell()

    def entries(self) -> Iterator[Record | Refusal]:
        """Yield every record, or its refusal, in the order of the file. Raises DumpError."""
        seen: set[str] = set()
        for position, raw in enumerate(self._elements(), start=1):
            if position == 1:
                _check_schema(raw)
            yield _entry(position, raw, seen)
        if not seen:
            raise NotADump("The file has no record that could be imported.")

    def _elements(self) -> Iterator[object]:
        _skip_to_array(self.stream)
        count = 0  # the only thing that can be said of where a file breaks
        try:
            for raw in ijson.items(self.stream, "item", use_float=True):
                yield raw
                count += 1
        except ijson.IncompleteJSONError as error:
            raise DamagedDump(
                f"The file breaks off somewhere after record {count}: {_sentence(error)}"
            ) from error
        except ijson.JSONError as error:
            raise DamagedDump(
                f"The file is not JSON somewhere after record {count}: {_sentence(error)}"
            ) from error
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise DamagedDump(
                f"The zip is damaged somewhere after record {count}: {error}."
            ) from error


@contextmanager
def open_dump(path: Path) -> Iterator[Dump]:
    """Open a zip or JSON file. Raises DumpError, or OSError if the file cannot be opened."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
        file.seek(0)
        if file.read(2) != b"PK":  # by content, since people rename and unpack files
            file.seek(0)
            yield Dump(file, path.stat().st_size, _release(digest, path))
            return
        try:
            archive = zipfile.ZipFile(file)
        except zipfile.BadZipFile as error:
            raise DamagedDump(f"The zip is damaged or not all there: {error}.") from error
        with archive:
            member = _json_member(archive)
            with archive.open(member) as stream:
                yield Dump(stream, member.file_size, _release(digest, path, member))


def _release(digest: bytes, path: Path, member: zipfile.ZipInfo | None = None) -> Release:
    for name in ([member.filename] if member else []) + [path.name]:
        if (match := _RELEASE.search(name)) and (day := _day(match[2])):
            return Release(path.name, match[1], day, digest)
    return Release(path.name, None, _packed_on(member) if member else None, digest)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _packed_on(member: zipfile.ZipInfo) -> date | None:
    """The day in the zip; None for the first that a zip can name, which stands for none."""
    day = _day("{:04}-{:02}-{:02}".format(*member.date_time[:3]))
    return None if day == date(1980, 1, 1) else day


def _json_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """Return the JSON in schema v2; some releases contain one in v1 as well."""
    members = [
        member
        for member in archive.infolist()
        if member.filename.endswith(".json") and not member.filename.startswith("__MACOSX/")
    ]
    if not members:
        raise NotADump("The zip holds no JSON file; a ROR dump does.")
    if any(member.flag_bits & 1 for member in members):
        raise NotADump("The zip is encrypted; a ROR dump is not.")
    return next((member for member in members if "schema_v2" in member.filename), members[0])


def _skip_to_array(stream: IO[bytes]) -> None:
    """Skip a byte order mark, which the parser does not know. Raises NotADump."""
    start = stream.read(4096)
    skipped = len(_BYTE_ORDER_MARK) if start.startswith(_BYTE_ORDER_MARK) else 0
    if not start[skipped:].lstrip().startswith(b"["):
        raise NotADump("The file is not a JSON array of records, as a ROR dump is.")
    stream.seek(skipped)


def _check_schema(first: object) -> None:
    keys = first.keys() if isinstance(first, dict) else set()
    if keys & _KEYS_OF_V2:
        return
    if keys >= _KEYS_OF_V1:
        raise OldSchema("The file is a dump in ROR's schema v1; take the one in schema v2.")
    raise NotADump("The file is JSON, but its first record is not one of ROR's.")


def _entry(position: int, raw: object, seen: set[str]) -> Record | Refusal:
    try:
        record = read_record(raw)
        if record.id in seen:
            raise BrokenRecord("its id has occurred before")
    except BrokenRecord as error:
        claimed = raw.get("id") if isinstance(raw, dict) else None
        return Refusal(position, f"{claimed:.60}" if isinstance(claimed, str) else None, str(error))
    seen.add(record.id)
    return record


def _sentence(error: Exception) -> str:
    """Return the first line of the parser's message; the others draw the place with an arrow."""
    text = error.args[0] if error.args else error
    message = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    return f"{message.strip().splitlines()[0]}."
