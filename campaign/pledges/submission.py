"""One form as it was sent: what it says, whose address it gives, and how it came."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from campaign.campaigns.models import CampaignText
from campaign.people.rules import Address
from campaign.pledges.models import Status
from campaign.pledges.rules import Draft, is_own_mailbox


@dataclass(frozen=True)
class SubmissionContext:
    """How a form came: what is known of it besides its content."""

    network_hash: bytes
    form_opened_at: datetime
    honeypot_filled: bool = False
    # Values of ``Pledge.source`` and ``Pledge.source_page``.
    source: str = "site"
    source_page: str | None = None


@dataclass(frozen=True)
class Submission:
    """A form that keeps all rules, for ``submitting.submit``.

    ``id`` names one form with what was typed in it (``submission_id``): sent again, it changes nothing. ``text`` is
    what stood above the form, ``locale`` the language of the page, ``newsletter`` whether its box was ticked.
    """

    draft: Draft
    address: Address
    text: CampaignText
    id: UUID
    context: SubmissionContext
    locale: str
    newsletter: bool

    def columns(self, hold_reasons: Sequence[str], submitted_at: datetime) -> dict[str, Any]:
        """The columns of the unconfirmed pledge that it makes, by name: all but the ids of pledge and person."""
        return self.draft.columns() | {
            "campaign_id": self.text.campaign_id,
            "text_id": self.text.id,
            "status": Status.UNCONFIRMED,
            "hold_reasons": list(hold_reasons),
            "own_mailbox": is_own_mailbox(self.draft.institution, self.address),
            "submission": self.id,
            "newsletter": self.newsletter,
            "locale": self.locale,
            "source": self.context.source,
            "source_page": self.context.source_page,
            "network_hash": self.context.network_hash,
            "submitted_at": submitted_at,
        }


def submission_id(form: UUID, answers: bytes) -> UUID:
    """The id of what was typed in a form: the first half names the form, the second the answers."""
    return UUID(bytes=form.bytes[:8] + sha256(answers).digest()[:8])


def event_details(text: CampaignText, columns: Mapping[str, Any]) -> dict[str, Any]:
    """What the trail notes of a form: no personal data."""
    return {
        "version": text.version,
        "locale": columns["locale"],
        "hold_reasons": columns["hold_reasons"],
    }


def to_json(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of a pledge as JSON can store them; ``from_json`` reads them again."""
    return {name: _plain(value) for name, value in columns.items()}


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


_READERS: Mapping[str, Callable[[str], object]] = {
    "network_hash": bytes.fromhex,
    "submission": UUID,
    "submitted_at": datetime.fromisoformat,
}


def from_json(columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that ``to_json`` stored."""
    return {
        name: _READERS[name](value) if name in _READERS else value
        for name, value in columns.items()
    }
