"""The shapes of requests and responses: they validate, they write JSON, and they are the documentation.

Numbers are numbers, days and times ISO 8601 (UTC), languages BCP 47, countries ISO 3166-1 alpha-2, regions UN M49,
institutions ROR ids. Rows of lists are flat, so that JSON, JSON Lines and CSV have the same fields.
"""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from campaign.geography import is_country
from campaign.institutions.records import short_id
from campaign.institutions.search import LONGEST_QUERY

LANGUAGE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$"
# Those that staff gave to institutions that ROR does not have begin with x.
ROR_ID = r"^[0x][a-hj-km-np-tv-z0-9]{6}[0-9]{2}$"
ROR_ID_OR_URL = ROR_ID.replace("^", r"^(https://ror\.org/)?")
DETAILS = ("commitment", "discipline")
DIMENSIONS = ("country", "region", "institution", *DETAILS)
MOST_ROWS = 1000
MOST_SIGNATORIES = 200


def described(text: str, *examples: object, **more: object) -> dict[str, Any]:
    """What the documentation says about a field."""
    return {"description": text, **({"examples": list(examples)} if examples else {}), **more}


def _text(
    description: str, example: str | None, *, allow_none: bool = False, **more: object
) -> fields.String:
    return fields.String(
        required=True, allow_none=allow_none,
        metadata=described(description, example, **more),
    )  # fmt: skip


class RorId(fields.String):
    """A ROR id, read with or without its address, and in CSV written with it (``downloads.cells``)."""

    def _deserialize(
        self,
        value: object,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **options: object,
    ) -> str:
        id_ = short_id(super()._deserialize(value, attr, data, **options) or "")
        if id_ is None:
            raise ValidationError("Not a ROR id: nine characters, the last two check digits.")
        return id_


def _ror_id(
    description: str, example: str | None, *, allow_none: bool = False, **more: object
) -> RorId:
    return RorId(
        required=True, allow_none=allow_none,
        metadata=described(f"{description} In CSV with https://ror.org/ before it.", example, **more),
    )  # fmt: skip


def _number(description: str, example: int) -> fields.Integer:
    return fields.Integer(
        required=True, validate=validate.Range(min=0), metadata=described(description, example)
    )


def _list(inner: fields.Field[Any], description: str, *examples: object) -> fields.List[Any]:
    return fields.List(inner, required=True, metadata=described(description, *examples))


class ProblemItem(Schema):
    """What is wrong with one part of the request."""

    name = _text("The parameter or field.", "country")
    detail = _text("What is wrong with it.", "Not a country of ISO 3166-1.")


class ProblemSchema(Schema):
    """An error (RFC 9457)."""

    type = _text("The kind of problem.", "about:blank", format="uri-reference")
    title = _text("The status in words.", "Not Found")
    status = fields.Integer(
        required=True,
        validate=validate.Range(400, 599),
        metadata=described("The status of the response.", 404),
    )
    detail = _text("What went wrong and what helps.", "There is nothing at this address.")
    errors = fields.List(
        fields.Nested(ProblemItem),
        metadata=described("What is wrong with which part of the request."),
    )


# Requests


class NoQuery(Schema):
    """No parameter at all."""


class LanguageQuery(Schema):
    lang = fields.String(
        validate=[validate.Length(max=35), validate.Regexp(LANGUAGE)],
        load_default="en",
        metadata=described(
            "Language of the names in the answer (BCP 47). Where it is not offered, the nearest one is used; "
            "Content-Language says which.",
            "fr",
        ),
    )


def _is_country(code: str) -> None:
    if not is_country(code):
        raise ValidationError("Not a country of ISO 3166-1 (alpha-2, in capitals).")


def _country_filter(description: str) -> fields.String:
    return fields.String(
        validate=_is_country,
        metadata=described(description, "KE", pattern="^[A-Z]{2}$"),
    )


def _institution_filter(description: str) -> RorId:
    text = f"{description} A ROR id, with or without https://ror.org/."
    return RorId(metadata=described(text, "02y9nww90", pattern=ROR_ID_OR_URL))


def _limit(most: int, default: int) -> fields.Integer:
    return fields.Integer(
        validate=validate.Range(1, most),
        load_default=default,
        metadata=described("How many rows at most.", default),
    )


def _after() -> fields.String:
    return fields.String(
        validate=validate.Length(min=1, max=500),
        metadata=described(
            "Where the previous page ended. Follow `next` instead of building it; a cursor is valid for seven days."
        ),
    )


