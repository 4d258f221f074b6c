"""One execution of one assignment, shared by the loop that decides and the code that works.

The loop extends the deadline and asks to stop, rest or go on. The working side looks at the
deadline by itself, on its own clock: the loop may be frozen while the handler is not.
"""

import os
import threading
from collections.abc import Callable
from typing import Any, Final

from agent_client.clock import Clock
from agent_client.core.effects import StartHandler
from agent_client.core.events import (
    Event,
    HandlerEnded,
    HandlerNotStarted,
    HandlerPaused,
    HandlerProgressed,
    HandlerResumed,
    HandlerStarted,
)
from agent_client.core.outcomes import GaveWay, Outcome, StopWhy
from agent_client.errors import Cancelled, LeaseLost, MustStop
from protocol.vocabulary import OnLeaseLost

LONGEST_WAIT_S: Final = 0.5
"""Waiting threads look at the clock at least this often: their timer may not count a suspend."""

Post = Callable[[Event, bool], None]
"""Hands an event to the loop, and says whether the loop must wake up for it."""


class Run:
    """The rights and duties of one running handler."""

    def __init__(
        self, start: StartHandler, clock: Clock, post: Post, *, held_files: tuple[int, ...] = ()
    ) -> None:
        self.held_files = held_files
        """Open files that a process of its own has to keep open as long as it runs."""
        self.fence = start.fence
        self.assignment = start.assignment
        self.deadline_ms = start.deadline_ms
        self.killed = False
        self.on_change: Callable[[], None] | None = None
        self._process = os.getpid()
        self._clock = clock
        self._post = post
        self._stop_why: StopWhy | None = None
        self._pause_asked = False
        self._changed = threading.Condition()
        self._progress_posted = False
        self._progress: HandlerProgressed | None = None

    # --- for the loop

    def extend(self, deadline_ms: int) -> None:
        """Give more time."""
        self.deadline_ms = max(self.deadline_ms, deadline_ms)
        self._tell()

    def ask_to_stop(self, why: StopWhy) -> None:
        """Ask the handler to stop."""
        if self._stop_why is None:
            self._stop_why = why
        self._tell()

    def ask_to_rest(self, *, rest: bool) -> None:
        """Ask the handler to rest, or to go on."""
        self._pause_asked = rest
        self._tell()

    def kill(self) -> None:
        """End by force what can be ended by force."""
        self.killed = True
        self._tell()

    def take_progress(self) -> HandlerProgressed | None:
        """Hand over the newest progress once."""
        self._progress_posted = False
        progress, self._progress = self._progress, None
        return progress

    def notify(self) -> None:
        """Wake up whoever waits in :meth:`wait`."""
        with self._changed:
            self._changed.notify_all()

    def _tell(self) -> None:
        self.notify()
        if self.on_change is not None:
            self.on_change()

    # --- for the working side

    def begin(self) -> bool:
        """Check, as the first act, that the work may begin; say so to the loop."""
        if self._stop_why is not None:
            self._post(HandlerEnded(self.fence, GaveWay()), True)  # noqa: FBT003 - wakes the loop
            return False
        now = self._clock.now_ms()
        if now >= self.deadline_ms:
            self._post(HandlerNotStarted(self.fence), True)  # noqa: FBT003 - wakes the loop
            return False
        # The loop looks by itself after 20 ms; most short work has ended by then.
        self._post(HandlerStarted(self.fence, now), False)  # noqa: FBT003 - does not wake the loop
        return True

    def end(self, outcome: Outcome) -> None:
        """Say that nothing of this executes any more.

        In a copy of the process, which the handler has forked, this ends the copy: it has our
        connection, which would outlive us, and nothing to say.
        """
        if os.getpid() != self._process:
            os._exit(0)
        self._post(HandlerEnded(self.fence, outcome), True)  # noqa: FBT003 - wakes the loop

    @property
    def obeys_deadline(self) -> bool:
        """Whether the work must end with its lease."""
        return self.assignment.on_lease_lost is OnLeaseLost.STOP

    def stop_in_ms(self) -> int | None:
        """How long until the handler must be asked to stop, as far as the lease goes."""
        if not self.obeys_deadline:
            return None
        grace_ms = int(self.assignment.cancel_grace_s * 1000)
        return self.deadline_ms - grace_ms - self._clock.now_ms()

    def kill_in_ms(self) -> int | None:
        """How long until the work must be over by force, as far as the lease goes."""
        return self.deadline_ms - self._clock.now_ms() if self.obeys_deadline else None

    def must_stop(self) -> StopWhy | None:
        """Say why the handler must stop, if it must. It never turns back."""
        if self._stop_why is None:
            left = self.stop_in_ms()
            if left is not None and left <= 0:
                self._stop_why = StopWhy.LEASE_LOST
        return self._stop_why

    def raise_if_stopped(self) -> None:
        """Raise if the handler must stop; unlike :meth:`check`, never rest."""
        if (why := self.must_stop()) is not None:
            raise self.exception(why)

    def gave_way(self) -> MustStop:
        """Make what is raised when the work has stopped, though nobody here asked for it yet."""
        why = self.must_stop()
        if why is None:
            why = self._stop_why = StopWhy.LEASE_LOST
        return self.exception(why)

    def deadline_on(self, other_now_ms: Callable[[], int]) -> int | None:
        """Tell the deadline on another clock; None if the work may overrun its lease."""
        if not self.obeys_deadline:
            return None
        # The other clock first: time lost between the two looks must not be won.
        other = other_now_ms()
        return other + self.deadline_ms - self._clock.now_ms()

    def how_things_stand(self, other_now_ms: Callable[[], int]) -> dict[str, Any]:
        """Say everything that matters to a handler in another process."""
        return {
            "deadline_ms": self.deadline_on(other_now_ms),
            "why": self._stop_why,
            "rest": self._pause_asked,
            "kill": self.killed,
        }

    def must_rest(self) -> bool:
        """Say whether the handler should rest."""
        return self._pause_asked

    def exception(self, why: StopWhy) -> MustStop:
        """Make what is raised into the handler."""
        lost = why in {StopWhy.LEASE_LOST, StopWhy.NOT_ASSIGNED}
        return (LeaseLost if lost else Cancelled)(why.value)

    def check(self) -> None:
        """Raise if the handler must stop; if it should rest, return when it may go on."""
        if (why := self.must_stop()) is not None:
            raise self.exception(why)
        if not self._pause_asked:
            return
        self.resting()
        while self._pause_asked and self.must_stop() is None:
            self.wait(LONGEST_WAIT_S, lambda: not self._pause_asked)
        if (why := self.must_stop()) is not None:
            raise self.exception(why)
        self.going_on()

    def resting(self) -> None:
        """Say that the handler has come to rest."""
        self._post(HandlerPaused(self.fence), True)  # noqa: FBT003 - wakes the loop

    def going_on(self) -> None:
        """Say that the handler works again."""
        self._post(HandlerResumed(self.fence), True)  # noqa: FBT003 - wakes the loop

    def wait(self, seconds: float, done: Callable[[], bool] = lambda: False) -> None:
        """Wait until *seconds* are over, *done* says so, or the handler must stop."""
        until = self._clock.now_ms() + seconds * 1000
        with self._changed:
            while self.must_stop() is None and not done():
                left = [(until - self._clock.now_ms()) / 1000, LONGEST_WAIT_S]
                if left[0] <= 0:
                    return
                if (stop_in := self.stop_in_ms()) is not None:
                    left.append(stop_in / 1000)
                self._changed.wait(max(0.001, min(left)))

    def progress(self, pct: float | None, step: str | None, eta_s: float | None) -> None:
        """Say how far the work is; only the newest words count."""
        self._progress = HandlerProgressed(self.fence, pct, step, eta_s)
        if not self._progress_posted:
            self._progress_posted = True
            self._post(HandlerProgressed(self.fence), True)  # noqa: FBT003 - wakes the loop
