"""One field finds people, pledges and institutions; what the account may not see is not found."""

from collections.abc import Callable

from campaign import jobs
from campaign.staff.rules import Role
from campaign.staff.scopes import Scope
from tests.desk.conftest import Desk
from tests.factories import confirmed, institution

KENYA = Scope(countries=frozenset({"KE"}))


def test_a_name_finds_people_and_institutions(sign_in: Callable[..., Desk]) -> None:
    confirmed(name="Quagga Okello")
    institution(name="Quagga University")
    jobs.commit()
    browser = sign_in()
    page = browser.get(browser.post("/find/", data={"who": "quagga"}).location).text
    assert "Quagga Okello" in page


def test_an_address_is_looked_up_without_standing_in_one_of_ours(
    sign_in: Callable[..., Desk],
) -> None:
    confirmed("quagga@example.org")
    jobs.commit()
    answer = sign_in().post("/find/", data={"who": "quagga@example.org"})
    assert (answer.status_code, answer.location) == (307, "/people/")
    asked = sign_in(Role.EDITOR).post("/find/", data={"who": "quagga@example.org"})
    assert asked.location == "/find/?q="


def test_the_id_of_a_pledge_leads_to_it(sign_in: Callable[..., Desk]) -> None:
    pledge_id = confirmed().id
    jobs.commit()
    answer = sign_in(Role.MODERATOR).post("/find/", data={"who": str(pledge_id)})
    assert answer.location == f"/review/{pledge_id}/"


def test_a_coordinator_finds_what_is_in_their_countries(sign_in: Callable[..., Desk]) -> None:
    confirmed("abroad@example.org", name="Quagga Araya", country="CL")
    jobs.commit()
    page = sign_in(Role.COORDINATOR, scope=KENYA).get("/find/?q=quagga").text
    assert "Quagga Araya" not in page
    assert "Nothing fits" in page


def test_someone_without_the_right_finds_nobody(sign_in: Callable[..., Desk]) -> None:
    confirmed(name="Quagga Okello")
    jobs.commit()
    assert "Quagga Okello" not in sign_in(Role.TRANSLATOR).get("/find/?q=quagga").text
