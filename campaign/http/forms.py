"""A form as its template sees it: the values sent, what is wrong with them, and the signed token it carries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from flask import request

from campaign.clock import now
from campaign.http.messages import message
from campaign.pledges.emails import FORM, FORM_LIFETIME
from campaign.pledges.policy import current_policy
from campaign.pledges.rules import FieldProblem, Values


class Fields:
    """The values of a form by field, as the macros of templates read them."""

    def __init__(self, values: Values | None = None) -> None:
        self._values = values or {}

    def value(self, name: str) -> str:
        """Return the first value of a field, or ""."""
        return next(iter(self.values(name)), "")

    def values(self, name: str) -> Sequence[str]:
        """Return all values of a field, such as the codes of the boxes that are ticked."""
        return self._values.get(name, ())

    def checked(self, name: str, value: str) -> bool:
        """Whether this option of a field is selected."""
        return value in self.values(name)


class Form(Fields):
    """Values by field, a translated sentence for each problem, and the token that is sent with the form."""

    def __init__(
        self,
        values: Values | None = None,
        problems: Mapping[str, FieldProblem] | None = None,
        token: str = "",
    ) -> None:
        super().__init__(values)
        self._problems = problems or {}
        self.token = token

    def error(self, name: str) -> str | None:
        """Return the sentence on what is wrong with a field, or None."""
        problem = self._problems.get(name)
        return message(name, problem) if problem else None

    @property
    def errors(self) -> list[tuple[str, str]]:
        """Every problem as (field, sentence), for the summary above the form."""
        return [(name, message(name, problem)) for name, problem in self._problems.items()]


@dataclass(frozen=True)
class FormToken:
    """What the signed token says: which form it is, which text was shown above it, when it was opened."""

    submission: UUID
    text_id: int
    opened_at: datetime


def posted_values() -> dict[str, list[str]]:
    """Return the posted fields, each with all its values."""
    return request.form.to_dict(flat=False)


def new_token(text_id: int) -> str:
    """Sign a token for a form that is opened now, below this text."""
    return _sign(text_id, now())


def renewed_token(token: FormToken) -> str:
    """Sign a token for another form with the same text, which its reader has had open since then."""
    return _sign(token.text_id, token.opened_at)


def _sign(text_id: int, opened_at: datetime) -> str:
    fields = [str(uuid4()), text_id, int(opened_at.timestamp())]
    return current_policy().signer.sign(FORM, fields)


def read_token(token: str) -> FormToken:
    """Verify and read a form's token. Raises InvalidToken, also for one older than FORM_LIFETIME."""
    submission, text_id, opened = current_policy().signer.read(FORM, token, FORM_LIFETIME)
    return FormToken(UUID(submission), text_id, datetime.fromtimestamp(opened, UTC))
