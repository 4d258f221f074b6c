"""What people see: a console, safe text, and words with their symbols and colours.

Text that an agent or an author supplied is never markup and never moves the cursor: it goes
through :func:`safe`. A colour never stands without its symbol, so nothing is lost with NO_COLOR.
"""

import contextlib
import json
import os
import sys
import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from typing import Final, NoReturn

import typer
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from protocol.vocabulary import (
    AgentHealth,
    AgentStatus,
    CoordinatorState,
    PresenceState,
    Priority,
    TaskStatus,
)

NO_TERMINAL_WIDTH: Final = 160
MAX_TEXT: Final = 200
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})

SECOND_MS: Final = 1000
NOTHING: Final = "-"
GOOD: Final = "✔"
BAD: Final = "✖"
WARN: Final = "▲"

_AGENT: Final[dict[AgentStatus, tuple[str, str]]] = {
    AgentStatus.ONLINE: ("●", "green"),
    AgentStatus.IDLE: ("○", "green"),
    AgentStatus.BUSY: ("▶", "cyan"),
    AgentStatus.OFFLINE: ("·", "dim"),
    AgentStatus.ERROR: (BAD, "red"),
    AgentStatus.MAINTENANCE: ("◆", "magenta"),
}
_HEALTH: Final[dict[AgentHealth, tuple[str, str]]] = {
    AgentHealth.HEALTHY: ("●", "green"),
    AgentHealth.WARNING: (WARN, "yellow"),
    AgentHealth.CRITICAL: (BAD, "red"),
    AgentHealth.UNKNOWN: ("○", "dim"),
}
_TASK: Final[dict[TaskStatus, tuple[str, str]]] = {
    TaskStatus.PENDING: ("○", "dim"),
    TaskStatus.RUNNING: ("▶", "cyan"),
    TaskStatus.PAUSED: ("‖", "yellow"),
    TaskStatus.COMPLETED: (GOOD, "green"),
    TaskStatus.FAILED: (BAD, "red"),
    TaskStatus.CANCELLED: ("⊘", "dim"),
}
_PRIORITY: Final[dict[Priority, tuple[str, str]]] = {
    Priority.CRITICAL: ("⇈", "red"),
    Priority.HIGH: ("↑", "yellow"),
    Priority.NORMAL: ("→", ""),
    Priority.LOW: ("↓", "dim"),
    Priority.MAINTENANCE: ("◆", "magenta"),
}
_COORDINATOR: Final[dict[CoordinatorState, tuple[str, str]]] = {
    CoordinatorState.RECOVERING: ("◌", "yellow"),
    CoordinatorState.ONLINE: ("●", "green"),
    CoordinatorState.DRAINING: ("◌", "yellow"),
    CoordinatorState.SAFE: (WARN, "red"),
    CoordinatorState.OFFLINE: (BAD, "red"),
}
_PRESENCE: Final[dict[PresenceState, tuple[str, str]]] = {
    PresenceState.ONLINE: ("●", "green"),
    PresenceState.DRAINING: ("◌", "yellow"),
    PresenceState.PAUSED: ("‖", "yellow"),
    PresenceState.OFFLINE: ("·", "dim"),
    PresenceState.LOST: (BAD, "red"),
}
Word = AgentStatus | AgentHealth | TaskStatus | Priority | CoordinatorState | PresenceState


def word(value: Word) -> Text:
    """Write one word of the vocabulary with its symbol, in its colour."""
    symbol, style = _look(value)
    return Text(f"{symbol} {value.value}", style=style)


def _look(value: Word) -> tuple[str, str]:
    match value:
        case AgentStatus():
            return _AGENT[value]
        case AgentHealth():
            return _HEALTH[value]
        case TaskStatus():
            return _TASK[value]
        case Priority():
            return _PRIORITY[value]
        case CoordinatorState():
            return _COORDINATOR[value]
        case PresenceState():
            return _PRESENCE[value]


def safe(value: object, style: str = "", *, limit: int = MAX_TEXT) -> Text:
    """Write text from elsewhere: literally, on one line, without control characters."""
    return Text(printable(value, limit=limit), style=style)


def printable(value: object, *, limit: int = MAX_TEXT) -> str:
    """Remove from *value* what would move the cursor or hide text; cut it at *limit* characters."""
    shown = "".join(
        " " if char in "\t\n\r" else char
        for char in str(value)[: 4 * limit]
        if char in "\t\n\r" or unicodedata.category(char) not in _INVISIBLE
    )
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def age(milliseconds: int | None) -> str:
    """Write a duration as a person would: ``850 ms``, ``12 s``, ``2 h 5 min``, ``4 d 3 h``."""
    if milliseconds is None:
        return NOTHING
    if milliseconds < SECOND_MS:
        return f"{max(milliseconds, 0)} ms"
    span = timedelta(milliseconds=milliseconds)
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if span.days:
        return f"{span.days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def console(*, stderr: bool = False) -> Console:
    """Open the terminal; a pipe gets wide plain lines."""
    stream = sys.stderr if stderr else sys.stdout
    wide = None if stream.isatty() or "COLUMNS" in os.environ else NO_TERMINAL_WIDTH
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, width=wide)


def table(*columns: str, title: str | None = None) -> Table:
    """Begin a table; a column whose name starts with ``>`` is a column of numbers."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        right = column.startswith(">")
        made.add_column(column.lstrip(">"), justify="right" if right else "left", overflow="fold")
    return made


@contextlib.contextmanager
def working(what: str) -> Iterator[None]:
    """Show on a terminal, beside the answer, that something takes its time; elsewhere nothing."""
    out = console(stderr=True)
    if not out.is_terminal:
        yield
        return
    spinner = Spinner("dots", text=f"{what} …")
    # What is printed meanwhile must go where it would have gone.
    with Live(spinner, console=out, transient=True, redirect_stdout=False, redirect_stderr=False):
        yield


def print_json(document: object) -> None:
    """Write one JSON document for a program to read."""
    print(json.dumps(document, indent=2, ensure_ascii=False), flush=True)


def complain(message: str) -> None:
    """Say on the error output what is wrong."""
    out = console(stderr=True)
    for n, line in enumerate(message.splitlines()):
        mark = (f"{BAD} ", "red") if n == 0 else ("  ", "")
        out.print(Text.assemble(mark, printable(line, limit=2000)), soft_wrap=True)


def fail(message: str, *, status: int = 1) -> NoReturn:
    """Say on the error output what is wrong, and end with *status*."""
    complain(message)
    raise typer.Exit(status)
