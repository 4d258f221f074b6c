"""What is compiled: nothing of which the process would die without a word."""

import tomllib
from pathlib import Path

import pytest

from tools.compilable import chosen, faults
from tools.compiled_code import TREE

PROJECT = tomllib.loads((TREE / "pyproject.toml").read_text())
SETTINGS = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]


def test_of_what_is_compiled_nothing_ends_the_process() -> None:
    modules = chosen(TREE, SETTINGS)
    assert Path("coordinator/core/step.py") in modules
    assert faults(TREE, modules) == []


def test_every_pattern_still_matches_a_module() -> None:
    for pattern in [*SETTINGS["modules"], *SETTINGS["but"]]:
        assert list(TREE.glob(pattern)), pattern


UNSEEN = "if TYPE_CHECKING:\n    from core.terms import Terms\n@dataclass\nclass Task:\n    terms: "


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (
            "from protocol.errors import FleetBusError\nclass Lost(FleetBusError): ...",
            "one.py:2: Lost inherits from FleetBusError, which is not compiled",
        ),
        (
            f'{UNSEEN}"Terms"',
            "one.py:5: Terms is imported for type checkers only",
        ),
        (
            "class Link:\n    async def open(self): ...",
            "one.py:2: open is a coroutine",
        ),
        ("from two import Base\nclass Kind(Base): ...", None),
        ("from enum import StrEnum\nclass Kind(StrEnum): ...", None),
        (
            f'{UNSEEN}"Terms | None" = None',
            None,
        ),
    ],
)
def test_what_would_end_the_process_is_named(
    tmp_path: Path, source: str, found: str | None
) -> None:
    (tmp_path / "one.py").write_text(source)
    (tmp_path / "two.py").write_text("class Base: ...")
    assert faults(tmp_path, [Path("one.py"), Path("two.py")]) == ([found] if found else [])
