"""A broker that says no: a peer of a few lines, because real brokers seldom do."""

import contextlib
import logging
import socket
import threading
from collections.abc import Iterator

import pytest

from agent_client import Agent, SubscriptionRefused

WITHIN_S = 60.0
ACCEPTED, NOT_AUTHORIZED = 0, 5
REFUSED_FILTER = 0x80


class Peer:
    """Answers every CONNECT with ``connack`` and refuses the last filter of a SUBSCRIBE."""

    def __init__(self, connack: int) -> None:
        self.connects = 0
        self.answered = threading.Event()
        self._connack = connack
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        connection.settimeout(WITHIN_S)
        with connection.makefile("rb") as stream:
            _packet(stream.read)
            self.connects += 1
            connection.sendall(bytes([0x20, 2, 0, self._connack]))
            if self._connack == ACCEPTED:
                subscribe = _packet(stream.read)
                topics = subscribe.count(b"/v1/")
                codes = [1] * (topics - 1) + [REFUSED_FILTER]
                connection.sendall(bytes([0x90, 2 + topics]) + subscribe[:2] + bytes(codes))
            self.answered.set()
            with contextlib.suppress(OSError):
                stream.read(1)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(WITHIN_S)


def _packet(read: object) -> bytes:
    assert callable(read)
    read(1)
    length, shift = 0, 0
    while True:
        byte: int = read(1)[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            payload: bytes = read(length)
            return payload


@contextlib.contextmanager
def peer(connack: int) -> Iterator[Peer]:
    with contextlib.closing(Peer(connack)) as running:
        yield running


def test_a_refused_subscription_is_fatal_and_loud(caplog: pytest.LogCaptureFixture) -> None:
    with peer(ACCEPTED) as broker, caplog.at_level(logging.ERROR):
        agent = Agent("bot", broker=f"mqtt://127.0.0.1:{broker.port}")
        agent.start()
        with pytest.raises(SubscriptionRefused, match="coordinator/rollcall"):
            agent.wait(WITHIN_S)
    assert "refused agent 'bot' the subscription" in caplog.text
    assert broker.connects == 1


def test_refused_credentials_are_told_and_not_tried_again_soon(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = threading.Event()

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "Not authorized" in record.getMessage() and record.levelno == logging.ERROR:
                told.set()

    handler = Listening()
    logging.getLogger("fleetbus.agent").addHandler(handler)
    try:
        with peer(NOT_AUTHORIZED) as broker:
            agent = Agent("bot", broker=f"mqtt://127.0.0.1:{broker.port}")
            with agent:
                assert told.wait(WITHIN_S)
                assert not agent.wait(0.2)
            assert broker.connects == 1
    finally:
        logging.getLogger("fleetbus.agent").removeHandler(handler)
