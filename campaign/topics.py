"""Topics that public pages follow: their versions rise in the transaction that changes what is shown.

A domain registers each of its topics once and raises the version with every change. A door that keeps finished
responses compares versions, so it needs to know no domain: it drops a response once a topic it follows has risen.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NewType

from sqlalchemy import BigInteger, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from campaign.db import Model, db

Topic = NewType("Topic", str)

_registered: set[Topic] = set()


class PublicVersion(Model):
    """How often a topic has changed for one subject, such as the tallies of one campaign."""

    __tablename__ = "public_versions"

    topic: Mapped[str] = mapped_column(primary_key=True)
    # The domain's own key; "" where a topic has no parts.
    subject: Mapped[str] = mapped_column(primary_key=True, default="")
    version: Mapped[int] = mapped_column(BigInteger)
    raised_at: Mapped[datetime] = mapped_column(server_default=func.now())


def register(name: str) -> Topic:
    """Register a topic of the calling domain, when its module is imported."""
    topic = Topic(name)
    assert topic not in _registered, f"two domains have a topic {name}"
    _registered.add(topic)
    return topic


def registered() -> tuple[Topic, ...]:
    """Return all topics, in a fixed order."""
    return tuple(sorted(_registered))


def raise_version(topic: Topic, subject: object = "") -> None:
    """Have responses that follow this topic made anew, once the current transaction is committed.

    Its row stays locked until then, so a long transaction raises it last.
    """
    first = insert(PublicVersion).values(topic=topic, subject=str(subject), version=1)
    next_ = {"version": PublicVersion.version + 1, "raised_at": func.now()}
    keys = [PublicVersion.topic, PublicVersion.subject]
    db.session.execute(first.on_conflict_do_update(index_elements=keys, set_=next_))


def version(topic: Topic, subject: object) -> int:
    """Return how often one subject of a topic has changed."""
    key = {"topic": topic, "subject": str(subject)}
    return db.session.scalar(select(PublicVersion.version).filter_by(**key)) or 0


def versions() -> Mapping[Topic, int]:
    """Return the version of every registered topic, the sum over its subjects, by one statement."""
    total = func.sum(PublicVersion.version).cast(BigInteger)
    rows = db.session.execute(select(PublicVersion.topic, total).group_by(PublicVersion.topic))
    totals = dict(rows.all())
    return {topic: totals.get(topic, 0) for topic in registered()}
