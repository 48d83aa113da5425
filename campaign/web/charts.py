"""Charts of a campaign, for its page and as files: pledges over time, by continent, field and commitment."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO

from babel.dates import format_skeleton
from flask import Response, render_template

from campaign import i18n, typesetting
from campaign.campaigns.models import CampaignText
from campaign.clock import now
from campaign.drawing.charts import Growth, growth, wrapped
from campaign.geography import CONTINENTS, region_name
from campaign.http.access import anyone
from campaign.http.caching import cached
from campaign.http.locales import localized
from campaign.http.lookup import text_or_404
from campaign.i18n import gettext
from campaign.pledges.disciplines import BROAD_FIELDS
from campaign.tallies import details
from campaign.tallies import queries as tally_queries

blueprint = localized("charts", __name__, "/campaigns/<slug>/charts")

PICTURE_WIDTH = 1600
LINE_HEIGHT, LINE_EMS = 24, 44  # a line of a label: its height in pixels, and its length in ems
NAMES = "<any('over-time',regions,disciplines,commitments):name>"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is counted; ``code`` is its key in the tallies, or a month such as "2026-11".

    ``count`` is None where too few people are counted to publish their number.
    """

    code: str
    label: str
    count: int | None


@dataclass(frozen=True, slots=True)
class Chart:
    """Numbers under a title.

    ``growth`` is set for a chart over time only: it has a point for each day, the rows a sum for each month.
    """

    name: str
    title: str
    rows: Sequence[Row]
    note: str = ""
    growth: Growth | None = None

    @property
    def most(self) -> int:
        return max((row.count or 0 for row in self.rows), default=0)

    @property
    def total(self) -> int:
        return sum(row.count or 0 for row in self.rows)


def charts(text: CampaignText) -> dict[str, Chart]:
    """Every chart of a campaign, by the name in its address. Counts people, never institutions."""
    return {name: make(text) for name, make in _CHARTS.items()}


def _over_time(text: CampaignText) -> Chart:
    by_day = details.by_day(text.campaign_id)
    months = Counter[str]()
    for day, count in by_day:
        months[f"{day:%Y-%m}"] += count
    return Chart(
        "over-time",
        gettext("Pledges over time"),
        [Row(month, i18n.month_name(month), count) for month, count in months.items()],
        gettext("Pledges that stand today, by the day (UTC) on which they were confirmed."),
        growth(by_day, now().date()),
    )


def _regions(text: CampaignText) -> Chart:
    people = dict(tally_queries.ranking(text.campaign_id, "region"))
    rows = [
        Row(code, region_name(code, i18n.current()), people.get(code, 0)) for code in CONTINENTS
    ]
    return Chart("regions", gettext("Continents"), rows)


def _disciplines(text: CampaignText) -> Chart:
    people = Counter[str]()  # by broad field: the tallies count "2.3", a chart only "2"
    for code, count in details.people(text.campaign_id, "discipline").items():
        people[code.partition(".")[0]] += count
    rows = [Row(field.code, str(field.name), people.get(field.code)) for field in BROAD_FIELDS]
    note = gettext("Whoever works in several fields is counted in each.")
    return Chart("disciplines", gettext("Fields of research"), rows, note)


def _commitments(text: CampaignText) -> Chart:
    people = details.people(text.campaign_id, "commitment")
    rows = [Row(code, sentence, people.get(code)) for code, sentence in text.commitments]
    note = gettext("A person can make several commitments.")
    return Chart("commitments", gettext("Commitments people have made"), rows, note)


_CHARTS: Mapping[str, Callable[[CampaignText], Chart]] = {
    "over-time": _over_time,
    "regions": _regions,
    "disciplines": _disciplines,
    "commitments": _commitments,
}


@blueprint.get(f"/{NAMES}.svg")
@anyone
@cached()
def svg(slug: str, name: str) -> Response:
    return Response(_svg(text_or_404(slug), name), mimetype="image/svg+xml")


@blueprint.get(f"/{NAMES}.png")
@anyone
@cached()
def png(slug: str, name: str) -> Response:
    text = text_or_404(slug)
    data = {"lang": i18n.current(), "title": text.title, "svg": _svg(text, name)}
    return Response(typesetting.png("chart.typ", data, width=PICTURE_WIDTH), mimetype="image/png")


@blueprint.get(f"/{NAMES}.csv", endpoint="csv")
@anyone
@cached()
def table(slug: str, name: str) -> Response:
    """The numbers of a chart as CSV, with a byte order mark: only by it do spreadsheets recognise UTF-8."""
    text = text_or_404(slug)
    rows = _days(text) if name == "over-time" else _rows(_CHARTS[name](text))
    output = StringIO()
    csv.writer(output).writerows(rows)
    response = Response(output.getvalue().encode("utf-8-sig"), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{slug}-{name}.csv"'
    return response


def _days(text: CampaignText) -> Iterator[tuple[str, ...]]:
    yield "day", "people", "total"
    total = 0
    for day, count in details.by_day(text.campaign_id):
        total += count
        yield day.isoformat(), str(count), str(total)


def _rows(chart: Chart) -> Iterator[tuple[str, ...]]:
    yield "code", "label", "people"
    yield from ((row.code, row.label, _shown(row.count)) for row in chart.rows)


def _shown(count: int | None) -> str:
    return "" if count is None else str(count)


def _svg(text: CampaignText, name: str) -> str:
    chart = _CHARTS[name](text)
    return render_template(
        "chart.svg",
        chart=chart,
        text=text,
        sheet=_sheet(chart),
        heading=directed(chart.title),
        campaign=directed(text.title),
        note=directed(chart.note),
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """A row as it is drawn: the lines of its label, the foot of the last of them, and how long its bar is."""

    lines: Sequence[str]
    y: int
    length: float
    count: int | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """The layout of a chart that stands alone: sizes in pixels; months as (fraction of the width, words)."""

    bars: Sequence[Bar]
    height: int
    months: Sequence[tuple[float, str]]

    width = 800
    margin = 32
    line_height = LINE_HEIGHT
    bar_height = 14
    longest = 640
    top = 88
    plot_height = 300


def _sheet(chart: Chart) -> Sheet:
    if chart.growth:
        return Sheet([], 500, month_marks(chart))
    bars, y = [], Sheet.top
    for row in chart.rows:
        lines = wrapped(row.label, LINE_EMS)
        y += LINE_HEIGHT * len(lines)
        length = Sheet.longest * (row.count or 0) / (chart.most or 1)
        bars.append(Bar([*map(directed, lines)], y, length, row.count))
        y += 32
    return Sheet(bars, y + 40, [])


def month_marks(chart: Chart) -> list[tuple[float, str]]:
    """Labels of an axis of time as (fraction of its length, words): its months, else the days at its two ends."""
    if not (growth := chart.growth):
        return []
    locale = i18n.babel_locale(i18n.current())
    if growth.months:
        return [(x, format_skeleton("yMMM", month, locale=locale)) for x, month in growth.months]
    ends = ((0.0, growth.first), (1.0, growth.last))
    return [(x, format_skeleton("yMMMd", day, locale=locale)) for x, day in ends]


def directed(words: str) -> str:
    """A line of a drawing, marked to run in the direction of the reader's language (UAX #9, RLI and PDI)."""
    return f"\u2067{words}\u2069" if i18n.direction(i18n.current()) == "rtl" else words