class InstitutionQuery(LanguageQuery):
    q = fields.String(
        validate=validate.Length(min=1, max=LONGEST_QUERY),
        metadata=described(
            "A name, a part of one or a whole affiliation, in any language of the institution; small typos are "
            "tolerated. "
            "The best matches come first, and there is one page only.",
            "nairobi",
        ),
    )
    country = _country_filter("Only institutions of this country.")
    limit = _limit(100, 20)
    after = _after()


class TallyQuery(LanguageQuery):
    limit = _limit(MOST_ROWS, 100)
    after = _after()


class DaysQuery(Schema):
    since = fields.Date(metadata=described("The first day.", "2026-11-01"))
    until = fields.Date(metadata=described("The last day.", "2026-11-30"))


class MonthsQuery(Schema):
    country = _country_filter("Only pledges from this country.")
    institution = _institution_filter("Only pledges of this institution and its people.")


class SignatoryQuery(LanguageQuery):
    q = fields.String(
        validate=validate.Length(min=1, max=100),
        metadata=described("A part of the name; accents and case do not matter.", "kamau"),
    )
    country = _country_filter("Only people of this country.")
    institution = _institution_filter("Only people of this institution.")
    limit = _limit(MOST_SIGNATORIES, 50)
    after = _after()


class OfficialPledgeQuery(LanguageQuery):
    country = _country_filter("Only institutions of this country.")
    limit = _limit(MOST_SIGNATORIES, 50)
    after = _after()


# Responses


def _people(description: str = "Confirmed pledges of people.") -> fields.Integer:
    return _number(description, 1320)


def _official_pledges() -> fields.Integer:
    return _number(
        "Confirmed official pledges of institutions; never added to those of people.", 12
    )


class CampaignCountsSchema(Schema):
    """The headline numbers of a campaign."""

    people = _people()
    official_pledges = _official_pledges()
    countries = _number("Countries and territories where people pledged.", 61)
    institutions_reached = _number("Institutions whose people pledged.", 214)


class CountsInCampaignSchema(Schema):
    """The numbers of a country, a region or an institution in one campaign."""

    campaign = _text("The campaign's slug.", "heart-of-science")
    people = _people()
    official_pledges = _official_pledges()


class CampaignSummarySchema(Schema):
    slug = _text("The campaign's name in addresses.", "heart-of-science")
    title = _text("Its title.", "Light Up the Heart of Science")
    summary = _text(
        "What it is about, in a few sentences.", "Scientists and institutions promise …"
    )
    language = _text("Language of title and summary.", "en", pattern=LANGUAGE)
    version = _number("Version of the text that people sign now.", 1)
    counts = fields.Nested(CampaignCountsSchema, required=True)
    url = _text("Its page.", "https://example.org/en/campaigns/heart-of-science/", format="uri")


class CampaignsSchema(Schema):
    items = fields.List(fields.Nested(CampaignSummarySchema), required=True)


class TextReferenceSchema(Schema):
    version = _number("The version; a change of wording is a new one.", 1)
    language = _text("The language.", "en", pattern=LANGUAGE)
    title = _text("The title.", "Light Up the Heart of Science")
    published_at = fields.DateTime(
        required=True, metadata=described("When it was published.", "2026-11-20T09:00:00+00:00")
    )
    api_url = _text(
        "The whole text.",
        "https://example.org/api/v1/campaigns/heart-of-science/texts/1/en",
        format="uri",
    )


class CampaignSchema(CampaignSummarySchema):
    texts = fields.List(
        fields.Nested(TextReferenceSchema),
        required=True,
        metadata=described("Every published text, the newest version first."),
    )


class CommitmentSchema(Schema):
    code = _text("The code that tallies use.", "lectures")
    text = _text("The sentence.", "I give a lecture on what my country needs.")


class TextSchema(TextReferenceSchema):
    theme = _text("The theme.", "Eco-security")
    summary = _text("What the campaign is about.", "Scientists and institutions promise …")
    introduction = _text(
        "The introduction; paragraphs are separated by blank lines.", "A country …"
    )
    pledge = _text("What a person signs.", "I pledge …")
    pledge_institution = _text("What the representative of an institution signs.", "We pledge …")
    commitments = _list(fields.Nested(CommitmentSchema), "What a person can undertake.")
    commitments_institution = _list(
        fields.Nested(CommitmentSchema), "What an institution can undertake."
    )


