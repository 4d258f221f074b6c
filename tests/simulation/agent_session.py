"""The session of one boot of an agent, by the session's rules.

The will goes before everything, then what is retained about the agent's name is heard, then its
epoch is chosen, and then it says presence, info and a heartbeat.
"""

from random import Random
from typing import TYPE_CHECKING, Final

from agent_client.core.events import (
    Connected,
    CoordinatorSeen,
    DesiredReceived,
    Disconnected,
    Event,
    LeaseReceived,
    RollCalled,
)
from agent_client.core.identity import Identity, Verdict
from protocol.messages import (
    CoordinatorPresence,
    Desired,
    Lease,
    Message,
    Presence,
    Registry,
    RollCall,
)
from protocol.vocabulary import PresenceState
from tests.simulation.agent_words import AgentWords
from tests.simulation.host import Host
from tests.simulation.standing_still import Process
from tests.simulation.words import as_heard

if TYPE_CHECKING:
    from tests.simulation.world import World

RETAINED_WITHIN_S: Final = 0.25
SHORTLY_S: Final = 3.0
GIVEN_UP_FOR_S: Final = 5.0
"""How long a host waits until it starts again what gave up."""
"""A connection that is made again as quickly keeps nobody from being heard."""


class Session(Process):
    """One boot's connections to the broker, one after the other."""

    def __init__(self, world: "World", name: str, host: Host, boot: str, random: Random) -> None:
        super().__init__(world, host, random)
        self.name, self.boot = name, boot
        self.online = False
        self.leaving = False
        self.identity = Identity(boot)
        self.words = AgentWords(
            name, host, self.identity, self.wall_ms, float(world.scenario.shape.heartbeat_s)
        )
        self.will: Presence | None = None
        self._state = PresenceState.ONLINE
        self._connection = 0
        """Which of the connections, or attempts at one, is the present one; 0 is none."""
        self._connections = 0
        self._deaf_connection = -1
        self._hung_up_at = 0.0
        self._term = 0

    # --- what the agent makes of it

    def take(self, event: Event) -> None:
        """Decide what follows from *event*."""
        raise NotImplementedError

    def leave(self, reason: str) -> None:
        """Finish nothing more, and go."""
        raise NotImplementedError

    def restatement_asked(self) -> None:
        """Note that presence will have to be stated again."""
        raise NotImplementedError

    # --- connecting

    def connect(self) -> None:
        """Make a new connection; a cut line refuses it, and it is tried again."""
        if not self.alive or self.leaving:
            return
        self._connections += 1
        self._connection = self._connections
        bus = self.world.bus
        if self.boot in bus.deaf or self.boot in bus.mute:
            self._connect_later()
            return
        self.identity.connecting(self.wall_ms())
        self.will = self.words.presence(PresenceState.LOST)
        self.world.take_over(self)
        for topic in (
            f"agents/{self.name}/presence",
            f"registry/{self.name}",
            f"inbox/{self.name}/desired",
            "coordinator/presence",
        ):
            bus.replay(topic, self.hear)
        self.world.after(RETAINED_WITHIN_S, self.in_loop, self._greet, self._connection)

    def _connect_later(self) -> None:
        self.world.after(
            self.random.uniform(0.5, 5), self.in_loop, self._connect_if, self._connection
        )

    def _connect_if(self, connection: int) -> None:
        if connection == self._connection:
            self.connect()

    def _greet(self, connection: int) -> None:
        if connection != self._connection or not self.alive:
            return
        if self.identity.epoch is None and not self.identity.choose_epoch():
            self.connect()
            return
        self.online = True
        if self.world.now - self._hung_up_at > SHORTLY_S:
            self.fine_since = self.world.now
        self.restate_presence()
        self.say("info", self.words.info())
        self.take(Connected())

    def lost(self) -> None:
        """Notice that the connection is gone, and make another one."""
        if self.alive and self._connection:
            self._hang_up(politely=False)
            if not self.leaving:
                self._connect_later()

    def _hang_up(self, *, politely: bool) -> None:
        was_online, self.online = self.online, False
        if was_online:
            self._hung_up_at = self.world.now
        self._connections += 1
        self._connection = self._connections
        if was_online:
            if not politely:
                self.world.state_will_later(self)
            self.take(Disconnected())

    @property
    def is_connected(self) -> bool:
        """Whether the broker has a connection of this process."""
        return self.alive and self._connection > 0

    def hear(self, message: Message) -> None:
        """Take in what the bus delivers, if it does."""
        hears = self._connection not in {0, self._deaf_connection}
        if self.alive and hears and self.boot not in self.world.bus.deaf:
            self.in_loop(self._hear, message)

    def _hear(self, message: Message) -> None:
        if self.leaving:
            return
        match message:
            case Lease():
                self.take(LeaseReceived(as_heard(message)))
            case Desired():
                self.take(DesiredReceived(as_heard(message)))
            case Presence():
                self._on_presence(message)
            case Registry():
                if self.identity.on_registry(message.epoch) is Verdict.RAISE_EPOCH:
                    self._raise_epoch()
            case CoordinatorPresence():
                if message.term >= self._term:
                    self._term = message.term
                    self.take(CoordinatorSeen(message.state))
            case RollCall():
                self.world.after(self.random.random() / 2, self.in_loop, self._answer_rollcall)
            case _:
                raise AssertionError(message)

    def _answer_rollcall(self) -> None:
        if self.online and self.alive:
            self.restate_presence()
            self.take(RollCalled())

    def _on_presence(self, said: Presence) -> None:
        match self.identity.on_presence(as_heard(said)):
            case Verdict.SUPERSEDED:
                self._give_up()
            case Verdict.RESTATE:
                self.identity.ask_restatement(self.now_ms())
                self.restatement_asked()
            case Verdict.RAISE_EPOCH:
                self._raise_epoch()
            case Verdict.NOTHING:
                pass

    def _raise_epoch(self) -> None:
        self.identity.reconsider_epoch()
        self._hang_up(politely=True)
        self._connect_later()

    def _give_up(self) -> None:
        self.world.note("superseded", self.boot[:6])
        self.leaving = True
        self._hang_up(politely=True)
        self._connection = 0
        self.leave("given up")
        self.world.after(GIVEN_UP_FOR_S, self.world.give_again, self.name, self.host)

    @property
    def hears_well(self) -> bool:
        """Whether nothing keeps this process from hearing what is said to it."""
        is_deaf = self._connection == self._deaf_connection
        return self.online and not self.loop_frozen and not self.leaving and not is_deaf

    def go_deaf(self) -> None:
        """Hear nothing on the present connection any more, and never be told so."""
        self._deaf_connection = self._connection

    # --- speaking

    def say(self, channel: str, message: Message, *, retain: bool = True) -> None:
        """Publish *message* on a channel of this agent."""
        if self.online:
            topic = f"agents/{self.name}/{channel}"
            self.world.bus.publish(self.boot, topic, message, retain=retain)

    def state_presence(self, state: PresenceState) -> None:
        """State, now and whenever it is doubted, that the agent is there as *state*."""
        self._state = state
        if self.online:
            self.identity.state(state, self.now_ms())
            self.say("presence", self.words.presence(state))

    def restate_presence(self) -> None:
        """State again what was stated last."""
        self.state_presence(self._state)
