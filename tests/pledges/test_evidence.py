"""What staff see of a pledge for an institution: what speaks for it, what against it, what to look at."""

import pytest

from campaign.pledges.evidence import Side, evidence
from tests.factories import accepted, confirmed, context, institution
from tests.pledges.tools import speaking

pytestmark = pytest.mark.usefixtures("session")


def codes(address: str, **different: object) -> dict[str, Side]:
    """The evidence on a pledge from this address; ``{}`` in it is the domain of the institution."""
    own = institution(**different)
    pledge = confirmed(**speaking(own, address.format(*own.domains)))
    return {item.code: item.side for item in evidence(pledge)}


@pytest.mark.parametrize(
    ("address", "code", "side"),
    [
        ("achieng@{}", "own-domain", Side.FOR),
        ("achieng@mail.{}", "below-own-domain", Side.NEITHER),
        ("achieng@students.{}", "student-domain", Side.AGAINST),
        ("achieng@alumni.{}", "student-domain", Side.AGAINST),
        ("achieng@etu.{}", "student-domain", Side.AGAINST),
        ("achieng@stud.cs.{}", "student-domain", Side.AGAINST),
        ("achieng@gmail.com", "free-mail", Side.AGAINST),
        ("achieng@{}.evil.com", "other-domain", Side.AGAINST),
        ("achieng@evil-{}", "other-domain", Side.AGAINST),
        ("rector@{}", "office-mailbox", Side.FOR),
        ("office.of.the.president@{}", "office-mailbox", Side.FOR),
        ("vice-chancellor@{}", "office-mailbox", Side.FOR),
        ("rektorat@{}", "office-mailbox", Side.FOR),
    ],
)
def test_the_mailbox_speaks_for_or_against(address: str, code: str, side: Side) -> None:
    assert codes(address)[code] == side


@pytest.mark.parametrize("address", ["rector+mine@{}", "directory@{}", "presidential-fan@{}"])
def test_a_mailbox_that_only_sounds_like_an_office_is_none(address: str) -> None:
    assert "office-mailbox" not in codes(address)


@pytest.mark.parametrize("domain", ["studio.{}", "instudent.{}", "graduate-school.{}"])
def test_a_domain_that_only_sounds_like_students_is_none(domain: str) -> None:
    assert "student-domain" not in codes(f"a@{domain}")


def test_the_domain_of_the_website_counts_where_the_registry_has_no_other() -> None:
    known = codes(
        "head@lake.ac.ke",
        domains=[],
        website_host="www.lake.ac.ke",
        website="https://www.lake.ac.ke",
    )
    assert known["website-domain"] == Side.FOR
    assert known["website"] == Side.NEITHER


def test_other_representatives_are_named_to_both() -> None:
    own = institution()
    first = accepted(**speaking(own, f"student@{own.domains[0]}", name="First One"))
    second = confirmed(**speaking(own, f"rector@{own.domains[0]}", name="Second One"))

    found = {item.code: item.found for item in [*evidence(second), *evidence(first)]}

    assert found["speaks-already"] == f"First One, Rector ({first.id})"
    assert found["waits-too"] == f"Second One, Rector ({second.id})"


def test_what_the_same_person_pledged_before_is_told() -> None:
    own = institution()
    address = f"achieng@{own.domains[0]}"
    confirmed(address, institution=own.id, role="student")
    accepted(**speaking(own, address, slug="haikou-initiative"))

    found = {item.code: item.side for item in evidence(confirmed(**speaking(own, address)))}

    assert found["pledged-as-student"] == Side.AGAINST
    assert found["accepted-before"] == Side.FOR


def of_person(address: str, **different: object) -> dict[str, str]:
    return {item.code: item.found for item in evidence(confirmed(address, **different))}


def test_of_a_person_one_sees_who_else_came_from_there() -> None:
    network = {"context": context(network_hash=b"one network")}
    assert of_person("a@odd.example", **network) == {"alone-at-domain": "odd.example"}
    assert of_person("b@odd.example", **network) == {"same-network": "1"}


def test_of_a_person_one_sees_their_own_mailbox_and_orcid() -> None:
    own = institution()
    known = of_person(f"a@{own.domains[0]}", institution=own.id, orcid="0000-0002-1825-0097")
    assert known == {"own-domain": own.domains[0], "orcid": "0000-0002-1825-0097"}
    assert of_person("a@gmail.com") == {"free-mail": "gmail.com"}


def test_colleagues_speak_for_an_official_pledge() -> None:
    own = institution()
    for address in (f"a@{own.domains[0]}", "b@example.org"):
        confirmed(address, institution=own.id)
    pledge = confirmed(**speaking(own, f"rector@{own.domains[0]}"))
    known = {item.code: item.found for item in evidence(pledge) if item.side is Side.FOR}
    assert (known["colleagues"], known["colleagues-at-own-domain"]) == ("2", "1")
