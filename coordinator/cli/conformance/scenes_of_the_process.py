"""Scenes about the program itself: how it speaks, stands nonsense, connects, and ends."""

import signal
import time
from typing import Final

from coordinator.cli.conformance.assertions import Judge
from coordinator.cli.conformance.heard import FOREIGN_BOOT, line_of, own_presence, pairs, states
from coordinator.cli.conformance.stage import AGENT, HEARTBEAT_S, QUIET_S, Stage
from protocol.topics import AgentChannel

_A_DAY_MS: Final = 86_400_000


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
    grows = all(isinstance(a, int) and isinstance(b, int) and a < b for a, b in pairs(seqs))
    kept = stage.bus.remembered(f"agents/{AGENT}/heartbeat")
    judge.check("BEAT-1", grows and not faults and kept, faults or f"seq {seqs}, kept {bool(kept)}")
    gaps = [b.at - a.at for a, b in pairs(beats)]
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
    judge.check("PRES-3", right and lost and not lost.fault, line_of(lost) or "no will")
    back = stage.wait_for_state("online", since, 15)
    beat = stage.beats(1)
    info = stage.bus.wait(lambda: stage.of(AgentChannel.INFO, since), 5)
    higher = back and back.said.get("conn", 0) > last.get("conn", 0)
    told = f"conn {last.get('conn')} then {back.said.get('conn') if back else None}"
    judge.check("PRES-4", higher and beat and info, f"{told}, info {len(info)}, beats {len(beat)}")
    newest = stage.of(AgentChannel.PRESENCE)[-1].said
    for number, lie in (
        ("PRES-5", newest | {"state": "lost"}),
        ("PRES-6", newest | {"boot": FOREIGN_BOOT, "epoch": newest.get("epoch", 1) - 1}),
    ):
        time.sleep(0.3)  # it may correct itself only four times a second
        since = time.monotonic()
        stage.bus.say(f"agents/{AGENT}/presence", lie)
        own = stage.bus.wait(lambda since=since: own_presence(stage, since), 5)  # type: ignore[misc]
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
    judge.check("END-1", draining and done, f"{states(stage, since)}, {stage.reports('last')}")
    stage.held.clear()
    since = time.monotonic()
    stage.desire(mode="stop")
    status = stage.wait_for_end()
    offline = stage.wait_for_state("offline", since, 2)
    judge.check("END-2", status == 0 and offline, f"status {status}, {states(stage, since)}")
    stage.kill()
    _numbers(stage, judge)
    future = time.time_ns() // 1_000_000 + _A_DAY_MS
    lie = first | {"boot": FOREIGN_BOOT, "epoch": future, "state": "offline", "ts_ms": 1}
    stage.bus.say(f"agents/{AGENT}/presence", lie)
    # Heard before the process starts, it cannot be taken for the first thing that this one says.
    stage.bus.wait(lambda: any(heard.said == lie for heard in stage.of(AgentChannel.PRESENCE)), 5)
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
    judge.check("END-3", status == 0 and offline, f"status {status}, {states(stage, since)}")
    stage.kill()


def superseded(stage: Stage, judge: Judge) -> None:
    """Let a newer process of the same name appear."""
    stage.start()
    newest = stage.of(AgentChannel.PRESENCE)[-1].said
    successor = newest | {"boot": FOREIGN_BOOT, "epoch": newest.get("epoch", 1) + 1_000_000}
    stage.bus.say(f"agents/{AGENT}/presence", successor)
    status = stage.wait_for_end()
    since = time.monotonic()
    stage.bus.wait(lambda: own_presence(stage, since), 2 * HEARTBEAT_S)
    quiet = not own_presence(stage, since)
    seen = f"status {status}, {'silent' if quiet else 'it still speaks'}"
    judge.check("PRES-7", status not in {None, 0} and quiet, seen)


def _numbers(stage: Stage, judge: Judge) -> None:
    reports = stage.of(AgentChannel.REPORT)
    faults = [report.fault for report in reports if report.fault]
    seqs = sorted({report.said.get("seq", 0) for report in reports})
    gapless = seqs == list(range(1, len(seqs) + 1))
    judge.check("REPT-1", reports and gapless and not faults, faults or f"{len(seqs)}: {seqs[:12]}")
