"""Ask pip-audit for known vulnerabilities of locked packages, and say whether it could look: `make audit`.

Exits with 1 for a vulnerability. Without a way to the advisories it says so and exits with 0: a machine without a
network must be able to run all checks. pip-audit alone would call it clean where a mirror knows no advisories.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypedDict

ROOT = Path(__file__).parents[1]
LOCKS = (ROOT / "requirements.lock", ROOT / "requirements-dev.lock")
NOT_AUDITED = "ADVISORIES COULD NOT BE REACHED: NOT AUDITED"


class Vulnerability(TypedDict):
    id: str
    fix_versions: list[str]


class Package(TypedDict, total=False):
    """As pip-audit reports one; ``skip_reason`` says that the advisories do not know it."""

    name: str
    version: str
    vulns: list[Vulnerability]
    skip_reason: str


class NotReached(Exception):
    """pip-audit ended without a report."""


def audit(locks: Sequence[Path], *options: str) -> list[Package]:
    """Ask pip-audit, with further options of it, about every package in these locks. Raises NotReached."""
    with TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        fixed = ["--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json"]
        files = [f"--requirement={lock}" for lock in locks]
        program = subprocess.run(
            [sys.executable, "-m", "pip_audit", *fixed, f"--output={report}", *files, *options],
            capture_output=True,
            text=True,
            check=False,
        )
        if not report.exists():
            raise NotReached(program.stderr.strip().rpartition("\n")[2])
        packages: list[Package] = json.loads(report.read_text("utf-8"))["dependencies"]
        return packages


def verdict(packages: Sequence[Package]) -> tuple[int, list[str]]:
    """The exit status, and the lines that say why."""
    audited = [package for package in packages if "skip_reason" not in package]
    if not audited:
        return 0, [NOT_AUDITED]
    lines = [
        f"{package['name']} {package['version']}: {vulnerability['id']},"
        f" fixed in {' or '.join(vulnerability['fix_versions']) or 'no version yet'}"
        for package in audited
        for vulnerability in package["vulns"]
    ]
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    passed_over = [f"NOT AUDITED, since no advisories know them: {', '.join(unknown)}"]
    summary = (
        f"advisories: {len(audited)} packages audited, {len(lines) or 'no'} known vulnerabilities"
    )
    return bool(lines), [*lines, *(passed_over if unknown else []), summary]


def main() -> int:
    try:
        status, lines = verdict(audit(LOCKS, *sys.argv[1:]))
    except NotReached as error:
        status, lines = 0, [f"{NOT_AUDITED} ({error})"]
    print("\n".join(lines))
    return status


if __name__ == "__main__":
    sys.exit(main())
