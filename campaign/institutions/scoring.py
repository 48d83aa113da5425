"""How well a name of the registry answers what was typed: one function for all candidates.

Every telling word weighs by how rare it is in the registry: "university" little, "Makerere" much, a word that the
registry does not know most. The weights of the words that query and name share are set against those that only
one of them has::

    score = shared / (shared + only in the query + 0.6 * only in the name)

Not everything that is typed belongs to a name. The line is read in segments (between commas, brackets and the
like), and a name answers for one of them. Of its words, those are excused that say where the institution is (its
country, state and city) or which part of it is meant ("School of Public Health" behind the whole name of its
university).

A stranger is refused rather than ranked low: a name that explains less than ``_LEAST`` of its segment is none, and
neither is one that is itself only half there, unless it has all that was typed. What it leaves unexplained counts
twice if the registry knows it, for that is no slip, and what the name has in its place counts, too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import log1p
from typing import NamedTuple

from campaign.institutions.folding import is_unspaced

# A word that is in more names is not mistyped; one that is in fewer may be.
RARE = 8

# Of the segment that a name answers for.
_LEAST = 0.78
# One wrong character of Han or Thai spoils two or three words.
_LEAST_UNSPACED = 0.57
# Where a whole name stands in a longer line, if one of its words is rare enough to carry it alone.
_LEAST_VERBATIM = 0.45
_LEAST_TELLING_ALONE = 0.7
# Of a name, when other words stand beside it.
_LEAST_OF_NAME = 0.72
_LEAST_OF_NAME_CORRECTED = 0.35
_LEAST_OF_NAME_UNSPACED = 0.5
# Of a name, if only common words were typed and they do not stand together in it.
_LEAST_OF_NAME_SCATTERED = 0.5
# What must be shared with a name within a longer line, so that none is "Medical School" and no more.
_LEAST_SHARED = 0.5
_LEAST_SHARED_BESIDE_WHOLES = 0.85
# The rarest of its words must be at least as rare as that, so that none is "Graduate School of Engineering".
_LEAST_TELLING = 0.45
# What words count that stand in another segment than most of the name: "University of California, Berkeley".
_FROM_THE_NEXT = 0.75
_FROM_BEFORE = 0.4
_ONLY_IN_NAME = 0.6
# What a score is multiplied by if the query names another country, and if an acronym is only a part of it.
_ELSEWHERE = 0.8
_ACRONYM_IN_LINE = 0.85

# Words that name a part of an institution, in the forms of ``words``; those of the second kind also whole ones.
_PARTS = frozenset(
    """
    department faculty school division section unit chair area khoa 学院 学部 研究科 系
    """.split()  # noqa: SIM905
)
_PARTS_OR_WHOLES = frozenset(
    """
    laboratory institute center college campus group clinic hospital program programme office library museum
    branch graduate 医院 医学 研究
    """.split()  # noqa: SIM905
)


@dataclass(slots=True)
class Word:
    """A telling word of the query, the segment that it stands in, and how much it weighs.

    ``frequency`` says in how many names it is. ``meant`` are other words of the registry that it may have been
    meant for, with their closeness (up to 1); ``reach`` counts their names, too.
    """

    text: str
    segment: int
    weight: float = 1.0
    unfinished: bool = False
    frequency: int = 0
    reach: int = 0
    meant: dict[str, float] = field(default_factory=dict)


class Place(NamedTuple):
    """The position in the query at which a word of a name is found, and how close it is to what stands there."""

    at: int
    closeness: float


@dataclass
class Query:
    """What was typed: its words, the positions that name countries, and which span each key in it takes."""

    folded: str
    words: list[Word]
    countries: dict[int, frozenset[str]]
    spans: dict[str, range]
    home: str | None

    def __post_init__(self) -> None:
        self.is_unspaced = is_unspaced(self.folded)
        self.total = sum(
            word.weight for at, word in enumerate(self.words) if at not in self.countries
        )
        self.mentioned = frozenset(code for codes in self.countries.values() for code in codes)
        last = self.words[-1] if self.words else None
        country_is_last = len(self.words) - 1 in self.countries
        self.beginning = last.text if last and last.unfinished and not country_is_last else ""
        self.spoiled = [
            at
            for at, word in enumerate(self.words)
            if not word.frequency and is_unspaced(word.text)
        ]
        # Numbers of houses and postal codes; once for all names, since there are hundreds.
        self.addresses = {
            at
            for at, word in enumerate(self.words)
            if len(word.text) > 2 and any(char.isdigit() for char in word.text)
        }
        self.forms: dict[str, list[Place]] = {}
        for at, word in enumerate(self.words):
            for form, closeness in ({word.text: 1.0} | word.meant).items():
                self.forms.setdefault(form, []).append(Place(at, closeness))


class Name(NamedTuple):
    """A name of the registry as a candidate; see ``models.InstitutionName``."""

    institution_id: str
    kind: str
    value: str
    folded: str
    key: str
    place: str
    country: str
    weight: float


class Scored(NamedTuple):
    """A name with its score, from 0 to 1, and its rank among others."""

    name: Name
    score: float
    rank: float


def weight_of(frequency: int, names: int) -> float:
    """Return how telling a word is that occurs in so many of so many names: from 0.1 up to 1."""
    return max(0.1, 1 - log1p(frequency) / log1p(names)) if frequency else 1.0


def score(query: Query, name: Name, weights: Mapping[str, float]) -> Scored | None:
    """Return the name's score, or None if it is a stranger to the query."""
    words = name.key.split(" ")
    shared = _shared(query, words, query.spans.get(name.key))
    if not shared:
        return None
    pair = _Pair(query, name, shared, [word for word in words if word not in shared], weights)
    return None if pair.are_strangers() else pair.scored()


