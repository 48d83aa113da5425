"""Rules for e-mail domains: hold, refuse at the form, trust; kept in memory for a minute."""

import pytest
from sqlalchemy import select

from campaign.audit import AuditEvent
from campaign.db import db
from campaign.hostnames import InvalidDomain
from campaign.pledges import mail_domains
from campaign.pledges.mail_domains import TooWide, rule_for, set_rule
from campaign.pledges.models import DomainRule
from campaign.staff.scopes import EVERYTHING, OutOfScope, Scope
from tests.factories import STAFF, context, submitted
from tests.pledges.test_holding import LIMITS, NETWORK, pledged_from_network, reasons
from tests.statements import statements

pytestmark = pytest.mark.usefixtures("session")


def set_(domain: str, rule: DomainRule | None) -> None:
    set_rule(domain, rule, STAFF, EVERYTHING)


def test_a_pledge_from_a_domain_to_hold_is_held() -> None:
    set_("throwaway.example.com", DomainRule.HOLD)
    assert reasons("w@throwaway.example.com") == ["domain"]
    assert reasons("w@mail.throwaway.example.com") == ["domain"]
    assert reasons("w@other.example.com") == []


def test_a_trusted_domain_is_not_held_for_its_network() -> None:
    pledged_from_network(LIMITS.per_network)
    assert reasons("w@trusted.example.com") == ["network"]
    set_("trusted.example.com", DomainRule.TRUST)
    assert reasons("w@trusted.example.com") == []
    assert reasons("w@trusted.example.com", context=context(network_hash=NETWORK, honeypot_filled=True)) == [
        "honeypot"
    ]  # fmt: skip


def test_the_most_particular_rule_applies() -> None:
    set_("example.com", DomainRule.REFUSE)
    set_("good.example.com", DomainRule.TRUST)
    assert rule_for("bad.example.com") is DomainRule.REFUSE
    assert mail_domains.is_refused("example.com")
    assert rule_for("a.good.example.com") is DomainRule.TRUST
    assert rule_for("notexample.com") is None


def test_a_rule_is_changed_and_removed_and_each_change_is_recorded() -> None:
    set_("@Bücher.example.com ", DomainRule.HOLD)
    (rule,) = mail_domains.all_rules()
    assert (rule.domain, rule.rule, rule.actor) == (
        "xn--bcher-kva.example.com",
        "hold",
        STAFF,
    )
    set_("bücher.example.com", DomainRule.TRUST)
    set_("bücher.example.com", None)
    assert mail_domains.all_rules() == []
    recorded = select(AuditEvent.details).where(AuditEvent.action == "domain rule set")
    assert db.session.scalars(recorded.order_by(AuditEvent.id)).all() == [
        {"before": None, "after": "hold"},
        {"before": "hold", "after": "trust"},
        {"before": "trust", "after": None},
    ]


@pytest.mark.parametrize(("domain", "error"), [
    ("ac.uk", TooWide), ("com", TooWide), ("localhost", TooWide), ("a b", InvalidDomain), ("", InvalidDomain),
])  # fmt: skip
def test_a_rule_for_half_the_world_is_refused(domain: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        set_(domain, DomainRule.HOLD)


def test_rules_apply_everywhere_so_a_coordinator_sets_none() -> None:
    with pytest.raises(OutOfScope):
        set_rule("a.example.com", DomainRule.HOLD, STAFF, Scope(countries=frozenset({"CL"})))


def test_pledges_ask_for_the_rules_once_a_minute() -> None:
    submitted("a@example.org")
    with statements() as asked:
        submitted("b@example.org")
    assert not any("mail_domains" in statement for statement in asked)
