"""Intake: confirmed pledges per second through HTTP, next to the same server's hello page.

A pledge is two posts, the form and the confirmation; its mail is queued, as for a person. Target: at least 0.12 of
the hello page's requests per second, and ten times the 33 signatures a second at which e-petitions peaked.
"""

from statistics import median
from uuid import uuid4

from sqlalchemy import create_engine, text

from campaign.app import create_site
from campaign.clock import now
from campaign.config import Settings
from campaign.pledges.emails import CONFIRM, FORM
from campaign.tokens import Signer
from tests.benchmarks.tools import database, get, post, requests_per_second, site
from tests.factories import CAMPAIGN
from tests.factories import text as shown_text

PLEDGES, ROUNDS = 4_000, 8
HELLOS = 1_500
E_PETITIONS_PER_SECOND = 33


def main() -> None:
    with database() as settings:
        signer = Signer(settings.secret_key)
        institutions = _institutions(settings)
        text_id = _text_id(settings)
        forms = [_form(signer, text_id, institutions, index) for index in range(PLEDGES)]
        with site(settings) as port:
            requests_per_second(port, [get("/hello")] * 2_000, b"200")  # warm
            rounds = [
                _round(port, settings, signer, forms[start::ROUNDS]) for start in range(ROUNDS)
            ]
        _check(settings)
    print("intake: hello {:,.0f}/s, submit {:,.0f}/s, confirm {:,.0f}/s".format(*_medians(rounds)))
    ratios = sorted(_pledges(*speeds) / speeds[0] for speeds in rounds)
    print(
        f"intake: {median(ratios):.3f} of hello in confirmed pledges/s (target 0.12),"
        f" {ratios[0]:.3f} to {ratios[-1]:.3f} over {ROUNDS} rounds"
    )
    pledges = median(_pledges(*speeds) for speeds in rounds)
    print(
        f"intake: {pledges:,.0f} confirmed pledges/s,"
        f" {pledges / E_PETITIONS_PER_SECOND:.1f} times e-petitions' record (target 10)"
    )


def _round(
    port: int, settings: Settings, signer: Signer, forms: list[bytes]
) -> tuple[float, float, float]:
    """Requests per second of hello, submit and confirm, close together: a shared machine has its moods."""
    before = requests_per_second(port, [get("/hello")] * HELLOS, b"200")
    submitted = requests_per_second(port, forms, b"303")
    confirmed = requests_per_second(port, _confirmations(settings, signer), b"303")
    after = requests_per_second(port, [get("/hello")] * HELLOS, b"200")
    return (before + after) / 2, submitted, confirmed


def _pledges(_hello: float, submitted: float, confirmed: float) -> float:
    """Pledges per second where each is one of both posts."""
    return 1 / (1 / submitted + 1 / confirmed)


def _medians(rounds: list[tuple[float, float, float]]) -> list[float]:
    return [median(column) for column in zip(*rounds, strict=True)]


def _institutions(settings: Settings) -> list[str]:
    with create_engine(settings.database_url).connect() as connection:
        return list(
            connection.scalars(
                text("SELECT id FROM institutions WHERE status = 'active' ORDER BY id")
            )
        )


def _text_id(settings: Settings) -> int:
    with create_site(settings).app_context():
        return shown_text().id


def _form(signer: Signer, text_id: int, institutions: list[str], index: int) -> bytes:
    token = signer.sign(FORM, [str(uuid4()), text_id, int(now().timestamp()) - 60])
    fields = {
        "form_token": token,
        "action": "pledge",
        "name": f"Scientist {'abcdefghij'[index % 10]}",
        "email": f"scientist-{index}@example.org",
        "affiliation": "institution",
        "role": "researcher",
        "institution": institutions[index % len(institutions)],
        "country": "KE",
        "disciplines": "1.5",
        "commitments": "network",
        "listed": "name",
        "newsletter": "yes",
        "website": "",
    }
    return post(f"/en/campaigns/{CAMPAIGN}/pledge/", fields, network=index)


def _confirmations(settings: Settings, signer: Signer) -> list[bytes]:
    with create_engine(settings.database_url).connect() as connection:
        sent = connection.execute(
            text("SELECT id, submission FROM pledges WHERE status = 'unconfirmed'")
        ).all()
    return [
        post(
            f"/en/pledges/confirm/{signer.sign(CONFIRM, str(id_))}/",
            {"submission": str(form)},
            network=index,
        )
        for index, (id_, form) in enumerate(sent)
    ]


def _check(settings: Settings) -> None:
    """Fast and wrong would be worthless: every pledge counts once and has its letter."""
    with create_engine(settings.database_url).connect() as connection:
        confirmed = connection.scalar(
            text("SELECT count(*) FROM pledges WHERE status = 'confirmed'")
        )
        letters = connection.scalar(
            text("SELECT count(*) FROM outgoing_emails WHERE template = 'confirm'")
        )
        deltas = connection.scalar(text("SELECT sum(change) FROM tally_deltas"))
    assert confirmed == letters == deltas == PLEDGES, (confirmed, letters, deltas)


if __name__ == "__main__":
    main()
