"""Rules: what is odd together, invalidated by a plan; trends that show it; rules for e-mail domains."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for

from campaign import geography, i18n, jobs, tasks
from campaign.campaigns import queries as campaign_queries
from campaign.clock import now
from campaign.desk import tasks as desk_tasks
from campaign.desk.access import freshly, may
from campaign.desk.forms import Form
from campaign.desk.signed_in import actor, scope
from campaign.desk.tasks import Description
from campaign.desk.wording import DOMAIN_RULES
from campaign.hostnames import InvalidDomain, ascii_domain
from campaign.http.lookup import current_texts
from campaign.http.rendering import Page
from campaign.i18n import gettext, ngettext
from campaign.pledges import invalidation, mail_domains, publicity, queries, queue, trends
from campaign.pledges.invalidation import Rule
from campaign.pledges.mail_domains import TooWide
from campaign.pledges.models import DomainRule
from campaign.staff.rules import Permission
from campaign.staff.scopes import Scope
from campaign.tasks import Task

blueprint = Blueprint("rules", __name__, url_prefix="/review/rules")
reviewers = may(Permission.REVIEW)

NAME_LENGTH = 100
_DAYS = (1, 7)


@blueprint.get("/")
@reviewers
def overview() -> Page:
    return _overview()


def _overview(form: Form | None = None) -> str:
    days = 1 if request.args.get("days") == "1" else 7
    since = now() - timedelta(days=days)
    return render_template(
        "desk/review/rules.html",
        days=days,
        total=trends.total(scope(), since),
        domains=trends.domains(scope(), since),
        networks=trends.networks(scope(), since),
        rules=mail_domains.all_rules(),
        rule_names=DOMAIN_RULES,
        choices=[(rule.value, words) for rule, words in DOMAIN_RULES.items()],
        may_set=scope().is_everything,
        planned=[task for task in tasks.recent() if _is_ours(task)],
        title_of=_title,
        form=form or Form({"domain": request.args.get("domain", "")}),
        counts=queue.counts(scope()),
        words=publicity.counts(scope()),
    )


def _is_ours(task: Task) -> bool:
    is_mine = scope().is_everything or Scope.from_json(task.scope) == scope()
    return task.kind == invalidation.INVALIDATE.name and is_mine


# Rules for e-mail domains


@blueprint.post("/domains/")
@reviewers
def set_domain() -> Page:
    """Set or remove the rule for an e-mail domain."""
    chosen = request.form.get("rule", "")
    if chosen not in {*DomainRule, "none"}:
        return _overview(Form.posted({"rule": gettext("Choose what happens.")})), 422
    rule = None if chosen == "none" else DomainRule(chosen)
    try:
        mail_domains.set_rule(request.form.get("domain", ""), rule, actor(), scope())
    except (InvalidDomain, TooWide):
        jobs.rollback()
        problem = gettext("Enter a domain of one owner, such as example.org.")
        return _overview(Form.posted({"domain": problem})), 422
    jobs.commit()
    return redirect(url_for("rules.overview"), 303)


# Invalidation


@blueprint.get("/new/")
@reviewers
def new() -> Page:
    """Show the form of a rule; a trend or a case may fill some of it in."""
    given = {name: request.args.get(name, "") for name in ("domain", "network_of", "name")}
    return _new(Form({**given, "letters": "no", "spare": "yes"}))


def _new(form: Form) -> str:
    return render_template(
        "desk/review/new_rule.html",
        form=form,
        countries=_countries(),
        campaigns=[(text.campaign.slug, text.title) for text in current_texts()],
        network_of=_pledge(form.value("network_of")),
    )


def _countries() -> list[tuple[str, str]]:
    named = geography.sorted_countries(i18n.current())
    return [(country.code, country.name) for country in named if scope().covers(country.code)]


@blueprint.post("/new/")
@reviewers
@freshly
def plan() -> Page:
    """Count what the rule means, and show it as a plan; nothing is changed."""
    rule, problems = _rule()
    if not problems and rule:
        try:
            letters = request.form.get("letters") == "yes"
            task = invalidation.plan(rule, letters, actor(), scope(), now())
        except invalidation.TooWide:
            problems = {"domain": gettext("Say what the pledges have in common.")}
        else:
            jobs.commit()
            return redirect(url_for("tasks.task", task_id=task.id), 303)
    return _new(Form.posted(problems)), 422


def _rule() -> tuple[Rule | None, dict[str, str]]:
    """Return the rule that was entered, or what is wrong with it, by field."""
    form, problems = request.form, {}
    values = {name: form.get(name, "").strip() for name in ("domain", "network_of", "name")}
    times: dict[str, datetime | None] = {}
    for name in ("since", "until"):
        try:
            times[name] = _moment(form.get(name, ""))
        except ValueError:
            problems[name] = gettext("Enter a day and a time.")
    if values["domain"]:
        try:
            values["domain"] = ascii_domain(values["domain"].removeprefix("@"))
        except InvalidDomain:
            problems["domain"] = gettext("Enter a domain, such as example.org.")
    if len(values["name"]) > NAME_LENGTH:
        problems["name"] = gettext("Enter a shorter part of the name.")
    network_of = _pledge(values["network_of"])
    if values["network_of"] and not network_of:
        problems["network_of"] = gettext("There is no such pledge.")
    if problems:
        return None, problems
    campaign, country = campaign_queries.get(form.get("campaign", "")), form.get("country", "")
    rule = Rule(
        campaign_id=campaign.id if campaign else None,
        country=country if geography.is_country(country) else None,
        domain=values["domain"] or None,
        network_of=network_of,
        name=values["name"] or None,
        since=times["since"],
        until=times["until"],
        spare_own_mailbox=form.get("spare") == "yes",
    )
    return rule, {}


def _moment(text: str) -> datetime | None:
    """Return a moment as browsers send it, in UTC; None for an empty field. Raises ValueError."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def _pledge(text: str) -> UUID | None:
    """Return the id of a pledge that is within the scope."""
    try:
        pledge = queries.get(UUID(text))
    except ValueError:
        return None
    return pledge.id if pledge and pledge.is_within(scope()) else None


