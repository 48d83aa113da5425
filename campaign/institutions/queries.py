"""Read the registry: by name as people type it, by ROR id, by e-mail domain."""

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import bindparam, exists, func, or_, select, text, tuple_

from campaign.db import db
from campaign.geography import is_country
from campaign.hostnames import InvalidDomain, ascii_domain, is_free_mail, registrable_domain
from campaign.institutions import search as name_search
from campaign.institutions.models import (
    OWN_MARK,
    SUCCESSOR,
    Institution,
    InstitutionCorrection,
    RegistryImport,
    Status,
)
from campaign.institutions.records import ids_in, short_id
from campaign.institutions.search import LONGEST_QUERY
from campaign.staff.scopes import Scope

_MOST_PROPOSALS = 5
# An e-mail address, a host or the address of a page.
_ADDRESS = re.compile(r"(?:https?://)?(?:[^\s@/]{1,64}@)?((?:[\w-]+\.)+[^\W\d]{2,})(?:[/?#]\S*)?")
# What a registered domain counts beside weight, compared with a website.
_OFFICIAL = 0.5
_BY_ID = select(Institution).where(Institution.id == bindparam("id"))
# Plain SQL, built once: every pledge runs it, and needs three columns of twenty.
_AFFILIATION = text(
    "SELECT id, country, domains FROM institutions WHERE id = :id AND status = 'active'"
)


@dataclass(frozen=True, slots=True)
class Match:
    """An institution as a search offers it.

    ``name`` is in the reader's language; ``other_name`` is the one ROR displays, if it differs. ``acronym`` is set
    if it was typed. ``country`` is an ISO 3166-1 alpha-2 code. ``score`` says how well ``matched_name``, the one
    that was found, answers the query: from 0 to 1.
    """

    id: str
    name: str
    other_name: str | None
    city: str | None
    country: str
    acronym: str | None
    # How sure the match is, from 0 to 1, and the name that was found.
    score: float
    matched_name: str


@dataclass(frozen=True, slots=True)
class Affiliation:
    """The part of an institution that a pledge needs."""

    id: str
    country: str
    domains: Sequence[str]


def search(query: str, *, locale: str, country: str | None = None, limit: int = 10) -> list[Match]:
    """Return at most ``limit`` institutions with a name like the query, the best match first.

    Those in the reader's ``country`` are preferred; an invalid code counts as unknown. Withdrawn records are found
    by their names, but returned as their successors. A ROR id in the query answers for itself, an address of mail
    or the web for its domain. ``campaign.institutions.search`` says how names are found.
    """
    query = query[:LONGEST_QUERY]
    if named := _named_by_address(query, locale):
        return named[:limit]
    # Twice as many, since several records may lead to one successor and others to none.
    hits = name_search.find(query, country if country and is_country(country) else None, limit * 2)
    institutions = by_ids([hit.institution_id for hit in hits])
    matches: dict[str, Match] = {}
    for hit in hits:
        institution = institutions.get(hit.institution_id)
        if institution and institution.status == Status.WITHDRAWN:
            institution = _last_of_chain(institution)
        if institution and institution.status != Status.WITHDRAWN and institution.id not in matches:
            matches[institution.id] = _match(institution, locale, hit)
    return list(matches.values())[:limit]


def _named_by_address(query: str, locale: str) -> list[Match]:
    """Return the institution whose ROR id the query has, or those at its domain if it is nothing but an address."""
    for id_ in ids_in(query):
        institution = resolve(id_)
        if institution and institution.status == Status.ACTIVE:
            return [_match(institution, locale)]
    address = _ADDRESS.fullmatch(query.strip())
    return propose_by_domain(address[1], locale=locale) if address else []


def listed(
    *, country: str | None = None, after: str | None = None, limit: int
) -> Sequence[Institution]:
    """Return active institutions in the order of their ROR ids, from the one following ``after``."""
    rows = (
        select(Institution)
        .where(Institution.status == Status.ACTIVE)
        .order_by(Institution.id)
        .limit(limit)
    )
    if country:
        rows = rows.where(Institution.country == country)
    if after:
        rows = rows.where(Institution.id > after)
    return db.session.scalars(rows).all()


class Only(StrEnum):
    """Which institutions staff look at."""

    CORRECTED = "corrected"
    OWN = "own"
    MERGED = "merged"


def browse(
    scope: Scope, only: Only | None, after: tuple[str, str] | None, limit: int
) -> Sequence[Institution]:
    """Return institutions of every status within a scope, in the order of names; ``after`` is (name, id)."""
    rows = (
        select(Institution)
        .where(scope.criterion(Institution.country, Institution.id))
        .order_by(Institution.name, Institution.id)
        .limit(limit)
    )
    if only:
        rows = rows.where(_ONLY[only])
    if after:
        rows = rows.where(tuple_(Institution.name, Institution.id) > after)
    return db.session.scalars(rows).all()


_CORRECTION = exists().where(InstitutionCorrection.institution_id == Institution.id)
_IS_MERGE = InstitutionCorrection.field == SUCCESSOR
_ONLY = {
    Only.CORRECTED: _CORRECTION.where(~_IS_MERGE),
    Only.OWN: Institution.id.startswith(OWN_MARK),
    Only.MERGED: _CORRECTION.where(_IS_MERGE),
}


def by_ids(ids: Sequence[str]) -> dict[str, Institution]:
    """Return the records with these ids, whatever their status, by id; ids not in the registry are left out."""
    institutions = db.session.scalars(select(Institution).where(Institution.id.in_(ids)))
    return {institution.id: institution for institution in institutions}


