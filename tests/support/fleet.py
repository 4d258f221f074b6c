"""A small fleet on a virtual clock, for tests that read like sentences.

Everything goes through ``step(state, event, now)``. After every step the state is audited, what the
core asked to be stored is stored, and nothing may differ: neither derived from true, nor true from
stored, nor what bots really execute from what one task at a time allows.
"""

import json
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from coordinator.core.agents import Agent
from coordinator.core.audit import audit, idle_beside_runnable
from coordinator.core.effects import (
    DropLedger,
    Effect,
    LogEvent,
    SaveAgent,
    SaveLedger,
    SaveMark,
    SaveReply,
    SaveTask,
    SayDesired,
    SayLease,
    SayReply,
)
from coordinator.core.events import Event, FromHosts, Heard, PlanApplied, Stalled, Submitted, Ticked
from coordinator.core.instant import Instant
from coordinator.core.policy import Policy
from coordinator.core.records import (
    agent_from,
    agent_record,
    ledger_from,
    ledger_record,
    mark_record,
    remember_mark,
    task_from,
    task_record,
)
from coordinator.core.recovery import restore
from coordinator.core.state import State
from coordinator.core.step import step
from coordinator.core.tasks import Task
from protocol.messages import Reply, Report, ReportDetail, Submit, TaskSpec
from protocol.vocabulary import PresenceState, Priority, ReportEvent, SubmitOp, TaskStatus
from tests.support.bots import Bot, Said

START = Instant(wall_ms=1_767_571_200_000, mono_ms=1_000_000)
"""Monday 2026-01-05 00:00 UTC; the monotonic clock has any origin."""

E = TypeVar("E", bound=Effect)
Observer = Callable[["Fleet", list[Effect]], None]


