"""One running coordinator: the bus on one side, the writer on the other, and who may speak.

It ends when it is told to stop, when the broker refuses it, and when another coordinator of the
same fleet has a higher term.
"""

import asyncio
import contextlib
import logging
import os
from dataclasses import dataclass, field
from typing import Final

from coordinator.address import BrokerAddress
from coordinator.core.events import BusConnected, Heard, Stalled, Stopping, Submitted
from coordinator.shell.bus import Bus, Will
from coordinator.shell.clock import Clock
from coordinator.shell.loop import Writer
from coordinator.shell.outgoing import Said, Speaker
from coordinator.shell.plans import Plans
from coordinator.shell.safe_mode import ClosedStore
from coordinator.shell.sweep import SWEEP_S, SWEPT, Sweep
from coordinator.shell.upkeep import Upkeep
from protocol.broker_profiles import BROKER_PROFILES, DEFAULT_PROFILE, BrokerProfile
from protocol.codec import decode_from, encode
from protocol.errors import BadPayload, BadTopic, FleetBusError
from protocol.messages import CoordinatorPresence, Submit
from protocol.messages.base import FromAgent, FromHost
from protocol.topics import (
    CoordinatorChannel,
    InboxTopic,
    RegistryTopic,
    SubmitTopic,
    TaskTopic,
    Topics,
)
from protocol.vocabulary import CoordinatorState, SubmitOp

log = logging.getLogger("fleetbus.coordinator")

FILTERS: Final = (
    "agents/+/+",
    "submit/+",
    "coordinator/presence",
    "hosts/+/presence",
    "hosts/+/actual",
    "hosts/+/metrics",
)
STOP_WITHIN_S: Final = 5.0
COMPLAIN_EVERY_S: Final = 60.0
_OURS: Final = (TaskTopic, RegistryTopic, InboxTopic)
"""Topics on which only a coordinator speaks."""


class SteppedDown(FleetBusError):
    """Another coordinator of this fleet is, or was, newer."""

    def __init__(self, other: CoordinatorPresence, term: int) -> None:
        text = f"{other.coord} coordinates this fleet in term {other.term}"
        if other.state is CoordinatorState.OFFLINE:
            text = (
                f"{other.coord} coordinated this fleet until term {other.term}; this store knows "
                f"term {term} only, and agents would not obey it. Go on with the store of that "
                "one; if it is lost, run `fleetbus restore --empty` before this one starts again"
            )
        super().__init__(text)
        self.other = other


