"""The plan's life beside the writer: requests about plans, and the file that plans are written in.

Everything slow (reading, judging, looking ahead) happens in threads and processes of its own. What
is to be in force goes to the writer as one event, with the policy compiled already; the writer
checks the version, stores the plan with all that follows from it, and answers then.
"""

import asyncio
import logging
from collections import deque
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from coordinator.core.effects import Effect, SavePlan
from coordinator.core.errors import BadRequest, RequestError, UnknownSubject
from coordinator.core.events import PlanApplied, PlanSource, Submitted
from coordinator.core.policy import Policy
from coordinator.plan.compile import compile_plan
from coordinator.plan.diff import diff
from coordinator.plan.impact import impact
from coordinator.plan.load import examine_document, examine_file, parse
from coordinator.plan.problems import PlanError, Problem
from coordinator.plan.schema import FleetPlan
from coordinator.plan.versions import Note, Start, StoredPlan, choose
from coordinator.shell.looking_ahead import look_ahead
from coordinator.shell.loop import Writer
from coordinator.shell.plan_file import LISTED, InForce, PlanFile
from coordinator.shell.store.archive import Archive
from coordinator.shell.store.errors import StoreUnavailable
from protocol.limits import LARGE_MESSAGE_BYTES
from protocol.messages import Reply, Submit
from protocol.vocabulary import PlanAction

log = logging.getLogger("fleetbus.coordinator")

WAITING_REQUESTS: Final = 32
KEPT_ANSWERS: Final = 64
MOST_SHOWN_BYTES: Final = LARGE_MESSAGE_BYTES
"""Brokers drop those who say more at once."""
FROM_FILE: Final = "file"
"""The author of a plan that nobody applied: it was there at the first start."""

_Asked = tuple[str, str]


class Busy(RequestError):
    """So much has been asked that it would not be answered in time."""

    code = "busy"

    def __init__(self) -> None:
        super().__init__(f"{WAITING_REQUESTS} requests about plans wait already; ask again later")


class Unavailable(RequestError):
    """What is asked about cannot be read now."""

    code = "unavailable"


class TooLarge(RequestError):
    """A plan that came by file and does not fit into an answer."""

    code = "too_large"

    def __init__(self, version: int, size: int) -> None:
        super().__init__(
            f"version {version} of the plan has {size} bytes, and an answer {MOST_SHOWN_BYTES} "
            "at most; it is in the coordinator's store, in the table 'plans'"
        )


