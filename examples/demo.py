"""Half a minute with a small fleet: limits, priorities, and an agent killed while it works.

Everything is real: a broker, a coordinator and five agents as processes, on free ports and in a
temporary folder. What the agents really did is judged by the records that they keep themselves.
The exit status is 0 only if everything in the table at the end was seen.
"""

import contextlib
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from coordinator.address import BrokerAddress
from coordinator.cli import screen
from coordinator.cli.bus import Bus
from coordinator.cli.fleet_state import FleetState
from protocol.errors import FleetBusError
from protocol.messages import TaskSpec
from protocol.vocabulary import PresenceState, Priority, SubmitOp, TaskStatus

HEARTBEAT_S: Final = 1
LEASE_S: Final = 6
MARGIN_S: Final = 1
MAX_AT_ONCE: Final = 3
MAX_COMBAT: Final = 2
AGENTS: Final = {
    "Main": ["quest", "combat", "crafting"],
    "Heals": ["quest", "combat"],
    "Crafter": ["quest", "crafting"],
    "Scout": ["quest", "combat"],
    "Trader": ["quest", "combat", "crafting"],
}
PLAN: Final = {
    "fleet_name": "Demo fleet",
    "agents": [
        {"name": name, "capabilities": can, "heartbeat_interval": HEARTBEAT_S}
        for name, can in AGENTS.items()
    ],
    "global_constraints": {
        "max_concurrent_agents": MAX_AT_ONCE,
        "max_concurrent_combat": MAX_COMBAT,
    },
    "leases": {"heartbeat": HEARTBEAT_S, "lease_s": LEASE_S, "margin_s": MARGIN_S},
}
out = screen.console()


@dataclass(frozen=True)
class Row:
    """One thing to be seen, and whether it was."""

    what: str
    seen: bool
    figure: str


@dataclass(frozen=True)
class Run:
    """One execution as the agent itself noted it, in seconds of the machine's clock."""

    task: str
    agent: str
    mode: str
    begin: float
    end: float


@dataclass
class Kill:
    """An agent's end and what became visible of it."""

    agent: str
    task: str
    at: float
    will_after: float | None = None
    suspect_after: float | None = None


@dataclass
class Fleet:
    """The running parts, and what we hear on the bus."""

    bus: Bus
    state: FleetState
    record: Path
    agents: dict[str, subprocess.Popen[bytes]]
    tasks: dict[str, Priority] = field(default_factory=dict)
    most_used: dict[str, int] = field(default_factory=dict)
    told: set[tuple[str, int]] = field(default_factory=set)
    kill: Kill | None = None

    def hear(self, topic: str, payload: bytes) -> None:
        """Take in one message, and note when what we wait for first shows."""
        self.state.apply(topic, payload)
        for task in self.state.tasks.values():
            if task.phase == "running" and (task.task, task.fence) not in self.told:
                self.told.add((task.task, task.fence))
                out.print(f"    {task.name} ({task.mode}) runs on {task.agent}")
        if self.state.summary:
            for key, limit in self.state.summary.limits.items():
                self.most_used[key] = max(self.most_used.get(key, 0), limit.used)
        if (kill := self.kill) is None:
            return
        presence = self.state.presences.get(kill.agent)
        card = self.state.agents.get(kill.agent)
        if kill.will_after is None and presence and presence.state is PresenceState.LOST:
            kill.will_after = now() - kill.at
        if kill.suspect_after is None and card and card.suspect:
            kill.suspect_after = now() - kill.at

    def wait(self, what: str, done: Callable[[], bool], seconds: float) -> None:
        """Wait until *done*; say what did not happen if it takes too long."""
        if not self.bus.wait_for(done, seconds):
            raise TimeoutError(f"not within {seconds:g} s: {what}")

    def add(self, name: str, mode: str, priority: Priority, sleep: float) -> str:
        """Ask for one task."""
        args = {"sleep": sleep}
        # A lease must be longer than its margin and the grace: an agent that could not stop in
        # time does not start.
        spec = TaskSpec(name=name, mode=mode, priority=priority, args=args, cancel_grace_s=1)
        reply = self.bus.request(SubmitOp.CREATE, spec=spec)
        if not reply.ok or reply.task is None:
            raise RuntimeError(f"task {name!r} was refused: {reply.code}: {reply.message}")
        self.tasks[reply.task] = priority
        return reply.task

    def running(self) -> int:
        """How many tasks the coordinator shows as running."""
        return sum(task.status is TaskStatus.RUNNING for task in self.state.tasks.values())

    def completed(self) -> int:
        """How many of our tasks have completed."""
        ends = (self.state.tasks.get(task) for task in self.tasks)
        return sum(task is not None and task.status is TaskStatus.COMPLETED for task in ends)

    def runs(self) -> list[Run]:
        """Read what the agents have noted; a killed one's last run ended when it was killed."""
        begun: dict[tuple[str, int], dict[str, Any]] = {}
        runs: list[Run] = []
        for line in self.record.read_text().splitlines():
            note = json.loads(line)
            fence = (note["task"], note["fence"])
            if note["event"] == "begin":
                begun[fence] = note
            else:
                runs.append(_run(begun.pop(fence), note["t"]))
        cut = self.kill.at if self.kill else now()
        return [*runs, *(_run(note, cut) for note in begun.values())]


