"""Where a handler is defined, so that another interpreter can import it.

A module is imported by its name. A bot's own file, which runs as ``__main__``, is loaded anew by
its path and under another name, so that what is below ``if __name__ == "__main__":`` stays alone.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import reduce
from types import ModuleType
from typing import Any, Final

from agent_client.errors import BadSetting

BOT: Final = "__fleetbus_bot__"


@dataclass(frozen=True, slots=True)
class Source:
    """A module by name or, if ``path`` is given, by its file; and what is in it."""

    module: str
    name: str
    path: str | None = None

    @classmethod
    def of(cls, function: object) -> "Source":
        """Find where *function* comes from, or raise :class:`BadSetting`."""
        name = getattr(function, "__qualname__", "")
        module = getattr(function, "__module__", None)
        if not module or not name or "<" in name:
            right = 'with isolation="process", a function at the top level of a module'
            raise BadSetting("handler", function, right)
        if module != "__main__":
            return cls(module, name)
        main = sys.modules["__main__"]
        spec = getattr(main, "__spec__", None)
        if spec is not None:
            return cls(spec.name, name)  # python -m
        path = getattr(main, "__file__", None)
        if path is None:
            right = 'with isolation="process", a function in a file, not one that was typed in'
            raise BadSetting("handler", function, right)
        return cls(BOT, name, os.path.abspath(path))  # noqa: PTH100 - as text, it goes over a pipe

    def as_json(self) -> dict[str, Any]:
        """Say it in JSON types."""
        return asdict(self)

    def load(self) -> Callable[[Any], Any]:
        """Import the function; raises whatever its module raises."""
        module = _from_file(self.path) if self.path else importlib.import_module(self.module)
        function: Callable[[Any], Any] = reduce(getattr, self.name.split("."), module)  # type: ignore[assignment]  # the module comes first
        return function


def _from_file(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(BOT, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = sys.modules[BOT] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
