"""What a pledge form does on a page and in a frame alike: take a submission, confirm by code, thank."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import abort, redirect, request

from campaign import i18n, jobs
from campaign.campaigns.models import CampaignText
from campaign.campaigns.queries import current_text, text_by_id
from campaign.clock import now
from campaign.geography import sorted_countries
from campaign.http.form_counts import count_sent
from campaign.http.forms import Form, FormToken, new_token, posted_values, read_token, renewed_token
from campaign.http.lookup import current_texts, text_or_404
from campaign.http.rate_limits import (
    WRONG_CODE_LIMIT,
    check_limit,
    count_request,
    network_of,
)
from campaign.http.rendering import Page
from campaign.institutions import queries as institution_queries
from campaign.institutions.queries import Match
from campaign.pledges import certificates, mail_domains, operations, submitting
from campaign.pledges import queries as pledge_queries
from campaign.pledges.disciplines import BROAD_FIELDS
from campaign.pledges.emails import SENT
from campaign.pledges.intake import FormUsed
from campaign.pledges.models import Kind, NotAwaiting, Pledge, Status
from campaign.pledges.policy import current_policy
from campaign.pledges.rules import ROLES, FieldProblem, InvalidPledge, check_with_address
from campaign.pledges.submission import Submission, SubmissionContext, submission_id
from campaign.records.listing import receipt
from campaign.tallies.queries import counts_of
from campaign.tokens import InvalidToken

THANKS, THANKS_LIFETIME = "thanks-page", timedelta(days=1)


@dataclass(frozen=True)
class FormHost:
    """What differs between a form on a page of its own and one in a frame on an institution's page."""

    # Renders the form, or what stands in its place once the campaign is closed.
    show: Callable[[CampaignText, Form], str]
    # The address of the page for the code, given the token that opens it.
    sent_url: Callable[[str], str]
    # Values of ``Pledge.source`` and ``Pledge.source_page``.
    source: tuple[str, str | None]


