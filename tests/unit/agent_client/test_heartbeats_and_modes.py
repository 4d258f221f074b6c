"""Heartbeats, deafness, and what the agent does as a whole."""

import pytest

from agent_client.core import effects, events
from agent_client.core.fence import Fence
from agent_client.core.outcomes import GaveWay, StopWhy
from protocol.vocabulary import AgentMode, CoordinatorState, HoldingPhase, PresenceState
from tests.unit.agent_client.scene import BOOT, Scene, assignment

T1 = Fence("t1", 1)


def test_a_heartbeat_goes_out_on_every_connection_and_then_at_the_interval() -> None:
    scene = Scene(heartbeat_ms=10_000).connect()
    assert [beat.seq for beat in scene.those(effects.SendHeartbeat)] == [1]
    scene.wait(9_999)
    assert scene.those(effects.SendHeartbeat) == []
    scene.wait(20_001)
    assert [beat.seq for beat in scene.those(effects.SendHeartbeat)] == [2, 3, 4]


def test_nothing_is_sent_without_a_connection() -> None:
    scene = Scene().connect()
    scene.feed(events.Disconnected())
    assert scene.wait(100_000) == []


def test_a_heartbeat_lists_everything_held_and_how_far_it_is() -> None:
    scene = Scene().connect()
    scene.run(assignment("t1"), assignment("t2"), assignment("t3"))
    scene.end(Fence("t3", 1))
    scene.feed(events.HandlerProgressed(Fence("t2", 1), 50, "half"))
    scene.wait(10_000)
    [beat] = scene.those(effects.SendHeartbeat)
    listed = [(held.task, held.phase, held.pct, held.for_ms) for held in beat.holding]
    assert listed == [
        ("t1", HoldingPhase.RUNNING, None, 10_000),
        ("t2", HoldingPhase.RUNNING, 50, 10_000),
        ("t3", HoldingPhase.REPORTING, None, 0),
    ]
    assert (beat.seen.term, beat.seen.rev, beat.mode, beat.slots_free) == (1, 1, "quest", 0)


def test_a_task_that_is_only_started_but_not_begun_is_listed_as_accepted() -> None:
    scene = Scene().connect()
    scene.desire(assignment())
    assert [held.phase for held in scene.machine.holding(scene.now)] == [HoldingPhase.ACCEPTED]


def test_heartbeats_tell_how_old_the_newest_lease_is() -> None:
    scene = Scene().connect()
    scene.lease()
    scene.wait(10_000)
    [beat] = scene.those(effects.SendHeartbeat)
    assert beat.seen.lease_age_ms == 10_000


def test_three_heartbeats_without_a_lease_while_the_coordinator_is_there_mean_deafness() -> None:
    scene = Scene().connect()
    scene.wait(39_999)
    assert scene.ever(effects.Reconnect) == []
    scene.wait(1)
    assert len(scene.those(effects.Reconnect)) == 1


def test_a_lease_shows_that_the_agent_hears() -> None:
    scene = Scene().connect()
    for _ in range(10):
        scene.wait(10_000)
        scene.lease()
    assert scene.ever(effects.Reconnect) == []


@pytest.mark.parametrize("state", [CoordinatorState.OFFLINE, CoordinatorState.RECOVERING])
def test_while_no_coordinator_is_known_to_be_there_deafness_is_concluded_late(
    state: CoordinatorState,
) -> None:
    scene = Scene().connect()
    scene.feed(events.CoordinatorSeen(state))
    scene.wait(129_999)
    assert scene.ever(effects.Reconnect) == []
    scene.wait(1)  # it may be back, and one who is deaf is not told
    assert len(scene.those(effects.Reconnect)) == 1


def test_a_roll_call_is_answered_with_a_heartbeat() -> None:
    scene = Scene().connect()
    scene.feed(events.RollCalled())
    assert [beat.seq for beat in scene.those(effects.SendHeartbeat)] == [2]


