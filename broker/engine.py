"""The MQTT engine: amqtt, with the few of its ways changed that would undo the access table.

Stock amqtt (0.12.1, pinned because this builds on its internals) deletes a client's session
before it has authenticated whoever claims its id, replays retained messages without asking what
the reader may see and to clients that never subscribed, waits for ever for a CONNECT, keeps open
a connection that was taken over or broke the protocol, and ignores the keep-alive, so that a will
never comes for a frozen client. Its other limits are documented rather than patched.
"""

import asyncio
import contextlib
import math
from dataclasses import dataclass
from typing import Any, Final

from amqtt.broker import Broker  # type: ignore[import-untyped]  # amqtt ships no type marker
from amqtt.contexts import (  # type: ignore[import-untyped]  # amqtt ships no type marker
    BrokerConfig,
    ListenerConfig,
    ListenerType,
)
from amqtt.errors import (  # type: ignore[import-untyped]  # amqtt ships no type marker
    AMQTTError,
    MQTTError,
    NoDataError,
)
from amqtt.mqtt.connack import (  # type: ignore[import-untyped]  # amqtt ships no type marker
    NOT_AUTHORIZED,
    ConnackPacket,
)
from amqtt.mqtt.protocol.broker_handler import (  # type: ignore[import-untyped]  # as above
    BrokerProtocolHandler,
)

from broker.plugin import FleetAccess, gate_of
from broker.settings import BrokerSettings
from protocol.topics import matches

KEEPALIVE_FACTOR: Final = 1.5
"""MQTT 3.1.1 §3.1.2.10: a client is gone after one and a half keep-alives of silence."""

_MQTT: Final = "default"  # the name that amqtt demands of its first listener
_WEBSOCKET: Final = "websocket"


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that are really open."""

    mqtt: int
    ws: int | None


class _Handler(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt is untyped
    """One connection."""

    def handle_read_timeout(self) -> None:
        """End a connection that has been silent for too long, so that its will is sent."""
        if self._disconnect_waiter is not None and not self._disconnect_waiter.done():
            self._disconnect_waiter.set_result(None)


class FleetBroker(Broker):  # type: ignore[misc]  # amqtt is untyped
    """amqtt's broker under the protocol's access table."""

    def __init__(self, settings: BrokerSettings) -> None:
        super().__init__(_config(settings))
        self._connect_within = settings.connect_within.total_seconds()
        self._connections: set[asyncio.Task[Any]] = set()
        self._strangers: set[asyncio.Timeout] = set()

    @property
    def ports(self) -> Ports:
        """The ports of a started broker."""
        chosen = {
            name: server.instance.sockets[0].getsockname()[1]
            for name, server in self._servers.items()
        }
        return Ports(mqtt=chosen[_MQTT], ws=chosen.get(_WEBSOCKET))

    def close_listeners(self) -> None:
        """Close what a failed start has opened."""
        for server in self._servers.values():
            server.instance.close()

    async def shutdown(self) -> None:
        """Close everything and return once no connection is being served any more."""
        for patience in self._strangers:
            patience.reschedule(asyncio.get_running_loop().time())
        await super().shutdown()
        if self._connections:
            await asyncio.wait(self._connections)

    async def _client_connected(
        self,
        listener_name: str,
        reader: Any,  # noqa: ANN401  # amqtt is untyped
        writer: Any,  # noqa: ANN401  # amqtt is untyped
    ) -> None:
        """Serve one connection to its end, known to :meth:`shutdown`."""
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        await super()._client_connected(listener_name, reader, writer)

    async def _initialize_client_session(
        self,
        reader: Any,  # noqa: ANN401  # amqtt is untyped
        writer: Any,  # noqa: ANN401  # amqtt is untyped
        remote_address: str,
        remote_port: int,
    ) -> tuple[Any, Any]:
        """Read a CONNECT, admit its sender, and only then touch a session of the same name."""
        try:
            async with asyncio.timeout(self._connect_within) as patience:
                self._strangers.add(patience)
                try:
                    handler, session = await _Handler.init_from_connect(
                        reader, writer, self.plugins_manager
                    )
                finally:
                    self._strangers.discard(patience)
        # What a stranger sends may break amqtt's parser in any way; only this connection ends.
        except Exception as error:
            await _close(writer)
            raise MQTTError(f"no CONNECT from {remote_address}:{remote_port}: {error}") from error
        if not await self._authenticate(session, None):
            with contextlib.suppress(OSError):
                await ConnackPacket.build(0, NOT_AUTHORIZED).to_stream(writer)
            await _close(writer)
            raise MQTTError(f"refused {remote_address}:{remote_port}")
        session.keep_alive = math.ceil(session.keep_alive * KEEPALIVE_FACTOR)
        await self._take_over(session.client_id)
        return handler, session

    async def _take_over(self, client_id: str) -> None:
        """End an older connection of *client_id*; its will is sent, as by other brokers."""
        _, handler = self._sessions.get(client_id, (None, None))
        if handler is not None:
            await handler.handle_connection_closed()
        await self._delete_session(client_id)

    async def _client_message_loop(
        self,
        client_session: Any,  # noqa: ANN401  # amqtt is untyped
        handler: Any,  # noqa: ANN401  # amqtt is untyped
    ) -> None:
        """Serve an admitted client; one that breaks the protocol is disconnected, will and all.

        amqtt leaves its loop at a message to ``$...`` or to a wildcard, but not the connection.
        """
        await super()._client_message_loop(client_session, handler)
        if client_session.transitions.is_connected():
            no_goodbye: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            no_goodbye.set_result(None)
            await self._handle_disconnect(client_session, handler, no_goodbye)

    async def _publish_retained_messages_for_subscription(
        self,
        subscription: tuple[str, int],
        session: Any,  # noqa: ANN401  # amqtt is untyped
    ) -> None:
        """Replay what is retained under *subscription*, if *session* holds it and may see it.

        amqtt also calls this at each CONNECT with every filter that anybody holds.
        """
        pattern, qos = subscription
        gate, handler = gate_of(session), self._get_handler(session)
        holders = self._subscriptions.get(pattern, ())
        if gate is None or handler is None or all(holder is not session for holder, _ in holders):
            return
        replay = [
            handler.mqtt_publish(topic, message.data, min(qos, message.qos or 0), retain=True)
            for topic, message in self._retained_messages.items()
            if matches(pattern, topic) and gate.may_read(topic)
        ]
        await asyncio.gather(*replay, return_exceptions=True)  # the reader may leave at any time


async def _close(writer: Any) -> None:  # noqa: ANN401  # amqtt is untyped
    with contextlib.suppress(AMQTTError, MQTTError, NoDataError, OSError):
        await writer.close()


def _config(settings: BrokerSettings) -> Any:  # noqa: ANN401  # amqtt is untyped
    listeners = {_MQTT: ListenerConfig(bind=f"{settings.address}:{settings.mqtt_port}")}
    if settings.ws_port is not None:
        listeners[_WEBSOCKET] = ListenerConfig(
            type=ListenerType.WS, bind=f"{settings.address}:{settings.ws_port}"
        )
    access = f"{FleetAccess.__module__}.{FleetAccess.__qualname__}"
    secret_file = str(settings.secret_file) if settings.secret_file else None
    return BrokerConfig(
        listeners=listeners,
        plugins={access: {"root": settings.root, "secret_file": secret_file}},
    )