@dataclass(slots=True)
class Plans:
    """Answers what is asked about plans and looks after the file; see :meth:`run`."""

    writer: Writer
    archive: Archive
    file: Path
    notes: tuple[Note, ...] = ()
    """What is to be told of the start, once there is somebody to be told."""
    in_force: InForce | None = None
    _requests: deque[tuple[str, Submit]] = field(default_factory=deque)
    _something: asyncio.Event = field(default_factory=asyncio.Event)
    _answers: dict[_Asked, Reply | None] = field(default_factory=dict)
    """What was asked of late, and the answer, unless it is being worked on or the core answers."""
    _watched: PlanFile = field(init=False)

    def __post_init__(self) -> None:
        self._watched = PlanFile(self.writer, self.file, self._current)

    def on_connected(self) -> None:
        """Tell the fleet what there is to be told of the start."""
        notes, self.notes = self.notes, ()
        for note in notes:
            self._watched.tell(note)

    # --- requests

    def ask(self, client: str, asked: Submit) -> None:
        """Take a request of *client*; a repeated one is answered as it was. Never waits."""
        key = (client, asked.request_id)
        if key in self.writer.state.answered:
            self.writer.tell(Submitted(client, asked))
        elif key in self._answers:
            if (known := self._answers[key]) is not None:
                self._publish(client, known)
        elif len(self._requests) >= WAITING_REQUESTS:
            self._refuse(client, asked, Busy())
        else:
            self._answers[key] = None
            if len(self._answers) > KEPT_ANSWERS + WAITING_REQUESTS:
                del self._answers[next(iter(self._answers))]
            self._requests.append((client, asked))
            self._something.set()

    async def run(self) -> None:
        """Answer requests and look at the file, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watched.watch(), name="plan file")
            tasks.create_task(self._serve(only_previews=True), name="previews")
            tasks.create_task(self._serve(only_previews=False), name="plan requests")

    async def _serve(self, *, only_previews: bool) -> None:
        """Answer one request after the other; nobody waits behind somebody else's preview."""
        while True:
            mine = next(
                (
                    request
                    for request in self._requests
                    if (request[1].action is PlanAction.PREVIEW) is only_previews
                ),
                None,
            )
            if mine is None:
                self._something.clear()
                await self._something.wait()
                continue
            self._requests.remove(mine)
            await self.answer(*mine)

    async def answer(self, client: str, asked: Submit) -> None:
        """Do what is asked and answer it; what changes the plan is answered by the writer."""
        try:
            data = await self._carry_out(client, asked)
        except PlanError as error:
            self._refuse(client, asked, error)
        except RequestError as error:
            self._refuse(client, asked, error)
        except StoreUnavailable as error:
            self._refuse(client, asked, Unavailable(error))
            del self._answers[client, asked.request_id]  # asked again, it may be there
        else:
            if data is not None:
                self._answer(client, asked, ok=True, data=data)

    async def _carry_out(self, client: str, asked: Submit) -> dict[str, Any] | None:
        match asked.action:
            case PlanAction.SHOW:
                return await self._show(asked)
            case PlanAction.HISTORY:
                plans = await asyncio.to_thread(lambda: list(self.archive.plans()))
                cards = [plan.card() for plan in plans[:LISTED]]
                return {"version": self.writer.state.plan_version, "plans": cards}
            case PlanAction.CHECK | PlanAction.DIFF:
                return await self._compare(asked)
            case PlanAction.PREVIEW:
                return await self._preview(asked)
            case PlanAction.APPLY | PlanAction.ROLLBACK:
                await self._apply(client, asked)
                return None

    async def _show(self, asked: Submit) -> dict[str, Any]:
        in_force = await self._current()
        wanted = asked.of_version if asked.of_version is not None else in_force.version
        stored = await self._stored(wanted)
        if len(stored.document) > MOST_SHOWN_BYTES:
            raise TooLarge(wanted, len(stored.document))
        return {
            **stored.card(),
            "in_force": in_force.version,
            "plan": orjson.loads(stored.document),
        }

    async def _compare(self, asked: Submit) -> dict[str, Any]:
        in_force = await self._current()
        wanted = await self._wanted(asked)
        changes = await asyncio.to_thread(diff, in_force.plan, wanted.plan)
        return {
            "version": in_force.version,
            "changes": [change.document() for change in changes[:LISTED]],
            "changes_total": len(changes),
            "problems": [str(problem) for problem in wanted.problems[:LISTED]],
            **impact(self.writer.state, wanted.policy).document(),
        }

    async def _preview(self, asked: Submit) -> dict[str, Any]:
        in_force = await self._current()
        named = asked.plan is not None or asked.of_version is not None
        plan = (await self._wanted(asked)).plan if named else in_force.plan
        now_ms = self.writer.clock.now().wall_ms
        question = await asyncio.to_thread(self._question, plan, now_ms, asked.days)
        return {
            "version": in_force.version,
            "is_of_plan_in_force": not named,
            "preview": await look_ahead(question),
        }

    def _question(self, plan: FleetPlan, now_ms: int, days: float) -> bytes:
        return orjson.dumps(
            {
                "plan": plan.document(),
                "snapshot": self.archive.snapshot(now_ms).document(),
                "days": days,
                "most": LISTED,
            }
        )

    async def _apply(self, client: str, asked: Submit) -> None:
        """Judge a plan and hand it to the writer."""
        store = self.writer.storing.store
        key = (client, asked.request_id)
        earlier = await self.writer.after_commits(lambda: store.known_replies([key]))
        if key in earlier:
            self._answers[key] = earlier[key]
            self._publish(client, earlier[key])
            return
        if asked.action is PlanAction.ROLLBACK and asked.of_version is None:
            raise BadRequest("of_version", None, "the version to go back to")
        wanted = await self._wanted(asked)
        effect = impact(self.writer.state, wanted.policy)
        warnings = [str(problem) for problem in (*wanted.problems, *effect.warnings)]
        if effect.infeasible_total:
            warnings.append(f"{effect.infeasible_total} pending tasks become infeasible")
        source = PlanSource(
            document=wanted.document,
            client=client,
            request=asked.model_copy(update={"plan": None}),
            warnings=tuple(warnings[:LISTED]),
            rollback_of=asked.of_version if asked.action is PlanAction.ROLLBACK else None,
        )
        self.writer.tell(PlanApplied(wanted.policy, source))

    # --- plans

    async def _current(self) -> InForce:
        """Return the plan in force, which the writer may have changed meanwhile."""
        version = self.writer.state.plan_version
        known = self.in_force
        if known is None or known.version != version:
            stored = await self._stored(version)
            plan = await asyncio.to_thread(parse, stored.document, f"version {version}")
            known = self.in_force = InForce(version, plan)
        return known

    async def _stored(self, version: int) -> StoredPlan:
        found = await self.writer.after_commits(lambda: self.archive.plan(version))
        if found is not None:
            return found
        if version == self.writer.state.plan_version:
            raise StoreUnavailable(f"version {version} of the plan is not stored yet")
        raise UnknownSubject("plan version", version)

    async def _wanted(self, asked: Submit) -> "_Wanted":
        """Return the plan that a request is about, or raise :class:`PlanError`.

        It brings the plan, or names a stored one; else it is about the file.
        """
        if asked.of_version is not None:
            stored = await self._stored(asked.of_version)
            source = f"version {asked.of_version} of the plan"
            plan = await asyncio.to_thread(parse, stored.document, source)
            policy = await asyncio.to_thread(compile_plan, plan)
            return _Wanted(plan, policy, (), stored.document)
        if asked.plan is None:  # a plan may be larger than a request
            source = str(self.file)
            examined = await asyncio.to_thread(examine_file, self.file)
        else:
            source = "the plan"
            examined = await asyncio.to_thread(examine_document, asked.plan)
        if examined.plan is None:
            raise PlanError(examined.problems, source)
        document = examined.plan.document() if asked.plan is None else asked.plan
        written = orjson.dumps(document, option=orjson.OPT_INDENT_2)
        policy = await asyncio.to_thread(compile_plan, examined.plan)
        return _Wanted(examined.plan, policy, examined.problems, written)

    # --- answers

    def _refuse(self, client: str, asked: Submit, error: PlanError | RequestError) -> None:
        if isinstance(error, PlanError):
            problems = [_problem(problem) for problem in error.problems[:LISTED]]
            data = {"version": self.writer.state.plan_version, "problems": problems}
            text = str(error)[:1000]
            self._answer(client, asked, ok=False, code="bad_plan", message=text, data=data)
        else:
            text = str(error)[:1000]
            self._answer(client, asked, ok=False, code=error.code, message=text)

    def _answer(self, client: str, asked: Submit, **answer: Any) -> None:  # noqa: ANN401 -- Reply's
        state = self.writer.state
        reply = Reply(
            ts_ms=self.writer.clock.now().wall_ms,
            coord=state.coord,
            term=state.term,
            request_id=asked.request_id,
            **answer,
        )
        self._answers[client, asked.request_id] = reply
        self._publish(client, reply)

    def _publish(self, client: str, reply: Reply) -> None:
        voice = self.writer.voice
        voice.publish(voice.speaker.reply(client, reply))


def starting_plan(archive: Archive, file: Path) -> Start:
    """Return the plan to start with, or raise :class:`PlanError` when there is none."""
    with closing(archive.plans()) as stored:
        return choose(stored, examine_file(file), str(file))


def first_version(start: Start, file: Path) -> list[Effect]:
    """Have the file's plan stored, if there was none that could be used."""
    if not start.is_new:
        return []
    written = orjson.dumps(start.plan.document(), option=orjson.OPT_INDENT_2)
    return [SavePlan(start.version, FROM_FILE, f"from {file}"[:1024], written)]


class _Wanted(NamedTuple):
    plan: FleetPlan
    policy: Policy
    problems: tuple[Problem, ...]
    """Warnings; with errors there is no plan."""
    document: bytes


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "path": problem.path,
        "value": str(problem.value)[:200],
        "message": problem.message,
        "suggestion": problem.suggestion,
        "severity": problem.severity.value,
    }
