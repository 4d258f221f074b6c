"""How figures are written for people: the same in the terminal and on the page."""

from typing import Final

NOTHING: Final = "-"
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_TEN: Final = 10


def duration(seconds: float | None) -> str:
    """Write a duration in at most two units: ``850 ms``, ``12 s``, ``2 h 5 min``."""
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds else "0 s"
    if seconds < _TEN:
        return f"{seconds:.1f} s"
    if seconds < _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < _HOUR_S:
        minutes, rest = divmod(int(seconds), _MINUTE_S)
        return f"{minutes} min {rest} s" if rest and minutes < _TEN else f"{minutes} min"
    hours, minutes = divmod(int(seconds) // _MINUTE_S, _MINUTE_S)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def hours(seconds: float) -> str:
    """Write a sum of time in hours: ``12.4 h``."""
    value = seconds / _HOUR_S
    return f"{value:,.0f} h" if value >= 100 or value == 0 else f"{value:.1f} h"  # noqa: PLR2004


def share(value: float | None) -> str:
    """Write a share as per cent."""
    if value is None:
        return NOTHING
    if 0 < value < 0.001:  # noqa: PLR2004 -- would be written as nothing
        return "<0.1 %"
    return f"{value * 100:.1f} %" if value < 1 else f"{value * 100:.0f} %"


def count(value: int) -> str:
    """Write a number with its thousands apart."""
    return f"{value:,}"


def short(instant: str) -> str:
    """Write an instant to the minute."""
    return f"{instant[:10]} {instant[11:16]} UTC"
