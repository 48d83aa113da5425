"""Check and clean one record of a ROR dump (schema v2), and reduce it to what the registry stores.

Source: ROR data structure, https://ror.readme.io/docs/ror-data-structure
"""

import re
import secrets
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from campaign.geography import is_country
from campaign.hostnames import InvalidDomain, ascii_domain, is_free_mail, registrable_domain
from campaign.institutions.models import OWN_MARK, Status, is_own
from campaign.institutions.words import telling_words
from campaign.text import Empty, TooLong, clean_line

MAX_NAME = 400  # the longest of 150,000 in release 2.9 has 207 characters
MAX_NAMES = 200
MAX_URL = 2000

# In ROR's documentation: a leading 0, six characters of Crockford's base 32, two check digits.
# Own ids begin with x.
_ID = re.compile(r"(?:https://ror\.org/(?=0))?(([0x][0-9a-hj-km-np-tv-z]{6})([0-9]{2}))")
# Crockford's digits leave out i, l, o and u; those of Python's int(…, 32) are the first letters without a gap.
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_BASE_32 = str.maketrans("jkmnpqrstvwxyz", "ijklmnopqrstuv")
LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_TYPE = re.compile(r"[a-z_-]{1,30}")
_PLAIN_HOST = re.compile(r"(?:(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
# Websites whose path is empty or only chooses a language or the first page. Any other path suggests that the host
# belongs to a larger institution.
_HOME_PAGE = re.compile(
    r"([^/?#@:]+)"
    r"(?:/(?:(?:[a-z]{1,2}(?:-[a-z]{2})?|eng|english|kor|lang|home|web|www|cms|html|site|pages|main|portal|guest"
    r"|index\.php)/)*"
    r"(?:[a-z]{1,2}(?:-[a-z]{2})?|eng|english|kor|home|web|main"
    r"|(?:index|home|homepage|default|main|site|english)\w*\.\w+)?)?"
    r"(?:\?(?:\w*la?ng\w*|lg|l)=[\w-]+(?:&\S*)?)?#?",
    re.IGNORECASE,
)
# Hosts that have the same owner as the one without this label.
_SISTER = re.compile(
    r"https?://(?:(?:www\d*|web|main|home|portal|en|eng|english|fr|ar)\.)*", re.IGNORECASE
)
# Characters that need no cleaning, which is slow; nearly all names have no others.
_CLEAN = re.compile(r"[!-~¡-¬®-ɏЀ-џ一-鿿ぁ-ゖァ-ー가-힣]+(?: [!-~¡-¬®-ɏЀ-џ一-鿿ぁ-ゖァ-ー가-힣]+)*")


class BrokenRecord(ValueError):
    """The record lacks a required value or has an invalid one; the message says which."""


class Label(NamedTuple):
    """An institution's name in one language; see ``models.Institution.labels``."""

    language: str
    name: str


class Name(NamedTuple):
    """One of an institution's names; ``kind`` is name, alias or acronym."""

    value: str
    kind: str


class Names(NamedTuple):
    """All names of an institution; ``displayed`` is the one ROR shows."""

    displayed: str
    labels: tuple[Label, ...]
    all: tuple[Name, ...]


class Record(NamedTuple):
    """One institution as the registry stores it; see ``models.Institution``.

    ``dropped_domains`` are those that it does not own alone; ``relationships`` is their number, of all kinds.
    """

    id: str
    status: Status
    types: tuple[str, ...]
    country: str
    subdivision: str | None
    subdivision_code: str | None
    city: str | None
    latitude: float | None
    longitude: float | None
    name: str
    labels: tuple[Label, ...]
    names: tuple[Name, ...]
    domains: tuple[str, ...]
    dropped_domains: tuple[str, ...]
    website: str | None
    website_host: str | None
    established: int | None
    parents: tuple[str, ...]
    successor_id: str | None
    relationships: int


def short_id(text: str) -> str | None:
    """Return the nine characters of a ROR id, given with or without its address, or of an own id; None if invalid.

    Source of the check digits: ISO/IEC 7064, MOD 97-10, over Crockford's base 32.
    """
    if not (match := _ID.fullmatch(text)):
        return None
    return match[1] if _check_digits(match[2]) == match[3] else None


def _check_digits(characters: str) -> str:
    return f"{98 - int(characters.translate(_BASE_32), 32) * 100 % 97:02}"


def new_own_id() -> str:
    """Return an id for an institution that ROR does not have: of ROR's form, and never one of ROR's."""
    characters = OWN_MARK + "".join(secrets.choice(_CROCKFORD) for _ in range(6))
    return characters + _check_digits(characters)


def ids_in(text: str) -> list[str]:
    """Return the valid ids that stand in the text, without their addresses."""
    words = re.findall(r"\b[0x][0-9a-z]{8}\b", text)
    return [word for word in words if short_id(word)]


def read_record(raw: object) -> Record:
    """Check and clean one element of a dump. Raises BrokenRecord."""
    if not isinstance(raw, dict):
        raise BrokenRecord("it is not an object")
    names = _names(_list(raw, "names"))
    place = _place(_list(raw, "locations"))
    domains = {
        domain: owned_domain(domain) for domain in _strings(_list(raw, "domains"), "domains")
    }
    relationships = _objects(_list(raw, "relationships"), "relationships")
    successors = _related(relationships, "successor")
    parents = _related(relationships, "parent")
    website = _website(_objects(_list(raw, "links"), "links"))
    return Record(
        id=_id(raw.get("id")),
        status=_status(raw.get("status")),
        types=tuple(
            kind for kind in _strings(_list(raw, "types"), "types") if _TYPE.fullmatch(kind)
        ),
        country=_country(place.get("country_code")),
        subdivision=_place_name(place, "country_subdivision_name"),
        subdivision_code=_place_name(place, "country_subdivision_code"),
        city=_place_name(place, "name"),
        latitude=_degrees(place, "lat", 90),
        longitude=_degrees(place, "lng", 180),
        name=names.displayed,
        labels=names.labels,
        names=names.all,
        domains=tuple(dict.fromkeys(owned for owned in domains.values() if owned)),
        dropped_domains=tuple(domain for domain, owned in domains.items() if not owned),
        website=website,
        website_host=website_host(website, parents, [name.value for name in names.all]),
        established=_year(raw.get("established")),
        parents=parents,
        successor_id=successors[0] if successors else None,
        relationships=len(relationships),
    )


def _list(raw: dict[str, Any], key: str) -> list[Any]:
    value = raw.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BrokenRecord(f"{key} is not a list")
    return value


def _strings(values: list[Any], key: str) -> list[str]:
    if not all(isinstance(value, str) for value in values):
        raise BrokenRecord(f"{key} has something that is not a text")
    return values


def _objects(values: list[Any], key: str) -> list[dict[str, Any]]:
    if not all(isinstance(value, dict) for value in values):
        raise BrokenRecord(f"{key} has something that is not an object")
    return values


def _id(value: object) -> str:
    if value is None:
        raise BrokenRecord("it has no id")
    if not isinstance(value, str) or not (id_ := short_id(value)) or is_own(id_):
        raise BrokenRecord(f"{value!r:.60} is not a ROR id")
    return id_


def _status(value: object) -> Status:
    try:
        return Status(value)  # type: ignore[arg-type]
    except ValueError:
        raise BrokenRecord(f"{value!r:.60} is not a status") from None


def _names(values: list[Any]) -> Names:
    """Sort out the names. The displayed one is preferred to other labels of its language."""
    if len(values) > MAX_NAMES:
        raise BrokenRecord(f"it has more than {MAX_NAMES} names")
    displayed = ""
    labels: dict[str, str] = {}
    kinds: dict[str, str] = {}  # by name: the same one is often listed twice
    for raw in _objects(values, "names"):
        value, types = _name(raw.get("value")), _list(raw, "types")
        kinds.setdefault(value, _name_kind(types))
        if "ror_display" in types:
            displayed = value
        language = _language(raw.get("lang")) if "label" in types else None
        if language and ("ror_display" in types or language not in labels):
            labels[language] = value
    if not displayed:
        raise BrokenRecord("it has no name to display (ror_display)")
    # In a fixed order, since the record's digest must change only when a label does.
    sorted_labels = tuple(Label(*label) for label in sorted(labels.items()))
    return Names(displayed, sorted_labels, tuple(Name(*name) for name in kinds.items()))


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise BrokenRecord("a name is not a text")
    return _line(value, "a name")


def _language(value: object) -> str | None:
    return value if isinstance(value, str) and LANGUAGE.fullmatch(value) else None


def _name_kind(types: list[Any]) -> str:
    if "acronym" in types:
        return "acronym"
    return "name" if "label" in types or "ror_display" in types else "alias"


def _line(value: str, what: str) -> str:
    try:
        clean = len(value) <= MAX_NAME and _CLEAN.fullmatch(value)
        return value if clean else clean_line(value, MAX_NAME)
    except Empty:
        raise BrokenRecord(f"{what} is empty") from None
    except TooLong as error:
        raise BrokenRecord(f"{what} has more than {error.limit} characters") from None


def _place(locations: list[Any]) -> dict[str, Any]:
    if not locations:
        raise BrokenRecord("it has no location")
    details = _objects(locations, "locations")[0].get("geonames_details")
    if not isinstance(details, dict):
        raise BrokenRecord("its location has no geonames_details")
    return details


def _country(value: object) -> str:
    if not isinstance(value, str) or not is_country(value):
        raise BrokenRecord(f"{value!r:.60} is not the code of a country")
    return value


def _place_name(place: dict[str, Any], key: str) -> str | None:
    value = place.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise BrokenRecord(f"{key} is not a text")
    return _line(value, key)


def _degrees(place: dict[str, Any], key: str, limit: int) -> float | None:
    value = place.get(key)
    if value is None:
        return None
    if (
        isinstance(value, bool)  # a number for Python
        or not isinstance(value, int | float)
        or not -limit <= value <= limit
    ):
        raise BrokenRecord(f"{key} is not a number between -{limit} and {limit}")
    return float(value)


def _year(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10_000:
        raise BrokenRecord(f"{value!r:.60} is not the year of an establishment")
    return value


def _related(relationships: list[dict[str, Any]], kind: str) -> tuple[str, ...]:
    ids = (str(other.get("id")) for other in relationships if other.get("type") == kind)
    short_ids = (short for id_ in ids if (short := short_id(id_)) and not is_own(short))
    return tuple(dict.fromkeys(short_ids))


@lru_cache(1024)  # asked again for the website, whose host is mostly the domain
def owned_domain(domain: str) -> str | None:
    """Return the domain as the DNS has it; None if it is invalid or anyone can have an address there."""
    host = domain.lower()
    if not _PLAIN_HOST.fullmatch(host):  # nearly all are plain, and the check of the others is slow
        try:
            host = ascii_domain(domain)
        except InvalidDomain:
            return None
    return host if registrable_domain(host) and not is_free_mail(host) else None


def _website(links: list[dict[str, Any]]) -> str | None:
    """Return the address of the first website, or None if it is not one for a browser."""
    url = next((link.get("value") for link in links if link.get("type") == "website"), None)
    if not isinstance(url, str) or len(url) > MAX_URL:
        return None
    return url if url.startswith(("https://", "http://")) and url.isprintable() else None


def website_host(website: str | None, parents: Sequence[str], names: Iterable[str]) -> str | None:
    """Return the website's host if it seems to be the institution's own."""
    return _own_host(website) or (None if parents else _host_by_name(website, names))


def _own_host(website: str | None) -> str | None:
    """Return the website's host if it seems to be the institution's own; see ``_HOME_PAGE``."""
    home = _HOME_PAGE.fullmatch(_SISTER.sub("", website or ""))
    return owned_domain(home[1]) if home else None


def _host_by_name(website: str | None, names: Iterable[str]) -> str | None:
    """Return the host of any page, if it is named after the institution: uni-tuebingen.de."""
    host = re.split(r"[/?#@:]", _SISTER.sub("", website or ""), maxsplit=1)[0]
    label = {*telling_words(host.split(".")[0].replace("-", " "))} - {"university"}
    words = {word for name in names for word in telling_words(name)}
    return owned_domain(host) if label & words else None
