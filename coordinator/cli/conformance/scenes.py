"""The trial: what the coordinator does in which order, and which assertions that decides.

The program's handler of the mode ``conformance`` sleeps for ``args.sleep_s`` seconds, then fails
with the code ``args.fail`` if there is one, and else succeeds with ``{"echo": args.echo}``.
"""

import itertools
import signal
import time
from collections.abc import Callable
from typing import Any, Final

from coordinator.cli.conformance.assertions import Judge
from coordinator.cli.conformance.bus import Heard
from coordinator.cli.conformance.stage import AGENT, HEARTBEAT_S, Stage
from protocol.topics import AgentChannel

QUIET_S: Final = 2.5
"""How long nothing may begin that must not."""
SLACK_S: Final = 3.0
LONG: Final = {"sleep_s": 60}
_A_DAY_MS: Final = 86_400_000
_FOREIGN_BOOT: Final = "0123456789abcdef" * 2


def first_words(stage: Stage, judge: Judge) -> None:
    """Hear what a fresh process says by itself."""
    said = stage.bus.remembered(f"agents/{AGENT}/presence") or {}
    stated = stage.of(AgentChannel.PRESENCE)
    first = stated[0] if stated else None
    fault = first.fault if first else "none was said"
    judge.check(
        "PRES-1",
        first and not fault and first.said.get("state") == "online" and said,
        fault or f"{first.said.get('state') if first else None}, retained: {bool(said)}",
    )
    info = stage.of(AgentChannel.INFO)
    kept = stage.bus.remembered(f"agents/{AGENT}/info")
    fault = info[0].fault if info else "none was said"
    capable = info and info[0].said.get("capabilities")
    judge.check("PRES-2", not fault and kept and capable, fault or f"capabilities: {capable}")
    beats = stage.beats(4)
    seqs = [beat.said.get("seq") for beat in stage.of(AgentChannel.HEARTBEAT)]
    faults = [beat.fault for beat in beats if beat.fault]
    grows = all(isinstance(a, int) and isinstance(b, int) and a < b for a, b in _pairs(seqs))
    kept = stage.bus.remembered(f"agents/{AGENT}/heartbeat")
    judge.check("BEAT-1", grows and not faults and kept, faults or f"seq {seqs}, kept {bool(kept)}")
    gaps = [b.at - a.at for a, b in _pairs(beats)]
    interval = float(beats[-1].said.get("interval_s", 0)) if beats else 0.0
    steady = gaps and interval and max(gaps) < 1.5 * interval + 0.5
    told = ", ".join(f"{gap:.2f}" for gap in gaps)
    judge.check("BEAT-2", steady, f"interval_s {interval:g}, gaps {told} s")
    since = time.monotonic()
    stage.roll_call()
    answered = stage.bus.wait(
        lambda: all(
            stage.of(said, since) for said in (AgentChannel.PRESENCE, AgentChannel.HEARTBEAT)
        ),
        HEARTBEAT_S + 2,
    )
    judge.check("BEAT-6", answered, "answered" if answered else "no presence after a roll call")


def plain_work(stage: Stage, judge: Judge) -> None:
    """Let work succeed, fail and be unknown; look at reports and at what is held."""
    stage.acknowledges = False
    stage.assign("ok", 1, args={"sleep_s": 0.2, "echo": "hello"})
    stage.desire()
    done = stage.wait_for_report("ok", "succeeded")
    result = done.said.get("detail", {}).get("result") if done else None
    judge.check("WORK-1", result == {"echo": "hello"}, _told(done) or stage.reports("ok"))
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
    same = again and done and _content(again[0]) == _content(done)
    judge.check(
        "REPT-2", same, "sent again" if same else f"again: {_told(again[0] if again else None)}"
    )
    stage.acknowledges = True
    _acknowledge_all(stage)
    stage.desire()
    stage.beats(2)
    since = time.monotonic()
    stage.beats(3)
    late = [_told(report) for report in stage.of(AgentChannel.REPORT, since)]
    judge.check("REPT-3", not late, late or "silence")
    held = [task for task, _, _ in stage.holding()]
    judge.check("BEAT-4", "ok" not in held, f"holding {held} after the acknowledgement")
    stage.held.clear()
    stage.assign("bad", 1, args={"fail": "no_luck"})
    stage.desire()
    failed = stage.wait_for_report("bad", "failed")
    code = failed.said.get("detail", {}).get("code") if failed else None
    judge.check("REPT-4", code == "no_luck", _told(failed) or stage.reports("bad"))
    stage.held.clear()
    stage.assign("alien", 1, mode="nobody-knows-this")
    stage.desire()
    refused = stage.wait_for_report("alien", "rejected")
    judge.check("REPT-5", refused, _told(refused) or stage.reports("alien"))
    stage.held.clear()
    stage.desire()


