"""Whether the files of an SQLite store are still those that were opened.

What was deleted, moved or replaced can be written to as long as it is open, and is lost when it is
closed: whoever was told that something is stored would be told a lie.
"""

import os
from pathlib import Path

from coordinator.shell.store.errors import StoreUnavailable


class Place:
    """The store *file* and its log, as they are when this is made."""

    def __init__(self, file: Path) -> None:
        self._files = {str(f): _identity(str(f)) for f in (file, Path(f"{file}-wal"))}

    def check(self) -> None:
        """Raise :class:`StoreUnavailable` if one of them is not there any more."""
        for file, identity in self._files.items():
            if _identity(file) != identity:
                raise StoreUnavailable(
                    f"the store cannot be written: {file} was deleted, moved or replaced while it "
                    "was in use; put it back, or stop the coordinator and go back to a copy"
                )


def _identity(file: str) -> tuple[int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116 -- before each commit: a Path would cost twice as much
    except OSError:
        return None
    return found.st_dev, found.st_ino
