"""Pledges from an institution's own form, handed in by its server with a key.

They follow the rules of the form on the site and get the same mail; no response reveals which addresses are known.
Keys are for servers: what a browser sends from another site is refused before anything is read.
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Response, g, request

from campaign import i18n, jobs
from campaign.api.base import PREFIX, PROBLEM, ApiProblem, Blueprint
from campaign.api.partner_schemas import (
    AcceptedSchema,
    IdempotencySchema,
    PledgeProblemSchema,
    PledgeSchema,
)
from campaign.campaigns.models import CampaignText
from campaign.campaigns.queries import text_of_version
from campaign.clock import now
from campaign.http.access import key_holder
from campaign.http.messages import message
from campaign.http.rate_limits import rate_limited
from campaign.institutions.queries import affiliation
from campaign.links import absolute_url
from campaign.partners import operations as partners
from campaign.partners import queries
from campaign.partners.models import ApiKey
from campaign.people.rules import Address
from campaign.pledges import mail_domains, rules, submitting
from campaign.pledges.emails import SENT
from campaign.pledges.holding import SHORTEST_READING
from campaign.pledges.models import Kind
from campaign.pledges.policy import current_policy
from campaign.pledges.rules import Draft, InvalidPledge
from campaign.pledges.submission import Submission, SubmissionContext

blueprint = Blueprint("api_writing", __name__, url_prefix=PREFIX)

# For each network, before any key is looked at.
WRITE_LIMIT = "600 per minute"
SECURITY_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "The key that the campaign's staff gave you. Keep it on your server.",
}
_IN_FLIGHT = "A request with the same Idempotency-Key is being answered at this moment."
_CLOSED = "The campaign is closed: it takes no more pledges."
_PAUSED_SECONDS = 3600


@rate_limited(WRITE_LIMIT)
def count_request() -> None:
    """Limit the requests of a network, so that keys cannot be guessed at full speed."""


def check_key() -> None:
    """Let in requests with a valid key, unless the write API is paused. Raises ApiProblem."""
    if pause := queries.current_pause():
        after = {"Retry-After": str(_PAUSED_SECONDS)}
        raise ApiProblem(503, f"The write API is paused: {pause.reason}", headers=after)
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise _unauthorized("Give your key as: Authorization: Bearer …", "Bearer")
    key = queries.key_for(current_policy().signer, secret.strip())
    if key is None:
        raise _unauthorized("This key is unknown or revoked.", 'Bearer error="invalid_token"')
    g.api_key = key


def _unauthorized(detail: str, challenge: str) -> ApiProblem:
    """A 401 that says what to send (RFC 6750, section 3)."""
    return ApiProblem(401, detail, headers={"WWW-Authenticate": challenge})


def add_headers(response: Response) -> Response:
    """Add the quota (draft-ietf-httpapi-ratelimit-headers) and the language of the sentences about fields."""
    if "quota_left" in g:
        key: ApiKey = g.api_key
        response.headers["RateLimit-Policy"] = f'"day";q={key.quota};w=86400'
        response.headers["RateLimit"] = f'"day";r={g.quota_left};t={_seconds_to_midnight(now())}'
    response.headers["Content-Language"] = i18n.current()
    response.vary.add("Accept-Language")
    return response


def _seconds_to_midnight(moment: datetime) -> int:
    tomorrow = (moment.astimezone(UTC) + timedelta(days=1)).date()
    midnight = datetime.combine(tomorrow, datetime.min.time(), UTC)
    return int((midnight - moment).total_seconds()) + 1


blueprint.before_request(count_request)
blueprint.before_request(check_key)
blueprint.after_request(add_headers)


@blueprint.post("/pledges", tags=["Pledges"])
@key_holder
@blueprint.arguments(IdempotencySchema, location="headers")
@blueprint.arguments(PledgeSchema, location="json")
@blueprint.response(
    202, AcceptedSchema, description="Taken. The person gets a mail to confirm it by."
)
@blueprint.alt_response(
    400, description="The body is not JSON, or a field is missing, unknown or of another type."
)
@blueprint.alt_response(401, description="There is no key, or it is unknown or revoked.")
@blueprint.alt_response(
    403, description="A browser sent this from another site. Keys are for servers."
)
@blueprint.alt_response(409, description=f"{_IN_FLIGHT} Or: {_CLOSED}")
@blueprint.alt_response(413, description="The body is too large.")
@blueprint.alt_response(
    422,
    schema=PledgeProblemSchema,
    content_type=PROBLEM,
    description="The pledge breaks a rule, or the Idempotency-Key was used before with another body.",
)
@blueprint.alt_response(
    429, description="The key has used up its quota of this day, or requests come too fast."
)
@blueprint.alt_response(503, description="The write API is paused.")
@blueprint.doc(security=[{"key": []}])
def pledge(headers: Mapping[str, str], body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Hand in a person's pledge

    It enters unconfirmed; the person gets a mail in the language of the text they read, with a link and a code.
    It counts once they have confirmed. The answer is the same whether or not the address is known. Sentences about
    single fields are in the language of Accept-Language.
    """
    key, moment = g.api_key, now()
    idempotency_key = headers.get("idempotency_key")
    digest = current_policy().signer.fingerprint("api-body", request.get_data(as_text=True))
    if idempotency_key and (answer := _earlier_answer(key, idempotency_key, digest, moment)):
        return answer
    _use_quota(key, moment)
    draft, address, text = _checked(key, body)
    submission = Submission(
        draft=draft,
        address=address,
        text=text,
        # The same body sent again is the same pledge, also without an Idempotency-Key.
        id=UUID(bytes=digest[:16]),
        context=_context(key, moment),
        locale=text.locale,
        newsletter=body["newsletter"],
    )
    try:
        submitting.submit(current_policy(), submission, moment)
    except submitting.CampaignClosed:
        jobs.commit()  # it counts for the quota
        raise ApiProblem(409, _CLOSED) from None
    answer = _accepted(submission.id, text.locale)
    if idempotency_key:
        partners.remember_answer(key, idempotency_key, digest, answer, moment)
    jobs.commit()
    return answer


