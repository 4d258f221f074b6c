"""Scenes about work: given, fenced, taken away, and lent for a while."""

import time
from typing import Final

from coordinator.cli.conformance.assertions import Judge
from coordinator.cli.conformance.heard import FOREIGN_BOOT, content, line_of
from coordinator.cli.conformance.stage import HEARTBEAT_S, QUIET_S, Stage
from protocol.topics import AgentChannel

SLACK_S: Final = 3.0
LONG: Final = {"sleep_s": 60}


def plain_work(stage: Stage, judge: Judge) -> None:
    """Let work succeed, fail and be unknown; look at reports and at what is held."""
    stage.acknowledges = False
    stage.assign("ok", 1, args={"sleep_s": 0.2, "echo": "hello"})
    stage.desire()
    done = stage.wait_for_report("ok", "succeeded")
    result = done.said.get("detail", {}).get("result") if done else None
    judge.check("WORK-1", result == {"echo": "hello"}, line_of(done) or stage.reports("ok"))
    beats = stage.beats(2)
    held = [task for task, _, _ in stage.holding()]
    judge.check("BEAT-4", "ok" in held, f"holding {held} before the acknowledgement")
    seen = beats[-1].said.get("seen", {}) if beats else {}
    newest = {"term": 1, "rev": stage.rev}
    judge.check("BEAT-5", seen | newest == seen, f"seen {seen} after rev {stage.rev}")
    again = stage.bus.wait(
        lambda: [
            report
            for report in stage.of(AgentChannel.REPORT)
            if done and report.said.get("seq") == done.said.get("seq")
        ][1:],
        3 * HEARTBEAT_S + 2,
    )
    same = again and done and content(again[0]) == content(done)
    judge.check(
        "REPT-2", same, "sent again" if same else f"again: {line_of(again[0] if again else None)}"
    )
    stage.acknowledges = True
    _acknowledge_all(stage)
    stage.desire()
    stage.beats(2)
    since = time.monotonic()
    stage.beats(3)
    late = [line_of(report) for report in stage.of(AgentChannel.REPORT, since)]
    judge.check("REPT-3", not late, late or "silence")
    held = [task for task, _, _ in stage.holding()]
    judge.check("BEAT-4", "ok" not in held, f"holding {held} after the acknowledgement")
    stage.held.clear()
    stage.assign("bad", 1, args={"fail": "no_luck"})
    stage.desire()
    failed = stage.wait_for_report("bad", "failed")
    code = failed.said.get("detail", {}).get("code") if failed else None
    judge.check("REPT-4", code == "no_luck", line_of(failed) or stage.reports("bad"))
    stage.held.clear()
    stage.assign("alien", 1, mode="nobody-knows-this")
    stage.desire()
    refused = stage.wait_for_report("alien", "rejected")
    judge.check("REPT-5", refused, line_of(refused) or stage.reports("alien"))
    stage.held.clear()
    stage.desire()


def fences(stage: Stage, judge: Judge) -> None:
    """Say again what is over, and what was for somebody else."""
    since = time.monotonic()
    stage.assign("other", 1)
    stage.desire(for_boot=FOREIGN_BOOT)
    begun = stage.stays_quiet("other", QUIET_S, since=since)
    judge.check("WORK-2", not begun, begun or "nothing begun")
    stage.held.clear()
    stage.desire()
    since = time.monotonic()
    old = stage.rev - 1
    stage.assign("replayed", 1)
    stage.desire(rev=old)
    stage.rev -= 1
    begun = stage.stays_quiet("replayed", QUIET_S, since=since)
    judge.check("WORK-5", not begun, begun or "nothing begun")
    stage.held.clear()
    stage.assign("fenced", 5, args={"sleep_s": 0.1})
    stage.desire()
    stage.wait_for_report("fenced", "succeeded")
    stage.held.clear()
    stage.desire()
    for fence in (5, 4):
        since = time.monotonic()
        stage.assign("fenced", fence)
        stage.desire()
        begun = stage.stays_quiet("fenced", QUIET_S, since=since)
        judge.check("WORK-6", not begun, f"fence {fence} after 5: {begun or 'nothing begun'}")
        stage.held.clear()
    since = time.monotonic()
    stage.assign("fenced", 6, args={"sleep_s": 0.1})
    stage.desire()
    done = stage.bus.wait(lambda: "succeeded" in stage.reports("fenced", since), 8)
    judge.check("WORK-7", done, stage.reports("fenced", since))
    stage.held.clear()
    stage.desire()