@dataclass(slots=True)
class Coordinator:
    """The parts of one running coordinator."""

    writer: Writer
    topics: Topics
    speaker: Speaker
    clock: Clock
    plans: Plans | None
    """None while the store must not be written: then the writer refuses what is asked of plans."""
    profile: BrokerProfile = BROKER_PROFILES[DEFAULT_PROFILE]
    upkeep: Upkeep | None = None
    _sweep: Sweep = field(init=False)
    _bus: Bus | None = None
    _is_leaving: bool = False
    _lost_at_ms: int | None = None
    _stepped_down: "asyncio.Future[None] | None" = None
    _complained: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.writer.voice.publish, self.writer.voice.flush = self.publish, self.flush
        self._sweep = Sweep(self.writer.state)

    def publish(self, said: Said) -> None:
        """Say something, if there is a bus to say it on."""
        if self._bus is not None:
            self._bus.publish(said.topic, said.payload, qos=said.qos, retain=said.retain)

    def flush(self) -> None:
        """Let what was said leave now."""
        if self._bus is not None:
            self._bus.flush()

    async def run(self, address: BrokerAddress, stop: asyncio.Event) -> None:
        """Run until *stop* is set, then say goodbye; a fault in any part ends them all."""
        will = self.speaker.presence(CoordinatorState.OFFLINE, self.clock.now())
        self._stepped_down = asyncio.get_running_loop().create_future()
        self._bus = Bus(
            address=address,
            client_id=f"coordinator-{os.urandom(6).hex()}",
            will=Will(will.topic, will.payload),
            filters=[self.topics.under(pattern) for pattern in FILTERS],
            on_message=self._on_message,
            on_connected=self._on_connected,
            on_lost=self._on_lost,
            profile=self.profile,
        )
        self._on_lost(0.0)  # there is none yet, and nobody is judged for it
        async with asyncio.TaskGroup() as tasks:
            parts = [
                tasks.create_task(self._bus.run(), name="bus"),
                tasks.create_task(self.writer.run(), name="writer"),
                tasks.create_task(self._step_down(), name="step down"),
            ]
            if self.upkeep is not None:
                parts.append(tasks.create_task(self.upkeep.run(), name="upkeep"))
            if self.plans is not None:
                parts.append(tasks.create_task(self.plans.run(), name="plans"))
            await stop.wait()
            for part in parts[1:]:
                part.cancel()
            await asyncio.gather(*parts[1:], return_exceptions=True)
            await self._say_goodbye()
            parts[0].cancel()

    async def _say_goodbye(self) -> None:
        self._is_leaving = True
        self.writer.tell(Stopping())
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await self.writer.drain()
                self.publish(self.speaker.presence(CoordinatorState.OFFLINE, self.clock.now()))
                if self._bus is not None:
                    await self._bus.disconnect()
        except TimeoutError:
            # Agents repeat a report until it is acknowledged: nothing is lost by this.
            log.warning("stopped before everything that had arrived was decided")

    async def _step_down(self) -> None:
        if self._stepped_down is None:
            return
        try:
            await self._stepped_down
        except SteppedDown as error:
            if self._bus is None:
                raise
            if error.other.state is CoordinatorState.OFFLINE:
                # Nobody else will: whoever comes next must find it in the place of what we said.
                topic = self.topics.coordinator(CoordinatorChannel.PRESENCE)
                self.publish(Said(topic, encode(error.other)))
            with contextlib.suppress(TimeoutError):
                await self._bus.disconnect()  # without the will, which would take that place too
            raise

    # --- the bus speaks

    def _on_connected(self) -> None:
        if self._lost_at_ms is not None:
            gone_ms = self.clock.now().mono_ms - self._lost_at_ms
            self._lost_at_ms = None
            self.writer.tell(Stalled(gone_ms))
        self.writer.tell(BusConnected())
        self.writer.is_cut_off = False
        if self.plans is None:
            return
        self.plans.on_connected()
        if self._bus is not None:
            swept = [self.topics.under(pattern) for pattern in SWEPT]
            self._bus.subscribe(swept)
            asyncio.get_running_loop().call_later(SWEEP_S, self._bus.unsubscribe, swept)

    def _on_lost(self, silent_s: float) -> None:
        # Whoever spoke since then was not heard, and is not judged for it.
        self._lost_at_ms = self.clock.now().mono_ms - int(silent_s * 1000)
        self.writer.is_cut_off = True

    def _on_message(self, topic: str, payload: bytes, retained: bool) -> None:  # noqa: FBT001 -- Bus
        if not payload:
            return  # a retained topic was cleared
        try:
            address = self.topics.parse(topic)
            if isinstance(address, _OURS):
                if retained and self._sweep.is_leftover(address):
                    self.publish(Said(topic, b""))
                return
            message = decode_from(address, payload)
        except (BadTopic, BadPayload) as error:
            self._drop(topic, error)
            return
        match message:
            case FromAgent() | FromHost():
                self.writer.tell(Heard(message, retained))  # type: ignore[arg-type] # all of their kinds
            case Submit(op=SubmitOp.PLAN) if isinstance(address, SubmitTopic) and self.plans:
                self.plans.ask(address.client, message)
            case Submit() if isinstance(address, SubmitTopic):
                self.writer.tell(Submitted(address.client, message))
            case CoordinatorPresence():
                self._meet(message)
            case _:
                self.writer.inbox.count_dropped("unexpected")

    def _meet(self, other: CoordinatorPresence) -> None:
        down, mine = self._stepped_down, self.speaker
        is_own_will = other.coord == mine.coord and other.state is CoordinatorState.OFFLINE
        # Whose store cannot be read knows no term, and is nobody's rival while it is the only one.
        is_shown_only = isinstance(self.writer.storing.store, ClosedStore)
        is_gone = is_shown_only and other.state is CoordinatorState.OFFLINE
        if other.term > mine.term and not is_gone:
            if down is not None and not down.done():
                down.set_exception(SteppedDown(other, mine.term))
        elif (other.term < mine.term or is_own_will or is_gone) and not self._is_leaving:
            # The last will of a predecessor, or of an earlier connection that ended unnoticed.
            self.writer.say_presence()

    def _drop(self, topic: str, error: BadTopic | BadPayload) -> None:
        """Count what cannot be read, and say so once a minute for each sender and reason."""
        reason = error.reason.value if isinstance(error, BadPayload) else "bad_topic"
        self.writer.inbox.count_dropped(reason)
        key = f"{reason} {topic[:200]}" if isinstance(error, BadPayload) else reason
        now_s = self.clock.now().mono_ms / 1000
        if now_s - self._complained.get(key, -COMPLAIN_EVERY_S) >= COMPLAIN_EVERY_S:
            if len(self._complained) > 1000:  # noqa: PLR2004 -- bounds what strangers can fill
                self._complained.clear()
            self._complained[key] = now_s
            log.warning("dropped a message on %r: %s", topic[:200], str(error)[:200])
