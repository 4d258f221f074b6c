"""Measures without the words of the parts that are measured."""

import contextlib
import io
import sys
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def quietly(measure: Callable[[], T]) -> T:
    """Measure; the parts' logs are shown only when something has failed."""
    with contextlib.redirect_stdout(io.StringIO()) as logs:
        try:
            return measure()
        except BaseException:
            sys.stderr.write(logs.getvalue())
            raise
