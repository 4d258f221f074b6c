"""A machine whose disk fails and whose wall clock is set while processes run on it.

The faults are in ``faulty_machine.c``, which is loaded into each process: its calls to the system
fail or lie, and everything above them is as it is in earnest.
"""

import errno
import shutil
import subprocess
from pathlib import Path
from typing import Final

_SOURCE: Final = Path(__file__).with_suffix(".c")


class FaultyMachine:
    """The machine of all processes that get its ``environment``; the folder *disk* may fail."""

    def __init__(self, folder: Path, disk: Path) -> None:
        compiler = shutil.which("gcc")
        if compiler is None:
            raise FileNotFoundError("gcc is not installed; `make test` installs it")
        folder.mkdir()
        library = folder / "faulty_machine.so"
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(_SOURCE)], check=True
        )
        self._folder = folder
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAULTY_MACHINE": str(folder),
            "FAULTY_DISK": str(disk),
        }

    def break_disk(self, call: str, error: int) -> None:
        """Let each *call*, ``write`` or ``sync``, fail with *error* from now on."""
        if call not in {"write", "sync"} or error not in errno.errorcode:
            raise ValueError(f"no fault of a disk: {call} with error {error}")
        self._order(call, error)

    def mend_disk(self) -> None:
        """Let the disk do again what it is told."""
        for call in ("write", "sync"):
            self._order(call, 0)

    def set_wall_clock(self, ahead_s: int) -> None:
        """Let the wall clock be so far ahead of the true time; negative is behind."""
        self._order("wall", ahead_s)

    def _order(self, what: str, number: int) -> None:
        fresh = self._folder / f"{what}.new"
        fresh.write_text(str(number))
        fresh.replace(self._folder / what)
