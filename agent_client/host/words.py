"""What a host says, built from what it is and what its keeper knows."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from agent_client.clock import Clock
from agent_client.host.keeper import Kept
from agent_client.host.settings import HostSettings
from protocol.codec import encode
from protocol.messages import HostActual, HostedAgent, HostMetrics, HostPresence, Seen
from protocol.messages.hosts import MAX_LAST_LINES
from protocol.topics import HostChannel
from protocol.vocabulary import PresenceState

LONGEST_LINE: Final = 500
LONGEST_TEXT: Final = 1000


class Words:
    """Builds and numbers the messages of one life of a host."""

    def __init__(self, settings: HostSettings, clock: Clock, boot: str, epoch: int) -> None:
        self.boot = boot
        self.epoch = epoch
        self.conn = 0
        self._settings = settings
        self._clock = clock
        self._seq: Counter[HostChannel] = Counter()

    def presence(self, state: PresenceState, reason: str | None = None) -> bytes:
        """Say whether the host is there; with state lost it is the will."""
        return encode(
            HostPresence(
                **self._envelope(HostChannel.PRESENCE),
                state=state,
                reason=reason,
                stands_in=self._settings.stands_in,
            )
        )

    def actual(self, agents: Iterable[Kept], seen: tuple[int, int], now_ms: int) -> bytes:
        """Say how every agent of this machine is."""
        age_ms = self._clock.wall_ms() - now_ms
        return encode(
            HostActual(
                **self._envelope(HostChannel.ACTUAL),
                interval_s=self._settings.interval_s,
                seen=Seen(term=seen[0], rev=seen[1]),
                agents=tuple(hosted(kept, age_ms) for kept in agents),
            )
        )

    def metrics(self, numbers: dict[str, float]) -> bytes:
        """Tell the numbers of the machine."""
        return encode(HostMetrics(**self._envelope(HostChannel.METRICS), m=numbers))

    def _envelope(self, channel: HostChannel) -> dict[str, Any]:
        self._seq[channel] += 1
        return {
            "ts_ms": self._clock.wall_ms(),
            "host": self._settings.name,
            "machine_id": self._settings.machine_id,
            "boot": self.boot,
            "epoch": self.epoch,
            "conn": self.conn,
            "seq": self._seq[channel],
        }


def hosted(kept: Kept, age_ms: int = 0) -> HostedAgent:
    """Say how one agent is; *age_ms* is what to add to its times to get those of the wall."""
    return HostedAgent(
        agent=kept.agent,
        state=kept.state,
        boot=kept.boot,
        pid=kept.pid,
        since_ms=max(0, kept.since_ms + age_ms),
        restarts=kept.restarts,
        exit=None if kept.exit is None else printable(kept.exit, LONGEST_TEXT),
        last_lines=tuple(printable(line) for line in kept.last_lines[-MAX_LAST_LINES:]),
        dead_boots=kept.dead_boots,
    )


def printable(text: str, longest: int = LONGEST_LINE) -> str:
    """Return *text* without what a terminal or JSON reader would stumble over."""
    kept = "".join(letter if letter.isprintable() else " " for letter in text)
    return kept.encode("utf-8", "replace").decode()[:longest]
