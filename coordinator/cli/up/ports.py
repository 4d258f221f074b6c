"""Ports: whether one is free before anything starts, and a free one where none was named."""

import errno
import socket
import sys

from protocol.errors import FleetBusError


class PortTaken(FleetBusError):
    """A port on which we cannot listen."""

    def __init__(self, flag: str, host: str, port: int, why: str) -> None:
        super().__init__(
            f"{flag} {port}: cannot listen on {host} port {port}: {why}; "
            f"stop what uses it, or choose another with {flag} (0: any free one)"
        )


def usable(flag: str, host: str, port: int) -> int:
    """Return *port*, or a free one for 0; raise :class:`PortTaken` when it cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if sys.platform != "win32":  # there it would allow to share a port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            chosen: int = probe.getsockname()[1]
            return chosen
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "the port is in use" if taken else error.strerror or str(error)
        raise PortTaken(flag, host, port, why) from None


def answers(host: str, port: int, within_s: float = 0.5) -> bool:
    """Say whether somebody accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=within_s):
            return True
    except OSError:
        return False
