"""Liveness: wills, silence, leases, and when work may be given to somebody else."""

import pytest

from coordinator.core.effects import LogAttempt, SayLease, ShowAgent
from protocol.vocabulary import HoldingPhase, PresenceState, ReportEvent
from tests.support.fleet import Fleet

LEASE_S, MARGIN_S = 60, 2


@pytest.fixture
def fleet() -> Fleet:
    """Return two agents of which the first holds a task."""
    fleet = Fleet()
    fleet.agent("Main")
    fleet.create(id="hunt")
    fleet.agent("Alt", slots=4)
    return fleet


def test_a_last_will_makes_suspect_and_frees_nothing(fleet: Fleet) -> None:
    fleet.will("Main")

    assert fleet.state.agents["Main"].suspect
    assert fleet.holder("hunt") == "Main"
    assert fleet.phase("hunt") == "unknown"
    assert fleet.stories() == ["agent_suspect"]


def test_a_suspect_agent_gets_nothing_new() -> None:
    fleet = Fleet()
    fleet.agent("Main", slots=2)
    fleet.will("Main")
    task = fleet.create()

    assert fleet.phase(task) == "ready"
    fleet.beat("Main")
    assert fleet.holder(task) == "Main"


def test_a_heartbeat_after_a_will_takes_the_suspicion_away(fleet: Fleet) -> None:
    fleet.will("Main")
    fleet.beat("Main")

    assert not fleet.state.agents["Main"].suspect
    assert fleet.phase("hunt") == "running"
    assert fleet.state.agents["Main"].presence is PresenceState.ONLINE


def test_the_will_of_an_earlier_connection_means_nothing(fleet: Fleet) -> None:
    late = fleet.bots["Main"].presence(PresenceState.LOST)
    fleet.thaw("Main")
    fleet.hear(late)

    assert not fleet.state.agents["Main"].suspect


def test_silence_makes_suspect_then_lost_and_only_then_is_the_task_given_to_another(
    fleet: Fleet,
) -> None:
    fleet.crash("Main")
    main = fleet.state.agents["Main"]

    fleet.pass_time(24.999)
    assert not main.suspect
    fleet.pass_time(0.001)
    assert main.suspect
    assert not main.lost
    fleet.pass_time(LEASE_S + MARGIN_S - 25)
    assert main.lost
    assert fleet.holder("hunt") == "Main"
    fleet.pass_time(0.001)
    assert fleet.holder("hunt") == "Alt"


def test_an_agent_whose_heart_beats_faster_is_missed_sooner_from_its_first_heartbeat_on() -> None:
    fleet = Fleet()
    fleet.agent("Main", heartbeat_ms=4_000)
    fleet.crash("Main")
    main = fleet.state.agents["Main"]

    fleet.pass_time(9.999)
    assert not main.suspect
    fleet.pass_time(0.001)
    assert main.suspect


def test_an_agent_that_was_suspect_is_missed_as_soon_as_any_other_when_it_is_silent_again(
    fleet: Fleet,
) -> None:
    fleet.will("Main")
    fleet.freeze("Main")
    fleet.pass_time(26)
    fleet.thaw("Main")
    fleet.crash("Main")
    main = fleet.state.agents["Main"]

    fleet.pass_time(24.999)
    assert not main.suspect
    fleet.pass_time(0.001)
    assert main.suspect


def test_an_agent_whose_will_comes_before_its_first_heartbeat_is_not_lost_sooner() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    fleet.restart_coordinator()
    fleet.crash("Main")
    fleet.hear(fleet.bots["Main"].presence())
    fleet.will("Main")
    main = fleet.state.agents["Main"]

    fleet.pass_time(LEASE_S + MARGIN_S - 0.001)
    assert main.suspect
    assert not main.lost
    fleet.pass_time(0.001)
    assert main.lost


