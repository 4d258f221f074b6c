"""Doing what an explanation suggests, to a copy of a fleet: the proof that it was true."""

import copy

from coordinator.core.why.suggestions import Suggestion
from tests.support.fleet import Fleet


def copied(fleet: Fleet) -> Fleet:
    """Copy a whole fleet, bots and all; what happens to the copy does not happen to it."""
    shared = [fleet.state.policy, *(agent.policy for agent in fleet.state.agents.values())]
    return copy.deepcopy(fleet, {id(plan): plan for plan in shared})  # a plan never changes


def can_be_done(fleet: Fleet, suggestion: Suggestion) -> bool:
    """Say whether everybody who has to let go of something is alive, which nobody may know yet."""
    return all(
        fleet.bots[change.action["agent"]].hears and fleet.bots[change.action["agent"]].speaks
        for change in suggestion.changes
        if change.action["op"] == "cancel"
    )


def carry_out(fleet: Fleet, suggestion: Suggestion) -> None:
    """Do what *suggestion* says: the operator's verbs first, then one new plan for the rest."""
    policy = fleet.state.policy
    for change in suggestion.changes:
        if change.edit is not None:
            policy = change.edit(policy)
            continue
        asked = dict(change.action)
        op = asked.pop("op")
        if op == "capabilities":
            bot = fleet.bots[asked["agent"]]
            bot.capabilities = (*bot.capabilities, *asked["add"])
            fleet.hear(bot.info())
        else:
            reply = fleet.ask(op, **asked)
            assert reply.ok, reply.message
    if policy is not fleet.state.policy:
        changed = {name: getattr(policy, name) for name in type(policy).__slots__}
        fleet.plan(**changed)
