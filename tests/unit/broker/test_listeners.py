"""What the broker's sockets are like."""

import asyncio
import contextlib
import socket

from broker.listeners import bind
from broker.settings import BrokerSettings


async def test_small_messages_are_not_held_back() -> None:
    accepted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    class Accepting(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            sock: socket.socket = transport.get_extra_info("socket")
            accepted.set_result(bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
            transport.close()

    [listener] = bind(BrokerSettings(mqtt_port=0, ws_port=None))
    async with await asyncio.get_running_loop().create_server(Accepting, sock=listener):
        with contextlib.closing(socket.create_connection(listener.getsockname())):
            assert await asyncio.wait_for(accepted, 30)
