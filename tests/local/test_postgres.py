"""PostgreSQL in a folder: whatever is killed, no committed row is lost and the next start works."""

import os
import signal
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

import campaign
from campaign.local import launch
from campaign.local.postgres import EmbeddedPostgres, PostgresError, find_binaries
from campaign.local.processes import FolderInUseError, Process

ROOT = Path(campaign.__file__).parents[1]

START = """
import signal, sys
from pathlib import Path
from campaign.local.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
print("started", flush=True)
signal.pause()
"""

ONCE = """
import os, sys
from pathlib import Path
from campaign.local.postgres import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1]), fast=True) as server:
    print(os.geteuid(), (server.folder / "data").stat().st_uid)
"""


def connect(server: EmbeddedPostgres) -> psycopg.Connection:
    return psycopg.connect(server.url.replace("+psycopg", ""))  # libpq reads the rest alike


def write_row(server: EmbeddedPostgres) -> None:
    with connect(server) as connection:
        connection.execute("DROP TABLE IF EXISTS light")
        connection.execute("CREATE TABLE light AS SELECT 'heart' AS name")


def read_rows(server: EmbeddedPostgres) -> list[tuple[str]]:
    with connect(server) as connection:
        return connection.execute("SELECT name FROM light").fetchall()


def main_process(server: EmbeddedPostgres) -> Process:
    return Process.of(int((server.folder / "data" / "postmaster.pid").read_text().split()[0]))


def test_sqlalchemy_finds_the_database_by_its_url(prepared: Path) -> None:
    with EmbeddedPostgres(prepared, database="lights") as server:
        engine = create_engine(server.url)
        with engine.connect() as connection:
            name = connection.scalar(text("SELECT current_database()"))
        engine.dispose()

    assert name == "lights"


def test_text_is_treated_alike_on_every_machine(server: EmbeddedPostgres) -> None:
    server.start()
    with connect(server) as connection:
        row = connection.execute(
            "SELECT datlocprovider, datlocale, upper('éж') FROM pg_database"
            " WHERE datname = current_database()"
        ).fetchone()

    assert row == ("b", "C.UTF-8", "ÉЖ")


def test_rows_survive_a_killed_server(server: EmbeddedPostgres) -> None:
    server.start()
    write_row(server)

    main_process(server).send(signal.SIGKILL)
    server.start()

    assert read_rows(server) == [("heart",)]


# Sees nothing around it, and ends by itself should a killed test leave it behind.
BUSY = b"DO $$ BEGIN LOOP EXIT WHEN clock_timestamp() > now() + interval '30 s'; END LOOP; END $$"


def test_a_backend_that_outlives_its_server_does_not_stop_the_next(
    server: EmbeddedPostgres,
) -> None:
    server.start()
    with closing(connect(server)) as connection:
        backend = Process.of(connection.info.backend_pid)
        connection.pgconn.send_query(BUSY)
        main_process(server).send(signal.SIGKILL)
        assert backend.alive()

        server.start()

    assert not backend.alive()


def test_rows_survive_the_killed_owner_of_the_server(
    server: EmbeddedPostgres, spawn, eventually, tmp_path: Path
) -> None:
    owner = spawn("-c", START, server.folder)
    eventually(lambda: b"started" in (tmp_path / "output").read_bytes())
    write_row(server)
    orphan = main_process(server)

    owner.kill()
    owner.wait()
    server.start()

    assert read_rows(server) == [("heart",)]
    assert not orphan.alive()


def test_a_kill_in_the_middle_of_initdb_leaves_a_folder_that_starts(
    tmp_path: Path, spawn, eventually
) -> None:
    owner = spawn("-c", START, tmp_path / "new")
    eventually(lambda: list((tmp_path / "new").glob("data.new-*/base/1")))

    owner.kill()
    owner.wait()
    assert not (tmp_path / "new" / "data").exists()

    with EmbeddedPostgres(tmp_path / "new", fast=True) as server:
        write_row(server)
    assert not list((tmp_path / "new").glob("data.new-*"))


def test_a_stale_pid_file_whose_pid_was_reused_is_cleared(server: EmbeddedPostgres, spawn) -> None:
    stranger = spawn("-c", "import signal; signal.pause()")
    server.socket_folder.mkdir(mode=0o700, exist_ok=True)
    content = f"{stranger.pid}\n{server.folder / 'data'}\n1\n5432\n{server.socket_folder}\n\n\n"
    (server.folder / "data" / "postmaster.pid").write_text(content)
    (server.socket_folder / ".s.PGSQL.5432.lock").write_text(content)

    server.start()

    assert stranger.poll() is None


def test_a_second_owner_of_a_folder_is_refused_with_a_sentence(server: EmbeddedPostgres) -> None:
    server.start()

    with pytest.raises(FolderInUseError, match=f"in use by process {os.getpid()}"):
        EmbeddedPostgres(server.folder).start()

    write_row(server)  # and the first one goes on


def test_a_path_too_long_for_a_socket_is_no_obstacle(folder: Path, tmp_path: Path) -> None:
    longer = folder.rename(tmp_path / ("long" * 30))

    with EmbeddedPostgres(longer) as server:
        write_row(server)
        mode = stat.S_IMODE(server.socket_folder.stat().st_mode)

    assert mode == 0o700
    assert not server.socket_folder.is_relative_to(tmp_path)
    server.socket_folder.rmdir()


def test_a_socket_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text(f"{find_binaries()[1]}\n")
    (tmp_path / "socket").mkdir()
    (tmp_path / "socket").chmod(0o755)

    with pytest.raises(PostgresError, match="mode 0700"):
        EmbeddedPostgres(tmp_path).start()


def test_data_of_another_version_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("12\n")

    with pytest.raises(PostgresError, match="made by PostgreSQL 12"):
        EmbeddedPostgres(tmp_path).start()


def test_missing_programs_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_BIN", str(tmp_path))

    with pytest.raises(PostgresError, match="PG_BIN"):
        EmbeddedPostgres(tmp_path).start()


def test_a_server_that_cannot_start_tells_why(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "PG_VERSION").write_text(f"{find_binaries()[1]}\n")

    with pytest.raises(PostgresError, match=r"could not access .*postgresql\.conf"):
        EmbeddedPostgres(tmp_path).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_serves_data_that_belong_to_another_account(folder: Path) -> None:
    for path in (folder / "data", *(folder / "data").rglob("*")):
        os.chown(path, 65534, 65534)

    with EmbeddedPostgres(folder) as server:
        write_row(server)
        owner = Path(f"/proc/{main_process(server).pid}").stat().st_uid

    assert owner == 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs all the other tests")
def test_an_ordinary_user_can_start_it(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    as_nobody = launch.bound(
        [sys.executable, "-c", ONCE, str(tmp_path / "new")],
        signal.SIGKILL,
        launch.switched(65534, 65534),
    )

    result = subprocess.run(as_nobody, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (result.stdout, result.stderr) == ("65534 65534\n", "")
