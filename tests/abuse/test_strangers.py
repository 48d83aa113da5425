"""Whatever a stranger types into our forms, it is not turned against the person whose address or place it is.

Played against the one-command stack, over HTTP and with the letters that its mail server caught.
"""

import json
import re
import urllib.error
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.scripted_person import FIELDS, Person, fetch, hidden, wait_for
from tests.stacks import Stack, running

pytestmark = pytest.mark.stack

PER_DAY = 5
PER_MINUTE = 60
UNIVERSITY = "05jxf0p38"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running() as stack:
        yield stack


def submit(stack: Stack, address: str, **different: str) -> str:
    """Send a form that was opened a minute ago; return the address of the page that follows."""
    fields = FIELDS | {"name": "Wanjiru Kamau", "email": address}
    fields |= {"form_token": stack.form_opened_before()} | different
    return fetch(stack.pledge_url(), fields)[0]


def person(stack: Stack, address: str) -> Person:
    return Person(stack.site, stack.mailbox, address)


def letters(stack: Stack, address: str) -> list[str]:
    """What is in a mailbox, newest first."""
    found = json.loads(fetch(f"{stack.mailbox}/messages.json?to={address.replace('+', '%2B')}")[1])
    return [letter["text"] for letter in found]


def until_letters(stack: Stack, address: str, number: int) -> list[str]:
    return wait_for(
        lambda: found if len(found := letters(stack, address)) >= number else None,
        f"{number} letters to {address}",
    )


def until_forms_are_taken(stack: Stack) -> None:
    waiting = "SELECT 1 FROM received_forms WHERE address IS NOT NULL"
    wait_for(lambda: not stack.rows(waiting) or None, "the forms to be taken")


def status_of(url: str) -> int:
    try:
        fetch(url)
    except urllib.error.HTTPError as error:
        return error.code
    return 200


def links(letter: str, part: str) -> list[str]:
    return [urlsplit(url).path for url in re.findall(r"https?://\S+", letter) if part in url]


def test_a_mailbox_below_a_universitys_domain_does_not_speak_for_it(stack: Stack) -> None:
    """Kind: a proof of one thing (reading mail at a domain) taken for another (the right to speak)."""
    (domain,) = stack.rows("SELECT domains[1] FROM institutions WHERE id = %s", UNIVERSITY)[0]
    student = f"freshman@students.{domain}"
    form = {"institution": UNIVERSITY, "office": "President", "name": "Not The President"}
    url = f"{stack.pledge_url()}institution/"
    fetch(
        url, {"form_token": stack.form_opened_before(), "action": "pledge", "email": student} | form
    )
    person(stack, student).confirm_by_link()

    page = fetch(f"{stack.site}/en/institutions/{UNIVERSITY}/")[1]
    assert "Not The President" not in page
    ((pledge_id,),) = stack.rows("SELECT id FROM pledges WHERE name = 'Not The President'")
    shown = stack.lightup("pledges", "show", str(pledge_id)).stdout
    assert f"- the mailbox is at a domain for students or graduates: students.{domain}" in shown


def test_a_spelling_typed_first_does_not_take_its_owners_place(stack: Stack) -> None:
    """Kind: whom we write to, set by a stranger who has proved nothing."""
    alias, own = "victim+x@example.org", "victim@example.org"
    submit(stack, alias, name="Stranger Danger")
    until_letters(stack, alias, 1)
    submit(stack, own, name="Victim Herself")
    (to_owner,) = until_letters(stack, own, 1)

    assert "Victim Herself" in to_owner
    assert "Stranger" not in to_owner
    (to_alias,) = letters(stack, alias)
    (strange_link,) = links(to_alias, "/confirm/")
    assert "Victim" not in fetch(stack.site + strange_link)[1]

    person(stack, own).confirm_by_link()
    assert status_of(stack.site + strange_link) == 410

    submit(stack, alias, name="Stranger Again")
    newest = until_letters(stack, own, 2)[0]
    assert "Stranger" not in newest
    assert len(letters(stack, alias)) == 1


def test_a_stranger_cannot_use_up_the_letters_that_an_owner_needs(stack: Stack) -> None:
    """Kind: a limit on letters that its victim pays for."""
    own = "busy@example.org"
    for number in range(PER_DAY + 2):
        submit(stack, f"busy+{number}@example.org")
        submit(stack, own, name="Stranger Danger")
        fetch(f"{stack.site}/en/my/", {"email": own})
    submit(stack, own, name="Busy Herself")
    until_letters(stack, own, 2 * PER_DAY)

    newest = letters(stack, own)[0]
    until_forms_are_taken(stack)
    assert len(letters(stack, own)) == 2 * PER_DAY
    confirmations = [link for text in letters(stack, own) for link in links(text, "/confirm/")]
    assert "Busy Herself" in fetch(stack.site + confirmations[0])[1]
    assert any(links(text, "/my/") for text in letters(stack, own)), newest


def test_one_form_writes_to_one_address(stack: Stack) -> None:
    """Kind: one permission used many times."""
    token = stack.form_opened_before()
    submit(stack, "first@example.org", form_token=token)

    with pytest.raises(urllib.error.HTTPError) as refused:
        submit(stack, "second@example.org", form_token=token)

    page = refused.value.read().decode()
    assert refused.value.code == 422
    assert "This form was sent with another address before." in page
    assert "second@example.org" in page  # nothing typed is lost
    submit(stack, "second@example.org", form_token=hidden(page, "form_token"))
    until_letters(stack, "second@example.org", 1)


def test_our_letters_cannot_be_aimed_at_strangers(stack: Stack) -> None:
    """Kind: a machine that writes a stranger's words to anyone, as fast as it can.

    The review sent 410 letters in 12 seconds, each of which began with the attacker's words.
    """
    before = stack.rows("SELECT count(*) FROM outgoing_emails")[0][0]
    forms = 3 * PER_MINUTE
    for number in range(forms):
        submit(stack, f"target-{number}@example.org", name="Pills For You", website="x")
    until_forms_are_taken(stack)
    sent, waiting = stack.rows(
        "SELECT count(*) FILTER (WHERE sent_at IS NOT NULL),"
        " count(*) FILTER (WHERE sent_at IS NULL AND failed_at IS NULL) FROM outgoing_emails"
    )[0]

    assert sent + waiting == before + forms  # none is lost
    assert waiting > 0
    texts = [text for n in range(forms) for text in letters(stack, f"target-{n}@example.org")]
    assert texts
    assert not any("Pills" in text for text in texts)
