"""Charts of a campaign: pledges over time, by continent, field and commitment; on pages and as files."""

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
from campaign.http.caching import by_tally
from campaign.http.locales import localized
from campaign.http.lookup import text_or_404
from campaign.i18n import gettext
from campaign.pledges.disciplines import BROAD_FIELDS
from campaign.tallies import queries as tallies

blueprint = localized("charts", __name__, "/campaigns/<slug>/charts")

PICTURE_WIDTH = 1600
LINE, EMS = 24, 44  # a line of a label: its height in pixels, and its length in ems
NAMES = "<any('over-time',regions,disciplines,commitments):name>"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is counted."""

    code: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Numbers under a title. ``growth`` is set where they are days, and the rows its months."""

    name: str
    title: str
    rows: Sequence[Row]
    note: str = ""
    growth: Growth | None = None

    @property
    def most(self) -> int:
        return max((row.count for row in self.rows), default=0)

    @property
    def total(self) -> int:
        return sum(row.count for row in self.rows)


def charts(text: CampaignText) -> dict[str, Chart]:
    """Every chart of a campaign, by the name in its address. Counts people, never institutions."""
    return {name: make(text) for name, make in _CHARTS.items()}


def _over_time(text: CampaignText) -> Chart:
    by_day = tallies.by_day(text.campaign_id)
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
    counted = dict(tallies.ranking(text.campaign_id, "region"))
    rows = [
        Row(code, region_name(code, i18n.current()), counted.get(code, 0)) for code in CONTINENTS
    ]
    return Chart("regions", gettext("Continents"), rows)


def _disciplines(text: CampaignText) -> Chart:
    counted = Counter[str]()
    for code, count in tallies.ranking(text.campaign_id, "discipline"):
        counted[code.partition(".")[0]] += count
    rows = [Row(field.code, str(field.name), counted[field.code]) for field in BROAD_FIELDS]
    note = gettext("Whoever works in several fields is counted in each.")
    return Chart("disciplines", gettext("Fields of research"), rows, note)


def _commitments(text: CampaignText) -> Chart:
    counted = dict(tallies.ranking(text.campaign_id, "commitment"))
    rows = [Row(code, sentence, counted.get(code, 0)) for code, sentence in text.commitments]
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
@by_tally()
def svg(slug: str, name: str) -> Response:
    return Response(_drawn(text_or_404(slug), name), mimetype="image/svg+xml")


@blueprint.get(f"/{NAMES}.png")
@anyone
@by_tally()
def png(slug: str, name: str) -> Response:
    text = text_or_404(slug)
    data = {"lang": i18n.current(), "title": text.title, "svg": _drawn(text, name)}
    return Response(typesetting.png("chart.typ", data, width=PICTURE_WIDTH), mimetype="image/png")


@blueprint.get(f"/{NAMES}.csv", endpoint="csv")
@anyone
@by_tally()
def table(slug: str, name: str) -> Response:
    """For spreadsheets, which take a text for UTF-8 by its byte order mark only."""
    text = text_or_404(slug)
    rows = _days(text) if name == "over-time" else _rows(_CHARTS[name](text))
    written = StringIO()
    csv.writer(written).writerows(rows)
    answer = Response(written.getvalue().encode("utf-8-sig"), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{slug}-{name}.csv"'
    return answer


def _days(text: CampaignText) -> Iterator[tuple[str, ...]]:
    yield "day", "people", "total"
    total = 0
    for day, count in tallies.by_day(text.campaign_id):
        total += count
        yield day.isoformat(), str(count), str(total)


def _rows(chart: Chart) -> Iterator[tuple[str, ...]]:
    yield "code", "label", "people"
    yield from ((row.code, row.label, str(row.count)) for row in chart.rows)


def _drawn(text: CampaignText, name: str) -> str:
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
    """A row as it is drawn: the lines of its label, where it starts, how long its bar is."""

    lines: Sequence[str]
    y: int
    length: float
    count: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """The measures of a chart that stands alone, in pixels, and its marks in words."""

    bars: Sequence[Bar]
    height: int
    months: Sequence[tuple[float, str]]

    width = 800
    margin = 32
    line_height = LINE
    bar_height = 14
    longest = 640
    top = 88
    plot_height = 300


def _sheet(chart: Chart) -> Sheet:
    if chart.growth:
        return Sheet([], 500, month_marks(chart))
    bars, y = [], Sheet.top
    for row in chart.rows:
        lines = wrapped(row.label, EMS)
        y += LINE * len(lines)
        length = Sheet.longest * row.count / (chart.most or 1)
        bars.append(Bar([*map(directed, lines)], y, length, row.count))
        y += 32
    return Sheet(bars, y + 40, [])


def month_marks(chart: Chart) -> list[tuple[float, str]]:
    """The marks of an axis of time: months, or its two ends where there is none, as short as can be."""
    if not (drawn := chart.growth):
        return []
    locale = i18n.babel_locale(i18n.current())
    if drawn.months:
        return [(x, format_skeleton("yMMM", month, locale=locale)) for x, month in drawn.months]
    ends = ((0.0, drawn.first), (1.0, drawn.last))
    return [(x, format_skeleton("yMMMd", day, locale=locale)) for x, day in ends]


def directed(words: str) -> str:
    """Between marks that give the direction of the language to a line of a drawing (UAX #9, RLI and PDI)."""
    return f"\u2067{words}\u2069" if i18n.direction(i18n.current()) == "rtl" else words
