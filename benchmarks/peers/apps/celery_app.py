"""Celery on Redis with results in Redis: the prefork pool, without the chatter between workers."""

import os
import time

from celery import Celery

app = Celery("celery_app", broker=os.environ["PEERS_REDIS"], backend=os.environ["PEERS_REDIS"])
app.conf.update(worker_prefetch_multiplier=16, task_acks_late=False, broker_pool_limit=4)


@app.task(name="noop")
def noop() -> float:
    return time.monotonic()


def submit(count: int) -> list[object]:
    return [noop.delay() for _ in range(count)]


def results(handles: list[object]) -> list[float]:
    return [handle.get(timeout=120) for handle in handles]
