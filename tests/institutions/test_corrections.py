"""Corrections of staff lie over what ROR says: no import takes them back, and staff can."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign import topics
from campaign.audit import AuditEvent
from campaign.institutions import corrections, rules
from campaign.institutions.corrections import NotCorrected, RegistryBusy
from campaign.institutions.models import (
    REGISTRY,
    CorrectedRecord,
    Institution,
    InstitutionName,
    InstitutionWord,
    is_own,
)
from campaign.institutions.operations import import_dump
from campaign.institutions.queries import get, has_domain, name_in, propose_by_domain, search
from campaign.institutions.rules import InvalidInstitution, Problem
from campaign.staff.scopes import EVERYTHING, OutOfScope, Scope
from tests.conftest import Elsewhere
from tests.factories import STAFF, institution
from tests.institutions.dumps import name, record, ror_id, write_json

CHILE = Scope(countries=frozenset({"CL"}))
NAMES = [
    name("Quagga University", "ror_display", "label", lang="en"),
    name("Chuo Kikuu cha Quagga", "label", lang="sw"),
    name("Quagga College", "alias"),
    name("QU", "acronym"),
]

Import = Callable[..., Institution]


@pytest.fixture
def imported(tmp_path: Path, session: Session) -> Import:
    """Import a dump with Quagga University, and return it."""

    def run(**different: Any) -> Institution:
        path = write_json(tmp_path / "dump.json", [record(1, **({"names": NAMES} | different))])
        import_dump(path)
        return session.get_one(Institution, ror_id(1))

    return run


def correct(item: Institution, **said: Any) -> None:
    corrections.correct(item, said, STAFF, EVERYTHING)


def found(text: str) -> list[str]:
    return [match.id for match in search(text, locale="en")]


def frequency(session: Session, word: str) -> int:
    counted = select(InstitutionWord.frequency).where(InstitutionWord.word == word)
    return session.scalar(counted) or 0


def test_a_corrected_name_is_shown_and_found_at_once(imported: Import, session: Session) -> None:
    quagga = imported()
    version = topics.version(REGISTRY, "")
    correct(quagga, name="Zebrula University", **{"label en": "Zebrula University"})
    assert (quagga.name, name_in(quagga, "en")) == ("Zebrula University", "Zebrula University")
    assert found("zebrula university") == [quagga.id]
    assert name_in(quagga, "sw") == "Chuo Kikuu cha Quagga"
    assert topics.version(REGISTRY, "") == version + 1


def test_an_import_does_not_overwrite_a_correction(imported: Import) -> None:
    quagga = imported(domains=["quagga.ac.ke"])
    correct(quagga, domains=["zebrula.ac.ke"], aliases=["Zebrula College"])
    again = imported(domains=["quagga.ac.ke", "new.ac.ke"], established=1888)
    assert (again.domains, again.established) == (["zebrula.ac.ke"], 1888)
    assert again.aliases == ["Zebrula College"]
    (aliases, domains) = corrections.of(again.id)
    assert (domains.value, domains.ror_value) == (["zebrula.ac.ke"], ["quagga.ac.ke", "new.ac.ke"])
    assert aliases.ror_value == ["Quagga College"]


def test_a_correction_taken_back_shows_what_ror_says_by_now(
    imported: Import, session: Session
) -> None:
    quagga = imported(links=[{"type": "website", "value": "https://old.ac.ke"}])
    correct(quagga, website="https://zebrula.ac.ke/")
    assert quagga.website_host == "zebrula.ac.ke"
    imported(links=[{"type": "website", "value": "https://new.ac.ke"}])
    corrections.take_back(quagga, "website", STAFF, EVERYTHING)
    assert (quagga.website, quagga.website_host) == ("https://new.ac.ke", "new.ac.ke")
    assert corrections.of(quagga.id) == []
    assert session.get(CorrectedRecord, quagga.id) is None


def test_all_corrections_taken_back_leave_the_names_as_the_import_wrote_them(
    imported: Import, session: Session
) -> None:
    columns = (InstitutionName.kind, InstitutionName.value, InstitutionName.terms)
    names = select(*columns).where(InstitutionName.institution_id == ror_id(1))
    quagga = imported(names=[*NAMES, name("Chuo cha Punda", "label")])
    before = set(session.execute(names).all())
    correct(quagga, name="A", aliases=["B"], acronyms=[], **{"label sw": None, "label fr": "C"})
    assert {value for _, value, _ in session.execute(names)} == {
        "A", "Quagga University", "C", "B", "Chuo cha Punda",
    }  # fmt: skip
    for correction in corrections.of(quagga.id):
        corrections.take_back(quagga, correction.field, STAFF, EVERYTHING)
    assert set(session.execute(names).all()) == before


def test_what_agrees_with_ror_is_no_correction(imported: Import) -> None:
    quagga = imported()
    correct(quagga, aliases=["Zebrula College"])
    correct(quagga, aliases=["Quagga College"], acronyms=["QU"])
    assert corrections.of(quagga.id) == []
    with pytest.raises(NotCorrected):
        corrections.take_back(quagga, "aliases", STAFF, EVERYTHING)


def test_words_are_counted_with_each_correction(imported: Import, session: Session) -> None:
    quagga = imported()
    before = frequency(session, "quagga")
    correct(quagga, aliases=["Okapi College", "Okapi School"])
    assert (frequency(session, "okapi"), frequency(session, "quagga")) == (2, before - 1)
    corrections.take_back(quagga, "aliases", STAFF, EVERYTHING)
    assert (frequency(session, "okapi"), frequency(session, "quagga")) == (0, before)


def test_a_corrected_domain_proves_who_belongs_there(imported: Import) -> None:
    quagga = imported(domains=["quagga.ac.ke"])
    correct(quagga, domains=["quagga.ac.ke", "zebrula.ac.ke"])
    assert has_domain(quagga, "cs.zebrula.ac.ke")
    assert [match.id for match in propose_by_domain("zebrula.ac.ke", locale="en")] == [quagga.id]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"name": " "}, Problem.MISSING),
        ({"name": "x" * 401}, Problem.TOO_LONG),
        ({"label ?": "Name"}, Problem.NO_LANGUAGE),
        ({"aliases": ["x"] + [f"y{number}" for number in range(200)]}, Problem.TOO_MANY),
        ({"domains": ["gmail.com"]}, Problem.NOT_OWNED),
        ({"domains": ["ac.ke"]}, Problem.NOT_OWNED),
        ({"domains": ["not a domain"]}, Problem.NOT_OWNED),
        ({"website": "javascript:alert(1)"}, Problem.NO_ADDRESS),
        ({"website": "https://a.org/ b"}, Problem.NO_ADDRESS),
        ({"parents": ["052gg0111"]}, Problem.UNKNOWN),
        ({"parents": [ror_id(1)]}, Problem.OWN_DESCENDANT),
    ],
)
def test_what_cannot_be_so_is_refused(imported: Import, said: Any, problem: Problem) -> None:
    quagga = imported()
    with pytest.raises(InvalidInstitution) as invalid:
        corrections.correct(quagga, said, STAFF, EVERYTHING)
    assert [problem for problem, _ in invalid.value.problems.values()] == [problem]
    assert corrections.of(quagga.id) == []


def test_an_institution_cannot_belong_to_its_own_part(imported: Import) -> None:
    quagga = imported()
    faculty = institution(parents=[quagga.id])
    institute = institution(parents=[faculty.id])
    with pytest.raises(InvalidInstitution):
        correct(quagga, parents=[institute.id])
    assert rules.ancestors([institute.id]) == {quagga.id, faculty.id}


def test_a_coordinator_for_chile_corrects_chile_only(imported: Import) -> None:
    quagga = imported()
    with pytest.raises(OutOfScope):
        corrections.correct(quagga, {"name": "Mine"}, STAFF, CHILE)
    with pytest.raises(OutOfScope):
        corrections.take_back(quagga, "name", STAFF, CHILE)
    said = {"name": "Mine", "country": "KE", "type": "education"}
    with pytest.raises(OutOfScope):
        corrections.add_own(said, STAFF, CHILE)


def test_a_correction_is_in_the_record_with_before_and_after(
    imported: Import, session: Session
) -> None:
    quagga = imported()
    correct(quagga, acronyms=["ZU"])
    event = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
    assert (event.action, event.subject) == ("institution corrected", f"institution:{quagga.id}")
    assert event.details == {"before": {"acronyms": ["QU"]}, "after": {"acronyms": ["ZU"]}}


def test_an_own_institution_is_found_corrected_and_never_rors(session: Session) -> None:
    said = {
        "name": "Ndoto Institute", "country": "KE", "type": "facility", "city": "Kisumu",
        "acronyms": ["NDI"], "domains": ["ndoto.ac.ke"],
    }  # fmt: skip
    own = corrections.add_own(said, STAFF, EVERYTHING)
    assert (is_own(own.id), own.ror_url, get(own.id)) == (True, None, own)
    assert get(f"https://ror.org/{own.id}") is None
    assert found("ndoto institute kisumu") == [own.id]
    assert found(own.id) == [own.id]
    correct(own, name="Ndoto Research Institute")
    assert found("ndoto research") == [own.id]


def test_an_own_institution_needs_a_name_a_country_and_a_type(session: Session) -> None:
    with pytest.raises(InvalidInstitution) as invalid:
        corrections.add_own({"name": "Ndoto"}, STAFF, EVERYTHING)
    assert set(invalid.value.problems) == {"country", "type"}


def test_while_an_import_runs_a_correction_says_so(
    committing: None, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "_WAIT", "50ms")
    corrections.take_lock()
    with pytest.raises(RegistryBusy):
        elsewhere(corrections.take_lock).result()
