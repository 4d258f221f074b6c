"""Nothing is done before a successor would know of it, and one commit serves a whole turn."""

import contextlib
import threading
from collections.abc import Iterator
from random import Random

import pytest

from agent_client.clock import SystemClock
from agent_client.core.effects import Effect, SendReport, StartHandler
from agent_client.core.fence import Fence
from agent_client.core.outbox import StoredReport
from agent_client.handlers import Handlers
from agent_client.loop import Loop
from agent_client.messages import ReportDetail
from agent_client.metrics import MetricSet
from agent_client.settings import AgentSettings, BrokerAddress
from agent_client.task import Task
from protocol.vocabulary import ReportEvent
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

    def note(self, effect: Effect) -> None:
        self.noted.append(effect)

    def commit(self) -> None:
        self.commits += 1
        self.committed, self.noted = self.committed + self.noted, []

    def close(self, *, release: bool) -> None:
        self.commit()


@pytest.fixture
def loop() -> Iterator[tuple[Loop, Memory, list[list[Effect]], threading.Event]]:
    memory, seen, begun = Memory(), list[list[Effect]](), threading.Event()

    def work(_task: Task) -> None:
        seen.append(list(memory.committed))
        begun.set()

    handlers = Handlers()
    handlers.add(("quest",), work)
    settings = AgentSettings(name="bot-1", machine_id="m", broker=BrokerAddress("127.0.0.1", 1))
    loop = Loop(
        settings,
        handlers,
        MetricSet(),
        boot=BOOT,
        clock=SystemClock(),
        random=Random(1),
        memory=memory,
    )
    yield loop, memory, seen, begun
    loop._executor.close()
    with contextlib.closing(loop._queue), contextlib.closing(loop._selector):
        loop._session.close()


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
