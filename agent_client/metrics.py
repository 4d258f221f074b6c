"""The numbers that an agent tells: those of its machine and process, and the bot's own."""

import contextlib
import math
import re
import threading
from typing import TYPE_CHECKING, Final

from agent_client.errors import BadSetting
from protocol.limits import MAX_METRICS, MAX_SAFE_INTEGER

if TYPE_CHECKING:
    import psutil

_NAME: Final = re.compile(r"[a-z0-9_.]{1,64}")
_OWN_SHARE: Final = 40
"""Room kept for what the library measures by itself."""


class MetricSet:
    """The latest value of each metric; safe to use from every thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._custom: dict[str, float] = {}
        self._process: psutil.Process | None = None

    def begin(self) -> "psutil.Process":
        """Take the first look at the machine, with which the next one is compared."""
        import psutil  # noqa: PLC0415 - a bot is spared it until it runs

        self._process = psutil.Process()
        psutil.cpu_percent(interval=None)
        return self._process

    def set(self, name: str, value: float) -> None:
        """Note *value*, or raise :class:`BadSetting`."""
        checked = check(name, value)
        with self._lock:
            self._keep(name, checked)

    def add(self, name: str, amount: float = 1.0) -> None:
        """Count *amount* on top of what *name* was."""
        with self._lock:
            self._keep(name, check(name, self._custom.get(name, 0.0) + amount))

    def _keep(self, name: str, value: float) -> None:
        if name not in self._custom and len(self._custom) >= MAX_METRICS - _OWN_SHARE:
            right = f"at most {MAX_METRICS - _OWN_SHARE} different metrics per agent"
            raise BadSetting("metric", name, right)
        self._custom[name] = value

    def collect(self) -> dict[str, float]:
        """Measure the machine and the process; the bot's own numbers win over both."""
        numbers = _measured(self._process or self.begin())
        with self._lock:
            return numbers | self._custom


def _measured(process: "psutil.Process") -> dict[str, float]:
    import psutil  # noqa: PLC0415 - loaded already

    numbers = {
        "cpu_usage": float(psutil.cpu_percent(interval=None)),
        "memory_usage": float(psutil.virtual_memory().percent),
    }
    # A platform may hide them; what is absent is simply not known.
    with contextlib.suppress(psutil.Error), process.oneshot():
        numbers["process_rss_bytes"] = float(process.memory_info().rss)
        numbers["process_threads"] = float(process.num_threads())
    return numbers


def check(name: str, value: float) -> float:
    """Return *value* if it can be told as metric *name*, or raise :class:`BadSetting`."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadSetting("metric", name, "a name of 1-64 of a-z 0-9 _ .")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadSetting(f"metric {name}", value, "a number")
    if not math.isfinite(value) or abs(value) > MAX_SAFE_INTEGER:
        raise BadSetting(f"metric {name}", value, "a finite number within 2^53")
    return float(value)
