"""Handlers: what really executes, each with the production's own guard of its lease.

:class:`~agent_client.run.Run` says when work must stop and when it must be gone; the guard here
looks when a guard in the task's own process would. What executes is told to the checkers.
"""

from typing import TYPE_CHECKING, Final

from agent_client.core.effects import StartHandler
from agent_client.core.events import Event
from agent_client.core.outcomes import GaveWay, Raised, Returned
from agent_client.run import Run

if TYPE_CHECKING:
    from tests.simulation.agent_process import AgentProcess

GRACE_S: Final = 3.0
KILL_S: Final = 0.3
START_S: Final = 0.3


class Execution:
    """One run of one handler, in a process of its own."""

    def __init__(self, agent: "AgentProcess", start: StartHandler) -> None:
        world = agent.world
        job = world.job(start.fence.task)
        attempt = start.fence.number - 1
        self.agent = agent
        self.fence = start.fence
        self.run = Run(start, agent, self._post)
        self.run.on_change = self._changed
        self.is_executing = False
        self.is_over = False
        self.begun = False
        self._job = job
        self._left_s = job.work_s[attempt % len(job.work_s)]
        self._fails = attempt < job.failures
        self._since = 0.0
        self._life = 0
        self._asked = self._killing = False
        agent.in_handler(agent.random.uniform(0, START_S), self._begin)

    def _post(self, event: Event, wake: bool) -> None:
        self.agent.in_loop(self.agent.take, event)

    # --- life

    def _begin(self) -> None:
        if self.is_over or self.begun:
            return
        if not self.run.begin():
            self.is_over = True
            self.agent.executions.pop(self.fence, None)
            return
        self.begun = True
        self._go_on()

    def _go_on(self) -> None:
        agent = self.agent
        self.is_executing, self._since = True, agent.world.now
        agent.world.checkers.on_begin(agent, self.fence)
        self._life += 1
        agent.in_handler(self._left_s, self._done, self._life)
        if self._asked:
            self._give_way()
        self.look(self._life)

    def _done(self, life: int) -> None:
        if life == self._life and self.is_executing:
            self.end(Raised("unlucky") if self._fails else Returned({"by": self.agent.name}))

    def end(self, outcome: Returned | Raised | GaveWay | None) -> None:
        """Execute no more; without an *outcome* nobody is told."""
        if self.is_over:
            return
        self.stand_still()
        self.is_over = True
        if self.agent.executions.get(self.fence) is self:
            del self.agent.executions[self.fence]
        if outcome is not None:
            if self.run.must_stop() is not None and isinstance(outcome, Raised):
                outcome = GaveWay()
            self.run.end(outcome)

    # --- the guard

    def _changed(self) -> None:
        # The guard learns of it when its process gets to run. More time is nothing to act upon.
        run = self.run
        asked = run._stop_why is not None or run.must_rest() or run.killed
        if asked and self.begun and not self.is_over:
            self.agent.in_handler(0.0, self.look, None)

    def look(self, life: int | None) -> None:
        """Do what the lease and the loop want of the work, and look again in time."""
        if self.is_over or not self.is_executing or life not in {None, self._life}:
            return
        agent, run = self.agent, self.run
        if agent.loop_frozen and agent.world.broken("guard_in_loop"):
            agent.in_loop(self.look, life)
            return
        if run.must_stop() is not None and not self._asked:
            self._asked = True
            self._give_way()
        kill_in_ms = run.kill_in_ms()
        if (run.killed or (kill_in_ms is not None and kill_in_ms <= 0)) and not self._killing:
            self._killing = True
            agent.in_handler(agent.random.uniform(0, KILL_S), self._killed, self._life)
        if run.must_rest() and not self._asked:
            self._rest()
            return
        due_ms = kill_in_ms if self._asked else run.stop_in_ms()
        if due_ms is not None and not self._killing and life is not None:
            agent.in_handler((max(due_ms, 0) + 1) / 1000 / agent.rate, self.look, self._life)

    def _give_way(self) -> None:
        agent = self.agent
        agent.in_handler(self._job.obeys * GRACE_S, self._killed, self._life)

    def _killed(self, life: int) -> None:
        if life == self._life and self.is_executing:
            self.end(GaveWay())

    def _rest(self) -> None:
        self.stand_still()
        self.run.resting()
        self._look_while_resting(self._life)

    def _look_while_resting(self, life: int) -> None:
        if self.is_over or self.is_executing or life != self._life:
            return
        if self.run.must_stop() is not None:
            self.end(GaveWay())
        elif not self.run.must_rest():
            self.run.going_on()
            self._go_on()
        else:
            self.agent.in_handler(0.5, self._look_while_resting, life)

    # --- standing still with its machine

    def stand_still(self) -> None:
        """Execute nothing until :meth:`wake`."""
        if self.is_executing:
            self.is_executing = False
            self._life += 1
            self._killing = False
            self._left_s = max(0.0, self._left_s - (self.agent.world.now - self._since))
            self.agent.world.checkers.on_end(self.agent, self.fence)

    def wake(self) -> None:
        """Go on after standing still; the guard checks as its first act."""
        kill_in_ms = self.run.kill_in_ms()
        if kill_in_ms is not None and kill_in_ms <= 0:
            self.end(GaveWay())
        else:
            self._go_on()
