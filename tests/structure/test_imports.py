"""Who may import whom: worker and app → doors → http → domains, in their order → ground. Never back."""

import shutil
from pathlib import Path

import pytest

from tests.structure.rooms import (
    DOMAINS,
    ROOT,
    forbidden_imports,
    imports,
    modules,
    room_of,
    rooms_imported,
)

# What a domain must be given as an argument instead of finding it in the request.
OF_THE_REQUEST = {"request", "session", "g", "flash", "url_for", "current_app"}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards(path: Path) -> None:
    assert not forbidden_imports(path)


@pytest.mark.parametrize(
    "path",
    [p for p in modules() if room_of(p) in DOMAINS],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_domains_do_not_read_the_request(path: Path) -> None:
    assert not [
        name for module, name in imports(path) if module == "flask" and name in OF_THE_REQUEST
    ]


def test_the_one_command_stack_stands_alone() -> None:
    """All of local/ could serve any other project."""
    for path in (ROOT / "campaign/local").glob("*.py"):
        assert rooms_imported(path) <= {"local"}, path.name


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code, to break the rules in."""
    copy = tmp_path_factory.mktemp("house")
    for path in modules():
        target = copy / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return copy


@pytest.mark.parametrize(
    ("module", "line", "room"),
    [
        pytest.param("campaign/embed/x.py", "import campaign.web.pages", "web", id="door-door"),
        pytest.param("campaign/web/x.py", "from campaign import desk", "desk", id="door-desk"),
        pytest.param("campaign/desk/x.py", "from ..web import pages", "web", id="desk-door"),
        pytest.param("campaign/cli/x.py", "from worker import main", "worker", id="door-worker"),
        pytest.param("worker/x.py", "from campaign.cli import common", "cli", id="worker-door"),
        pytest.param("campaign/http/x.py", "from .. import api", "api", id="http-door"),
        pytest.param("campaign/people/x.py", "import campaign.web", "web", id="domain-door"),
        pytest.param("campaign/people/x.py", "import campaign.http", "http", id="domain-http"),
        pytest.param("campaign/people/x.py", "import campaign.pledges", "pledges", id="domain-later-domain"),
        pytest.param("campaign/links.py", "import campaign.people", "people", id="ground-domain"),
        pytest.param("campaign/links.py", "import campaign.web", "web", id="ground-pages"),
        pytest.param("campaign/main.py", "import campaign.web", "web", id="main-pages"),
        pytest.param("campaign/app.py", "import campaign.cli", "cli", id="app-commands"),
        pytest.param("worker/x.py", "def f():\n    import campaign.web", "web", id="late-import"),
    ],
)  # fmt: skip
def test_an_import_against_the_rules_is_seen(
    house: Path, module: str, line: str, room: str
) -> None:
    path = house / module
    before = path.read_text("utf-8") if path.exists() else ""
    path.parent.mkdir(exist_ok=True)

    path.write_text(f"{before}\n{line}\n", "utf-8")

    broken = {p: forbidden_imports(p, house) for p in modules(house)}
    path.write_text(before, "utf-8")
    assert {p: rooms for p, rooms in broken.items() if rooms} == {path: {room}}


def test_only_the_application_knows_the_pages() -> None:
    outside = {
        str(path.relative_to(ROOT))
        for path in modules()
        if room_of(path) != "web" and "web" in rooms_imported(path)
    }
    assert outside == {"campaign/app.py"}
