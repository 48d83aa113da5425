"""A form of the desk as its template sees it; the same macros show it as on the site."""

from collections.abc import Mapping, Sequence

from campaign.http.forms import Fields, posted_values


def number(text: str) -> int | None:
    """Return the whole number that was sent; None for what is none, or more than a column can hold."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


class Form(Fields):
    """Values by field, and a sentence for each field that is wrong."""

    def __init__(
        self,
        values: Mapping[str, str | Sequence[str]] | None = None,
        problems: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            {
                name: [value] if isinstance(value, str) else list(value)
                for name, value in (values or {}).items()
            }
        )
        self._problems = dict(problems or {})

    @classmethod
    def posted(cls, problems: Mapping[str, str] | None = None) -> "Form":
        """Return what was sent, so that nothing typed is lost."""
        return cls(posted_values(), problems)

    def error(self, name: str) -> str | None:
        """Return the sentence on what is wrong with a field, or None."""
        return self._problems.get(name)

    @property
    def errors(self) -> list[tuple[str, str]]:
        """Every problem as (field, sentence), for the summary above the form."""
        return list(self._problems.items())
