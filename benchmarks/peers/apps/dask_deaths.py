"""``kill -9`` of a Dask worker that runs a task: ``python dask_deaths.py 20`` prints JSON.

Seen is when its scheduler has removed the worker, begun again when another runs the task.
"""

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import dask
from distributed import Client, LocalCluster
from distributed.diagnostics.plugin import SchedulerPlugin

WITHIN_S = 60.0


class Removed(SchedulerPlugin):
    """When each worker was removed."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def remove_worker(self, scheduler: object, worker: str, **more: object) -> None:
        del scheduler, more
        self.at[worker] = time.monotonic()


def hold(record: str) -> None:
    with Path(record).open("a") as lines:
        lines.write(f"{time.monotonic()}\n")
    time.sleep(3600)


def wait(done: Callable[[], object]) -> None:
    end = time.monotonic() + WITHIN_S
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {WITHIN_S} s")
        time.sleep(0.01)


def main(samples: int) -> None:
    seen, begun = [], []
    dask.config.set({"distributed.scheduler.allowed-failures": 10 * samples})
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        removed = Removed()
        cluster.scheduler.add_plugin(removed)
        record = Path(folder) / "begun"
        record.touch()
        task = client.submit(hold, str(record), pure=False)
        for n in range(samples):
            wait(lambda so_far=n: len(record.read_text().splitlines()) > so_far)
            try:
                wait(lambda: len(client.scheduler_info(n_workers=-1)["workers"]) == 3)
            except TimeoutError:
                break  # a worker did not come back; what was seen until now counts
            time.sleep(0.5)
            (holder,) = [name for name, tasks in client.processing().items() if tasks]
            pid = client.run(os.getpid, nanny=False)[holder]
            at = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            wait(lambda name=holder: name in removed.at)
            wait(lambda so_far=n: len(record.read_text().splitlines()) > so_far + 1)
            seen.append(removed.at[holder] - at)
            begun.append(float(record.read_text().splitlines()[-1]) - at)
        task.cancel()
    print(json.dumps({"seen_s": seen, "begun_again_s": begun}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
