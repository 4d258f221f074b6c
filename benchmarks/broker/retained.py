"""A fleet's retained topics, replayed to a client that subscribes to all of them."""

import statistics
import time
from dataclasses import dataclass
from typing import Final

from benchmarks.broker import wire
from benchmarks.broker.fleet import PAYLOAD
from benchmarks.broker.servers import Server
from broker.framing import Framer

_CHANNELS: Final = ("presence", "info", "heartbeat", "metrics")
_PUBLISH: Final = 0x30
TIMES: Final = 9


def retain(server: Server, topics: int) -> None:
    """Retain *topics* messages, as agents do: four each."""
    for number in range(topics // len(_CHANNELS)):
        name = f"bot-{number:05}"
        agent = wire.connected(server.port, wire.connect(name, name))
        for channel in _CHANNELS:
            topic = f"fleet/v1/agents/{name}/{channel}"
            agent.sendall(wire.publish(topic, PAYLOAD, 1, retain=True))
        wire.receive(agent, 4 * len(_CHANNELS))
        agent.sendall(b"\xe0\x00")
        agent.close()


@dataclass(frozen=True)
class Replays:
    """In milliseconds; ``cpu`` is what the broker spent on one, however busy the machine is."""

    median: float
    best: float
    cpu: float


def replays(server: Server, topics: int, qos: int) -> Replays:
    """Subscribe to everything again and again."""
    spent = server.cpu_s()
    took = [_replay_s(server, topics, qos) for _ in range(TIMES)]
    spent = server.cpu_s() - spent
    return Replays(statistics.median(took) * 1000, min(took) * 1000, spent / TIMES * 1000)


def _replay_s(server: Server, topics: int, qos: int) -> float:
    """Subscribe to everything; return the time until all *topics* are there."""
    observer = wire.connected(server.port, wire.connect("watcher"))
    framer = Framer(1 << 20)
    started = time.perf_counter()
    observer.sendall(wire.subscribe("fleet/v1/agents/#", qos))
    left = topics
    while left > 0:
        acks = bytearray()
        for first, body in framer.feed(observer.recv(1 << 20)):
            if first & 0xF0 != _PUBLISH:
                continue
            left -= 1
            if first & 0x06:
                at = 2 + int.from_bytes(body[:2])
                acks += wire.PUBACK + body[at : at + 2]
        observer.sendall(acks)
    took = time.perf_counter() - started
    observer.close()
    return took