def _earlier_answer(
    key: ApiKey, idempotency_key: str, digest: bytes, moment: datetime
) -> dict[str, Any] | None:
    try:
        return partners.earlier_answer(key, idempotency_key, digest, moment)
    except partners.RequestInFlight:
        raise ApiProblem(409, _IN_FLIGHT, headers={"Retry-After": "1"}) from None
    except partners.KeyReused:
        raise ApiProblem(422, "This Idempotency-Key was used before, with another body.") from None


def _use_quota(key: ApiKey, moment: datetime) -> None:
    left = partners.use_quota(key, moment.date())
    g.quota_left = left or 0
    if left is None:
        jobs.commit()  # the day of its last use
        after = {"Retry-After": str(_seconds_to_midnight(moment))}
        detail = f"This key may hand in {key.quota} pledges a day, and has done so."
        raise ApiProblem(429, detail, headers=after)


def _checked(key: ApiKey, body: Mapping[str, Any]) -> tuple[Draft, Address, CampaignText]:
    """The pledge to submit. Raises ApiProblem, with a sentence for every field that needs another look."""
    try:
        text = _text_shown(body)
        draft, address = rules.check_with_address(
            Kind.PERSON, _values(key, body), text, affiliation, mail_domains.is_refused
        )
        _check_institution(key, draft)
    except InvalidPledge as invalid:
        jobs.commit()  # it counts for the quota
        problems = [
            {"name": name, "code": problem.code, "detail": message(name, problem)}
            for name, problem in invalid.problems.items()
        ]
        raise ApiProblem(422, "Some fields need another look.", problems) from None
    return draft, address, text


def _text_shown(body: Mapping[str, Any]) -> CampaignText:
    """The published text that the person read, in exactly their language. Raises InvalidPledge."""
    text = text_of_version(body["campaign"], body["text_version"], body["locale"])
    if text is None or not i18n.is_offered(text.locale):
        raise InvalidPledge({"text_version": rules.FieldProblem("unknown-text")})
    return text


# Fields of a body that answer no question of the form.
_NO_ANSWERS = {"campaign", "text_version", "locale", "newsletter"}


def _values(key: ApiKey, body: Mapping[str, Any]) -> dict[str, list[str]]:
    """The fields as the form sends them; a key that is bound to an institution fills it in."""
    own = {"affiliation": "institution", "institution": key.institution_id}
    fields = (own if key.institution_id else {}) | {**body}
    fields["listed"] = "name" if body["listed"] else "anonymous"
    return {
        name: _as_list(value)
        for name, value in fields.items()
        if name not in _NO_ANSWERS and value is not None
    }


def _as_list(value: object) -> list[str]:
    """Return an answer as a form has it. Raises TypeError for one that is neither text nor a list of texts."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return value
    raise TypeError(f"the form has no answer such as {value!r}: convert it first, as `listed` is")


def _check_institution(key: ApiKey, draft: Draft) -> None:
    """Raises InvalidPledge where a key that is bound to an institution pledges for another."""
    if key.institution_id is None:
        return
    own = affiliation(key.institution_id)
    if draft.institution is None or own is None or draft.institution.id != own.id:
        raise InvalidPledge({"institution": rules.FieldProblem("other-institution")})


def _context(key: ApiKey, moment: datetime) -> SubmissionContext:
    """Signals that raise no suspicion: one server speaks for many people, and how long they read is unknown."""
    return SubmissionContext(
        network_hash=secrets.token_bytes(32),  # shared with no other pledge
        form_opened_at=moment - SHORTEST_READING,
        source=f"api@{key.name}",
    )


def _accepted(submission: UUID, locale: str) -> dict[str, Any]:
    token = current_policy().signer.sign(SENT, str(submission))
    return {
        "status": "unconfirmed",
        "code_url": absolute_url("pledging.sent", token=token, locale=locale),
    }
