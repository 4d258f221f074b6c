"""Staying up with a store that must not be written: seen by all, answering, doing nothing.

A fleet whose coordinator is silent looks like any other trouble. So one whose store is damaged, or
has lost what was promised, says so on the bus with the one command that repairs it, shows what can
still be read, and leaves the files exactly as it found them.
"""

import logging
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn, TypeVar

from sqlalchemy import Connection

from coordinator.core.policy import Policy
from coordinator.core.state import State
from coordinator.plan.compile import compile_plan
from coordinator.plan.load import load as load_plan
from coordinator.settings import CoordinatorSettings
from coordinator.shell.backups import copies_in
from coordinator.shell.clock import Clock
from coordinator.shell.loop import Writer
from coordinator.shell.outage import Outage
from coordinator.shell.outgoing import Speaker
from coordinator.shell.recollection import remember
from coordinator.shell.store import Changes, Row, Store, StoreDamaged
from coordinator.shell.store.examination import Damage, commits_of, fault_of
from coordinator.shell.store.salvage import salvage
from coordinator.shell.voice import Voice
from protocol.errors import FleetBusError
from protocol.messages import Reply
from protocol.topics import Topics
from protocol.vocabulary import CoordinatorState

log = logging.getLogger("fleetbus.coordinator")

LOOKED_AT: Final = 3
"""How many of the newest copies are checked for one that can be advised."""

T = TypeVar("T")


@dataclass(slots=True)
class ClosedStore(Store):
    """A store that is not touched, whoever asks."""

    reason: str

    def commit(self, changes: Changes) -> NoReturn:  # noqa: ARG002 -- Store's own
        """Refuse."""
        raise StoreDamaged(self.reason)

    def maintain(self, work: Callable[[Connection], T]) -> NoReturn:  # noqa: ARG002 -- Store's own
        """Refuse."""
        raise StoreDamaged(self.reason)

    def confirm(self) -> NoReturn:
        """Refuse."""
        raise StoreDamaged(self.reason)

    def known_replies(
        self,
        requests: Iterable[tuple[str, str]],  # noqa: ARG002 -- Store's own
    ) -> dict[tuple[str, str], Reply]:
        """Refuse."""
        raise StoreDamaged(self.reason)

    def past_tasks(self, ids: Iterable[str]) -> list[Row]:  # noqa: ARG002 -- Store's own
        """Refuse."""
        raise StoreDamaged(self.reason)

    def close(self) -> None:
        """Do nothing: nothing is open."""


def safe_writer(
    settings: CoordinatorSettings, damage: Damage, topics: Topics, clock: Clock, coord: str
) -> Writer:
    """Make a writer that never writes, of what can be read.

    Raises :class:`StoreDamaged` if the settings are strict.
    """
    command = recovery_command(settings.data, damage, clock.now().wall_ms)
    outage = Outage(damage.text, command)
    if settings.strict:
        raise StoreDamaged(f"{damage.text}. To repair it: {command}")
    log.error("%s", outage.text)
    policy = _policy(settings)
    memory = salvage(settings.data, policy)
    state = State(policy=policy, coord=coord, term=memory.term)
    remember(state, memory, clock)
    state.phase = CoordinatorState.SAFE
    return Writer(
        store=ClosedStore(outage.text),
        clock=clock,
        voice=Voice(state, Speaker(topics, coord, memory.term), next_event=0),
        outage=outage,
    )


def recovery_command(data: Path, damage: Damage, now_ms: int) -> str:
    """Name the command that brings back the most; it moves the present files aside."""
    data = data.absolute()  # whoever reads the command may be elsewhere
    where = f"--data {shlex.quote(str(data))}"
    newest_first = copies_in(data, now_ms)[:LOOKED_AT]
    newest = next((copy for copy in newest_first if fault_of(copy) is None), None)
    if newest is not None and (damage.commits is None or commits_of(newest) >= damage.commits):
        return f"fleetbus restore {shlex.quote(str(newest))} {where}"
    if damage.commits is not None:
        return f"fleetbus restore --as-is {where}"
    return f"fleetbus restore --empty {where}"


def _policy(settings: CoordinatorSettings) -> Policy:
    try:
        return compile_plan(load_plan(settings.plan_file))
    except FleetBusError as error:
        log.warning("shown without a plan: %s", error)
        return Policy()
