"""A look ahead from a fleet at work: whatever its tasks and agents were doing, it goes on."""

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


def test_looking_ahead_changes_nothing() -> None:
    fleet = Fleet({"mode:quest": 1})
    fleet.agent("A")
    fleet.create()
    fleet.create("other", daily_cap=2)
    before = snapshot_of(fleet)
    first = ahead(fleet)
    assert ahead(fleet) == first
    assert snapshot_of(fleet) == before
