"""Nothing is done before a successor would know of it, and one commit serves a whole turn."""

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator
from random import Random

import orjson
import pytest

from agent_client.clock import SystemClock
from agent_client.core.effects import Effect, SendReport, StartHandler
from agent_client.core.fence import Fence
from agent_client.core.outbox import StoredReport
from agent_client.handlers import Handlers
from agent_client.loop import Loop
from agent_client.messages import Desired, ReportDetail
from agent_client.messages.codec import document_of
from agent_client.metrics import MetricSet
from agent_client.settings import AgentSettings, BrokerAddress
from agent_client.task import Task
from protocol.topics import InboxChannel
from protocol.vocabulary import ReportEvent
from tests.support.wire import CONNACK, PUBACK, acknowledge, packet, publish
from tests.unit.agent_client.scene import BOOT, OTHER_BOOT, assignment

WITHIN_S = 60.0
T1 = Fence("t1", 1)


class Memory:
    """Remembers in what order it was used."""

    def __init__(self) -> None:
        self.prev_boot: str | None = OTHER_BOOT
        self.cut_off: tuple[Fence, ...] = (Fence("cut", 3),)
        self.earlier_reports: tuple[StoredReport, ...] = ()
        self.lock_file: int | None = None
        self.noted: list[Effect] = []
        self.committed: list[Effect] = []
        self.commits = 0
        self.looks_on: Callable[[], object] = int

    def note(self, effect: Effect) -> None:
        self.noted.append(effect)

    def commit(self) -> None:
        self.looks_on()
        self.commits += 1
        self.committed, self.noted = self.committed + self.noted, []

    def close(self, *, release: bool) -> None:
        self.commit()


@contextlib.contextmanager
def a_loop(memory: Memory, work: Callable[[Task], None], port: int = 1) -> Iterator[Loop]:
    handlers = Handlers()
    handlers.add(("quest",), work)
    settings = AgentSettings(name="bot-1", machine_id="m", broker=BrokerAddress("127.0.0.1", port))
    loop = Loop(
        settings,
        handlers,
        MetricSet(),
        boot=BOOT,
        clock=SystemClock(),
        random=Random(1),
        memory=memory,
    )
    yield loop
    loop._executor.close()
    with contextlib.closing(loop._queue), contextlib.closing(loop._selector):
        loop._session.close()


@pytest.fixture
def loop() -> Iterator[tuple[Loop, Memory, list[list[Effect]], threading.Event]]:
    memory, seen, begun = Memory(), list[list[Effect]](), threading.Event()

    def work(_task: Task) -> None:
        seen.append(list(memory.committed))
        begun.set()

    with a_loop(memory, work) as it:
        yield it, memory, seen, begun


def test_work_starts_only_after_it_was_committed_and_a_turn_commits_once(
    loop: tuple[Loop, Memory, list[list[Effect]], threading.Event],
) -> None:
    it, memory, seen, begun = loop
    it._carry_out_all()
    before = memory.commits
    start = StartHandler(T1, assignment(), SystemClock().now_ms() + 60_000)
    report = SendReport(
        StoredReport(BOOT, 9, Fence("t0", 1), ReportEvent.SUCCEEDED, ReportDetail())
    )
    it._decided.extend([report, start])
    it._carry_out_all()
    assert begun.wait(WITHIN_S)
    assert seen[0][-2:] == [report, start]
    assert memory.commits == before + 1


def test_what_was_cut_off_is_reported_as_abandoned_by_this_boot(
    loop: tuple[Loop, Memory, list[list[Effect]], threading.Event],
) -> None:
    it, memory, _, _ = loop
    it._carry_out_all()
    (said,) = memory.committed
    assert isinstance(said, SendReport)
    assert (said.report.boot, said.report.seq, said.report.fence) == (BOOT, 1, Fence("cut", 3))
    assert (said.report.event, said.report.detail.code) == (ReportEvent.ABANDONED, "process_died")
    assert it._machine.outbox.holds(said.report)


def test_the_broker_is_told_of_a_message_received_only_when_a_successor_would_know_of_it() -> None:
    memory, before = Memory(), list[bytes]()
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        a_loop(memory, lambda _: None, listener.getsockname()[1]) as it,
    ):
        it._turn()
        broker, _ = listener.accept()
        with broker:
            broker.settimeout(WITHIN_S)
            assert broker.recv(65_536)
            broker.sendall(packet(CONNACK, b"\0\0"))
            while not _sent(broker):
                it._turn()
            commits = memory.commits
            memory.looks_on = lambda: before.append(_sent(broker))
            broker.sendall(publish(*_unwelcome_work(it), qos=1, packet_id=7))
            while memory.commits == commits:
                it._turn()
            assert before == [b""]
            assert broker.recv(65_536) == acknowledge(PUBACK, 7)


def _sent(broker: socket.socket) -> bytes:
    """Read what the agent has sent since the last look."""
    return broker.recv(65_536) if select.select([broker], [], [], 0)[0] else b""


def _unwelcome_work(loop: Loop) -> tuple[str, bytes]:
    """Make what lets the agent note that it refuses."""
    desired = Desired(
        ts_ms=1,
        coord="c",
        term=1,
        rev=1,
        for_boot=BOOT,
        as_of=1,
        tasks=(assignment(mode="unheard-of"),),
    )
    topic = loop._settings.topics.inbox("bot-1", InboxChannel.DESIRED)
    return topic, orjson.dumps(document_of(desired))
