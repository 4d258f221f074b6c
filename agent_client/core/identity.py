"""Who this process is among all processes that ever bore the agent's name.

Boots are ordered by ``epoch``. A higher one of another boot means that this process is
superseded, unless that boot has said goodbye: then this one moves above it. A lower one, or a
state that this boot did not state last, is out of date on the bus and is corrected by stating the
presence again, at most four times a second.
"""

from enum import Enum, auto
from typing import Final

from agent_client.messages import Presence
from protocol.vocabulary import PresenceState

RESTATE_EVERY_MS: Final = 250


class Verdict(Enum):
    """What follows from something that was read about this agent."""

    NOTHING = auto()
    RESTATE = auto()
    RAISE_EPOCH = auto()
    SUPERSEDED = auto()


class Identity:
    """The boot of this process, its place in the order of boots, and what it last said."""

    def __init__(self, boot: str) -> None:
        self.boot = boot
        self.epoch: int | None = None
        self._former_epoch: int | None = None
        self.conn = 0
        self.will_epoch = 0
        self.stated: PresenceState | None = None
        self._highest = -1
        self._restated_ms: int | None = None
        self._restate_due: int | None = None

    def connecting(self, wall_ms: int) -> None:
        """Count the connection that is made now, and settle which epoch its will carries."""
        self.conn += 1
        self.will_epoch = max(wall_ms, self._highest + 1) if self.epoch is None else self.epoch

    def choose_epoch(self) -> bool:
        """Take an epoch above every one that was seen; say whether the will already carries it.

        If not (the clock stepped back since the last boot), the connection must be made again:
        a will of a lower epoch would not be believed.
        """
        self.epoch = max(self.will_epoch, self._highest + 1)
        return self.epoch == self.will_epoch

    def reconsider_epoch(self) -> None:
        """Let go of the epoch, because a higher one is known; the next connection chooses."""
        if self.epoch is not None:
            self._former_epoch, self.epoch = self.epoch, None

    def on_presence(self, presence: Presence) -> Verdict:
        """Judge what the agent's own presence topic shows."""
        if presence.boot != self.boot:
            self._highest = max(self._highest, presence.epoch)
        if self.epoch is None:
            return self._while_choosing(presence)
        if presence.boot == self.boot:
            current = presence.epoch == self.epoch and presence.state is self.stated
            return Verdict.NOTHING if current else Verdict.RESTATE
        if presence.epoch == self.epoch:
            # Two boots of one millisecond: exactly one of them moves on.
            return Verdict.RAISE_EPOCH if self.boot > presence.boot else Verdict.NOTHING
        if presence.epoch < self.epoch:
            return Verdict.RESTATE
        # Whoever said goodbye is nobody's successor, and its word may come late; one that is only
        # lost may come back.
        said_goodbye = presence.state is PresenceState.OFFLINE
        return Verdict.RAISE_EPOCH if said_goodbye else Verdict.SUPERSEDED

    def _while_choosing(self, presence: Presence) -> Verdict:
        # At its start a process takes over from whoever was there. Later, a higher epoch may
        # be that of a living successor, and must not be outbid.
        if self._former_epoch is None or presence.boot == self.boot:
            return Verdict.NOTHING
        alive = presence.state not in {PresenceState.LOST, PresenceState.OFFLINE}
        newer = presence.epoch > self._former_epoch
        return Verdict.SUPERSEDED if alive and newer else Verdict.NOTHING

    def on_registry(self, epoch: int) -> Verdict:
        """Judge the epoch that the coordinator knows for this agent."""
        self._highest = max(self._highest, epoch)
        known = self.epoch is None or epoch <= self.epoch
        return Verdict.NOTHING if known else Verdict.RAISE_EPOCH

    def ask_restatement(self, now: int) -> None:
        """Plan to state the presence again, as soon as that is allowed."""
        if self._restate_due is None:
            earliest = now if self._restated_ms is None else self._restated_ms + RESTATE_EVERY_MS
            self._restate_due = max(now, earliest)

    def restate_due(self) -> int | None:
        """When the presence must be stated again, if it must."""
        return self._restate_due

    def state(self, state: PresenceState, now: int) -> None:
        """Note that *state* is stated now."""
        self.stated, self._restated_ms, self._restate_due = state, now, None
