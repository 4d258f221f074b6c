"""``fleetbus task ...``: add one task, look at it, and steer it."""

import contextlib
import json
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError
from rich.console import Console

from coordinator.cli import screen, why_commands
from coordinator.cli.bus import Bus
from coordinator.cli.clock import now_ms
from coordinator.cli.options import AsJson, Broker, Root, TaskId, open_bus
from coordinator.cli.sections import WholeLines
from coordinator.cli.views import task_lines
from protocol import codec, strict_json
from protocol.errors import WireError
from protocol.messages import Reply, TaskSpec, TaskView
from protocol.vocabulary import Priority, SubmitOp, TaskStatus

ASK_AGAIN_S: Final = 2.0
"""How often a waiting task is asked after: a pending one is on no topic."""

Wait = Annotated[
    bool, typer.Option("--wait", help="Wait for the end; succeed only if it completed.")
]

app = typer.Typer(
    cls=WholeLines, help="Add one task, look at it, and steer it.", no_args_is_help=True
)


@app.command()
def add(
    *,
    name: Annotated[str, typer.Option(help="What it is called; caps and cooldowns count by it.")],
    mode: Annotated[str, typer.Option(help="Which of an agent's handlers does it.")],
    agent: Annotated[str | None, typer.Option(help="Only this agent.", show_default=False)] = None,
    priority: Annotated[Priority, typer.Option(help="How urgent it is.")] = Priority.NORMAL,
    args: Annotated[str, typer.Option(metavar="JSON", help="What the handler is given.")] = "{}",
    wait: Wait = False,
    broker: Broker = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Add a task. When it is accepted it is stored, and will not be forgotten.

    Example: fleetbus task add --name hi --mode quest --args '{"sleep": 2}' --wait
    """
    try:
        spec = TaskSpec(name=name, mode=mode, agent=agent, priority=priority, args=_object(args))
    except ValidationError as error:
        first = error.errors()[0]
        screen.fail(f"--{first['loc'][0]}: {first['msg']}, not {first['input']!r}", status=2)
    with open_bus(broker, root, operator=True) as bus:
        reply = bus.request(SubmitOp.CREATE, spec=spec)
        if not (wait and reply.ok and reply.task):
            _answer(reply, as_json=as_json, said="added")
            return
        # What is said on the way must not stand in the one JSON document.
        task = _wait(bus, reply.task, screen.console(stderr=as_json))
    _end(task, as_json=as_json)


@app.command()
def show(task: TaskId, broker: Broker = None, root: Root = None, as_json: AsJson = False) -> None:
    """Show everything that is known about a task.

    Example: fleetbus task show 0198c2f0-hello --json
    """
    with open_bus(broker, root, operator=True) as bus:
        reply = bus.request(SubmitOp.GET, task=task)
    if not reply.ok:
        _answer(reply, as_json=as_json, said="")
        return
    found = task_of(reply)
    if as_json:
        screen.print_json(found)
    else:
        screen.console().print(task_lines(found, now_ms()))


def _steering(op: SubmitOp, said: str, help_text: str) -> Callable[..., None]:
    def steer(
        task: TaskId, broker: Broker = None, root: Root = None, as_json: AsJson = False
    ) -> None:
        with open_bus(broker, root, operator=True) as bus:
            reply = bus.request(op, task=task)
        _answer(reply, as_json=as_json, said=said)

    example = f"Example: fleetbus task {op.value} 0198c2f0-hello"
    return app.command(op.value, help=f"{help_text}\n\n{example}")(steer)


cancel = _steering(
    SubmitOp.CANCEL,
    "cancelling",
    "Cancel a task; a running one is asked to stop: a thread must look, a process is killed.",
)
pause = _steering(SubmitOp.PAUSE, "pausing", "Pause a task until it is resumed.")
resume = _steering(SubmitOp.RESUME, "resuming", "Let a paused task go on.")


@app.command()
def retry(
    task: TaskId,
    fence: Annotated[
        int | None,
        typer.Option(
            help="For work that may outlive its lease: the attempt whose agent is known to be dead."
        ),
    ] = None,
    broker: Broker = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Run a task that ended once more, as a new task.

    Example: fleetbus task retry 0198c2f0-hello
    """
    with open_bus(broker, root, operator=True) as bus:
        reply = bus.request(SubmitOp.RETRY, task=task, fence=fence)
    _answer(reply, as_json=as_json, said="queued again as")


def task_of(reply: Reply) -> dict[str, Any]:
    """Find the task in the answer to ``get``."""
    data = reply.data or {}
    inner = data.get("task")
    return inner if isinstance(inner, dict) else data


def _object(text: str) -> dict[str, Any]:
    try:
        return strict_json.parse_object(text.encode())
    except WireError as error:
        screen.fail(f"--args: not a JSON object ({error}), not {text!r}", status=2)


def _answer(reply: Reply, *, as_json: bool, said: str) -> None:
    if as_json:
        document = reply.model_dump(mode="json", include={"ok", "code", "message", "task", "data"})
        screen.print_json({key: value for key, value in document.items() if value is not None})
        if not reply.ok:
            raise typer.Exit(1)
    elif not reply.ok:
        screen.fail(f"{reply.code}: {reply.message}")
    else:
        screen.console().print(f"{screen.GOOD} {said} {reply.task or ''}".rstrip())


def _wait(bus: Bus, task: str, out: Console) -> dict[str, Any]:
    """Follow *task* to its end, telling each change on *out*."""
    topic = bus.topics.task(task)
    known: dict[str, Any] = {}
    told = ""

    def listen(said_on: str, payload: bytes) -> None:
        nonlocal known
        if said_on == topic and payload:
            with contextlib.suppress(WireError):
                view = codec.decode(TaskView, payload)
                known = view.model_dump(mode="json", exclude_none=True)

    def ended() -> bool:
        nonlocal told
        line = progress_line(task, known)
        if known and line != told:
            out.print(screen.safe(line), soft_wrap=True)
            told = line
        return known.get("status") in _ENDS

    bus.listen(listen)
    bus.subscribe([topic], qos=1)
    while not bus.wait_for(ended, ASK_AGAIN_S):
        if known.get("status") in {None, TaskStatus.PENDING.value}:
            reply = bus.request(SubmitOp.GET, task=task)
            if not reply.ok:
                screen.fail(f"{reply.code}: {reply.message}")
            known = task_of(reply)
    return known


app.command("why")(why_commands.task_why)

_ENDS: Final = {status.value for status in TaskStatus if status.is_terminal}


def progress_line(task: str, known: dict[str, Any]) -> str:
    """Say in one line how far a task is."""
    line = f"{task}: {known.get('status', '?')}"
    if agent := known.get("agent"):
        line += f" on {agent}"
    if (pct := known.get("pct")) is not None:
        line += f", {pct:.0f} %"
    if step := known.get("step"):
        line += f", {step}"
    if blocked := known.get("blocked_by"):
        line += f", waits for {', '.join(map(str, blocked))}"
    return line


def _end(task: dict[str, Any], *, as_json: bool) -> None:
    completed = task.get("status") == TaskStatus.COMPLETED.value
    if as_json:
        screen.print_json(task)
    elif completed:
        result = json.dumps(task.get("result"), ensure_ascii=False)
        screen.console().print(screen.safe(f"{screen.GOOD} {result}", limit=10_000))
    else:
        error = task.get("error") or {}
        screen.fail(f"{task.get('status')}: {error.get('code', '')} {error.get('message', '')}")
    if not completed:
        raise typer.Exit(1)