def test_a_new_boot_is_not_blamed_for_the_silence_of_the_one_before(fleet: Fleet) -> None:
    fleet.crash("Main")
    fleet.pass_time(20)
    bot = fleet.bots["Main"]
    bot.start(fleet.now.mono_ms, bot.epoch + 1, knows_predecessor=False)
    fleet.hear(bot.presence())
    bot.alive = False
    main = fleet.state.agents["Main"]

    fleet.pass_time(24.999)
    assert not main.suspect
    fleet.pass_time(0.001)
    assert main.suspect


def test_a_lease_runs_from_the_newest_heartbeat(fleet: Fleet) -> None:
    fleet.pass_time(10)
    fleet.crash("Main")
    fleet.pass_time(LEASE_S + MARGIN_S)

    assert fleet.holder("hunt") == "Main"
    fleet.pass_time(0.001)
    assert fleet.holder("hunt") == "Alt"


def test_an_agent_that_is_back_before_its_lease_ends_keeps_its_task(fleet: Fleet) -> None:
    fleet.freeze("Main")
    fleet.pass_time(50)
    fleet.thaw("Main")

    assert fleet.phase("hunt") == "running"
    fleet.pass_time(100)
    assert fleet.holder("hunt") == "Main"


def test_an_agent_that_is_back_too_late_is_not_to_go_on(fleet: Fleet) -> None:
    fleet.freeze("Main")
    fleet.pass_time(70)
    fleet.thaw("Main")

    assert fleet.holder("hunt") == "Alt"
    assert fleet.bots["Main"].jobs == {}
    assert not fleet.state.agents["Main"].lost


def test_a_lost_agent_counts_as_an_attempt(fleet: Fleet) -> None:
    fleet.crash("Main")
    fleet.pass_time(70)
    task = fleet.state.tasks["hunt"]

    assert (task.failures, task.starts, task.fence) == (1, 2, 2)


def test_a_task_that_brings_down_whoever_runs_it_fails_in_the_end() -> None:
    fleet = Fleet()
    for name in ("a", "b", "c"):
        fleet.agent(name)
    task = fleet.create(max_attempts=2)
    for _ in range(2):
        holder = fleet.holder(task)
        assert holder is not None
        fleet.crash(holder)
        fleet.pass_time(70)

    assert fleet.status(task) == "failed"
    assert fleet.state.tasks[task].error_code == "lost"
    assert fleet.state.agents["c"].held == {}


def test_work_that_must_be_finished_is_never_taken_away_by_silence() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    task = fleet.create(on_lease_lost="finish")
    fleet.agent("Alt")
    fleet.crash("Main")
    fleet.pass_time(1000)

    assert fleet.holder(task) == "Main"
    assert fleet.phase(task) == "unknown"
    fleet.restart("Main", knows_predecessor=True)
    assert fleet.state.tasks[task].fence == 2


def test_a_new_boot_that_knows_its_predecessor_dead_frees_that_boots_work_at_once(
    fleet: Fleet,
) -> None:
    fleet.create(id="other", agent="Alt")
    fleet.restart("Main", knows_predecessor=True)

    assert [log.outcome for log in fleet.said(LogAttempt)] == ["predecessor_dead"]
    assert fleet.state.tasks["hunt"].fence == 2
    assert fleet.state.tasks["other"].fence == 1


def test_it_frees_nothing_of_any_other_boot() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    task = fleet.create()
    fleet.restart("Main")
    fleet.restart("Main", knows_predecessor=True)

    assert fleet.state.tasks[task].fence == 1
    assert fleet.phase(task) == "unknown"


def test_it_frees_nothing_that_the_new_boot_still_has_to_report(fleet: Fleet) -> None:
    bot = fleet.bots["Main"]
    bot.mute = True
    fleet.finish("hunt", result="gold")
    kept = list(bot.outbox)
    bot.start(fleet.now.mono_ms, bot.epoch + 1, knows_predecessor=True)
    bot.outbox = kept
    fleet.hear(bot.presence(), bot.heartbeat(fleet.now.mono_ms))

    assert fleet.state.tasks["hunt"].fence == 1
    fleet.beat("Main")
    assert fleet.status("hunt") == "completed"
    assert fleet.state.tasks["hunt"].result == "gold"


