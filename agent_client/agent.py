"""The agent that a bot embeds: name it, give it handlers, run it."""

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Self, TypeVar

from agent_client import isolation as isolated
from agent_client.errors import AgentError, BadSetting
from agent_client.fields import Label
from agent_client.handlers import Handler, Handlers, Isolation, TypedHandler
from agent_client.metrics import MetricSet
from agent_client.orders import ErrorNoted, Goodbye, ModeSet, StatusSet
from agent_client.portable import portable
from agent_client.settings import (
    AgentSettings,
    broker_of,
    client_id_of,
    heartbeat_of,
    machine_id_of,
    name_of,
    profile_of,
    root_of,
)
from agent_client.signals import asked_to_leave
from agent_client.strict import Mismatch, reader_of
from protocol.vocabulary import PresenceState

if TYPE_CHECKING:
    import asyncio

    from agent_client.loop import Loop

log = logging.getLogger("fleetbus.agent")

H = TypeVar("H", bound=Handler | TypedHandler)
Status = Literal["online", "paused", "draining"]

MAX_REASON: Final = 1_000
_JOIN_SLACK_S: Final = 10.0


class Agent:
    """One agent of the fleet, in this process.

    ``run()`` blocks until a signal or the coordinator ends it; ``await serve()`` is the same inside
    an event loop of the bot's. ``start()`` and ``stop()``, or ``with agent:``, run it beside the
    bot's own work. An agent runs once: make a new one to run again. Handlers of plain functions
    run in threads, up to ``slots`` at once; a thread cannot be killed, so such a handler must call
    ``task.check()`` often. With a *state_dir*, a crash of the bot loses no finished work, and what
    it was working on is given out again at once.

    Without a *name* it is that of ``FLEETBUS_AGENT``, which a host sets for each agent that it
    starts; *broker*, *root* and *heartbeat_s* come from the environment in the same way.
    """

    def __init__(  # noqa: PLR0913 - each is one optional fact about the agent
        self,
        name: str | None = None,
        *,
        machine_id: str | None = None,
        window_id: str = "default",
        capabilities: Sequence[str] = (),
        broker: str | None = None,
        root: str | None = None,
        slots: int = 1,
        labels: Mapping[str, str] | None = None,
        heartbeat_s: float | None = None,
        config_path: str | None = None,
        mode: str | None = None,
        drain_s: float = 10.0,
        broker_profile: str | None = None,
        state_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        if isinstance(capabilities, str):
            raise BadSetting("capabilities", capabilities, "a list of words, not one text")
        name, root, profile = name_of(name), root_of(root), profile_of(broker_profile)
        self.settings = AgentSettings(
            name=name,
            broker=broker_of(broker),
            root=root,
            machine_id=machine_id_of(machine_id),
            window_id=window_id,
            capabilities=tuple(capabilities),
            labels=dict(labels or {}),
            slots=slots,
            heartbeat_s=heartbeat_of(heartbeat_s),
            config_path=config_path,
            profile=profile,
            client_id=client_id_of(name, root, profile),
            state_dir=None if state_dir is None else Path(state_dir),
        )
        self._drain_s = drain_s
        self._handlers = Handlers()
        self._metrics = MetricSet()
        self._mode = _checked_mode(mode)
        self._status: StatusSet | None = None
        self._loop: Loop | None = None
        self._thread: threading.Thread | None = None
        self._process = os.getpid()

    @property
    def name(self) -> str:
        """The name of the agent on the bus."""
        return self.settings.name

    @property
    def handlers(self) -> Handlers:
        """What the agent can do, for :mod:`agent_client.testing`."""
        return self._handlers

    # --- what it can do

    def handler(self, *modes: str, isolation: Isolation | None = None) -> Callable[[H], H]:
        """Let the decorated function do the work of *modes*; ``"*"`` is every other mode.

        A plain function gets a :class:`Task`, an ``async def`` an :class:`AsyncTask`. What it
        returns is the result, at most 252 KiB as JSON; what it raises is why the task failed. A
        second parameter gets the arguments, read into the dataclass or pydantic model that it is
        annotated with; what does not fit is rejected. With ``isolation="process"``
        each task runs in a new interpreter, which imports the function: whatever it does, it is
        over when its lease is. The bot's file must then call ``run()`` below
        ``if __name__ == "__main__":``.
        """
        if not modes or not all(isinstance(mode, str) for mode in modes):
            raise BadSetting("handler", modes, 'modes, as in @agent.handler("quest")')

        def register(function: H) -> H:
            self.add_handler(function, *modes, isolation=isolation)
            return function

        return register

    def add_handler(
        self,
        function: Handler | TypedHandler,
        *modes: str,
        isolation: Isolation | None = None,
    ) -> None:
        """Let *function* do the work of *modes*; all handlers must be known before the start."""
        if self._loop is not None:
            raise AgentError(f"agent {self.name!r} runs already; add handlers before that")
        self._handlers.add(modes, function, isolation)

    # --- what it says

    def metric(self, name: str, value: float) -> None:
        """Tell *value* as metric *name* with the next heartbeat."""
        self._metrics.set(name, value)

    def error(self, message: str) -> None:
        """Tell the fleet at once that something is wrong; it is shown as the presence's reason."""
        text = portable(message)[:MAX_REASON]
        self._metrics.add("errors_total")
        log.warning("agent %s: %s", self.name, text)
        if self._loop is not None:
            self._loop.post(ErrorNoted(text))

    def set_mode(self, mode: str | None) -> None:
        """Say in which mode the bot is; None means that of the task it works on."""
        self._mode = _checked_mode(mode)
        if self._loop is not None:
            self._loop.post(ModeSet(self._mode))

    def set_status(self, status: Status, reason: str = "") -> None:
        """Say whether the bot takes new work: ``online``, ``paused`` or ``draining``, and why.

        What it works on goes on. What the coordinator wants of the agent comes before this.
        """
        if status not in {"online", "paused", "draining"}:
            raise BadSetting("status", status, "'online', 'paused' or 'draining'")
        self._status = StatusSet(PresenceState(status), portable(reason)[:MAX_REASON] or None)
        if self._loop is not None:
            self._loop.post(self._status)

    # --- its life

    def run(self) -> None:
        """Run until the end. SIGINT and SIGTERM let handlers finish for ``drain_s`` seconds.

        A second signal asks them to stop at once. Raises what made it impossible to go on,
        :class:`Superseded` for instance.
        """
        self.start()
        with asked_to_leave(lambda again: self._ask_to_leave(0.0 if again else self._drain_s)):
            # Not for ever: on Windows, Ctrl-C does not interrupt an endless wait.
            while not self._running().done.wait(1.0):
                pass
        self._finish()

    async def serve(self) -> None:
        """Run until the end inside the event loop of the caller, where coroutines then run, too.

        When cancelled, let handlers finish for ``drain_s`` seconds, and raise CancelledError
        after that; cancelled again, ask them to stop at once. Signals are the caller's.
        """
        import asyncio  # noqa: PLC0415 - whoever awaits has loaded it

        bots_loop, ended = asyncio.get_running_loop(), asyncio.Event()
        self._start(bots_loop, lambda: bots_loop.call_soon_threadsafe(ended.set))
        try:
            await ended.wait()
        except asyncio.CancelledError:
            self._ask_to_leave(self._drain_s)
            try:
                await ended.wait()
            except asyncio.CancelledError:
                self._ask_to_leave(0.0)
                await ended.wait()
            self._finish()
            raise
        self._finish()

    def start(self) -> None:
        """Start to connect and to work, in a thread of its own.

        Raises :class:`AlreadyRunning` if another process uses the same state directory and name.
        """
        self._start(None, lambda: None)

    def _start(
        self, event_loop: "asyncio.AbstractEventLoop | None", on_done: Callable[[], object]
    ) -> None:
        if isolated.in_task:
            raise AgentError(
                "the process of a task must not start an agent; put the start of the bot below "
                'if __name__ == "__main__":'
            )
        if self._loop is not None:
            raise AgentError(f"agent {self.name!r} was started already; make a new one")
        if not self._handlers.modes:
            log.info("agent %s has no handlers: it will reject every task", self.name)
        self._process = os.getpid()
        from agent_client.starting import new_loop  # noqa: PLC0415 - a declared bot is cheap

        self._loop = new_loop(self.settings, self._handlers, self._metrics, event_loop)
        self._loop.on_done = on_done
        if self._status is not None:
            self._loop.post(self._status)
        if self._mode is not None:
            self._loop.post(ModeSet(self._mode))
        self._thread = threading.Thread(
            target=self._loop.run, name=f"{self.name}-agent", daemon=True
        )
        self._thread.start()

    def wait_until_online(self, timeout: float | None = None) -> bool:
        """Wait until the agent has stated itself on the bus; say whether it has."""
        return self._running().ready.wait(timeout)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the agent has ended by itself, and raise why if it could not go on."""
        if not self._running().done.wait(timeout):
            return False
        self._finish()
        return True

    def stop(self, timeout: float = 10.0) -> None:
        """Let handlers finish for *timeout* seconds, stop them, say goodbye and end."""
        self._ask_to_leave(timeout)
        self._finish()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop(0.0 if kind is not None else self._drain_s)

    def _running(self) -> "Loop":
        if self._loop is None:
            raise AgentError(f"agent {self.name!r} was not started")
        if self._process != os.getpid():
            raise AgentError(f"agent {self.name!r} was started in another process; start one here")
        return self._loop

    def _ask_to_leave(self, patience_s: float) -> None:
        loop = self._running()
        if not loop.done.is_set():
            loop.post(Goodbye(max(0, round(patience_s * 1000)), "stopped"))

    def _finish(self) -> None:
        loop = self._running()
        loop.done.wait()
        if self._thread is not None:
            self._thread.join(_JOIN_SLACK_S)
        if loop.left:
            log.warning(
                "agent %s leaves handlers behind that did not stop: %s",
                self.name,
                ", ".join(loop.left),
            )
        if loop.error is not None:
            raise loop.error


def _checked_mode(mode: str | None) -> str | None:
    try:
        return None if mode is None else reader_of(Label)(mode)
    except Mismatch:
        raise BadSetting("mode", mode, "1-128 characters") from None
