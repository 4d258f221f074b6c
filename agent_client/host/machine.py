"""The numbers of this machine, for whoever decides where something should run."""

import contextlib
from pathlib import Path

import psutil

_MIB = 2**20


class MachineMetrics:
    """What the machine does; ``load_1m`` is missing on Windows until it was watched for a while."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        psutil.cpu_percent(interval=None)  # the first answer has nothing to compare with

    def collect(self, agents: int) -> dict[str, float]:
        """Measure the machine, on which *agents* agents run."""
        memory = psutil.virtual_memory()
        numbers = {
            "agents": float(agents),
            "cpu_usage": float(psutil.cpu_percent(interval=None)),
            "cpu_count": float(psutil.cpu_count() or 1),
            "memory_usage": float(memory.percent),
            "memory_free_mib": float(memory.available // _MIB),
        }
        with contextlib.suppress(OSError):
            numbers["load_1m"] = float(psutil.getloadavg()[0])
        with contextlib.suppress(OSError):
            disk = psutil.disk_usage(str(self._folder))
            numbers["disk_usage"] = float(disk.percent)
            numbers["disk_free_mib"] = float(disk.free // _MIB)
        return numbers
