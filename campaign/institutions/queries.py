"""Reading the registry: by name as people type it, by id, by e-mail domain."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import bindparam, or_, select, text

from campaign.db import db
from campaign.geography import is_country
from campaign.hostnames import InvalidDomain, ascii_domain, is_free_mail, registrable_domain
from campaign.institutions import search as names
from campaign.institutions.models import Institution, Status
from campaign.institutions.records import short_id

_MOST_PROPOSALS = 5
_BY_ID = select(Institution).where(Institution.id == bindparam("id"))
# Built once: every pledge passes here.
_AFFILIATION = text(
    "SELECT id, country, domains FROM institutions WHERE id = :id AND status = 'active'"
)


@dataclass(frozen=True, slots=True)
class Match:
    """One line of what a search offers.

    ``other_name`` is the name ROR displays, where the reader's language has another; ``acronym`` the one that
    was typed, if it was; ``country`` an ISO 3166-1 alpha-2 code.
    """

    id: str
    name: str
    other_name: str | None
    city: str | None
    country: str
    acronym: str | None


@dataclass(frozen=True, slots=True)
class Affiliation:
    """As much of an institution as a pledge has to know."""

    id: str
    country: str
    domains: Sequence[str]


def search(query: str, *, locale: str, country: str | None = None, limit: int = 10) -> list[Match]:
    """Institutions with a name like the query, best first, those of the reader's country before others.

    A withdrawn record is found by its names, but leads to its successor. Any text will do, and a ``country`` that
    is none counts as unknown. How it is found: ``campaign.institutions.search``.
    """
    hits = names.find(query, country if country and is_country(country) else None, limit * 2)
    found = by_ids([hit.institution_id for hit in hits])
    matches: dict[str, Match] = {}
    for hit in hits:
        institution = found.get(hit.institution_id)
        if institution and institution.status == Status.WITHDRAWN:
            institution = _last_of_chain(institution)
        if institution and institution.status != Status.WITHDRAWN and institution.id not in matches:
            matches[institution.id] = _match(institution, hit.acronym, locale)
    return list(matches.values())[:limit]


def listed(
    *, country: str | None = None, after: str | None = None, limit: int
) -> Sequence[Institution]:
    """Active institutions in the order of their ROR ids, those after ``after`` only."""
    found = (
        select(Institution)
        .where(Institution.status == Status.ACTIVE)
        .order_by(Institution.id)
        .limit(limit)
    )
    if country:
        found = found.where(Institution.country == country)
    if after:
        found = found.where(Institution.id > after)
    return db.session.scalars(found).all()


def by_ids(ids: Sequence[str]) -> dict[str, Institution]:
    """Records by their ids, whatever their status; those not in the registry are left out."""
    found = db.session.scalars(select(Institution).where(Institution.id.in_(ids)))
    return {institution.id: institution for institution in found}


def get(institution_id: str) -> Institution | None:
    """The record with this ROR id, with or without its address, whatever its status."""
    id_ = short_id(institution_id)
    return db.session.scalar(_BY_ID, {"id": id_}) if id_ else None


def resolve(institution_id: str) -> Institution | None:
    """The record that stands for this one today: itself, or the last of its successors in the registry."""
    institution = get(institution_id)
    return institution and _last_of_chain(institution)


def affiliation(institution_id: str) -> Affiliation | None:
    """What stands for this ROR id today, as ``resolve`` says, without all the names of a record."""
    id_ = short_id(institution_id)
    row = id_ and db.session.connection().execute(_AFFILIATION, {"id": id_}).first()
    if row:
        return Affiliation(*row)
    found = resolve(institution_id)
    return Affiliation(found.id, found.country, found.domains) if found else None


def propose_by_domain(email_domain: str, *, locale: str) -> list[Match]:
    """Institutions where somebody with such an address may work, the likeliest first.

    The host nearest to the address comes first (a department's before the university's); of several
    units that share a host, the one that the others belong to. Nothing for free mail and nonsense.
    """
    hosts = _hosts(email_domain)
    if not hosts:
        return []
    found = db.session.scalars(
        select(Institution).where(
            or_(Institution.domains.overlap(hosts), Institution.website_host.in_(hosts))
        )
    )
    current = {
        today.id: today for one in found if (today := _last_of_chain(one)).status == Status.ACTIVE
    }
    likeliest = sorted(
        current.values(), key=lambda one: _distance_to_host(one, hosts, current.keys())
    )
    return [_match(institution, None, locale) for institution in likeliest[:_MOST_PROPOSALS]]


def is_empty() -> bool:
    """Whether nothing was imported yet."""
    return db.session.scalar(select(Institution.id).limit(1)) is None


def starter_path() -> Path:
    """The registry that ships with the program: some hundred institutions, in a dump's shape."""
    return Path(__file__).with_name("starter.json")


def has_domain(institution: Institution | Affiliation, domain: str) -> bool:
    """Whether mail from this domain, or one below, comes from the institution's own domains."""
    try:
        host = ascii_domain(domain)
    except InvalidDomain:
        return False
    return any(host == own or host.endswith(f".{own}") for own in institution.domains)


def name_in(institution: Institution, locale: str) -> str:
    """The name in the reader's language, else the one ROR displays.

    Falls back from a tag to its parents (zh-Hans to zh, pt-BR to pt): RFC 4647, lookup.
    """
    tag = locale
    while tag:
        if name := institution.labels.get(tag):
            return name
        tag = tag.rpartition("-")[0]
    return institution.name


def _last_of_chain(institution: Institution) -> Institution:
    seen = {institution.id}
    while institution.status != Status.ACTIVE and institution.successor_id not in {None, *seen}:
        successor = db.session.get(Institution, institution.successor_id)
        if successor is None:
            break
        seen.add(successor.id)
        institution = successor
    return institution


def _match(institution: Institution, acronym: str | None, locale: str) -> Match:
    name = name_in(institution, locale)
    return Match(
        id=institution.id,
        name=name,
        other_name=institution.name if institution.name != name else None,
        city=institution.city,
        country=institution.country,
        acronym=acronym,
    )


def _hosts(email_domain: str) -> list[str]:
    """The domain and those above it, down to the one that has an owner."""
    try:
        host = ascii_domain(email_domain)
    except InvalidDomain:
        return []
    owned = registrable_domain(host)
    if owned is None or is_free_mail(host):
        return []
    labels = host.removesuffix(owned).split(".")[:-1]
    return [".".join([*labels[start:], owned]) for start in range(len(labels) + 1)]


def _distance_to_host(
    institution: Institution, hosts: Sequence[str], others: Container[str]
) -> tuple[int, bool, bool, float]:
    official = [hosts.index(domain) for domain in institution.domains if domain in hosts]
    website = [hosts.index(host) for host in [institution.website_host] if host in hosts]
    belongs_to_other = any(parent in others for parent in institution.parents)
    return (
        min(official + website, default=len(hosts)),
        not official,
        belongs_to_other,
        -institution.weight,
    )
