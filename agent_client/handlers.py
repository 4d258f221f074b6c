"""Which function of the bot does the work of which mode."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from agent_client.binding import bind, is_async, parser_of
from agent_client.core.modes import ANY_MODE
from agent_client.errors import BadSetting
from agent_client.fields import Word
from agent_client.strict import Mismatch, reader_of
from agent_client.task import AsyncTask, Task

PlainHandler: TypeAlias = Callable[[Task], Any]
AsyncHandler: TypeAlias = Callable[[AsyncTask], Awaitable[Any]]
Handler: TypeAlias = PlainHandler | AsyncHandler
TypedHandler: TypeAlias = Callable[[Task, Any], Any] | Callable[[AsyncTask, Any], Awaitable[Any]]
"""What takes its arguments beside the task; see :mod:`agent_client.binding`."""
Isolation: TypeAlias = Literal["process"]

_MODE: Final = reader_of(Word)


@dataclass(frozen=True, slots=True)
class Ready:
    """What is called with a task, and whether that gives a coroutine: costly to find out."""

    handler: Handler
    is_async: bool


class Handlers:
    """The handlers of one agent; the one of ``*`` takes every mode that has none of its own."""

    def __init__(self) -> None:
        self._by_mode: dict[str, Ready] = {}

    def add(
        self,
        modes: tuple[str, ...],
        handler: Handler | TypedHandler,
        isolation: Isolation | None = None,
    ) -> None:
        """Let *handler* do the work of *modes*; see :meth:`Agent.handler` for *isolation*."""
        if not modes:
            raise BadSetting("handler", modes, "name at least one mode, or '*' for every mode")
        if not callable(handler):
            raise BadSetting("handler", handler, "a function that takes a task")
        for mode in modes:
            self._check_mode(mode)
        self._by_mode.update(dict.fromkeys(modes, _ready(handler, isolation)))

    def _check_mode(self, mode: str) -> None:
        if mode != ANY_MODE:
            try:
                _MODE(mode)
            except Mismatch:
                right = "a mode: 1-63 of a-z 0-9 _ . -, first a letter or digit, or '*'"
                raise BadSetting("handler", mode, right) from None
        if mode in self._by_mode:
            raise BadSetting("handler", mode, "a mode can have one handler only")

    def find(self, mode: str) -> Ready | None:
        """Find who does the work of *mode*."""
        return self._by_mode.get(mode) or self._by_mode.get(ANY_MODE)

    @property
    def modes(self) -> frozenset[str]:
        """The modes that have a handler."""
        return frozenset(self._by_mode)


def _ready(handler: Handler | TypedHandler, isolation: Isolation | None) -> Ready:
    """Make of *handler* what is called with a task and works where it should."""
    if isolation is None:
        bound = bind(handler)
        return Ready(bound, is_async(bound))
    if isolation != "process":
        raise BadSetting("isolation", isolation, "'process', or nothing")
    from agent_client.isolation.handler import ProcessHandler  # noqa: PLC0415 - most need none

    return Ready(ProcessHandler(handler, parser_of(handler)), is_async=False)
