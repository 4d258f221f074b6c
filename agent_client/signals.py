"""SIGINT and SIGTERM as requests to leave: the first in peace, the second at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def asked_to_leave(leave: Callable[[bool], None]) -> Iterator[None]:
    """Call *leave* on each signal meanwhile, with True from the second on.

    Outside the main thread, where nobody may take signals, nothing happens.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = False

    def heard(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        again, asked = asked, True
        leave(again)

    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in former:
            signal.signal(number, heard)
        yield
    finally:
        for number, handler in former.items():
            # None: it was not installed from Python, and cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
