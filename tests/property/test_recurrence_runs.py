"""Invariant I9: whatever happens, every nominal time has one run or one skip."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from coordinator.core.recurrence.pausing import pause_schedule, resume_schedule
from coordinator.core.recurrence.progress import Pause
from coordinator.core.recurrence.recurring import Missed, Overlap
from coordinator.core.turn import Turn
from tests.unit.core_recurrence.fleet import HOUR_MS, MINUTE_MS, START_MS, Fleet, hourly

Act = tuple[str, int]

ACTS = st.lists(
    st.tuples(
        st.sampled_from(["passes", "sleeps", "dies", "ends", "pauses", "resumes", "plans"]),
        st.integers(1, 400),
    ),
    max_size=25,
)


def act(fleet: Fleet, what: str, amount: int) -> Fleet:
    turn = Turn(fleet.state, fleet.now)
    match what:
        case "passes":
            fleet.passes(amount * MINUTE_MS)
        case "sleeps":
            fleet.sleeps(amount * MINUTE_MS)
        case "dies":
            return fleet.dies(amount * MINUTE_MS)
        case "ends":
            going_on = [run for run in fleet.runs() if not run.is_over]
            if going_on:
                fleet.ends(going_on[amount % len(going_on)])
        case "pauses":
            until_ms = fleet.now_ms + amount * MINUTE_MS if amount % 3 else None
            pause_schedule(turn, "hourly", Pause("storm", "ana", until_ms))
        case "resumes":
            resume_schedule(turn, "hourly", "ana")
        case "plans":
            fleet.plan(*fleet.state.policy.schedules)
        case _:
            raise AssertionError(what)
    fleet.keep(turn.effects)
    return fleet


@settings(max_examples=150, deadline=None)
@given(ACTS, st.sampled_from(Missed), st.sampled_from(Overlap), st.integers(1, 5))
@example([("passes", 130), ("dies", 300), ("ends", 1)], Missed.RUN_ALL, Overlap.BUFFER_ONE, 2)
def test_every_nominal_time_ends_as_one_run_or_one_skip(
    acts: list[Act], missed: Missed, overlap: Overlap, max_catchup: int
) -> None:
    fleet = Fleet()
    fleet.plan(hourly(missed=missed, overlap=overlap, max_catchup=max_catchup))
    for what, amount in acts:
        fleet = act(fleet, what, amount)

        last = (fleet.progress().last_ms - START_MS) // HOUR_MS
        assert fleet.accounted_for() == list(range(1, last + 1))
        armed_ms = fleet.progress().armed_ms
        assert armed_ms is not None
        assert armed_ms > fleet.now_ms
    passed = (fleet.now_ms - START_MS) // HOUR_MS
    if acts and acts[-1][0] not in {"ends", "pauses", "resumes"}:
        assert fleet.accounted_for() == list(range(1, passed + 1))
