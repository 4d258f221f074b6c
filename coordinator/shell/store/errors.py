"""What can be wrong with the store.

- StoreError            the store cannot be used; the message says what to do
    - StoreUnavailable  not now: nothing was stored, and the same may be tried again
        - StoreSilent   it has not answered yet; what was asked may still be done
    - StoreDamaged      it is broken, gone, or older than promised; a person must decide
    - TermEnded         somebody else leads this store; whoever gets this must say nothing more
"""

from sqlalchemy.exc import (
    DatabaseError,
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
)

from protocol.errors import FleetBusError


class StoreError(FleetBusError):
    """The store cannot be used; the message says what to do."""


class StoreUnavailable(StoreError):
    """The store does not answer now: a full disk, a lost connection, a lock held too long."""


class StoreSilent(StoreUnavailable):
    """The store has not answered for so long that nobody should go on as if it would."""

    def __init__(self, silent_s: float) -> None:
        super().__init__(
            f"the store has not answered for {silent_s:g} s; look at its disk, or at the database "
            "and the network to it"
        )


class StoreDamaged(StoreError):
    """The store must not be written any more; the message names the command that repairs it."""


class TermEnded(StoreError):
    """Another coordinator has begun a newer term on this store."""


def is_trouble(error: DBAPIError) -> bool:
    """Say whether *error* is the disk's or the network's; the others are faults of ours."""
    kinds = (OperationalError, InternalError, InterfaceError)
    # SQLite says "database disk image is malformed" with the base class itself.
    return error.connection_invalidated or isinstance(error, kinds) or type(error) is DatabaseError
