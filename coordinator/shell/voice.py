"""What the coordinator says of a batch once that is stored, and in which order.

Agents, hosts and clients come first: they wait for it. Then what people read: events at once, cards
now and then (:mod:`~coordinator.shell.cards`). What is retained can be stated anew at any time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from coordinator.core.instant import Instant
from coordinator.core.state import State
from coordinator.shell.batch import Batch
from coordinator.shell.cards import Cards
from coordinator.shell.desired_texts import DesiredTexts
from coordinator.shell.home_assistant import Devices
from coordinator.shell.outage import Outage
from coordinator.shell.outgoing import Said, Speaker
from protocol.vocabulary import CoordinatorState

Publish = Callable[[Said], None]


@dataclass(slots=True)
class Voice:
    """Says what was decided, to whoever is connected."""

    state: State
    speaker: Speaker
    next_event: int
    """The number of the next event that is told."""
    devices: Devices | None = None
    """Set where Home Assistant is to know the agents."""
    publish: Publish = lambda _said: None
    """How to say something; set by whoever has a bus."""
    flush: Callable[[], None] = lambda: None
    """How to let what was said leave now, and not at the end of the loop's turn."""
    cards: Cards = field(init=False)
    desired: DesiredTexts = field(init=False)

    def __post_init__(self) -> None:
        self.cards = Cards(self.state, self.speaker, self.devices)
        self.desired = DesiredTexts(self.speaker)

    def render(self, batch: Batch, now: Instant) -> list[Said]:
        """Write, once, what agents, hosts and clients of *batch* wait for."""
        if batch.texts is None:
            batch.texts = [
                *(self.desired.render(said.desired, now) for said in batch.desired.values()),
                *(self.speaker.host_desired(s.desired, now) for s in batch.host_desired.values()),
                *(
                    self.speaker.lease(lease, now)
                    for lease in batch.leases.values()
                    # A desired of this batch acknowledges the reports already.
                    if lease.granted or lease.agent not in batch.desired or lease.report_ack == {}
                ),
                *(self.speaker.reply(answer.client, answer.reply) for answer in batch.replies),
            ]
        return batch.texts

    def say(self, batch: Batch, now: Instant) -> None:
        """Say everything of *batch*, which is stored."""
        publish = self.publish
        if batch.restates_all:
            self._restate_all(now)
        if batch.says_state:
            self.say_presence(now)
        if batch.calls_roll:
            publish(self.speaker.rollcall(now))
        for said in self.render(batch, now):
            publish(said)
        for event in batch.events:
            publish(self.speaker.event(self.next_event, event, now))
            self.next_event += 1
        self.flush()  # agents need not wait for what people read
        self.cards.add(batch)
        for name in batch.cleared_agents:
            if self.state.agents[name].is_forgotten:  # else it has come back within this batch
                self.cards.clear(name, publish)
                self.desired.forget(name)
        self.show(now)

    def show(self, now: Instant, *, final: bool = False) -> None:
        """Show people what it is time for; *final* is for the last words of a coordinator."""
        self.cards.show(now, self.publish, final=final)

    def say_presence(self, now: Instant, outage: Outage | None = None) -> None:
        """State how things are: with an *outage*, why nothing is assigned."""
        if outage is not None:
            self.publish(self.speaker.safe_presence(outage.text, now))
            return
        settles_in_s = None
        if self.state.phase is CoordinatorState.RECOVERING:
            settles_in_s = max(0, self.state.recovered_by_ms - now.mono_ms) / 1000
        self.publish(self.speaker.presence(self.state.phase, now, settles_in_s))

    def _restate_all(self, now: Instant) -> None:
        """State everything retained anew: the broker may have forgotten it."""
        self.say_presence(now)
        for agent in self.state.agents.values():
            if agent.desired is not None and not agent.is_forgotten:
                self.publish(self.desired.render(agent.desired, now))
        for host in self.state.hosts.values():
            if host.desired is not None:
                self.publish(self.speaker.host_desired(host.desired, now))
        self.cards.add_all()
