"""What the registry knows about words: in how many names each is, and how much it tells of a name."""

from collections.abc import Iterable

from sqlalchemy import select

from campaign.db import db
from campaign.institutions.models import InstitutionWord
from campaign.institutions.scoring import weight_of

# Sorts after all other characters, and so after all that begins as what stands before it.
LAST = "\U0010ffff"


def frequencies(words: Iterable[str]) -> dict[str, int]:
    """Return in how many names each word is, without those that are in none."""
    rows = db.session.execute(
        select(InstitutionWord.word, InstitutionWord.frequency).where(
            InstitutionWord.word.in_(list(words))
        )
    )
    return dict(rows.all())


class _Weights(dict[str, float]):
    """The weights of words in names, read when first needed; begun anew when the number of names changes.

    That a word's weight is a little out of date after an import is no harm.
    """

    names = 0

    def learn(self, words: Iterable[str], names: int) -> None:
        if names != self.names:
            self.clear()
            self.names = names
        new = {*words} - self.keys()
        if new:
            self |= {word: weight_of(count, names) for word, count in frequencies(new).items()}
            self |= dict.fromkeys(new - self.keys(), 1.0)


weights = _Weights()
