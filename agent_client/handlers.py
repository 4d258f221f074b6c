"""Which function of the bot does the work of which mode."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal, TypeAlias

from pydantic import TypeAdapter, ValidationError

from agent_client.core.work import ANY_MODE
from agent_client.errors import BadSetting
from agent_client.task import AsyncTask, Task
from protocol.messages.base import Mode

PlainHandler: TypeAlias = Callable[[Task], Any]
AsyncHandler: TypeAlias = Callable[[AsyncTask], Awaitable[Any]]
Handler: TypeAlias = PlainHandler | AsyncHandler
Isolation: TypeAlias = Literal["process"]

_MODE: Final = TypeAdapter(Mode)


class Handlers:
    """The handlers of one agent; the one of ``*`` takes every mode that has none of its own."""

    def __init__(self) -> None:
        self._by_mode: dict[str, Handler] = {}

    def add(
        self, modes: tuple[str, ...], handler: Handler, isolation: Isolation | None = None
    ) -> None:
        """Let *handler* do the work of *modes*; see :meth:`Agent.handler` for *isolation*."""
        if not modes:
            raise BadSetting("handler", modes, "name at least one mode, or '*' for every mode")
        if not callable(handler):
            raise BadSetting("handler", handler, "a function that takes a task")
        for mode in modes:
            if mode != ANY_MODE:
                try:
                    _MODE.validate_python(mode)
                except ValidationError:
                    right = "a mode: 1-63 of a-z 0-9 _ . -, first a letter or digit, or '*'"
                    raise BadSetting("handler", mode, right) from None
            if mode in self._by_mode:
                raise BadSetting("handler", mode, "a mode can have one handler only")
        if isolation not in {None, "process"}:
            raise BadSetting("isolation", isolation, "'process', or nothing")
        if isolation == "process":
            from agent_client.isolation.handler import (  # noqa: PLC0415 - most bots need none
                ProcessHandler,
            )

            handler = ProcessHandler(handler)
        self._by_mode.update(dict.fromkeys(modes, handler))

    def find(self, mode: str) -> Handler | None:
        """Find who does the work of *mode*."""
        return self._by_mode.get(mode) or self._by_mode.get(ANY_MODE)

    @property
    def modes(self) -> frozenset[str]:
        """The modes that have a handler."""
        return frozenset(self._by_mode)


def is_async(handler: Handler) -> bool:
    """Say whether *handler* is a coroutine function, or an object that is called like one."""
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
        getattr(handler, "__call__", None)  # noqa: B004 - the method itself is looked at
    )
