"""A bot that runs programs: each under a time limit, told line by line, and gone when cancelled.

echo '{"backup": ["rsync", "-a", "--info=progress2", "/srv/", "/mnt/backup/"]}' > programs.json
FLEETBUS_AGENT=command-bot python examples/command_bot.py programs.json
fleetbus task add --name nightly --mode run --args '{"program": "backup", "limit_s": 3600}'

A task chooses among the programs of the bot's own file; what it brings along is data, for the
program's standard input. With ``isolation="process"`` the program and all that it starts are in
the task's own process group, which ends with the task: when it is done, cancelled or too slow,
when its lease is lost, and when the bot itself is killed.
"""

import asyncio
import json
import re
import sys
import tempfile
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from agent_client import Agent, AsyncTask, Failed, Rejected

PROGRAMS = json.loads(Path(sys.argv[1]).read_text()) if len(sys.argv) > 1 else {"list": ["ls"]}
PERCENT = re.compile(r"\b(100|\d?\d)\s?%")
LONGEST_LINE = 1 << 20

agent = Agent(capabilities=["run"])


@dataclass(frozen=True)
class Run:
    """Which program, and with what."""

    program: str
    input: str = ""
    limit_s: float = 600.0


@agent.handler("run", isolation="process")
async def run(task: AsyncTask, args: Run) -> dict[str, object]:
    """Run the program; every line it says is the step shown, and ``42%`` in it the progress."""
    if args.program not in PROGRAMS:
        right = f"args.program: one of {', '.join(sorted(PROGRAMS))}, not {args.program!r}"
        raise Rejected("bad_args", right, retryable=False)
    tail: deque[str] = deque(maxlen=20)
    try:
        async with asyncio.timeout(args.limit_s):
            status = await finished(task, PROGRAMS[args.program], args.input, tail)
    except TimeoutError:
        raise Failed("too_slow", f"not done in {args.limit_s:g} s; {' '.join(tail)}") from None
    if status != 0:
        raise Failed(f"exit_{status}", "\n".join(tail))
    return {"exit_status": status, "tail": list(tail)}


async def finished(task: AsyncTask, program: list[str], text: str, tail: deque[str]) -> int:
    """Run *program* to its end, tell what it says, and return its exit status."""
    with tempfile.TemporaryFile() as words:
        words.write(text.encode())
        words.seek(0)
        process = await asyncio.create_subprocess_exec(
            *program,
            stdin=words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=LONGEST_LINE,
        )
    assert process.stdout is not None  # noqa: S101 - it was asked for
    async for line in process.stdout:
        tail.append(line.decode(errors="replace").rstrip())
        percent = PERCENT.search(tail[-1])
        task.progress(None if percent is None else float(percent[1]), tail[-1])
    return await process.wait()


if __name__ == "__main__":
    agent.run()
