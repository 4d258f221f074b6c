"""The agent for those who have no bot yet: it takes every mode and does work that can be measured.

``args`` of a task say what to do: ``{"seconds": 0.2}`` computes for so long, ``{"sleep": 5}``
waits, ``{"fail": "code"}`` fails. Modes that the agent's own configuration file names run the
command given there instead.
"""

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agent_client import own_config
from agent_client.agent import Agent
from agent_client.command import command_handler
from agent_client.errors import Failed
from agent_client.record import Record
from agent_client.task import Task

LONGEST_S: Final = 86_400.0
PROGRESS_EVERY_S: Final = 0.25
_BLOCK: Final = b"fleetbus" * 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyMade:
    """What can be said of a ready-made agent; None takes the library's default."""

    name: str
    capabilities: Sequence[str] = ()
    slots: int = 1
    broker: str | None = None
    root: str | None = None
    machine_id: str | None = None
    window_id: str = "default"
    heartbeat_s: float | None = None
    config_path: str | None = None
    record_path: str | None = None
    state_dir: str | None = None
    drain_s: float = 10.0


def ready_made(options: ReadyMade) -> Agent:
    """Make the agent; the caller runs it."""
    agent = Agent(
        options.name,
        machine_id=options.machine_id,
        window_id=options.window_id,
        capabilities=options.capabilities,
        broker=options.broker,
        root=options.root,
        slots=options.slots,
        heartbeat_s=options.heartbeat_s,
        config_path=options.config_path,
        drain_s=options.drain_s,
        state_dir=options.state_dir,
    )
    handlers: dict[str, Callable[[Task], Any]] = {"noop": noop, "*": work}
    if options.config_path is not None:
        config = own_config.read(options.config_path)
        handlers |= {mode: command_handler(command) for mode, command in config.handlers.items()}
    record = None
    if options.record_path is not None:
        record = Record(options.record_path, options.name)
    for mode, handler in handlers.items():
        agent.add_handler(handler if record is None else record.around(handler), mode)
    return agent


def noop(_task: Task) -> None:
    """Do nothing, successfully."""


def work(task: Task) -> dict[str, Any]:
    """Do what the arguments say; without any, compute for a moment."""
    sleep_s = _seconds(task, "sleep", 0.0)
    compute_s = _seconds(task, "seconds", 0.0 if "sleep" in task.args else 0.05)
    began = time.monotonic()
    _sleep(task, sleep_s)
    blocks, digest = _compute(task, compute_s)
    if code := task.args.get("fail"):
        raise Failed(code if isinstance(code, str) else "asked_to_fail", "the arguments said so")
    return {"took_s": round(time.monotonic() - began, 3), "blocks": blocks, "sha256": digest}


def _sleep(task: Task, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        task.sleep(min(left, PROGRESS_EVERY_S))
        task.progress(100 * (1 - max(0.0, until - time.monotonic()) / seconds), "sleeping")


def _compute(task: Task, seconds: float) -> tuple[int, str]:
    digest, blocks = hashlib.sha256(task.id.encode()), 0
    began = told = time.monotonic()
    while (now := time.monotonic()) < began + seconds:
        task.check()
        digest.update(_BLOCK)  # long enough for the interpreter to let other threads run
        blocks += 1
        if now - told >= PROGRESS_EVERY_S:
            told = now
            task.progress(100 * (now - began) / seconds, "computing")
    return blocks, digest.hexdigest()


def _seconds(task: Task, key: str, default: float) -> float:
    value = task.args.get(key, default)
    number = not isinstance(value, bool) and isinstance(value, int | float)
    if not number or not math.isfinite(value) or not 0 <= value <= LONGEST_S:
        message = f"args.{key} is {value!r}; it must be seconds from 0 to {LONGEST_S:.0f}"
        raise Failed("bad_args", message, retryable=False)
    return float(value)
