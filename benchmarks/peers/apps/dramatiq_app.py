"""Dramatiq on Redis with results in Redis."""

import os
import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

broker = RedisBroker(url=os.environ["PEERS_REDIS"])
broker.add_middleware(Results(backend=RedisBackend(url=os.environ["PEERS_REDIS"])))
dramatiq.set_broker(broker)


@dramatiq.actor(store_results=True)
def noop() -> float:
    return time.monotonic()


def submit(count: int) -> list[object]:
    return [noop.send() for _ in range(count)]


def results(handles: list[object]) -> list[float]:
    return [handle.get_result(block=True, timeout=120_000) for handle in handles]
