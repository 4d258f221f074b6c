"""``python -m tools.pictures.bot NAME MACHINE WINDOW CAPABILITY…``: an agent of the pictures.

A task's ``args`` say what it does: ``seconds`` of work in ``steps``, of which each is told, and
at the end ``fail`` with that code.
"""

import sys
import time
from typing import Final

from agent_client import Agent, Failed, Task

HEARTBEAT_S: Final = 1.0
TELLS_EVERY_S: Final = 0.5


def work(task: Task) -> dict[str, int]:
    """Go through the steps."""
    steps, seconds = task.args["steps"], task.args["seconds"]
    began = time.monotonic()
    while (part := (time.monotonic() - began) / seconds) < 1:
        task.progress(100 * part, steps[int(part * len(steps))])
        task.sleep(TELLS_EVERY_S)
    if code := task.args.get("fail"):
        raise Failed(code, f"it went wrong while {steps[-1]}")
    return {"gold": 40 + len(task.id)}


def main() -> None:
    """Be the agent, until told to stop."""
    name, machine, window, *capabilities = sys.argv[1:]
    agent = Agent(
        name,
        machine_id=machine,
        window_id=window,
        capabilities=capabilities,
        heartbeat_s=HEARTBEAT_S,
        slots=1,
    )
    agent.add_handler(work, "*")
    agent.metric("fps", 58.0)
    agent.run()


if __name__ == "__main__":
    main()
