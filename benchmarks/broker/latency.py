"""From a publish to its subscriber at a steady pace, and from a client's death to its will."""

import os
import signal
import time
from dataclasses import dataclass
from typing import Final

from benchmarks.broker import wire
from benchmarks.broker.fleet import PAYLOAD
from benchmarks.broker.servers import Server

_TOPIC: Final = "fleet/v1/agents/bot-00000/{}"


@dataclass(frozen=True)
class Latency:
    """In milliseconds."""

    p50: float
    p99: float
    most: float


def of(samples: list[float]) -> Latency:
    ordered = sorted(samples)
    last = len(ordered) - 1
    p50, p99, most = (ordered[round(last * share)] * 1000 for share in (0.5, 0.99, 1))
    return Latency(p50, p99, most)


def delivery(server: Server, per_second: int, seconds: float) -> Latency:
    """Publish at QoS 1, *per_second* times, and time each arrival."""
    topic = _TOPIC.format("report")
    subscriber = wire.subscribed(server.port, "watcher", topic, 1)
    publisher = wire.connected(server.port, wire.connect("bot-00000", "bot-00000"))
    message = wire.publish(topic, PAYLOAD, 1)
    samples = []
    start = time.perf_counter()
    for number in range(int(per_second * seconds)):
        time.sleep(max(0.0, start + number / per_second - time.perf_counter()))
        sent = time.perf_counter()
        publisher.sendall(message)
        data = wire.receive(subscriber, len(message))
        samples.append(time.perf_counter() - sent)
        at = len(message) - len(PAYLOAD) - 2
        subscriber.sendall(wire.PUBACK + data[at : at + 2])
        wire.receive(publisher, 4)
    publisher.close()
    subscriber.close()
    return of(samples)


def will_after_kill(server: Server, times: int) -> Latency:
    """Kill a client with SIGKILL and time its will."""
    return of([_killed(server) for _ in range(times)])


def will_after_stop(server: Server, keep_alive: int) -> float:
    """Stop a client with SIGSTOP; return after how many keep-alives its will comes."""
    return _killed(server, signal.SIGSTOP, keep_alive) / keep_alive


def _killed(server: Server, how: signal.Signals = signal.SIGKILL, keep_alive: int = 60) -> float:
    topic = _TOPIC.format("presence")
    subscriber = wire.subscribed(server.port, "watcher", topic, 1)
    ready, tell = os.pipe()
    victim = os.fork()
    if not victim:
        hello = wire.connect("bot-00000", "bot-00000", will=topic, keep_alive=keep_alive)
        client = wire.connected(server.port, hello)
        os.write(tell, b"!")
        while True:
            time.sleep(keep_alive / 2)
            client.sendall(b"\xc0\x00")
    os.read(ready, 1)
    os.kill(victim, how)
    started = time.perf_counter()
    wire.receive(subscriber, len(wire.publish(topic, b"lost", 0)))
    took = time.perf_counter() - started
    if how is not signal.SIGKILL:
        os.kill(victim, signal.SIGKILL)
    os.waitpid(victim, 0)
    os.close(ready)
    os.close(tell)
    subscriber.close()
    return took
