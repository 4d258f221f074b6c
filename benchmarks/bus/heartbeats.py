"""Heartbeats per second that one coordinator takes in and answers.

A generator speaks for many agents at once; the coordinator has done its work when the newest
heartbeat of each was answered.
"""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.bus.raw_publisher import packet, raw_publisher, send_all
from benchmarks.bus.scene import HEARTBEAT_S, cpu_seconds, fleet_on
from tests.support.bus_client import BusClient


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
        BusClient(fleet.where, topics="inbox/+/lease") as listener,
        raw_publisher(fleet.where, "coordinator-bench") as sock,
    ):
        base = fleet.where.base

        def beats(first: int, last: int) -> Iterator[bytes]:
            for seq in range(first, last):
                for name, boot in boots.items():
                    yield packet(f"{base}/agents/{name}/heartbeat", _beat(name, boot, seq))

        def answered(seq: int) -> bool:
            newest = listener.latest(f"inbox/{names[-1]}/lease").get("as_of")
            if newest != seq:
                return False
            return all(listener.latest(f"inbox/{name}/lease").get("as_of") == seq for name in names)

        send_all(sock, beats(1, 2))  # everyone is new once; that is not what is measured
        listener.wait("the first answers", lambda: answered(1))
        prepared = list(beats(2, rounds + 2))
        cpu_before, began = cpu_seconds(fleet, "coordinator"), time.monotonic()
        send_all(sock, prepared)
        listener.wait("the last answers", lambda: answered(rounds + 1), 60)
        took_s = time.monotonic() - began
        cpu_s = cpu_seconds(fleet, "coordinator") - cpu_before
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
