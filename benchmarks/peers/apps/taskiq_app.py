"""Taskiq on a Redis stream, which acknowledges, with results in Redis."""

import asyncio
import os
import time

from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

# From the first message on: what is submitted before a worker is there would be lost else.
broker = RedisStreamBroker(url=os.environ["PEERS_REDIS"], consumer_id="0").with_result_backend(
    RedisAsyncResultBackend(redis_url=os.environ["PEERS_REDIS"])
)


@broker.task
async def noop() -> float:
    return time.monotonic()


RUNNER = asyncio.Runner()


def submit(count: int) -> list[object]:
    return RUNNER.run(_send(count))


def results(handles: list[object]) -> list[float]:
    return RUNNER.run(_read(handles))


async def _send(count: int) -> list[object]:
    return [await noop.kiq() for _ in range(count)]


async def _read(handles: list[object]) -> list[float]:
    found = [await one.wait_result(check_interval=0.001, timeout=120) for one in handles]
    return [result.return_value for result in found]
