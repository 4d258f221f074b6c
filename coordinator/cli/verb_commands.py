"""``fleetbus agents cordon`` and the other verbs of operators, on an agent, a limit or the fleet.

Each takes a reason, ends by itself (after an hour unless it is said otherwise), and stands in the
fleet's story with whoever asked.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import typer

from coordinator.cli import screen
from coordinator.cli.options import AgentName, AsJson, Broker, Reason, Root, open_bus
from coordinator.cli.sections import WholeLines
from protocol.vocabulary import SubmitOp

fleet_app = typer.Typer(
    cls=WholeLines, no_args_is_help=True, help="Pause the whole fleet, hold a limit."
)

_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)([smhd])", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _span(text: str) -> float:
    found = _SPAN.fullmatch(text)
    if found is None or float(found[1]) <= 0:
        raise typer.BadParameter(f"{text!r} is no span; write 90s, 30m, 2h or 1d")
    return float(found[1]) * _SECONDS[found[2]]


For = Annotated[
    float | None,
    typer.Option(
        "--for", metavar="SPAN", parser=_span, help="How long: 90s, 30m, 2h, 1d. [default: 1h]"
    ),
]
Forever = Annotated[bool, typer.Option("--forever", help="Until somebody takes it back.")]


def _withholding(op: SubmitOp, said: str, help_text: str, example: str) -> Callable[..., None]:
    """Make the command that keeps an agent from work for a while."""

    def withhold(
        name: AgentName,
        *,
        reason: Reason = None,
        span: For = None,
        forever: Forever = False,
        broker: Broker = None,
        root: Root = None,
        as_json: AsJson = False,
    ) -> None:
        asked = {"agent": name, "reason": reason, **_duration(span, forever=forever)}
        _ask(op, said.format(name), broker, root, as_json=as_json, about=asked)

    withhold.__name__ = op.value
    withhold.__doc__ = f"{help_text}\n\n    Example: fleetbus agents {op.value} {example}\n    "
    return withhold


cordon = _withholding(
    SubmitOp.CORDON,
    "no new work for {}",
    "Give an agent no new work; what it does it may finish.",
    'Main --for 30m --reason "looking at it"',
)
drain = _withholding(
    SubmitOp.DRAIN,
    "draining {}",
    "Let an agent finish what it does, give it nothing new, and tell it so.",
    'Main --for 2h --reason "new graphics card"',
)
maintenance = _withholding(
    SubmitOp.MAINTENANCE,
    "{} is in maintenance",
    "Put an agent in maintenance: only maintenance tasks, and its alerts are silent.",
    'Main --for 1d --reason "new disk"',
)


def give_back(
    name: AgentName,
    *,
    broker: Broker = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Take back what was done to an agent: it takes work as before.

    Example: fleetbus agents return Main
    """
    _ask(SubmitOp.RETURN, f"{name} is back", broker, root, as_json=as_json, about={"agent": name})


def forget(
    name: AgentName,
    *,
    broker: Broker = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Forget an agent that will not come back: its cards go, and a running one is told to stop.

    Example: fleetbus agents forget Old-Laptop
    """
    _ask(SubmitOp.FORGET, f"forgot {name}", broker, root, as_json=as_json, about={"agent": name})


@fleet_app.command()
def pause(
    *,
    reason: Reason = None,
    span: For = None,
    forever: Forever = False,
    broker: Broker = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Start nothing anywhere; what runs may finish.

    Example: fleetbus fleet pause --for 15m --reason "the game is patched"
    """
    asked = {"reason": reason, **_duration(span, forever=forever)}
    _ask(SubmitOp.PAUSE_FLEET, "the fleet is paused", broker, root, as_json=as_json, about=asked)


@fleet_app.command()
def resume(*, broker: Broker = None, root: Root = None, as_json: AsJson = False) -> None:
    """Let a paused fleet go on.

    Example: fleetbus fleet resume
    """
    _ask(SubmitOp.RESUME_FLEET, "the fleet goes on", broker, root, as_json=as_json, about={})


Key = Annotated[
    str, typer.Argument(metavar="KEY", help="global, mode:<mode> or key:<concurrency key>.")
]


@fleet_app.command()
def hold(
    key: Key,
    *,
    reason: Reason = None,
    span: For = None,
    forever: Forever = False,
    broker: Broker = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Start nothing that needs a place under one limit.

    Example: fleetbus fleet hold mode:combat --for 1h --reason "arena is closed"
    """
    asked = {"key": key, "reason": reason, **_duration(span, forever=forever)}
    _ask(SubmitOp.HOLD, f"{key} is held", broker, root, as_json=as_json, about=asked)


@fleet_app.command()
def release(key: Key, *, broker: Broker = None, root: Root = None, as_json: AsJson = False) -> None:
    """Let go of a limit that is held.

    Example: fleetbus fleet release mode:combat
    """
    _ask(SubmitOp.RELEASE, f"{key} is released", broker, root, as_json=as_json, about={"key": key})


@fleet_app.command("reset-budget")
def reset_budget(
    *, reason: Reason = None, broker: Broker = None, root: Root = None, as_json: AsJson = False
) -> None:
    """Open the error budget again before its day or week is over.

    Example: fleetbus fleet reset-budget --reason "proxy is back"
    """
    said, asked = "the error budget is open again", {"reason": reason}
    _ask(SubmitOp.RESET_BUDGET, said, broker, root, as_json=as_json, about=asked)


def _duration(span: float | None, *, forever: bool) -> dict[str, Any]:
    if forever and span is not None:
        screen.fail("--for and --forever: choose one of them")
    return {"for_s": span, "forever": forever}


def _ask(
    op: SubmitOp,
    said: str,
    broker: str | None,
    root: str | None,
    *,
    as_json: bool,
    about: Mapping[str, Any],
) -> None:
    """Ask *op* with the fields *about* of a request, and say that it is so."""
    with open_bus(broker, root, operator=True) as bus:
        reply = bus.request(op, **about)
    if not reply.ok:
        screen.fail(f"{reply.code}: {reply.message}")
    if as_json:
        screen.print_json({"op": op.value, **{key: value for key, value in about.items() if value}})
    else:
        print(f"{screen.GOOD} {screen.safe(said)}")
