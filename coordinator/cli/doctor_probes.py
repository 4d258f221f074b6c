"""What the doctor finds out about a broker, one probe for each thing the fleet relies on.

A probe speaks on topics of its own that no coordinator or agent takes for anything, and clears
what it retained. A finding is good, a note (the fleet copes, people should know), or bad.
"""

import json
import secrets
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from paho.mqtt.enums import MQTTProtocolVersion

from coordinator.address import BrokerAddress
from coordinator.cli.clock import now_ms
from coordinator.cli.doctor_client import ProbeClient, client
from protocol.topics import Topics

RETAINED: Final = 1000
BURST: Final = 1500
SIZES: Final = (16_384, 65_536, 262_144, 900_000)
WANTED_SIZE: Final = 262_144
ROUND_TRIPS: Final = 30
SLOW_MS: Final = 100.0
SKEW_MS: Final = 1000
SILENCE_S: Final = 8.0
HEARD_S: Final = 1.0
TURN_MORE_S: Final = 0.3


class Level(StrEnum):
    """How much a finding matters."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found out, in plain words, and its figures for programs."""

    probe: str
    level: Level
    says: str
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A broker, and as whom the doctor may speak to it."""

    topics: Topics
    coordinator: BrokerAddress
    second: BrokerAddress
    """Another of the coordinator's rank: where names are client ids, one would evict the other."""
    agent: BrokerAddress
    """An agent's identity; its name is the username."""

    @property
    def agent_name(self) -> str:
        """The name that the doctor's agent bears."""
        return self.agent.username or "doctor"

    @property
    def own(self) -> str:
        """A topic that only the doctor's agent may speak on."""
        return self.topics.under(f"agents/{self.agent_name}/metrics")

    @property
    def others(self) -> str:
        """A topic that the doctor's agent must not speak on."""
        return self.topics.under("agents/doctor-other/metrics")

    @property
    def presence(self) -> str:
        """The topic of the doctor's agent's will."""
        return self.topics.under(f"agents/{self.agent_name}/presence")

    def scratch(self, n: object) -> str:
        """Name a topic that the coordinator may use and nobody listens to."""
        return self.topics.under(f"replies/doctor-{n}")

    def as_agent(self, **options: Any) -> ProbeClient:  # noqa: ANN401 - a client's options
        """Connect as the agent."""
        return ProbeClient(self.agent, self.agent_name, **options)


def version(patient: Patient) -> Iterator[Finding]:
    """Say what it calls itself, and which versions of MQTT it speaks."""
    name = "unknown"
    with client(patient.coordinator) as watcher:
        if watcher.subscribe("$SYS/broker/version", 0):
            watcher.wait(lambda: bool(watcher.heard), HEARD_S)
        if watcher.heard:
            name = watcher.heard[0][1].decode(errors="replace")[:80]
        took = watcher.connect_s * 1000
    newer = ProbeClient(patient.second, version=MQTTProtocolVersion.MQTTv5)
    speaks = "3.1.1" if newer.refusal else "3.1.1 and 5"
    newer.close()
    tls = "over TLS" if patient.coordinator.tls else "without TLS"
    figures = {"name": name, "mqtt5": newer.refusal is None, "connect_ms": round(took, 1)}
    local = patient.coordinator.host in {"127.0.0.1", "::1", "localhost"}
    level = Level.GOOD if patient.coordinator.tls or local else Level.BAD
    said = f"{name}; MQTT {speaks}, {tls}; a connection takes {took:.0f} ms"
    yield Finding("version", level, said, figures | {"tls": patient.coordinator.tls})


def latency(patient: Patient) -> Iterator[Finding]:
    """Measure round trips at QoS 1."""
    times = []
    with client(patient.coordinator) as one:
        one.subscribe(patient.scratch("latency"))
        for n in range(ROUND_TRIPS):
            began = time.monotonic()
            one.publish(patient.scratch("latency"), b"%d" % n)
            one.wait(lambda wanted=n: len(one.heard) > wanted, HEARD_S)  # type: ignore[misc]  # a default
            times.append((time.monotonic() - began) * 1000)
    middle, worst = statistics.median(times), max(times)
    level = Level.GOOD if worst < SLOW_MS else Level.NOTE
    said = f"a message is there and acknowledged after {middle:.1f} ms, at worst {worst:.1f} ms"
    yield Finding("latency", level, said, {"median_ms": middle, "max_ms": worst})