class Fleet:
    def __init__(self, limits: Mapping[str, int] | None = None, **plan: Any) -> None:
        self.now = START
        self.bots: dict[str, Bot] = {}
        self.effects: list[Effect] = []
        """What was decided since the test last said something."""
        self.observers: list[Observer] = []
        self.requests = 0
        self.checks = True
        self.stored_tasks: dict[str, str] = {}
        self.stored_agents: dict[str, str] = {}
        self.stored_ledgers: dict[tuple[str, str], str] = {}
        self.stored_marks: dict[tuple[str, str], str] = {}
        self.stored_replies: dict[tuple[str, str], Reply] = {}
        self._inbox: deque[Event] = deque()
        self.state = State(Policy(limits=limits or {}, **plan), "c1", term=1)
        self._begin([], [])
        self._happen(Ticked())

    # --- agents

    def agent(self, name: str, *capabilities: str, **bot: Any) -> str:
        """Let a new agent come up and say what it is; without capabilities it can do quests."""
        self.bots[name] = Bot(name, capabilities or ("quest",), **bot)
        self.restart(name)
        return name

    def restart(self, name: str, *, knows_predecessor: bool = False) -> None:
        """Start the process of an agent (anew)."""
        bot = self.bots[name]
        epoch = max(self.now.wall_ms, bot.epoch + 1)
        bot.start(self.now.mono_ms, epoch, knows_predecessor=knows_predecessor)
        self.hear(bot.presence(), bot.info(), bot.numbers(), bot.heartbeat(self.now.mono_ms))

    def crash(self, name: str) -> None:
        """End the process of an agent without a word."""
        self.bots[name].alive = False

    def will(self, name: str) -> None:
        """Let the broker deliver an agent's last will."""
        self.hear(self.bots[name].presence(PresenceState.LOST))

    def freeze(self, name: str) -> None:
        """Stop an agent's loop: it neither hears nor speaks, and what it runs ends by its lease."""
        self.bots[name].frozen = True

    def thaw(self, name: str) -> None:
        """Let a frozen, deaf or mute agent go on: it connects anew and states itself."""
        bot = self.bots[name]
        bot.frozen = bot.deaf = bot.mute = False
        bot.conn += 1
        self.hear(bot.presence(), bot.info())
        self.beat(name)

    def beat(self, name: str) -> None:
        """Let an agent say a heartbeat, its numbers, and what is not acknowledged yet, now."""
        bot = self.bots[name]
        said = bot.beat(self.now.mono_ms)
        if bot.speaks:
            self.hear(*said)

    def measure(self, name: str, **metrics: float) -> None:
        """Let an agent say new numbers."""
        self.bots[name].metrics = metrics
        self.hear(self.bots[name].numbers())

    # --- tasks

    def create(self, name: str = "task", *, mode: str = "quest", **spec: Any) -> str:
        """Create a task that must be accepted; return its id."""
        wanted = spec.pop("id", None)
        reply = self.ask("create", task=wanted, spec={"name": name, "mode": mode, **spec})
        assert reply.ok, reply.message
        assert reply.task is not None
        return reply.task

    def ask(
        self, op: str, task: str | None = None, *, request_id: str | None = None, **asked: Any
    ) -> Reply:
        """Ask the coordinator; return its answer."""
        self.requests += 1
        client = asked.pop("client", "ops")
        spec = asked.pop("spec", None)
        request = Submit(
            request_id=request_id or f"r{self.requests}",
            op=SubmitOp(op),
            task=task,
            spec=None if spec is None else TaskSpec.model_validate(spec),
            **asked,
        )
        earlier = self.stored_replies.get((client, request.request_id))
        self.tell(Submitted(client, request, earlier))
        (said,) = self.said(SayReply)
        return said.reply

    def finish(self, task: str, result: Any = None) -> None:
        """Let whoever holds *task* report its success."""
        self.report(task, ReportEvent.SUCCEEDED, result=result)

    def fail(self, task: str, code: str = "boom", **detail: Any) -> None:
        """Let whoever holds *task* report its failure."""
        self.report(task, ReportEvent.FAILED, code=code, **detail)

    def report(
        self, task: str, event: ReportEvent, *, by: str | None = None, **detail: Any
    ) -> Report:
        """Let whoever was given *task* last report *event* under the newest fence that it knows."""
        given = self.state.tasks[task].fenced_to
        name = by or given
        assert name is not None, f"{task} was given to nobody"
        bot = self.bots[name]
        fence = bot.highest.get(task, 0)
        said = bot.report(task, fence, event, ReportDetail(**detail))
        if bot.speaks:
            self.hear(said)
        return said

    # --- the coordinator, its plan and time

    def plan(self, **changes: Any) -> None:
        """Put the plan in force with *changes*."""
        self.tell(PlanApplied(replace(self.state.policy, **changes)))

    def limit(self, **limits: int) -> None:
        """Change limits of the plan; ``mode_combat`` stands for ``mode:combat``."""
        changed = {key.replace("_", ":", 1): value for key, value in limits.items()}
        self.plan(limits={**self.state.policy.limits, **changed})

    def stall(self, seconds: float) -> None:
        """Let the coordinator stand still; its inbox, empty here, comes before any judgement."""
        self._advance(int(seconds * 1000))
        self.tell(Stalled(int(seconds * 1000)), Ticked())

    def restart_coordinator(self, down_s: float = 1.0) -> None:
        """End the coordinator without a word and start it from what it had stored."""
        self._advance(int(down_s * 1000))
        policy = self.state.policy
        self.state = State(policy, "c2", term=self.state.term + 1)
        tasks = [task_from(json.loads(row)) for row in self.stored_tasks.values()]
        agents = [agent_from(json.loads(row), policy) for row in self.stored_agents.values()]
        for agent in agents:
            agent.ledgers = {
                boot: ledger_from(json.loads(row))
                for (name, boot), row in self.stored_ledgers.items()
                if name == agent.name
            }
        for (kind, key), row in self.stored_marks.items():
            if row != "null":
                remember_mark(self.state, kind, key, json.loads(row))
        self.effects.clear()
        self._begin(agents, tasks)
        self._happen(Ticked())

    def pass_time(self, seconds: float) -> None:
        """Let time pass: agents say their heartbeats, timers fire when they are due."""
        self.effects.clear()
        end_ms = self.now.mono_ms + int(seconds * 1000)
        while True:
            beats = [bot.beats_at_ms for bot in self.bots.values() if bot.speaks]
            timer_ms = self.state.timers.next_in_ms(self.now)
            timers = [] if timer_ms is None else [self.now.mono_ms + timer_ms]
            due = min(beats + timers, default=end_ms + 1)
            if due > end_ms:
                break
            self._advance(max(0, due - self.now.mono_ms))
            for bot in self.bots.values():
                if bot.speaks and bot.beats_at_ms <= self.now.mono_ms:
                    for said in bot.beat(self.now.mono_ms):
                        self._happen(Heard(said))
            if self.state.timers.next_in_ms(self.now) == 0:
                self._happen(Ticked())
        self._advance(end_ms - self.now.mono_ms)

    # --- what can be seen

    def status(self, task: str) -> str:
        return self.state.tasks[task].status.value

    def phase(self, task: str) -> str:
        return self.state.tasks[task].phase.value

    def holder(self, task: str) -> str | None:
        attempt = self.state.tasks[task].attempt
        return attempt.agent if attempt else None

    def running(self) -> list[str]:
        """List the tasks that are lent to somebody."""
        return [task.id for task in self.state.tasks.values() if task.attempt is not None]

    def said(self, kind: type[E]) -> list[E]:
        """List the effects of one kind since the test last said something."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def stories(self) -> list[str]:
        """List the kinds of fleet events since the test last said something."""
        return [event.kind for event in self.said(LogEvent)]

    # --- how it works

    def hear(self, *said: Said, retained: bool = False) -> None:
        """Let the coordinator hear what agents say."""
        self.tell(*(Heard(message, retained) for message in said))

    def hear_host(self, *said: FromHosts, retained: bool = False) -> None:
        """Let the coordinator hear what a host says."""
        self.tell(*(Heard(message, retained) for message in said))

    def tell(self, *events: Event) -> None:
        """Let *events* be decided, and everything that follows from them at once."""
        self.effects.clear()
        for event in events:
            self._happen(event)

    def _happen(self, event: Event) -> None:
        self._inbox.append(event)
        while self._inbox:
            effects = self._decide(self._inbox.popleft())
            self._carry_out(effects)
            if self.checks:
                self._check(effects)

    def _decide(self, event: Event) -> list[Effect]:
        return step(self.state, event, self.now)

    def _begin(self, agents: Iterable[Agent], tasks: Iterable[Task]) -> None:
        tasks = list(tasks)
        self.state.tally = Counter((task.status, task.priority, task.mode) for task in tasks)
        self._carry_out(restore(self.state, agents, tasks, self.now))

    def _advance(self, ms: int) -> None:
        self.now = Instant(self.now.wall_ms + ms, self.now.mono_ms + ms)

    def _carry_out(self, effects: list[Effect]) -> None:
        state = self.state
        for effect in effects:
            match effect:
                case SaveTask(task):
                    self.stored_tasks[task] = _row(task_record(state.tasks[task]))
                case SaveAgent(name):
                    self.stored_agents[name] = _row(agent_record(state.agents[name]))
                case SaveLedger(name, boot):
                    ledger = state.agents[name].ledgers[boot]
                    self.stored_ledgers[name, boot] = _row(ledger_record(ledger))
                case DropLedger(name, boot):
                    del self.stored_ledgers[name, boot]
                case SaveMark(kind, key):
                    self.stored_marks[kind, key] = json.dumps(mark_record(state, kind, key))
                case SaveReply(client, request_id, reply):
                    self.stored_replies[client, request_id] = reply
                case SayDesired(desired):
                    bot = self.bots.get(desired.agent)
                    if bot is not None and bot.hears:
                        reports = bot.take_desired(desired, state.term, self.now.mono_ms)
                        self._inbox.extend(Heard(said) for said in reports if bot.speaks)
                case SayLease(agent=name):
                    bot = self.bots.get(name)
                    if bot is not None and bot.hears:
                        bot.take_lease(effect)
                case _:
                    pass
        self.effects += effects

    def _check(self, effects: list[Effect]) -> None:
        assert audit(self.state, self.now) == []
        if self.state.timers.next_in_ms(self.now) != 0:  # what is due comes first
            assert idle_beside_runnable(self.state, self.now) == []
        for task in self.state.tasks.values():
            assert self.stored_tasks[task.id] == _row(task_record(task)), "not stored"
        doing = Counter(
            task for bot in self.bots.values() for task, _ in bot.executes(self.now.mono_ms)
        )
        assert all(count == 1 for count in doing.values()), f"executed twice: {doing}"
        for observe in self.observers:
            observe(self, effects)


def _row(record: dict[str, Any]) -> str:
    return json.dumps(record, sort_keys=True)


def open_tasks(fleet: Fleet) -> dict[str, tuple[TaskStatus, Priority, int]]:
    """Say, of every task that is not over, what must survive a restart."""
    return {
        task.id: (task.status, task.priority, task.fence)
        for task in fleet.state.tasks.values()
        if not task.is_over
    }
