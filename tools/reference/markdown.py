"""Text as Markdown: tables whose cells cannot break them, and docstrings as prose."""

import inspect
import re
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a cell is one line, and a bar in it stays a bar."""
    lines = [_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    said = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
    return "| " + " | ".join(said) + " |"


def prose(docstring: str | None) -> str:
    """Return a docstring as Markdown: its roles and double ticks become code."""
    text = inspect.cleandoc(docstring or "")
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text)
    return text.replace("``", "`")


def code(text: str) -> str:
    """Return *text* as code within a line."""
    return f"`{text}`" if text else ""
