"""The headline as a sentence: what a person wants to hear first."""

from typing import Any, Final

from coordinator.core.state import State
from coordinator.core.why.funnel import Funnel

_PLAIN: Final = {
    "BEHIND_OTHERS": "everything is open; others are before it",
    "PENDING_EVALUATION": "everything is open; it is about to be looked at",
}
_OF_AGENTS: Final = {
    "AGENT_OFFLINE": "no agent that can do it is online",
    "CORDONED": "the agents that could do it are out of service",
    "HEALTH_TOO_LOW": "no agent that can do it is well enough",
    "AVOID_HOURS": "the agents that could do it avoid these hours",
    "IDLE_BLOCK": "the agents that could do it rest",
    "RUNTIME_CAP": "the agents that could do it have run long enough today",
    "CAP_REACHED": "the agents that could do it have started enough today",
    "FAILURE_COOLDOWN": "the agents that could do it have failed too often",
    "TASK_COOLDOWN": "the agents that could do it have done such a task just now",
    "AGENT_BUSY": "every agent that could do it is busy",
}


def sentence(state: State, code: str, gates: list[dict[str, Any]], funnel: Funnel) -> str:
    """Say in one sentence why a task waits, given its headline *code*."""
    if code == "PENDING_EVALUATION" and not state.is_offering:
        return "the coordinator recovers: it offers nothing until every holder is heard"
    failing = next((gate for gate in gates if gate["code"] == code and not gate["ok"]), None)
    if failing is not None and "text" in failing:
        return str(failing["text"])
    if code == "NO_CAPABLE_AGENT":
        return "no agent can do it" if funnel.total else "there is no agent that it asks for"
    if code in _OF_AGENTS:
        able = funnel.passing("NO_CAPABLE_AGENT")
        if able == 1:
            nearest = funnel.nearest()
            if nearest:
                return f"only {nearest[0].agents[0].name} can do it: {_OF_ONE.get(code, code)}"
        return _OF_AGENTS[code]
    return _PLAIN.get(code, code.lower().replace("_", " "))


_OF_ONE: Final = {
    "AGENT_OFFLINE": "it is not online",
    "CORDONED": "it is out of service",
    "HEALTH_TOO_LOW": "it is not well enough",
    "AVOID_HOURS": "it avoids these hours",
    "IDLE_BLOCK": "it rests",
    "RUNTIME_CAP": "it has run long enough today",
    "CAP_REACHED": "it has started enough today",
    "FAILURE_COOLDOWN": "it has failed too often",
    "TASK_COOLDOWN": "it has done such a task just now",
    "AGENT_BUSY": "it is busy",
}
