"""The coordinator as a process: the production writer, driven step by step, that can crash.

``Writer.turn_over`` runs as it is. Where it hands work to the store's thread it stops, and this
process decides how long that takes and whether the machine is still there before, in or after it.
"""

from collections.abc import Coroutine
from dataclasses import replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Final, cast

from coordinator.core.events import BusConnected, Event, Heard, PlanApplied, Stalled, Submitted
from coordinator.core.instant import Instant
from coordinator.core.state import State
from coordinator.shell.batch import Batch
from coordinator.shell.clock import Clock
from coordinator.shell.loop import Writer
from coordinator.shell.outgoing import Said
from coordinator.shell.recollection import remember
from coordinator.shell.standing_still import stood_still
from coordinator.shell.store import Changes, Store
from coordinator.shell.store_thread import StoreThread
from coordinator.shell.sweep import Sweep
from coordinator.shell.voice import Voice
from protocol.messages import Desired, Heartbeat, Lease, Message, Registry, Reply, Summary
from protocol.topics import InboxChannel, InboxTopic, RegistryTopic, Topics
from protocol.vocabulary import CoordinatorState
from tests.simulation.ghost import Ghost
from tests.simulation.plan import plan_of
from tests.simulation.standing_still import WALL_MS
from tests.simulation.store_thread import Handed, HandedOver
from tests.simulation.words import PlainSpeaker

if TYPE_CHECKING:
    from tests.simulation.world import World

DOWN_S: Final = 40.0
"""How long it takes at most until somebody starts it again."""
CRASH_POINTS: Final = ("now", "before_commit", "after_commit", "while_speaking")


class _Store:
    """The disk as the writer sees it."""

    def __init__(self, owner: "CoordinatorProcess") -> None:
        self._owner = owner

    def commit(self, changes: Changes) -> None:
        self._owner.commit(changes)

    def known_replies(self, requests: list[tuple[str, str]]) -> dict[tuple[str, str], Reply]:
        return self._owner.world.disk.known_replies(requests)

    def past_tasks(self, names: set[str]) -> list[dict[str, Any]]:
        return self._owner.world.disk.past_tasks(names)


