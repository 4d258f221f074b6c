"""Runs the embedded broker: as one coroutine within a program, or as a program of its own."""

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, Final

from broker.access import Access, FleetAccess
from broker.engine import Engine, Ports
from broker.errors import BrokerError, CannotListen
from broker.limits import Limits
from broker.settings import BrokerSettings
from protocol.topics import Topics

log = logging.getLogger(__name__)

_OK: Final = 0
_FAILED: Final = 1


async def serve(
    settings: BrokerSettings,
    *,
    ready: Callable[[], None],
    stop: asyncio.Event,
    bound: Callable[[Ports], None] | None = None,
    access: Access | None = None,
    limits: Limits | None = None,
) -> None:
    """Serve until *stop* is set; whoever awaits this owns the broker.

    *ready* is called once every listener accepts connections, after *bound* was told their
    ports. *access* takes the place of the protocol's access table. Raises :class:`CannotListen`
    when a port is not to be had. Nothing survives the broker: retained messages and sessions are
    in memory.
    """
    _quieten()
    _check_ports(settings)
    access = access or FleetAccess(Topics(settings.root), settings.secret_file)
    engine = Engine(settings, access, limits or Limits())
    try:
        await engine.start()
    except OSError as error:
        raise BrokerError(f"the broker did not start: {error}") from error
    try:
        async with asyncio.TaskGroup() as tasks:
            figures = tasks.create_task(engine.publish_figures(), name="figures")
            if bound is not None:
                bound(engine.ports)
            ready()
            await stop.wait()
            figures.cancel()
    finally:
        try:
            async with asyncio.timeout(settings.shutdown_within.total_seconds()):
                await engine.shutdown()
        except TimeoutError:
            log.warning("some connections did not close in %s", settings.shutdown_within)


def run(settings: BrokerSettings, *, bound: Callable[[Ports], None] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; return the exit status of the process."""

    async def main() -> None:
        stop = asyncio.Event()
        with _signals(stop):
            await serve(settings, ready=lambda: None, stop=stop, bound=bound)

    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(main())
    except BrokerError as error:
        sys.stderr.write(f"fleetbus broker: {error}\n")
        return _FAILED
    return _OK


def _check_ports(settings: BrokerSettings) -> None:
    """Try each port beforehand, where the option to blame is still known."""
    family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
    ports = [("--mqtt-port", settings.mqtt_port)]
    if settings.ws_port is not None:
        ports.append(("--ws-port", settings.ws_port))
    for option, port in ports:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if sys.platform != "win32":  # there it would allow to share a port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.address, port))
                probe.listen(1)
            except OSError as error:
                taken = error.errno == errno.EADDRINUSE
                why = "the port is in use" if taken else error.strerror or str(error)
                raise CannotListen(option, settings.host, port, why) from error


def _quieten() -> None:
    """Leave to the log what concerns whoever runs the broker; peers break connections daily."""
    logging.getLogger("websockets").setLevel(logging.CRITICAL)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Prefer uvloop, which halves the cost of a message; None stands for Python's own loop."""
    with contextlib.suppress(ImportError):
        uvloop: Any = import_module("uvloop")
        factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
        return factory
    return None


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    wanted = (signal.SIGINT, signal.SIGTERM)
    try:
        for number in wanted:
            loop.add_signal_handler(number, stop.set)
    except NotImplementedError:  # Windows: its loop has none, but Python's own handlers work
        for number in wanted:
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
        yield
        return
    try:
        yield
    finally:
        for number in wanted:
            loop.remove_signal_handler(number)
