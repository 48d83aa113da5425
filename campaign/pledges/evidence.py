"""What speaks for and against a pledge for an institution, for the staff who decide whether it counts.

A mailbox at an institution proves that its owner belongs there, not that they may speak for it: a student has one,
too. So nothing is decided here, and nothing is scored; each line is something that staff can check.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import func, select

from campaign.db import db
from campaign.hostnames import is_free_mail
from campaign.institutions.models import Institution
from campaign.institutions.queries import has_domain
from campaign.people.models import Person
from campaign.people.queries import is_at_domain
from campaign.people.rules import Address, parse_address
from campaign.pledges.holding import WINDOW
from campaign.pledges.models import Kind, Pledge, Status

# Labels of domains that universities give to their students and graduates, in many languages.
_STUDENTS = re.compile(
    r"(?:my|e)?stud(?:en[ct]\w*|enti|s)?\d*|alum\w*|aluno\w*|est[ou]d(?:i?ant\w*)|etud?\w{0,8}"
    r"|mhs|mahasiswa|siswa|ogr|ogrenci|hallgato|opiskelija|learners?|grads?|undergrads?"
)
# Mailboxes of an office rather than of a person, as far as it leads an institution.
_OFFICES = re.compile(
    r"(?:office|oficina|cabinet|secretariat|sekretariat|buero)?[._-]?(?:of[._-]?)?(?:the[._-]?)?"
    r"(?:president|presidence|presidencia|praesident(?:in)?|rector(?:ate|at|ado|ia)?|rektor(?:at|a)?|rettore|rettorato"
    r"|reitor(?:ia)?|chancellor|vc|vice-?chancellor|provost|principal|director(?:ate)?|direktor|direction|dean|kanzler)"
    r"(?:[._-]?(?:office|secretary|secretariat))?"
)
_OF_STUDENTS = frozenset({"student", "doctoral", "alumni"})


class Side(StrEnum):
    """What a piece of evidence speaks for."""

    FOR = "for"
    AGAINST = "against"
    # To look at: it depends.
    NEITHER = "neither"


@dataclass(frozen=True)
class Evidence:
    """One thing to know about a pledge: a code, the side it speaks for, what was found."""

    side: Side
    code: str
    found: str


def evidence(pledge: Pledge) -> list[Evidence]:
    """All that is known of a pledge, what speaks for it first."""
    address = parse_address(pledge.person.address)
    is_official = pledge.kind == Kind.INSTITUTION and pledge.institution is not None
    known = _of_official(pledge, address) if is_official else _of_one_person(pledge, address)
    return sorted(known, key=lambda item: list(Side).index(item.side))


def _of_official(pledge: Pledge, address: Address) -> list[Evidence]:
    institution = pledge.institution
    assert institution is not None, "an official pledge is that of an institution"
    return [
        *_of_domain(address, institution),
        *_of_mailbox(address),
        *_of_person(pledge),
        *_of_others(pledge),
        *_of_colleagues(institution.id),
        *_of_company(pledge, address),
        *_to_look_at(pledge, institution),
    ]


def _of_one_person(pledge: Pledge, address: Address) -> list[Evidence]:
    known = [*_of_company(pledge, address)]
    if pledge.own_mailbox:
        known.append(Evidence(Side.FOR, "own-domain", address.domain))
    elif is_free_mail(address.domain):
        known.append(Evidence(Side.NEITHER, "free-mail", address.domain))
    if pledge.orcid:
        known.append(Evidence(Side.NEITHER, "orcid", pledge.orcid))
    return known


def _of_company(pledge: Pledge, address: Address) -> Iterator[Evidence]:
    """Who else came from the same network, about then, and from the same domain, ever."""
    near = Pledge.submitted_at.between(pledge.submitted_at - WINDOW, pledge.submitted_at + WINDOW)
    others = select(func.count()).where(Pledge.network_hash == pledge.network_hash, near)
    if number := db.session.scalar(others.where(Pledge.id != pledge.id)):
        yield Evidence(Side.AGAINST, "same-network", str(number))
    if not pledge.own_mailbox and not is_free_mail(address.domain):
        same = select(Person.id).where(is_at_domain(address.domain)).limit(2)
        if len(db.session.scalars(same).all()) == 1:
            yield Evidence(Side.AGAINST, "alone-at-domain", address.domain)


def _of_colleagues(institution_id: str) -> Iterator[Evidence]:
    """How many people of the institution have pledged, and how many of them from a mailbox there."""
    theirs = select(func.count(), func.count().filter(Pledge.own_mailbox.is_(True))).where(
        Pledge.institution_id == institution_id,
        Pledge.kind == Kind.PERSON,
        Pledge.status == Status.CONFIRMED,
    )
    people, at_own_domain = db.session.execute(theirs).one()
    if people:
        yield Evidence(Side.FOR, "colleagues", str(people))
    if at_own_domain:
        yield Evidence(Side.FOR, "colleagues-at-own-domain", str(at_own_domain))


def _of_domain(address: Address, institution: Institution) -> Iterator[Evidence]:
    """Where the mailbox is: the institution's own domain, one below it, one for students, another."""
    domain = address.domain
    if any(_STUDENTS.fullmatch(label) for label in domain.split(".")):
        yield Evidence(Side.AGAINST, "student-domain", domain)
    if domain in institution.domains:
        yield Evidence(Side.FOR, "own-domain", domain)
    elif has_domain(institution, domain):
        yield Evidence(Side.NEITHER, "below-own-domain", domain)
    elif _is_at_website(domain, institution):
        yield Evidence(Side.FOR, "website-domain", domain)
    elif is_free_mail(domain):
        yield Evidence(Side.AGAINST, "free-mail", domain)
    else:
        yield Evidence(Side.AGAINST, "other-domain", domain)


