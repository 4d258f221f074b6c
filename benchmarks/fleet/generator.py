"""Speaks for many agents over a few connections, and measures how long they wait for an answer."""

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Final

import orjson

from benchmarks.fleet.bot import HEARTBEAT_S, Bot
from coordinator.shell.mqtt import Hello, Link
from tests.support.bus_client import Where

_TICKS: Final = 200
"""In so many portions the heartbeats of an interval are sent."""
_AT_ONCE: Final = 500


@dataclass
class Generator:
    """All agents of a fleet in one process; connections are shared, evenly."""

    where: Where
    bots: dict[str, Bot]
    connections: int = 8
    lags: list[float] = field(default_factory=list)
    """How long each heartbeat waited for its answer, in seconds."""
    silent: set[str] = field(default_factory=set)
    """Agents that have died without a word."""
    _links: list[Link] = field(default_factory=list)
    _home: dict[str, Link] = field(default_factory=dict)

    async def connect(self) -> None:
        """Open the connections, each with the inboxes of its share of the agents."""
        names = list(self.bots)
        self._links = [await self._open() for _ in range(self.connections)]
        self._home = {name: self._links[n % self.connections] for n, name in enumerate(names)}
        for n, link in enumerate(self._links):
            mine = [f"{self.where.base}/inbox/{name}/+" for name in names[n :: self.connections]]
            for start in range(0, len(mine), _AT_ONCE):
                await link.subscribe(mine[start : start + _AT_ONCE], 0)

    async def state_all(self) -> None:
        """Let every agent say who it is, as on any connection."""
        loop = asyncio.get_running_loop()
        for n, bot in enumerate(self.bots.values()):
            if bot.name in self.silent:
                continue
            self._say(bot, "presence", bot.presence(), qos=1)
            self._say(bot, "info", bot.info(), qos=1)
            self._say(bot, "heartbeat", bot.heartbeat(loop.time()))
            self._say(bot, "metrics", bot.metrics())
            for report in bot.unheard():
                self._say(bot, "report", report, qos=1, retain=False)
            if n % _AT_ONCE == 0:
                await asyncio.sleep(0)

    async def beat(self) -> None:
        """Send heartbeats and metrics for ever, spread over the interval."""
        loop = asyncio.get_running_loop()
        names = list(self.bots)
        turn, due = 0, loop.time()
        while True:
            for name in names[turn % _TICKS :: _TICKS]:
                bot = self.bots[name]
                if name not in self.silent:
                    self._say(bot, "heartbeat", bot.heartbeat(loop.time()))
                    self._say(bot, "metrics", bot.metrics())
            turn += 1
            due += HEARTBEAT_S / _TICKS
            await asyncio.sleep(max(0, due - loop.time()))

    async def storm(self) -> None:
        """Lose every connection at once, and come back."""
        for link in self._links:
            link.abort()
        await asyncio.gather(*(link.lost for link in self._links))
        for bot in self.bots.values():
            bot.conn += 1
            bot.beats.clear()
        await self.connect()
        await self.state_all()

    async def close(self) -> None:
        for link in self._links:
            link.close()
            await link.lost

    async def _open(self) -> Link:
        hello = Hello(
            client_id=f"coordinator-load-{secrets.token_hex(4)}",
            keepalive_s=60,
            username="coordinator",
            password=self.where.coordinator_password,
        )
        return await Link.open(self.where.host, self.where.port, hello, self._hear)

    def _say(
        self, bot: Bot, channel: str, payload: bytes, qos: int = 0, *, retain: bool = True
    ) -> None:
        topic = f"{self.where.base}/agents/{bot.name}/{channel}"
        self._home[bot.name].publish(topic, payload, qos=qos, retain=retain)

    def _hear(self, topic: str, payload: bytes, _retained: bool) -> None:  # noqa: FBT001 -- Link's
        _, name, channel = topic.rsplit("/", 2)
        bot = self.bots[name]
        if name in self.silent or not payload:
            return
        said = orjson.loads(payload)
        if channel == "lease":
            lag = bot.on_lease(said, asyncio.get_running_loop().time())
            if lag is not None:
                self.lags.append(lag)
            return
        for report in bot.on_desired(said):
            self._say(bot, "report", report, qos=1, retain=False)
