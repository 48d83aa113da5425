"""The map of lights, for pages and as a picture: the tallies, placed on the globe and named for a reader."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Response, abort, render_template, request, url_for

from campaign import i18n
from campaign.clock import recent_months
from campaign.drawing import night_map
from campaign.drawing.country_points import POINTS
from campaign.drawing.night_map import DAY, NIGHT, Light, MapPoint
from campaign.geography import country_name
from campaign.http.access import anyone
from campaign.http.caching import cached
from campaign.http.locales import localized
from campaign.http.lookup import text_or_404
from campaign.i18n import ngettext
from campaign.institutions import queries as institution_queries
from campaign.institutions.queries import name_in
from campaign.tallies import details
from campaign.tallies import queries as tally_queries

blueprint = localized("map", __name__)

# Where readers of these languages live, maps of the world have the Pacific in the middle.
PACIFIC_LANGUAGES = {"zh", "ja", "ko"}
NAMED_LIGHTS = 240  # the tables on the page name the others
FOCUSABLE_LIGHTS = 40
PALETTES = {"night": NIGHT, "day": DAY}
MONTHS = 24


@dataclass(frozen=True, slots=True)
class NamedLight:
    """A light as a page shows it.

    ``since`` is the index of its first published month; the brighter ones have a title and a link.
    """

    light: Light
    since: int
    title: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class LightMap:
    """Everything that the template draws; ``months`` has a sentence for each: how many had pledged by its end."""

    centre: float
    lights: Sequence[NamedLight]
    months: Sequence[str]

    width = night_map.WIDTH
    height = night_map.HEIGHT
    focusable = FOCUSABLE_LIGHTS

    @property
    def land(self) -> str:
        return night_map.land_path(self.centre)

    @property
    def sea(self) -> str:
        return night_map.globe_path()


@blueprint.get("/campaigns/<slug>/map.svg")
@anyone
@cached("variant")
def map_picture(slug: str) -> Response:
    """The map alone, for other pages and for print; ``variant=day`` is the light one."""
    variant = request.args.get("variant", "night")
    if variant not in PALETTES:
        abort(404)
    text = text_or_404(slug)
    lights = [NamedLight(light, 0) for light in _lights(text.campaign_id)]
    light_map = LightMap(_centre(), lights, months=[])
    svg = render_template("map.svg", map=light_map, text=text, palette=PALETTES[variant])
    return Response(svg, mimetype="image/svg+xml")


def _centre() -> float:
    """The longitude in the middle of the map, by the reader's language."""
    language = i18n.babel_locale(i18n.current()).language
    return night_map.PACIFIC if language in PACIFIC_LANGUAGES else night_map.ATLANTIC


def light_map(campaign_id: int) -> LightMap:
    """The campaign's map for the reader's language, with links."""
    lights = _lights(campaign_id)
    since = details.first_months(campaign_id, [light.place.key for light in lights])
    first = min(since.values(), default="9999")
    months = [month for month in recent_months(MONTHS) if month >= first]
    names = _names(lights[:NAMED_LIGHTS])
    named = [
        NamedLight(
            light,
            _index_of(since.get(light.place.key), months),
            *(_title_and_address(light, names) if number < NAMED_LIGHTS else ()),
        )
        for number, light in enumerate(lights)
    ]
    return LightMap(_centre(), named, _growth(campaign_id, months))


def _lights(campaign_id: int) -> list[Light]:
    """The lights: pledges of an institution at its place, those with a country only at the country's point."""
    clusters = tally_queries.clusters(campaign_id)
    located: Counter[str] = Counter()
    for cluster in clusters:
        located[cluster.country] += cluster.people
    places = [
        MapPoint(c.latitude, c.longitude, c.people, c.id, c.country, c.institutions)
        for c in clusters
    ]
    places += [
        MapPoint(*POINTS[code], number - located[code], code, code, is_vague=True)
        for code, number in tally_queries.ranking(campaign_id, "country")
        if number > located[code]
    ]
    return night_map.lights(places, _centre())


def _index_of(month: str | None, months: Sequence[str]) -> int:
    """The index of a month; 0 for one before the first that the map shows, since that light was always on.

    A light of too few people to publish their months is on in the last one only.
    """
    if month is None:
        return max(len(months) - 1, 0)
    return months.index(month) if month in months else 0


def _growth(campaign_id: int, months: Sequence[str]) -> list[str]:
    """A sentence for each month: how many people had pledged by its end."""
    by_day = details.by_day(campaign_id)
    totals = [sum(count for day, count in by_day if f"{day:%Y-%m}" <= month) for month in months]
    return [
        ngettext(
            "%(month)s: %(count)s person", "%(month)s: %(count)s people", total,
            month=i18n.month_name(month), count=i18n.format_number(total),
        )
        for month, total in zip(months, totals, strict=True)
    ]  # fmt: skip


def _names(lights: Sequence[Light]) -> Mapping[str, str]:
    """Names of the lights' largest institutions by their ids, in the reader's language."""
    ids = [light.place.key for light in lights if not light.place.is_vague]
    institutions = institution_queries.by_ids(ids)
    return {id_: name_in(institution, i18n.current()) for id_, institution in institutions.items()}


def _title_and_address(light: Light, names: Mapping[str, str]) -> tuple[str, str]:
    """Title and link of a light: one institution leads to its own page, several to the country of the largest."""
    place = light.place
    if place.is_vague:
        name = country_name(place.country, i18n.current())
        address = url_for("web.country", code=place.country)
    else:
        name, address = (
            i18n.isolated(names[place.key]),
            url_for("web.institution", ror_id=place.key),
        )
    if others := place.members - 1:
        name = ngettext(
            "%(name)s and %(others)s more institution", "%(name)s and %(others)s more institutions",
            others, name=name, others=i18n.format_number(others),
        )  # fmt: skip
        address = url_for("web.country", code=place.country)
    title = ngettext(
        "%(place)s: %(count)s person has pledged", "%(place)s: %(count)s people have pledged",
        place.count, place=name, count=i18n.format_number(place.count),
    )  # fmt: skip
    return title, address
