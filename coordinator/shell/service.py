"""A coordinator as a process: everything opened, wired, run, and closed in order.

It ends on SIGINT or SIGTERM, and whenever :class:`~coordinator.shell.coordinator.Coordinator` does.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from dataclasses import replace

from coordinator.address import BrokerAddress
from coordinator.core.events import Restored
from coordinator.core.state import State
from coordinator.plan.compile import compile_plan
from coordinator.settings import CoordinatorSettings
from coordinator.shell.batch import Batch
from coordinator.shell.clock import Clock, SystemClock
from coordinator.shell.collector import spare_the_collector
from coordinator.shell.coordinator import Coordinator
from coordinator.shell.home_assistant import Devices
from coordinator.shell.locks import lock_directory
from coordinator.shell.loop import Writer
from coordinator.shell.outgoing import Speaker
from coordinator.shell.plans import Plans, first_version, starting_plan
from coordinator.shell.recollection import longest_lease_ms, remember
from coordinator.shell.safe_mode import safe_writer
from coordinator.shell.secret import coordinator_secret
from coordinator.shell.stand_by import stand_by
from coordinator.shell.store import Store, StoreDamaged
from coordinator.shell.store.engine import FILE_NAME
from coordinator.shell.store.examination import Damage, commits_of, examine
from coordinator.shell.upkeep import Upkeep
from coordinator.shell.voice import Voice
from protocol.errors import FleetBusError
from protocol.topics import Topics

log = logging.getLogger("fleetbus.coordinator")


async def serve(settings: CoordinatorSettings, stop: asyncio.Event) -> None:
    """Run a coordinator with *settings* until *stop* is set."""
    topics = Topics(settings.root)
    clock = SystemClock()
    coord = f"{socket.gethostname()[:60]}-{os.getpid()}"
    with contextlib.closing(lock_directory(settings.data)):
        damage = None if settings.store is not None else examine(settings.data)
        if damage is None:
            try:
                await _lead(settings, topics, clock, coord, stop)
            except StoreDamaged as error:
                if settings.store is not None:
                    raise  # PostgreSQL has tools of its own
                damage = Damage(str(error), commits_of(settings.data / FILE_NAME))
        if damage is not None:
            await _stay_safe(settings, damage, topics, clock, coord, stop)


async def _stay_safe(
    settings: CoordinatorSettings,
    damage: Damage,
    topics: Topics,
    clock: Clock,
    coord: str,
    stop: asyncio.Event,
) -> None:
    writer = safe_writer(settings, damage, topics, clock, coord)
    with contextlib.closing(writer):
        speaker = writer.voice.speaker
        safe = Coordinator(writer, topics, speaker, clock, None, settings.profile)
        await safe.run(_address(settings), stop)


async def _lead(
    settings: CoordinatorSettings, topics: Topics, clock: Clock, coord: str, stop: asyncio.Event
) -> None:
    """Coordinate; raises :class:`StoreDamaged`, and has said nothing, if a record is unreadable."""
    with contextlib.ExitStack() as stack:
        closing_store = stack.enter_context(contextlib.ExitStack())
        store = closing_store.enter_context(contextlib.closing(_store(settings)))
        if not await stand_by(store, stop):
            return
        start = starting_plan(store.archive, settings.plan_file)
        policy = compile_plan(start.plan)
        memory = store.begin_term(clock.now().wall_ms - policy.task_ttl_ms)
        state = State(policy=policy, coord=coord, term=memory.term, plan_version=start.version)
        speaker = Speaker(topics, coord, memory.term)
        voice = Voice(
            state,
            speaker,
            next_event=memory.last_event + 1,
            devices=Devices(topics) if settings.home_assistant else None,
        )
        writer = Writer(
            store=store,
            clock=clock,
            voice=voice,
            answered=memory.answered,
            confirms=store.lock_can_be_lost,
        )
        stack.callback(_close, writer, closing_store)
        plans = Plans(writer, store.archive, settings.plan_file, start.notes)
        coordinator = Coordinator(writer, topics, speaker, clock, plans, settings.profile)
        batch = Batch()
        batch.add(first_version(start, settings.plan_file))
        batch.add(remember(state, memory, clock))
        store.commit(batch.changes(state, voice.next_event, clock.now().wall_ms))
        voice.next_event += len(batch.events)
        spare_the_collector()
        if memory.restored_ms is not None:
            writer.tell(Restored(longest_lease_ms(state)))
        is_open = sum(not task.is_over for task in state.tasks.values())
        log.info("term %d of %s, %d tasks open", memory.term, policy.fleet_name, is_open)
        coordinator.upkeep = Upkeep(
            writer, store, settings.data, start.plan, memory.restored_ms is not None
        )
        await coordinator.run(_address(settings), stop)


def _close(writer: Writer, closing_store: contextlib.ExitStack) -> None:
    """End the store's thread; a store that hangs is left as it is, for closing it hangs as well."""
    if not writer.close():
        log.warning("the store does not answer; stopped without it")
        closing_store.pop_all()


def _store(settings: CoordinatorSettings) -> Store:
    if settings.store is not None:
        return Store(settings.store)
    return Store.in_directory(settings.data)


def _address(settings: CoordinatorSettings) -> BrokerAddress:
    address = settings.broker_address
    if address.username is None:
        secret = coordinator_secret(settings.secret_file)
        return replace(address, username="coordinator", password=secret)
    return address


def run(settings: CoordinatorSettings) -> int:
    """Run a coordinator as this process; return its exit status."""
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it greets at every start
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415 -- not on every platform

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_until_signalled(settings))
    return asyncio.run(_until_signalled(settings))


async def _until_signalled(settings: CoordinatorSettings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, stop.set)
    status = 0
    try:
        await serve(settings, stop)
    except* FleetBusError as group:
        for error in group.exceptions:
            log.error("%s", error)  # noqa: TRY400 -- the message says it all
        status = 1
    return status