class TallyRow(Schema):
    key = _ror_id(
        "ISO 3166-1, UN M49, code of a commitment, code of a discipline (OECD FORD), or ROR id.",
        "KE",
    )
    name = _text("Its name in the requested language.", "Kenya")
    country = _text(
        "Where `key` is an institution, its country; otherwise null.", None,
        allow_none=True, pattern="^[A-Z]{2}$",
    )  # fmt: skip
    people = _people(
        "Confirmed pledges of people. By commitment or discipline: once a day, from five people on, rounded down "
        "to a multiple of five; 0 may be none or a few."
    )
    official_pledges = _official_pledges()


class DayRow(Schema):
    """Confirmed pledges that stand, by the day on which they were confirmed."""

    date = fields.Date(required=True, metadata=described("The day (UTC).", "2026-11-21"))
    people = _people("Confirmed pledges of people; changes once a day.")
    official_pledges = _official_pledges()


class MonthRow(Schema):
    """Confirmed pledges that stand, by the month in which they were confirmed."""

    month = _text("The month (UTC).", "2026-11", pattern=r"^[0-9]{4}-[0-9]{2}$")
    people = _people(
        "Confirmed pledges of people; changes once a day. Of a country or institution: from five people on, in "
        "multiples of five; people of a month with too few are counted in a later one."
    )
    official_pledges = _official_pledges()


class SignatoryRow(Schema):
    """A person who chose to be listed by name. People who withdraw disappear from here."""

    name = _text("The name as the person wrote it.", "Wanjiru Kamau")
    role = fields.String(
        required=True,
        allow_none=True,
        metadata=described(
            "Code of the role, such as professor, doctoral or student.", "researcher"
        ),
    )
    institution = _ror_id(
        "ROR id; null where there is none or it is not in the registry.", "02y9nww90",
        allow_none=True, pattern=ROR_ID,
    )  # fmt: skip
    institution_name = _text(
        "Name of the institution, as the person wrote it where it is not in the registry.",
        "University of Nairobi",
        allow_none=True,
    )
    country = _text("Country of the person's work.", "KE", pattern="^[A-Z]{2}$")
    country_name = _text("Its name.", "Kenya")
    date = fields.Date(
        required=True, metadata=described("Day of the confirmation (UTC).", "2026-11-21")
    )


class OfficialPledgeRow(Schema):
    institution = _ror_id("ROR id.", "02y9nww90", pattern=ROR_ID)
    institution_name = _text("Name of the institution.", "University of Nairobi")
    country = _text("Its country.", "KE", pattern="^[A-Z]{2}$")
    country_name = _text("The country's name.", "Kenya")
    date = fields.Date(
        required=True, metadata=described("Day of the confirmation (UTC).", "2026-11-21")
    )
    commitments = _list(
        fields.String(), "Codes of what it undertakes; in CSV separated by spaces.", ["hosting"]
    )
    url = _text(
        "The institution's page.", "https://example.org/en/institutions/02y9nww90/", format="uri"
    )


class InstitutionRow(Schema):
    id = _text("ROR id.", "02y9nww90", pattern=ROR_ID)
    name = _text(
        "Name in the requested language, else the one ROR displays.", "University of Nairobi"
    )
    city = _text("The city.", "Nairobi", allow_none=True)
    country = _text("The country.", "KE", pattern="^[A-Z]{2}$")
    country_name = _text("The country's name.", "Kenya")


class MatchRow(InstitutionRow):
    score = fields.Float(
        required=True,
        allow_none=True,
        validate=validate.Range(0, 1),
        metadata=described(
            "How sure the match is, from 0 to 1; null where nothing was searched for.", 1.0
        ),
    )
    matched_name = _text(
        "The institution's name that fits what was searched for; null where nothing was.",
        "University of Nairobi",
        allow_none=True,
    )


class MatchedLineSchema(Schema):
    """What one line of a list may mean."""

    line = _number("Its place in the list, from 1.", 1)
    matches = fields.List(
        fields.Nested(MatchRow),
        required=True,
        metadata=described("Up to five institutions, the likeliest first; none where none fits."),
    )
    error = _text("Why the line could not be read; null where it could.", None, allow_none=True)


class MatchedLinesSchema(Schema):
    items = fields.List(
        fields.Nested(MatchedLineSchema),
        required=True,
        metadata=described("One for each line, in the order of the list."),
    )


