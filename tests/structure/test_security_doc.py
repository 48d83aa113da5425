"""What docs/security.md says of the desk is so: permissions, words, times, limits."""

import re

from campaign.desk import signing_in
from campaign.staff import attempts, operations, passwords, policy
from campaign.staff.rules import PERMISSIONS, Permission
from tests.structure.test_docs import doc, prose, table


def section(title: str) -> str:
    """The text below a heading, up to the next one, in one line."""
    text = prose(doc("security")).partition(f"# {title}\n")[2]
    return " ".join(re.split(r"^#", text, maxsplit=1, flags=re.M)[0].split())


def test_the_table_of_permissions_is_that_of_the_code() -> None:
    assert table(doc("security"), "permission", "roles") == [
        [permission, ", ".join(role for role, may in PERMISSIONS.items() if permission in may)]
        for permission in Permission
    ]


def test_the_words_that_add_nothing_to_a_password_are_those_of_the_code() -> None:
    assert tuple(re.findall(r"`(\w+)`", section("Guesses"))) == passwords.CONTEXT_WORDS


def test_times_and_limits_named_are_those_of_the_code() -> None:
    minutes = attempts.WINDOW.seconds // 60
    fresh, idle = policy.FRESH.seconds // 60, policy.IDLE.seconds // 3600
    longest = policy.LONGEST_SESSION.seconds // 3600
    said = {
        "Who may do what at the desk": (
            f"after {fresh} minutes, signing in again",
            f"429 until {minutes} minutes",
        ),
        "Ways in": (
            f"works once, for {policy.CHALLENGE_LIFETIME.seconds // 60} minutes",
            f"each of {['', 'ten'][passwords.RECOVERY_CODES == 10]} recovery codes",
            f"at most {operations.MOST_RESETS} letters an hour",
            f"for {policy.INVITATION_LIFETIME.days} days",
        ),
        "Guesses": (
            f"{attempts.PER_ADDRESS_AND_NETWORK} sign-ins may fail within {minutes} minutes",
            f"{attempts.PER_NETWORK} for one network, {attempts.PER_ADDRESS} for one address",
            f"{signing_in.SIGN_IN_LIMIT.split()[0]} requests a minute",
            f"{passwords.SHORTEST} to {passwords.LONGEST} characters",
        ),
        "Sessions": (
            f"ends {idle} hours after its last request, and {longest} hours after it began",
            f"at most {fresh} minutes old",
        ),
    }
    for title, sentences in said.items():
        assert [words for words in sentences if words not in section(title)] == [], title
