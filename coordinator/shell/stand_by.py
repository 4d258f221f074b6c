"""Waiting for the lead of a store that several coordinators share.

There is no other election: whoever holds the store's lock leads. A stand-by is not on the bus; it
asks for the lock twice a second, and PostgreSQL has it to give as soon as the leader's connection
has ended, which it does by itself when the leader says nothing any more.
"""

import asyncio
import logging
from typing import Final

from coordinator.shell.store import Store, StoreUnavailable

log = logging.getLogger("fleetbus.coordinator")

ASK_EVERY_S: Final = 0.5


async def stand_by(store: Store, stop: asyncio.Event) -> bool:
    """Wait until *store* is ours to lead; ``False`` if *stop* is set before.

    Raises :class:`StoreUnavailable` if the store cannot be reached at the first attempt.
    """
    waits, unreachable = False, False
    while not stop.is_set():
        try:
            if await asyncio.to_thread(store.try_to_lead):
                return True
        except StoreUnavailable as error:
            if not waits:
                raise
            if not unreachable:
                log.warning("standing by: %s", error)
            unreachable = True
        else:
            unreachable = False
            if not waits:
                log.info("another coordinator leads this store; standing by")
            waits = True
        try:
            async with asyncio.timeout(ASK_EVERY_S):
                await stop.wait()
        except TimeoutError:
            pass
    return False
