"""The table of the chain."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from campaign.campaigns.models import Campaign
from campaign.db import Model


class DailyRecord(Model):
    """One campaign's public tally at the end of one day (UTC).

    A database trigger refuses every change and deletion.
    """

    __tablename__ = "daily_records"

    campaign_id: Mapped[int] = mapped_column(ForeignKey(Campaign.id), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    # Canonical JSON, exactly as published: its digest would differ if it were ever written again in another way.
    line: Mapped[str]
    # SHA-256 of the line, in hexadecimal. The next day's line contains it, which makes the records a chain.
    digest: Mapped[str]
    published_at: Mapped[datetime] = mapped_column(server_default=func.now())
