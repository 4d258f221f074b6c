"""The page of the Python API: what a bot embeds, and what a script speaks to the control room with.

Signatures are taken from the source and not from the interpreter, so that every version of Python
writes the same page.
"""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import agent_client
from coordinator.http import client
from tools.reference.markdown import prose

HEAD = """# The Python API

Two packages, each for one side: `agent_client` makes a bot an agent, `coordinator.http.client` asks
the control room. Everything else in the packages is internal.

## `agent_client`
"""
BETWEEN = """
## `coordinator.http.client`

`FLEETBUS_URL` and `FLEETBUS_TOKEN` say which control room, and who asks.
"""
WIDTH: Final = 90
AT_HOME: Final = ("agent_client", "coordinator", "protocol")


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    for package, after in ((agent_client, BETWEEN), (client, "")):
        for name in package.__all__:
            value = getattr(package, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                parts.extend(_described(name, value))
        parts.append(after)
    return "\n".join(parts).rstrip() + "\n"


def _described(name: str, value: type | object) -> Iterator[str]:
    node = _node(value)
    if isinstance(node, ast.ClassDef):
        yield f"### `{name}`\n"
        yield prose(ast.get_docstring(node)) + "\n"
        yield from _members(value)
    elif isinstance(node, ast.FunctionDef):
        yield f"### `{name}`\n"
        yield _signature(name, node)
        yield prose(ast.get_docstring(node)) + "\n"


def _node(value: object) -> ast.stmt | None:
    """Find the definition of *value* in its source."""
    wanted = getattr(value, "__name__", "")
    source = inspect.getsourcefile(value)  # type: ignore[arg-type]  # a class or a function
    tree = ast.parse(Path(source or "").read_text("utf-8"))
    return next((node for node in tree.body if getattr(node, "name", None) == wanted), None)


def _members(value: object) -> Iterator[str]:
    """Describe what a class of ours has, what it inherits from ours included."""
    seen: set[str] = set()
    for base in getattr(value, "__mro__", ()):
        if base.__module__.partition(".")[0] not in AT_HOME:
            continue
        node = _node(base)
        for member in node.body if isinstance(node, ast.ClassDef) else ():
            if (
                isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef)
                and member.name not in seen
            ):
                seen.add(member.name)
                yield from _member(member)
            elif isinstance(member, ast.Assign) and isinstance(member.targets[0], ast.Name):
                yield f"- `{ast.unparse(member)}`\n"
            elif isinstance(member, ast.AnnAssign) and not ast.unparse(member.target).startswith(
                "_"
            ):
                yield f"- `{ast.unparse(member.target)}: {ast.unparse(member.annotation)}`\n"


def _member(member: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    if member.name == "__init__":
        yield _signature("__init__", member)
    elif not member.name.startswith("_"):
        is_property = any(ast.unparse(one) == "property" for one in member.decorator_list)
        if is_property:
            returns = f": {ast.unparse(member.returns)}" if member.returns else ""
            yield f"```python\n{member.name}{returns}\n```\n"
        else:
            yield _signature(member.name, member)
        yield prose(ast.get_docstring(member)) + "\n"


def _signature(name: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Write a signature, one argument a line when it is long."""
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    whole = f"{word} {name}({ast.unparse(node.args)}){returns}"
    if len(whole) > WIDTH:
        whole = f"{word} {name}(\n{_each_on_a_line(node.args)}){returns}"
    return f"```python\n{whole}\n```\n"


def _each_on_a_line(given: ast.arguments) -> str:
    plain = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(plain) - len(given.defaults)) + list(given.defaults)
    lines = [_argument(*each) for each in zip(plain, defaults, strict=True)]
    if given.vararg:
        lines.append(f"*{ast.unparse(given.vararg)}")
    elif given.kwonlyargs:
        lines.append("*")
    lines += [_argument(*each) for each in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    if given.kwarg:
        lines.append(f"**{ast.unparse(given.kwarg)}")
    return "".join(f"    {line},\n" for line in lines)


def _argument(given: ast.arg, default: ast.expr | None) -> str:
    said = ast.unparse(given)
    return said if default is None else f"{said} = {ast.unparse(default)}"
