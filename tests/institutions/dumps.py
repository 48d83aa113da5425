"""Small dumps in the shape of an official one, for tests that need what no real record has."""

import json
import zipfile
from pathlib import Path
from typing import Any

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def ror_id(number: int) -> str:
    """A ROR id with right check digits that nobody has: real ones are spread, these stand together."""
    number += 31 * 32**5
    digits = "".join(_DIGITS[number >> shift & 31] for shift in range(25, -1, -5))
    return f"0{digits}{98 - number * 100 % 97:02}"


def name(value: str, *types: str, lang: str | None = None) -> dict[str, Any]:
    return {"value": value, "types": list(types or ("label",)), "lang": lang}


def record(number: int = 1, **different: Any) -> dict[str, Any]:
    """An active university of Kenya; keywords replace keys of the record."""
    values: dict[str, Any] = {
        "id": f"https://ror.org/{ror_id(number)}",
        "status": "active",
        "types": ["education"],
        "names": [name(f"Example University {number}", "ror_display", "label", lang="en")],
        "locations": [place()],
        "domains": [],
        "links": [],
        "relationships": [],
        "established": 1970,
    }
    return values | different


def place(**different: Any) -> dict[str, Any]:
    details = {"country_code": "KE", "name": "Nairobi", "lat": -1.28, "lng": 36.82}
    return {"geonames_id": 184745, "geonames_details": details | different}


def related(kind: str, number: int) -> dict[str, str]:
    return {"type": kind, "id": f"https://ror.org/{ror_id(number)}", "label": "Another"}


def write_json(path: Path, records: object) -> Path:
    path.write_text(json.dumps(records), encoding="utf-8")
    return path


def write_zip(path: Path, members: dict[str, object]) -> Path:
    """A zip of members by name; what is not bytes goes in as JSON."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            archive.writestr(member, data)
    return path
