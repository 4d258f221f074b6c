"""Keeps what changes on disk without holding anything up, and holds back what would promise more.

Changes are gathered in memory and written by a thread, one transaction after the other, each with
everything that came meanwhile. An acknowledgement leaves when all that was said before it is on
disk: whoever has it may forget its message, and a broker that is killed has not.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from broker.delivery import Delivery, Link
from broker.keeping.changes import Changes, as_kept
from broker.keeping.database import Database
from broker.message import Message

log = logging.getLogger(__name__)

MAX_HELD_BACK: Final = 100_000
"""Acknowledgements that wait for one write; whoever asks for one more is disconnected."""
_TRY_AGAIN_S: Final = 1.0
_COMPLAIN_EVERY: Final = 60


class Keeper:
    """Writes changes to *database* while :meth:`run` runs, and what is left at the end."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keeper")
        self._changes = Changes()
        self._writing: Changes | None = None
        self._changed = asyncio.Event()

    def retained(self, message: Message, *, kept: bool) -> None:
        """Note that *message* is its topic's last now, or that its topic has none any more."""
        if message.topic[0] == "$":
            return  # the broker's own figures begin anew
        self._changes.retained[message.topic] = message if kept and message.payload else None
        self._changed.set()

    def notes(self, client_id: str) -> "Notes":
        """Return where the session of *client_id* notes its changes."""
        return Notes(self, client_id)

    def change(self) -> Changes:
        """Return where to note a change; it will be written."""
        self._changed.set()
        return self._changes

    def answer(self, link: Link, packet: bytes) -> None:
        """Send an acknowledgement once everything up to now is on disk."""
        changes = self._changes if self._changed.is_set() else self._writing
        if changes is None:
            link.write(packet)
        elif len(changes.answers) >= MAX_HELD_BACK:
            link.end_soon("nothing can be written to disk, and too much waits for that")
        else:
            changes.answers.append((link, packet))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write changes as they come; at the end write what is left, once."""
        async with asyncio.TaskGroup() as tasks:
            writer = tasks.create_task(self._run(), name="keeper")
            try:
                yield
            finally:
                writer.cancel()
        self._thread.shutdown(wait=True)
        try:
            for changes in (self._writing, self._changes):  # a change may be written twice
                if changes is not None:
                    self._database.write(changes)
        except sqlite3.Error as error:
            log.error("the last changes could not be kept: %s", error)  # noqa: TRY400 - it says all
        self._database.close()

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            written, self._changes = self._changes, Changes()
            self._writing = written
            await self._write(written)
            self._writing = None
            for link, packet in written.answers:
                link.write(packet)

    async def _write(self, changes: Changes) -> None:
        """Write *changes*; if that fails, for instance on a full disk, until it does not."""
        loop, failures = asyncio.get_running_loop(), 0
        while True:
            try:
                await loop.run_in_executor(self._thread, self._database.write, changes)
            except sqlite3.Error as error:
                if failures % _COMPLAIN_EVERY == 0:
                    log.error(  # noqa: TRY400 - it says all
                        "nothing can be kept, so nothing is acknowledged: %s (%s); make room, "
                        "this goes on by itself",
                        error,
                        self._database.path,
                    )
                failures += 1
                await asyncio.sleep(_TRY_AGAIN_S)
            else:
                if failures:
                    log.warning("changes are kept again")
                return


class Notes:
    """What one lasting session notes of itself."""

    __slots__ = ("_client_id", "_keeper")

    def __init__(self, keeper: Keeper, client_id: str) -> None:
        self._keeper = keeper
        self._client_id = client_id

    def entered(self, name: str) -> None:
        """Note that the session exists and belongs to *name*."""
        self._keeper.change().of(self._client_id).name = name

    def forgotten(self) -> None:
        """Note that the session is no more."""
        self._keeper.change().forget(self._client_id)

    def granted(self, pattern: str, qos: int | None) -> None:
        """Note a filter and its QoS, None when it was given back."""
        self._keeper.change().of(self._client_id).filters[pattern] = qos

    def delivering(self, delivery: Delivery) -> None:
        """Note how far *delivery* is."""
        deliveries = self._keeper.change().of(self._client_id).deliveries
        deliveries[delivery.number] = as_kept(delivery)

    def delivered(self, delivery: Delivery) -> None:
        """Note that *delivery* is over."""
        self._keeper.change().of(self._client_id).deliveries[delivery.number] = None

    def unreleased(self, packet_id: int, *, waits: bool) -> None:
        """Note whether a message of QoS 2 from the client waits for its PUBREL."""
        self._keeper.change().of(self._client_id).unreleased[packet_id] = waits