class _Pair:
    """A query and a name that share words: what each of them has beside, and what can be made of it."""

    def __init__(
        self,
        query: Query,
        name: Name,
        shared: Mapping[str, Place],
        lacking: Sequence[str],
        weights: Mapping[str, float],
    ) -> None:
        self.query, self.name, self.lacking = query, name, lacking
        self.positions = frozenset(at for at, _ in shared.values())
        self.place = {*name.place.split(" ")}
        self.full = sum(weights[word] for word in shared)
        self.gain = sum(closeness * weights[word] for word, (_, closeness) in shared.items())
        self.doubt = sum(
            (1 - closeness) * weights[word]
            for word, (at, closeness) in shared.items()
            if not query.words[at].unfinished
        )
        self.rarest = max(weights[word] for word in shared)
        self.missing = sum(weights[word] for word in lacking)
        self.beside = [
            at
            for at, word in enumerate(query.words)
            if at not in self.positions and word.text not in shared and not self._is_context(at)
        ]
        self.left, self.contradicted = self._left()

    def _is_context(self, at: int) -> bool:
        """Whether the word says where the institution is, or is the number of a house."""
        word = self.query.words[at]
        return (
            at in self.query.addresses
            or word.text in self.place
            or (bool(word.meant) and not self.place.isdisjoint(word.meant))
            or self.name.country in self.query.countries.get(at, ())
        )

    def _left(self) -> tuple[float, float]:
        """Return what is left of the segment that the name answers for, and how much of it is certainly no slip."""
        segment = self._segment()
        borrowed = self._borrowed_from(segment)
        self.rest = [
            at for at in self.beside if self.query.words[at].segment in {segment, *borrowed}
        ]
        words = [self.query.words[at] for at in self.rest]
        left = sum(word.weight for word in words)
        if self.rest and not borrowed and self._is_a_part_beside():
            return min(0.1 * left, 0.2), 0.0
        known = sum(word.weight for word in words if word.frequency >= RARE and len(word.text) > 1)
        return left, 0.0 if self.query.is_unspaced or not known else known + self.missing

    def _borrowed_from(self, segment: int) -> set[int]:
        """Return the segments before to which "University" belongs, if the name has nothing else but a city."""
        words = [self.query.words[at] for at in self.positions]
        own = [word.text for word in words if word.segment == segment]
        before = {word.segment for word in words if word.segment < segment}
        if not before or not self.place.issuperset(own):
            return set()
        return before - {self.query.words[at].segment for at in self._telling_positions()}

    def _telling_positions(self) -> Iterator[int]:
        """Yield all positions at which telling words of the name stand, also those that are not counted."""
        for word in self.name.key.split(" "):
            for at, _ in self.query.forms.get(word, ()):
                if self.query.words[at].weight >= _LEAST_TELLING:
                    yield at

    def _segment(self) -> int:
        """Return the segment that has most of the shared words' weight."""
        gains: dict[int, float] = {}
        for at in self.positions:
            word = self.query.words[at]
            gains[word.segment] = gains.get(word.segment, 0.0) + word.weight
        return max(gains, key=lambda segment: (gains[segment], segment))

    def _is_a_part_beside(self) -> bool:
        """Whether what stands beside the name only says which part of it is meant.

        Beside a faculty, "University" may be left out of the name: Yale Law School, but no Yale College.
        """
        beside = {self.query.words[at].text for at in self.beside}
        if self.lacking:
            return (
                len(self.beside) > 1
                and self.lacking == ["university"]
                and not beside.isdisjoint(_PARTS)
                and not self._is_only_a_place()
            )
        if not self._is_verbatim():
            return False
        if not beside.isdisjoint(_PARTS):
            return self.gain > _LEAST_SHARED
        return (
            " " in self.name.key
            and self.gain > _LEAST_SHARED_BESIDE_WHOLES
            and not beside.isdisjoint(_PARTS_OR_WHOLES)
        )

    def _is_only_a_place(self) -> bool:
        """Whether nothing but a city is shared, which carries no name: Athens Law School."""
        return all(self.query.words[at].text in self.place for at in self.positions)

    def _is_verbatim(self) -> bool:
        return self.name.key in self.query.spans

    def are_strangers(self) -> bool:
        """Whether too little of the query's segment is explained, or too little of the name is there."""
        of_name = self.gain / (self.gain + self.missing)
        return (
            self._only_share_a_country()
            or self._explained() < self._least()
            or self._is_hidden_in_the_name(of_name)
            or self._is_another_acronym()
            or (self.doubt > 0 and (of_name < _LEAST_OF_NAME_CORRECTED or self._is_elsewhere()))
            or (bool(self.beside) and (self._is_lost_in_the_line(of_name) or self._is_only_begun()))
        )

    def _only_share_a_country(self) -> bool:
        countries = self.query.countries.keys()
        return self.positions <= countries and len(self.positions) < len(self.query.words)

    def _explained(self) -> float:
        """Return how much of its segment the name explains.

        A word that the registry knows is no slip: it counts twice, and with it what the name has in its place. The
        University of Law is not the University of Science, whatever else they share.
        """
        contradicted = 0.0 if self._stands_in_a_line() else self.contradicted
        return self.gain / (self.gain + self.left + contradicted + self.doubt)

    def _stands_in_a_line(self) -> bool:
        return (
            len(self.rest) > 1
            and self.gain > 1
            and self.rarest >= _LEAST_TELLING_ALONE
            and self._is_verbatim()
        )

    def _is_hidden_in_the_name(self, of_name: float) -> bool:
        """Whether common words were typed that stand scattered in a longer name."""
        return (
            of_name < _LEAST_OF_NAME_SCATTERED
            and self.rarest < _LEAST_TELLING_ALONE
            and self.query.folded not in self.name.folded
        )

    def _is_another_acronym(self) -> bool:
        """Whether it is an acronym that differs in a letter from the one that was typed."""
        return (
            self.name.kind == "acronym"
            and self.gain < self.full
            and not self.name.folded.startswith(self.query.folded)
        )

    def _is_only_begun(self) -> bool:
        """Whether nothing is shared but the beginning of a word."""
        at = {len(self.query.words) - 1}
        return self.positions == at and bool(self.query.beginning) and self.gain < self.full

    def _least(self) -> float:
        if self._stands_in_a_line():
            return _LEAST_VERBATIM
        return _LEAST_UNSPACED if self.query.is_unspaced else _LEAST

    def _is_lost_in_the_line(self, of_name: float) -> bool:
        """Whether the name is too little to stand beside other words."""
        return (
            of_name < (_LEAST_OF_NAME_UNSPACED if self.query.is_unspaced else _LEAST_OF_NAME)
            or self.gain < _LEAST_SHARED
            or self.rarest < _LEAST_TELLING
            or (self.name.kind == "acronym" and not self._agree_on_a_place())
        )

    def _agree_on_a_place(self) -> bool:
        return self.name.country in self.query.mentioned or any(
            word.text in self.place
            for at, word in enumerate(self.query.words)
            if at not in self.positions
        )

    def scored(self) -> Scored:
        value = self.gain / (self.full + self.left + _ONLY_IN_NAME * self.missing)
        if self._is_elsewhere():
            value *= _ELSEWHERE
        if self.name.kind == "acronym" and self.beside:
            value *= _ACRONYM_IN_LINE
        return Scored(self.name, value, value + _extra(self.query, self.name, self.gain))

    def _is_elsewhere(self) -> bool:
        """Whether the query names a country, and neither the institution's nor as part of its name."""
        countries = self.query.countries.keys()
        return (
            bool(countries)
            and self.name.country not in self.query.mentioned
            and self.positions.isdisjoint(countries)
        )


