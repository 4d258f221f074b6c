"""Runs the embedded broker: as one coroutine within a program, or as a program of its own."""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, Final

from broker.access import Access, FleetAccess
from broker.credentials.file import CredentialsFile
from broker.engine import Engine, Ports
from broker.errors import BadSetting, BrokerError, Exposed
from broker.exposure import check
from broker.keeping.database import Database
from broker.limits import Limits
from broker.settings import BrokerSettings
from broker.tls import context
from protocol.topics import Topics

log = logging.getLogger(__name__)

_OK: Final = 0
_FAILED: Final = 1
_MISUSED: Final = 2
_FILES: Final = 65_536


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
    when a port is not to be had, :class:`BadSetting` for certificates of no use,
    :class:`BadMemory` for a file that cannot be used, and :class:`Exposed` when other machines
    could reach a broker that cannot tell them apart. Unless ``settings.data`` names a folder for
    them, retained messages and sessions end with the broker.
    """
    _quieten()
    tls = context(settings)
    access = access or _fleet_access(settings)
    database = None if settings.data is None else Database(settings.data)
    engine = Engine(settings, access, limits or Limits(), database)
    async with engine.remembering():
        await engine.start(tls)
        try:
            async with asyncio.TaskGroup() as tasks:
                figures = tasks.create_task(engine.publish_figures(), name="figures")
                credentials = tasks.create_task(engine.watch_credentials(), name="credentials")
                if bound is not None:
                    bound(engine.ports)
                ready()
                await stop.wait()
                figures.cancel()
                credentials.cancel()
        finally:
            if isinstance(access, FleetAccess):
                access.close()
            await _shut_down(engine, settings)


async def _shut_down(engine: Engine, settings: BrokerSettings) -> None:
    try:
        async with asyncio.timeout(settings.shutdown_within.total_seconds()):
            await engine.shutdown()
    except TimeoutError:
        log.warning("some connections did not close in %s", settings.shutdown_within)


def _fleet_access(settings: BrokerSettings) -> FleetAccess:
    """Open the fleet's rules; raise :class:`Exposed` where serving by them would be careless."""
    file = CredentialsFile(settings.credentials_file) if settings.credentials_file else None
    enrolled = file is not None and file.load().lets_somebody_in
    if warning := check(settings, enrolled=enrolled):
        log.warning("%s", warning)
    return FleetAccess(
        Topics(settings.root),
        settings.secret_file,
        file,
        required=settings.require_credentials or (settings.is_exposed and enrolled),
        pace=settings.pace,
        lasting=settings.data is not None,
    )


def run(settings: BrokerSettings, *, bound: Callable[[Ports], None] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; return the exit status of the process."""

    async def main() -> None:
        stop = asyncio.Event()
        with _signals(stop):
            await serve(settings, ready=lambda: None, stop=stop, bound=bound)

    _allow_many_files()
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(main())
    except BrokerError as error:
        sys.stderr.write(f"fleetbus broker: {error}\n")
        return _MISUSED if isinstance(error, BadSetting | Exposed) else _FAILED
    return _OK


def _allow_many_files() -> None:
    """Raise the number of open files to what the system allows: each client is one."""
    try:
        resource = import_module("resource")
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


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