class InstitutionSchema(InstitutionRow):
    status = fields.String(
        required=True,
        validate=validate.OneOf(("active", "inactive", "withdrawn")),
        metadata=described("Its status in the registry.", "active"),
    )
    types = _list(fields.String(), "What it is, in the registry's words.", ["education"])
    website = _text("Its website.", "https://www.uonbi.ac.ke", allow_none=True)
    ror_url = _text(
        "Its record in the registry; null if ROR does not have it.",
        "https://ror.org/02y9nww90",
        format="uri",
        allow_none=True,
    )
    url = _text("Its page here.", "https://example.org/en/institutions/02y9nww90/", format="uri")
    counts = fields.List(
        fields.Nested(CountsInCampaignSchema), required=True, metadata=described("By campaign.")
    )


class RegistrySchema(Schema):
    """The release of the registry that institutions come from; null where the imported file did not say."""

    name = _text("The registry.", "Research Organization Registry (ROR)")
    url = _text("Its address.", "https://ror.org/", format="uri")
    license = _text("Its licence (SPDX).", "CC0-1.0")
    version = _text("The release.", "2.9", allow_none=True)
    date = fields.Date(
        required=True,
        allow_none=True,
        metadata=described("The day of the release.", "2026-06-23"),
    )
    sha256 = _text("Digest of the file that was imported.", "9f86d081" * 8, allow_none=True)
    imported_at = fields.DateTime(
        required=True,
        allow_none=True,
        metadata=described("When it was imported.", "2026-07-01T09:00:00+00:00"),
    )


class CountrySchema(Schema):
    code = _text("ISO 3166-1 alpha-2, and XK for Kosovo.", "KE", pattern="^[A-Z]{2}$")
    name = _text("The name (CLDR).", "Kenya")
    regions = _list(fields.String(), "UN M49, widest first.", ["002", "202", "014"])
    url = _text("Its page.", "https://example.org/en/countries/KE/", format="uri")


class CountriesSchema(Schema):
    items = fields.List(fields.Nested(CountrySchema), required=True)


class CountsOfPlaceSchema(CountsInCampaignSchema):
    """The numbers of a country in one campaign."""

    institutions_reached = _number("Institutions of the country whose people pledged.", 9)


class CountryWithCountsSchema(CountrySchema):
    counts = fields.List(
        fields.Nested(CountsOfPlaceSchema), required=True, metadata=described("By campaign.")
    )


class RegionSchema(Schema):
    code = _text("UN M49.", "014", pattern="^[0-9]{3}$")
    name = _text("The name (CLDR).", "Eastern Africa")
    countries = _list(fields.String(), "The countries in it.", ["KE", "TZ", "UG"])
    url = _text("Its page.", "https://example.org/en/regions/014/", format="uri")


class RegionsSchema(Schema):
    items = fields.List(fields.Nested(RegionSchema), required=True)


class RegionWithCountsSchema(RegionSchema):
    counts = fields.List(
        fields.Nested(CountsInCampaignSchema), required=True, metadata=described("By campaign.")
    )


def _page_of(row: type[Schema], name: str) -> type[Schema]:
    """Rows, and the address of those that follow."""
    following = fields.String(
        required=True,
        allow_none=True,
        metadata=described("Address of the next page, also in the Link header; null on the last."),
    )
    return type(
        name,
        (Schema,),
        {"items": fields.List(fields.Nested(row), required=True), "next": following},
    )


InstitutionPage = _page_of(MatchRow, "InstitutionPage")
TallyPage = _page_of(TallyRow, "TallyPage")
SignatoryPage = _page_of(SignatoryRow, "SignatoryPage")
OfficialPledgePage = _page_of(OfficialPledgeRow, "OfficialPledgePage")


class DaysSchema(Schema):
    items = fields.List(fields.Nested(DayRow), required=True)


class MonthsSchema(Schema):
    items = fields.List(fields.Nested(MonthRow), required=True)


def sample(schema: type[Schema] | Schema) -> dict[str, Any]:
    """A response of this shape, from the examples of its fields."""
    shape = schema() if isinstance(schema, type) else schema
    return {name: _sample_of(field) for name, field in shape.fields.items() if field.required}


def _sample_of(field: fields.Field[Any]) -> object:
    if isinstance(field, fields.Nested):
        return sample(field.schema)
    if isinstance(field, fields.List) and "examples" not in field.metadata:
        return [_sample_of(field.inner)]
    return next(iter(field.metadata.get("examples", [None])))
