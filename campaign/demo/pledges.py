"""Invent pledges for a demonstration: marked as such, in all languages, and removable without a trace.

Names are made of common given and family names at random; any likeness to a person is coincidence.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete, insert, select

from campaign import i18n, jobs, topics
from campaign.audit import SYSTEM
from campaign.campaigns import queries as campaign_queries
from campaign.campaigns.models import CampaignText
from campaign.db import db
from campaign.institutions.folding import fold
from campaign.institutions.models import Institution
from campaign.people.models import Person
from campaign.pledges import reviewing
from campaign.pledges.disciplines import FIELDS
from campaign.pledges.models import DEMO, Kind, Pledge, PledgeEvent, Status, TaskPledge
from campaign.pledges.policy import current_policy
from campaign.pledges.rules import ROLES

DAYS = 420
# The language in which people of a country write; English for all other countries.
_LANGUAGES = {
    "ar": "DZ BH EG IQ JO KW LB LY MR MA OM PS QA SA SD SY TN AE YE",
    "zh-Hans": "CN SG",
    "fr": "FR BE BJ BF BI CM CF TD KM CG CD CI DJ GA GN HT LU MG ML MC NE SN TG CH",
    "es": "ES AR BO CL CO CR CU DO EC SV GT HN MX NI PA PY PE UY VE GQ",
    "ru": "RU BY KZ KG TJ",
    "pt": "PT BR AO CV GW MZ ST TL",
    "hi": "IN",
    "ur": "PK",
    "sw": "TZ KE UG",
}
_LANGUAGE_OF = {
    country: tag for tag, countries in _LANGUAGES.items() for country in countries.split()
}
# Given names and family names of each language; "_" stands for a space within a name.
_NAMES = {
    "en": (
        "Anna David Grace James Kofi Laura Marek Nora Peter Ruth Samuel Sofia Thomas Yuki",
        "Adeyemi Andersen Brown Clarke Fischer Johansson Kim Mensah Novak Okoye Smith Tanaka Walker Zhou",
    ),
    "ar": (
        "أحمد فاطمة محمد ليلى يوسف مريم خالد نور سامي هدى عمر سلمى",
        "الحسن المصري الخطيب النجار حداد العلي منصور الشامي القاسم بن_علي",
    ),
    "zh-Hans": (
        "伟 芳 娜 敏 静 丽 强 磊 洋 艳 勇 杰 秀英 明 建国 雪梅",
        "王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙 马 朱 胡",
    ),
    "fr": (
        "Camille Louis Aminata Hugo Chloé Moussa Léa Antoine Fatou Julien Élise Mathieu",
        "Martin Bernard Diallo Dubois Traoré Laurent Moreau Girard Koné Lefèvre",
    ),
    "es": (
        "María José Lucía Carlos Ana Miguel Carmen Jorge Elena Andrés Paula Íñigo",
        "García López Muñoz Rodríguez Pérez Sánchez Ramírez Quispe Fernández Núñez",
    ),
    "ru": (
        "Анна Иван Мария Сергей Елена Алексей Ольга Дмитрий Наталья Павел",
        "Ким Шевчук Литвин Бондарь Коваль Ткач Гринь Мельник Живаго Черных",
    ),
    "pt": (
        "João Ana Pedro Beatriz Luís Inês Tiago Mariana Rui Conceição",
        "Silva Santos Ferreira Oliveira Costa Gonçalves Araújo Simões Pinto Assunção",
    ),
    "hi": (
        "अनिल सुनीता राजेश प्रिया विजय कविता संजय मीना अर्जुन लक्ष्मी",
        "शर्मा वर्मा गुप्ता सिंह मिश्रा पटेल नायर जोशी दास अय्यर",
    ),
    "ur": (
        "علی عائشہ حسن زینب عمران فاطمہ بلال مریم حمزہ نادیہ",
        "خان احمد ملک قریشی حسین شیخ صدیقی رضا بٹ چودھری",
    ),
    "sw": (
        "Juma Asha Baraka Neema Hamisi Zawadi Salim Rehema Faraja Amani",
        "Mwangi Kamau Mushi Otieno Mrema Wanjiru Hassan Lyimo Achieng Nyerere",
    ),
}
_WORDS = {
    "en": "May you inherit a land whose rivers we kept clean.",
    "ar": "أتمنى أن ترثوا أرضًا حافظنا على أنهارها.",
    "zh-Hans": "愿你们继承的土地，河流依旧清澈。",
    "fr": "Puissiez-vous hériter d’une terre dont nous aurons gardé les rivières propres.",
    "es": "Que hereden una tierra cuyos ríos supimos cuidar.",
    "ru": "Пусть вам достанется земля, реки которой мы сберегли чистыми.",
    "pt": "Que herdem uma terra cujos rios soubemos manter limpos.",
    "hi": "आपको ऐसी धरती मिले जिसकी नदियाँ हमने स्वच्छ रखीं।",
    "ur": "آپ کو ایسی سرزمین ملے جس کے دریا ہم نے صاف رکھے۔",
    "sw": "Mrithi nchi ambayo mito yake tuliitunza ikiwa safi.",
}
_CHUNK = 1_000
# Pledges for institutions that are left held, for staff to review.
WAITING = 5


def add(
    number: int,
    now: datetime,
    seed: int = 2022,
    progress: Callable[[int], None] = lambda _number: None,
) -> int:
    """Add this many invented, confirmed pledges; return how many were added, 0 without institutions.

    The same seed invents the same pledges. ``progress`` is called with the number added so far.
    """
    chance = random.Random(seed)  # noqa: S311 (invents people, guards nothing)
    rows = list(_invented(number, now, chance, _institutions()))
    for start in range(0, len(rows), _CHUNK):
        progress(start)
        _insert(rows[start : start + _CHUNK])
    _accept_official()
    jobs.wake("fold_tallies")
    return len(rows)


def remove() -> int:
    """Remove every invented pledge and person, and so their part of the tallies; return how many pledges."""
    demo_pledges = select(Pledge.id).where(Pledge.is_demo)
    for model in (TaskPledge, PledgeEvent):
        db.session.execute(delete(model).where(model.pledge_id.in_(demo_pledges)))
    people = db.session.scalars(
        delete(Pledge).where(Pledge.is_demo).returning(Pledge.person_id)
    ).all()
    db.session.execute(delete(Person).where(Person.id.in_(people)))
    topics.raise_version(DEMO)
    jobs.wake("fold_tallies")
    return len(people)


def _accept_official() -> None:
    """Decide on the pledges for institutions as staff do, but for some that are left to try it on."""
    waiting = select(Pledge).where(Pledge.is_demo, Pledge.status == Status.HELD)
    for pledge in db.session.scalars(waiting.order_by(Pledge.id).offset(WAITING)).all():
        reviewing.accept(current_policy(), pledge, SYSTEM)


def _institutions() -> list[Institution]:
    """Return the best known institutions of every country, at most 12, so that the map has lights everywhere."""
    # An institution pledges once in each campaign, and an invented pledge must not take the place of a real one.
    have_pledged = select(Pledge.institution_id).where(
        Pledge.kind == Kind.INSTITUTION, Pledge.institution_id.is_not(None)
    )
    registered = db.session.scalars(
        select(Institution)
        .where(Institution.status == "active", Institution.types.contains(["education"]))
        .where(Institution.id.not_in(have_pledged))
        .order_by(Institution.weight.desc(), Institution.id)
    )
    by_country: dict[str, list[Institution]] = {}
    for institution in registered:
        if len(by_country.setdefault(institution.country, [])) < 12:
            by_country[institution.country].append(institution)
    return [institution for group in by_country.values() for institution in group]


class Rows(NamedTuple):
    """The columns of a person and of their pledge."""

    person: dict[str, Any]
    pledge: dict[str, Any]


def _invented(
    number: int, now: datetime, chance: random.Random, institutions: Sequence[Institution]
) -> Iterator[Rows]:
    """Yield pledges: more of them lately, and, once each institution has one, more at the popular ones."""
    if not institutions:
        return
    # A few institutions have most of the pledges, as in life: a Pareto distribution.
    popularity = [chance.paretovariate(1.1) for _ in institutions]
    texts = _texts()
    for index in range(number):
        institution = (
            institutions[index]
            if index < len(institutions)
            else chance.choices(institutions, popularity)[0]
        )
        kind = Kind.INSTITUTION if index < len(institutions) and index % 4 == 0 else Kind.PERSON
        locale = _LANGUAGE_OF.get(institution.country, i18n.DEFAULT)
        text = texts[chance.random() < 0.25, locale]
        yield _rows(
            index,
            kind,
            institution,
            text,
            now - timedelta(days=DAYS * chance.random() ** 1.7),
            chance,
        )


def _texts() -> dict[tuple[bool, str], CampaignText]:
    """Return the texts of the first two campaigns, by (whether it is the second, language)."""
    first, *others = campaign_queries.list_all()
    second = others[0] if others else first
    return {
        (is_second, tag): text
        for is_second, campaign in ((False, first), (True, second))
        for tag in _NAMES
        if (text := campaign_queries.current_text(campaign.slug, tag))
    }


def _rows(
    index: int,
    kind: Kind,
    institution: Institution,
    text: CampaignText,
    at: datetime,
    chance: random.Random,
) -> Rows:
    person_id, pledge_id = (UUID(bytes=chance.randbytes(16), version=4) for _ in range(2))
    name = _name(text.locale, chance)
    offered = list(text.commitments_for(kind))
    person = {
        "id": person_id,
        "fingerprint": sha256(f"demo {index}".encode()).digest(),
        "mailbox": f"demo-{index}@example.org",
        "address": f"demo-{index}@example.org",
        "locale": text.locale,
        "created_at": at,
    }
    pledge = {
        "id": pledge_id,
        "campaign_id": text.campaign_id,
        "person_id": person_id,
        "kind": kind,
        "text_id": text.id,
        "status": Status.HELD if kind is Kind.INSTITUTION else Status.CONFIRMED,
        "hold_reasons": ["official"] if kind is Kind.INSTITUTION else [],
        "submission": pledge_id,
        "name": name,
        "name_folded": fold(name),
        "institution_id": institution.id,
        "role": chance.choice(list(ROLES)) if kind is Kind.PERSON else None,
        "office": "Rector" if kind is Kind.INSTITUTION else None,
        "support_letters": {},
        "country": institution.country,
        "is_demo": True,
        "locale": text.locale,
        "disciplines": chance.sample(list(FIELDS), chance.randint(1, 2)),
        "commitments": sorted(
            chance.sample(offered, chance.randint(1, len(offered))), key=offered.index
        ),
        "words": _WORDS[text.locale] if kind is Kind.PERSON and chance.random() < 0.1 else None,
        # Some wait for staff.
        "words_approved": True if index % 10 else None,
        "listed": kind is Kind.INSTITUTION or chance.random() < 0.8,
        "submitted_at": at,
        "confirmed_at": at,
    }
    return Rows(person, pledge)


def _name(locale: str, chance: random.Random) -> str:
    given, family = (chance.choice(names.split()).replace("_", " ") for names in _NAMES[locale])
    return f"{family}{given}" if locale == "zh-Hans" else f"{given} {family}"


def _insert(rows: Sequence[Rows]) -> None:
    db.session.execute(insert(Person), [row.person for row in rows])
    db.session.execute(insert(Pledge), [row.pledge for row in rows])
    topics.raise_version(DEMO)
