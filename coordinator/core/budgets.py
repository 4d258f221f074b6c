"""Error budgets: when too much has failed in a day or a week, nothing new begins.

Failed attempts count, except those of ignored classes (a lost agent is ``infrastructure``).
Running work continues and maintenance tasks may start. The budget opens again with the next
period, or by an operator's reset.
"""

from typing import TYPE_CHECKING, Final

from coordinator.core.closures import close, reopen
from coordinator.core.effects import SaveMark
from coordinator.core.gating import ERROR_BUDGET, usage_of
from coordinator.core.usage import DAY, WEEK

if TYPE_CHECKING:
    from coordinator.core.turn import Turn

_KEY: Final = "errors"


def count_error(turn: "Turn", code: str) -> None:
    """Count one failed attempt of class *code*, and close the budget if it is used up."""
    policy = turn.state.policy
    if code in policy.ignored_errors:
        return
    for unit in (DAY, WEEK):
        used = usage_of(turn.state, f"{_KEY}:{unit}", unit, turn.now.wall_ms)
        used.amount += 1
        turn.do(SaveMark("usage", used.key))
    judge_budget(turn)


def judge_budget(turn: "Turn") -> None:
    """Close the budget until the last of the used-up periods ends; open it if none is used up."""
    policy, until_ms, text = turn.state.policy, 0, ""
    for unit, limit in ((DAY, policy.max_daily_errors), (WEEK, policy.max_weekly_errors)):
        if limit is None:
            continue
        used = usage_of(turn.state, f"{_KEY}:{unit}", unit, turn.now.wall_ms)
        if used.amount >= max(limit, 1) and used.period.end_ms > until_ms:
            until_ms = used.period.end_ms
            text = f"{used.amount} errors this {unit}, at most {limit} are allowed"
    closed = turn.state.closures.get(ERROR_BUDGET)
    if not until_ms:
        reopen(turn, ERROR_BUDGET)
    elif closed is None or closed.until_ms != until_ms:
        close(turn, ERROR_BUDGET, until_ms, text)
        turn.tell("error_budget", None, text, until_ms=until_ms)


def reset_budget(turn: "Turn") -> bool:
    """Begin to count errors anew if the budget is used up; say whether it was."""
    if ERROR_BUDGET not in turn.state.closures:
        return False
    for unit in (DAY, WEEK):
        used = usage_of(turn.state, f"{_KEY}:{unit}", unit, turn.now.wall_ms)
        used.amount = 0
        turn.do(SaveMark("usage", used.key))
    return reopen(turn, ERROR_BUDGET)
