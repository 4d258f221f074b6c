"""What must hold, judged by what really executes and what really is on the disk.

Nothing here believes the coordinator. What it says of itself is only compared with the truth.
"""

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import orjson

from agent_client.core.fence import Fence
from agent_client.core.outbox import StoredReport
from coordinator.core.audit import audit, idle_beside_runnable, over_limits
from coordinator.core.gates import PermitGate
from coordinator.core.records import task_record
from coordinator.shell.store import Changes
from protocol.messages import Desired, Lease, Presence, Reply
from protocol.vocabulary import (
    AgentHealth,
    AgentStatus,
    CoordinatorState,
    PresenceState,
    ReportEvent,
    TaskStatus,
)
from tests.simulation.accounts import Books, overgrown
from tests.simulation.scenario import COMBAT_LIMIT, END_S

if TYPE_CHECKING:
    from tests.simulation.agent_process import AgentProcess
    from tests.simulation.coordinator_process import CoordinatorProcess
    from tests.simulation.world import World

AUDIT_EVERY_S: Final = 240.0
BEHIND_FOR_BEATS: Final = 10
"""What is repeated with every heartbeat is not lost as many times in a row."""
_THROWN_AWAY: Final = frozenset({"lost_by_agent", "predecessor_dead"})


class Violation(Exception):
    """Something that must hold did not."""


