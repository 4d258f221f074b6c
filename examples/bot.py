"""A bot of twenty lines: ``python examples/bot.py bot-1`` while ``make up`` runs."""

import sys

from agent_client import Agent, Failed, Task

agent = Agent(sys.argv[1] if len(sys.argv) > 1 else "bot-1", capabilities=["quest", "trading"])


@agent.handler("quest", "trading")
def work(task: Task) -> dict[str, int]:
    """Do ten steps; ``sleep`` ends early by raising when the task is cancelled."""
    for step in range(10):
        task.progress(pct=10 * step, step=f"step {step + 1} of 10")
        task.sleep(0.5)
    if task.args.get("unlucky"):
        raise Failed("no_luck", "the dragon won", retry_after_s=30)
    agent.metric("fps", 60)
    return {"gold": 7}


agent.run()