def _is_at_website(domain: str, institution: Institution) -> bool:
    host = (institution.website_host or "").removeprefix("www.")
    return bool(host) and (domain == host or domain.endswith(f".{host}"))


def _of_mailbox(address: Address) -> Iterator[Evidence]:
    mailbox = address.original.rpartition("@")[0].casefold()
    if _OFFICES.fullmatch(mailbox):
        yield Evidence(Side.FOR, "office-mailbox", mailbox)


def _of_person(pledge: Pledge) -> Iterator[Evidence]:
    """What the same person has pledged before: for themself as a student, or for the institution elsewhere."""
    theirs = select(Pledge).where(Pledge.person_id == pledge.person_id, Pledge.id != pledge.id)
    for other in db.session.scalars(theirs.where(Pledge.status == Status.CONFIRMED)):
        if other.role in _OF_STUDENTS:
            yield Evidence(Side.AGAINST, "pledged-as-student", f"{other.role} ({other.id})")
        elif other.kind == Kind.INSTITUTION and other.institution_id == pledge.institution_id:
            yield Evidence(Side.FOR, "accepted-before", str(other.id))


def _of_others(pledge: Pledge) -> Iterator[Evidence]:
    """Other people who speak for the same institution, or wish to."""
    others = select(Pledge).where(
        Pledge.campaign_id == pledge.campaign_id,
        Pledge.institution_id == pledge.institution_id,
        Pledge.kind == Kind.INSTITUTION,
        Pledge.id != pledge.id,
        Pledge.status.in_([Status.CONFIRMED, Status.HELD]),
    )
    for other in db.session.scalars(others.order_by(Pledge.submitted_at)):
        code = "speaks-already" if other.status == Status.CONFIRMED else "waits-too"
        yield Evidence(Side.AGAINST, code, f"{other.name}, {other.office} ({other.id})")


def _to_look_at(pledge: Pledge, institution: Institution) -> Iterator[Evidence]:
    yield Evidence(Side.NEITHER, "office", pledge.office or "")
    if institution.website:
        yield Evidence(Side.NEITHER, "website", institution.website)
