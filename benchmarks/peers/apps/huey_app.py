"""Huey on Redis, results kept: workers are processes, as its guide advises for work of the CPU."""

import os
import time

from huey import RedisHuey

huey = RedisHuey("bench", url=os.environ["PEERS_REDIS"], results=True)


@huey.task()
def noop() -> float:
    return time.monotonic()


def submit(count: int) -> list[object]:
    return [noop() for _ in range(count)]


def results(handles: list[object]) -> list[float]:
    return [
        handle.get(blocking=True, timeout=120, backoff=1, max_delay=0.002) for handle in handles
    ]
