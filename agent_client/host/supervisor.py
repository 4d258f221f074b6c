"""The host at work: one thread that owns the connection, the keeper and every process.

It waits for the bus, for the ends of its children and for the earliest thing that comes due.
"""

import logging
import secrets
import selectors
import signal
import sys
from collections.abc import Iterable
from random import Random
from types import FrameType
from typing import Any, Final

from agent_client.clock import Clock
from agent_client.host import remains
from agent_client.host.commands import command_of, environment_of
from agent_client.host.keeper import Action, Ask, End, Keeper, Kept, Kill, Start
from agent_client.host.link import Link
from agent_client.host.machine import MachineMetrics
from agent_client.host.memory import HostMemory, Noted
from agent_client.host.process import Adopted, Process, Running, created, how_it_ended
from agent_client.host.settings import HostSettings
from agent_client.host.words import Words, hosted
from agent_client.wakeup import WakeUpQueue
from protocol.messages import HostDesired, HostOrder
from protocol.topics import HostChannel

log = logging.getLogger("fleetbus.host")

LOOK_EVERY_MS: Final = 1_000 if sys.platform != "win32" else 100
"""Where a signal tells of the end of a child, looking is for the adopted only."""
COLLECT_EVERY_MS: Final = 10_000
CANNOT_START: Final = "cannot be started"