def stopping(stage: Stage, judge: Judge) -> None:
    """Take away, cancel and pause what runs."""
    stage.assign("unlisted", 1, args=LONG)
    stage.desire()
    stage.wait_for_report("unlisted", "started")
    stage.beats(1)
    held = [task for task, _, _ in stage.holding()]
    judge.check("BEAT-3", "unlisted" in held, f"holding {held}")
    stage.held.clear()
    stage.desire()
    ended = stage.wait_for_report("unlisted", "abandoned", "cancelled", within_s=1 + SLACK_S)
    judge.check("WORK-8", ended, stage.reports("unlisted"))
    stage.assign("unwanted", 1, args=LONG)
    stage.desire()
    stage.wait_for_report("unwanted", "started")
    stage.held["unwanted"]["want"] = "cancel"
    stage.desire()
    ended = stage.wait_for_report("unwanted", "cancelled", within_s=1 + SLACK_S)
    judge.check("WORK-9", ended, stage.reports("unwanted"))
    stage.held.clear()
    stage.desire()
    info = stage.of(AgentChannel.INFO)
    if not info or "pause" not in info[-1].said.get("features", []):
        judge.not_claimed("WORK-12", "`features` has no `pause`")
        return
    stage.assign("resting", 1, args=LONG)
    stage.desire()
    stage.wait_for_report("resting", "started")
    for want, event in (("pause", "paused"), ("run", "resumed")):
        stage.held["resting"]["want"] = want
        stage.desire()
        judge.check("WORK-12", stage.wait_for_report("resting", event), stage.reports("resting"))
    stage.held.clear()
    stage.desire()


def leases(stage: Stage, judge: Judge) -> None:
    """Let leases run out, before the start and after it."""
    stage.beats(1)
    stage.grants = frozenset()
    old = stage.seq
    stage.bus.wait(lambda: stage.seq >= old + 3, 6 * HEARTBEAT_S)
    since = time.monotonic()
    stage.assign("late", 1, lease_s=1.5, margin_s=0.1, cancel_grace_s=0.2, args={"sleep_s": 0.1})
    stage.desire(as_of=old)
    begun = stage.stays_quiet("late", QUIET_S, since=since)
    judge.check("WORK-3", not begun, begun or f"nothing begun, holding {stage.holding()}")
    judge.check("BEAT-3", ("late", 1, "accepted") in stage.holding(), stage.holding())
    stage.held["late"]["lease_s"] = 30.0
    stage.grants = None
    started = stage.wait_for_report("late", "started", "succeeded")
    judge.check("WORK-4", started, stage.reports("late") or "not begun")
    stage.held.clear()
    stage.desire()
    stage.beats(1)
    stage.assign("kept", 1, lease_s=4.0, margin_s=0.2, cancel_grace_s=1.0, args=LONG)
    stage.assign("lost", 1, lease_s=4.0, margin_s=0.2, cancel_grace_s=1.0, args=LONG)
    slots = stage.of(AgentChannel.INFO)[-1].said.get("slots", 1)
    if slots == 1:
        del stage.held["kept"]
        judge.not_claimed("WORK-11", "`slots` is 1; see WORK-10")
    stage.desire()
    for task in stage.held:
        stage.wait_for_report(task, "started")
    stage.grants = frozenset({"kept"})
    granted_at = time.monotonic()
    # The coordinator may lend it again lease and margin after it processed the last heartbeat.
    gone = stage.wait_for_report("lost", "abandoned", within_s=4.2 + 0.5)
    took = f"{gone.at - granted_at:.1f} s after the last grant" if gone else "still at it"
    judge.check("WORK-10", gone, f"{stage.reports('lost')}, {took}")
    if slots != 1:
        judge.check("WORK-11", "abandoned" not in stage.reports("kept"), stage.reports("kept"))
    stage.grants = None
    stage.held.clear()
    stage.desire()
    stage.beats(1)


def _acknowledge_all(stage: Stage) -> None:
    for report in sorted(stage.of(AgentChannel.REPORT), key=lambda one: one.said.get("seq", 0)):
        boot, seq = str(report.said.get("boot")), report.said.get("seq")
        if seq == stage.acks.get(boot, 0) + 1:
            stage.acks[boot] = seq
