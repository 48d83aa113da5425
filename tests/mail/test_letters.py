"""Every letter word for word, in three scripts, as it was when it was last read and found good.

After a change on purpose, write them anew and read what `git diff` shows:
`.venv/bin/python -m pytest tests/mail/test_letters.py --snapshot-update`.
"""

from datetime import UTC, datetime
from email.message import EmailMessage
from itertools import product
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from campaign.mail.compose import compose
from campaign.mail.models import OutgoingEmail
from campaign.pledges import emails
from tests.factories import policy, submitted
from tests.mail.conftest import LETTERS, STAFF_FACTS

LANGUAGES = ("en", "ar", "zh-Hans")
FACTS = {
    "name": "Wanjiru Kamau",
    "official": False,
    "campaign_title": "The Heart of Science",
    "campaign_slug": "heart-of-science",
    "code": "123456",
    "confirm_token": "TOKEN-TO-CONFIRM",
    "my_token": "TOKEN-OF-MY-PAGE",
    "days": 14,
    "hours": 24,
}
# What differs where a letter has two versions.
VERSIONS = {
    "confirm-official": {"official": True},
    "confirm-nameless": {"name": ""},
    "held-official": {"official": True},
    "refused-by-rule": {"reason": ""},
}
# What staff write when they refuse a pledge.
REASON = {"reason": "This is not a name.\n\nPlease pledge again with yours."}


class Text(SingleFileSnapshotExtension):
    """A file for each letter, which diffs line by line."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


class Html(Text):
    file_extension = "html"


every_letter = pytest.mark.parametrize(
    ("kind", "locale"), list(product([*LETTERS, *VERSIONS], LANGUAGES))
)


def letter(kind: str, locale: str) -> EmailMessage:
    return compose(
        OutgoingEmail(
            id=UUID("018f0000-0000-7000-8000-000000000001"),
            template=kind.partition("-")[0],
            locale=locale,
            recipient="wanjiru@example.org",
            facts=FACTS | STAFF_FACTS | REASON | VERSIONS.get(kind, {}),
            queued_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
        )
    )


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content())


@every_letter
def test_subject_and_text(app: Flask, snapshot: SnapshotAssertion, kind: str, locale: str) -> None:
    with app.app_context():
        message = letter(kind, locale)

    assert f"{message['Subject']}\n\n{body(message, 'plain')}" == snapshot(extension_class=Text)


@every_letter
def test_html(app: Flask, snapshot: SnapshotAssertion, kind: str, locale: str) -> None:
    with app.app_context():
        message = letter(kind, locale)

    assert body(message, "html") == snapshot(extension_class=Html)


def test_real_letters_have_the_same_facts(session: Session) -> None:
    real = emails.facts(policy().signer, submitted(), "en", policy().unconfirmed_days)

    assert real.keys() == FACTS.keys()
