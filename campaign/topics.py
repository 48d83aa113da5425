"""What public pages follow: topics, whose versions rise in the transaction that changes what is shown.

A domain registers each topic once and raises its version with every change. A door that keeps finished responses
compares versions, and so needs to know no domain: it drops what is older than a topic that it follows.
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
    """A topic of the calling domain, for the life of the process."""
    topic = Topic(name)
    assert topic not in _registered, f"two domains call a topic {name}"
    _registered.add(topic)
    return topic


def registered() -> tuple[Topic, ...]:
    return tuple(sorted(_registered))


def raise_version(topic: Topic, subject: object = "") -> None:
    """Drop what was kept of this topic, once the current transaction is committed.

    Its row stays locked until then: raise it last in a transaction that takes long.
    """
    raised = insert(PublicVersion).values(topic=topic, subject=str(subject), version=1)
    now = {"version": PublicVersion.version + 1, "raised_at": func.now()}
    keys = [PublicVersion.topic, PublicVersion.subject]
    db.session.execute(raised.on_conflict_do_update(index_elements=keys, set_=now))


def version(topic: Topic, subject: object) -> int:
    """How often one subject of a topic has changed."""
    key = {"topic": topic, "subject": str(subject)}
    return db.session.scalar(select(PublicVersion.version).filter_by(**key)) or 0


def versions() -> Mapping[Topic, int]:
    """The version of every registered topic, in one statement: the sum over its subjects."""
    total = func.sum(PublicVersion.version).cast(BigInteger)
    rows = db.session.execute(select(PublicVersion.topic, total).group_by(PublicVersion.topic))
    known = dict(rows.all())
    return {topic: known.get(topic, 0) for topic in registered()}