def get(institution_id: str) -> Institution | None:
    """Return the record with this ROR id, written with or without its address, whatever its status."""
    id_ = short_id(institution_id)
    return db.session.scalar(_BY_ID, {"id": id_}) if id_ else None


def resolve(institution_id: str) -> Institution | None:
    """Return the record that replaces this one today: the last of its successors, or itself."""
    institution = get(institution_id)
    return institution and _last_of_chain(institution)


def affiliation(institution_id: str) -> Affiliation | None:
    """Return what a pledge needs of the institution that this ROR id stands for today; see ``resolve``."""
    id_ = short_id(institution_id)
    row = id_ and db.session.connection().execute(_AFFILIATION, {"id": id_}).first()
    if row:
        return Affiliation(*row)
    current = resolve(institution_id)
    return Affiliation(current.id, current.country, current.domains) if current else None


def propose_by_domain(email_domain: str, *, locale: str) -> list[Match]:
    """Return institutions that the owner of such an address may belong to, the likeliest first.

    The host nearest to the address comes first (a department's before the university's); of several
    units that share a host, the one that the others belong to. Empty for free mail and invalid domains.
    """
    hosts = _hosts(email_domain)
    if not hosts:
        return []
    records = db.session.scalars(
        select(Institution).where(
            or_(Institution.domains.overlap(hosts), Institution.website_host.in_(hosts))
        )
    )
    candidates = _current(records)
    if all(item.parents for item in candidates.values()):
        owners = [
            parent
            for item in candidates.values()
            if hosts[-1] in item.domains
            for parent in item.parents
        ]
        candidates |= _current(by_ids(owners).values())
    likeliest = sorted(
        candidates.values(), key=lambda item: _distance_to_host(item, hosts, candidates)
    )
    return [_match(institution, locale) for institution in likeliest[:_MOST_PROPOSALS]]


def _current(records: Iterable[Institution]) -> dict[str, Institution]:
    """Return the institutions that the records stand for today, those that still exist, by id."""
    successors = map(_last_of_chain, records)
    return {item.id: item for item in successors if item.status == Status.ACTIVE}


def is_empty() -> bool:
    """Whether the registry has no institution yet."""
    return db.session.scalar(select(Institution.id).limit(1)) is None


def latest_imports(limit: int) -> Sequence[RegistryImport]:
    """Return the last imports, the newest first."""
    newest = select(RegistryImport).order_by(RegistryImport.id.desc()).limit(limit)
    return db.session.scalars(newest).all()


def latest_release() -> RegistryImport | None:
    """Return the last import of a release of ROR; None where only files were imported that name none."""
    releases = select(RegistryImport).where(RegistryImport.version.is_not(None))
    return db.session.scalar(releases.order_by(RegistryImport.id.desc()).limit(1))


def number_of_active() -> int:
    """Return how many institutions a search can return."""
    active = select(func.count()).select_from(Institution)
    return db.session.scalar(active.where(Institution.status == Status.ACTIVE)) or 0


def starter_path() -> Path:
    """Return the path of the registry that ships with the program: a dump of some hundred institutions."""
    return Path(__file__).with_name("starter.json")


def has_domain(institution: Institution | Affiliation, domain: str) -> bool:
    """Whether the domain is one of the institution's own, or below one. False for an invalid domain."""
    try:
        host = ascii_domain(domain)
    except InvalidDomain:
        return False
    return any(host == own or host.endswith(f".{own}") for own in institution.domains)


def name_in(institution: Institution, locale: str) -> str:
    """Return the name in the reader's language, or the one ROR displays if there is none.

    Falls back from a tag to its parents (zh-Hans to zh, pt-BR to pt): RFC 4647, lookup.
    """
    tag = locale
    while tag:
        if name := institution.labels.get(tag):
            return name
        tag = tag.rpartition("-")[0]
    return institution.name


def _last_of_chain(institution: Institution) -> Institution:
    """Follow successors as far as the registry has them, to the first active one."""
    seen = {institution.id}  # nothing in a dump keeps two records from naming each other
    while institution.status != Status.ACTIVE and institution.successor_id not in {None, *seen}:
        successor = db.session.get(Institution, institution.successor_id)
        if successor is None:
            break
        seen.add(successor.id)
        institution = successor
    return institution


def _match(institution: Institution, locale: str, hit: name_search.Hit | None = None) -> Match:
    name = name_in(institution, locale)
    return Match(
        id=institution.id,
        name=name,
        other_name=institution.name if institution.name != name else None,
        city=institution.city,
        country=institution.country,
        acronym=hit.acronym if hit else None,
        score=hit.score if hit else 1.0,
        matched_name=hit.name if hit else institution.name,
    )


def _hosts(email_domain: str) -> list[str]:
    """Return the domain and those above it, up to the registrable one; see ``hostnames``."""
    try:
        host = ascii_domain(email_domain)
    except InvalidDomain:
        return []
    registrable = registrable_domain(host)
    if registrable is None or is_free_mail(host):
        return []
    labels = host.removesuffix(registrable).split(".")[:-1]
    return [".".join([*labels[start:], registrable]) for start in range(len(labels) + 1)]


def _distance_to_host(
    institution: Institution, hosts: Sequence[str], others: Container[str]
) -> tuple[int, bool, float]:
    """Sort key: the nearest host, parents before their units, then weight and whether the domain is registered.

    A parent that has none of the hosts owns the last, which its unit has.
    """
    official = [hosts.index(domain) for domain in institution.domains if domain in hosts]
    website = [hosts.index(host) for host in [institution.website_host] if host in hosts]
    return (
        min(official + website, default=len(hosts) - 1),
        any(parent in others for parent in institution.parents),
        -institution.weight - (_OFFICIAL if official else 0.0),
    )
