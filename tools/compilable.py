"""Which modules are compiled, and what the compiler takes without a word and the process dies of.

- A class whose base is an interpreted class, other than the kinds that the compiler leaves as they
  are: making an object of it ends the process.
- A field of a dataclass whose type is a class that is imported for type checkers only: importing
  the module ends the process (https://github.com/mypyc/mypyc/issues/1209).
- A coroutine: an error that passes through a compiled one can leave the interpreter without the
  error that is in hand, and the next to ask for it ends the process.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Final

KINDS: Final = {"Enum", "IntEnum", "NamedTuple", "Protocol", "StrEnum", "Word", "asyncio.Protocol"}
"""Bases that make a class of an ordinary kind, or an interface of one."""


def chosen(root: Path, settings: Mapping[str, list[str]]) -> list[Path]:
    """Return the paths, relative to *root*, that ``modules`` match and ``but`` does not."""
    wanted, unwanted = (
        set(chain.from_iterable(map(root.glob, settings[key]))) for key in ("modules", "but")
    )
    return sorted(path.relative_to(root) for path in wanted - unwanted if path.stat().st_size)


def faults(root: Path, modules: Iterable[Path]) -> list[str]:
    """Say what must not be compiled of *modules*, whose paths are relative to *root*."""
    compiled = {".".join(path.with_suffix("").parts) for path in modules}
    return [
        f"{path}:{line}: {text}"
        for path in modules
        for line, text in _faults_of(ast.parse((root / path).read_text("utf-8")), compiled)
    ]


def _faults_of(tree: ast.Module, compiled: set[str]) -> Iterator[tuple[int, str]]:
    homes = dict(_imports(tree.body))
    unseen = {
        name
        for block in tree.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for name, _ in _imports(block.body)
    }
    for inside in ast.walk(tree):
        if isinstance(inside, ast.AsyncFunctionDef):
            yield inside.lineno, f"{inside.name} is a coroutine"
    for made in tree.body:
        if not isinstance(made, ast.ClassDef):
            continue
        for base in map(ast.unparse, made.bases):
            if base not in KINDS and homes.get(base) not in {None, *compiled}:
                yield made.lineno, f"{made.name} inherits from {base}, which is not compiled"
        for field in made.body:
            match field:
                case ast.AnnAssign(annotation=ast.Constant(value=name)) if name in unseen:
                    yield field.lineno, f"{name} is imported for type checkers only"


def _imports(statements: Iterable[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Yield each name that is imported from a module, and that module."""
    for statement in statements:
        if isinstance(statement, ast.ImportFrom) and statement.module:
            for alias in statement.names:
                yield alias.asname or alias.name, statement.module
