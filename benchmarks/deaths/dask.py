"""The same of Dask, which sees a closed connection too: its scheduler, and workers with nannies."""

import json
import subprocess
from dataclasses import dataclass

from benchmarks.deaths.scene import Times
from benchmarks.peers.environment import HERE, peers_python


@dataclass(frozen=True)
class Dask:
    seen: Times
    begun_again: Times


def measure(samples: int) -> Dask:
    """Kill workers one after the other; each runs the task."""
    command = [str(peers_python()), str(HERE / "apps" / "dask_deaths.py"), str(samples)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"Dask has failed:\n{done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return Dask(Times.of_s(found["seen_s"]), Times.of_s(found["begun_again_s"]))
