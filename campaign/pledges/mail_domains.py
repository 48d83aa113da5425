"""Rules of staff for e-mail domains: hold, refuse at the form, trust. They are read into memory once a minute.

The most particular rule applies: one for "a.example.org" goes before one for "example.org".
"""

import time
from collections.abc import Mapping, Sequence
from threading import Lock

from sqlalchemy import select

from campaign import audit
from campaign.audit import Actor
from campaign.db import db
from campaign.hostnames import ascii_domain, public_suffix
from campaign.pledges.models import DomainRule, MailDomain
from campaign.staff.scopes import OutOfScope, Scope

KEPT_SECONDS = 60.0


class TooWide(ValueError):
    """The domain is one below which anyone can register."""


class _Kept:
    """The rules by domain, as they were read at most KEPT_SECONDS ago."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.forget()

    def forget(self) -> None:
        """Read the rules anew when they are asked for next."""
        self._rules: Mapping[str, DomainRule] = {}
        self._until = 0.0

    def rules(self) -> Mapping[str, DomainRule]:
        """Return the rules. While one thread reads them, the others use the earlier ones."""
        if time.monotonic() >= self._until and self._lock.acquire(blocking=False):
            try:
                self._rules = _read()
                self._until = time.monotonic() + KEPT_SECONDS
            finally:
                self._lock.release()
        return self._rules


def _read() -> dict[str, DomainRule]:
    rows = db.session.execute(select(MailDomain.domain, MailDomain.rule))
    return {domain: DomainRule(rule) for domain, rule in rows}


kept = _Kept()


def rule_for(domain: str) -> DomainRule | None:
    """The rule that applies to addresses at a domain; a change is seen within a minute."""
    rules = kept.rules()
    labels = domain.split(".") if rules else []
    names = (".".join(labels[start:]) for start in range(len(labels)))
    return next((rules[name] for name in names if name in rules), None)


def is_refused(domain: str) -> bool:
    """Whether the form takes no addresses at a domain."""
    return rule_for(domain) is DomainRule.REFUSE


def all_rules() -> Sequence[MailDomain]:
    """Every rule, by domain."""
    return db.session.scalars(select(MailDomain).order_by(MailDomain.domain)).all()


def set_rule(typed: str, rule: DomainRule | None, actor: Actor, scope: Scope) -> str:
    """Set the rule for a domain, or remove it; return the domain as the DNS has it.

    Rules apply everywhere, so only those set them who look after everything. Raises OutOfScope; InvalidDomain, and
    TooWide for a domain such as "ac.uk".
    """
    if not scope.is_everything:
        raise OutOfScope
    domain = ascii_domain(typed.strip().removeprefix("@"))
    if public_suffix(domain) in {None, domain}:
        raise TooWide(domain)
    row = db.session.get(MailDomain, domain)
    before = row.rule if row else None
    if row and rule is None:
        db.session.delete(row)
    elif row and rule:
        row.rule, row.actor = rule, actor
    elif rule:
        db.session.add(MailDomain(domain=domain, rule=rule, actor=actor))
    change = {"before": before, "after": rule}
    audit.record(actor, "domain rule set", f"mail-domain:{domain}", change)
    db.session.flush()
    kept.forget()
    return domain
