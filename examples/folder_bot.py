"""A bot that keeps a folder in order: what arrives is hashed, and filed by its kind.

FLEETBUS_AGENT=folder-bot python examples/folder_bot.py ~/Downloads
fleetbus task add --name tidy --mode organise --args '{"inbox": "new", "quiet_s": 60}'

It touches nothing outside its folder, whatever a task says. A task may be cut short and run again
at any time: what is filed already is not in the inbox any more.
"""

import hashlib
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from agent_client import Agent, Rejected, Task

HOME = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
SETTLED_S = 0.5

agent = Agent(capabilities=["organise"])


@dataclass(frozen=True)
class Organise:
    """What to file where, below the bot's folder; until nothing has arrived for ``quiet_s``."""

    inbox: str
    archive: str = "archive"
    quiet_s: float = 0.0


@agent.handler("organise")
def organise(task: Task, args: Organise) -> dict[str, object]:
    """File everything as ``archive/<kind>/<hash>-<name>``; what is there twice is kept once."""
    inbox, archive = inside("inbox", args.inbox), inside("archive", args.archive)
    inbox.mkdir(parents=True, exist_ok=True)
    filed, last = Counter[str](), time.monotonic()
    while (waiting := arrived(inbox)) or time.monotonic() < last + args.quiet_s:
        for number, file in enumerate(waiting):
            task.progress(100 * number / len(waiting), file.name)
            kind, digest = file.suffix[1:].lower() or "other", sha256(task, file)[:16]
            if any((archive / kind).glob(f"{digest}-*")):
                file.unlink()
                kind = "duplicate"
            else:
                (archive / kind).mkdir(parents=True, exist_ok=True)
                file.rename(archive / kind / f"{digest}-{file.name}")  # as a whole, or not at all
            filed[kind] += 1
            last = time.monotonic()
        task.sleep(0.2)
    return {"filed": dict(filed)}


def inside(name: str, said: str) -> Path:
    """Find the folder that an argument names; no task reaches out of the bot's own."""
    if (folder := (HOME / said).resolve()).is_relative_to(HOME):
        return folder
    raise Rejected("bad_args", f"args.{name}: a folder below {HOME}, not {said!r}", retryable=False)


def arrived(inbox: Path) -> list[Path]:
    """List the files that nobody is still writing to."""
    files = [file for file in sorted(inbox.iterdir()) if file.is_file() and not file.is_symlink()]
    return [file for file in files if file.stat().st_mtime < time.time() - SETTLED_S]


def sha256(task: Task, file: Path) -> str:
    """Hash a file of any size; ``check`` raises between two blocks when the task must stop."""
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while block := content.read(1 << 20):
            task.check()
            digest.update(block)
    return digest.hexdigest()


if __name__ == "__main__":
    agent.run()