def fences(stage: Stage, judge: Judge) -> None:
    """Say again what is over, and what was for somebody else."""
    since = time.monotonic()
    stage.assign("other", 1)
    stage.desire(for_boot=_FOREIGN_BOOT)
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


def bad_input(stage: Stage, judge: Judge) -> None:
    """Say nonsense, and then something sensible."""
    boot = stage.boot
    deep = b'{"a":' * 64 + b"1" + b"}" * 64
    for raw in (
        b"\xff\xfe",
        b"",
        b"[]",
        b"null",
        b'{"v":"9.9"}',
        b'{"rev":1e999}',
        deep,
        b"{" * 99,
    ):
        stage.bus.say(f"inbox/{AGENT}/desired", raw, retain=False)
        stage.bus.say(f"inbox/{AGENT}/lease", raw, retain=False)
        stage.bus.say("coordinator/presence", raw, retain=False)
    since = time.monotonic()
    stage.assign("illegal", 1)
    stage.held["illegal"]["fence"] = "one"
    stage.assign("innocent", 1)
    stage.desire()
    begun = [*stage.stays_quiet("illegal", QUIET_S, since=since), *stage.reports("innocent", since)]
    judge.check("BAD-3", not begun, begun or "nothing begun")
    stage.held.clear()
    stage.assign("sensible", 1, args={"echo": 1}, invented={"a": [1]})
    stage.desire(invented=True)
    done = stage.wait_for_report("sensible", "succeeded")
    judge.check("BAD-2", done, stage.reports("sensible") or "not begun")
    alive = stage.status is None and stage.boot == boot
    judge.check("BAD-1", done and alive, "alive" if alive else f"ended with {stage.status}")
    stage.held.clear()
    stage.desire()


def connections(stage: Stage, judge: Judge) -> None:
    """Break the connection, and lie about the agent on its own presence topic."""
    stage.beats(1)
    last = stage.of(AgentChannel.PRESENCE)[-1].said
    since = time.monotonic()
    stage.bus.throw_out(AGENT)
    lost = stage.wait_for_state("lost", since)
    right = lost and (lost.said.get("boot"), lost.said.get("conn")) == (
        last.get("boot"),
        last.get("conn"),
    )
    judge.check("PRES-3", right and lost and not lost.fault, _told(lost) or "no will")
    back = stage.wait_for_state("online", since, 15)
    beat = stage.beats(1)
    info = stage.bus.wait(lambda: stage.of(AgentChannel.INFO, since), 5)
    higher = back and back.said.get("conn", 0) > last.get("conn", 0)
    told = f"conn {last.get('conn')} then {back.said.get('conn') if back else None}"
    judge.check("PRES-4", higher and beat and info, f"{told}, info {len(info)}, beats {len(beat)}")
    newest = stage.of(AgentChannel.PRESENCE)[-1].said
    for number, lie in (
        ("PRES-5", newest | {"state": "lost"}),
        ("PRES-6", newest | {"boot": _FOREIGN_BOOT, "epoch": newest.get("epoch", 1) - 1}),
    ):
        time.sleep(0.3)  # it may correct itself only four times a second
        since = time.monotonic()
        stage.bus.say(f"agents/{AGENT}/presence", lie)
        own = stage.bus.wait(lambda since=since: _own_presence(stage, since), 5)  # type: ignore[misc]
        judge.check(number, own and stage.status is None, "corrected" if own else "not corrected")


