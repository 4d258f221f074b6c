"""One agent, as small as the protocol lets it be: it reports each task as done as soon as it may.

Tasks of the mode that it ``keeps`` are begun and go on, until they are wanted paused or cancelled.

It keeps the rules that matter for what is measured: fences, boots, the newest ``desired``, reports
that are numbered and said again until they are acknowledged, and the full list in each heartbeat.
"""

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import orjson

HEARTBEAT_S = 10.0


@dataclass
class Bot:
    """What one agent knows; the messages it makes are payloads, ready to be sent."""

    name: str
    boot: str = field(default_factory=lambda: secrets.token_hex(16))
    epoch: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    conn: int = 1
    rev: tuple[int, int] = (0, 0)
    keeps: str | None = None
    machine: str | None = None
    done: int = 0
    beats: dict[int, float] = field(default_factory=dict)
    """When each heartbeat was sent that nobody has answered yet."""
    _seqs: dict[str, int] = field(default_factory=dict)
    _fences: dict[str, int] = field(default_factory=dict)
    """The highest fence that was ever seen of each task that is held."""
    _kept: dict[str, str] = field(default_factory=dict)
    """Of the tasks that go on, how far each is."""
    _outbox: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    """Reports that are not acknowledged, by their number: the task, and what is said."""

    def presence(self, state: str = "online") -> bytes:
        return self._say("presence", state=state)

    def info(self) -> bytes:
        return self._say(
            "info",
            machine_id=self.machine or f"machine-{hash(self.name) % 500}",
            window_id=self.name,
            capabilities=["noop"] if self.keeps is None else ["noop", self.keeps],
            features=[] if self.keeps is None else ["pause", "cancel"],
            heartbeat_s=HEARTBEAT_S,
        )

    def metrics(self) -> bytes:
        return self._say("metrics", m={"cpu_usage": 12.5, "memory_usage": 40.0, "fps": 60.0})

    def heartbeat(self, now: float) -> bytes:
        held = [
            {"task": task, "fence": fence, "phase": self._kept.get(task, "reporting")}
            for task, fence in self._fences.items()
        ]
        payload = self._say(
            "heartbeat",
            interval_s=HEARTBEAT_S,
            slots_free=int(not held),
            holding=held,
            seen={"term": self.rev[0], "rev": self.rev[1]},
            report_seq=self._seqs.get("report", 0),
            outbox=len(self._outbox),
        )
        self.beats[self._seqs["heartbeat"]] = now
        return payload

    def unheard(self) -> list[bytes]:
        """Return the reports to say again."""
        return [payload for _, payload in self._outbox.values()]

    def on_desired(self, said: dict[str, Any]) -> list[bytes]:
        """Apply a ``desired``; return the reports to make."""
        rev = (said["term"], said["rev"])
        if said["for_boot"] != self.boot or rev <= self.rev:
            return []
        self.rev = rev
        self.acknowledge(said)
        reports = []
        for assignment in said["tasks"]:
            event = self._next(assignment)
            if event is None:
                continue
            task, fence = assignment["task"], assignment["fence"]
            self._fences[task] = fence
            payload = self._say("report", task=task, fence=fence, event=event, detail={})
            self._outbox[self._seqs["report"]] = (task, payload)
            reports.append(payload)
        return reports

    def _next(self, assignment: dict[str, Any]) -> str | None:
        """Return what to report of *assignment*; ``None`` if all is said."""
        task, want = assignment["task"], assignment.get("want", "run")
        phase = self._kept.get(task)
        if assignment["fence"] > self._fences.get(task, 0):
            if assignment["mode"] != self.keeps:
                return "succeeded"
            self._kept[task] = "running"
            return "started"
        if phase is not None and want == "cancel":
            del self._kept[task]
            return "cancelled"
        if (phase, want) in {("running", "pause"), ("paused", "run")}:
            self._kept[task] = "paused" if want == "pause" else "running"
            return "paused" if want == "pause" else "resumed"
        return None

    def acknowledge(self, said: dict[str, Any]) -> None:
        """Forget the reports that the coordinator has stored."""
        upto = said["report_ack"].get(self.boot, 0)
        for seq in [seq for seq in self._outbox if seq <= upto]:
            task, _ = self._outbox.pop(seq)
            if task not in self._kept:
                self._fences.pop(task, None)
                self.done += 1

    def on_lease(self, said: dict[str, Any], now: float) -> float | None:
        """Take in the answer to a heartbeat; return how long it took, in seconds."""
        if said["boot"] != self.boot:
            return None
        self.acknowledge(said)
        sent = self.beats.pop(said["as_of"], None)
        for seq in [seq for seq in self.beats if seq < said["as_of"]]:
            del self.beats[seq]  # a batch answers the newest only
        return None if sent is None else now - sent

    def _say(self, channel: str, **fields: object) -> bytes:
        seq = self._seqs[channel] = self._seqs.get(channel, 0) + 1
        envelope = {
            "v": "1.0",
            "ts_ms": time.time_ns() // 1_000_000,
            "agent": self.name,
            "boot": self.boot,
            "epoch": self.epoch,
            "conn": self.conn,
            "seq": seq,
        }
        return orjson.dumps({**envelope, **fields})