def _title(task: Task) -> str:
    return ngettext(
        "Invalidate %(count)s pledge",
        "Invalidate %(count)s pledges",
        task.total,
        count=i18n.format_number(task.total),
    )


def _context(task: Task) -> Mapping[str, object]:
    """Return the rule in words, what it means now and, while it is only planned, some of what it means."""
    rule, within = invalidation.rule_of(task), Scope.from_json(task.scope)
    is_planned = task.state == tasks.State.PLANNED
    offset = request.args.get("sample", "")
    start = int(offset) if offset.isdecimal() and len(offset) < 7 else 0
    return {
        "rule": rule,
        "rule_words": _described(rule),
        "preview": invalidation.preview(rule, within) if is_planned else None,
        "sample": invalidation.sample(rule, within, start) if is_planned else [],
        "next_sample": start + invalidation.SAMPLE,
        "letters": task.plan["letters"],
    }


def _described(rule: Rule) -> list[tuple[str, str]]:
    """Return what the pledges have in common, as (name, value)."""
    moments = {
        name: f"{i18n.format_date(value)}, {value:%H:%M} UTC"
        for name, value in (("since", rule.since), ("until", rule.until))
        if value
    }
    campaign = next(
        (text.title for text in current_texts() if text.campaign_id == rule.campaign_id), ""
    )
    country = geography.country_name(rule.country, i18n.current()) if rule.country else ""
    rows = [
        (gettext("E-mail domain"), rule.domain or ""),
        (gettext("Network"), gettext("that of one pledge") if rule.network_of else ""),
        (gettext("Name"), rule.name or ""),
        (gettext("Country"), country),
        (gettext("Campaign"), campaign),
        (gettext("Sent from"), moments.get("since", "")),
        (gettext("Sent until"), moments.get("until", "")),
    ]
    return [(name, value) for name, value in rows if value]


desk_tasks.describe(
    invalidation.INVALIDATE.name,
    Description(Permission.REVIEW, "desk/review/invalidate_task.html", _title, _context),
)
