"""A PostgreSQL cluster for tests alone: made in a temporary folder, heard on a socket in it."""

import contextlib
import getpass
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

READY_WITHIN_S: Final = 60.0
_NUMBERS: Final = itertools.count(1)


@dataclass(frozen=True)
class Cluster:
    """A running cluster; everything in it belongs to the user ``fleet``."""

    folder: Path

    def execute(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run *statement* by itself; return the rows."""
        with psycopg.connect(self._address(database), autocommit=True) as connection:
            done = connection.execute(statement.encode())
            return done.fetchall() if done.description else []

    @contextlib.contextmanager
    def database(self) -> Iterator["Database"]:
        """Make a new database, for as long as it is needed."""
        name = f"fleet{next(_NUMBERS)}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield Database(self, name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _address(self, database: str) -> str:
        return f"host={self.folder} user=fleet dbname={database}"


@dataclass(frozen=True)
class Database:
    """One database of a cluster."""

    cluster: Cluster
    name: str

    @property
    def url(self) -> str:
        return f"postgresql://fleet@/{self.name}?host={self.cluster.folder}"

    def disconnect_all(self) -> None:
        """End every connection to it, as a network does that breaks."""
        self.cluster.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "  # noqa: S608 -- our name
            f"WHERE datname = '{self.name}'"
        )

    def read_only(self, *, yes: bool) -> None:
        """Let nothing be written to it, as when its disk is full; or let it again."""
        setting = "SET default_transaction_read_only = on" if yes else "RESET ALL"
        self.cluster.execute(f"ALTER DATABASE {self.name} {setting}")
        self.disconnect_all()


@contextlib.contextmanager
def postgresql() -> Iterator[Cluster]:
    """Run a cluster, as a user who is not root, which PostgreSQL refuses."""
    # Not in pytest's folder: that one is for its owner only, and names of sockets must be short.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as name:
        folder = Path(name)
        user = _user()
        shutil.chown(folder, user)
        data = folder / "data"
        _run([_program("initdb"), "-D", str(data), "-U", "fleet", "-A", "trust", "-N"], user)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "fsync": "off",  # of a cluster that nobody needs again
            "max_connections": "60",
        }
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        log = folder / "log"
        with log.open("wb") as out:
            server = subprocess.Popen(
                [_program("postgres"), "-D", str(data), *options],
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=folder,
                user=user if os.geteuid() == 0 else None,
            )
        try:
            cluster = Cluster(folder)
            _wait_until_ready(cluster, server, log)
            yield cluster
        finally:
            server.send_signal(signal.SIGINT)  # "fast": open connections are ended
            server.wait(READY_WITHIN_S)


def _wait_until_ready(cluster: Cluster, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            cluster.execute("SELECT 1")
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start:\n{log.read_text()}") from None
            time.sleep(0.05)
        else:
            return


def _user() -> str:
    if os.geteuid() != 0:
        return getpass.getuser()
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        found = next((str(folder / name) for folder in folders if (folder / name).exists()), None)
    assert found is not None, f"{name} is not installed; run: make test-services"
    return found


def _run(words: list[str], user: str) -> None:
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        user=user if os.geteuid() == 0 else None,
    )
    assert done.returncode == 0, done.stdout + done.stderr
