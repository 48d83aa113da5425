"""What staff do for partners, by page: secrets are shown once, and a steward reaches the own institution only."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.audit import AuditEvent
from campaign.clock import now
from campaign.db import db
from campaign.desk import partners
from campaign.partners import operations, queries, webhooks
from campaign.partners.models import PartnerEvent
from campaign.staff.rules import Role
from campaign.staff.scopes import Scope
from tests.desk.conftest import Desk
from tests.factories import STAFF, institution, policy
from tests.partners.conftest import Partner, partner
from tests.statements import statements

SignIn = Callable[..., Desk]
SITE = "https://www.uni.ac.ke"
__all__ = ["partner"]


@pytest.fixture
def home(session: Session) -> str:
    made = institution(name="University of the Lake", domains=["lake.ac.ke"])
    db.session.commit()
    return made.id


def trail() -> list[str]:
    """What the trail of partners says, each line with its line in the record, by the account."""
    events = db.session.scalars(select(PartnerEvent).order_by(PartnerEvent.id)).all()
    assert all(event.audit and event.audit.session_id for event in events)
    return [event.action for event in events]


# Sites


def test_a_site_is_added_and_removed(sign_in: SignIn, home: str) -> None:
    browser = sign_in()
    added = browser.post("/partners/sites/", data={"institution": home, "origin": f"{SITE}/"})
    assert added.status_code == 303
    assert queries.origins_of(home) == {SITE}
    assert "University of the Lake" in browser.get("/partners/").text
    browser.post("/partners/sites/remove/", data={"institution": home, "origin": SITE})
    assert queries.origins_of(home) == frozenset()
    assert trail() == ["origin added", "origin removed"]


@pytest.mark.parametrize(
    ("institution_id", "origin", "sentence"),
    [
        ("nothing", SITE, "There is no institution"),
        ("", SITE, "There is no institution"),
        (None, "http://www.uni.ac.ke", "Enter the scheme and the host"),
        (None, "<script>", "Enter the scheme and the host"),
    ],
)
def test_a_wrong_field_is_named_and_kept(
    sign_in: SignIn, home: str, institution_id: str | None, origin: str, sentence: str
) -> None:
    data = {"institution": home if institution_id is None else institution_id, "origin": origin}
    answer = sign_in().post("/partners/sites/", data=data)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert trail() == []


def test_many_sites_are_shown_page_by_page(
    sign_in: SignIn, home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partners, "PAGE_SIZE", 2)
    for number in range(3):
        operations.add_embed_origin(home, f"https://{number}.lake.ac.ke", STAFF)
    db.session.commit()
    browser = sign_in()
    page = browser.get("/partners/").text
    assert ("1.lake" in page, "2.lake" in page) == (True, False)
    (more,) = re.findall(r'class="more"><a href="([^"]+)"', page)
    page = browser.get(more.replace("&amp;", "&")).text
    assert ("1.lake" in page, "2.lake" in page) == (False, True)


@pytest.fixture
def steward(sign_in: SignIn, home: str) -> Desk:
    return sign_in(Role.STEWARD, scope=Scope(institution_id=home))


def test_a_steward_adds_sites_of_the_own_institution(steward: Desk, home: str) -> None:
    added = steward.post("/partners/sites/", data={"origin": "https://physics.lake.ac.ke"})
    assert added.status_code == 303
    assert queries.origins_of(home) == {"https://physics.lake.ac.ke"}


@pytest.mark.parametrize("origin", [SITE, "https://lake.ac.ke.evil.com", "http://localhost"])
def test_a_steward_adds_no_site_of_others(steward: Desk, home: str, origin: str) -> None:
    answer = steward.post("/partners/sites/", data={"origin": origin})
    assert answer.status_code == 422
    assert "none of the institution" in answer.text
    assert queries.origins_of(home) == frozenset()


def test_a_steward_neither_sees_nor_changes_another_institution(steward: Desk, home: str) -> None:
    other = institution(name="University of the Hill", domains=["hill.ac.ke"]).id
    operations.add_embed_origin(other, "https://hill.ac.ke", STAFF)
    db.session.commit()
    forged = {"institution": other, "origin": "https://hill.ac.ke"}
    assert "hill" not in steward.get("/partners/").text.lower()
    assert "hill" not in steward.get(f"/partners/?after={home}&origin=https://a").text.lower()
    assert steward.post("/partners/sites/remove/", data=forged).status_code == 404
    assert steward.post("/partners/sites/", data=forged).status_code == 422
    assert queries.origins_of(other) == {"https://hill.ac.ke"}
    assert queries.origins_of(home) == frozenset()


@pytest.mark.parametrize("path", ["keys/", "webhooks/", "api/"])
def test_a_steward_has_sites_only(steward: Desk, path: str) -> None:
    assert steward.get(f"/partners/{path}").status_code == 403
    assert f'href="/partners/{path}"' not in steward.get("/partners/").text


# Keys


def test_a_key_is_shown_once_and_works(sign_in: SignIn, home: str) -> None:
    browser = sign_in()
    data = {"name": "uni-lake", "institution": f"https://ror.org/{home}", "quota": "50"}
    made = browser.post("/partners/keys/", data=data)
    (secret,) = re.findall(r"<code[^>]*>(lightup_[^<]+)</code>", made.text)
    key = queries.key_for(policy().signer, secret)
    assert key is not None
    assert (key.name, key.institution_id, key.quota) == ("uni-lake", home, 50)
    assert secret not in browser.get("/partners/keys/").text
    assert made.headers["Cache-Control"] == "no-store"
    details = db.session.scalars(select(AuditEvent.details)).all()
    assert secret not in str(details)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"name": "Uni Lake", "quota": "5"}, "Use up to 40 lowercase letters"),
        ({"name": "taken", "quota": "5"}, "There is a key with this name"),
        ({"name": "x", "quota": "0"}, "between 1 and"),
        ({"name": "x", "quota": "²"}, "between 1 and"),
        ({"name": "x", "quota": "9" * 40}, "between 1 and"),
        ({"name": "x", "quota": "5", "institution": "nothing"}, "There is no institution"),
    ],
)
def test_a_key_that_cannot_be_is_refused(
    sign_in: SignIn, data: dict[str, str], sentence: str
) -> None:
    operations.create_key(policy().signer, "taken", None, 1, STAFF)
    db.session.commit()
    answer = sign_in().post("/partners/keys/", data=data)
    assert (answer.status_code, sentence in answer.text) == (422, True)
    assert len(queries.api_keys()) == 1


def test_a_key_is_revoked_after_its_effect_was_shown(sign_in: SignIn) -> None:
    key, _ = operations.create_key(policy().signer, "uni-lake", None, 1, STAFF)
    key_id = key.id
    db.session.commit()
    browser = sign_in()
    assert (
        "Programs with this key are refused" in browser.get(f"/partners/keys/{key_id}/revoke/").text
    )
    assert queries.active_key("uni-lake")
    assert browser.post(f"/partners/keys/{key_id}/revoke/").status_code == 303
    assert queries.active_key("uni-lake") is None
    assert browser.post(f"/partners/keys/{key_id}/revoke/").status_code == 404


# Webhooks


@pytest.fixture
def to_private(desk: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings = replace(desk.config["SETTINGS"], webhooks_to_private_networks=True)
    monkeypatch.setitem(desk.config, "SETTINGS", settings)
    return


def test_a_webhook_is_added_tested_and_removed(
    sign_in: SignIn, partner: Partner, to_private: None
) -> None:
    browser = sign_in()
    made = browser.post("/partners/webhooks/", data={"url": partner.url, "events": "tally.daily"})
    assert re.search(r"<code[^>]*>whsec_[^<]+</code>", made.text)
    (webhook,) = queries.webhooks()
    id_, events = webhook.id, webhook.events
    assert events == ["tally.daily"]
    assert "whsec_" not in browser.get("/partners/webhooks/").text
    assert "The message was taken." in browser.post(f"/partners/webhooks/{id_}/test/").text
    assert len(partner.got) == 1
    partner.answers.append(500)
    answer = browser.post(f"/partners/webhooks/{id_}/test/").text
    assert "It was not taken: answered 500" in answer
    assert "message that waits is dropped" in browser.get(f"/partners/webhooks/{id_}/remove/").text
    browser.post(f"/partners/webhooks/{id_}/remove/")
    assert queries.webhooks() == []
    assert trail() == ["webhook added", "webhook removed"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"url": "http://10.0.0.1/", "events": "tally.daily"}, "begins with https://"),
        ({"url": "https://u:p@example.org/", "events": "tally.daily"}, "begins with https://"),
        ({"url": "https://example.org/", "events": "nothing"}, "Choose at least one."),
    ],
)
def test_a_webhook_that_cannot_be_is_refused(
    sign_in: SignIn, data: dict[str, str], sentence: str
) -> None:
    answer = sign_in().post("/partners/webhooks/", data=data)
    assert (answer.status_code, sentence in answer.text) == (422, True)
    assert queries.webhooks() == []


def test_a_disabled_webhook_is_not_tested(sign_in: SignIn) -> None:

    webhook = webhooks.add("https://hooks.uni.ac.ke/", None, ["tally.daily"], STAFF, now())
    webhook.disabled_at, id_ = now(), webhook.id
    db.session.commit()
    assert sign_in().post(f"/partners/webhooks/{id_}/test/").status_code == 409


# The write API


def test_the_write_api_is_paused_with_a_reason_and_resumed(sign_in: SignIn) -> None:
    browser = sign_in()
    assert browser.post("/partners/api/pause/", data={"reason": " "}).status_code == 422
    browser.post("/partners/api/pause/", data={"reason": "A key leaked."})
    assert "A key leaked." in browser.get("/partners/api/").text
    assert browser.post("/partners/api/pause/", data={"reason": "Again."}).status_code == 303
    browser.post("/partners/api/resume/")
    assert queries.current_pause() is None
    assert browser.post("/partners/api/resume/").status_code == 303
    assert trail() == ["api paused", "api resumed"]


@pytest.mark.parametrize("path", ["", "keys/", "webhooks/", "api/"])
def test_each_page_costs_few_statements(sign_in: SignIn, path: str) -> None:
    browser = sign_in()
    browser.get(f"/partners/{path}")
    with statements() as executed:
        browser.get(f"/partners/{path}")
    assert len([one for one in executed if "SAVEPOINT" not in one]) <= 4
