"""The ``fleetbus`` command as people run it: a process, with none of our own settings."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

WITHIN_S = 60.0


def fleetbus(
    *words: str | Path, cwd: Path, variables: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "coordinator.cli", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
        env={**environment(), **variables},
    )


def environment() -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FLEETBUS_")}
    return {**clean, "PYTHONPATH": str(Path(__file__).parents[2])}