def main() -> int:
    """Play the story and show what was seen."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="fleetbus-demo-") as folder:
        try:
            rows.extend(play(Path(folder)))
        except KeyboardInterrupt:
            return 130
        except (FleetBusError, RuntimeError, TimeoutError) as error:
            for log in sorted(Path(folder).glob("data/logs/*.log")):
                last = log.read_text().splitlines()[-8:]
                out.print(f"--- the end of {log.name}", *last, sep="\n")
            rows.append(Row("the story came to its end", seen=False, figure=str(error)))
    table = Table(title="What was seen", title_justify="left")
    for column in ("", "observation", "figure"):
        table.add_column(column)
    for row in rows:
        table.add_row("✓" if row.seen else "✖", row.what, row.figure)
    out.print()
    out.print(table)
    return 0 if all(row.seen for row in rows) else 1


def play(folder: Path) -> Iterator[Row]:
    """Start the fleet, give it work, kill an agent, and judge what happened."""
    record = folder / "record.jsonl"
    record.touch()
    began = now()
    with contextlib.ExitStack() as stack:
        up, where = stack.enter_context(started(folder))
        agents = stack.enter_context(started_agents(where["broker"], record))
        address = BrokerAddress.parse(where["broker"])
        bus = stack.enter_context(Bus(address, where["root"], operator=True))
        fleet = Fleet(bus, FleetState(bus.topics), record, agents)
        bus.listen(fleet.hear)
        bus.subscribe(fleet.state.filters, qos=0)
        fleet.wait("all agents idle", lambda: idle(fleet) == len(AGENTS), 20)
        say(f"{len(AGENTS)} agents are on the bus; at most {MAX_AT_ONCE} may work at once")
        yield Row(
            "all agents came", idle(fleet) == len(AGENTS), f"{len(AGENTS)} in {now() - began:.1f} s"
        )
        give_work(fleet)
        victim = fleet.add("long-haul", "quest", Priority.CRITICAL, 4)
        fleet.wait("the long task runs", lambda: is_begun(fleet, victim), 30)
        kill_its_agent(fleet, victim)
        fleet.wait("all tasks completed", lambda: fleet.completed() == len(fleet.tasks), 60)
        say(f"all {len(fleet.tasks)} tasks are completed; stopping")
        yield from judge(fleet, victim)
        stopping = now()
        stop(agents.values())
        up.send_signal(signal.SIGINT)
        status = up.wait(15)
    took = now() - stopping
    yield Row("everything stopped in order", status == 0 and took < 10, f"in {took:.1f} s")


def give_work(fleet: Fleet) -> None:
    """Fill the fleet, then queue work in the opposite order of its urgency."""
    for n in range(MAX_AT_ONCE):
        fleet.add(f"filler-{n}", "quest", Priority.NORMAL, 1.5)
    fleet.wait("the fleet is full", lambda: fleet.running() == MAX_AT_ONCE, 10)
    waiting = {Priority.LOW: 4, Priority.NORMAL: 4, Priority.HIGH: 4, Priority.CRITICAL: 2}
    for priority, count in waiting.items():
        for n in range(count):
            mode = ("combat", "combat", "combat", "crafting")[n]
            fleet.add(f"{priority.value}-{n}", mode, priority, 0.8)
    say(f"{sum(waiting.values())} tasks wait, the least urgent asked for first")


def kill_its_agent(fleet: Fleet, task: str) -> None:
    """Kill -9 the agent that works on *task*, and wait until everybody can see it."""
    fleet.bus.serve(1.0)  # let it get well into its work
    agent = next(run.agent for run in fleet.runs() if run.task == task)
    fleet.kill = kill = Kill(agent, task, now())
    fleet.agents[agent].kill()
    say(f"{agent} was killed with kill -9 while it worked on long-haul")
    fleet.bus.wait_for(lambda: None not in {kill.will_after, kill.suspect_after}, 10)
    say(f"its presence: {fleet.state.presences[agent].state.value}; its task waits for the lease")


def judge(fleet: Fleet, victim: str) -> Iterator[Row]:
    """Compare what the agents noted with what was promised."""
    runs, kill = fleet.runs(), fleet.kill
    if kill is None:
        raise RuntimeError("nobody was killed")
    waits = {
        priority: statistics.median(
            run.begin for run in runs if fleet.tasks[run.task] is priority and run.task != victim
        )
        for priority in (Priority.CRITICAL, Priority.HIGH, Priority.LOW)
    }
    first = min(run.begin for run in runs)
    order = ", ".join(f"{priority.value} {at - first:.1f} s" for priority, at in waits.items())
    yield Row(
        "urgent work went first (median start)", sorted(waits.values()) == [*waits.values()], order
    )
    for what, limit, key, some in (
        ("agents at work", MAX_AT_ONCE, "global", runs),
        ("fights", MAX_COMBAT, "mode:combat", [run for run in runs if run.mode == "combat"]),
    ):
        most, shown = most_at_once(some), fleet.most_used.get(key, 0)
        figure = f"at most {most} at once by the records, {shown} by the summary"
        yield Row(
            f"never more than {limit} {what}, and {limit} there were",
            most == limit >= shown,
            figure,
        )
    yield Row(
        "the killed agent's last will",
        kill.will_after is not None,
        f"lost after {_s(kill.will_after)}",
    )
    yield Row(
        "its card in the registry",
        kill.suspect_after is not None,
        f"suspect after {_s(kill.suspect_after)}",
    )
    again = [run for run in runs if run.task == victim and run.begin > kill.at]
    elsewhere = len(again) == 1 and again[0].agent != kill.agent
    after = again[0].begin - kill.at if again else 0.0
    # The dead agent's own deadline was no later than this, whenever it last renewed its lease.
    safe = after >= LEASE_S - MARGIN_S
    who = f"on {again[0].agent} after {after:.1f} s; lease {LEASE_S} s" if again else "nowhere"
    yield Row("its task ran again elsewhere, once that was safe", elsewhere and safe, who)
    twice = max(most_at_once([run for run in runs if run.task == task]) for task in fleet.tasks)
    yield Row("no task ran twice at once", twice == 1, f"at most {twice} run of a task at a time")
    extra = len(runs) - len(fleet.tasks)
    done = fleet.completed()
    figure = f"{done} of {len(fleet.tasks)}, in {len(runs)} runs"
    yield Row("every task was done, once", done == len(fleet.tasks) and extra == 1, figure)


def most_at_once(runs: list[Run]) -> int:
    """Say how many of *runs* overlapped at most."""
    # At the same instant an end comes first: half-open intervals touch without overlapping.
    steps = sorted([(run.begin, 1) for run in runs] + [(run.end, -1) for run in runs])
    most = current = 0
    for _, step in steps:
        current += step
        most = max(most, current)
    return most


def idle(fleet: Fleet) -> int:
    """How many agents are there and free."""
    return sum(card.status.value in {"idle", "online"} for card in fleet.state.agents.values())


def is_begun(fleet: Fleet, task: str) -> bool:
    """Whether *task* runs, as its agent noted it."""
    return any(run.task == task for run in fleet.runs())


@contextlib.contextmanager
def started(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    """Run ``fleetbus up`` on free ports; give its process and where everything is."""
    plan, data, log = folder / "plan.json", folder / "data", folder / "up.log"
    plan.write_text(json.dumps(PLAN))
    words = ["up", "--plan", str(plan), "--data", str(data), "--no-agents"]
    words += ["--mqtt-port", "0", "--ws-port", "0", "--http-port", "0"]
    command = [sys.executable, "-m", "coordinator.cli", *words]
    with log.open("wb") as output:
        up = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    try:
        end = time.monotonic() + 30
        while not (data / "up.json").exists():
            if up.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"fleetbus up did not start:\n{log.read_text()}")
            time.sleep(0.05)
        yield up, json.loads((data / "up.json").read_text())
    finally:
        if up.poll() is None:
            stop([up])


@contextlib.contextmanager
def started_agents(broker: str, record: Path) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Run the agents, by hand rather than by ``up``: it would start the killed one again."""
    agents: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, capabilities in AGENTS.items():
            words = [
                name,
                "--broker",
                broker,
                "--record",
                str(record),
                "--heartbeat",
                str(HEARTBEAT_S),
            ]
            for capability in capabilities:
                words += ["--capability", capability]
            command = [sys.executable, "-m", "agent_client", *words]
            agents[name] = subprocess.Popen(command, start_new_session=True)
        yield agents
    finally:
        stop(agents.values())


def stop(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    """End processes politely, and then for certain."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def say(line: str) -> None:
    """Tell the story as it goes."""
    out.print(f"• {line}")


def now() -> float:
    """Read the clock of the agents' records."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


def _run(note: dict[str, Any], end: float) -> Run:
    return Run(note["task"], note["agent"], note["mode"], note["t"], end)


def _s(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds * 1000:.0f} ms"


if __name__ == "__main__":
    sys.exit(main())