def test_its_heartbeat_may_arrive_before_its_presence(fleet: Fleet) -> None:
    bot = fleet.bots["Main"]
    bot.start(fleet.now.mono_ms, bot.epoch + 1, knows_predecessor=True)
    fleet.hear(bot.heartbeat(fleet.now.mono_ms), bot.presence(), bot.info())
    fleet.beat("Main")

    assert fleet.state.tasks["hunt"].fence == 2


def test_a_new_boot_that_knows_nothing_of_the_one_before_waits_for_its_lease(fleet: Fleet) -> None:
    fleet.restart("Main")

    assert fleet.phase("hunt") == "unknown"
    fleet.pass_time(LEASE_S + MARGIN_S)
    assert fleet.state.tasks["hunt"].fence == 1
    fleet.pass_time(0.001)
    assert fleet.state.tasks["hunt"].fence == 2


def test_messages_of_an_earlier_boot_are_ignored(fleet: Fleet) -> None:
    bot = fleet.bots["Main"]
    will, heartbeat = bot.presence(PresenceState.LOST), bot.heartbeat(fleet.now.mono_ms)
    numbers = bot.numbers()
    fleet.restart("Main")
    fleet.hear(will, heartbeat, numbers)

    assert fleet.state.dropped["old_boot"] == 3
    assert not fleet.state.agents["Main"].suspect


def test_an_unknown_boot_of_a_lower_epoch_is_told_the_epoch_once_the_known_one_is_silent(
    fleet: Fleet,
) -> None:
    bot = fleet.bots["Main"]
    fleet.crash("Main")
    fleet.pass_time(70)
    bot.start(fleet.now.mono_ms, bot.epoch - 1, knows_predecessor=False)
    fleet.hear(bot.presence())

    assert fleet.state.dropped["old_boot"] == 1
    assert fleet.said(ShowAgent) == [ShowAgent("Main")]


def test_heartbeats_count_once_and_in_order(fleet: Fleet) -> None:
    bot = fleet.bots["Main"]
    first, second = bot.heartbeat(fleet.now.mono_ms), bot.heartbeat(fleet.now.mono_ms)
    fleet.hear(second)
    fleet.hear(first, second)

    assert fleet.said(SayLease) == []
    assert fleet.state.dropped["old_heartbeat"] == 2


def test_a_heartbeat_that_the_broker_only_remembered_renews_nothing(fleet: Fleet) -> None:
    old = fleet.bots["Main"].heartbeat(fleet.now.mono_ms)
    fleet.crash("Main")
    fleet.pass_time(30)
    fleet.hear(old, retained=True)

    assert fleet.state.agents["Main"].suspect
    fleet.pass_time(40)
    assert fleet.holder("hunt") == "Alt"


@pytest.mark.parametrize("reports", [1, 2])
def test_a_task_that_two_heartbeats_in_a_row_do_not_list_is_lost(
    fleet: Fleet, reports: int
) -> None:
    fleet.bots["Main"].jobs.clear()
    for _ in range(reports):
        fleet.beat("Main")

    assert fleet.state.tasks["hunt"].fence == reports


def test_a_heartbeat_from_before_the_assignment_says_nothing_about_it(fleet: Fleet) -> None:
    bot = fleet.bots["Alt"]
    bot.deaf = True
    task = fleet.create(agent="Alt")
    for _ in range(4):
        fleet.beat("Alt")

    assert fleet.holder(task) == "Alt"
    assert fleet.phase(task) == "offered"
    fleet.thaw("Alt")
    assert fleet.phase(task) == "running"


