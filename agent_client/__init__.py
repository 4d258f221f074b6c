"""The library that a bot embeds to be an agent of the fleet.

from agent_client import Agent

agent = Agent("bot-1", capabilities=["quest"])

@agent.handler("quest")
def quest(task):
    for step in range(10):
        task.check()
        task.progress(10 * step)
    return {"gold": 7}

agent.run()
"""

from agent_client.agent import Agent
from agent_client.errors import (
    AgentError,
    AlreadyRunning,
    BadSetting,
    Cancelled,
    Failed,
    LeaseLost,
    MustStop,
    Rejected,
    SubscriptionRefused,
    Superseded,
)
from agent_client.task import AsyncTask, Task

__all__ = [
    "Agent",
    "AgentError",
    "AlreadyRunning",
    "AsyncTask",
    "BadSetting",
    "Cancelled",
    "Failed",
    "LeaseLost",
    "MustStop",
    "Rejected",
    "SubscriptionRefused",
    "Superseded",
    "Task",
]
