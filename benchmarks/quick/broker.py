"""The broker from the bytes that it reads to the bytes that it writes, without sockets."""

import asyncio
from typing import Final

from benchmarks.broker import wire
from benchmarks.quick.counting import Work
from benchmarks.quick.transport import Kept
from broker.access import FleetAccess
from broker.connection import Connection
from broker.hub import Hub
from broker.limits import Limits
from broker.outgoing import Outgoing
from protocol.topics import Topics

CLIENTS: Final = 100
_PAYLOAD: Final = b"x" * 300


class _Everybody:
    def opened(self, connection: Connection) -> bool:
        del connection
        return True

    def closed(self, connection: Connection) -> None:
        pass


class Stage:
    """A broker and those who are connected to it."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self._hub = Hub(FleetAccess(Topics(), None), Limits())
        self._outgoing = Outgoing(asyncio.get_running_loop())
        self._all: list[tuple[Connection, Kept]] = []

    async def connect(self, name: str, *, will: str | None = None) -> tuple[Connection, Kept]:
        connection = Connection(self._hub, self._outgoing, _Everybody(), connect_within_s=60)
        transport = Kept()
        self._all.append((connection, transport))
        connection.connection_made(transport)
        await self.turn((connection, wire.connect(name, name, will)))
        assert transport.take() == wire.CONNACK
        return connection, transport

    async def turn(self, *said: tuple[Connection, bytes]) -> int:
        """Let the broker read what was *said* and write what follows; return the instructions."""
        before = self.work.instructions
        with self.work.counted():
            for connection, data in said:
                connection.data_received(data)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return self.work.instructions - before

    def close(self) -> None:
        for connection, _ in self._all:
            connection.connection_lost(None)


async def measure() -> dict[str, float]:
    scene = Stage(Work())
    found: dict[str, float] = {}
    watcher, seen = await scene.connect("observer-watcher")
    names = [f"Agent-{n}" for n in range(CLIENTS)]
    topic = "fleet/v1/agents/{}/{}"
    before = scene.work.instructions
    agents = [await scene.connect(name, will=topic.format(name, "presence")) for name in names]
    found["client: instructions to let it in"] = (scene.work.instructions - before) / CLIENTS

    await scene.turn((watcher, wire.subscribe("fleet/v1/agents/+/heartbeat", 0)))
    seen.take()
    for qos in (0, 0, 1):  # the first time, everybody's rights are looked up
        said = [
            (agent, wire.publish(topic.format(name, "heartbeat"), _PAYLOAD, qos))
            for name, (agent, _) in zip(names, agents, strict=True)
        ]
        spent = await scene.turn(*said)
        assert len(seen.take()) > CLIENTS * len(_PAYLOAD), "the watcher did not hear everybody"
        found[f"message, QoS {qos}: instructions"] = spent / CLIENTS

    said = [
        (agent, wire.publish(topic.format(name, "info"), _PAYLOAD, 0, retain=True))
        for name, (agent, _) in zip(names, agents, strict=True)
    ]
    found["retained message: instructions"] = await scene.turn(*said) / CLIENTS
    found["retained message: instructions to replay it"] = await _replay(scene)
    scene.close()
    return found


async def _replay(scene: Stage) -> float:
    """Count what it costs that somebody comes who wants everything that is retained."""
    observer, seen = await scene.connect("observer-late")
    spent = await scene.turn((observer, wire.subscribe("fleet/v1/agents/+/info", 0)))
    heard = seen.take()
    for _ in range(CLIENTS):
        if len(heard) > CLIENTS * len(_PAYLOAD):
            break
        spent += await scene.turn()
        heard += seen.take()
    assert len(heard) > CLIENTS * len(_PAYLOAD), "not everything that is retained was replayed"
    return spent / CLIENTS