def test_an_agent_that_lists_its_task_again_in_between_has_not_lost_it(fleet: Fleet) -> None:
    bot = fleet.bots["Main"]
    job = bot.jobs.pop("hunt")
    fleet.beat("Main")
    bot.jobs["hunt"] = job
    fleet.beat("Main")
    bot.jobs.pop("hunt")
    fleet.beat("Main")

    assert fleet.state.tasks["hunt"].fence == 1


def test_the_answer_to_a_heartbeat_renews_what_it_listed_and_nothing_else(fleet: Fleet) -> None:
    fleet.create(id="second", agent="Alt")
    fleet.create(id="third", agent="Alt")
    fleet.bots["Alt"].jobs.pop("third")
    fleet.beat("Alt")

    assert fleet.said(SayLease)[0].granted == (("second", 1),)


def test_what_an_agent_only_has_to_report_is_not_renewed(fleet: Fleet) -> None:
    bot = fleet.bots["Main"]
    bot.mute = True
    fleet.finish("hunt")
    bot.mute = False
    fleet.hear(bot.heartbeat(fleet.now.mono_ms))

    assert fleet.said(SayLease)[0].granted == ()


def test_when_the_coordinator_stood_still_nobody_is_judged_for_it(fleet: Fleet) -> None:
    fleet.stall(300)

    assert fleet.stories() == []
    assert fleet.holder("hunt") == "Main"
    fleet.pass_time(10)
    assert fleet.phase("hunt") == "running"


def test_a_stall_is_added_to_a_lease_and_not_more(fleet: Fleet) -> None:
    fleet.crash("Main")
    fleet.pass_time(30)
    fleet.stall(100)
    fleet.pass_time(32)

    assert fleet.holder("hunt") == "Main"
    fleet.pass_time(0.001)
    assert fleet.holder("hunt") == "Alt"


def test_an_agent_that_was_behind_when_the_coordinator_stood_still_is_not_called_deaf() -> None:
    fleet = Fleet()
    fleet.agent("Main", slots=2)
    bot = fleet.bots["Main"]
    bot.deaf = True
    fleet.create(id="first")
    fleet.beat("Main")
    fleet.stall(60)
    fleet.beat("Main")
    fleet.create(id="second")

    assert fleet.running() == ["first", "second"]


def test_an_agent_that_says_goodbye_gets_nothing_new_and_keeps_its_lease(fleet: Fleet) -> None:
    fleet.hear(fleet.bots["Main"].presence(PresenceState.OFFLINE))
    task = fleet.create(agent="Main")
    fleet.bots["Main"].alive = False

    assert fleet.holder("hunt") == "Main"
    assert fleet.state.agents["Main"].status.value == "offline"
    fleet.pass_time(LEASE_S + MARGIN_S + 1)
    assert fleet.holder("hunt") == "Alt"
    assert fleet.phase(task) == "ready"


@pytest.mark.parametrize("state", [PresenceState.DRAINING, PresenceState.PAUSED])
def test_an_agent_that_drains_or_pauses_gets_nothing_new(state: PresenceState) -> None:
    fleet = Fleet()
    fleet.agent("Main")
    fleet.hear(fleet.bots["Main"].presence(state))
    task = fleet.create()

    assert fleet.phase(task) == "ready"
    fleet.hear(fleet.bots["Main"].presence())
    assert fleet.holder(task) == "Main"


def test_an_agent_that_never_says_a_heartbeat_is_lost_in_the_end() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    fleet.restart_coordinator()
    bot = fleet.bots["Main"]
    bot.alive = False
    bot.conn += 1
    fleet.hear(bot.presence())
    main = fleet.state.agents["Main"]

    fleet.pass_time(25)
    assert main.suspect
    fleet.pass_time(LEASE_S + MARGIN_S - 25 - 0.001)
    assert not main.lost
    fleet.pass_time(0.001)
    assert main.lost
    assert fleet.state.agents["Main"].status.value == "offline"


