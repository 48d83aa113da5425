"""Countries as people name them behind an institution: in twenty-seven languages, and in short."""

from collections.abc import Sequence
from functools import cache

from campaign.geography import COUNTRIES, country_name
from campaign.institutions.words import telling_words

_LOCALES = (
    "ar bn cs de el en es fa fr he hi id it ja ko nl pl pt ru sv sw th tr uk ur vi zh".split()  # noqa: SIM905
)
# Beside those of CLDR; a blank is an underscore here.
_OTHER_NAMES = """
US usa america u.s.a. u.s. united_states_of_america eeuu
GB uk england scotland wales northern_ireland great_britain u.k.
CN prc pr_china p.r._china people's_republic_of_china peoples_r_china mainland_china
KR korea south_korea republic_of_korea
RU russian_federation
IR islamic_republic_of_iran
VN viet_nam
CZ czech_republic
TR turkey turkiye
AE uae
NL the_netherlands holland
TW taiwan_roc
BR brasil
DE deutschland
MX mexico
SA ksa kingdom_of_saudi_arabia
SY syria
TZ tanzania
CI ivory_coast
MK macedonia
CD drc
HK hong_kong
"""

_LONGEST = 5


def country_at_end(words: Sequence[str]) -> tuple[int, frozenset[str]]:
    """Return how many of the last telling words name a country, and the codes that it may have; 0 if none do."""
    for start in range(max(0, len(words) - _LONGEST), len(words)):
        codes = _codes().get(tuple(words[start:]))
        if codes and not (start and words[start - 1] == "new"):  # New Mexico, New Jersey
            return len(words) - start, codes
    return 0, frozenset()


@cache
def _codes() -> dict[tuple[str, ...], frozenset[str]]:
    """Return the codes of countries by the telling words of their names."""
    codes: dict[tuple[str, ...], set[str]] = {}
    for code, name in _names():
        codes.setdefault(tuple(telling_words(name)), set()).add(code)
    return {words: frozenset(their) for words, their in codes.items() if words}


def _names() -> list[tuple[str, str]]:
    names = [(code, country_name(code, locale)) for code in COUNTRIES for locale in _LOCALES]
    for line in _OTHER_NAMES.strip().splitlines():
        code, *others = line.split()
        names += [(code, other.replace("_", " ")) for other in others]
    return names
