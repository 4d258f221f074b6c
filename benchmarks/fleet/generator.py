"""Speaks for many agents, and measures how long they wait for an answer.

A few connections are shared by all, which costs the broker least; or each agent has its own, with
its name and its last will, as in a real fleet.
"""

import asyncio
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

import orjson

from benchmarks.fleet.bot import HEARTBEAT_S, Bot
from coordinator.shell.mqtt import Hello, Link
from tests.support.bus_client import Where

_TICKS: Final = 200
"""In so many portions the heartbeats of an interval are sent."""
_AT_ONCE: Final = 500
_DIALLED_AT_ONCE: Final = 200
_SHARED: Final = 8


@dataclass
class Generator:
    """All agents of a fleet in one process."""

    where: Where
    bots: dict[str, Bot]
    is_shared: bool = True
    """Whether a few connections carry all agents; then nobody has a will."""
    lags: list[float] = field(default_factory=list)
    """How long each heartbeat waited for its answer, in seconds."""
    silent: set[str] = field(default_factory=set)
    """Agents that have died without a word."""
    _links: list[Link] = field(default_factory=list)
    _home: dict[str, Link] = field(default_factory=dict)

    async def connect(self) -> None:
        """Open the connections, each with the inboxes of its share of the agents."""
        if self.is_shared:
            await self._connect_shared()
            return
        names = [name for name in self.bots if name not in self.silent]
        for start in range(0, len(names), _DIALLED_AT_ONCE):
            await asyncio.gather(*map(self._connect_own, names[start : start + _DIALLED_AT_ONCE]))

    async def _connect_shared(self) -> None:
        names = list(self.bots)
        self._links = [await self._open(self._for_all()) for _ in range(_SHARED)]
        self._home = {name: self._links[n % _SHARED] for n, name in enumerate(names)}
        for n, link in enumerate(self._links):
            mine = [f"{self.where.base}/inbox/{name}/+" for name in names[n::_SHARED]]
            for start in range(0, len(mine), _AT_ONCE):
                await link.subscribe(mine[start : start + _AT_ONCE], 0)

    async def _connect_own(self, name: str) -> None:
        bot = self.bots[name]
        will = f"{self.where.base}/agents/{name}/presence", bot.presence("lost")
        link = self._home[name] = await self._open(
            Hello(client_id=name, keepalive_s=60, username=name, will=will)
        )
        self._links.append(link)
        await link.subscribe([f"{self.where.base}/inbox/{name}/+"], 0)

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
        await self._hang_up(self._links)
        for bot in self.bots.values():
            bot.conn += 1
            bot.beats.clear()
        await self.connect()
        await self.state_all()

    async def die(self, names: Collection[str]) -> None:
        """Let agents be gone without a word; what has a connection of its own loses that."""
        self.silent.update(names)
        if not self.is_shared:
            await self._hang_up([self._home[name] for name in names])

    async def _hang_up(self, links: Collection[Link]) -> None:
        for link in links:
            link.abort()
        await asyncio.gather(*(link.lost for link in links))
        gone = set(map(id, links))
        self._links = [link for link in self._links if id(link) not in gone]

    async def close(self) -> None:
        for link in self._links:
            link.close()
            await link.lost

    def _for_all(self) -> Hello:
        return Hello(
            client_id=f"coordinator-load-{secrets.token_hex(4)}",
            keepalive_s=60,
            username="coordinator",
            password=self.where.coordinator_password,
        )

    async def _open(self, hello: Hello) -> Link:
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
