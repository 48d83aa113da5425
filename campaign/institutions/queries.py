"""Finding institutions: by name as people type it, by id, by e-mail domain."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, or_, select, text
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.engine import Row

from campaign.db import db
from campaign.domains import InvalidDomain, ascii_domain, is_free_mail, registrable_domain
from campaign.institutions.folding import fold, terms
from campaign.institutions.models import Institution, Status
from campaign.institutions.records import short_id
