"""What staff do for partners, by command; every change leaves a line in the trail."""

import pytest
from click.testing import CliRunner
from flask.cli import ScriptInfo
from sqlalchemy import select

from campaign.clock import now
from campaign.db import db
from campaign.main import lightup
from campaign.partners import operations, queries
from campaign.partners.models import ApiKey, PartnerEvent
from tests.factories import STAFF, institution, policy

pytestmark = pytest.mark.usefixtures("session")
SITE = "https://www.uni.ac.ke"


@pytest.fixture
def run(app):
    def invoke(*arguments):
        info = ScriptInfo(create_app=lambda: app)
        runner = CliRunner(catch_exceptions=False)
        return runner.invoke(lightup, list(arguments), obj=info, prog_name="lightup")

    return invoke


def trail():
    return list(db.session.scalars(select(PartnerEvent.action).order_by(PartnerEvent.id)))


# Origins


def test_an_origin_is_added_once_listed_and_removed(run):
    id_ = institution(name="University of the Lake").id

    added, again = (run("origins", "add", id_, f"{SITE}/").output for _ in range(2))
    assert (SITE in added, "before" in again) == (True, True)
    assert queries.origins_of(id_) == {SITE}
    assert f"{SITE}  University of the Lake" in run("origins", "list", id_).output

    run("origins", "remove", id_, SITE)

    assert queries.origins_of(id_) == frozenset()
    assert run("origins", "remove", id_, SITE).exit_code == 1
    assert trail() == ["origin added", "origin removed"]


def test_an_origin_is_that_of_its_institution_only():
    one, other = institution().id, institution().id
    operations.add_embed_origin(one, SITE, STAFF)

    assert queries.origins_of(one) == {SITE}
    assert queries.origins_of(other) == frozenset()


def test_the_successor_keeps_the_origins_of_those_it_followed():
    new = institution().id
    middle = institution(status="inactive", successor_id=new).id
    old = institution(status="withdrawn", successor_id=middle).id
    operations.add_embed_origin(old, SITE, STAFF)
    operations.add_embed_origin(middle, "https://middle.ac.ke", STAFF)

    assert queries.origins_of(new) == {SITE, "https://middle.ac.ke"}
    assert queries.origins_of(old) == {SITE}


@pytest.mark.parametrize("origin", ["http://www.uni.ac.ke", "www.uni.ac.ke", f"{SITE}/page"])
def test_what_is_no_origin_is_told(run, origin):
    result = run("origins", "add", institution().id, origin)
    assert (result.exit_code, "Invalid value" in result.output) == (2, True)


def test_an_unknown_institution_is_told(run):
    for command in (["origins", "add", "000000000", SITE], ["origins", "list", "nonsense"]):
        result = run(*command)
        assert (result.exit_code, "not in the registry" in result.output) == (1, True)


# Keys


def test_a_key_is_shown_once_and_stored_as_a_hash(run):
    result = run("keys", "create", "uni-nairobi", "--quota", "20")
    secret = result.stdout.strip()

    key = queries.key_for(policy().signer, secret)
    assert (key.name, key.quota, key.institution_id) == ("uni-nairobi", 20, None)
    assert key.prefix == secret[:12]
    stored = db.session.execute(select(ApiKey.__table__)).one()
    assert secret not in str(stored)


def test_keys_are_listed_with_prefix_quota_and_last_use(run):
    home = institution()
    secret = run("keys", "create", "lake", "--institution", home.id).stdout.strip()
    key = queries.active_key("lake")
    operations.use_quota(key, now().date())
    db.session.refresh(key)

    (line,) = run("keys", "list").output.splitlines()

    for shown in ("lake", secret[:12], home.id, "1,000 a day", f"last used {now().date()}"):
        assert shown in line
    assert secret not in line


def test_a_revoked_key_is_refused_and_its_name_may_be_used_again(run):
    secret = run("keys", "create", "lake").stdout.strip()
    assert run("keys", "create", "lake").exit_code == 1

    assert run("keys", "revoke", "lake").exit_code == 0

    assert queries.key_for(policy().signer, secret) is None
    assert run("keys", "revoke", "lake").exit_code == 1
    assert run("keys", "create", "lake").exit_code == 0
    assert trail() == ["key created", "key revoked", "key created"]


@pytest.mark.parametrize("wrong", [["Big Name"], ["x", "--quota", "0"], ["x", "--quota", "many"]])
def test_a_senseless_key_is_told(run, wrong):
    assert run("keys", "create", *wrong).exit_code == 2


# The write API as a whole


def test_the_api_is_paused_and_resumed_once(run):
    assert run("api", "resume").exit_code == 1
    assert run("api", "pause", "--reason", "A key leaked.").exit_code == 0
    assert run("api", "pause", "--reason", "Again.").exit_code == 1
    assert queries.current_pause().reason == "A key leaked."

    assert run("api", "resume").exit_code == 0

    assert queries.current_pause() is None
    assert trail() == ["api paused", "api resumed"]


def test_the_trail_is_shown_newest_first(run):
    run("api", "pause", "--reason", "A key leaked.")
    run("api", "resume")

    newest, before = run("api", "trail").output.splitlines()

    assert "api resumed" in newest
    assert "A key leaked." in before
    assert "staff:" in before