class Host:
    """Runs the agents of one machine until it is told to stop, or cannot go on."""

    def __init__(self, settings: HostSettings, memory: HostMemory, clock: Clock) -> None:
        self._settings = settings
        self._memory = memory
        self._clock = clock
        self._keeper = Keeper(round(settings.patience_s * 1000), settings.restarts)
        self._processes: dict[str, Running] = {}
        self._proves = remains.become_subreaper()
        self._metrics = MachineMetrics(settings.state_dir)
        epoch = max(clock.wall_ms(), memory.last_epoch + 1)
        self._words = Words(settings, clock, secrets.token_hex(16), epoch)
        self._link = Link(settings, self._words, clock, Random(), self._on_desired)
        self._seen = (0, 0)
        self._wake: WakeUpQueue[None] = WakeUpQueue()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake.socket, selectors.EVENT_READ)
        self._watched: object = None
        self._stop_asked = 0
        self._is_stopping = False
        self._news = True
        self._state_due = 0
        self._collect_due = 0

    def run(self) -> None:
        """Run until a signal or a fault ends it; in either case no agent is left behind."""
        former = self._take_signals()
        self._memory.begin(self._words.epoch)
        try:
            self._adopt()
            while not (self._is_stopping and not self._keeper.alive):
                self._turn()
            self._state(self._clock.now_ms())
        finally:
            for process in self._processes.values():
                process.kill()
            self._link.close("stopped")
            self._selector.close()
            self._wake.close()
            for number, handler in former.items():
                signal.signal(number, handler)
        if self._link.fatal is not None:
            raise self._link.fatal

    # --- signals

    def _take_signals(self) -> dict[signal.Signals, Any]:
        names = ["SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"]
        asked = [getattr(signal, name) for name in names if hasattr(signal, name)]
        former = {number: signal.signal(number, self._on_stop) for number in asked}
        if hasattr(signal, "SIGCHLD"):
            former[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, self._on_child)
        return {number: signal.SIG_DFL if was is None else was for number, was in former.items()}

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_asked += 1
        self._wake.put(None)

    def _on_child(self, _number: int, _frame: FrameType | None) -> None:
        self._wake.put(None)

    # --- one turn

    def _turn(self) -> None:
        self._wait()
        now = self._clock.now_ms()
        if self._link.advance(now):
            self._news = True
        if self._link.fatal is not None or self._stop_asked:
            self._stop(now)
        self._bury_dead()
        self._do(self._keeper.tick(now))
        if now >= self._collect_due:
            self._collect_due = now + COLLECT_EVERY_MS
            remains.collect_orphans(self._living())
        if self._news or now >= self._state_due:
            self._state(now)

    def _wait(self) -> None:
        now = self._clock.now_ms()
        dues = [self._link.next_due(), self._keeper.next_due(), self._state_due]
        due = min(due for due in [*dues, now + LOOK_EVERY_MS] if due is not None)
        self._watch()
        connection = self._link.connection
        signalled = False
        for key, mask in self._selector.select(max(0, due - now) / 1000):
            if key.fileobj is self._wake.socket:
                signalled = True
            elif connection is not None:
                if mask & selectors.EVENT_READ:
                    connection.read()
                if mask & selectors.EVENT_WRITE:
                    connection.write()
        self._wake.take(signalled=signalled)

    def _watch(self) -> None:
        connection = self._link.connection
        sock = None if connection is None else connection.socket
        wanted = None
        if sock is not None and connection is not None:
            write = selectors.EVENT_WRITE if connection.wants_write() else 0
            wanted = (sock, selectors.EVENT_READ | write)
        if wanted == self._watched:
            return
        for key in list(self._selector.get_map().values()):
            if key.fileobj is not self._wake.socket:
                self._selector.unregister(key.fileobj)
        if wanted is not None:
            self._selector.register(*wanted)
        self._watched = wanted

    def _stop(self, now: int) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            self._do(self._keeper.stop_all(now))
        if self._stop_asked > 1:
            for kept in self._keeper.alive:
                self._do([Kill(kept.agent)])

    def _state(self, now: int) -> None:
        """Say how everything is: to the fleet, and to programs of this machine."""
        self._news, self._state_due = False, now + round(self._settings.interval_s * 1000)
        agents = list(self._keeper.agents.values())
        self._memory.tell(_for_programs(kept) for kept in agents)
        if self._link.is_online:
            actual = self._words.actual(agents, self._seen, now)
            self._link.say(HostChannel.ACTUAL, actual, qos=1)
            numbers = self._metrics.collect(len(self._keeper.alive))
            self._link.say(HostChannel.METRICS, self._words.metrics(numbers), qos=0)

    # --- what is wanted

    def _on_desired(self, desired: HostDesired) -> None:
        newer = (desired.term, desired.rev) > self._seen
        if self._is_stopping or desired.for_boot != self._words.boot or not newer:
            return
        self._seen = (desired.term, desired.rev)
        self._news = True
        self._do(self._keeper.want(desired.agents, self._clock.now_ms()))

    def _do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            self._news = True
            match action:
                case Start(order):
                    self._start(order)
                case Ask(agent):
                    log.info("stopping %s", agent)
                    self._processes[agent].ask_to_stop()
                case Kill(agent):
                    log.warning("%s does not stop and is killed", agent)
                    self._processes[agent].kill()

    # --- processes

    def _start(self, order: HostOrder) -> None:
        boot = secrets.token_hex(16)
        place = self._memory.boots / boot
        self._memory.note(Noted(order, boot))
        place.touch(mode=0o600)
        command = command_of(self._settings, order)
        log_file = self._settings.state_dir / "logs" / f"agent-{order.agent}.log"
        try:
            environment = environment_of(self._settings, order, place.absolute())
            process = Process(command, environment, log_file)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            self._memory.forget(boot)
            end = End(boot, f"{CANNOT_START}: {command[0]}: {why}", is_well=False)
            self._ended(order.agent, end)
            return
        self._processes[order.agent] = process
        self._memory.note(Noted(order, boot, process.pid, process.created))
        self._keeper.started(order.agent, boot, process.pid, self._clock.now_ms())
        log.info("%s runs as pid %d", order.agent, process.pid)

    def _bury_dead(self) -> None:
        for agent, process in list(self._processes.items()):
            if process.has_ended():
                self._bury(self._keeper.agents[agent], process)

    def _bury(self, kept: Kept, process: Running) -> None:
        boot = kept.boot or ""
        del self._processes[kept.agent]
        (self._memory.boots / boot).unlink(missing_ok=True)  # nobody takes it any more
        status = process.bury()
        is_gone = self._proves and remains.end_remains(boot, self._living())
        if isinstance(process, Adopted):
            remains.end_everywhere(boot)
            how = "ended, after an earlier host had started it"
        else:
            how = how_it_ended(status)
        self._memory.forget(boot)
        lines = tuple(process.said())
        is_mine = not isinstance(process, Adopted)
        end = End(boot, how, status == 0, lines, is_proven=is_gone and is_mine)
        self._ended(kept.agent, end)

    def _ended(self, agent: str, end: End) -> None:
        log.log(logging.INFO if end.is_well else logging.WARNING, "%s %s", agent, end.text)
        self._news = True
        self._do(self._keeper.ended(agent, end, self._clock.now_ms()))

    def _living(self) -> set[int]:
        return {process.pid for process in self._processes.values()}

    def _adopt(self) -> None:
        """Go on with what a killed host has left, where it is surely that; end the rest."""
        now = self._clock.now_ms()
        for noted in self._memory.left:
            agent, pid = noted.order.agent, noted.pid
            began = None if pid is None else created(pid)
            if pid is not None and began is not None and began == noted.created:
                log_file = self._settings.state_dir / "logs" / f"agent-{agent}.log"
                self._processes[agent] = Adopted(pid, began, log_file)
                self._keeper.adopt(noted.order, noted.boot, pid, now)
                self._memory.note(noted)
                log.info("%s goes on as pid %d", agent, pid)
            elif ended := remains.end_everywhere(noted.boot):
                log.warning("ended what an earlier host left of %s: %s", agent, ended)
        known = {kept.boot for kept in self._keeper.alive}
        for place in self._memory.boots.iterdir():
            if place.name not in known:
                place.unlink(missing_ok=True)


def _for_programs(kept: Kept) -> dict[str, object]:
    return hosted(kept).model_dump(mode="json", exclude={"since_ms"}, exclude_none=True)