class CoordinatorProcess:
    """One coordinator, which is started again whenever it has crashed."""

    def __init__(self, world: "World", random: Random) -> None:
        self.world = world
        self.policy = plan_of(world.scenario.shape)
        self.up = False
        self.life = 0
        self.crash_at: str | None = None
        self.disk_takes_s = 0.0
        self.writer: Writer
        self.heard_boots: set[str] = set()
        self.fine_since = 0.0
        """Since when it is connected."""
        self.woke_at = 0.0
        """When it stood still last, until then."""
        self._random = random
        self._origin_s = 0.0
        self._rate = 1.0
        self._told = (-1.0, Instant(0, 0))
        """The world's time and what the clocks said then: they are often asked twice."""
        self._busy = False
        self._stalled = False
        self._outside: list[Event] = []
        """What has arrived while the process stood still."""
        self._idle_from = Instant(0, 0)
        self._sleeps_ms = 0
        self._woken_at: float | None = None
        self._lost_at_ms: int | None = None
        self._speaking: list[Said] = []
        self.ghost = Ghost(world)

    # --- clock and life

    def now(self) -> Instant:
        """Tell the time on this coordinator's clocks."""
        at, known = self._told
        world_now = self.world.now
        if at != world_now:
            seconds = self._origin_s + self._rate * world_now
            known = Instant(WALL_MS + int(world_now * 1000), int(seconds * 1000))
            self._told = world_now, known
        return known

    @property
    def state(self) -> State:
        """The state of the running coordinator."""
        return self.writer.state

    def start(self) -> None:
        """Start from what the disk remembers, connect, and hear what the broker remembers."""
        if self.up:
            return
        world, random = self.world, self._random
        drift = world.drift
        self.up, self.life = True, self.life + 1
        self._busy = self._stalled = False
        self._origin_s, self._rate = random.uniform(1e4, 1e6), 1 + random.uniform(-drift, drift)
        self._told = (-1.0, Instant(0, 0))
        self._outside, self._woken_at, self.crash_at, self._lost_at_ms = [], None, None, None
        self.heard_boots = set()
        world.checkers.on_coordinator_start(self)
        memory = world.disk.begin_term(self.now().wall_ms - self.policy.task_ttl_ms)
        state = State(policy=self.policy, coord="c", term=memory.term)
        speaker = PlainSpeaker(Topics(), "c", memory.term)
        number = 1 if world.broken("numbers_begin_anew") else memory.last_event + 1
        voice = Voice(state, speaker, number, publish=self._publish)
        self.writer = Writer(
            store=cast("Store", _Store(self)),
            clock=cast("Clock", self),
            voice=voice,
            answered=memory.answered,
            store_thread=cast("StoreThread", HandedOver()),
        )
        batch = Batch()
        batch.add(remember(state, memory, cast("Clock", self)))
        world.disk.commit(batch.changes(state, self.writer.voice.next_event, self.now().wall_ms))
        world.note("coordinator", memory.term)
        self._connected()
        if self.ghost.lingers:
            self.cut(world.scenario.shape.longest_fault_s, noticed=False)

    def _connected(self) -> None:
        bus = self.world.bus
        self.fine_since = self.world.now
        for topic in list(bus.retained):
            level, _, name = topic.partition("/")
            if level == "agents":
                bus.replay(topic, self._hear_retained)
            elif level in {"registry", "inbox"}:
                bus.replay(topic, partial(self._sweep, topic, name.partition("/")[0]))
        self.tell(BusConnected())

    def _sweep(self, topic: str, agent: str, message: Message) -> None:
        """Clear what a coordinator before this one has left on a topic of ours."""
        is_card = isinstance(message, Registry)
        address = RegistryTopic(agent) if is_card else InboxTopic(agent, InboxChannel.DESIRED)
        if self.up and Sweep(self.state).is_leftover(address):
            self.world.bus.keep("C", topic, None)

    def crash(self) -> None:
        """End without a word, and be started again later."""
        if not self.up:
            return
        self.world.note("coordinator crashed", self.state.term)
        self.world.checkers.on_coordinator_crash(self)
        if self.world.broken("old_coordinator_answers"):  # its lock was lost while it lived
            self.ghost.haunt(self.state, DOWN_S + self.world.scenario.shape.longest_fault_s)
        self.up = False
        self.life += 1
        self.crash_at = None
        self.world.after(self._random.uniform(0.5, DOWN_S), self.start)

    def stall(self, seconds: float) -> None:
        """Stand still: nothing is read, decided or said."""
        if self.up and not self._stalled:
            self._stalled = True
            self._idle_from = self.now()
            due_ms = self.state.timers.next_in_ms(self._idle_from)
            self._sleeps_ms = 60_000 if due_ms is None else due_ms
            self.world.after(seconds, self._go_on, self.life)

    def _go_on(self, life: int) -> None:
        if life != self.life or not self.up:
            return
        self._stalled, self.woke_at = False, self.world.now
        outside, self._outside = self._outside, []
        if stalled := stood_still(self._idle_from, self.now(), self._sleeps_ms):
            self.writer.tell(stalled)
        if self._random.random() < 0.5:  # its timers are looked at before its sockets, or after
            self._turn()
        for event in outside:
            self.tell(event)
        self._turn()

    def cut(self, seconds: float, *, noticed: bool) -> None:
        """Lose the bus for a while; whether that is noticed decides what follows."""
        if not self.up:
            return
        bus = self.world.bus
        bus.deaf.add("C")
        bus.mute.add("C")
        if noticed:
            self._lost_at_ms = self.now().mono_ms
        self.world.after(seconds, self._healed, self.life)

    def _healed(self, life: int) -> None:
        bus = self.world.bus
        bus.deaf.discard("C")
        bus.mute.discard("C")
        self.fine_since = self.world.now
        if life == self.life and self._lost_at_ms is not None:
            gone_ms, self._lost_at_ms = self.now().mono_ms - self._lost_at_ms, None
            self.tell(Stalled(gone_ms))
            self._connected()

    def reconnect(self) -> None:
        """Lose the connection and have it again at once, as when the broker is restarted."""
        if self.up and self._lost_at_ms is None:
            self._lost_at_ms = self.now().mono_ms
            self.world.after(self._random.uniform(0.5, 6), self._healed, self.life)

    # --- hearing

    def hear(self, messages: list[Message]) -> None:
        """Take in what an agent said in one breath."""
        if self.ghost.lingers:
            for message in messages:
                if type(message) is Heartbeat:
                    self.ghost.answer(message)
        if self.up and "C" not in self.world.bus.deaf:
            self.tell(*[Heard(cast("Heartbeat", message), False) for message in messages])

    def _hear_retained(self, message: Message) -> None:
        if self.up and "C" not in self.world.bus.deaf:
            self.tell(Heard(cast("Heartbeat", message), True))

    def submit(self, submitted: Submitted) -> None:
        """Take in what a client asks."""
        if self.up and "C" not in self.world.bus.deaf:
            self.tell(submitted)

    def plan(self, lease_ms: int) -> None:
        """Put a plan with another lease in force."""
        self.policy = replace(self.policy, lease=replace(self.policy.lease, lease_ms=lease_ms))
        if self.up:
            self.tell(PlanApplied(self.policy))

    def tell(self, *events: Event) -> None:
        """Let *events* be decided as soon as the process can."""
        if self._stalled:
            self._outside += events
            return
        for event in events:
            self.writer.tell(event)
        if not self._busy:
            self._turn()

    # --- deciding

    def _turn(self) -> None:
        if self._busy or self._stalled or not self.up:
            return
        self._busy = True
        for event in self.writer.inbox.events:
            if type(event) is Heard and type(event.message) is Heartbeat and not event.retained:
                self.heard_boots.add(event.message.boot)
        self._drive(self.writer.turn_over(self.now()), None, self.life)

    def _drive(
        self, turn: Coroutine[Any, Any, None], answer: object, life: int, *, spoken: bool = False
    ) -> None:
        """Run *turn* until it waits for the disk, or to its end."""
        if life != self.life:
            turn.close()
            return
        self._speaking = []
        try:
            handed = cast("Handed", turn.send(answer))
        except StopIteration:
            if self._speaking or self.crash_at is not None:
                self._say()
            self._busy = False
            if self.up:
                self.world.checkers.on_rest(self)
                self._sleep()
            return
        self._speaking = []
        delay = self.disk_takes_s
        if delay == 0.0 and self._random.random() < 0.05:
            delay = self._random.random()
        if delay:
            self.world.after(delay, self._on_disk, turn, handed, life)
        else:
            self._on_disk(turn, handed, life)

    def _on_disk(self, turn: Coroutine[Any, Any, None], handed: Handed, life: int) -> None:
        if life != self.life:
            turn.close()
            return
        if (
            self.world.broken("publish_before_commit")
            and handed.work == self.writer.storing.store.commit
        ):
            self._speak_early(turn, handed, life)
            return
        if self.world.broken("answer_before_commit") and isinstance(handed.args[0], Changes):
            for row in handed.args[0].replies:
                self.world.clients.hear(Reply.model_validate_json(row["doc"]))
        if self.crash_at == "before_commit":
            turn.close()
            self.crash()
            return
        answer = handed.work(*handed.args)
        if self.crash_at == "after_commit":
            turn.close()
            self.crash()
            return
        self._drive(turn, answer, life)

    def _speak_early(self, turn: Coroutine[Any, Any, None], handed: Handed, life: int) -> None:
        crash_at, self.crash_at = self.crash_at, None
        self._drive(turn, None, life)
        if crash_at is not None:
            self.crash()
        elif life == self.life:
            handed.work(*handed.args)

    def _publish(self, said: Said) -> None:
        self._speaking.append(said)

    def _say(self) -> None:
        """Say what the turn has said; a crash may come in the middle of it."""
        said, self._speaking = self._speaking, []
        upto = len(said)
        if self.crash_at == "while_speaking" and said:
            upto = self._random.randrange(len(said))
        world = self.world
        for topic, payload, _qos, retain in said[:upto]:
            if not topic:
                continue
            if not payload:
                world.readers.hear(topic, None)
                world.bus.keep("C", topic, None)
                continue
            message = cast("Message", payload)
            kind = type(message)  # of a model, isinstance costs more than all of the rest
            if kind is Reply:
                if "C" not in world.bus.mute:
                    world.bus.hop(world.clients.hear, message)
                continue
            if kind is Desired:
                world.checkers.on_desired(self, topic, cast("Desired", message))
            elif kind is Lease:
                world.checkers.on_lease(self, cast("Lease", message))
            elif kind is Registry:
                world.readers.hear(topic, message)
            elif kind is Summary:
                world.readers.hear(topic, message)
                world.bus.keep("C", topic, message)
                continue
            world.bus.publish("C", topic, message, retain=retain)
        if upto < len(said):
            self.crash()

    def commit(self, changes: Changes) -> None:
        """Store *changes*, and let the checkers see them."""
        self.world.checkers.on_commit(self, changes)
        self.world.disk.commit(changes)

    # --- waiting

    def _sleep(self) -> None:
        """Wait for the inbox, for what is due next, or for the time to show something."""
        writer, now = self.writer, self.now()
        if writer.inbox.events:
            self.world.after(0.0, self._turn_if, self.life)
            return
        at = self.world.now + (writer.wait_ms(now) + 1) / 1000 / self._rate
        if self._woken_at is None or at < self._woken_at or self._woken_at <= self.world.now:
            self._woken_at = at
            self.world.after(at - self.world.now, self._wake, self.life, at)

    def _wake(self, life: int, at: float) -> None:
        if life == self.life and at == self._woken_at:
            self._woken_at = None
            self._turn()

    def _turn_if(self, life: int) -> None:
        if life == self.life:
            self._turn()

    def knows(self, name: str, *, since: int) -> bool:
        """Say whether it has met a boot of *name* with a higher epoch, and has not forgotten it."""
        agent = self.state.agents.get(name)
        return self.up and agent is not None and agent.epoch > since and not agent.is_forgotten

    @property
    def is_online(self) -> bool:
        """Whether it is up and offers work."""
        return self.up and self.state.phase is CoordinatorState.ONLINE