class CodeRefused(Exception):
    """The typed code confirms nothing; ``problem`` is why, in the words of the field."""

    def __init__(self, problem: FieldProblem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def handle_submission(slug: str, kind: Kind, host: FormHost) -> Page:
    """Take the posted form and redirect to the page for the code; or show the form again with what is wrong.

    Status 400 where its token has expired or is not of this campaign, 422 where a field needs another look, 409
    where the campaign has closed meanwhile.
    """
    values = posted_values()
    try:
        token, text = _token_and_text(slug)
    except InvalidToken:
        text = text_or_404(slug)
        problems = {"form_token": FieldProblem("form-expired")}
        return host.show(text, Form(values, problems, new_token(text.id))), 400
    if request.form.get("action") == "find":
        return host.show(text, Form(values, token=request.form["form_token"]))
    try:
        draft, address = check_with_address(
            kind, values, text, institution_queries.affiliation, mail_domains.is_refused
        )
    except InvalidPledge as invalid:
        return host.show(text, Form(values, invalid.problems, request.form["form_token"])), 422
    submission = Submission(
        draft=draft,
        address=address,
        text=text,
        # The same form sent again with other words is another one: a page that shows the first cannot confirm the
        # second.
        id=submission_id(token.submission, repr(sorted(values.items())).encode()),
        context=_context(token, host.source),
        locale=i18n.current(),
        newsletter="newsletter" in values,
    )
    try:
        submitting.submit(current_policy(), submission, now())
    except submitting.CampaignClosed:
        return host.show(text, Form()), 409
    except FormUsed:
        jobs.rollback()
        problems = {"email": FieldProblem("form-used")}
        return host.show(text, Form(values, problems, renewed_token(token))), 422
    jobs.commit()
    count_sent(text.campaign_id, kind)
    return redirect(host.sent_url(current_policy().signer.sign(SENT, str(submission.id))), 303)


def _token_and_text(slug: str) -> tuple[FormToken, CampaignText]:
    """The posted token and the text that stood above the form. Raises InvalidToken, also for another campaign's."""
    token = read_token(request.form.get("form_token", ""))
    text = text_by_id(token.text_id)
    if text is None or text.campaign.slug != slug:
        raise InvalidToken
    return token, text


def _context(token: FormToken, source: tuple[str, str | None]) -> SubmissionContext:
    return SubmissionContext(
        network_hash=network_hash(),
        form_opened_at=token.opened_at,
        honeypot_filled=bool(request.form.get("website")),
        source=source[0],
        source_page=source[1],
    )


def network_hash() -> bytes:
    """The keyed hash of the network that this request comes from."""
    network = network_of(request.remote_addr or "")
    return current_policy().signer.fingerprint("network", network)


def form_choices(form: Form) -> dict[str, Any]:
    """Template values: the options of the selects, and the institutions that the typed words may mean."""
    institution = institution_queries.resolve(form.value("institution"))
    query = form.value("institution_query")
    searches = query and (not institution or form.value("action") == "find")
    matches = _matches(query, form.value("country")) if searches else []
    return {
        **select_options(),
        "chosen_institution": None if matches else institution,
        "matches": matches,
        "proposals": [] if institution or query else _proposals(form.value("email")),
    }


def select_options() -> dict[str, Any]:
    """Template values: the options of the selects that every pledge form has, in the reader's language."""
    return {
        "countries": sorted_countries(i18n.current()),
        "fields": [
            (area.name, [(field.code, field.name) for field in area.fields])
            for area in BROAD_FIELDS
        ],
        "roles": list(ROLES.items()),
    }


def _matches(query: str, country: str) -> list[Match]:
    return institution_queries.search(query, locale=i18n.current(), country=country or None)


def _proposals(address: str) -> list[Match]:
    domain = address.rpartition("@")[2].strip().lower()
    return institution_queries.propose_by_domain(domain, locale=i18n.current()) if domain else []


def values_of(pledge: Pledge) -> dict[str, list[str]]:
    """The values of the form's fields that stand for this pledge, ready to be corrected."""
    affiliation = (
        "institution"
        if pledge.institution_id
        else "unlisted"
        if pledge.institution_text
        else "independent"
    )
    letters: dict[str, list[str]] = {}
    for number, (locale, letter) in enumerate(pledge.support_letters.items(), start=1):
        letters |= {f"letter_locale_{number}": [locale], f"letter_{number}": [letter]}
    return {
        "name": [pledge.name],
        "affiliation": [affiliation],
        "institution": [pledge.institution_id or ""],
        "institution_text": [pledge.institution_text or ""],
        "role": [pledge.role or ""],
        "office": [pledge.office or ""],
        "country": [pledge.country],
        "disciplines": pledge.disciplines,
        "orcid": [pledge.orcid or ""],
        "commitments": pledge.commitments,
        "words": [pledge.words or ""],
        "listed": ["name" if pledge.listed else "anonymous"],
        **letters,
    }


def submission_from_token(token: str) -> UUID:
    """The id of the submission that led to this page. Raises InvalidToken."""
    return UUID(current_policy().signer.read(SENT, token, while_unconfirmed()))


def confirm_by_code(token: str) -> UUID:
    """Confirm the pledge of this token by the posted code; return its id. Raises CodeRefused, InvalidToken.

    Answers 429 to a network that has tried too many wrong codes.
    """
    check_limit(WRONG_CODE_LIMIT)
    submission = submission_from_token(token)
    # Digits of any script: int() knows them all.
    code = "".join(str(int(c)) for c in request.form.get("code", "")[:40] if c.isdecimal())
    if not code:
        raise CodeRefused(FieldProblem("required"))
    try:
        pledge = operations.confirm_by_code(current_policy(), submission, code, now())
    except (operations.WrongCode, NotAwaiting):
        jobs.commit()  # the attempt counts
        count_request(WRONG_CODE_LIMIT)
        raise CodeRefused(FieldProblem("wrong-code")) from None
    jobs.commit()
    return pledge.id


def while_unconfirmed() -> timedelta:
    """How long link and code are valid, as the e-mail with both says; so is the page for the code."""
    return timedelta(days=current_policy().unconfirmed_days)


def thanks_token(pledge_id: UUID) -> str:
    """The token of the page that thanks for a pledge; reads by ``pledge_from_thanks_token``."""
    return current_policy().signer.sign(THANKS, str(pledge_id))


def pledge_from_thanks_token(token: str) -> Pledge:
    """The pledge to thank for. Raises InvalidToken; answers 410 where it was refused, withdrawn or removed."""
    pledge = pledge_queries.get(UUID(current_policy().signer.read(THANKS, token, THANKS_LIFETIME)))
    if pledge is None or pledge.status not in {Status.CONFIRMED, Status.HELD}:
        abort(410)
    return pledge


def thank_you_context(pledge: Pledge) -> Mapping[str, Any]:
    """Template values of the page that thanks for a pledge: what it counts among, its receipt and certificate."""
    country = counts_of(pledge.campaign_id, "country", pledge.country)
    colleagues = pledge.institution_id and counts_of(
        pledge.campaign_id, "institution", pledge.institution_id
    )
    return {
        "pledge": pledge,
        "campaign": pledge.campaign,
        "text": current_text(pledge.campaign.slug, i18n.current()),
        "held": pledge.status == Status.HELD,
        "receipt": receipt(current_policy().signer, pledge.id),
        "certificate": certificates.token_of(current_policy().signer, pledge),
        "country_count": country.people,
        "institution": pledge.institution,
        "institution_count": colleagues.people if colleagues else 0,
        "other_campaigns": [
            text for text in current_texts() if text.campaign_id != pledge.campaign_id
        ],
    }
