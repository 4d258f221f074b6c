"""A fleet that connects, and one that comes back all at once; what each connection weighs."""

import contextlib
import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.broker import wire
from benchmarks.broker.servers import Server, agent_name

_SUBACK_SIZE: Final = 5
_PATIENCE_S: Final = 40.0


@dataclass(frozen=True)
class Presence:
    """Times in seconds; None is not all of them within the patience."""

    connect_s: float | None
    storm_s: float | None
    bytes_each: float
    cpu_s: float
    """What the broker spent on both: a busy machine stretches the times and not this."""


def presence(server: Server, clients: int) -> Presence:
    """Connect *clients*, each with a will and a subscription; drop all; connect all again."""
    before, spent = server.memory(), server.cpu_s()
    at_first, connections = _arrive(server, clients)
    each = (server.memory() - before) / max(clients, 1)
    for connection in connections:
        connection.close()  # no goodbye, so every will is published
    again, connections = _arrive(server, clients)
    for connection in connections:
        connection.close()
    return Presence(at_first, again, each, server.cpu_s() - spent)


@contextlib.contextmanager
def crowd(server: Server, clients: int) -> Iterator[None]:
    """Keep *clients* connected, each with a will and a subscription, who say nothing."""
    took, connections = _arrive(server, clients)
    assert took is not None, "not everybody got in"
    yield
    for connection in connections:
        connection.close()


def _arrive(server: Server, clients: int) -> tuple[float | None, list[socket.socket]]:
    """Connect everybody at once; return how long it took until the last SUBACK."""
    started = time.perf_counter()
    poll = select.epoll()
    waiting: dict[int, tuple[socket.socket, bytes]] = {}
    connections = []
    answers: dict[int, int] = {}
    for number in range(clients):
        name = agent_name(number)
        connection = socket.socket()
        connection.setblocking(False)  # noqa: FBT003  # its one argument
        connection.connect_ex(("127.0.0.1", server.port))
        will = f"fleet/v1/agents/{name}/presence"
        hello = wire.connect(name, name, will, password=server.secret)
        hello += wire.subscribe(f"fleet/v1/inbox/{name}/#", 1)
        waiting[connection.fileno()] = (connection, hello)
        answers[connection.fileno()] = len(wire.CONNACK) + _SUBACK_SIZE
        connections.append(connection)
        poll.register(connection, select.EPOLLOUT)
    deadline = started + _PATIENCE_S
    while answers and time.perf_counter() < deadline:
        for number, event in poll.poll(0.1):
            connection, hello = waiting[number]
            if event & select.EPOLLOUT:
                connection.send(hello)
                poll.modify(connection, select.EPOLLIN)
            else:
                _take(connection, number, answers)
    took = time.perf_counter() - started
    poll.close()
    return (None if answers else took), connections


def _take(connection: socket.socket, number: int, answers: dict[int, int]) -> None:
    try:
        answer = connection.recv(64)
    except ConnectionResetError:
        answer = b""
    if not answer:
        raise ConnectionError("the broker closed a connection")
    answers[number] = answers.get(number, 0) - len(answer)
    if answers[number] <= 0:
        del answers[number]
