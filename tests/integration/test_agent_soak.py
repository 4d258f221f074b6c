"""A week of reconnects, one every half an hour, leaks neither threads, files nor memory."""

import gc
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final

import psutil
import pytest

from agent_client.boots import new_boot
from agent_client.clock import SystemClock
from agent_client.handlers import Handlers
from agent_client.loop import Loop
from agent_client.metrics import MetricSet
from agent_client.orders import Goodbye
from agent_client.settings import AgentSettings, BrokerAddress
from tests.support.brokers import open_broker
from tests.support.wire import on_wire

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc"),
]

RECONNECTS: Final = 7 * 24 * 2
WARM: Final = 72
WITHIN_S: Final = 60.0
GROWTH_BYTES: Final = 1 << 20


class Hasty(Random):
    """Chance that always draws the shortest wait, so that a week takes half a minute."""

    def randint(self, a: int, b: int) -> int:
        return a


def wait_until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < deadline, "the agent does not come back"
        time.sleep(0.001)


def test_a_week_of_reconnects_leaks_nothing(tmp_path: Path) -> None:
    with open_broker(tmp_path) as broker:
        settings = AgentSettings(
            name="bot-1", broker=BrokerAddress(broker.host, broker.port), machine_id="m"
        )
        handlers = Handlers()
        handlers.add(("quest",), lambda _task: None)
        loop = Loop(
            settings,
            handlers,
            MetricSet(),
            boot=new_boot(),
            clock=SystemClock(),
            random=Hasty(),
        )
        thread = threading.Thread(target=loop.run)
        thread.start()
        me = psutil.Process()

        def reconnect() -> None:
            session = loop._session
            wait_until(lambda: session.online)
            before = session.identity.conn
            with on_wire(broker, "bot-1"):  # the broker hangs up on who had the name
                wait_until(lambda: not session.online or session.identity.conn > before)
            wait_until(lambda: session.online and session.identity.conn > before)

        try:
            for _ in range(WARM):
                reconnect()
            gc.collect()
            before = (threading.active_count(), me.num_fds(), me.memory_info().rss)
            for _ in range(RECONNECTS - WARM):
                reconnect()
            gc.collect()
            after = (threading.active_count(), me.num_fds(), me.memory_info().rss)
        finally:
            loop.post(Goodbye(0, "over"))
            thread.join(WITHIN_S)
    assert after[0] == before[0]
    assert after[1] <= before[1] + 2  # the last hang-up may not be over
    assert after[2] - before[2] < GROWTH_BYTES
