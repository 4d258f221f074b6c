"""What one fleet-hour is made of, as data: work, requests and faults.

Everything is drawn before the world begins, each concern from a stream of its own; so one fault
can be taken out without moving the others, and what failed can be shrunk.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

END_S: Final = 3600.0
FAULTS_END_S: Final = 2700.0
AGENTS: Final = 6
JOBS: Final = 160
GLOBAL_LIMIT: Final = 5
COMBAT_LIMIT: Final = 2
SERIES: Final = 3
SERIES_CAP: Final = 2
FAULT_EVERY_S: Final = 35.0
HEARTBEATS_S: Final = (5, 10, 10)
LEASES: Final = (4.0, 6.4)
"""In heartbeats."""
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
class Scenario:
    """One fleet-hour."""

    seed: int
    profile: str
    jobs: tuple[Job, ...]
    asks: tuple[Ask, ...]
    faults: tuple[Fault, ...]
    heartbeat_s: int
    agents: int = AGENTS

    @property
    def leases_ms(self) -> tuple[int, ...]:
        """The leases that its plans may have."""
        return tuple(int(beats * self.heartbeat_s * 1000) for beats in LEASES)


def generate(seed: int, profile: str | None = None) -> Scenario:
    """Draw the fleet-hour of *seed*."""
    jobs = _jobs(Random(f"{seed}/jobs"))
    return Scenario(
        seed=seed,
        profile=profile or PROFILES[seed % len(PROFILES)],
        jobs=jobs,
        asks=_asks(Random(f"{seed}/asks"), jobs),
        faults=_faults(Random(f"{seed}/faults")),
        heartbeat_s=HEARTBEATS_S[seed % len(HEARTBEATS_S)],
    )


def _jobs(random: Random) -> tuple[Job, ...]:
    jobs: list[Job] = []
    for n in range(JOBS):
        at = random.uniform(1, FAULTS_END_S)
        kind = random.random()
        mode = "combat" if random.random() < 0.25 else "quest"
        others: list[str] = []
        if kind > 0.94:
            earlier = [job.task for job in jobs if job.at < at - 60 and job.cap is None]
            others = random.sample(earlier, 2) if len(earlier) > 8 else []
        is_capped = kind < 0.08
        if is_capped:  # all of a series at once, so that more are free than may start
            at = 200 + 700 * (n % SERIES) + at % 1
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
                expires_s=FAULTS_END_S + 300 if is_capped else None,
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


def _faults(random: Random) -> tuple[Fault, ...]:
    faults: list[Fault] = []
    at = random.expovariate(1 / FAULT_EVERY_S)
    while at < FAULTS_END_S:
        faults.append(
            Fault(
                at=at,
                kind=random.choices(tuple(WEIGHTS), tuple(WEIGHTS.values()))[0],
                agent=random.randrange(AGENTS),
                seconds=random.uniform(1, random.choice((5, 30, 90))),
                pick=random.random(),
                more=random.random(),
            )
        )
        at += random.expovariate(1 / FAULT_EVERY_S)
    return tuple(faults)
