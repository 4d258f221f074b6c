"""The coordinator as a process: the production writer, driven step by step, that can crash.

``Writer.turn_over`` runs as it is. Where it hands work to the store's thread it stops, and this
process decides how long that takes and whether the machine is still there before, in or after it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any, Final, cast

from coordinator.core.events import BusConnected, Event, Heard, PlanApplied, Stalled, Submitted
from coordinator.core.instant import Instant
from coordinator.core.policy import LeasePolicy, Policy, Threshold
from coordinator.core.state import State
from coordinator.shell.batch import Batch
from coordinator.shell.clock import Clock
from coordinator.shell.loop import Writer
from coordinator.shell.outgoing import Said
from coordinator.shell.recollection import remember
from coordinator.shell.store import Changes, Store
from protocol.messages import Desired, Granted, Heartbeat, Lease, Message, Reply
from protocol.topics import Topics
from protocol.vocabulary import CoordinatorState
from tests.simulation.scenario import COMBAT_LIMIT, GLOBAL_LIMIT
from tests.simulation.words import PlainSpeaker

if TYPE_CHECKING:
    from tests.simulation.world import World

WALL_MS: Final = 1_767_607_200_000
"""Monday 2026-01-05 10:00 UTC."""
CRASH_POINTS: Final = ("now", "before_commit", "after_commit", "while_speaking")

POLICY: Final = Policy(
    limits={"global": GLOBAL_LIMIT, "mode:combat": COMBAT_LIMIT},
    lease=LeasePolicy(margin_ms=1_000),
    retry_cap_ms=20_000,
)
THRESHOLDS: Final = {"cpu_usage": Threshold(warning=70, critical=90, hard=True)}


class Crash(Exception):
    """The process is gone."""


class _Loop:
    """What the writer takes for its event loop: work for the store's thread comes to us."""

    def run_in_executor(
        self, _thread: object, work: Callable[..., object], *args: object
    ) -> "_Handed":
        return _Handed(work, args)


class _Handed:
    def __init__(self, work: Callable[..., object], args: tuple[object, ...]) -> None:
        self.work = work
        self.args = args

    def __await__(self) -> "Generator[_Handed, object, object]":
        return (yield self)


