"""The one thread that owns the connection and the machine: it waits, feeds, and carries out.

Everything else speaks to it through a queue that wakes it up. It waits for sockets and for the
earliest thing that comes due, so nothing is polled and nothing is late.
"""

import logging
import selectors
import threading
from collections import deque
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Final, TypeAlias

from agent_client.clock import Clock
from agent_client.core import effects
from agent_client.core.events import (
    Disconnected,
    Event,
    HandlerEnded,
    HandlerProgressed,
    LeaveAsked,
    RollCalled,
    StateAsked,
    Tick,
)
from agent_client.core.identity import Identity
from agent_client.core.machine import Machine
from agent_client.core.machine import Settings as MachineSettings
from agent_client.errors import AgentError
from agent_client.executor import Executor
from agent_client.handlers import Handlers
from agent_client.messages import ReportDetail
from agent_client.metrics import MetricSet
from agent_client.orders import ErrorNoted, Goodbye, ModeSet, StatusSet
from agent_client.session import Session
from agent_client.settings import AgentSettings
from agent_client.state.memory import Forgetful, Memory
from agent_client.wakeup import WakeUpQueue
from protocol.vocabulary import ReportEvent

if TYPE_CHECKING:
    import asyncio

log = logging.getLogger("fleetbus.agent")

LONGEST_WAIT_MS: Final = 1_000
"""The wait itself may not count a suspend of the machine, so it is never long."""
FLUSH_MS: Final = 2_000
CUT_OFF: Final = ReportDetail(
    code="process_died", message="the agent's process died while it worked on this"
)


Posted: TypeAlias = Event | ModeSet | StatusSet | ErrorNoted | Goodbye


