"""The guard of one task: starts it, asks it to stop in time, and kills it when its lease is over.

Run by its path, by an interpreter that need not know anything else, so that it is small and
starts fast. It hears the agent on its standard input, one JSON object per line: first the order,
then again and again how things stand. The task gets its standard output, and the guard's own two
words on it, which begin with ``MARK``, come before the first and after the last of the task's.

The deadline is on the clock that also counts while the machine is suspended. It is looked at
before anything else, and on every waking. A guard that is frozen itself is killed by the kernel
(:class:`LastResort`). When the agent is gone, nobody is left to renew the lease or to hear the
result, and the task is asked to stop at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time

TYPE_CHECKING = False  # what only a type checker needs takes time to import, too
if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable
    from typing import Any

MARK = b"\0guard "
LOOK_EVERY_MS = 250  # a wait may not count a suspend of the machine
LAST_RESORT_MS = 100
"""How long after the deadline the kernel kills a guard that has not done its work by then."""
_GROUP_GONE_WITHIN_S = 0.5
_QUEUED_LINES = 1_000


def now_ms() -> int:
    """Tell the time on the clock that all processes of this machine share, sleep included."""
    if sys.platform == "linux":
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    if sys.platform == "darwin":
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000_000
    return time.monotonic_ns() // 1_000_000


class Watch:
    """When to ask and when to kill, as far as is known now."""

    def __init__(self, deadline_ms: int | None, grace_ms: int) -> None:
        self.deadline_ms = deadline_ms
        self.grace_ms = grace_ms
        self.asked_ms: int | None = None
        self.killed = False
        self._stop_wanted = False
        self._kill_wanted = False

    def told(self, *, deadline_ms: int | None, stop: bool, kill: bool) -> None:
        """Take in how things stand for the agent; a deadline never moves back."""
        if self.deadline_ms is not None and deadline_ms is not None:
            self.deadline_ms = max(self.deadline_ms, deadline_ms)
        self._stop_wanted |= stop
        self._kill_wanted |= kill

    def must_stop(self, now: int) -> bool:
        """Say whether the task must be asked to stop."""
        late = self.deadline_ms is not None and now >= self.deadline_ms - self.grace_ms
        return self._stop_wanted or late

    def must_die(self, now: int) -> bool:
        """Say whether patience is over."""
        late = self.deadline_ms is not None and now >= self.deadline_ms
        waited = self.asked_ms is not None and now >= self.asked_ms + self.grace_ms
        return self._kill_wanted or late or waited

    def wait_ms(self, now: int) -> int:
        """Tell how long nothing needs to be done, if nothing happens."""
        dues = [now + LOOK_EVERY_MS]
        if self.deadline_ms is not None:
            dues.append(self.deadline_ms - (self.grace_ms if self.asked_ms is None else 0))
        if self.asked_ms is not None:
            dues.append(self.asked_ms + self.grace_ms)
        return max(1, min(dues) - now)


class LastResort:
    """A timer of the kernel that kills the guard, and with it its task, even if both are frozen.

    A guard that was stopped, or suspended with the machine, would do its work on waking; but so
    would its task. What the task has started is then ended by the agent, on its own waking.
    """

    def __init__(self, libc: ctypes.CDLL | None) -> None:
        self._libc = libc
        self._timer: ctypes.c_void_p | None = None
        # The layouts below are those of 64 bits; elsewhere there is no last resort.
        if libc is None or sys.maxsize < 1 << 32:
            return
        import ctypes  # noqa: PLC0415 - has been loaded with libc

        event = (ctypes.c_int * 16)(0, 0, int(signal.SIGKILL), 0)  # SIGEV_SIGNAL
        timer = ctypes.c_void_p()
        with contextlib.suppress(AttributeError):  # a C library without them
            if libc.timer_create(time.CLOCK_BOOTTIME, event, ctypes.byref(timer)) == 0:
                self._timer = timer

    def strike_after(self, deadline_ms: int | None) -> None:
        """Move the blow to just after *deadline_ms*; ``None``: there is none."""
        if self._libc is None or self._timer is None:
            return
        import ctypes  # noqa: PLC0415 - as above

        at_ms = 0 if deadline_ms is None else deadline_ms + LAST_RESORT_MS
        when = (ctypes.c_long * 4)(0, 0, at_ms // 1_000, at_ms % 1_000 * 1_000_000)
        self._libc.timer_settime(self._timer, 1, when, None)  # TIMER_ABSTIME; 0 disarms


class Group:
    """The task's process and everything that it started and that stayed with it."""

    def __init__(self, order: dict[str, Any], libc: ctypes.CDLL | None) -> None:
        # There is no other thread yet that a fork could harm.
        self.process = subprocess.Popen(  # noqa: S603 - and its owner said what to run
            order["argv"],
            stdin=subprocess.PIPE,
            stderr=subprocess.STDOUT if order["merge_stderr"] else None,
            start_new_session=sys.platform != "win32",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            preexec_fn=_first_act_of_task(libc),  # noqa: PLW1509 - there is no other thread yet
        )

    def ask(self) -> None:
        """Ask everything to stop."""
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                self.process.send_signal(signal.CTRL_BREAK_EVENT)
            else:
                os.killpg(self.process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End everything."""
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                tree = ["taskkill", "/F", "/T", "/PID", str(self.process.pid)]
                subprocess.run(tree, check=False, capture_output=True)  # noqa: S603 - fixed words
            else:
                os.killpg(self.process.pid, signal.SIGKILL)

    def wait_until_gone(self) -> None:
        """Wait until the killed group is gone: only then may the task be somebody else's.

        Not for long: whoever inherited a dead member may never collect it, and dead it is.
        """
        if sys.platform == "win32":
            return
        until = time.monotonic() + _GROUP_GONE_WITHIN_S
        with contextlib.suppress(OSError):
            while time.monotonic() < until:
                os.killpg(self.process.pid, 0)
                time.sleep(0.002)


def main() -> None:
    """Guard one task from its start to its end."""
    _outlive_signals()
    order = json.loads(sys.stdin.buffer.readline())
    watch = Watch(order["deadline_ms"], order["grace_ms"])
    if watch.must_stop(now_ms()):
        _say(too_late=True)
        return
    libc = _libc()
    last_resort = LastResort(libc)
    last_resort.strike_after(watch.deadline_ms)
    try:
        group = Group(order, libc)
    except (OSError, subprocess.SubprocessError) as error:
        _say(cannot_start=str(getattr(error, "strerror", None) or error))
        return
    news: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    fed: queue.Queue[bytes | None] = queue.Queue(_QUEUED_LINES)
    fed.put(order["input"].encode())
    if not order["forward"]:
        fed.put(None)
    for work in (
        lambda: _hear(news, fed if order["forward"] else None),
        lambda: _feed(group, fed),
        lambda: _wait(group, news),
    ):
        threading.Thread(target=work, daemon=True).start()
    _watch(watch, group, news, last_resort)
    # What the task has started and not waited for must not outlive it either.
    group.kill()
    last_resort.strike_after(None)
    group.wait_until_gone()
    _say(exit=group.process.returncode, forced=watch.killed)


def _watch(
    watch: Watch,
    group: Group,
    news: queue.SimpleQueue[dict[str, Any] | None],
    last_resort: LastResort,
) -> None:
    """Return when the task's process has ended."""
    while True:
        now = now_ms()
        if watch.must_die(now):
            watch.killed = True
            group.kill()
        elif watch.asked_ms is None and watch.must_stop(now):
            watch.asked_ms = now
            group.ask()
        try:
            said = news.get(timeout=watch.wait_ms(now) / 1000)
        except queue.Empty:
            continue
        if said is None:
            return
        watch.told(deadline_ms=said["deadline_ms"], stop=bool(said["why"]), kill=said["kill"])
        last_resort.strike_after(watch.deadline_ms)


def _hear(
    news: queue.SimpleQueue[dict[str, Any] | None], fed: queue.Queue[bytes | None] | None
) -> None:
    while (line := sys.stdin.buffer.readline()).endswith(b"\n"):
        if fed is not None:
            # A task that does not listen is told again what matters, or killed.
            with contextlib.suppress(queue.Full):
                fed.put_nowait(line)
        news.put(json.loads(line))
    news.put({"deadline_ms": None, "why": "agent_gone", "kill": False})


def _feed(group: Group, fed: queue.Queue[bytes | None]) -> None:
    stdin = group.process.stdin
    if stdin is None:
        return
    with contextlib.suppress(OSError), stdin:  # nobody need read their input
        while (text := fed.get()) is not None:
            stdin.write(text)
            stdin.flush()


def _wait(group: Group, news: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    group.process.wait()
    news.put(None)


def _outlive_signals() -> None:
    # Handlers that do nothing, because an ignored signal would stay ignored in the task.
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):
        if (number := getattr(signal, name, None)) is not None:
            signal.signal(number, lambda _number, _frame: None)


def _libc() -> ctypes.CDLL | None:
    """Load the C library, for what Linux has and Python does not."""
    if sys.platform != "linux":
        return None
    import ctypes  # noqa: PLC0415 - others need none

    # Some systems are Linux in name only.
    with contextlib.suppress(OSError):
        return ctypes.CDLL(None)
    return None


def _first_act_of_task(libc: ctypes.CDLL | None) -> Callable[[], None] | None:
    if sys.platform == "win32":
        return None  # only a fork has such an act
    guard = os.getpid()
    # Without it nobody kills the task when its guard is killed.
    prctl = getattr(libc, "prctl", None)

    def act() -> None:
        if prctl is not None:
            prctl(1, int(signal.SIGKILL))  # PR_SET_PDEATHSIG: die with the guard
            if os.getppid() != guard:
                os._exit(1)
        _say(pid=os.getpid())

    return act


def _say(**words: object) -> None:
    with contextlib.suppress(OSError):  # the agent is gone
        os.write(1, b"\n" + MARK + json.dumps(words).encode() + b"\n")


if __name__ == "__main__":
    main()
    os._exit(0)  # the thread that hears the agent cannot be woken up