_LOOP: Final = cast("asyncio.AbstractEventLoop", _Loop())


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
        self.policy = replace(
            POLICY,
            unlisted=replace(POLICY.unlisted, thresholds=THRESHOLDS),
            lease=replace(POLICY.lease, lease_ms=world.scenario.leases_ms[0]),
        )
        self.up = False
        self.life = 0
        self.crash_at: str | None = None
        self.disk_takes_s = 0.0
        self.writer: Writer
        self.heard_boots: set[str] = set()
        self.fine_since = 0.0
        """Since when it is connected."""
        self._random = random
        self._origin_s = 0.0
        self._rate = 1.0
        self._busy = False
        self._stalled = False
        self._outside: list[Event] = []
        """What has arrived while the process stood still."""
        self._slept_from: int = 0
        self._sleeps_ms = 0
        self._woken_at: float | None = None
        self._lost_at_ms: int | None = None
        self._speaking: list[Said] | None = None
        self._ghost_until = 0.0
        self._ghost_lends: dict[str, tuple[int, tuple[tuple[str, int], ...]]] = {}

    # --- clock and life

    def now(self) -> Instant:
        """Tell the time on this coordinator's clocks."""
        seconds = self._origin_s + self._rate * self.world.now
        return Instant(WALL_MS + int(self.world.now * 1000), int(seconds * 1000))

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
        self._outside, self._woken_at, self.crash_at, self._lost_at_ms = [], None, None, None
        self.heard_boots = set()
        world.checkers.on_coordinator_start(self)
        memory = world.disk.begin_term(self.now().wall_ms - self.policy.task_ttl_ms)
        state = State(policy=self.policy, coord="c", term=memory.term)
        speaker = PlainSpeaker(Topics(), "c", memory.term)
        self.writer = Writer(
            state=state,
            store=cast("Store", _Store(self)),
            clock=cast("Clock", self),
            speaker=speaker,
            next_event=memory.last_event + 1,
            publish=self._publish,
        )
        batch = Batch()
        batch.add(remember(state, memory, cast("Clock", self)))
        world.disk.commit(batch.changes(state, self.writer.next_event, self.now().wall_ms))
        world.note("coordinator", memory.term)
        self._connected()
        if world.now < self._ghost_until:
            self.cut(45.0, noticed=False)

    def _connected(self) -> None:
        bus = self.world.bus
        self.fine_since = self.world.now
        for topic in list(bus.retained):
            if topic.startswith("agents/"):
                bus.replay(topic, lambda message: self.hear(message, retained=True))
        self.tell(BusConnected())

    def crash(self) -> None:
        """End without a word, and be started again later."""
        if not self.up:
            return
        self.world.note("coordinator crashed", self.state.term)
        self.world.checkers.on_coordinator_crash(self)
        if self.world.broken("old_coordinator_answers"):  # its lock was lost while it lived
            self._ghost_until = self.world.now + 120
            self._ghost_lends = {
                agent.boot: (self.state.term, tuple((t.id, t.fence) for t in agent.held.values()))
                for agent in self.state.agents.values()
                if agent.boot is not None
            }
        self.up = False
        self.life += 1
        self.crash_at = None
        self.world.after(self._random.uniform(0.5, 40), self.start)

    def stall(self, seconds: float) -> None:
        """Stand still: nothing is read, decided or said."""
        if self.up and not self._stalled:
            self._stalled = True
            now = self.now()
            due_ms = self.state.timers.next_in_ms(now)
            self._slept_from = now.mono_ms
            self._sleeps_ms = 60_000 if due_ms is None else due_ms
            self.world.after(seconds, self._go_on, self.life)

    def _go_on(self, life: int) -> None:
        if life != self.life or not self.up:
            return
        self._stalled = False
        overslept_ms = self.now().mono_ms - self._slept_from - self._sleeps_ms
        outside, self._outside = self._outside, []
        if overslept_ms > 1_000:
            self.writer.tell(Stalled(overslept_ms))
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

    def hear(self, message: Message, retained: bool) -> None:
        """Take in what an agent said."""
        if self.world.now < self._ghost_until and isinstance(message, Heartbeat):
            self._answer_as_ghost(message)
        if self.up and "C" not in self.world.bus.deaf:
            self.tell(Heard(cast("Heartbeat", message), retained))

    def _answer_as_ghost(self, said: Heartbeat) -> None:
        term, lends = self._ghost_lends.get(said.boot, (0, ()))
        lease = Lease(
            ts_ms=0,
            coord="ghost",
            term=term,
            boot=said.boot,
            as_of=said.seq,
            rev=0,
            granted=tuple(Granted(task=task, fence=fence) for task, fence in lends),
        )
        self.world.bus.publish("ghost", f"inbox/{said.agent}/lease", lease, retain=False)

    def submit(self, submitted: Submitted) -> None:
        """Take in what a client asks."""
        if self.up and "C" not in self.world.bus.deaf:
            self.tell(submitted)

    def plan(self, lease_ms: int) -> None:
        """Put a plan with another lease in force."""
        self.policy = replace(self.policy, lease=replace(self.policy.lease, lease_ms=lease_ms))
        if self.up:
            self.tell(PlanApplied(self.policy))

    def tell(self, event: Event) -> None:
        """Let *event* be decided as soon as the process can."""
        if self._stalled:
            self._outside.append(event)
            return
        self.writer.tell(event)
        if not self._busy:
            self._turn()

    # --- deciding

    def _turn(self) -> None:
        if self._busy or self._stalled or not self.up:
            return
        self._busy = True
        for event in self.writer._inbox:
            match event:
                case Heard(Heartbeat(boot=boot), retained=False):
                    self.heard_boots.add(boot)
                case _:
                    pass
        self._drive(self.writer.turn_over(self.now()), None, self.life)

    def _drive(
        self, turn: Coroutine[Any, Any, None], answer: object, life: int, *, spoken: bool = False
    ) -> None:
        """Run *turn* until it waits for the disk, or to its end."""
        if life != self.life:
            turn.close()
            return
        asyncio._set_running_loop(_LOOP)
        self._speaking = []
        try:
            handed = cast("_Handed", turn.send(answer))
        except StopIteration:
            asyncio._set_running_loop(None)
            self._say()
            self._busy = False
            if self.up:
                self.world.checkers.on_rest(self)
                self._sleep()
            return
        except BaseException:
            asyncio._set_running_loop(None)
            raise
        asyncio._set_running_loop(None)
        self._speaking = None
        delay = self.disk_takes_s
        if delay == 0.0 and self._random.random() < 0.05:
            delay = self._random.random()
        if delay:
            self.world.after(delay, self._on_disk, turn, handed, life)
        else:
            self._on_disk(turn, handed, life)

    def _on_disk(self, turn: Coroutine[Any, Any, None], handed: _Handed, life: int) -> None:
        if life != self.life:
            turn.close()
            return
        if self.world.broken("publish_before_commit") and handed.work == self.writer.store.commit:
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

    def _speak_early(self, turn: Coroutine[Any, Any, None], handed: _Handed, life: int) -> None:
        crash_at, self.crash_at = self.crash_at, None
        self._drive(turn, None, life)
        if crash_at is not None:
            self.crash()
        elif life == self.life:
            handed.work(*handed.args)

    def _publish(self, said: Said) -> None:
        if self._speaking is None:
            self._speaking = []
        self._speaking.append(said)

    def _say(self) -> None:
        """Say what the turn has said; a crash may come in the middle of it."""
        said, self._speaking = self._speaking or [], None
        upto = len(said)
        if self.crash_at == "while_speaking" and said:
            upto = self._random.randrange(len(said))
        world = self.world
        for topic, payload, _qos, retain in said[:upto]:
            if not topic:
                continue
            message = cast("Message", payload)
            if isinstance(message, Reply):
                if "C" not in world.bus.mute:
                    world.bus.hop(world.clients.hear, message)
                continue
            if isinstance(message, Desired):
                world.checkers.on_desired(self, topic, message)
            elif isinstance(message, Lease):
                world.checkers.on_lease(self, message)
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
        if writer._inbox:
            self.world.after(0.0, self._turn_if, self.life)
            return
        due_ms = writer.state.timers.next_in_ms(now)
        wait_ms = 60_000 if due_ms is None else due_ms
        cards_ms = writer._cards.due_in_ms(now)
        if cards_ms is not None:
            wait_ms = min(wait_ms, cards_ms)
        at = self.world.now + (wait_ms + 1) / 1000 / self._rate
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

    @property
    def is_online(self) -> bool:
        """Whether it is up and offers work."""
        return self.up and self.state.phase is CoordinatorState.ONLINE