class Loop:
    """Runs one agent until it leaves or cannot go on."""

    def __init__(  # noqa: PLR0913 - each is one collaborator
        self,
        settings: AgentSettings,
        handlers: Handlers,
        metrics: MetricSet,
        *,
        boot: str,
        clock: Clock,
        random: Random,
        memory: Memory | None = None,
        event_loop: "asyncio.AbstractEventLoop | None" = None,
    ) -> None:
        self.error: BaseException | None = None
        self.left: tuple[str, ...] = ()
        self.ready = threading.Event()
        self.done = threading.Event()
        self.on_done: Callable[[], object] = lambda: None
        self._settings = settings
        self._clock = clock
        self._queue: WakeUpQueue[Posted] = WakeUpQueue()
        self._memory = Forgetful() if memory is None else memory
        self._session = Session(
            settings, Identity(boot), clock, random, metrics, prev_boot=self._memory.prev_boot
        )
        self._executor = Executor(
            settings.name,
            handlers,
            clock,
            self._post,
            lock_file=self._memory.lock_file,
            event_loop=event_loop,
        )
        self._machine = Machine(
            MachineSettings(
                boot=boot,
                modes=handlers.modes,
                slots=settings.slots,
                heartbeat_ms=round(settings.heartbeat_s * 1000),
                earlier_reports=self._memory.earlier_reports,
            )
        )
        self._decided: deque[effects.Effect] = deque()
        for fence in self._memory.cut_off:
            report = self._machine.outbox.add(fence, ReportEvent.ABANDONED, CUT_OFF, clock.now_ms())
            self._decided.append(effects.SendReport(report))
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._queue.socket, selectors.EVENT_READ)
        self._watched: tuple[object, int] | None = None
        self._going = False

    def post(self, item: Posted) -> None:
        """Hand *item* to the loop, from any thread."""
        self._queue.put(item)

    def _post(self, event: Event, wake: bool) -> None:  # noqa: FBT001 - the shape of run.Post
        self._queue.put(event, wake=wake)

    def run(self) -> None:
        """Run to the end; what went wrong is in ``error``."""
        try:
            while not self._going:
                self._turn()
        except BaseException as error:
            log.critical("agent %s has failed", self._settings.name, exc_info=True)
            self.error = error
        finally:
            self._release_all()
            self.ready.clear()
            self.done.set()
            self.on_done()

    def _release_all(self) -> None:
        """Close everything, whatever a handler has done to it: somebody waits for our end."""
        for close in (
            self._executor.close,
            self._session.close,
            # A handler that did not stop still works under this name.
            lambda: self._memory.close(release=self._executor.is_idle),
            self._selector.close,
            self._queue.close,
        ):
            try:
                close()
            except OSError as error:  # a handler has closed files that were not its own
                self.error = self.error or error

    # --- one turn

    def _turn(self) -> None:
        tick_due = self._machine.next_due(self._clock.now_ms())
        signalled = self._wait(tick_due)
        for item in self._queue.take(signalled=signalled):
            self._take(item)
        now = self._clock.now_ms()
        for event in self._session.advance(now):
            self._feed(event)
        if self._session.fatal is not None and self.error is None:
            self._give_up(self._session.fatal)
        # What has come due by what this turn has fed makes the next wait a short one.
        if tick_due is not None and tick_due <= self._clock.now_ms():
            self._feed(Tick())
        self._carry_out_all()
        # Work must not wait for this; and what a successor has to know of it is written down now.
        self._session.acknowledge()

    def _wait(self, tick_due: int | None) -> bool:
        """Wait for sockets until something is due; say whether the queue has something."""
        now = self._clock.now_ms()
        dues = [tick_due, self._session.next_due(), now + LONGEST_WAIT_MS]
        due = min(due for due in dues if due is not None)
        self._watch()
        signalled = False
        connection = self._session.connection
        for key, mask in self._selector.select(max(0, due - now) / 1000):
            if key.fileobj is self._queue.socket:
                signalled = True
            elif connection is not None:
                if mask & selectors.EVENT_READ:
                    connection.read()
                if mask & selectors.EVENT_WRITE:
                    connection.write()
        return signalled

    def _watch(self) -> None:
        """Let the selector watch the socket that there is now, for what is wanted of it now."""
        connection = self._session.connection
        sock = None if connection is None else connection.socket
        wanted = None
        if sock is not None and connection is not None:
            mask = selectors.EVENT_READ
            mask |= selectors.EVENT_WRITE if connection.wants_write() else 0
            wanted = (sock, mask)
        if wanted == self._watched:
            return
        if self._watched is not None:
            self._selector.unregister(self._watched[0])  # type: ignore[arg-type]  # a socket
        if wanted is not None:
            self._selector.register(*wanted)
        self._watched = wanted

    def _take(self, item: Posted) -> None:
        now = self._clock.now_ms()
        match item:
            case ModeSet(mode):
                self._session.set_mode(mode)
                self._feed(RollCalled())
            case StatusSet(state, reason):
                self._session.give_reason(reason, now)
                self._feed(StateAsked(state))
            case ErrorNoted(message):
                self._session.give_reason(message, now)
            case Goodbye(patience_ms, reason):
                self._leave(now + patience_ms, reason)
            case HandlerProgressed(fence):
                progress = self._executor.progress_of(fence)
                if progress is not None:
                    self._feed(progress)
            case HandlerEnded(fence):
                progress = self._executor.progress_of(fence)
                if progress is not None:
                    self._feed(progress)
                self._executor.forget(fence)
                self._feed(item)
            case _:
                self._feed(item)

    def _leave(self, stop_at_ms: int, reason: str) -> None:
        grace_ms = max((job.grace_ms for job in self._machine.work.jobs.values()), default=0)
        self._feed(LeaveAsked(stop_at_ms, stop_at_ms + grace_ms + FLUSH_MS, reason))

    def _give_up(self, error: AgentError) -> None:
        log.error("%s", error)
        self.error = error
        self._session.close()
        self._feed(Disconnected())
        self._leave(self._clock.now_ms(), "given up")

    # --- what was decided

    def _feed(self, event: Event) -> None:
        self._decided.extend(self._machine.step(event, self._clock.now_ms()))

    def _carry_out_all(self) -> None:
        """Do what the whole turn has decided, once a successor would know of it."""
        while self._decided:
            for effect in self._decided:
                self._memory.note(effect)
            self._memory.commit()
            # What is decided meanwhile, at a new connection, waits for its own commit.
            for _ in range(len(self._decided)):
                self._carry_out(self._decided.popleft())

    def _carry_out(self, effect: effects.Effect) -> None:
        now = self._clock.now_ms()
        match effect:
            case effects.SendReport(report):
                self._session.send_report(report)
            case effects.ForgetReports():
                pass  # the memory has noted it
            case effects.SendHeartbeat():
                self._session.send_heartbeat(effect, now)
                self.ready.set()
            case effects.StatePresence():
                self._session.state_presence(self._machine.presence, now)
            case effects.Reconnect(reason):
                happened: list[Event] = []
                self._session.reconnect(reason, now, happened)
                for event in happened:
                    self._feed(event)
            case effects.Leave(reason, left):
                self._going, self.left = True, tuple(fence.task for fence in left)
                self._session.say_goodbye(reason, now)
            case _:
                self._executor.carry_out(effect)
