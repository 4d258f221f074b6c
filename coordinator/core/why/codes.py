"""The reason tokens, in order of precedence: the words in which every answer is given.

The first gates are the task's own, then the fleet's, then each agent's. An earlier one is the
headline before a later one.
"""

from typing import Final

OF_TASK: Final = (
    "DEACTIVATED",
    "PAUSED",
    "MISCONFIGURED",
    "DEPENDENCY",
    "NOT_BEFORE",
    "EXPIRED",
)
OF_FLEET: Final = (
    "FLEET_PAUSED",
    "ERROR_BUDGET",
    "OUTSIDE_WINDOW",
    "CAP_REACHED",
    "GLOBAL_LIMIT",
    "MODE_LIMIT",
    "KEY_LIMIT",
)
OF_AGENT: Final = (
    "NO_CAPABLE_AGENT",
    "AGENT_OFFLINE",
    "CORDONED",
    "HEALTH_TOO_LOW",
    "AVOID_HOURS",
    "IDLE_BLOCK",
    "RUNTIME_CAP",
    "FAILURE_COOLDOWN",
    "TASK_COOLDOWN",
    "AGENT_BUSY",
)
BEHIND_OTHERS: Final = "BEHIND_OTHERS"
PENDING_EVALUATION: Final = "PENDING_EVALUATION"

ALL: Final = (*OF_TASK, *OF_FLEET, *OF_AGENT, BEHIND_OTHERS, PENDING_EVALUATION)
RANK: Final = {code: rank for rank, code in enumerate(ALL)}

ALARMS: Final = frozenset({"MISCONFIGURED", "NO_CAPABLE_AGENT"})
"""Reasons that do not pass by waiting."""


def in_order(codes: set[str]) -> tuple[str, ...]:
    """Return *codes* in order of precedence; one that is not known comes last."""
    return tuple(sorted(codes, key=lambda code: (RANK.get(code, len(ALL)), code)))
