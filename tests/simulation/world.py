"""One world: a virtual clock, a fleet, a broker and a disk, and nothing that chance does not seed.

Everything that happens is a function call at a time; calls of the same time keep their order. Each
concern draws from a stream of its own. The same scenario therefore always gives the same trace,
and the hash of the trace says so.
"""

import hashlib
import heapq
from collections.abc import Callable
from random import Random
from typing import Any, Final

import orjson

from tests.simulation.agent_process import AgentProcess
from tests.simulation.agent_session import Session
from tests.simulation.bus import PROFILES, Bus
from tests.simulation.checkers import Checkers, Violation
from tests.simulation.clients import Clients, create
from tests.simulation.coordinator_process import CoordinatorProcess
from tests.simulation.disk import Disk
from tests.simulation.host import Host
from tests.simulation.hosts import Undertaker
from tests.simulation.nemesis import Nemesis
from tests.simulation.operators import Operators
from tests.simulation.readers import Readers
from tests.simulation.scenario import END_S, Job, Scenario, probe

DRIFT: Final = 0.005
EPILOGUE_S: Final = 30.0
"""How much longer it goes on after a quiet end, to see that everybody can still work."""
MAX_EVENTS: Final = 400_000
"""A world that is busier than this does not behave: somebody talks without end."""


class World:
    """One fleet-hour."""

    def __init__(self, scenario: Scenario, mutant: str = "") -> None:
        self.scenario = scenario
        self.mutant = mutant
        self.now = 0.0
        self.drift = 10 * DRIFT if mutant == "margin_below_drift" else DRIFT
        self.trace: list[tuple[float, str, object]] = []
        self.jobs = {job.task: job for job in scenario.jobs}
        self.processes: list[AgentProcess] = []
        self.hosts: list[Host] = []
        self.homes: dict[str, Host] = {}
        """Agent to the machine where it was started last."""
        self.disk = Disk()
        self.checkers = Checkers(self)
        self.bus = Bus(self, self.stream("bus"), PROFILES[scenario.profile])
        self.bus.to_agent = self._to_agent
        self.coordinator = CoordinatorProcess(self, self.stream("coordinator"))
        self.bus.to_coordinator = self.coordinator.hear
        self.clients = Clients(self)
        self.operators = Operators(self)
        self.readers = Readers(self)
        self.undertaker = Undertaker(self)
        self._queue: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._count = 0
        self._boots = 0
        self.faults_end_s = scenario.shape.faults_end_s
        self._populate()

    def stream(self, concern: str) -> Random:
        """Return the stream of chance of one *concern*."""
        return Random(f"{self.scenario.seed}/{concern}")

    def broken(self, rule: str) -> bool:
        """Say whether this world runs with *rule* broken."""
        return self.mutant == rule

    def _populate(self) -> None:
        random = self.stream("hosts")
        for n in range(self.scenario.shape.agents):
            host = self.new_host(durable=n % 2 == 0, wall_off_ms=random.randint(-2_000, 2_000))
            self.boot_agent(f"a{n}", host)
        self.coordinator.start()
        self.clients.begin()
        self.operators.begin()
        Nemesis(self).begin()

    # --- time

    @property
    def is_faulty(self) -> bool:
        """Whether things still go wrong."""
        return self.now < self.faults_end_s

    def job(self, task: str) -> Job:
        """Say what *task* is; an operator's late word may have made it of an ended one."""
        while task not in self.jobs:
            task = orjson.loads(self.disk.tasks[task]["doc"])["parent"]
        return self.jobs[task]

    def after(self, delay: float, act: Callable[..., object], *args: Any) -> None:
        """Let *act* happen after *delay* seconds."""
        self._count += 1
        heapq.heappush(self._queue, (self.now + delay, self._count, act, args))

    def run(self) -> None:
        """Run to the end, or raise :class:`Violation`."""
        self._run_until(END_S)
        self.checkers.at_end()
        # What was to go wrong at the next occasion will not any more.
        self.coordinator.crash_at = None
        self.coordinator.reconnect()
        for process in self.processes:
            process.dies_at_success = process.freeze_next_start_s = None
            job = probe(process.name, END_S)
            self.jobs[job.task] = job
            self.clients.ask(create(job, process.name), lambda _reply: None)
        self._run_until(END_S + EPILOGUE_S)
        self.checkers.at_epilogue()

    def _run_until(self, end_s: float) -> None:
        queue, pop = self._queue, heapq.heappop
        while queue and queue[0][0] < end_s:
            self.now, _, act, args = pop(queue)
            act(*args)
            if self._count > MAX_EVENTS:
                raise Violation("the fleet never comes to rest")

    # --- the trace

    def note(self, what: str, subject: object = "") -> None:
        """Add a line to the trace."""
        self.trace.append((self.now, what, subject))

    def hash(self) -> str:
        """Return the hash of everything that happened so far."""
        digest = hashlib.blake2b(digest_size=8)
        for line in self.trace:
            digest.update(repr(line).encode())
        digest.update(repr((self._count, self.bus.messages, self.disk.commits)).encode())
        return digest.hexdigest()

    # --- who is there

    def new_host(self, *, durable: bool, wall_off_ms: int = 0) -> Host:
        """Set up a machine."""
        self.hosts.append(Host(len(self.hosts), durable, wall_off_ms))
        return self.hosts[-1]

    def boot_agent(self, name: str, host: Host) -> None:
        """Start a process, unless another of the same host holds the single-instance lock."""
        if any(process.host is host for process in self.processes):
            return
        self._boots += 1
        random = self.stream(f"boot/{self._boots}")
        if not host.durable:
            host.outbox.clear()
        process = AgentProcess(self, name, host, f"{random.getrandbits(128):032x}", random)
        self.processes.append(process)
        self.homes[name] = host
        self.note("boot", (name, process.boot[:6]))
        process.connect()

    def supervise(self, name: str, host: Host) -> None:
        """Start a process as soon as the one before it on *host* is gone."""
        if any(process.host is host for process in self.processes):
            self.after(5.0, self.supervise, name, host)
        else:
            self.boot_agent(name, host)

    def give_again(self, name: str, host: Host) -> None:
        """Start what gave up again, as its host does; of two that live an operator stops one."""
        if not any(process.name == name for process in self.processes):
            self.supervise(name, host)

    def take_over(self, newcomer: Session) -> None:
        """Let the broker end the other connections of the newcomer's name."""
        for process in self.processes:
            if process.name == newcomer.name and process is not newcomer and process.is_connected:
                self.after(0.0, process.in_loop, process.lost)

    def state_will_later(self, process: Session) -> None:
        """Let the broker notice, some time, that a connection broke."""
        if process.will is not None:
            delay = process.random.uniform(0, 10)
            topic = f"agents/{process.name}/presence"
            self.after(delay, self.bus.state_will, topic, process.will)

    def _to_agent(self, name: str, message: Any) -> None:
        for process in self.processes:
            if not name or process.name == name:
                process.hear(message)
