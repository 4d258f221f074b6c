"""A bot with typed arguments, to be imported where nothing heavy may be."""

from dataclasses import dataclass

from agent_client import Agent, Task

agent = Agent("light")


@dataclass(frozen=True)
class Errand:
    where: str
    how_often: int = 1


@agent.handler("errand")
def errand(task: Task, args: Errand) -> str:
    return f"{args.how_often} times to {args.where}"
