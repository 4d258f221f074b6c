"""Heartbeats per second that one coordinator takes in and answers.

A generator speaks for many agents at once. They are decided about in the order in which they were
sent, so the coordinator has done its work when the last one is answered; that none was dropped on
the way is looked up. A listener that heard every answer would take the processor from whom it
listens to.
"""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.bus.raw_publisher import packet, raw_publisher, send_all
from benchmarks.bus.scene import HEARTBEAT_S, cpu_seconds, fleet_on
from tests.support.bus_client import BusClient

SUMMARY_S: Final = 1.5


@dataclass(frozen=True)
class Heartbeats:
    agents: int
    heartbeats: int
    heartbeats_per_s: float
    coordinator_cpu_pct: float
    coordinator_us_per_heartbeat: float


def measure(kind: str, agents: int, rounds: int) -> Heartbeats:
    names = [f"Raw-{n}" for n in range(agents)]
    boots = {name: secrets.token_hex(16) for name in names}
    with (
        fleet_on(kind, ()) as fleet,
        BusClient(fleet.where, topics=f"inbox/{names[-1]}/lease") as listener,
        BusClient(fleet.where, topics="coordinator/summary") as observer,
        raw_publisher(fleet.where, "coordinator-bench") as sock,
    ):
        base = fleet.where.base

        def beats(first: int, last: int) -> Iterator[bytes]:
            for seq in range(first, last):
                for name, boot in boots.items():
                    yield packet(f"{base}/agents/{name}/heartbeat", _beat(name, boot, seq))

        def answered(seq: int) -> bool:
            return bool(listener.latest(f"inbox/{names[-1]}/lease").get("as_of") == seq)

        send_all(sock, beats(1, 2))  # everyone is new once; that is not what is measured
        listener.wait("the first answer", lambda: answered(1))
        prepared = list(beats(2, rounds + 2))
        cpu_before, began = cpu_seconds(fleet, "coordinator"), time.monotonic()
        send_all(sock, prepared)
        listener.wait("the last answer", lambda: answered(rounds + 1), 60)
        took_s = time.monotonic() - began
        cpu_s = cpu_seconds(fleet, "coordinator") - cpu_before
        time.sleep(SUMMARY_S)  # it is told once a second
        told = observer.latest("coordinator/summary")
        assert not told.get("dropped"), f"some were dropped: {told['dropped']}"
    count = len(prepared)
    return Heartbeats(
        agents=agents,
        heartbeats=count,
        heartbeats_per_s=count / took_s,
        coordinator_cpu_pct=100 * cpu_s / took_s,
        coordinator_us_per_heartbeat=1e6 * cpu_s / count,
    )


def _beat(name: str, boot: str, seq: int) -> bytes:
    return (
        f'{{"v":"1.0","ts_ms":1,"agent":"{name}","boot":"{boot}","epoch":1,"conn":1,"seq":{seq},'
        f'"interval_s":{HEARTBEAT_S},"uptime_s":12.5,"slots_free":1,"holding":[],'
        f'"seen":{{"term":1,"rev":1}},"report_seq":0,"outbox":0}}'
    ).encode()
