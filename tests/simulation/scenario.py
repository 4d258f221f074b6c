"""What one fleet-hour is made of, as data: work, requests, faults, and agents that are let go.

Everything is drawn before the world begins, each concern from a stream of its own; so one fault
can be taken out without moving the others, and what failed can be shrunk.
"""

from dataclasses import dataclass, replace
from random import Random
from typing import Final

END_S: Final = 3600.0
QUIET_S: Final = 600.0
QUIET_BEATS: Final = 30
"""At its end an hour is quiet for so long, and for so many heartbeats more."""
AGENTS: Final = (2, 3, 4)
MAX_LIMIT: Final = 3
HEARTBEATS_S: Final = (5, 10, 10, 30, 30)
LEASES: Final = (4.0, 6.4)
"""In heartbeats."""
JOBS_PER_PERMIT: Final = 16
COMBAT_LIMIT: Final = 1
SERIES: Final = 3
SERIES_CAP: Final = 2
SERIES_EVERY_S: Final = 600.0
SERIES_ENDS_S: Final = 300.0
"""How long after the last fault what a cap has kept back is given up."""
FAULT_EVERY_S: Final = 35.0
FORGET_EVERY_S: Final = 700.0
FORGOTTEN_FROM_S: Final = 60.0
"""Until then everybody was heard of."""
FORGOTTEN_BEFORE_END_S: Final = 300.0
FORGOTTEN_BEFORE_END_BEATS: Final = 10
"""So long before its end, and so many heartbeats more, an hour lets the last agent go: in its quiet
time as well, when no word is lost and hardly anything else changes."""
LONGEST: Final = (0.5, 3, 9)
"""How many heartbeats a fault lasts at most: hardly one, most of a lease, or longer than any."""
PROFILES: Final = ("mosquitto", "embedded", "mosquitto", "ideal")

WEIGHTS: Final = {
    "cut_agent": 12,
    "half_open": 5,
    "freeze_all": 8,
    "suspend": 8,
    "kill_agent": 14,
    "freeze_loop": 8,
    "freeze_at_start": 6,
    "crash": 8,
    "stall": 5,
    "cut_coordinator": 4,
    "slow_disk": 3,
    "broker_forgets": 4,
    "broker_restart": 3,
    "stale_will": 4,
    "twin": 5,
    "forget_a_job": 4,
    "new_lease": 6,
    "wall_back": 3,
    "hot": 3,
    "stop_agent": 3,
    "kill_before_it_tells": 4,
}
"""Faults, and how often each strikes."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a fleet is, and how often its hearts beat.

    Small fleets with slow hearts show more broken rules for the same work: ADR 46.
    """

    agents: int
    heartbeat_s: int

    @property
    def global_limit(self) -> int:
        """How many tasks may run at once: fewer than the agents have slots."""
        return min(self.agents, MAX_LIMIT)

    @property
    def leases_ms(self) -> tuple[int, ...]:
        """The leases that its plans may have."""
        return tuple(int(beats * self.heartbeat_s * 1000) for beats in LEASES)

    @property
    def longest_fault_s(self) -> float:
        """How long nobody may be heard: longer than any lease."""
        return max(LONGEST) * self.heartbeat_s

    @property
    def faults_end_s(self) -> float:
        """From when on it is left alone, to find what is lost and to do what waits."""
        return END_S - QUIET_S - QUIET_BEATS * self.heartbeat_s


