"""Arguments with types: ``def quest(task, args: Quest)`` gets its arguments as a ``Quest``.

``Quest`` is a dataclass, read strictly by its annotations, or a pydantic model, read as the model
says; pydantic is loaded by the bot that uses it and by no other. Arguments that do not fit are
rejected before any work is done, with the path of the first fault.
"""

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any, TypeAlias

from agent_client.errors import BadSetting, Rejected
from agent_client.strict import Mismatch, Unreadable, reader_of

Parse: TypeAlias = Callable[[dict[str, Any]], Any]
_RIGHT = "a dataclass, a pydantic model, or dict"


def bind(handler: Callable[..., Any]) -> Callable[[Any], Any]:
    """Make of *handler* one that is called with the task only, or raise :class:`BadSetting`."""
    parse = parser_of(handler)
    if parse is None:
        return handler
    if is_async(handler):

        @functools.wraps(handler)
        async def typed_async(task: Any) -> Any:  # noqa: ANN401 - the author's
            return await handler(task, parse(task.args))

        return typed_async

    @functools.wraps(handler)
    def typed(task: Any) -> Any:  # noqa: ANN401 - the author's
        return handler(task, parse(task.args))

    return typed


def parser_of(handler: Callable[..., Any]) -> Parse | None:
    """Find how the arguments of *handler* are read; None if it takes the task alone."""
    try:
        parameters = list(inspect.signature(handler).parameters.values())
    except (ValueError, TypeError):
        return None  # a function written in C
    positional = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    wanted = [p for p in parameters if p.kind in positional and p.default is p.empty]
    if len(wanted) <= 1:
        return None
    if len(wanted) > 2:  # noqa: PLR2004 - the task and its arguments
        raise BadSetting("handler", handler, "a function of a task, and of its arguments at most")
    return _parse_with(_annotation(handler, wanted[1]), handler)


def is_async(handler: object) -> bool:
    """Say whether *handler* is a coroutine function, or an object that is called like one."""
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
        getattr(handler, "__call__", None)  # noqa: B004 - the method itself is looked at
    )


def _annotation(handler: Callable[..., Any], parameter: inspect.Parameter) -> Any:  # noqa: ANN401 - any
    if parameter.annotation is parameter.empty:
        return dict
    if not isinstance(parameter.annotation, str):
        return parameter.annotation
    function = handler if inspect.isroutine(handler) else type(handler).__call__
    try:
        return typing.get_type_hints(function, include_extras=True)[parameter.name]
    except Exception as error:  # noqa: BLE001 - an annotation may be any expression
        right = f"{_RIGHT}, at the top level of a module: {error}"
        raise BadSetting(parameter.name, parameter.annotation, right) from None


def _parse_with(kind: Any, handler: Callable[..., Any]) -> Parse:  # noqa: ANN401 - any annotation
    if hasattr(kind, "model_validate"):
        return functools.partial(_by_pydantic, kind.model_validate)
    if hasattr(kind, "__pydantic_validator__"):  # a dataclass of pydantic's own
        return functools.partial(_by_pydantic, kind.__pydantic_validator__.validate_python)
    try:
        return functools.partial(_strictly, reader_of(kind, closed=True))
    except (Unreadable, NameError) as error:
        raise BadSetting("handler", handler, f"arguments as {_RIGHT}: {error}") from None


def _strictly(read: Callable[[Any], Any], args: dict[str, Any]) -> Any:  # noqa: ANN401 - the author's
    try:
        return read(args)
    except Mismatch as mismatch:
        raise _rejected(str(mismatch.under("args"))) from None


def _by_pydantic(validate: Callable[[Any], Any], args: dict[str, Any]) -> Any:  # noqa: ANN401 - the author's
    from pydantic import ValidationError  # noqa: PLC0415 - whoever has a model has loaded it

    try:
        return validate(args)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        path = ".".join(("args", *map(str, first["loc"])))
        raise _rejected(f"{path}: {first['msg']}, not {str(first['input'])[:60]!r}") from None


def _rejected(message: str) -> Rejected:
    return Rejected("bad_args", message, retryable=False)
