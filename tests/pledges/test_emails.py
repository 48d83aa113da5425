"""What letters about a pledge know: titles in the reader's language, links for one purpose, a code."""

from datetime import timedelta
from uuid import uuid4

import pytest

from campaign.pledges import emails
from campaign.pledges.emails import CONFIRM, MINE, MINE_LIFETIME, code_of
from campaign.tokens import InvalidToken
from tests.factories import policy, submitted, text

pytestmark = pytest.mark.usefixtures("session")

DAY = timedelta(days=1)


def facts(pledge, locale="en"):
    return emails.facts(policy().signer, pledge, locale, policy().unconfirmed_days)


def test_the_link_to_confirm_leads_to_this_pledge():
    pledge = submitted()

    assert policy().signer.read(CONFIRM, facts(pledge)["confirm_token"], DAY) == str(pledge.id)


def test_the_link_to_ones_own_page_leads_to_this_person():
    pledge = submitted()

    assert policy().signer.read(MINE, facts(pledge)["my_token"], DAY) == str(pledge.person_id)


def test_a_link_opens_nothing_else():
    given = facts(submitted())

    for purpose, token in ((MINE, given["confirm_token"]), (CONFIRM, given["my_token"])):
        with pytest.raises(InvalidToken):
            policy().signer.read(purpose, token, DAY)


def test_the_code_is_six_digits_and_the_same_each_time():
    pledge = submitted()

    code = facts(pledge)["code"]

    assert code == facts(pledge, "fr")["code"] == code_of(policy().signer, pledge.id)
    assert len(code) == 6
    assert code.isdecimal()


def test_codes_of_different_pledges_have_nothing_in_common():
    codes = {code_of(policy().signer, uuid4()) for _ in range(1000)}

    assert len(codes) > 990


@pytest.mark.parametrize("locale", ["en", "ar", "zh-Hans"])
def test_the_title_is_in_the_language_of_the_letter(locale):
    pledge = submitted(locale="fr")

    assert facts(pledge, locale)["campaign_title"] == text(locale=locale).title


def test_a_letter_says_how_long_its_links_are_good():
    given = facts(submitted())

    assert given["days"] == policy().unconfirmed_days
    assert timedelta(hours=given["hours"]) == MINE_LIFETIME


def test_facts_can_be_stored_as_json_without_the_address():
    pledge = submitted()

    stored = repr(facts(pledge))

    assert pledge.person.address not in stored
