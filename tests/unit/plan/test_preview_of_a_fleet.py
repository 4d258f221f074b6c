"""A look ahead from a fleet at work: whatever its tasks and agents were doing, it goes on."""

from coordinator.core.civil import Window
from coordinator.core.policy import Cap
from coordinator.core.records import agent_record, mark_record, task_record
from coordinator.plan.preview import Preview, Snapshot, preview
from tests.support.fleet import Fleet

HOUR_MS = 3_600_000


def snapshot_of(fleet: Fleet) -> Snapshot:
    """Take what the store would have."""
    state = fleet.state
    marks = [
        *(("closure", key) for key in state.closures),
        *(("hold", key) for key in state.holds),
        *(("usage", key) for key in state.usage),
    ]
    return Snapshot(
        fleet.now.wall_ms,
        tuple(task_record(task) for task in state.tasks.values() if not task.is_over),
        tuple(agent_record(agent) for agent in state.agents.values()),
        tuple((kind, key, mark_record(state, kind, key) or {}) for kind, key in marks),
    )


def ahead(fleet: Fleet, days: float = 1.0) -> Preview:
    return preview(fleet.state.policy, snapshot_of(fleet), days=days)


def test_tasks_in_every_phase_go_on_from_there() -> None:
    fleet = Fleet()
    fleet.agent("A", slots=4)
    running, pausing, paused, cancelling = (fleet.create(f"held{n}") for n in range(4))
    assert fleet.ask("pause", paused).ok
    fleet.bots["A"].obeys = False
    assert fleet.ask("cancel", cancelling).ok
    assert fleet.ask("pause", pausing).ok
    waiting = fleet.create("waiting")
    later = fleet.create("later", scheduled_for_ms=fleet.now.wall_ms + HOUR_MS)
    dependent = fleet.create("dependent", depends_on=[later])
    stopped = fleet.create("stopped", scheduled_for_ms=fleet.now.wall_ms + HOUR_MS)
    assert fleet.ask("pause", stopped).ok
    phases = [fleet.phase(task) for task in (running, pausing, paused, cancelling, dependent)]
    assert phases == ["running", "pausing", "paused_running", "cancelling", "dependent"]

    found = ahead(fleet)
    assert found.began_running == 4
    assert [run.task for run in found.runs] == [waiting, later, dependent]
    assert [(one.task, one.code) for one in found.never] == [(stopped, "PAUSED")]
    first, second, third = found.runs
    assert second.starts_ms - found.from_ms == HOUR_MS
    assert third.starts_ms == second.ends_ms
    assert third.waits[0][0] == "DEPENDENCY"
    assert first.starts_ms == found.from_ms, "what is cancelled makes room at once"


def test_a_task_that_has_failed_before_is_told_when_it_runs_again() -> None:
    fleet = Fleet(retry_base_ms=60_000)
    fleet.agent("A")
    task = fleet.create()
    fleet.fail(task)
    assert fleet.phase(task) == "scheduled"
    (run,) = ahead(fleet).runs
    assert run.task == task
    assert run.starts_ms == fleet.state.tasks[task].not_before_ms


def test_what_an_operator_decided_stays_until_it_expires() -> None:
    fleet = Fleet()
    fleet.agent("A")
    assert fleet.ask("cordon", agent="A", for_s=7200.0).ok
    task = fleet.create()
    (run,) = ahead(fleet).runs
    assert run.task == task
    assert run.waits == (("CORDONED", 2 * HOUR_MS),)

    assert fleet.ask("return", agent="A").ok
    assert fleet.ask("hold", key="mode:quest", forever=True).ok
    held = fleet.create("held")
    assert [(one.task, one.code) for one in ahead(fleet).never] == [(held, "MODE_LIMIT")]


def test_an_agent_that_is_away_is_assumed_to_be_there() -> None:
    fleet = Fleet()
    fleet.agent("A")
    fleet.crash("A")
    fleet.pass_time(600)
    task = fleet.create()
    assert fleet.status(task) == "pending"
    found = ahead(fleet)
    assert [run.task for run in found.runs] == [task]
    assert found.assumptions[0] == "every agent is there and healthy"


def live_through(fleet: Fleet, hours: int) -> list[tuple[str, str, int]]:
    """Let *hours* pass, each run taking ten minutes; return what starts, where and when."""
    seen: dict[str, tuple[str, str, int]] = {}

    def observe(fleet: Fleet, _effects: object) -> None:
        for task in fleet.state.tasks.values():
            if task.attempt is not None and task.id not in seen:
                seen[task.id] = (task.id, task.attempt.agent, task.attempt.offered_ms)

    already = fleet.running()
    fleet.observers.append(observe)
    for _ in range(6 * hours):
        begun = fleet.running()
        fleet.pass_time(600)
        for task in begun:
            fleet.finish(task)
    return [start for task, start in seen.items() if task not in already]


def test_what_was_seen_ahead_is_what_then_happens() -> None:
    early = Window("early", "UTC", 60, 120)  # 01:00 to 02:00
    fleet = Fleet(
        {"mode:quest": 1},
        windows={"early": early},
        caps=(Cap("name:rare", "day", 1),),
    )
    for name in ("A", "B"):
        fleet.agent(name, "quest", "combat", heartbeat_ms=60_000)
    tasks = [fleet.create(f"q{n}", priority=p) for n, p in enumerate(("low", "high", "normal"))]
    tasks += [fleet.create("rare", mode="combat") for _ in range(2)]
    tasks += [fleet.create("early", mode="combat", constraints={"time_window": "early"})]
    assert len(fleet.running()) == 2
    found = ahead(fleet, days=3 / 24)
    told = [(run.task, run.agent, run.starts_ms) for run in found.runs]
    assert live_through(fleet, hours=3) == told
    assert len(told) == 3
    assert [(one.task, one.code) for one in found.never] == [(tasks[4], "CAP_REACHED")]
    assert fleet.status(tasks[4]) == "pending"


def test_looking_ahead_changes_nothing() -> None:
    fleet = Fleet({"mode:quest": 1})
    fleet.agent("A")
    fleet.create()
    fleet.create("other", daily_cap=2)
    before = snapshot_of(fleet)
    first = ahead(fleet)
    assert ahead(fleet) == first
    assert snapshot_of(fleet) == before
