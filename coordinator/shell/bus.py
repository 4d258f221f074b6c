"""A connection of the coordinator's side to the broker, made again whenever it is lost.

Everything runs in the loop's thread; nothing is called from another. A lost connection is made
again with jitter, at the next server of the broker if it has several. Whoever listens is told that
it was lost and for how long, because the broker may have forgotten everything and nobody else is
to blame for the silence.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from coordinator.address import BrokerAddress
from coordinator.shell.mqtt import NOT_GRANTED, Hello, Link, Refused
from protocol.broker_profiles import BROKER_PROFILES, DEFAULT_PROFILE, BrokerProfile
from protocol.errors import FleetBusError

log = logging.getLogger("fleetbus.bus")

KEEPALIVE_S: Final = 6
"""A link that is dead on one side only is given up after one and a half of it: before anybody is
judged for a silence that is not theirs, at the usual 10 s between two heartbeats."""
RECONNECT_MIN_S: Final = 0.2
RECONNECT_MAX_S: Final = 10.0
GOODBYE_S: Final = 1.0


class BusRefused(FleetBusError):
    """The broker does not let us in; trying again would not help."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for the coordinator when its connection is lost."""

    topic: str
    payload: bytes


@dataclass(slots=True)
class Bus:
    """One connection to the broker, kept alive until :meth:`run` is cancelled."""

    address: BrokerAddress
    client_id: str
    will: Will | None
    """None for whoever the fleet does not miss."""
    filters: Sequence[str]
    on_message: Callable[[str, bytes, bool], None]
    """Called with topic, payload and the retain flag, in the order of arrival."""
    on_connected: Callable[[], None]
    on_lost: Callable[[float], None]
    """Called with the seconds for which nothing had been heard when the connection was lost."""
    profile: BrokerProfile = BROKER_PROFILES[DEFAULT_PROFILE]
    _turn: int = 0
    """Which server is tried; the next one after each failure and each loss."""
    _link: Link | None = None
    _is_leaving: bool = False

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection that was accepted and not lost yet."""
        return self._link is not None and self._link.is_open

    @property
    def server(self) -> BrokerAddress:
        """The one server whose turn it is."""
        servers = self.address.servers
        return self.address.at(servers[self._turn % len(servers)])

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> None:
        """Say *payload* if there is a connection; what is retained is said again after the next."""
        if self._link is not None and self._link.is_open:
            self._link.publish(topic, payload, qos=qos, retain=retain)

    def flush(self) -> None:
        """Let what was published leave now."""
        if self._link is not None:
            self._link.flush()

    def subscribe(self, filters: Sequence[str]) -> None:
        """Listen to *filters* as well, until the connection is lost."""
        if self._link is not None and self._link.is_open:
            self._link.subscribe(filters, self.profile.subscribe_qos)

    def unsubscribe(self, filters: Sequence[str]) -> None:
        """Listen to *filters* no longer."""
        if self._link is not None and self._link.is_open:
            self._link.unsubscribe(filters)

    async def run(self) -> None:
        """Connect, and connect again whenever the connection is lost.

        Raises :class:`BusRefused` when the broker refuses the name, password or subscriptions.
        """
        delay = RECONNECT_MIN_S
        while True:
            try:
                link = await self._connect()
            except (OSError, TimeoutError) as error:
                log.warning("cannot reach the broker at %s: %s", self.server, error)
            else:
                delay = RECONNECT_MIN_S
                await self._use(link)
                self.on_lost(link.silent_s)
                if not self._is_leaving:
                    log.warning("the connection to the broker at %s was lost", self.server)
            self._turn += 1
            await asyncio.sleep(random.uniform(delay / 2, delay))
            delay = min(delay * 2, RECONNECT_MAX_S)

    async def disconnect(self) -> None:
        """Say goodbye, so that the will is not sent, and wait until it was heard."""
        link = self._link
        self._is_leaving = True
        if link is not None and link.is_open:
            link.close()
            async with asyncio.timeout(GOODBYE_S):
                await asyncio.shield(link.lost)

    async def _connect(self) -> Link:
        server = self.server
        hello = Hello(
            client_id=self.client_id,
            keepalive_s=KEEPALIVE_S,
            will=None if self.will is None else (self.will.topic, self.will.payload),
            username=self.address.username,
            password=self.address.password,
        )
        # Read anew each time: certificates are renewed.
        tls = self.address.tls_context() if self.address.tls else None
        try:
            async with asyncio.timeout(self.profile.answers_within_s):
                return await Link.open(server.host, server.port, hello, self.on_message, tls)
        except Refused as error:
            if error.is_final:
                raise BusRefused(
                    f"the broker at {server} refuses {self.client_id}: {error}"
                ) from None
            raise

    async def _use(self, link: Link) -> None:
        self._link = link
        try:
            granted = None
            if self.filters:  # else it only speaks
                granted = link.subscribe(self.filters, self.profile.subscribe_qos)
            self.on_connected()
            if granted is not None:
                self._check(await granted)
            await asyncio.shield(link.lost)
        finally:
            self._link = None
            link.abort()

    def _check(self, codes: bytes) -> None:
        """Make sure that the broker granted every subscription, or was lost before it could."""
        if NOT_GRANTED in codes:
            refused = self.filters[codes.index(NOT_GRANTED)]
            raise BusRefused(
                f"the broker at {self.server} refuses {self.client_id} a subscription to {refused}"
            )