def _extra(query: Query, name: Name, gain: float) -> float:
    """Return what ranks a name beside its score: how much of the query it explains, fame, home and exactness.

    The less the query says, the more the reader's country counts.
    """
    explained = 0.2 * min(1.0, gain / query.total) if query.total else 0.0
    at_home = 0.06 + 0.5 * max(0.0, 1 - query.total) if name.country == query.home else 0.0
    return explained + at_home + 0.07 * name.weight + _exactness(query.folded, name)


def _exactness(typed: str, name: Name) -> float:
    if name.folded == typed:
        return {"acronym": 0.25, "name": 0.2}.get(name.kind, 0.09)
    alias = 0.03 if name.kind == "alias" else 0.0
    if name.folded.startswith(typed):
        return 0.06 - alias
    return (0.04 if name.folded in typed else 0.0) - alias


def _shared(query: Query, words: Sequence[str], span: range | None) -> dict[str, Place]:
    """Return the name's words that the query has, each with its position there and closeness.

    Words that stand together are preferred. From another segment they count less, unless they follow on the rest:
    "Durham" is no part of a "Duke University, Durham".
    """
    places = {word: found for word in words if (found := _places(query, word))}
    segment = query.words[span[-1]].segment if span else _best_segment(query, places)
    shared: dict[str, Place] = {}
    for word, choices in places.items():
        near = [
            choice
            for choice in choices
            if (choice[0] in span if span else query.words[choice[0]].segment == segment)
        ]
        at, closeness = max(near or choices, key=lambda choice: (choice[1], choice[0]))
        if not near:
            follows = query.words[at].segment > segment
            closeness *= _FROM_THE_NEXT if follows else _FROM_BEFORE
        shared[word] = Place(at, closeness)
    return shared


def _places(query: Query, word: str) -> list[Place]:
    """Return where the query has this word of a name or something close to it."""
    if places := query.forms.get(word):
        return places
    if query.beginning and word.startswith(query.beginning):
        return [Place(len(query.words) - 1, 0.5 + 0.5 * len(query.beginning) / len(word))]
    if len(word) == 2 and is_unspaced(word):
        return [
            Place(at, 0.5) for at in query.spoiled if _have_a_character(query.words[at].text, word)
        ]
    return []


def _have_a_character(one: str, other: str) -> bool:
    return any(a == b for a, b in zip(one, other, strict=False))


def _best_segment(query: Query, places: Mapping[str, list[Place]]) -> int:
    gains: dict[int, float] = {}
    for choices in places.values():
        for segment in {query.words[at].segment for at, _ in choices}:
            weight = max(query.words[at].weight for at, _ in choices)
            gains[segment] = gains.get(segment, 0.0) + weight
    return max(gains, key=lambda segment: (gains[segment], segment), default=0)