def wills(patient: Patient) -> Iterator[Finding]:
    """Let a client die in each way there is, and listen for its will."""
    deaths: dict[str, Callable[[ProbeClient], object]] = {
        "cut off": lambda dying: dying.vanish(),
        "silent": lambda _dying: None,
        "taken over": lambda _dying: patient.as_agent().close(),
        "goodbye": lambda dying: dying.close(),
    }
    with client(patient.coordinator) as watcher:
        watcher.subscribe(patient.presence)
        for death, cause in deaths.items():
            watcher.heard.clear()
            # Its content is nobody's presence, so a coordinator drops it.
            dying = patient.as_agent(will=(patient.presence, b"doctor"), keepalive_s=1)
            if dying.refusal:
                yield Finding("wills", Level.NOTE, f"not tried: the agent is {dying.refusal}")
                return
            began = time.monotonic()
            cause(dying)
            patience = HEARD_S if death in {"goodbye", "taken over"} else SILENCE_S
            fired = watcher.wait(lambda: bool(watcher.heard), patience)
            took = time.monotonic() - began
            yield _will(death, took if fired else None)
            dying.close()


def _will(death: str, took_s: float | None) -> Finding:
    figures = {"death": death, "fired": took_s is not None, "after_s": took_s}
    if death == "goodbye":
        level = Level.GOOD if took_s is None else Level.NOTE
        said = "no will after a goodbye" if took_s is None else "a will even after a goodbye"
        return Finding("wills", level, said, figures)
    if took_s is not None:
        return Finding("wills", Level.GOOD, f"{death}: the will comes in {took_s:.1f} s", figures)
    said = f"{death}: no will; the loss is noticed by missing heartbeats instead"
    return Finding("wills", Level.NOTE, said, figures)


def retained(patient: Patient) -> Iterator[Finding]:
    """Retain many messages and see whether a newcomer gets them all."""
    topics = [patient.scratch(f"retained-{n}") for n in range(RETAINED)]
    with client(patient.coordinator) as keeper:
        keeper.publish_all([(topic, b"kept") for topic in topics], retain=True)
        try:
            began = time.monotonic()
            with client(patient.second) as newcomer:
                newcomer.subscribe(patient.topics.under("replies/+"), 0)
                found: set[str] = set()

                def complete() -> bool:
                    found.update(topic for topic, said, _ in newcomer.heard if said == b"kept")
                    return len(found) >= RETAINED

                done = newcomer.wait(complete, 10.0)
            took = time.monotonic() - began
        finally:
            keeper.publish_all([(topic, b"") for topic in topics], retain=True)
    figures = {"retained": RETAINED, "seen": len(found), "seconds": round(took, 3)}
    if done:
        said = f"all of {RETAINED} retained messages reach a newcomer, in {took:.2f} s"
        yield Finding("retained", Level.GOOD, said, figures)
        return
    said = (
        f"only {len(found)} of {RETAINED} retained messages reach a newcomer: raise its limit "
        "(mosquitto: max_queued_messages), or a restarted coordinator misses agents"
    )
    yield Finding("retained", Level.BAD, said, figures)


def access(patient: Patient) -> Iterator[Finding]:
    """Try, as an agent, what only others may do."""
    stranger = ProbeClient(
        replace(patient.coordinator, username=None, password=None),
        f"doctor-{secrets.token_hex(6)}",
    )
    shut = stranger.refusal is not None
    stranger.close()
    said = "strangers are refused" if shut else "strangers without a name get in"
    figures = {"rule": "connect", "enforced": shut}
    yield Finding("access", Level.GOOD if shut else Level.NOTE, said, figures)
    agent = patient.as_agent()
    if agent.refusal:
        yield Finding("access", Level.NOTE, f"not tried: the agent is {agent.refusal}")
        return
    private = patient.scratch("private")
    with client(patient.coordinator) as watcher:
        watcher.subscribe(patient.others)
        watcher.subscribe(patient.own)
        agent.publish(patient.others, b"forged")
        agent.publish(patient.own, b"mine")
        watcher.wait(lambda: patient.own in _topics(watcher), HEARD_S)
        yield _rule("publish", enforced=patient.others not in _topics(watcher))
        agent.subscribe(private)
        agent.subscribe(patient.topics.under("coordinator/doctor"))
        watcher.publish(private, b"secret")
        watcher.publish(patient.topics.under("coordinator/doctor"), b"doctor")
        agent.wait(lambda: len(agent.heard) > 0, HEARD_S)
        agent.wait(lambda: private in _topics(agent), TURN_MORE_S)
        yield _rule("subscribe", enforced=private not in _topics(agent))
        agent.close()
        watcher.heard.clear()
        dying = patient.as_agent(will=(patient.others, b"forged"))
        if dying.refusal is None:
            dying.vanish()
            watcher.wait(lambda: bool(watcher.heard), HEARD_S)
        yield _rule("will", enforced=patient.others not in _topics(watcher))


