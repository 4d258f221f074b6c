"""What an annotation may ask of a value beyond its type, and what is raised when it is not so."""

import math
import re
from dataclasses import dataclass, field
from typing import Any

_SHOWN: int = 60


class Mismatch(ValueError):
    """A value that is not as declared: where it is, what would be right, what was found."""

    def __init__(self, right: str, found: object, path: tuple[str, ...] = ()) -> None:
        self.right, self.found, self.path = right, found, path
        super().__init__(right, found, path)

    def under(self, key: object) -> "Mismatch":
        """Say the same one level further up."""
        return Mismatch(self.right, self.found, (str(key), *self.path))

    def __str__(self) -> str:
        where = ".".join(self.path)
        said = f"{self.right}, not {str(self.found)[:_SHOWN]!r}"
        return f"{where}: {said}" if where else said


class Missing(Mismatch):
    """A value that has to be there and is not."""

    def __init__(self, path: tuple[str, ...]) -> None:
        super().__init__("is missing", None, path)

    def under(self, key: object) -> "Missing":
        """Say the same one level further up."""
        return Missing((str(key), *self.path))

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}: is missing"


@dataclass(frozen=True, slots=True)
class Range:
    """A finite number from ``least`` to ``most``; ``above`` excludes ``least`` itself."""

    least: float
    most: float
    above: bool = False

    def check(self, value: Any) -> None:  # noqa: ANN401 - the type was looked at before
        """Raise :class:`Mismatch` unless *value* lies within."""
        low = value > self.least if self.above else value >= self.least
        if not (low and value <= self.most and math.isfinite(value)):
            start = f"above {self.least:g}" if self.above else f"from {self.least:g}"
            raise Mismatch(f"a number {start} to {self.most:g}", value)


@dataclass(frozen=True, slots=True)
class Length:
    """A text or a collection of ``least`` to ``most`` characters or members."""

    most: int
    least: int = 0

    def check(self, value: Any) -> None:  # noqa: ANN401 - the type was looked at before
        """Raise :class:`Mismatch` unless *value* is as long."""
        if not self.least <= len(value) <= self.most:
            of = "characters" if isinstance(value, str) else "members"
            raise Mismatch(f"{self.least} to {self.most} {of}", value)


@dataclass(frozen=True, slots=True)
class Matches:
    """A text that ``pattern`` describes as a whole."""

    pattern: str
    _whole: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_whole", re.compile(self.pattern))

    def check(self, value: Any) -> None:  # noqa: ANN401 - the type was looked at before
        """Raise :class:`Mismatch` unless *value* is so."""
        if self._whole.fullmatch(value) is None:
            raise Mismatch(f"a text like {self.pattern}", value)