def leaving(stage: Stage, judge: Judge) -> None:
    """Drain and stop; then start again, with a future epoch on the bus; end by SIGTERM."""
    first = stage.of(AgentChannel.PRESENCE)[-1].said
    stage.assign("last", 1, args={"sleep_s": 2.0, "echo": "done"})
    stage.desire()
    stage.wait_for_report("last", "started")
    since = time.monotonic()
    stage.desire(mode="drain")
    draining = stage.wait_for_state("draining", since)
    done = stage.wait_for_report("last", "succeeded")
    judge.check("END-1", draining and done, f"{_states(stage, since)}, {stage.reports('last')}")
    stage.held.clear()
    since = time.monotonic()
    stage.desire(mode="stop")
    status = stage.wait_for_end()
    offline = stage.wait_for_state("offline", since, 2)
    judge.check("END-2", status == 0 and offline, f"status {status}, {_states(stage, since)}")
    stage.kill()
    _numbers(stage, judge)
    future = time.time_ns() // 1_000_000 + _A_DAY_MS
    said = {"boot": _FOREIGN_BOOT, "epoch": future, "state": "offline", "ts_ms": 1}
    stage.bus.say(f"agents/{AGENT}/presence", first | said)
    stage.start()
    second = stage.of(AgentChannel.PRESENCE)[-1].said
    boots = [first.get("boot"), second.get("boot")]
    judge.check("PRES-8", boots[0] != boots[1], f"boots {boots}")
    epoch = second.get("epoch", 0)
    judge.check("PRES-9", epoch > future, f"epoch {epoch} with {future} retained")
    since = time.monotonic()
    stage.signal(signal.SIGTERM)
    status = stage.wait_for_end()
    offline = stage.wait_for_state("offline", since, 2)
    judge.check("END-3", status == 0 and offline, f"status {status}, {_states(stage, since)}")
    stage.kill()


def superseded(stage: Stage, judge: Judge) -> None:
    """Let a newer process of the same name appear."""
    stage.start()
    newest = stage.of(AgentChannel.PRESENCE)[-1].said
    successor = newest | {"boot": _FOREIGN_BOOT, "epoch": newest.get("epoch", 1) + 1_000_000}
    stage.bus.say(f"agents/{AGENT}/presence", successor)
    status = stage.wait_for_end()
    since = time.monotonic()
    stage.bus.wait(lambda: _own_presence(stage, since), 2 * HEARTBEAT_S)
    quiet = not _own_presence(stage, since)
    seen = f"status {status}, {'silent' if quiet else 'it still speaks'}"
    judge.check("PRES-7", status not in {None, 0} and quiet, seen)


SCENES: Final[tuple[Callable[[Stage, Judge], None], ...]] = (
    first_words,
    plain_work,
    fences,
    stopping,
    leases,
    bad_input,
    connections,
    leaving,
    superseded,
)


def _numbers(stage: Stage, judge: Judge) -> None:
    reports = stage.of(AgentChannel.REPORT)
    faults = [report.fault for report in reports if report.fault]
    seqs = sorted({report.said.get("seq", 0) for report in reports})
    gapless = seqs == list(range(1, len(seqs) + 1))
    judge.check("REPT-1", reports and gapless and not faults, faults or f"{len(seqs)}: {seqs[:12]}")


def _own_presence(stage: Stage, since: float) -> list[Heard]:
    return [
        heard
        for heard in stage.of(AgentChannel.PRESENCE, since)
        if heard.said.get("boot") == stage.boot and heard.said.get("state") == "online"
    ]


def _acknowledge_all(stage: Stage) -> None:
    for report in sorted(stage.of(AgentChannel.REPORT), key=lambda one: one.said.get("seq", 0)):
        boot, seq = str(report.said.get("boot")), report.said.get("seq")
        if seq == stage.acks.get(boot, 0) + 1:
            stage.acks[boot] = seq


def _content(report: Heard) -> dict[str, Any]:
    changes = {"ts_ms", "conn", "epoch"}
    return {key: value for key, value in report.said.items() if key not in changes}


def _told(heard: Heard | None) -> str:
    if heard is None:
        return ""
    shown = ("task", "fence", "seq", "event", "state", "boot", "conn", "detail")
    told = ", ".join(f"{key} {heard.said[key]}" for key in shown if key in heard.said)
    return f"{told} ({heard.fault})" if heard.fault else told


def _states(stage: Stage, since: float) -> str:
    states = [str(one.said.get("state")) for one in stage.of(AgentChannel.PRESENCE, since)]
    return "presence " + (" then ".join(states) or "unchanged")


def _pairs(values: list[Any]) -> list[tuple[Any, Any]]:
    return list(itertools.pairwise(values))
