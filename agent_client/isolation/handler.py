"""The handler that hands its task to a new interpreter, and speaks for it to the loop."""

import sys
from typing import Any, Final

import orjson

from agent_client.binding import Parse
from agent_client.core.outcomes import Declined, GaveWay, Outcome, Raised, Returned
from agent_client.errors import Failed, Rejected
from agent_client.isolation import guard, words
from agent_client.isolation.guarded import End, Guarded, Program
from agent_client.isolation.source import Source
from agent_client.messages.codec import document_of
from agent_client.task import Task

_BOOT: Final = "import sys; sys.path[:] = {path!r}; from agent_client.isolation.child import main"


class ProcessHandler:
    """Does what ``function`` does, in a process of its own."""

    def __init__(self, function: object, parse: Parse | None = None) -> None:
        self._source = Source.of(function)
        self._parse = parse

    def __call__(self, task: Task) -> object:
        """Run the function on *task* and return what it returns."""
        if self._parse is not None:
            self._parse(task.args)  # what does not fit is rejected here, without a process
        return _InProcess(self._source, task).result()


class _InProcess:
    """One task in its process."""

    def __init__(self, source: Source, task: Task) -> None:
        self._run = task.run
        self._outcome: Outcome | None = None
        boot = _BOOT.format(path=sys.path) + "; main()"
        self._process = Guarded(
            Program(
                argv=[sys.executable, "-c", boot, task.mode, task.id],
                first_input=_job(source, task),
                hears_more=True,
            ),
            task.run,
        )

    def result(self) -> object:
        """Wait for the end of the process and say what came of it."""
        end = self._process.wait(self._hear)
        if isinstance(self._outcome, Returned):
            return self._outcome.result
        raise self._failure(self._outcome, end)

    def _failure(self, outcome: Raised | Declined | GaveWay | None, end: End) -> BaseException:
        match outcome:
            case Raised(code, message, retryable, retry_after_s):
                return Failed(code, message, retryable=retryable, retry_after_s=retry_after_s)
            case Declined(code, message, retryable, retry_after_s):
                return Rejected(code, message, retryable=retryable, retry_after_s=retry_after_s)
            case None if not (end.forced or self._run.must_stop()):
                code = f"exit_{end.status}" if end.status >= 0 else f"signal_{-end.status}"
                return Failed(code, "the process of the task ended before its handler did")
            case _:
                return self._run.gave_way()

    def _hear(self, line: bytes) -> None:
        key, value = words.read(line)
        match key:
            case "progress":
                self._run.progress(*value)
            case "resting":
                (self._run.resting if value else self._run.going_on)()
            case _:
                self._outcome = words.outcome_of(key, value) or self._outcome


def _job(source: Source, task: Task) -> str:
    run = task.run
    job: dict[str, Any] = {
        "source": source.as_json(),
        "argv": sys.argv,
        "assignment": document_of(run.assignment),
        "deadline_ms": run.deadline_on(guard.now_ms),
    }
    return orjson.dumps(job).decode() + "\n"
