"""Lighthouse, as on a phone in a slow 4G network: nothing below 100. It takes a minute: `make lighthouse`."""

import json
import os
import subprocess
from typing import Any

import pytest

from tests.browser.pages import PUBLIC
from tests.browser.watching import ARGUMENTS, installed
from tests.npm import package
from tests.stacks import Stack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif("LIGHTHOUSE" not in os.environ, reason="takes a minute: make lighthouse"),
]

LIGHTHOUSE = ("lighthouse", "12.8.2")
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
FURTHER_TRIES = 3


@pytest.mark.parametrize("name", ["front", "institution", "form"])
def test_the_page_is_as_good_as_it_can_be(stack: Stack, name: str) -> None:
    address = f"{stack.site}/en/{PUBLIC[name]}"
    report = examine(address)
    for _ in range(FURTHER_TRIES):  # its clock counts whatever else the processor does
        if not is_perfect(report):
            report = examine(address)
    assert is_perfect(report), shortcomings(report)


def is_perfect(report: dict[str, Any]) -> bool:
    return all(report["categories"][key]["score"] == 1 for key in CATEGORIES)


def examine(url: str) -> dict[str, Any]:
    """The report; the defaults of Lighthouse are the phone and the simulated slow 4G."""
    done = subprocess.run(
        [
            "node",
            package(*LIGHTHOUSE, needs=("node",)) / "cli/index.js",
            url,
            "--quiet",
            "--output=json",
            f"--only-categories={','.join(CATEGORIES)}",
            f"--chrome-flags=--headless=new {' '.join(ARGUMENTS)}",
        ],
        env=os.environ | {"CHROME_PATH": installed() or ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def shortcomings(report: dict[str, Any]) -> list[str]:
    """Every audit that took something from a score."""
    weighed = {
        audit["id"]
        for key in CATEGORIES
        for audit in report["categories"][key]["auditRefs"]
        if audit["weight"]
    }
    return [
        f"{audit['title']}: {audit.get('displayValue', '')} {audit['score']}"
        for id_, audit in report["audits"].items()
        if id_ in weighed and audit["score"] not in {None, 1}
    ]
