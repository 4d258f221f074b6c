"""The sockets that clients connect to, opened before anything else so that a failure is early."""

import errno
import socket
import sys
from typing import Final

from broker.errors import CannotListen
from broker.settings import BrokerSettings

BACKLOG: Final = 4096
"""Connections that the system completes before they are accepted here.

When a whole fleet comes back at once, whoever finds this full has its SYN dropped and tries again
after a second or more; asyncio's own 100 is soon full.
"""


def bind(settings: BrokerSettings) -> list[socket.socket]:
    """Open the socket for MQTT and, if wanted, the one for WebSocket.

    Raises :class:`CannotListen`, and then leaves nothing open. The sockets are the caller's.
    """
    wanted = [("--mqtt-port", settings.mqtt_port)]
    if settings.ws_port is not None:
        wanted.append(("--ws-port", settings.ws_port))
    opened: list[socket.socket] = []
    try:
        for option, port in wanted:
            opened.append(_open(settings, option, port))
    except CannotListen:
        for one in opened:
            one.close()
        raise
    return opened


def _open(settings: BrokerSettings, option: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
    # asyncio turns off what holds small messages back only where the socket says that it is TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":  # there it would allow to share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((settings.address, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        why = "the port is in use" if taken else error.strerror or str(error)
        raise CannotListen(option, settings.host, port, why) from error
    return listener
