"""Countries as people name them behind an institution: in twenty-seven languages, and in short."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
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


def country_called(text: str) -> str | None:
    """Return the code of the country that the text, a code or a name, stands for; None unless it is one."""
    code = text.strip().upper()
    if code in COUNTRIES:
        return code
    stem, _, rest = text.partition(",")
    # ISO turns names around: "Korea, Republic of".
    for name in (text, f"{rest} {stem}"):
        codes = _codes().get(tuple(telling_words(name)), frozenset())
        if len(codes) == 1:
            return next(iter(codes))
    return None


def countries_like(text: str, limit: int = 3) -> list[str]:
    """Return the codes of countries that the text may stand for, the likeliest first."""
    typed = " ".join(telling_words(re.split("[,(]", text)[0]))
    names = {" ".join(words): codes for words, codes in _codes().items()}
    begun = sorted(name for name in names if typed and f"{name} ".startswith(f"{typed} "))
    near = get_close_matches(typed, names, n=2 * limit, cutoff=0.7)
    codes = (code for name in [*near, *begun] for code in sorted(names[name]))
    return list(dict.fromkeys(codes))[:limit]


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
