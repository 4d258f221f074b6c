"""Clients and operators: they ask until they are answered, and remember what they were told."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from coordinator.core.events import Submitted
from coordinator.core.tasks import Phase
from protocol.messages import Reply, Submit, TaskSpec
from protocol.vocabulary import OnLeaseLost, SubmitOp, TaskStatus, Want
from tests.simulation.handlers import GRACE_S
from tests.simulation.scenario import Job
from tests.simulation.standing_still import WALL_MS

if TYPE_CHECKING:
    from tests.simulation.world import World

REPEAT_S: Final = 8.0
OPERATOR_LOOKS_EVERY_S: Final = 30.0
MAX_ATTEMPTS: Final = 60


class Clients:
    """Everybody who asks something of the coordinator."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.acknowledged: set[str] = set()
        """Tasks whose creation was acknowledged."""
        self._answered: set[str] = set()
        self._waiting: dict[str, Callable[[Reply], object]] = {}
        """Requests to what is to be done about their answers."""
        self._operator_asks = 0

    def begin(self) -> None:
        """Plan everything that will be asked."""
        world = self.world
        for job in world.scenario.jobs:
            world.after(job.at, self._create, job)
        for n, ask in enumerate(world.scenario.asks):
            request = Submit(request_id=f"{ask.op}{n}", op=SubmitOp(ask.op), task=ask.task)
            world.after(ask.at, self._repeat, request)
        world.after(OPERATOR_LOOKS_EVERY_S, self._look)

    def _create(self, job: Job) -> None:
        if self.acknowledged.issuperset(job.depends_on):
            self._repeat(create(job))
        else:  # what it depends on is not known yet
            self.world.after(REPEAT_S, self._create, job)

    def ask(self, request: Submit, then: Callable[[Reply], object]) -> None:
        """Ask until there is an answer, and do something about it *then*."""
        self._waiting[request.request_id] = then
        self._repeat(request)

    def _repeat(self, request: Submit) -> None:
        if request.request_id not in self._answered:
            bus = self.world.bus
            bus.hop(self.world.coordinator.submit, Submitted("c", request))
            self.world.after(REPEAT_S, self._repeat, request)

    def hear(self, reply: Reply) -> None:
        """Take in an answer."""
        if reply.request_id in self._answered:
            return
        self._answered.add(reply.request_id)
        self.world.note("answered", (reply.request_id, reply.ok))
        if reply.request_id.startswith("new-"):
            self.world.checkers.on_created(reply)
            self.acknowledged.add(reply.request_id.removeprefix("new-"))
        if (then := self._waiting.pop(reply.request_id, None)) is not None:
            then(reply)

    def _look(self) -> None:
        """Say, of work that outlives its lease, that its holder is dead, if it is."""
        world = self.world
        world.after(OPERATOR_LOOKS_EVERY_S, self._look)
        if not world.coordinator.is_online:
            return
        alive = {process.boot for process in world.processes}
        for task in list(world.coordinator.state.tasks.values()):
            if task.is_over:
                continue
            rests = task.want is Want.PAUSE or task.status is TaskStatus.PAUSED
            if rests and not world.is_faulty:
                self._operate("resume", task.id)  # its own resume overtook the pause
            elif (
                task.phase is Phase.UNKNOWN
                and task.attempt is not None
                and task.on_lease_lost is OnLeaseLost.FINISH
                and task.attempt.boot not in alive
            ):
                self._operate("retry", task.id, task.attempt.fence)

    def _operate(self, op: str, task: str, fence: int | None = None) -> None:
        self._operator_asks += 1
        request_id = f"ops{self._operator_asks}"
        request = Submit(request_id=request_id, op=SubmitOp(op), task=task, fence=fence)
        self.world.bus.hop(self.world.coordinator.submit, Submitted("ops", request))


def create(job: Job, agent: str | None = None) -> Submit:
    """Ask for *job* to be done, by *agent* and no other if one is named."""
    constraints: dict[str, Any] = {}
    if job.cap is not None:
        constraints["daily_cap"] = job.cap
    expires_ms = None if job.expires_s is None else WALL_MS + int(job.expires_s * 1000)
    return Submit(
        request_id=f"new-{job.task}",
        op=SubmitOp.CREATE,
        task=job.task,
        spec=TaskSpec(
            name=job.name,
            mode=job.mode,
            agent=agent,
            constraints=constraints,
            cancel_grace_s=GRACE_S,
            max_attempts=MAX_ATTEMPTS,
            on_lease_lost=OnLeaseLost.FINISH if job.is_finish else OnLeaseLost.STOP,
            depends_on=job.depends_on,
            expires_ms=expires_ms,
        ),
    )