class Checkers:
    """The ground truth of one world."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.begun: dict[Fence, str] = {}
        self.runs = 0
        self._newest: dict[str, int] = {}
        """The highest fence of each task that ever began."""
        self._stored: dict[str, int] = {}
        """The fence of each task that was stored last."""
        self._executing: dict[str, set[tuple[str, int]]] = defaultdict(set)
        self._started: dict[str, set[str]] = defaultdict(set)
        """Series to the tasks of it that ever began."""
        self._highest: dict[str, int] = {}
        """The fences that were on the disk when the present term began."""
        self._held: list[tuple[Fence, str]] = []
        """What was lent, and to which boot, when the present term began."""
        self._settled_at = 0.0
        self._audit_at = AUDIT_EVERY_S
        self._look_at = 0.0
        self._behind: dict[str, tuple[tuple[int, int], float]] = {}
        """Boot to the newest desired that it has not applied, and since when that is so."""
        self._books = Books(world.disk)

    # --- what executes

    def on_begin(self, agent: "AgentProcess", fence: Fence) -> None:
        """Judge that *fence* begins, or goes on, to execute in *agent*."""
        world, boot, task = self.world, agent.boot, fence.task
        world.note("begin", (*fence, boot[:6]))
        self.runs += 1
        running = self._executing[task]
        running.add((boot, fence.number))
        if len(running) > 1:
            raise Violation(f"{task} executes twice: {sorted(running)}")
        if self.begun.setdefault(fence, boot) != boot:
            raise Violation(f"{fence} began in two boots")
        if fence.number < self._newest.setdefault(task, fence.number):
            raise Violation(f"{fence} executes after fence {self._newest[task]} began")
        self._newest[task] = fence.number
        modes = [world.job(name).mode for name in self._executing]
        limit = world.scenario.shape.global_limit
        if len(modes) > limit:
            raise Violation(f"{len(modes)} execute, at most {limit} may")
        if modes.count("combat") > COMBAT_LIMIT:
            raise Violation(f"{modes.count('combat')} in combat, at most {COMBAT_LIMIT} may")
        if world.disk.status(task) is TaskStatus.COMPLETED:
            raise Violation(f"{task} ran after its completion")
        if world.disk.status(task) is None:
            raise Violation(f"{task} runs and is not stored")
        job = world.job(task)
        if job.cap is not None:
            self._started[job.name].add(task)
            if len(self._started[job.name]) > job.cap:
                raise Violation(f"{job.name} began {len(self._started[job.name])} times today")

    def on_end(self, agent: "AgentProcess", fence: Fence) -> None:
        """Note that *fence* executes no more."""
        self.world.note("end", (*fence, agent.boot[:6]))
        running = self._executing[fence.task]
        running.discard((agent.boot, fence.number))
        if not running:
            del self._executing[fence.task]

    # --- what is said

    def on_created(self, reply: Reply) -> None:
        """Judge that a client was told that its task exists."""
        task = reply.request_id.removeprefix("new-")
        if not reply.ok:
            raise Violation(f"{task} was refused: {reply.message}")
        if task not in self.world.disk.tasks:
            raise Violation(f"{task} was acknowledged and is not stored")

    def on_acknowledged(self, agent: "AgentProcess", report: StoredReport) -> None:
        """Judge that an agent forgets a report."""
        disk, fence = self.world.disk, report.fence
        if not disk.has_report(agent.name, report.boot, report.seq):
            raise Violation(f"report {report.seq} of {fence} was acknowledged and is not stored")
        if report.event is ReportEvent.SUCCEEDED:
            record = disk.record(fence.task)
            if record is None or (record["fence"] == fence.number and "outcome" not in record):
                raise Violation(f"the success of {fence} was acknowledged and forgotten")

    def on_desired(self, coordinator: "CoordinatorProcess", topic: str, said: Desired) -> None:
        """Judge what the coordinator wants an agent to hold."""
        if self.world.now >= self._settled_at:
            return
        new = [a.task for a in said.tasks if a.fence > self._highest.get(a.task, 0)]
        if new and (boot := self._unsettled(coordinator)):
            raise Violation(f"{new[0]} was assigned while nobody had heard of {boot}")

    def _unsettled(self, coordinator: "CoordinatorProcess") -> str | None:
        """Name a boot that held something when the term began, and may still."""
        for fence, boot in self._held:
            if boot not in coordinator.heard_boots:
                attempt = (self.world.disk.record(fence.task) or {}).get("attempt")
                if attempt is not None and attempt["fence"] == fence.number:
                    return boot
        return None

    def on_lease(self, coordinator: "CoordinatorProcess", said: Lease) -> None:
        """Judge what the coordinator lends on."""

    # --- what is stored

    def on_commit(self, coordinator: "CoordinatorProcess", changes: Changes) -> None:
        """Judge what is about to be stored."""
        for attempt in changes.attempts:
            fence = Fence(attempt["task"], attempt["fence"])
            if attempt["outcome"] in _THROWN_AWAY:
                self._refuse_waste(fence, attempt["outcome"])
            if fence in self.begun and self.world.job(fence.task).cap is not None:
                self._refuse_free_run(fence, changes)
        for row in changes.events:
            if row["kind"] == "agent_lost" and self.world.scenario.profile == "ideal":
                self._refuse_slander(coordinator, row["subject"])
        self._refuse_to_go_back(coordinator, changes)
        for row in changes.tasks:
            known = self.world.disk.tasks.get(row["id"])
            before = None if known is None else TaskStatus(known["status"])
            if before is not None and before.is_terminal and before.value != row["status"]:
                raise Violation(f"{row['id']} was {before.value}, becomes {row['status']}")

    def _refuse_free_run(self, fence: Fence, changes: Changes) -> None:
        """Judge that what has really begun, and is over now, was charged to its cap."""
        disk = self.world.disk
        docs = [row["doc"] for row in changes.tasks if row["id"] == fence.task]
        record = disk.read(fence.task, docs[0]) if docs else disk.record(fence.task)
        if not (record or {}).get("charged"):
            raise Violation(f"{fence} began, is over, and was not charged")

    def _refuse_to_go_back(self, coordinator: "CoordinatorProcess", changes: Changes) -> None:
        """Judge that fences, terms and the numbers of events only rise."""
        disk = self.world.disk
        if coordinator.state.term != disk.term:
            raise Violation(f"term {coordinator.state.term} writes in term {disk.term}")
        numbers = [row["number"] for row in changes.events]
        if numbers != list(range(disk.last_event + 1, disk.last_event + 1 + len(numbers))):
            raise Violation(f"events {numbers} follow event {disk.last_event}")
        for row in changes.tasks:
            fence = disk.read(row["id"], row["doc"]).get("fence", 0)
            if fence < self._stored.get(row["id"], 0):
                raise Violation(f"{row['id']} goes back to fence {fence}")
            self._stored[row["id"]] = fence

    def _refuse_slander(self, coordinator: "CoordinatorProcess", name: str) -> None:
        """Judge that an agent is said to be lost, where the broker loses nothing."""
        bus, patience_s = self.world.bus, 2.2 * coordinator.policy.lease.lease_ms / 1000
        if "C" in bus.deaf:
            return  # it cannot know better
        for process in self.world.processes:
            speaks = process.online and not process.loop_frozen and process.boot not in bus.mute
            since = max(process.fine_since, coordinator.fine_since)
            if process.name == name and speaks and self.world.now - since > patience_s:
                raise Violation(f"{name} is said to be lost, though it speaks")

    def _refuse_waste(self, fence: Fence, outcome: str) -> None:
        for process in self.world.processes:
            for report in process.host.outbox.values():
                if report.fence == fence and report.event is ReportEvent.SUCCEEDED:
                    raise Violation(f"{fence} succeeded, is about to be told, and is {outcome}")

    # --- the coordinator

    def on_coordinator_start(self, coordinator: "CoordinatorProcess") -> None:
        """Remember how things stood when a term began."""
        disk = self.world.disk
        self._held, self._highest, longest_ms = [], {}, 0
        for name in disk.tasks:
            record = disk.record(name) or {}
            self._highest[name] = record.get("fence", 0)
            if (attempt := record.get("attempt")) is not None:
                self._held.append((Fence(name, attempt["fence"]), attempt["boot"]))
                longest_ms = max(longest_ms, attempt["lease_ms"] + attempt["margin_ms"])
        # Its clock may run fast by this much.
        self._settled_at = self.world.now + longest_ms / 1000 / (1 + self.world.drift) - 0.01

    def on_coordinator_crash(self, coordinator: "CoordinatorProcess") -> None:
        """Judge the state that is lost."""
        if lost := self.world.clients.acknowledged - self.world.disk.tasks.keys():
            raise Violation(f"acknowledged creates were lost: {sorted(lost)}")

    def on_rest(self, coordinator: "CoordinatorProcess") -> None:
        """Judge the state between two turns, now and then."""
        if self.world.now >= self._look_at:
            self._look_at = self.world.now + self.world.scenario.shape.heartbeat_s
            self._refuse_deafness(coordinator)
            for wrong in self.world.readers.see_ghosts(coordinator):
                raise Violation(f"people are misled: {wrong}")
        if self.world.now >= self._audit_at:
            self._audit_at = self.world.now + AUDIT_EVERY_S
            self.judge_state(coordinator)

    def _refuse_deafness(self, coordinator: "CoordinatorProcess") -> None:
        """Judge that nobody who hears goes on for long without what it was told."""
        world, bus = self.world, self.world.bus
        patience_s = BEHIND_FOR_BEATS * world.scenario.shape.heartbeat_s
        behind: dict[str, tuple[tuple[int, int], float]] = {}
        cut_off = bus.deaf | bus.mute
        for process in world.processes:
            agent = coordinator.state.agents.get(process.name)
            if agent is None or agent.boot != process.boot or agent.desired is None:
                continue
            told = (coordinator.state.term, agent.desired.rev)
            known, since = self._behind.get(process.boot, (told, world.now))
            hears = process.hears_well and process.boot not in cut_off
            if process.machine.seen >= told or not hears or "C" in bus.deaf:
                continue
            since = since if known == told else world.now
            behind[process.boot] = told, since
            since = max(since, process.fine_since, coordinator.fine_since, coordinator.woke_at)
            if world.now - since > patience_s:
                for_s = world.now - since
                raise Violation(f"{process.name} does not know what it was told {for_s:.0f} s ago")
        self._behind = behind

    def judge_state(self, coordinator: "CoordinatorProcess") -> None:
        """Compare what is derived with the truth, and the truth with the disk."""
        state = coordinator.state
        found = audit(state, coordinator.now()) + over_limits(state)
        found += idle_beside_runnable(state, coordinator.now())
        if found:
            raise Violation(f"audit: {found[0]} ({len(found)} in all)")
        for wrong in self._books.unexplained():
            raise Violation(f"the log does not explain the rows: {wrong}")
        rows = self.world.disk.tasks
        for task in state.tasks.values():
            text = orjson.dumps(task_record(task))
            if task.id in rows and rows[task.id]["doc"] == text:
                continue
            stored, said = self.world.disk.record(task.id), orjson.loads(text)
            if stored != said:
                different = {
                    key: (stored.get(key) if stored else None, said.get(key))
                    for key in said.keys() | (stored or {}).keys()
                    if stored is None or stored.get(key) != said.get(key)
                }
                raise Violation(f"{task.id} is not stored as it is: {different}")

    # --- the end

    def at_end(self) -> None:
        """Judge the fleet after it was left alone for a while."""
        world, coordinator = self.world, self.world.coordinator
        if not coordinator.is_online:
            raise Violation("the coordinator is not online")
        if len(world.clients.acknowledged) < len(world.scenario.jobs):
            raise Violation("a create was never answered")
        left = [
            f"{name} {row['status']}"
            for name, row in world.disk.tasks.items()
            if not TaskStatus(row["status"]).is_terminal
        ]
        if left:
            raise Violation(f"never finished: {left[:5]} ({len(left)} in all)")
        self._books.forget()
        self.judge_state(coordinator)
        for gate in coordinator.state.gates.values():
            if isinstance(gate, PermitGate) and gate.holders:
                raise Violation(f"places leaked at {gate}: {sorted(gate.holders)}")
        self._judge_agents(coordinator)
        for grown in overgrown(coordinator, world.processes):
            raise Violation(f"memory leaks: {grown}")
        for wrong in world.readers.misled(anew=False):
            raise Violation(f"people are misled: {wrong}")

    def at_epilogue(self) -> None:
        """Judge what became of a little work for each agent, and what is stated anew."""
        world = self.world
        for process in world.processes:
            row = world.disk.tasks.get(f"probe-{process.name}")
            if row is None or row["status"] != TaskStatus.COMPLETED.value:
                raise Violation(f"{process.name} is there, and work for it is left: {row}")
        for wrong in world.readers.misled(anew=True):
            raise Violation(f"people are misled, though all was said again: {wrong}")

    def _judge_agents(self, coordinator: "CoordinatorProcess") -> None:
        world = self.world
        for n in range(world.scenario.shape.agents):
            name = f"a{n}"
            alive = [process for process in world.processes if process.name == name]
            if not alive and name in world.operators.retired:
                if not coordinator.state.agents[name].is_forgotten:
                    raise Violation(f"{name} was forgotten and is known")
                continue
            if len(alive) != 1:
                raise Violation(f"{name} has {len(alive)} processes")
            process = alive[0]
            if process.machine.outbox or process.machine.work.jobs:
                raise Violation(f"the outbox of {name} never empties")
            agent = coordinator.state.agents[name]
            seen = (agent.boot, agent.status, agent.presence, agent.suspect, agent.tier)
            right = (
                process.boot,
                AgentStatus.IDLE,
                PresenceState.ONLINE,
                False,
                AgentHealth.HEALTHY,
            )
            if seen != right:
                raise Violation(f"{name} is seen as {seen}, should be {right}")
            if world.scenario.profile == "ideal":
                self._judge_presence(process)
        if world.now > END_S or coordinator.state.phase is not CoordinatorState.ONLINE:
            raise Violation("the coordinator never settled")

    def _judge_presence(self, process: "AgentProcess") -> None:
        """Judge what the broker remembers; these words are said once, so none may be lost."""
        name = process.name
        said = self.world.bus.retained.get(f"agents/{name}/presence")
        if said is None and self.world.coordinator.state.agents[name].forgotten_epoch:
            return  # it came back while its predecessor's presence was being cleared
        if not isinstance(said, Presence) or said.state is not PresenceState.ONLINE:
            raise Violation(f"the presence of {name} says {said}")
