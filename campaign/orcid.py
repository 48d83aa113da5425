"""ORCID iDs: sixteen digits that identify a researcher.

Source: support.orcid.org, "Structure of the ORCID Identifier"; check digit by ISO 7064 MOD 11-2.
"""

import re
import unicodedata

_URL = re.compile(r"^(https?://)?(www\.)?orcid\.org/", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s\u200b\u2010-\u2015\u2212-]")  # PDFs print all kinds of hyphens
_SHAPE = re.compile(r"[0-9]{15}[0-9X]")


class InvalidOrcid(ValueError):
    """The text is not an ORCID iD; ``reason`` is "shape", or "checksum" if a digit is wrong."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def normalise_orcid(text: str) -> str:
    """Return the iD as 0000-0002-1825-0097, given in that form, as a URL, or as digits with or without spaces.

    Raises InvalidOrcid.
    """
    # NFKC turns the full-width digits of East Asian keyboards into plain ones.
    bare = _URL.sub("", unicodedata.normalize("NFKC", text).strip()).rstrip("/")
    digits = _SEPARATORS.sub("", bare).upper()
    if not _SHAPE.fullmatch(digits):
        raise InvalidOrcid("shape")
    if digits[-1] != _check_digit(digits[:-1]):
        raise InvalidOrcid("checksum")
    return "-".join(digits[start : start + 4] for start in range(0, 16, 4))


def is_valid_orcid(text: str) -> bool:
    try:
        normalise_orcid(text)
    except InvalidOrcid:
        return False
    return True


def _check_digit(digits: str) -> str:
    """Return the sixteenth digit for the fifteen others; X stands for 10."""
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    remainder = (12 - total % 11) % 11
    return "X" if remainder == 10 else str(remainder)
