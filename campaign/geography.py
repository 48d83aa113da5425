"""Countries (ISO 3166-1) and their regions (UN M49), with names and an order for each language.

A country is its alpha-2 code, a region its three-digit M49 code; CLDR names both in the reader's
language. The table is UN M49 as of 2026, checked against CLDR 48. Special cases:

- Antarctica (AQ) is in no M49 region: a pledge from there counts for its country and the world only.
- Taiwan (TW) has no row of its own in M49; it is in Eastern Asia here, as in CLDR.
- Kosovo (XK) has no ISO code; XK is the user-assigned one that ROR and CLDR use. It is accepted
  because the registry has institutions there and CLDR names it in every language we offer.
  So there are 249 + 1 countries.
"""

import unicodedata
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from babel import Locale

# Countries by their regions, widest first: region, sub-region and, if M49 has one, intermediate region.
_MEMBERS: dict[tuple[str, ...], str] = {
    ("002", "015"): "DZ EG EH LY MA SD TN",
    ("002", "202", "011"): "BF BJ CI CV GH GM GN GW LR ML MR NE NG SH SL SN TG",
    ("002", "202", "014"): "BI DJ ER ET IO KE KM MG MU MW MZ RE RW SC SO SS TF TZ UG YT ZM ZW",
    ("002", "202", "017"): "AO CD CF CG CM GA GQ ST TD",
    ("002", "202", "018"): "BW LS NA SZ ZA",
    ("009", "053"): "AU CC CX HM NF NZ",
    ("009", "054"): "FJ NC PG SB VU",
    ("009", "057"): "FM GU KI MH MP NR PW UM",
    ("009", "061"): "AS CK NU PF PN TK TO TV WF WS",
    ("019", "021"): "BM CA GL PM US",
    ("019", "419", "005"): "AR BO BR BV CL CO EC FK GF GS GY PE PY SR UY VE",
    ("019", "419", "013"): "BZ CR GT HN MX NI PA SV",
    ("019", "419", "029"): (
        "AG AI AW BB BL BQ BS CU CW DM DO GD GP HT JM KN KY LC MF MQ MS PR SX TC TT VC VG VI"
    ),
    ("142", "030"): "CN HK JP KP KR MN MO TW",
    ("142", "034"): "AF BD BT IN IR LK MV NP PK",
    ("142", "035"): "BN ID KH LA MM MY PH SG TH TL VN",
    ("142", "143"): "KG KZ TJ TM UZ",
    ("142", "145"): "AE AM AZ BH CY GE IL IQ JO KW LB OM PS QA SA SY TR YE",
    ("150", "039"): "AD AL BA ES GI GR HR IT ME MK MT PT RS SI SM VA XK",
    ("150", "151"): "BG BY CZ HU MD PL RO RU SK UA",
    ("150", "154"): "AX DK EE FI FO GB GG IE IM IS JE LT LV NO SE SJ",
    ("150", "155"): "AT BE CH DE FR LI LU MC NL",
    (): "AQ",
}

COUNTRIES = {
    country: regions for regions, members in _MEMBERS.items() for country in members.split()
}
CONTINENTS = ("002", "019", "142", "150", "009")  # Africa, Americas, Asia, Europe, Oceania
REGIONS = frozenset(region for regions in _MEMBERS for region in regions)

# The order of letters in languages where that of code points would be wrong; letters of one group are equal.
# In other languages names sort by code point, without accents. Source: CLDR collation charts.
# PyICU would do it all, but needs system libraries.
_ALPHABETS = {
    "ar": "آ ا ب تة ث ج ح خ د ذ ر ز س ش ص ض ط ظ ع غ ف ق ك ل م ن ه و يى",
    "es": "a b c d e f g h i j k l m n ñ o p q r s t u v w x y z",
    "ru": "а б в г д е ж з и й к л м н о п р с т у ф х ц ч ш щ ъ ы ь э ю я",
    # ھ turns the letter before it into an aspirated one, which comes after the plain one: hence last.
    "ur": "ا آ ب پ ت ٹ ث ج چ ح خ د ڈ ذ ر ڑ ز ژ س ش ص ض ط ظ ع غ ف ق کك گ ل م ن ں و ہهۃة ء یيى ے ھ",
}


class UnknownCountry(LookupError):
    """The code is neither in ISO 3166-1 nor XK."""


class UnknownRegion(LookupError):
    """The code is not that of a region of UN M49 below the world."""


class NamedCountry(NamedTuple):
    """A country's alpha-2 code and its name in one language."""

    code: str
    name: str


def is_country(code: str) -> bool:
    return code in COUNTRIES


def is_region(code: str) -> bool:
    return code in REGIONS


def regions_of(country: str) -> tuple[str, ...]:
    """Return the M49 regions of a country, widest first, without the world; empty for Antarctica.

    Raises UnknownCountry.
    """
    try:
        return COUNTRIES[country]
    except KeyError:
        raise UnknownCountry(country) from None


def country_name(code: str, locale: str) -> str:
    """Return the country's name in the language of the BCP 47 tag. Raises UnknownCountry."""
    if not is_country(code):
        raise UnknownCountry(code)
    return _territory_name(code, locale)


def region_name(code: str, locale: str) -> str:
    """Return the region's name in the language of the BCP 47 tag. Raises UnknownRegion."""
    if not is_region(code):
        raise UnknownRegion(code)
    return _territory_name(code, locale)


@cache
def sorted_countries(locale: str) -> tuple[NamedCountry, ...]:
    """Return all countries in the order in which a reader of this language looks them up.

    In Chinese by pinyin, in other languages by their alphabet, ignoring accents.
    """
    language = Locale.parse(locale, sep="-").language
    sort_key = _by_pinyin if language == "zh" else _alphabet(language)
    countries = [NamedCountry(code, country_name(code, locale)) for code in COUNTRIES]
    return tuple(sorted(countries, key=lambda country: (sort_key(country.name), country)))


def _territory_name(code: str, locale: str) -> str:
    # In CLDR 166 languages name all of them; for the others English is better than a bare code.
    return _territories(locale).get(code) or _territories("en")[code]


@cache
def _territories(locale: str) -> dict[str, str]:
    return dict(Locale.parse(locale, sep="-").territories)


def _by_pinyin(name: str) -> str:
    """Sort key: each character's syllable and tone, then the character, so that equal sounds stand together."""
    from pypinyin import Style, lazy_pinyin

    # errors=list keeps one entry per character; pypinyin documents it, its types do not know it.
    syllables = lazy_pinyin(name, style=Style.TONE3, errors=list)  # type: ignore[arg-type]
    return " ".join(syllable + char for syllable, char in zip(syllables, name, strict=True))


def _alphabet(language: str) -> Callable[[str], str]:
    """Return a sort key that puts each letter of the language at its position in the alphabet."""
    groups = _ALPHABETS.get(language, "").split()
    # Characters of the private use area, so that the alphabet comes after everything else: signs, digits, Latin.
    ranks = {letter: chr(0xE000 + rank) for rank, group in enumerate(groups) for letter in group}

    def split(letter: str) -> str:
        return letter if letter in ranks else _bare(letter)

    def sort_key(name: str) -> str:
        letters = unicodedata.normalize("NFC", name.casefold())
        return "".join(ranks.get(part, part) for letter in letters for part in split(letter))

    return sort_key


def _bare(letter: str) -> str:
    """Return the letter without accents, points and nukta; a virama (class 9) is not an accent and stays."""
    parts = unicodedata.normalize("NFD", letter)
    return "".join(part for part in parts if unicodedata.combining(part) in (0, 9))
