"""Broken rules of forgetting: who is not shown, counted or told any more, and who comes back.

Several rules keep the card of a forgotten agent from coming back; the one that clears it behind a
card that only a process of its name is to hear would hide that another is broken.
"""

from collections.abc import Callable
from typing import Any, Final

from coordinator.core import presence, records, reports, requests, step
from coordinator.core.agents import Agent
from coordinator.core.effects import ShowAgent
from coordinator.core.instant import Instant
from coordinator.core.turn import Turn
from coordinator.core.verbs import settle_mode
from coordinator.shell.batch import Batch
from coordinator.shell.cards import Cards
from coordinator.shell.outgoing import Said
from coordinator.shell.sweep import Sweep
from protocol.messages import Report
from protocol.topics import Address, InboxTopic, RegistryTopic
from protocol.vocabulary import AgentMode
from tests.simulation.mutants.patching import Mutants, Patch, altered, lose, nothing

Publish = Callable[[Said], None]


def _left(cards: Cards, name: str, now: Instant, publish: Publish) -> None:
    """Show the card of *name*, and leave it."""
    if name in cards.state.agents:
        publish(cards.speaker.agent(cards.state, name, now))


_LEFT: Final[Patch] = (Cards, "_show_agent", _left)
_add, _clear = Cards.add, Cards.clear
_is_leftover = Sweep.is_leftover


def _forgotten_is_shown() -> list[Patch]:
    return [
        _LEFT,
        (Turn, "show", lambda turn, agent: turn.effects.append(ShowAgent(agent.name))),
    ]


def _forgotten_is_shown_anew() -> list[Patch]:
    def add_all(cards: Cards) -> None:
        cards._agents.update(dict.fromkeys(cards.state.agents))
        cards._summary_due = True

    return [_LEFT, (Cards, "add_all", add_all)]


def _forgotten_is_shown_late() -> list[Patch]:
    def clear(cards: Cards, name: str, publish: Publish) -> None:
        waits = name in cards._agents
        _clear(cards, name, publish)
        if waits:
            now = Instant(0, cards._shown_at_ms)
            _left(cards, name, now, publish)

    return [(Cards, "clear", clear)]


def _epoch_is_stated_for_good() -> list[Patch]:
    return [_LEFT]


def _forgetting_is_not_counted() -> list[Patch]:
    def add(cards: Cards, batch: Batch) -> None:
        cleared, batch.cleared_agents = batch.cleared_agents, {}
        _add(cards, batch)
        batch.cleared_agents = cleared

    return [(Cards, "add", add)]


def _forgotten_is_counted() -> list[Patch]:
    return [(Agent, "is_forgotten", property(lambda _agent: False))]


def _forgotten_is_not_swept() -> list[Patch]:
    def is_leftover(sweep: Sweep, address: Address) -> bool:
        if isinstance(address, RegistryTopic | InboxTopic):
            return address.agent not in sweep.state.agents
        return _is_leftover(sweep, address)

    return [(Sweep, "is_leftover", is_leftover)]


def _late_words_are_left() -> list[Patch]:
    def never(_turn: Turn, _said: Any) -> bool:
        return False

    return [(presence, "is_leftover", never), (step, "is_leftover", never)]


def _tombstone_is_not_stored() -> list[Patch]:
    record_of = records.agent_record

    def agent_record(agent: Agent) -> dict[str, Any]:
        return {**record_of(agent), "forgotten_epoch": 0}

    from coordinator.shell import batch

    return [(batch, "agent_record", agent_record)]


def _verb_outlives_forgetting() -> list[Patch]:
    forget = requests.forget

    def forgetting(turn: Turn, agent: Agent) -> None:
        verb = agent.verb
        forget(turn, agent)
        agent.verb, agent.judge_again_ms = verb, 0

    return [(requests, "forget", forgetting)]


def _forgotten_stays_stopped() -> list[Patch]:
    return [(presence, "settle_mode", nothing)]


def _forgotten_is_not_stopped() -> list[Patch]:
    def settle(turn: Turn, agent: Agent) -> None:
        settle_mode(turn, agent)
        if agent.desired_mode is AgentMode.STOP:
            agent.desired_mode = AgentMode.ACTIVE

    return [(requests, "settle_mode", settle)]


def _forgetting_frees() -> list[Patch]:
    forget = requests.forget

    def forgetting(turn: Turn, agent: Agent) -> None:
        for task in list(agent.held.values()):
            lose(turn, task, "released")
        forget(turn, agent)

    return [(requests, "forget", forgetting)]


def _who_leaves_is_excluded() -> list[Patch]:
    rejected = reports._rejected

    def rejecting(turn: Turn, agent: Agent, task: Any, said: Report) -> None:
        detail = altered(said.detail, code="declined")
        rejected(turn, agent, task, altered(said, detail=detail))

    return [(reports, "_rejected", rejecting)]


MUTANTS: Final[Mutants] = {
    "forgotten_is_shown": _forgotten_is_shown,
    "forgotten_is_shown_anew": _forgotten_is_shown_anew,
    "forgotten_is_shown_late": _forgotten_is_shown_late,
    "epoch_is_stated_for_good": _epoch_is_stated_for_good,
    "forgetting_is_not_counted": _forgetting_is_not_counted,
    "forgotten_is_counted": _forgotten_is_counted,
    "forgotten_is_not_swept": _forgotten_is_not_swept,
    "late_words_are_left": _late_words_are_left,
    "tombstone_is_not_stored": _tombstone_is_not_stored,
    "verb_outlives_forgetting": _verb_outlives_forgetting,
    "forgotten_stays_stopped": _forgotten_stays_stopped,
    "forgotten_is_not_stopped": _forgotten_is_not_stopped,
    "forgetting_frees": _forgetting_frees,
    "who_leaves_is_excluded": _who_leaves_is_excluded,
}
