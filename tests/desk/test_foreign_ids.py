"""Every address with an id × role × scope: what belongs to others is not there, and is not changed."""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product

import pytest
from flask import Flask

from campaign.db import db
from campaign.institutions.models import Institution
from campaign.pledges.invalidation import INVALIDATE
from campaign.pledges.models import Pledge
from campaign.staff.models import Account, StaffSession
from campaign.staff.rules import Role
from campaign.staff.scopes import Scope
from campaign.tasks import Task
from tests.desk.conftest import Desk
from tests.factories import STAFF, account, confirmed, institution

ARGUMENT = re.compile(r"<(?:[^:<>]+:)?(\w+)>")
KENYA = Scope(countries=frozenset({"KE"}))
LIMITED = [role for role in Role if role is not Role.ADMINISTRATOR]
# These belong to no country: whoever has the permission looks after all of them.
OF_ALL = {
    "act", "code", "import_id", "key_id", "locale", "milestone_id", "name", "secret", "slug", "webhook_id",
}  # fmt: skip


@pytest.fixture
def abroad(sign_in: Callable[..., Desk]) -> Mapping[str, str]:
    """What belongs to Chile, and to someone else at the desk, by the names that addresses have for it."""
    university = institution(country="CL")
    pledge = confirmed("abroad@example.org", country="CL", institution=university.id)
    task = Task(kind=INVALIDATE.name, actor=STAFF, plan={}, total=1)
    colleague = account()
    db.session.add(task)
    db.session.flush()
    sign_in(who=colleague)
    session = db.session.query(StaffSession).filter_by(account_id=colleague.id).one()
    return {
        "pledge_id": str(pledge.id),
        "person_id": str(pledge.person_id),
        "institution_id": university.id,
        "task_id": str(task.id),
        "account_id": str(colleague.id),
        "session_id": str(session.id),
        "passkey_id": str(session.id),
    }


def addresses(desk: Flask, ids: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Method and address of every view about one of these."""
    for rule in desk.url_map.iter_rules():
        assert rule.arguments <= ids.keys() | OF_ALL | {"filename"}, rule
        if rule.arguments and rule.arguments <= ids.keys():
            path = ARGUMENT.sub(lambda found: ids[found[1]], rule.rule)
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                yield method, path


def as_it_is(ids: Mapping[str, str]) -> list[object]:
    """All that a request could have changed."""
    pledge = db.session.get_one(Pledge, ids["pledge_id"])
    university = db.session.get_one(Institution, ids["institution_id"])
    colleague = db.session.get_one(Account, ids["account_id"])
    return [
        pledge.status,
        pledge.words,
        pledge.pin,
        university.name,
        university.domains,
        db.session.get_one(Task, ids["task_id"]).state,
        colleague.roles,
        colleague.ended_at,
        db.session.get_one(StaffSession, ids["session_id"]).ended_at,
    ]


@pytest.mark.parametrize(("role", "is_steward"), list(product(LIMITED, [False, True])))
def test_what_is_abroad_is_not_there(
    desk: Flask,
    sign_in: Callable[..., Desk],
    abroad: Mapping[str, str],
    role: Role,
    is_steward: bool,
) -> None:
    scope = Scope(institution_id=institution().id) if is_steward else KENYA
    browser, before = sign_in(role, scope=scope), as_it_is(abroad)
    for method, path in addresses(desk, abroad):
        answer = browser.open(path, method=method, data={"reason": "other", "words": "No."})
        assert answer.status_code in {403, 404}, (method, path, answer.status_code)
    db.session.expire_all()
    assert as_it_is(abroad) == before
