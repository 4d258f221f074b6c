"""An agent from a message of the coordinator to its own, without socket and handler."""

from typing import Any, Final

import orjson

from agent_client.core import effects, events
from agent_client.core.fence import Fence
from agent_client.core.identity import Identity
from agent_client.core.machine import Machine, Settings
from agent_client.core.outcomes import Returned
from agent_client.messages import Desired, Lease
from agent_client.messages.codec import decode
from agent_client.settings import AgentSettings, BrokerAddress
from agent_client.statements import Statements
from benchmarks.quick.counting import Work
from protocol.vocabulary import CoordinatorState

BEATS: Final = 20
TASKS: Final = 20
_BOOT: Final = "a" * 32
_HEARTBEAT_MS: Final = 10_000


class _Clock:
    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def wall_ms(self) -> int:
        return self.ms


class Stage:
    """An agent's decisions and words; the coordinator's words are made by hand."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.clock = _Clock()
        self.said = 0
        settings = AgentSettings(
            name="bench", broker=BrokerAddress("127.0.0.1", 1883), machine_id="m", window_id="w"
        )
        self._says = Statements(settings, Identity(_BOOT), self.clock)
        self._machine = Machine(Settings(_BOOT, frozenset({"noop"}), heartbeat_ms=_HEARTBEAT_MS))
        self._rev = 0
        self.feed(events.CoordinatorSeen(CoordinatorState.ONLINE))
        self.feed(events.Connected())

    def feed(self, event: events.Event) -> None:
        for effect in self._machine.step(event, self.clock.ms):
            match effect:
                case effects.SendReport(report):
                    self._says.report(report)
                case effects.SendHeartbeat():
                    self._says.heartbeat(effect, None)
                case effects.StatePresence():
                    self._says.presence(self._machine.presence)
                case _:
                    continue
            self.said += 1

    def beat(self) -> None:
        """Let the next heartbeat be due, and answer it."""
        self.clock.ms += _HEARTBEAT_MS
        payload = orjson.dumps(self._from_coordinator(granted=[]))
        with self.work.counted():
            self.feed(events.Tick())
            self.feed(events.LeaseReceived(decode(Lease, payload)))

    def task(self, number: int) -> None:
        """Give it a task, let that end, and acknowledge its reports."""
        self.clock.ms += 100
        self._rev += 1
        task = f"t{number}"
        given = {
            "task": task,
            "fence": number + 1,
            "name": task,
            "mode": "noop",
            "lease_s": 60.0,
            "margin_s": 2.0,
            "cancel_grace_s": 5.0,
        }
        desired = orjson.dumps(self._from_coordinator(for_boot=_BOOT, tasks=[given]))
        over = self._from_coordinator(granted=[], report_ack={_BOOT: 2 * number + 2})
        ended = orjson.dumps(over)
        with self.work.counted():
            self.feed(events.DesiredReceived(decode(Desired, desired)))
            self.feed(events.HandlerStarted(Fence(task, number + 1), self.clock.ms))
            self.feed(events.HandlerEnded(Fence(task, number + 1), Returned()))
            self.feed(events.LeaseReceived(decode(Lease, ended)))

    def _from_coordinator(self, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
        seq = self._machine.leases.seq
        envelope = {"v": "1.0", "ts_ms": 1, "coord": "c", "term": 1, "rev": self._rev}
        boot = {} if "for_boot" in fields else {"boot": _BOOT}
        return {**envelope, **boot, "as_of": seq, **fields}


def measure() -> dict[str, float]:
    scene = Stage(Work())
    scene.beat()
    before, said = scene.work.instructions, scene.said
    for _ in range(BEATS):
        scene.beat()
    assert scene.said - said == BEATS, "a heartbeat is missing, or something else was said"
    found = {"heartbeat: instructions": (scene.work.instructions - before) / BEATS}
    scene.task(0)
    before, said = scene.work.instructions, scene.said
    for number in range(1, TASKS + 1):
        scene.task(number)
    found["task: instructions"] = (scene.work.instructions - before) / TASKS
    found["task: messages said"] = (scene.said - said) / TASKS
    return found