def test_hungry_jobs_ask_for_a_lease_at_most_once_a_second() -> None:
    scene = Scene().connect()
    for _ in range(20):
        scene.now += 100
        scene.desire(assignment(), as_of=999)
    assert len(scene.ever(effects.SendHeartbeat)) == 3


@pytest.mark.parametrize(
    ("mode", "presence"),
    [
        (AgentMode.ACTIVE, PresenceState.ONLINE),
        (AgentMode.PAUSED, PresenceState.PAUSED),
        (AgentMode.DRAIN, PresenceState.DRAINING),
    ],
)
def test_the_presence_says_what_was_asked_of_the_agent(
    mode: AgentMode, presence: PresenceState
) -> None:
    scene = Scene().connect()
    scene.desire(mode=mode)
    assert scene.machine.presence is presence
    changed = presence is not PresenceState.ONLINE
    assert scene.those(effects.StatePresence) == [effects.StatePresence()] * changed


def test_a_paused_agent_rests_and_starts_nothing() -> None:
    scene = Scene().connect()
    scene.run(assignment("t1"))
    scene.desire(assignment("t1"), assignment("t2"), mode=AgentMode.PAUSED)
    assert scene.those(effects.PauseHandler) == [effects.PauseHandler(T1)]
    assert scene.those(effects.StartHandler) == []
    scene.desire(assignment("t1"), assignment("t2"))
    assert scene.those(effects.ResumeHandler) == [effects.ResumeHandler(T1)]
    assert len(scene.those(effects.StartHandler)) == 1


def test_a_draining_agent_finishes_what_it_has() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.desire(assignment(), mode=AgentMode.DRAIN)
    assert scene.those(effects.StopHandler) == []


def test_an_agent_told_to_stop_stops_its_work_reports_and_leaves() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.desire(mode=AgentMode.STOP)
    assert [stop.fence for stop in scene.those(effects.StopHandler)] == [T1]
    scene.end(T1, GaveWay())
    assert scene.told() == [("t1", "abandoned")]
    assert scene.ever(effects.Leave) == []
    scene.lease(report_ack={BOOT: 1})
    assert scene.those(effects.Leave) == [effects.Leave("told to stop")]
    assert scene.machine.presence is PresenceState.OFFLINE


def test_a_leaving_agent_gives_back_what_waits_finishes_what_runs_and_rejects_what_comes() -> None:
    scene = Scene().connect()
    scene.run(assignment("t1"))
    scene.desire(assignment("t1"), assignment("t2"), as_of=99)
    scene.feed(events.LeaveAsked(scene.now + 5_000, scene.now + 12_000))
    assert scene.told() == [("t2", "abandoned")]
    assert scene.those(effects.StopHandler) == []
    scene.desire(assignment("t1"), assignment("t3"))
    assert scene.told() == [("t3", "rejected")]
    scene.wait(5_000)
    assert effects.StopHandler(T1, StopWhy.LEAVING) in scene.last


def test_a_handler_that_does_not_end_is_named_when_the_agent_leaves() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.feed(events.LeaveAsked(scene.now, scene.now + 12_000, "stopped"))
    scene.wait(11_999)
    assert scene.ever(effects.Leave) == []
    scene.wait(1)
    assert scene.those(effects.Leave) == [effects.Leave("stopped", (T1,))]


def test_a_leaving_agent_without_a_connection_does_not_wait_for_acknowledgements() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.end(T1)
    scene.feed(events.Disconnected())
    scene.feed(events.LeaveAsked(scene.now + 5_000, scene.now + 12_000))
    assert len(scene.those(effects.Leave)) == 1


def test_an_agent_that_has_left_asks_for_no_more_time() -> None:
    scene = Scene().connect()
    scene.feed(events.LeaveAsked(scene.now, scene.now))
    assert scene.machine.next_due(scene.now) is None