def test_work_that_may_outlive_its_lease_is_lent_again_on_an_operators_word_only() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    fleet.create(id="hunt", on_lease_lost="finish")
    fleet.crash("Main")

    assert fleet.ask("retry", task="hunt").code == "conflict"
    fleet.pass_time(600)
    fleet.agent("Alt")
    assert (fleet.holder("hunt"), fleet.phase("hunt")) == ("Main", "unknown")

    unnamed = fleet.ask("retry", task="hunt")
    assert (unnamed.code, fleet.holder("hunt")) == ("conflict", "Main")
    assert "Main holds it under fence 1" in str(unnamed.message)
    assert fleet.ask("retry", task="hunt", fence=2).code == "conflict"
    assert fleet.ask("retry", task="hunt", fence=1).ok
    assert fleet.holder("hunt") == "Alt"


@pytest.mark.parametrize("op", ["cancel", "pause"])
def test_what_outlives_its_lease_shows_that_its_holder_is_silent_whatever_is_wanted_of_it(
    op: str,
) -> None:
    fleet = Fleet()
    fleet.agent("Main")
    fleet.create(id="hunt", on_lease_lost="finish")
    fleet.crash("Main")
    fleet.pass_time(600)

    assert fleet.ask(op, task="hunt").ok
    fleet.pass_time(600)
    assert fleet.phase("hunt") == "unknown"
    assert fleet.ask("retry", task="hunt", fence=1).ok
    assert fleet.status("hunt") == {"cancel": "cancelled", "pause": "paused"}[op]


def test_a_task_may_go_on_as_soon_as_its_silent_agent_is_back() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    fleet.create(id="hunt", on_lease_lost="finish")
    fleet.ask("pause", task="hunt")
    fleet.bots["Main"].jobs["hunt"].deadline_ms = 2**53
    fleet.freeze("Main")
    fleet.pass_time(600)

    assert fleet.ask("resume", task="hunt").ok
    assert fleet.phase("hunt") == "unknown"
    fleet.thaw("Main")
    assert fleet.phase("hunt") == "running"


@pytest.mark.parametrize(("op", "phase"), [("pause", "paused_running"), ("cancel", "cancelling")])
def test_an_agent_that_comes_back_is_still_wanted_to_do_what_it_was_told(
    op: str, phase: str
) -> None:
    fleet = Fleet()
    fleet.agent("Main", obeys=False)
    fleet.create(id="hunt", on_lease_lost="finish")
    fleet.ask(op, task="hunt")
    if op == "pause":
        fleet.report("hunt", ReportEvent.PAUSED)
        fleet.bots["Main"].jobs["hunt"].phase = HoldingPhase.PAUSED
    fleet.bots["Main"].jobs["hunt"].deadline_ms = 2**53  # it outlives its lease by right
    fleet.freeze("Main")
    fleet.pass_time(100)
    assert fleet.phase("hunt") == "unknown"

    fleet.thaw("Main")
    assert fleet.phase("hunt") == phase


@pytest.mark.parametrize("is_forgotten", [False, True])
def test_a_process_that_took_the_epoch_of_a_dead_one_is_told_a_higher_one(
    fleet: Fleet, *, is_forgotten: bool
) -> None:
    bot, agent = fleet.bots["Alt"], fleet.state.agents["Alt"]
    fleet.crash("Alt")
    if is_forgotten:
        fleet.ask("forget", agent="Alt")
    fleet.pass_time(LEASE_S + MARGIN_S + 20)
    bot.start(fleet.now.mono_ms, bot.epoch, knows_predecessor=False)
    fleet.hear(bot.presence())
    assert fleet.said(ShowAgent) == [ShowAgent("Alt")]
    assert (agent.epoch, agent.is_forgotten) == (bot.epoch + 1, is_forgotten)
    fleet.hear(bot.info())
    assert agent.epoch == bot.epoch + 1
    bot.epoch = agent.epoch + 1
    fleet.hear(bot.presence(), bot.info(), bot.heartbeat(fleet.now.mono_ms))
    assert (agent.boot, agent.is_forgotten, agent.is_present) == (bot.boot, False, True)