def _topics(one: ProbeClient) -> set[str]:
    return {topic for topic, _, _ in one.heard}


def _rule(rule: str, *, enforced: bool) -> Finding:
    figures = {"rule": rule, "enforced": enforced}
    if enforced:
        return Finding("access", Level.GOOD, f"rules hold when agents {_VERB[rule]}", figures)
    said = (
        f"agents {_VERB[rule]} as they like: no access rule holds them back; "
        "`fleetbus broker config` writes rules, `fleetbus enroll` makes ours ask for secrets"
    )
    return Finding("access", Level.NOTE if rule == "will" else Level.BAD, said, figures)


_VERB: Final = {"publish": "publish", "subscribe": "read", "will": "leave wills"}


def queue(patient: Patient) -> Iterator[Finding]:
    """Send a burst to a client that is not reading, and count what reaches it."""
    topic = patient.scratch("burst")
    with (
        client(patient.coordinator) as slow,
        client(patient.second) as fast,
    ):
        slow.subscribe(topic)
        fast.publish_all([(topic, b"%d" % n + b"." * 300) for n in range(BURST)])
        slow.wait(lambda: len(slow.heard) >= BURST, HEARD_S)
        slow.quiet(0.3, 10.0)
        came = len({payload for _, payload, _ in slow.heard})
    figures = {"sent": BURST, "came": came}
    if came >= BURST:
        said = f"a burst of {BURST} messages waits for a slow reader, none lost"
        yield Finding("queue", Level.GOOD, said, figures)
        return
    said = (
        f"of a burst of {BURST} messages a slow reader got {came}; the rest is said again later. "
        "Raise its queue limit (mosquitto: max_queued_messages)"
    )
    yield Finding("queue", Level.NOTE, said, figures)


def size(patient: Patient) -> Iterator[Finding]:
    """Find the largest message that arrives."""
    largest = 0
    for wanted in SIZES:
        with client(patient.coordinator) as one:
            topic = patient.scratch("size")
            one.subscribe(topic)
            one.publish(topic, b"x" * wanted)
            if not one.wait(lambda: bool(one.heard), 2.0):
                break
        largest = wanted
    level = Level.GOOD if largest >= WANTED_SIZE else Level.BAD
    said = f"messages of {largest // 1024} KiB arrive"
    if level is Level.BAD:
        said += f"; {WANTED_SIZE // 1024} KiB are wanted for large results and plans"
    yield Finding("size", level, said, {"largest_bytes": largest})


def clocks(patient: Patient, listen_s: float) -> Iterator[Finding]:
    """Compare what people of the fleet call the time with our own clock."""
    skews: dict[str, int] = {}
    with client(patient.coordinator) as watcher:
        for pattern in ("agents/+/heartbeat", "coordinator/+", "events"):
            watcher.subscribe(patient.topics.under(pattern))
        end = time.monotonic() + listen_s
        while time.monotonic() < end:
            watcher.heard.clear()
            watcher.wait(lambda: bool(watcher.heard), max(0.0, end - time.monotonic()))
            for topic, payload, kept in watcher.heard:
                stamp = _stamp(payload)
                if stamp is not None and not kept:
                    speaker = topic.removeprefix(patient.topics.base + "/").rpartition("/")[0]
                    skews[speaker or "events"] = now_ms() - stamp
    if not skews:
        said = f"nobody spoke within {listen_s:g} s, so clocks were not compared"
        yield Finding("clocks", Level.NOTE, said)
        return
    wrong = {speaker: skew for speaker, skew in skews.items() if abs(skew) > SKEW_MS}
    worst = max(skews.values(), key=abs)
    said = f"{len(skews)} clock(s) compared; they differ from ours by at most {abs(worst)} ms"
    if wrong:
        named = ", ".join(f"{speaker} by {skew} ms" for speaker, skew in sorted(wrong.items()))
        said = f"clocks differ: {named}; let them follow NTP"
    yield Finding("clocks", Level.NOTE if wrong else Level.GOOD, said, {"skew_ms": skews})


def _stamp(payload: bytes) -> int | None:
    try:
        stamp = json.loads(payload)["ts_ms"]
    except (ValueError, KeyError, TypeError):
        return None
    return stamp if isinstance(stamp, int) else None
