"""Forms are counted as they are opened and sent: by day and language, in memory, then in rows."""

from datetime import timedelta
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from campaign.clock import now
from campaign.http.form_counts import FormCounter
from campaign.pledges import funnel
from campaign.pledges.funnel import FormKey, Forms, Step
from campaign.pledges.models import Kind
from tests.conftest import Elsewhere
from tests.factories import form_fields, institution, text
from tests.statements import statements
from tests.web.browsing import FORM_PATH, INSTITUTION_FORM_PATH, form_token

FIELDS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def counter(app: Flask, monkeypatch: pytest.MonkeyPatch) -> FormCounter:
    monkeypatch.setitem(app.extensions, "form_counter", made := FormCounter(app))
    return made


def counted(kind: Kind = Kind.PERSON) -> dict[str, Forms]:
    today = now().date()
    return dict(funnel.by_language(text().campaign_id, today, today, kind=kind))


def key(locale: str = "en") -> FormKey:
    return FormKey(now().date(), text().campaign_id, Kind.PERSON, locale)


def test_forms_are_counted_by_language_and_kind(client: FlaskClient, counter: FormCounter) -> None:
    for path in (FORM_PATH, FORM_PATH, FORM_PATH.replace("/en/", "/sw/"), INSTITUTION_FORM_PATH):
        client.get(path)
    client.post(FORM_PATH, data=form_fields(form_token()), headers=FIELDS)
    assert counted() == {}
    counter.flush()
    assert counted() == {"en": Forms(2, 1), "sw": Forms(1, 0)}
    assert counted(Kind.INSTITUTION) == {"en": Forms(1, 0)}


def test_a_framed_form_counts(client: FlaskClient, counter: FormCounter) -> None:
    client.get(f"/embed/fr/form?institution={institution().id}")
    counter.flush()
    assert counted() == {"fr": Forms(1, 0)}


def test_what_nobody_reads_is_not_counted(client: FlaskClient, counter: FormCounter) -> None:
    client.head(FORM_PATH)
    client.get(FORM_PATH, headers={"Sec-Purpose": "prefetch;prerender"})
    client.post(FORM_PATH, data=form_fields(form_token(), name=""), headers=FIELDS)
    counter.flush()
    assert counted() == {}


def test_counting_asks_the_database_nothing(session: Session, counter: FormCounter) -> None:
    one = key()
    with statements() as executed:
        counter.count(Step.OPENED, one)
    assert executed == []
    with statements() as executed:
        counter.count(Step.OPENED, key("fr"))
        counter.flush()
        counter.flush()
    assert len([statement for statement in executed if "form_counts" in statement]) == 1


def test_several_processes_add_to_the_same_rows(app: Flask, elsewhere: Elsewhere) -> None:
    def work() -> None:
        counter = FormCounter(app)
        for number in range(60):
            counter.count(Step.OPENED, key(["en", "fr"][number % 2]))
            if number % 10 == 9:
                counter.flush()

    for done in [elsewhere(work) for _ in range(4)]:
        done.result(20)
    assert counted() == {"en": Forms(120, 0), "fr": Forms(120, 0)}


def test_no_count_is_lost_between_threads(app: Flask, session: Session) -> None:
    counter, one = FormCounter(app), key()
    threads = [
        Thread(target=lambda: [counter.count(Step.SENT, one) for _ in range(500)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counter.flush()
    assert counted() == {"en": Forms(0, 2000)}


def test_what_could_not_be_added_is_added_later(
    session: Session, counter: FormCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_counts: object) -> None:
        raise OperationalError("", {}, Exception("the database is away"))

    counter.count(Step.OPENED, key())
    with monkeypatch.context() as away:
        away.setattr(funnel, "add", fail)
        counter.flush()
    counter.count(Step.OPENED, key())
    counter.flush()
    assert counted() == {"en": Forms(2, 0)}


def test_days_are_read_one_by_one(session: Session) -> None:
    one = key()
    before = one._replace(day=one.day - timedelta(days=2))
    funnel.add({(one, Step.OPENED): 3, (one, Step.SENT): 1, (before, Step.OPENED): 5})
    days = funnel.by_day(one.campaign_id, before.day, one.day)
    assert days == {before.day: Forms(5, 0), one.day: Forms(3, 1)}
    assert funnel.by_day(one.campaign_id, one.day, one.day, locale="fr") == {}
