"""Write drafts: passages, commitments, what a release proposes. Every act is in the record; nothing commits.

The first edit takes a campaign in hand. Everyone who writes in a campaign waits for its row, so what is checked is
what is saved over. ``languages`` are those in which an account may write; None stands for all.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert

from campaign.audit import Actor, record
from campaign.campaigns import drafts
from campaign.campaigns.drafts import Draft, Passage
from campaign.campaigns.models import (
    Campaign,
    DraftCommitment,
    DraftPassage,
    PassageReader,
    ProposedPassage,
)
from campaign.campaigns.rules import (
    SOURCE,
    InvalidName,
    InvalidPassage,
    Problem,
    Texts,
    check_code,
    check_language,
    check_placeholders,
    clean_passage,
    passage_of,
)
from campaign.db import db

Languages = Collection[str] | None


class UnknownPassage(Exception):
    """The draft has no such passage, or no source to translate it from."""


class UnknownCommitment(Exception):
    """The campaign has no commitment with this code, or it is retired, or offered, already."""


class Clash(Exception):
    """Somebody else saved the passage meanwhile; neither text is lost."""

    def __init__(self, theirs: DraftPassage, mine: str) -> None:
        super().__init__(f"{theirs.passage} in {theirs.locale}")
        self.theirs = theirs
        self.mine = mine


def locked(campaign_id: int) -> Campaign:
    """Return a campaign, its row locked against other writers and read anew; pledges go on."""
    return db.session.get_one(
        Campaign, campaign_id, with_for_update={"key_share": True}, populate_existing=True
    )


def subject_of(campaign: Campaign) -> str:
    """Return what the record calls a campaign."""
    return f"campaign:{campaign.slug}"


def save(
    actor: Actor,
    languages: Languages,
    campaign_id: int,
    locale: str,
    name: str,
    typed: str,
    base: int,
    source_version: int | None = None,
) -> DraftPassage:
    """Save a passage that was edited from version ``base``, 0 where there was none; return its newest version.

    For a translation, ``source_version`` is that of the source beside which it was written; by default the newest.
    Saving the same text again confirms it as a translation of that source. Raises ForeignLanguage, UnknownPassage,
    InvalidPassage, Clash.
    """
    check_language(languages, locale)
    draft = _in_hand(actor, campaign_id)
    passage = draft.passage(locale, name)
    if name not in draft.names() or (locale != SOURCE and passage.source is None):
        raise UnknownPassage
    text = clean_passage(name, typed)
    read = _source_read(campaign_id, passage, source_version)
    if _says(passage, text, read):
        assert passage.written is not None, "it says the same"
        return passage.written
    if passage.version != base:
        assert passage.written is not None, "there is a newer version"
        raise Clash(passage.written, text)
    _check(campaign_id, passage, text, read)
    return _write(actor, draft.campaign, passage, text, read)


def _in_hand(actor: Actor, campaign_id: int) -> Draft:
    """The draft of a campaign that staff manage from now on, locked."""
    campaign = locked(campaign_id)
    if not campaign.managed_by_staff:
        for rows in drafts.published_as_rows(campaign_id):
            db.session.add_all(rows)
        campaign.managed_by_staff = True
        record(actor, "campaign taken in hand", subject_of(campaign), {})
        db.session.flush()
    return drafts.draft_of(campaign)


def _source_read(campaign_id: int, passage: Passage, version: int | None) -> DraftPassage | None:
    """The version of the source that the translator read. Raises UnknownPassage."""
    if passage.source is None or version is None:
        return passage.source
    key = (campaign_id, SOURCE, passage.name, version)
    read = db.session.get(DraftPassage, key)
    if read is None:
        raise UnknownPassage
    return read


def _says(passage: Passage, text: str, read: DraftPassage | None) -> bool:
    """Whether this was saved already, as a translation of this source: a button was pressed twice."""
    written, version = passage.written, read.version if read else None
    return written is not None and (written.text, written.source_version) == (text, version)


def _check(campaign_id: int, passage: Passage, text: str, read: DraftPassage | None) -> None:
    """Raises InvalidPassage."""
    if read:
        check_placeholders(passage.name, read.text, text)
    code = passage.name.partition("/")[2]
    if passage.locale == SOURCE and code and code in drafts.signed_codes(campaign_id):
        raise InvalidPassage(passage.name, Problem.SIGNED)


def _write(
    actor: Actor, campaign: Campaign, passage: Passage, text: str, read: DraftPassage | None
) -> DraftPassage:
    written = DraftPassage(
        campaign_id=campaign.id,
        locale=passage.locale,
        passage=passage.name,
        version=passage.version + 1,
        text=text,
        source_version=read.version if read else None,
        actor=actor,
    )
    db.session.add(written)
    record(
        actor,
        "passage written",
        subject_of(campaign),
        {
            "language": passage.locale,
            "passage": passage.name,
            "version": written.version,
            "before": passage.written and passage.written.text,
            "after": text,
        },
    )
    db.session.flush()
    return written


def add_commitment(
    actor: Actor, languages: Languages, campaign_id: int, list_name: str, code: str, sentence: str
) -> DraftPassage:
    """Offer a new commitment from the next version on, with its sentence in the source language.

    Raises ForeignLanguage, InvalidName, InvalidPassage.
    """
    check_language(languages, SOURCE)
    check_code(code)
    draft = _in_hand(actor, campaign_id)
    if code in {row.code for row in draft.commitments}:
        raise InvalidName(Problem.TAKEN)
    name = passage_of(list_name, code)
    text = clean_passage(name, sentence)
    _add_row(draft, list_name, code)
    record(actor, "commitment added", subject_of(draft.campaign), {"code": code, "after": text})
    return _write(actor, draft.campaign, draft.passage(SOURCE, name), text, None)


def _add_row(draft: Draft, list_name: str, code: str) -> None:
    last = max((row.position for row in draft.commitments), default=0)
    db.session.add(
        DraftCommitment(
            campaign_id=draft.campaign.id, code=code, list_name=list_name, position=last + 1
        )
    )


def retire_commitment(
    actor: Actor, languages: Languages, campaign_id: int, code: str, now: datetime
) -> None:
    """Offer a commitment no more from the next version on; pledges that made it keep it.

    Raises ForeignLanguage, UnknownCommitment.
    """
    _set_retired(actor, languages, campaign_id, code, now)


def reinstate_commitment(actor: Actor, languages: Languages, campaign_id: int, code: str) -> None:
    """Offer a retired commitment again. Raises ForeignLanguage, UnknownCommitment."""
    _set_retired(actor, languages, campaign_id, code, None)


def _set_retired(
    actor: Actor, languages: Languages, campaign_id: int, code: str, moment: datetime | None
) -> None:
    check_language(languages, SOURCE)
    draft = _in_hand(actor, campaign_id)
    row = next((row for row in draft.commitments if row.code == code), None)
    if row is None or bool(row.retired_at) == bool(moment):
        raise UnknownCommitment
    row.retired_at = moment
    action = "commitment retired" if moment else "commitment reinstated"
    record(actor, action, subject_of(draft.campaign), {"code": code})
    db.session.flush()


def propose(campaign: Campaign, shipped: Texts) -> None:
    """Note which passages a release has changed, for staff to take or to leave. Changes no draft."""
    draft, before = drafts.draft_of(campaign), drafts.shipped_before(campaign)
    for (locale, name), text in drafts.flat(shipped).items():
        if before.get((locale, name)) != text:
            _propose(draft, locale, name, text)
    db.session.flush()


def _propose(draft: Draft, locale: str, name: str, text: str) -> None:
    is_new = draft.passage(locale, name).text != text
    values = {"text": text, "is_open": is_new and _may_be_taken(draft, locale, name)}
    key = {"campaign_id": draft.campaign.id, "locale": locale, "passage": name}
    added = insert(ProposedPassage).values(**key, **values)
    db.session.execute(added.on_conflict_do_update(index_elements=[*key], set_=values))


def _may_be_taken(draft: Draft, locale: str, name: str) -> bool:
    """Whether a passage may change: not the sentence of a commitment that was signed, nor of a retired one."""
    code = name.partition("/")[2]
    is_retired = code in {row.code for row in draft.commitments if row.retired_at}
    is_signed = locale == SOURCE and code in drafts.signed_codes(draft.campaign.id)
    return not code or not (is_retired or is_signed)


def take_proposal(
    actor: Actor, languages: Languages, campaign_id: int, locale: str, name: str
) -> None:
    """Make what a release proposes the draft's own. Raises ForeignLanguage, UnknownPassage, InvalidPassage."""
    check_language(languages, locale)
    draft = _in_hand(actor, campaign_id)
    proposal = _settle(campaign_id, locale, name)
    list_name, _, code = name.partition("/")
    if code and locale == SOURCE and code not in {row.code for row in draft.commitments}:
        add_commitment(actor, languages, campaign_id, list_name, code, proposal.text)
        return
    base = draft.passage(locale, name).version
    save(actor, languages, campaign_id, locale, name, proposal.text, base)


def leave_proposal(
    actor: Actor, languages: Languages, campaign_id: int, locale: str, name: str
) -> None:
    """Keep the draft as it is. Raises ForeignLanguage, UnknownPassage."""
    check_language(languages, locale)
    campaign = locked(campaign_id)
    proposal = _settle(campaign_id, locale, name)
    details = {"language": locale, "passage": name, "before": proposal.text}
    record(actor, "proposal left", subject_of(campaign), details)
    db.session.flush()


def _settle(campaign_id: int, locale: str, name: str) -> ProposedPassage:
    proposal = db.session.get(ProposedPassage, (campaign_id, locale, name), populate_existing=True)
    if proposal is None or not proposal.is_open:
        raise UnknownPassage
    proposal.is_open = False
    return proposal


def note_reader(campaign_id: int, locale: str, name: str, account_id: str, now: datetime) -> None:
    """Note that an account has a passage in front of it."""
    key = {"campaign_id": campaign_id, "locale": locale, "account_id": account_id}
    values = {"passage": name, "seen_at": now}
    added = insert(PassageReader).values(**key, **values)
    db.session.execute(added.on_conflict_do_update(index_elements=[*key], set_=values))
