"""One batch of decisions: what must be stored, and what is then said, each thing once."""

from typing import Final

import orjson

from coordinator.core.effects import (
    CallRoll,
    ClearAgent,
    DropLedger,
    Effect,
    HideTask,
    LogAttempt,
    LogEvent,
    RestateAll,
    SaveAgent,
    SaveLedger,
    SaveMark,
    SavePlan,
    SaveReply,
    SaveTask,
    SayDesired,
    SayHostDesired,
    SayLease,
    SayReply,
    SayState,
    ShowAgent,
    ShowTask,
)
from coordinator.core.records import agent_record, ledger_record, mark_record, task_record
from coordinator.core.state import State
from coordinator.core.tasks import Task
from coordinator.shell.outgoing import Said
from coordinator.shell.store import Changes, Row

_NOTHING: Final = Changes()


class Batch:
    """Effects of many steps, merged: of a level only the newest is kept, of an event each."""

    def __init__(self) -> None:
        # Written out, because one is made for every turn.
        self.tasks: dict[str, None] = {}
        self.agents: dict[str, None] = {}
        self.ledgers: dict[tuple[str, str], None] = {}
        self.gone_ledgers: dict[tuple[str, str], None] = {}
        self.marks: dict[tuple[str, str], None] = {}
        self.attempts: list[LogAttempt] = []
        self.saved_replies: list[SaveReply] = []
        self.plans: list[SavePlan] = []
        self.events: list[LogEvent] = []
        self.desired: dict[str, SayDesired] = {}
        self.host_desired: dict[str, SayHostDesired] = {}
        self.leases: dict[str, SayLease] = {}
        self.replies: list[SayReply] = []
        self.shown_agents: dict[str, None] = {}
        self.shown_tasks: dict[str, bool] = {}
        """Task to whether it is to be seen."""
        self.cleared_agents: dict[str, None] = {}
        self.says_state = False
        self.calls_roll = False
        self.restates_all = False
        self.texts: list[Said] | None = None
        """What is said to agents, hosts and clients, as soon as somebody has written it."""

    def add(self, effects: list[Effect]) -> None:  # noqa: C901, PLR0912 -- one arm per effect
        """Merge *effects* in, in their order."""
        # The most frequent kinds first.
        for effect in effects:
            match effect:
                case SaveTask(task):
                    self.tasks[task] = None
                case SayLease(agent=agent):
                    self._add_lease(agent, effect)
                case ShowAgent(agent):
                    self.shown_agents[agent] = None
                case ShowTask(task):
                    self.shown_tasks[task] = True
                case SaveMark(kind, key):
                    self.marks[kind, key] = None
                case SayDesired(desired):
                    self.desired[desired.agent] = effect
                case SaveReply():
                    self.saved_replies.append(effect)
                case SayReply():
                    self.replies.append(effect)
                case SaveLedger(agent, boot):
                    self.ledgers[agent, boot] = None
                case LogAttempt():
                    self.attempts.append(effect)
                case SayHostDesired(listed):
                    self.host_desired[listed.host] = effect
                case SavePlan():
                    self.plans.append(effect)
                case SaveAgent(agent):
                    self.agents[agent] = None
                case DropLedger(agent, boot):
                    self.gone_ledgers[agent, boot] = None
                case HideTask(task):
                    self.shown_tasks[task] = False
                case LogEvent():
                    self.events.append(effect)
                case ClearAgent(agent):
                    self.cleared_agents[agent] = None
                case SayState():
                    self.says_state = True
                case CallRoll():
                    self.calls_roll = True
                case RestateAll():
                    self.restates_all = True

    def _add_lease(self, agent: str, lease: SayLease) -> None:
        earlier = self.leases.get(agent)
        if (
            earlier is not None
            and earlier.as_of == lease.as_of
            and earlier.boot == lease.boot
            and not lease.granted
        ):
            # The later one only acknowledges reports: what was granted before stays granted.
            lease = lease._replace(granted=earlier.granted)
        self.leases[agent] = lease

    @property
    def _is_to_be_stored(self) -> bool:
        return bool(
            self.tasks
            or self.agents
            or self.ledgers
            or self.marks
            or self.attempts
            or self.saved_replies
            or self.plans
            or self.events
        )

    def changes(self, state: State, next_event: int, now_wall_ms: int) -> Changes:
        """Write down the rows that this batch changed; events are numbered from *next_event*."""
        if not self._is_to_be_stored:
            return _NOTHING  # most batches only renew what is lent
        return Changes(
            tasks=[
                task_row(task)
                for task_id in self.tasks
                if (task := state.tasks.get(task_id)) is not None
            ],
            agents=[
                {"name": name, "doc": orjson.dumps(agent_record(state.agents[name]))}
                for name in self.agents
            ],
            ledgers=[
                {"agent": name, "boot": boot, "doc": orjson.dumps(ledger_record(ledger))}
                for name, boot in self.ledgers
                if (ledger := state.agents[name].ledgers.get(boot)) is not None
            ],
            gone_ledgers=[
                {"of_agent": name, "of_boot": boot}
                for name, boot in self.gone_ledgers
                if boot not in state.agents[name].ledgers
            ],
            marks=[
                {"kind": kind, "key": key, "doc": orjson.dumps(mark_record(state, kind, key))}
                for kind, key in self.marks
            ],
            attempts=[attempt._asdict() for attempt in self.attempts],
            replies=[
                {
                    "client": saved.client,
                    "request_id": saved.request_id,
                    "answered_ms": now_wall_ms,
                    "doc": saved.reply.model_dump_json(exclude_none=True).encode(),
                }
                for saved in self.saved_replies
            ],
            plans=[{**plan._asdict(), "at_ms": now_wall_ms} for plan in self.plans],
            events=[
                {
                    "number": next_event + n,
                    "at_ms": now_wall_ms,
                    "kind": event.kind,
                    "subject": event.subject,
                    "doc": orjson.dumps({"text": event.text, "data": event.data}),
                }
                for n, event in enumerate(self.events)
            ],
        )


def task_row(task: Task) -> Row:
    """Write *task* down as a row of the store."""
    return {
        "id": task.id,
        "status": task.status.value,
        "name": task.name,
        "mode": task.mode,
        "priority": task.priority.value,
        "agent": task.fenced_to,
        "created_ms": task.created_ms,
        "completed_ms": task.completed_ms,
        "doc": orjson.dumps(task_record(task)),
    }
