"""Taking the boot that the host of this machine has chosen for this process.

A host that chose an agent's boot can say, when the process is dead, that this boot is. The boot is
the name of a file; whoever deletes the file has the boot, so no two processes ever have it.
"""

import os
import re
from pathlib import Path
from typing import Final

BOOT_FILE: Final = "FLEETBUS_BOOT_FILE"
_BOOT: Final = re.compile(r"[0-9a-f]{32}")


def new_boot() -> str:
    """Return the boot of this process: the one that waits for it, or else one of chance."""
    place = os.environ.get(BOOT_FILE)
    if place and _BOOT.fullmatch(Path(place).name):
        try:
            Path(place).unlink()
        except OSError:
            pass  # another process has taken it
        else:
            return Path(place).name
    return os.urandom(16).hex()
