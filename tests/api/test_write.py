"""The write API: the same rules and the same mail as the form, and nothing that one of its clients can break."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from schemathesis import GenerationMode
from sqlalchemy import func, select, update

from campaign import jobs
from campaign.campaigns import operations as campaigns
from campaign.campaigns.models import CampaignText
from campaign.clock import now
from campaign.db import db
from campaign.mail.models import OutgoingEmail
from campaign.partners import operations as partners
from campaign.partners import queries
from campaign.partners.models import ApiRequest
from campaign.pledges import operations
from campaign.pledges.models import Pledge, Status
from campaign.tallies import operations as tallies
from campaign.tallies.queries import counts_of
from tests.api.test_schema import EXCLUDED, bounded, outside
from tests.api.test_schema import operations as described
from tests.factories import CAMPAIGN, STAFF, confirmed, institution, policy, text

__all__ = ["outside"]
URL = "/api/v1/pledges"


def key(name="uni-nairobi", institution_id=None, quota=100):
    _, secret = partners.create_key(policy().signer, name, institution_id, quota, STAFF)
    jobs.commit()
    return secret


def fields(**different):
    values = {
        "campaign": CAMPAIGN,
        "text_version": text().version,
        "locale": "en",
        "name": "Wanjiru Kamau",
        "email": "wanjiru@example.org",
        "affiliation": "independent",
        "country": "KE",
        "commitments": ["network"],
        "listed": True,
        "newsletter": False,
    } | different
    return {name: value for name, value in values.items() if value is not None}


@pytest.fixture
def send(client):
    secret = key()

    def post(body=None, *, bearer=secret, **headers):
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if bearer:
            given["Authorization"] = f"Bearer {bearer}"
        sent = json.dumps(fields() if body is None else body)  # a lone surrogate is escaped
        return client.post(URL, data=sent, content_type="application/json", headers=given)

    return post


def pledges():
    return db.session.scalars(
        select(Pledge).order_by(Pledge.submitted_at).execution_options(populate_existing=True)
    ).all()


def problems(answer):
    return {problem["name"]: problem for problem in answer.json["errors"]}


# What is taken


def test_a_closed_campaign_takes_nothing_and_says_so(send):
    campaigns.close(STAFF, text().campaign_id)
    jobs.commit()

    answer = send()
    assert (answer.status_code, "closed" in answer.json["detail"]) == (409, True)
    assert pledges() == []


def test_a_pledge_enters_unconfirmed_and_gets_the_mail(send):
    answer = send()

    assert (answer.status_code, answer.json["status"]) == (202, "unconfirmed")
    (pledge,) = pledges()
    assert (pledge.status, pledge.source) == (Status.UNCONFIRMED, "api@uni-nairobi")
    assert (pledge.name, pledge.listed, pledge.hold_reasons) == ("Wanjiru Kamau", True, [])
    (letter,) = db.session.scalars(select(OutgoingEmail)).all()
    assert (letter.template, letter.recipient) == ("confirm", "wanjiru@example.org")


def test_it_counts_under_its_key_once_confirmed(send):
    send()
    (pledge,) = pledges()
    operations.confirm(policy(), pledge.id, pledge.submission, now())
    tallies.fold()

    assert counts_of(pledge.campaign_id, "source", "api@uni-nairobi").people == 1


def test_the_mail_is_in_the_language_of_the_text_that_was_read(send):
    send(fields(locale="sw"))

    (pledge,) = pledges()
    assert (pledge.locale, pledge.text.locale) == ("sw", "sw")
    assert db.session.scalar(select(OutgoingEmail.locale)) == "sw"


def test_the_answer_leads_to_the_page_for_the_code(send, client):
    answer = send(fields(locale="fr"))

    path = answer.json["code_url"].removeprefix("http://localhost")
    assert path.startswith("/fr/pledges/sent/")
    assert client.get(path).status_code == 200


def test_no_answer_tells_whether_an_address_is_known(send):
    confirmed("wanjiru@example.org")

    known, unknown = (send(fields(email=f"{name}@example.org")) for name in ("wanjiru", "other"))

    assert known.status_code == unknown.status_code == 202
    assert known.json.keys() == unknown.json.keys()
    assert known.json["status"] == unknown.json["status"]
    assert len(pledges()) == 2


def test_many_people_behind_one_server_are_no_crowd(send):
    for number in range(policy().limits.per_network + 2):
        send(fields(email=f"p{number}@example.org"))

    assert {tuple(pledge.hold_reasons) for pledge in pledges()} == {()}


def test_the_same_body_sent_again_is_the_same_pledge(send):
    send()
    send()

    assert len(pledges()) == 1
    assert db.session.scalar(select(func.count()).select_from(OutgoingEmail)) == 1


# What is refused


def test_every_field_that_needs_another_look_is_told_at_once(send):
    answer = send(fields(name="www.buy.com", email="nobody", country="XX", commitments=["fly"]))

    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert {name: problem["code"] for name, problem in problems(answer).items()} == {
        "name": "contains-url",
        "email": "address-syntax",
        "country": "unknown-country",
        "commitments": "unknown-choice",
    }
    assert pledges() == []


def test_sentences_are_in_the_readers_language(send):
    english, french = (
        send(fields(name=""), Accept_Language=tag) for tag in ("en", "fr-CA,fr;q=0.9")
    )

    assert (english.content_language.pop(), french.content_language.pop()) == ("en", "fr")
    assert problems(english)["name"]["detail"] == "Enter your name."
    assert problems(french)["name"]["detail"] != "Enter your name."


@pytest.mark.parametrize(
    "wrong", [{"text_version": 99}, {"locale": "de"}, {"campaign": "nowhere"}, {"locale": "zh"}]
)
def test_a_text_that_was_not_published_is_refused(send, wrong):
    answer = send(fields(**wrong))
    assert (answer.status_code, *problems(answer)) == (422, "text_version")


def test_an_earlier_version_that_somebody_read_is_taken(send):
    shown, body = text(), fields()
    later = {
        column.name: getattr(shown, column.name)
        for column in CampaignText.__table__.columns
        if column.name not in {"id", "version", "published_at"}
    }
    db.session.add(CampaignText(**later, version=shown.version + 1))
    db.session.flush()

    assert send(body).status_code == 202
    assert pledges()[0].text_id == shown.id


@pytest.mark.parametrize("consent", ["listed", "newsletter"])
@pytest.mark.parametrize("value", [None, "on", 1, "true", []])
def test_a_consent_is_asked_for_and_never_assumed(send, consent, value):
    answer = send(fields(**{consent: value}))
    assert (answer.status_code, *problems(answer)) == (400, consent)


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        None,
        {"surprise": 1},
        {"name": 5},
        {"name": ["a", "b"]},
        {"commitments": "network"},
        {"text_version": "1"},
        {"text_version": True},
        {"text_version": 2**70},
        {"campaign": "a\0b"},
        {"locale": "../../x"},
    ],
)
def test_a_body_of_another_shape_is_refused(send, body):
    answer = send(fields(**body) if isinstance(body, dict) else body or [])
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


def test_what_is_no_json_is_refused(client):
    headers = {"Authorization": f"Bearer {key()}", "Content-Type": "application/json"}
    for body in (b"{", b"\xff\xfe", b"", b'{"name": NaN'):
        answer = client.post(URL, data=body, headers=headers)
        assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


def test_characters_that_no_database_takes_break_nothing(send):
    answer = send(fields(name="Wan\0jiru \ud800", words="a\0b"))
    assert answer.status_code == 202
    assert pledges()[0].name == "Wanjiru"


def test_a_body_that_is_too_large_is_refused(send):
    assert send(fields(words="x" * 300_000)).status_code == 413


# Keys


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "Basic abc", "Bearer lightup_nonsense"])
def test_without_a_good_key_nothing_is_taken(client, given):
    answer = client.post(URL, json=fields(), headers={"Authorization": given})

    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert pledges() == []


def test_a_revoked_key_is_refused(send):
    partners.revoke_key(queries.active_key("uni-nairobi"), STAFF, now())
    assert send().status_code == 401


def test_a_key_of_an_institution_fills_it_in(send):
    home = institution().id
    body = fields(affiliation=None, role="researcher")

    assert send(body, bearer=key("lake", home)).status_code == 202
    assert pledges()[0].institution_id == home


def test_a_key_of_an_institution_that_merged_pledges_for_the_successor(send):
    new = institution().id
    old = institution(status="inactive", successor_id=new).id

    assert send(fields(affiliation=None, role="staff"), bearer=key("lake", old)).status_code == 202
    assert pledges()[0].institution_id == new


def test_a_key_of_an_institution_pledges_for_no_other(send):
    secret, other = key("lake", institution().id), institution().id
    for body in (
        fields(affiliation="institution", institution=other, role="staff"),
        fields(affiliation="independent"),
        fields(affiliation="unlisted", institution_text="Elsewhere", role="staff"),
    ):
        answer = send(body, bearer=secret)
        assert answer.status_code == 422
        assert problems(answer)["institution"]["code"] == "other-institution"
    assert pledges() == []


def test_browsers_of_other_sites_are_refused(send):
    answer = send(Sec_Fetch_Site="cross-site")
    assert (answer.status_code, pledges()) == (403, [])


def test_the_last_day_of_use_is_noted(send):
    send()
    used = queries.active_key("uni-nairobi")
    db.session.refresh(used)
    assert used.last_used_on == now().date()


# Quota


def test_over_its_quota_a_key_is_told_when_to_come_again(send):
    secret = key("small", quota=2)
    answers = [send(fields(email=f"{n}@example.org"), bearer=secret) for n in range(3)]

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert [answer.headers["RateLimit"].split(";")[1] for answer in answers] == [
        "r=1",
        "r=0",
        "r=0",
    ]
    assert answers[0].headers["RateLimit-Policy"] == '"day";q=2;w=86400'
    assert 0 < int(answers[2].headers["Retry-After"]) <= 86_401
    assert len(pledges()) == 2


def test_what_was_refused_counts_for_the_quota(send):
    secret = key("small", quota=1)

    assert send(fields(name=""), bearer=secret).status_code == 422
    assert send(bearer=secret).status_code == 429


# Idempotency


def test_the_same_request_is_answered_the_same_and_done_once(send):
    secret = key("small", quota=1)

    first, again = (send(bearer=secret, Idempotency_Key="abc-1") for _ in range(2))

    assert first.status_code == again.status_code == 202
    assert first.json == again.json
    assert len(pledges()) == 1


def test_the_same_idempotency_key_with_another_body_is_refused(send):
    send(Idempotency_Key="abc-1")

    answer = send(fields(name="Another Name"), Idempotency_Key="abc-1")

    assert answer.status_code == 422
    assert pledges()[0].name == "Wanjiru Kamau"


def test_idempotency_keys_of_two_partners_are_apart(send):
    send(Idempotency_Key="abc-1")
    answer = send(fields(email="b@example.org"), bearer=key("lake"), Idempotency_Key="abc-1")
    assert (answer.status_code, len(pledges())) == (202, 2)


def test_an_answer_is_kept_for_a_day(send):
    send(Idempotency_Key="abc-1")
    earlier = ApiRequest.answered_at - partners.ANSWERS_KEPT - timedelta(minutes=1)
    db.session.execute(update(ApiRequest).values(answered_at=earlier))

    assert send(fields(name="Another Name"), Idempotency_Key="abc-1").status_code == 202
    partners.forget(now())
    assert db.session.scalar(select(func.count()).select_from(ApiRequest)) == 1

    partners.forget(now() + partners.ANSWERS_KEPT)
    assert db.session.scalar(select(func.count()).select_from(ApiRequest)) == 0


def test_what_was_refused_may_be_sent_again_mended(send):
    assert send(fields(name=""), Idempotency_Key="abc-1").status_code == 422
    assert send(Idempotency_Key="abc-1").status_code == 202


@pytest.mark.parametrize("odd", ["", "x" * 256, "a b", "é"])
def test_an_idempotency_key_that_is_none_is_refused(send, odd):
    assert send(Idempotency_Key=odd).status_code == 400


def test_no_trace_of_a_person_is_left_in_the_kept_answer(send):
    send(Idempotency_Key="abc-1")
    stored = str(db.session.execute(select(ApiRequest.__table__)).one())
    assert "anjiru" not in stored


# Kill switch


def test_while_the_api_is_paused_nothing_is_taken(send, client):
    partners.pause_write_api("A key leaked.", STAFF)
    jobs.commit()

    answer = send()

    assert (answer.status_code, "A key leaked." in answer.json["detail"]) == (503, True)
    assert int(answer.headers["Retry-After"]) > 0
    assert client.get("/health").status_code == 200
    partners.resume_write_api(STAFF, now())
    assert send().status_code == 202


# The document


def test_whatever_is_sent_is_answered_as_described(outside):
    secret = key(quota=10_000)
    (operation,) = [one for one in described(outside) if one.label == "POST /api/v1/pledges"]
    statuses = set()

    def ask(mode):
        @bounded
        @given(case=operation.as_strategy(generation_mode=mode))
        def one(case):
            bearer = {"Authorization": f"Bearer {secret}"}
            answer = case.call_and_validate(excluded_checks=EXCLUDED, headers=bearer)
            statuses.add(answer.status_code)

        one()

    ask(GenerationMode.POSITIVE)
    ask(GenerationMode.NEGATIVE)

    assert statuses <= {202, 400, 401, 422}


@pytest.mark.parametrize(
    "body", ["[" * 100_000, '{"text_version": ' + "9" * 5_000 + "}", '{"\\ud800": 1}', '"\\ud800"']
)
def test_what_json_can_spell_and_nobody_means_is_refused(client, body):
    bearer = {"Authorization": f"Bearer {key()}"}
    answer = client.post(URL, data=body, content_type="application/json", headers=bearer)

    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"


def test_the_document_tells_all_that_a_partner_needs(app):
    operation = app.extensions["api_document"]["paths"][URL]["post"]

    assert operation["security"] == [{"key": []}]
    assert {"202", "400", "401", "409", "422", "429", "503"} <= operation["responses"].keys()
    assert operation["parameters"][0]["name"] == "Idempotency-Key"
    schemes = app.extensions["api_document"]["components"]["securitySchemes"]
    assert schemes["key"]["scheme"] == "bearer"
