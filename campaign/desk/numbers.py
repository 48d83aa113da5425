"""Numbers: how it is going, and how we know. Every total is a sum whose parts are on the page or one step away."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import StringIO

from flask import Blueprint, Response, abort, render_template, request, url_for

from campaign import i18n
from campaign.campaigns.models import CampaignText
from campaign.clock import now
from campaign.desk.access import may
from campaign.desk.forms import Form
from campaign.desk.signed_in import account, scope
from campaign.drawing.charts import nice_ticks
from campaign.geography import country_name
from campaign.http.lookup import current_texts
from campaign.http.rendering import Page
from campaign.i18n import gettext, lazy_gettext, ngettext
from campaign.institutions.queries import name_in
from campaign.pledges import attention, funnel
from campaign.pledges.funnel import Forms
from campaign.staff.rules import Permission
from campaign.staff.scopes import Scope
from campaign.tallies import details, overview
from campaign.tallies.details import DayCounts

blueprint = Blueprint("numbers", __name__, url_prefix="/numbers")

PERIODS = {
    7: lazy_gettext("7 days"),
    30: lazy_gettext("30 days"),
    90: lazy_gettext("90 days"),
    365: lazy_gettext("a year"),
}
_DEFAULT_DAYS = 30
_FEW, _MANY = 10, 1_000
_WIDTH, _HEIGHT = 300, 96


@dataclass(frozen=True)
class Period:
    """The days (UTC) that are looked at, both included."""

    since: date
    until: date

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1


@dataclass(frozen=True)
class Row:
    """One thing that is counted, its number of people and, where they are counted, of official pledges."""

    name: str
    people: int
    official_pledges: int = 0
    # BCP 47, where the name is in a language of its own.
    locale: str = ""


@dataclass(frozen=True)
class Bar:
    """A bar of a drawing, from its top left corner."""

    x: float
    y: float
    height: float


@dataclass(frozen=True)
class Drawing:
    """Bars, one for each day or month, with marks of the vertical axis as (y, number)."""

    bars: Sequence[Bar]
    width: float
    levels: Sequence[tuple[float, int]]


@dataclass(frozen=True)
class Stage:
    """One stage on the way from a form that is opened to a pledge that counts."""

    name: str
    number: int


def drawing(numbers: Sequence[int]) -> Drawing:
    """Draw numbers as bars."""
    levels = nice_ticks(max(numbers, default=0), about=2)
    step = _WIDTH / max(len(numbers), 1)
    heights = [number / levels[-1] * _HEIGHT for number in numbers]
    bars = [Bar(step * n + step * 0.15, _HEIGHT - h, h) for n, h in enumerate(heights)]
    return Drawing(
        bars, step * 0.7, [(_HEIGHT - level / levels[-1] * _HEIGHT, level) for level in levels]
    )


@blueprint.get("/")
@may(Permission.READ_NUMBERS)
def page() -> Page:
    text, period = _text(), _period()
    total = overview.total(text.campaign_id, scope())
    return render_template(
        "desk/numbers/page.html",
        address=address,
        autonym=i18n.autonym,
        month_name=i18n.short_month_name,
        text=text,
        texts=current_texts(),
        form=Form({"campaign": text.campaign.slug, "days": str(period.days)}),
        periods=[(str(days), words) for days, words in PERIODS.items()],
        period=period,
        total=total,
        lists=_lists(text, total.people),
        waiting=[] if scope().institution_id else _waiting(),
        may_export=account().may(Permission.EXPORT) and not scope().institution_id,
        **(_of_institution(text) if scope().institution_id else _of_days(text, period)),
        **_on_the_way(text, period),
    )


def _text() -> CampaignText:
    """Return the text of the campaign in the address, or of the first. Answers 404 where there is none."""
    texts, slug = current_texts(), request.args.get("campaign")
    found = (text for text in texts if slug is None or text.campaign.slug == slug)
    return next(found, None) or abort(404)


def _period() -> Period:
    asked = request.args.get("days", "")
    days = int(asked) if asked in map(str, PERIODS) else _DEFAULT_DAYS
    today = now().date()
    return Period(today - timedelta(days=days - 1), today)


def _of_days(text: CampaignText, period: Period) -> Mapping[str, object]:
    """Return the days as they are drawn and listed, and their sum, which the total contains."""
    days = overview.days(text.campaign_id, period.since, period.until, scope())
    return {
        "days": days,
        "months": None,
        "drawn": drawing([day.people for day in days]),
        "in_period": DayCounts(
            period.since,
            sum(day.people for day in days),
            sum(day.official_pledges for day in days),
        ),
    }


def _of_institution(text: CampaignText) -> Mapping[str, object]:
    """Return the months of one institution, as they are published: a day may be one person."""
    months = details.months(text.campaign_id, "institution", scope().institution_id or "")[-24:]
    drawn = drawing([month.people for month in months])
    return {"days": None, "months": months, "drawn": drawn, "in_period": None}


def _on_the_way(text: CampaignText, period: Period) -> Mapping[str, object]:
    """Return the way from form to pledge, by language; a form has no country, so only for who sees the world."""
    if not scope().is_everything:
        return {"stages": None, "by_language": None}
    asked = (text.campaign_id, period.since, period.until)
    forms, confirmed = funnel.by_language(*asked), overview.confirmed_by_language(*asked)
    stages = [
        Stage(gettext("Opened the form"), sum(one.opened for one in forms.values())),
        Stage(gettext("Filled it in"), sum(one.sent for one in forms.values())),
        Stage(gettext("Confirmed, and count now"), sum(confirmed.values())),
    ]
    tags = sorted(forms.keys() | confirmed.keys(), key=lambda tag: -confirmed.get(tag, 0))
    by_language = [(tag, forms.get(tag, Forms(0, 0)), confirmed.get(tag, 0)) for tag in tags]
    return {"stages": stages, "by_language": by_language}


def _waiting() -> list[tuple[str, str, datetime | None]]:
    """Return what does not count yet, in all campaigns: what, how many, since when."""
    found = (
        (gettext("Not confirmed by their people yet"), attention.unconfirmed(now(), scope())),
        (gettext("Held for review"), attention.held(scope())),
    )
    return [(what, _number(waiting.number), waiting.since) for what, waiting in found]


def _number(waiting: int) -> str:
    if waiting > attention.MOST:
        return gettext("more than %(number)s", number=i18n.format_number(attention.MOST))
    return i18n.format_number(waiting)


@dataclass(frozen=True)
class List:
    """A total divided in one way: the largest parts, and what is in none of those that are shown."""

    name: str
    title: str
    rows: Sequence[Row]
    # Why the rest is there; "" where the parts are no parts of a total.
    rest_is: str
    rest: int = 0
    note: str = ""

    @property
    def most(self) -> int:
        return max((row.people for row in self.rows), default=0)


def _lists(text: CampaignText, total: int) -> list[List]:
    return [make(text, total, _FEW) for name, make in _LISTS.items() if _has(name, scope())]


def _has(name: str, scope: Scope) -> bool:
    """Whether someone with this scope has such a list: no tally has the languages of a country."""
    if scope.institution_id:
        return name == "commitments"
    return name != "languages" or scope.is_everything


def _countries(text: CampaignText, total: int, limit: int) -> List:
    rows = [
        Row(country_name(row.key, i18n.current()), row.people, row.official_pledges)
        for row in overview.countries(text.campaign_id, scope(), limit)
    ]
    rest = total - sum(row.people for row in rows)
    return List("countries", gettext("Countries"), rows, gettext("In all other countries"), rest)


def _institutions(text: CampaignText, _total: int, limit: int) -> List:
    found = overview.institutions(text.campaign_id, scope(), limit)
    rows = [Row(name_in(one.institution, i18n.current()), one.people) for one in found]
    at_institutions = overview.at_institutions(text.campaign_id, scope())
    note = ngettext(
        "%(number)s person is at an institution of the registry.",
        "%(number)s people are at institutions of the registry.",
        at_institutions,
        number=i18n.format_number(at_institutions),
    )
    rest = at_institutions - sum(row.people for row in rows)
    return List(
        "institutions",
        gettext("Institutions"),
        rows,
        gettext("At all other institutions"),
        rest,
        note,
    )


def _languages(text: CampaignText, total: int, limit: int) -> List:
    rows = [
        Row(i18n.autonym(row.key), row.people, row.official_pledges, row.key)
        for row in overview.languages(text.campaign_id, limit)
    ]
    rest = total - sum(row.people for row in rows)
    return List("languages", gettext("Languages"), rows, gettext("In all other languages"), rest)


def _commitments(text: CampaignText, _total: int, limit: int) -> List:
    sentences = text.commitments_for("person")
    counts = overview.commitments(text.campaign_id, scope())
    rows = [Row(sentences.get(code, code), people) for code, people in counts.items()]
    note = gettext("A person can make several commitments.")
    if not scope().is_everything:
        note = gettext(
            "Counted each night in groups of at least five people and rounded down, so that no number is about one"
            " person. A person can make several commitments."
        )
    return List("commitments", gettext("Commitments"), rows[:limit], "", note=note)


_LISTS: Mapping[str, Callable[[CampaignText, int, int], List]] = {
    "countries": _countries,
    "institutions": _institutions,
    "languages": _languages,
    "commitments": _commitments,
}


@blueprint.get("/<name>/")
@may(Permission.READ_NUMBERS)
def whole_list(name: str) -> Page:
    """Show a list to its end, or to where a person stops reading."""
    if name not in _LISTS or not _has(name, scope()):
        abort(404)
    text = _text()
    total = overview.total(text.campaign_id, scope())
    shown = _LISTS[name](text, total.people, _MANY)
    return render_template(
        "desk/numbers/list.html", address=address, text=text, list=shown, total=total
    )


@blueprint.get("/days.csv")
@may(Permission.EXPORT)
def days_csv() -> Response:
    """Send the days of the period as CSV, with the byte order mark by which spreadsheets recognise UTF-8."""
    text, period = _text(), _period()
    output = StringIO()
    rows = overview.days(text.campaign_id, period.since, period.until, scope())
    csv.writer(output).writerows([("day", "people", "official_pledges"), *rows])
    response = Response(output.getvalue().encode("utf-8-sig"), mimetype="text/csv")
    name = f"{text.campaign.slug}-{period.since}-{period.until}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def address(endpoint: str, **more: object) -> str:
    """Return an address of this area with the campaign and the period of this one."""
    kept = {name: value for name in ("campaign", "days") if (value := request.args.get(name))}
    return url_for(endpoint, **kept, **more)  # type: ignore[arg-type]
