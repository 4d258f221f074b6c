"""A disk that survives the coordinator: rows in, and out again through the real records.

A commit is all or nothing. Whoever crashes before it has stored nothing, after it everything.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from coordinator.shell.store import Answered, Changes, Memory
from protocol.messages import Reply
from protocol.vocabulary import TaskStatus

Row = dict[str, Any]


@dataclass(slots=True)
class Disk:
    """What one coordinator after the other has committed."""

    term: int = 0
    last_event: int = 0
    commits: int = 0
    tasks: dict[str, Row] = field(default_factory=dict)
    agents: dict[str, bytes] = field(default_factory=dict)
    ledgers: dict[tuple[str, str], bytes] = field(default_factory=dict)
    marks: dict[tuple[str, str], bytes] = field(default_factory=dict)
    replies: dict[tuple[str, str], bytes] = field(default_factory=dict)
    attempts: dict[str, list[Row]] = field(default_factory=dict)
    """Task to its attempts that ended, in their order."""
    _read: dict[object, tuple[bytes, Row]] = field(default_factory=dict)
    """What checkers have read, and what it says: it is read once, however often they look."""

    def begin_term(self, ended_since_ms: int) -> Memory:
        """Load everything and begin a new term, as the store does."""
        self.term += 1
        tally = Counter((r["status"], r["priority"], r["mode"]) for r in self.tasks.values())
        return Memory(
            term=self.term,
            last_event=self.last_event,
            tasks=[
                orjson.loads(row["doc"])
                for row in self.tasks.values()
                if not TaskStatus(row["status"]).is_terminal
                or row["completed_ms"] >= ended_since_ms
            ],
            agents=[orjson.loads(doc) for doc in self.agents.values()],
            ledgers=[(*key, orjson.loads(doc)) for key, doc in self.ledgers.items()],
            marks=[
                (*key, record)
                for key, doc in self.marks.items()
                if (record := orjson.loads(doc)) is not None
            ],
            tally=[(*key, count) for key, count in tally.items()],
            answered=Answered(self.replies),
        )

    def commit(self, changes: Changes) -> None:
        """Store *changes*."""
        self.commits += 1
        for row in changes.tasks:
            self.tasks[row["id"]] = row
        for row in changes.agents:
            self.agents[row["name"]] = row["doc"]
        for row in changes.ledgers:
            self.ledgers[row["agent"], row["boot"]] = row["doc"]
        for row in changes.gone_ledgers:
            self.ledgers.pop((row["of_agent"], row["of_boot"]), None)
        for row in changes.marks:
            self.marks[row["kind"], row["key"]] = row["doc"]
        for row in changes.replies:
            self.replies[row["client"], row["request_id"]] = row["doc"]
        for row in changes.attempts:
            self.attempts.setdefault(row["task"], []).append(row)
        for row in changes.events:
            self.last_event = row["number"]

    # --- what the writer looks up

    def known_replies(self, requests: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Reply]:
        """Return the answers that were given before."""
        return {
            key: Reply.model_validate(orjson.loads(self.replies[key]))
            for key in requests
            if key in self.replies
        }

    def past_tasks(self, names: Iterable[str]) -> list[Row]:
        """Return the records of those of *names* that were ever stored."""
        return [
            orjson.loads(self.tasks[name]["doc"]) for name in sorted(names) if name in self.tasks
        ]

    # --- what checkers look at

    def read(self, key: object, doc: bytes) -> Row:
        """Return what *doc* says, which is or will be stored as *key*; nobody may change it."""
        known = self._read.get(key)
        if known is None or known[0] is not doc:
            known = self._read[key] = doc, orjson.loads(doc)
        return known[1]

    def record(self, task: str) -> Row | None:
        """Return the record of *task*, if there is one."""
        row = self.tasks.get(task)
        return None if row is None else self.read(task, row["doc"])

    def status(self, task: str) -> TaskStatus | None:
        """Return the stored status of *task*."""
        row = self.tasks.get(task)
        return None if row is None else TaskStatus(row["status"])

    def has_report(self, agent: str, boot: str, seq: int) -> bool:
        """Say whether a report is stored."""
        doc = self.ledgers.get((agent, boot))
        if doc is None:
            return False
        ledger = self.read((agent, boot), doc)
        return seq <= ledger["ack"] or seq in ledger["beyond"]