@dataclass(frozen=True, slots=True)
class Job:
    """One task that a client wants done."""

    at: float
    task: str
    name: str
    mode: str
    work_s: tuple[float, ...]
    """How long each attempt takes, in turn."""
    failures: int
    """How many attempts end with an error of the handler."""
    is_finish: bool
    cap: int | None
    depends_on: tuple[str, ...]
    expires_s: float | None
    obeys: float
    """How quickly its handler gives way, as a share of its grace; above 1 it must be killed."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request about a task."""

    at: float
    op: str
    task: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong; ``pick`` and ``more`` settle what is left open."""

    at: float
    kind: str
    agent: int
    seconds: float
    pick: float
    more: float

    def __str__(self) -> str:
        return (
            f"{self.at:8.2f} s  {self.kind:16} a{self.agent}  {self.seconds:5.1f} s"
            f"  {self.pick:.3f} {self.more:.3f}"
        )


@dataclass(frozen=True, slots=True)
class Forgetting:
    """An operator has an agent forgotten."""

    at: float
    agent: int
    how: str
    """What becomes of it before: ``killed``, ``stopped``, ``drained``, or nothing (``alive``)."""
    asks_s: float
    """How long after that the operator asks for the first time."""
    restarts_s: float | None
    """How long after that it is started again, whatever the operator does."""
    back_s: float | None
    """How long after it was forgotten it is started again."""

    @property
    def is_for_good(self) -> bool:
        """Whether nobody means to start it again."""
        return self.back_s is None

    def __str__(self) -> str:
        back = (self.restarts_s, self.back_s)
        after, back_after = ("-" if s is None else f"{s:.1f} s" for s in back)
        return (
            f"{self.at:8.2f} s  forgets a{self.agent}, {self.how}, asks after {self.asks_s:.1f} s,"
            f" restarts after {after}, comes back after {back_after}"
        )


@dataclass(frozen=True, slots=True)
class Scenario:
    """One fleet-hour."""

    seed: int
    profile: str
    shape: Shape
    jobs: tuple[Job, ...]
    asks: tuple[Ask, ...]
    faults: tuple[Fault, ...]
    forgettings: tuple[Forgetting, ...]


def generate(seed: int, profile: str | None = None, agents: int | None = None) -> Scenario:
    """Draw the fleet-hour of *seed*; *profile* and *agents* say what is not to be drawn."""
    shape = _shape(Random(f"{seed}/shape"))
    if agents is not None:
        shape = replace(shape, agents=agents)
    jobs = _jobs(Random(f"{seed}/jobs"), shape)
    return Scenario(
        seed=seed,
        profile=profile or PROFILES[seed % len(PROFILES)],
        shape=shape,
        jobs=jobs,
        asks=_asks(Random(f"{seed}/asks"), jobs),
        faults=_faults(Random(f"{seed}/faults"), shape),
        forgettings=_forgettings(Random(f"{seed}/forgettings"), shape),
    )


def probe(agent: str, at: float) -> Job:
    """Return a little work for *agent*, to see whether it still gets any."""
    return Job(
        at=at,
        task=f"probe-{agent}",
        name="probe",
        mode="quest",
        work_s=(1.0,),
        failures=0,
        is_finish=False,
        cap=None,
        depends_on=(),
        expires_s=None,
        obeys=0.0,
    )


def _shape(random: Random) -> Shape:
    return Shape(agents=random.choice(AGENTS), heartbeat_s=random.choice(HEARTBEATS_S))


def _jobs(random: Random, shape: Shape) -> tuple[Job, ...]:
    jobs: list[Job] = []
    for n in range(JOBS_PER_PERMIT * shape.global_limit):
        at = random.uniform(1, shape.faults_end_s)
        kind = random.random()
        mode = "combat" if random.random() < 0.25 else "quest"
        others: list[str] = []
        if kind > 0.94:
            earlier = [job.task for job in jobs if job.at < at - 60 and job.cap is None]
            others = random.sample(earlier, 2) if len(earlier) > 8 else []
        is_capped = kind < 0.08
        if is_capped:  # all of a series at once, so that more are free than may start
            at = 200 + SERIES_EVERY_S * (n % SERIES) + at % 1
        jobs.append(
            Job(
                at=at,
                task=f"t{n}",
                name=f"series{n % SERIES}" if is_capped else f"job{n}",
                mode=mode,
                work_s=tuple(random.uniform(3, random.choice((60, 90, 150))) for _ in range(4)),
                failures=random.choice((0, 0, 0, 0, 0, 1, 2)),
                is_finish=0.08 <= kind < 0.2,
                cap=SERIES_CAP if is_capped else None,
                depends_on=tuple(others),
                expires_s=shape.faults_end_s + SERIES_ENDS_S if is_capped else None,
                obeys=random.uniform(0, 1.5),
            )
        )
    return tuple(sorted(jobs, key=lambda job: job.at))


def _asks(random: Random, jobs: tuple[Job, ...]) -> tuple[Ask, ...]:
    asks: list[Ask] = []
    for job in jobs:
        at = job.at + random.uniform(1, 120)
        chance = random.random()
        if chance < 0.08:
            asks.append(Ask(at, "cancel", job.task))
        elif chance < 0.14:
            asks.append(Ask(at, "pause", job.task))
            asks.append(Ask(at + random.uniform(5, 90), "resume", job.task))
    return tuple(sorted(asks, key=lambda ask: ask.at))


def _faults(random: Random, shape: Shape) -> tuple[Fault, ...]:
    faults: list[Fault] = []
    at = random.expovariate(1 / FAULT_EVERY_S)
    while at < shape.faults_end_s:
        faults.append(
            Fault(
                at=at,
                kind=random.choices(tuple(WEIGHTS), tuple(WEIGHTS.values()))[0],
                agent=random.randrange(shape.agents),
                seconds=random.uniform(1, random.choice(LONGEST) * shape.heartbeat_s),
                pick=random.random(),
                more=random.random(),
            )
        )
        at += random.expovariate(1 / FAULT_EVERY_S)
    return tuple(faults)


def _forgettings(random: Random, shape: Shape) -> tuple[Forgetting, ...]:
    forgettings: list[Forgetting] = []
    gone: set[int] = set()
    before_end_s = FORGOTTEN_BEFORE_END_S + FORGOTTEN_BEFORE_END_BEATS * shape.heartbeat_s
    at = FORGOTTEN_FROM_S + random.expovariate(1 / FORGET_EVERY_S)
    while at < END_S - before_end_s:
        agent = random.randrange(shape.agents)
        how = random.choice(("killed", "killed", "stopped", "drained", "alive"))
        asks_s = random.uniform(0, random.choice((3, 3, 60)))
        restarts_s: float | None = None
        back_s: float | None = random.uniform(0, random.choice((5, 120)))
        if how in {"killed", "stopped"} and random.random() < 0.4:
            restarts_s = random.uniform(0, 5)
            if random.random() < 0.5:  # while it introduces itself
                asks_s = restarts_s + random.uniform(0.25, 0.4)
        if random.random() < 0.4 and len(gone | {agent}) <= shape.agents // 2:
            back_s = None
            gone.add(agent)
        forgettings.append(Forgetting(at, agent, how, asks_s, restarts_s, back_s))
        at += random.expovariate(1 / FORGET_EVERY_S)
    return tuple(forgettings)
