"""The count of commits, kept beside the database as well as in it.

A database that was cut short or put back to an older day opens without complaint: SQLite takes what
is missing from its log for never written. So every transaction counts itself in the database, and
now and then the count is written, surely, to a file of its own. A database that counts less than
that file has lost something that was promised.
"""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from coordinator.shell.clock import monotonic_ns

log = logging.getLogger("fleetbus.store")

NAME: Final = "fleet.commits"
EVERY_COMMITS: Final = 1_000
EVERY_S: Final = 2.0


@dataclass(slots=True)
class Sidecar:
    """The file with the count; one process writes it."""

    file: Path
    every_commits: int = EVERY_COMMITS
    every_s: float = EVERY_S
    noted: int = 0
    _noted_ns: int = 0
    _complained: bool = False

    def read(self) -> int | None:
        """Return the count; ``None`` if there never was one.

        A count that cannot be read is 0: it says nothing against the store.
        """
        try:
            return int(self.file.read_text(encoding="ascii"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("%s cannot be read, and is written anew: %s", self.file, error)
            return 0

    def is_due(self, commits: int) -> bool:
        """Say whether *commits* should be written now."""
        if commits == self.noted:
            return False
        waited_s = (monotonic_ns() - self._noted_ns) / 1e9
        return commits - self.noted >= self.every_commits or waited_s >= self.every_s

    def note(self, commits: int) -> None:
        """Write *commits*. A failure is told once and harms nothing: the older count stands."""
        self._noted_ns = monotonic_ns()
        try:
            write_surely(self.file, str(commits).encode())
        except OSError as error:
            if not self._complained:
                log.warning("%s cannot be written: %s", self.file, error)
            self._complained = True
        else:
            self.noted, self._complained = commits, False


def write_surely(file: Path, content: bytes) -> None:
    """Replace *file* at once and as a whole; when this returns, a loss of power leaves it there."""
    fresh = file.with_name(file.name + ".new")
    with fresh.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)
    sync_directory(file.parent)


def sync_directory(folder: Path) -> None:
    """Make the names in *folder* last; Windows does so by itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
