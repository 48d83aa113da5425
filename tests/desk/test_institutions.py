"""Institutions at the desk: found, corrected, merged, settled, within the scope of who does it."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from campaign import tasks
from campaign.audit import AuditEvent
from campaign.db import db
from campaign.institutions import corrections, logos
from campaign.institutions.models import Institution
from campaign.pledges import merging
from campaign.pledges.merging import MERGE
from campaign.pledges.models import Pledge
from campaign.staff.rules import Role
from campaign.staff.scopes import EVERYTHING, Scope
from campaign.tasks import State, Task
from tests.desk.conftest import Desk
from tests.factories import STAFF, accepted, account, confirmed, done, institution, merged
from tests.institutions.dumps import name, record, ror_id
from tests.statements import statements

SignIn = Callable[..., Desk]
KENYA = Scope(countries=frozenset({"KE"}))


def made(**different: Any) -> str:
    """An institution, by its id: a request ends the session of the test."""
    id_ = institution(**different).id
    db.session.commit()
    return id_


def get(id_: str) -> Institution:
    return db.session.get_one(Institution, id_, populate_existing=True)


def form(id_: str, browser: Desk, **different: str) -> dict[str, str]:
    """What a browser sends from the form that corrects an institution."""
    page = browser.get(f"/institutions/{id_}/edit/").text
    seen = page.split('name="seen" value="')[1].split('"')[0]
    now_ = get(id_)
    values = {"seen": seen, "name": now_.name, "domains": "\n".join(now_.domains)}
    return values | different


def picture() -> io.BytesIO:
    stream = io.BytesIO()
    Image.new("RGB", (40, 20), "green").save(stream, "PNG")
    stream.seek(0)
    return stream


def send_file(browser: Desk, address: str, field: str, content: bytes, **fields: str) -> Any:
    """Send a form with a file, as bytes: the test client would leave a large one open."""
    parts = [
        f'--limit\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    head = f'--limit\r\nContent-Disposition: form-data; name="{field}"; filename="x.png"\r\n\r\n'
    body = b"".join([*parts, head.encode(), content, b"\r\n--limit--\r\n"])
    kind = "multipart/form-data; boundary=limit"
    return browser.post(address, data=body, content_type=kind)


# Lists


def test_institutions_are_listed_by_name_page_by_page(sign_in: SignIn) -> None:
    for number in range(60):
        institution(name=f"!{number:02}")
    browser = sign_in(Role.ADMINISTRATOR)
    page = browser.get("/institutions/").text
    assert "!00" in page
    assert "!50" not in page
    older = page.split('class="more"><a href="')[1].split('"')[0].replace("&amp;", "&")
    assert "!50" in browser.get(older).text


def test_a_coordinator_finds_institutions_of_their_countries_only(sign_in: SignIn) -> None:
    made(name="Quagga University", country="KE")
    made(name="Quagga College", country="CL")
    browser = sign_in(Role.COORDINATOR, scope=KENYA)
    pages = [browser.get(f"/institutions/?{query}").text for query in ("", "only=own")]
    assert all("Quagga College" not in page for page in pages)


def test_own_corrected_and_merged_ones_have_lists(sign_in: SignIn) -> None:
    said = {"name": "Own One", "country": "KE", "type": "other"}
    corrections.add_own(said, STAFF, EVERYTHING)
    corrections.correct(institution(), {"name": "Corrected One"}, STAFF, EVERYTHING)
    merged(institution(name="Merged One"), institution())
    browser = sign_in(Role.ADMINISTRATOR)
    for only in ("own", "corrected", "merged"):
        page = browser.get(f"/institutions/?only={only}").text
        shown = [title for title in ("Own One", "Corrected One", "Merged One") if title in page]
        assert shown == [f"{only.capitalize()} One"]


def test_an_institution_is_found_by_name_and_by_id(sign_in: SignIn) -> None:
    browser = sign_in(Role.MODERATOR)
    assert "02y9nww90" in browser.get("/institutions/?q=university+of+nairobi").text
    gone = made(status="withdrawn")
    assert gone in browser.get(f"/institutions/?q={gone}").text


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("", 3),
        ("?only=corrected", 3),
        ("?q=university+of+nairobi", 12),
        ("02y9nww90/", 14),
        ("02y9nww90/edit/", 5),
        ("02y9nww90/merge/", 16),
        ("not-listed/", 3),
        ("not-listed/one/?text=Ndoto+University&country=KE", 16),
        ("imports/", 4),
    ],
)
def test_each_page_costs_few_statements(sign_in: SignIn, path: str, most: int) -> None:
    for number in range(5):
        confirmed(f"p{number}@example.org", institution_text=f"Ndoto {number}")
        corrections.correct(institution(), {"name": f"N{number}"}, STAFF, EVERYTHING)
    browser = sign_in(Role.ADMINISTRATOR)
    with statements() as executed:
        assert browser.get(f"/institutions/{path}").status_code == 200
    assert len([one for one in executed if "SAVEPOINT" not in one]) <= most


# Correcting


def test_a_correction_is_shown_beside_what_ror_says_and_taken_back(sign_in: SignIn) -> None:
    id_ = made(name="Quagga University", domains=["quagga.ac.ke"])
    browser = sign_in(Role.ADMINISTRATOR)
    data = form(id_, browser, name="Zebrula University", **{"label-sw": "Chuo cha Punda"})
    assert browser.post(f"/institutions/{id_}/edit/", data=data).status_code == 303

    page = browser.get(f"/institutions/{id_}/").text
    assert {"Zebrula University", "Quagga University", "Chuo cha Punda"} <= {
        title for title in ("Zebrula University", "Quagga University", "Chuo cha Punda")
        if title in page
    }  # fmt: skip
    assert get(id_).domains == ["quagga.ac.ke"]
    browser.post(f"/institutions/{id_}/take-back/", data={"field": "name"})
    assert (get(id_).name, get(id_).labels) == ("Quagga University", {"sw": "Chuo cha Punda"})


def test_what_is_wrong_is_said_and_nothing_typed_is_lost(sign_in: SignIn) -> None:
    id_ = made()
    browser = sign_in(Role.ADMINISTRATOR)
    data = form(id_, browser, domains="gmail.com", website="nowhere", aliases="Typed Alias")
    answer = browser.post(f"/institutions/{id_}/edit/", data=data)
    assert answer.status_code == 422
    assert "gmail.com does not belong to one institution alone" in answer.text
    assert "Typed Alias" in answer.text
    assert corrections.of(id_) == []


def test_the_second_of_two_editors_sees_what_the_first_did(sign_in: SignIn) -> None:
    id_ = made()
    browser = sign_in(Role.ADMINISTRATOR)
    data = form(id_, browser, name="Second")
    corrections.correct(get(id_), {"name": "First"}, STAFF, EVERYTHING)
    db.session.commit()
    answer = browser.post(f"/institutions/{id_}/edit/", data=data)
    assert answer.status_code == 409
    assert 'value="Second"' in answer.text
    assert get(id_).name == "First"


def test_a_steward_says_its_names_and_logo_and_not_its_domains(sign_in: SignIn) -> None:
    own, other = made(domains=["quagga.ac.ke"]), made()
    browser = sign_in(Role.STEWARD, scope=Scope(institution_id=own))
    assert browser.get("/institutions/").location == f"/institutions/{own}/"
    proofs = {"domains": "gmail.com\nevil.example", "website": "https://evil.example/"}
    data = form(own, browser, name="Our Name") | proofs
    assert browser.post(f"/institutions/{own}/edit/", data=data).status_code == 303
    assert (get(own).name, get(own).domains) == ("Our Name", ["quagga.ac.ke"])
    assert get(own).website != "https://evil.example/"
    taken = browser.post(f"/institutions/{own}/take-back/", data={"field": "domains"})
    assert taken.status_code == 403
    assert browser.get(f"/institutions/{other}/").status_code == 404
    assert browser.get(f"/institutions/{own}/merge/").status_code == 403


def test_a_coordinator_for_kenya_reaches_nothing_in_chile(sign_in: SignIn) -> None:
    chilean = made(country="CL")
    confirmed("a@example.org", country="CL", institution_text="Ndoto")
    browser = sign_in(Role.COORDINATOR, Role.EDITOR, scope=KENYA)
    unlisted = {"text": "Ndoto", "country": "CL"}
    assert browser.get(f"/institutions/{chilean}/").status_code == 404
    assert browser.get("/institutions/not-listed/one/", query_string=unlisted).status_code == 404
    assert browser.get("/institutions/not-listed/add/", query_string=unlisted).status_code == 404
    for path in ("settle", "add"):
        data = unlisted | {"institution": chilean, "name": "Ndoto", "type": "other"}
        answer = browser.post(f"/institutions/not-listed/{path}/", data=data)
        assert answer.status_code == 404


def test_the_registry_of_a_country_is_managed_in_that_country_only(sign_in: SignIn) -> None:
    """No role has this right with a scope; if one gets it, the walls stand already."""
    chilean, kenyan = made(country="CL"), made()
    browser = sign_in(Role.ADMINISTRATOR, scope=KENYA)
    for path in ("edit/", "merge/", "logo.png"):
        assert browser.get(f"/institutions/{chilean}/{path}").status_code == 404
    for path, data in (
        ("edit/", {"name": "Mine"}),
        ("take-back/", {"field": "name"}),
        ("logo/", {}),
        ("logo/remove/", {}),
        ("merge/", {"target": kenyan}),
    ):
        answer = browser.post(f"/institutions/{chilean}/{path}", data=data)
        assert answer.status_code == 404, path
    answer = browser.post(f"/institutions/{kenyan}/merge/", data={"target": chilean})
    assert answer.status_code == 404


# Logos


def test_a_logo_is_put_shown_and_removed(sign_in: SignIn) -> None:
    id_ = made()
    browser = sign_in(Role.ADMINISTRATOR)
    put = browser.post(f"/institutions/{id_}/logo/", data={"logo": (picture(), "x.svg")})
    assert put.status_code == 303
    assert browser.get(f"/institutions/{id_}/logo.png").data.startswith(b"\x89PNG")
    browser.post(f"/institutions/{id_}/logo/remove/")
    assert logos.of(id_) is None


def test_what_is_no_logo_is_refused_with_a_reason(sign_in: SignIn) -> None:
    id_ = made()
    browser = sign_in(Role.ADMINISTRATOR)
    for file, status, words in (
        (b"GIF89a", 422, "not a picture in one of the formats"),
        (bytes(2_000_001), 422, "larger than 2 MB"),
        (bytes(3_000_000), 413, ""),
    ):
        answer = send_file(browser, f"/institutions/{id_}/logo/", "logo", file)
        assert (answer.status_code, words in answer.text) == (status, True)


def test_a_form_without_a_script_brings_a_file_and_its_token(sign_in: SignIn) -> None:
    id_ = made()
    browser = sign_in(Role.ADMINISTRATOR)
    token, browser.token = browser.token, ""
    big = io.BytesIO()
    Image.effect_noise((900, 900), 90).save(big, "PNG")
    file = big.getvalue()
    assert len(file) > 300_000
    answer = send_file(browser, f"/institutions/{id_}/logo/", "logo", file, form_token=token)
    assert answer.status_code == 303


# Merging


def planned(browser: Desk, source: str, target: str) -> str:
    data = {"target": target, "why": "They are one by law."}
    answer = browser.post(f"/institutions/{source}/merge/", data=data)
    assert answer.status_code == 303
    return str(answer.location)


def test_a_merge_is_a_plan_then_done_then_undone(sign_in: SignIn) -> None:
    old, new = made(name="Old College"), made(name="New University")
    for number in range(3):
        confirmed(f"p{number}@example.org", institution=old)
    for id_ in (old, new):
        office = f"rector@{get(id_).domains[0]}"
        accepted(office, institution=id_, name=f"Rector of {id_}")
    browser = sign_in(Role.ADMINISTRATOR)
    page = browser.get(planned(browser, old, new)).text
    assert f"Rector of {old}" in page
    assert "Merge: move 4 pledges" in page
    task = db.session.scalars(select(Task).where(Task.kind == MERGE.name)).one()
    browser.post(f"/tasks/{task.id}/start/")
    done(db.session.get_one(Task, task.id))
    db.session.commit()

    page = browser.get(f"/tasks/{task.id}/").text
    assert "pledges move back to Old College" in page
    browser.post(f"/tasks/{task.id}/undo/")
    done(db.session.get_one(Task, task.id, populate_existing=True))
    assert merging.merges_of(old)[0].state == State.UNDONE
    at = db.session.scalars(select(Pledge.institution_id).where(Pledge.kind == "person")).all()
    assert set(at) == {old}


def test_a_merge_that_makes_no_sense_is_refused_with_a_reason(sign_in: SignIn) -> None:
    whole = made()
    part = made(parents=[whole])
    browser = sign_in(Role.ADMINISTRATOR)
    for target, words in ((whole, "one and the same"), (part, "a part of the first")):
        answer = browser.post(f"/institutions/{whole}/merge/", data={"target": target})
        assert answer.status_code == 422
        assert words in answer.text
    assert browser.post(f"/institutions/{whole}/merge/", data={"target": "x"}).status_code == 404


def test_the_two_are_swapped(sign_in: SignIn) -> None:
    old, new = made(), made()
    browser = sign_in(Role.ADMINISTRATOR)
    planned(browser, old, new)
    task = db.session.scalars(select(Task)).one()
    browser.post(f"/institutions/merges/{task.id}/swap/")
    other = db.session.scalars(select(Task).order_by(Task.id.desc()).limit(1)).one()
    assert (other.plan["source"], other.plan["target"]) == (new, old)


def test_a_plan_says_when_the_world_has_moved(sign_in: SignIn) -> None:
    old, new, third = made(), made(), made()
    browser = sign_in(Role.ADMINISTRATOR)
    address = planned(browser, old, new)
    merged(get(new), get(third))
    db.session.commit()
    assert "another has taken its place" in browser.get(address).text


# Not listed


def test_what_is_not_listed_is_settled_by_a_suggestion(sign_in: SignIn) -> None:
    pledge = confirmed("a@example.org", institution_text="Univ. of Nairobbi")
    pledge_id = pledge.id
    browser = sign_in(Role.COORDINATOR, scope=KENYA)
    assert "names an institution that is not in the registry" in browser.get("/").text
    assert "Univ. of Nairobbi" in browser.get("/institutions/not-listed/").text
    asked = {"text": "Univ. of Nairobbi", "country": "KE"}
    assert "02y9nww90" in browser.get("/institutions/not-listed/one/", query_string=asked).text
    data = asked | {"institution": "02y9nww90"}
    assert browser.post("/institutions/not-listed/settle/", data=data).status_code == 303
    assert db.session.get_one(Pledge, pledge_id).institution_id == "02y9nww90"
    assert "Every institution is settled" in browser.get("/institutions/not-listed/").text


def test_what_the_registry_lacks_is_added_and_settled(sign_in: SignIn) -> None:
    pledge_id = confirmed("a@example.org", institution_text="ndoto inst").id
    browser = sign_in(Role.COORDINATOR, scope=KENYA)
    data = {"text": "ndoto inst", "country": "KE", "name": "Ndoto Institute", "type": ""}
    answer = browser.post("/institutions/not-listed/add/", data=data)
    assert answer.status_code == 422
    assert 'value="Ndoto Institute"' in answer.text
    answer = browser.post("/institutions/not-listed/add/", data=data | {"type": "facility"})
    assert answer.status_code == 303
    id_ = db.session.get_one(Pledge, pledge_id).institution_id or ""
    assert id_.startswith("x")
    assert (get(id_).name, get(id_).aliases) == ("Ndoto Institute", ["ndoto inst"])


# Imports


def uploaded(browser: Desk, *records: Any) -> Any:
    file = io.BytesIO(json.dumps(records).encode())
    data = {"dump": (file, "v9.1-2026-11-01-ror-data.json")}
    return browser.post("/institutions/imports/", data=data)


def test_an_import_shows_a_diff_before_anything_changes(sign_in: SignIn) -> None:
    browser = sign_in(Role.ADMINISTRATOR)
    first = record(1, names=[name("Quagga University", "ror_display")])
    for records in ([first], [first | {"established": 1888}, record(2), record(3, status="?")]):
        page = browser.get(uploaded(browser, *records).location).text
        task = db.session.scalars(select(Task).order_by(Task.id.desc()).limit(1)).one()
        if len(records) == 3:
            assert "<del><bdi>1970</bdi></del> <ins><bdi>1888</bdi></ins>" in page
            assert "Import: write 2 records" in page
            assert get(ror_id(1)).established == 1970
        tasks.start(task, STAFF)
        path = Path(task.plan["path"])
        done(task)
        db.session.commit()
    assert get(ror_id(1)).established == 1888
    assert path.exists(), "a worker that is killed before the commit needs it again"
    actions = db.session.scalars(select(AuditEvent.action)).all()
    assert actions.count("registry imported") == 2
    assert "ROR v9.1" in browser.get("/institutions/imports/").text


def test_what_is_no_dump_is_refused(sign_in: SignIn) -> None:
    browser = sign_in(Role.ADMINISTRATOR)
    for content, words in (
        (b"hello", "not a dump of ROR"),
        (b"[{", "damaged"),
        (b'[{"name": "x", "country": {}}]', "schema v1"),
    ):
        data = {"dump": (io.BytesIO(content), "../../x.json")}
        answer = browser.post("/institutions/imports/", data=data)
        assert (answer.status_code, words in answer.text) == (422, True), words


@pytest.mark.parametrize("page", ["", "edit/", "merge/"])
def test_pages_say_names_in_the_language_of_the_account(sign_in: SignIn, page: str) -> None:
    id_ = made(labels={"ar": "جامعة"})
    who = account(locale="ar")
    assert "جامعة" in sign_in(who=who).get(f"/institutions/{id_}/{page}").text
