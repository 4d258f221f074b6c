"""A whole agent against a real broker; the test speaks for the coordinator."""

import contextlib
import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from agent_client import Agent, AsyncTask, Failed, Superseded, Task
from protocol.codec import decode, encode
from protocol.messages import (
    Assignment,
    CoordinatorPresence,
    Desired,
    Granted,
    Heartbeat,
    Lease,
    Message,
    Presence,
    Report,
    RollCall,
)
from protocol.topics import AgentChannel, Topics
from protocol.vocabulary import (
    AgentMode,
    CoordinatorState,
    HoldingPhase,
    PresenceState,
    ReportEvent,
    Want,
)
from tests.support.brokers import BROKERS, BrokerAddress, chosen_brokers, mosquitto_broker

WITHIN_S = 60.0
TOPICS = Topics()
M = TypeVar("M", bound=Message)


class Coordinator:
    """Answers heartbeats, keeps reports, and assigns what the test wants."""

    def __init__(self, broker: BrokerAddress) -> None:
        self.inbox: dict[type[Message], queue.Queue[Any]] = defaultdict(queue.Queue)
        self.answers = True
        self.rev = 0
        self.boot = ""
        self.seq = 0
        self.acks: dict[str, int] = defaultdict(int)
        self.held: dict[str, Assignment] = {}
        self._ready = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "coordinator")
        self._client.username_pw_set("coordinator", broker.coordinator_password)
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.connect(broker.host, broker.port)
        self._client.subscribe(TOPICS.under("agents/+/#"), 1)
        self._client.loop_start()
        assert self._ready.wait(WITHIN_S)
        self.say(
            "coordinator/presence",
            CoordinatorPresence(ts_ms=0, coord="c", term=1, state=CoordinatorState.ONLINE),
        )

    def say(self, topic: str, message: Message, *, retain: bool = True) -> None:
        self._client.publish(TOPICS.under(topic), encode(message), qos=1, retain=retain)

    def raw(self, topic: str, payload: bytes) -> None:
        self._client.publish(TOPICS.under(topic), payload, qos=1)

    def _on_message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        kinds: dict[str, type[Message]] = {
            AgentChannel.PRESENCE: Presence,
            AgentChannel.HEARTBEAT: Heartbeat,
            AgentChannel.REPORT: Report,
        }
        kind = kinds.get(message.topic.rpartition("/")[2])
        if kind is None or not message.payload:
            return
        said = decode(kind, bytes(message.payload))
        match said:
            case Heartbeat() if not message.retain:
                self.boot, self.seq = said.boot, said.seq
                if self.answers:
                    self.lease(said)
            case Report():
                if said.seq <= self.acks[said.boot]:
                    return
                self.acks[said.boot] = said.seq
            case _:
                pass
        self.inbox[kind].put(said)

    def lease(self, heartbeat: Heartbeat) -> None:
        granted = tuple(
            Granted(task=held.task, fence=held.fence)
            for held in heartbeat.holding
            if held.phase is not HoldingPhase.REPORTING
        )
        answer = Lease(
            ts_ms=0,
            coord="c",
            term=1,
            boot=heartbeat.boot,
            as_of=heartbeat.seq,
            rev=self.rev,
            granted=granted,
            report_ack=dict(self.acks),
        )
        self.say(f"inbox/{heartbeat.agent}/lease", answer, retain=False)

    def desire(self, agent: str, mode: AgentMode = AgentMode.ACTIVE) -> None:
        self.rev += 1
        desired = Desired(
            ts_ms=0,
            coord="c",
            term=1,
            rev=self.rev,
            for_boot=self.boot,
            as_of=self.seq,
            mode=mode,
            report_ack=dict(self.acks),
            tasks=tuple(self.held.values()),
        )
        self.say(f"inbox/{agent}/desired", desired)

    def assign(self, agent: str, task: str, mode: str, **fields: Any) -> None:
        given: dict[str, Any] = {"lease_s": 60.0, "margin_s": 2.0, "cancel_grace_s": 1.0}
        self.held = {task: Assignment(task=task, name=task, mode=mode, fence=1, **(given | fields))}
        self.desire(agent)

    def next(self, kind: type[M], that: Callable[[M], bool] = lambda _: True) -> M:
        """Wait for the next message of *kind* that is as wanted."""
        while True:
            said: M = self.inbox[kind].get(timeout=WITHIN_S)
            if that(said):
                return said

    def wait_for_boot(self) -> None:
        """Wait until the agent has said a heartbeat, which names its boot."""
        self.next(Heartbeat, lambda said: said.boot == self.boot)

    def reported(self, event: ReportEvent) -> Report:
        return self.next(Report, lambda report: report.event is event)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture(scope="module", params=chosen_brokers())
def broker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrokerAddress]:
    with BROKERS[request.param](tmp_path_factory.mktemp("broker")) as address:
        yield address


@pytest.fixture
def coordinator(broker: BrokerAddress) -> Iterator[Coordinator]:
    with contextlib.closing(Coordinator(broker)) as coordinator:
        yield coordinator


def an_agent(broker: BrokerAddress, name: str, **given: Any) -> Agent:
    agent = Agent(name, broker=broker.url(), heartbeat_s=given.pop("heartbeat_s", 0.5), **given)

    @agent.handler("quick")
    def quick(task: Task) -> dict[str, Any]:
        return {"did": task.args}

    @agent.handler("long")
    def long(task: Task) -> None:
        while True:
            task.progress(step="working")
            task.sleep(0.05)

    @agent.handler("async")
    async def asynchronous(task: AsyncTask) -> None:
        while True:
            task.progress(step="waiting")
            await task.sleep(0.05)

    @agent.handler("bad")
    def bad(task: Task) -> None:
        raise SystemExit(3)

    @agent.handler("unlucky")
    async def unlucky(task: AsyncTask) -> None:
        raise Failed("no_luck", retryable=False)

    return agent


@contextlib.contextmanager
def running(agent: Agent, coordinator: Coordinator) -> Iterator[Agent]:
    agent.start()
    try:
        assert agent.wait_until_online(WITHIN_S)
        coordinator.next(Heartbeat, lambda said: said.agent == agent.name)
        yield agent
    finally:
        agent.stop(0)


def test_a_task_runs_and_its_result_comes_back_in_one_report(
    broker: BrokerAddress, coordinator: Coordinator
) -> None:
    with running(an_agent(broker, "quick-1"), coordinator):
        coordinator.assign("quick-1", "t1", "quick", args={"a": [1, None]})
        assert coordinator.reported(ReportEvent.SUCCEEDED).detail.result == {
            "did": {"a": [1, None]}
        }


@pytest.mark.parametrize("mode", ["long", "async"])
def test_a_running_task_is_paused_resumed_and_cancelled(
    broker: BrokerAddress, coordinator: Coordinator, mode: str
) -> None:
    with running(an_agent(broker, f"{mode}-1"), coordinator):
        for want, event in (
            (Want.RUN, ReportEvent.STARTED),
            (Want.PAUSE, ReportEvent.PAUSED),
            (Want.RUN, ReportEvent.RESUMED),
            (Want.CANCEL, ReportEvent.CANCELLED),
        ):
            coordinator.assign(f"{mode}-1", "t1", mode, want=want)
            coordinator.reported(event)


@pytest.mark.parametrize("mode", ["long", "async"])
def test_work_stops_by_itself_when_no_lease_comes_any_more(
    broker: BrokerAddress, coordinator: Coordinator, mode: str
) -> None:
    with running(an_agent(broker, f"{mode}-2"), coordinator):
        coordinator.answers = False
        coordinator.assign(f"{mode}-2", "t1", mode, lease_s=2.0, margin_s=0.1, cancel_grace_s=0.5)
        assert coordinator.reported(ReportEvent.ABANDONED).detail.code == "lease_lost"


def test_handlers_that_misbehave_fail_their_task_and_nothing_else(
    broker: BrokerAddress, coordinator: Coordinator
) -> None:
    with running(an_agent(broker, "bad-1"), coordinator):
        for task, mode, code in (("t1", "bad", "SystemExit"), ("t2", "unlucky", "no_luck")):
            coordinator.assign("bad-1", task, mode)
            assert coordinator.reported(ReportEvent.FAILED).detail.code == code
        coordinator.assign("bad-1", "t3", "quick")
        coordinator.reported(ReportEvent.SUCCEEDED)


def test_nonsense_in_its_inbox_harms_nothing_and_is_counted(
    broker: BrokerAddress, coordinator: Coordinator
) -> None:
    with running(an_agent(broker, "calm-1"), coordinator):
        for payload in (b"\xff", b"[]", b'{"v":"9.9"}', b'{"rev":1,"rev":2}', b"", b"[" * 5_000):
            coordinator.raw("inbox/calm-1/desired", payload)
            coordinator.raw("inbox/calm-1/lease", payload)
        coordinator.assign("calm-1", "t1", "quick")
        coordinator.reported(ReportEvent.SUCCEEDED)


def test_a_stale_will_is_corrected_at_once(broker: BrokerAddress, coordinator: Coordinator) -> None:
    with running(an_agent(broker, "heal-1"), coordinator):
        stated = coordinator.next(Presence, lambda said: said.agent == "heal-1")
        lost = stated.model_copy(update={"state": PresenceState.LOST})
        coordinator.say("agents/heal-1/presence", lost)
        coordinator.next(Presence, lambda said: said.state is PresenceState.LOST)
        again = coordinator.next(Presence)
        assert (again.boot, again.state) == (stated.boot, PresenceState.ONLINE)


def test_a_roll_call_is_answered(broker: BrokerAddress, coordinator: Coordinator) -> None:
    with running(an_agent(broker, "here-1", heartbeat_s=3_600.0), coordinator):
        coordinator.say(
            "coordinator/rollcall", RollCall(ts_ms=0, coord="c", term=1, jitter_ms=50), retain=False
        )
        assert coordinator.next(Heartbeat, lambda said: said.seq > 1).agent == "here-1"


def test_a_deaf_agent_makes_a_new_connection(
    broker: BrokerAddress, coordinator: Coordinator
) -> None:
    with running(an_agent(broker, "deaf-1", heartbeat_s=0.1), coordinator):
        coordinator.answers = False
        assert coordinator.next(Heartbeat, lambda said: said.conn > 1).conn == 2


def test_who_leaves_says_so(broker: BrokerAddress, coordinator: Coordinator) -> None:
    with running(an_agent(broker, "gone-1"), coordinator):
        pass
    last = coordinator.next(
        Presence, lambda said: said.agent == "gone-1" and said.state is PresenceState.OFFLINE
    )
    assert last.reason == "stopped"


def test_an_agent_told_to_stop_ends_its_work_and_its_run(
    broker: BrokerAddress, coordinator: Coordinator
) -> None:
    agent = an_agent(broker, "stop-1")
    with running(agent, coordinator):
        coordinator.assign("stop-1", "t1", "long")
        coordinator.reported(ReportEvent.STARTED)
        coordinator.held = {}
        coordinator.desire("stop-1", AgentMode.STOP)
        coordinator.reported(ReportEvent.ABANDONED)
        assert agent.wait(WITHIN_S)


def test_the_older_of_two_processes_with_one_name_gives_way(
    broker: BrokerAddress, coordinator: Coordinator
) -> None:
    older, younger = an_agent(broker, "twin-1"), an_agent(broker, "twin-1")
    older.start()
    assert older.wait_until_online(WITHIN_S)
    with running(younger, coordinator), pytest.raises(Superseded, match="twin-1"):
        older.wait(WITHIN_S)


def test_an_agent_comes_back_after_its_broker_and_reports_what_it_did_meanwhile(
    tmp_path: Path,
) -> None:
    name, go_on = "back-1", threading.Event()
    with contextlib.ExitStack() as second:
        with mosquitto_broker(tmp_path) as broker:
            agent = an_agent(broker, name)
            agent.add_handler(lambda _: go_on.wait(WITHIN_S), "held")
            coordinator = Coordinator(broker)
            second.enter_context(running(agent, coordinator))
            coordinator.assign(name, "t1", "held")
            coordinator.reported(ReportEvent.STARTED)
            coordinator.close()
            (tmp_path / "again").mkdir()
            port = broker.port
        go_on.set()
        address = second.enter_context(mosquitto_broker(tmp_path / "again", mqtt_port=port))
        again = second.enter_context(contextlib.closing(Coordinator(address)))
        assert again.reported(ReportEvent.SUCCEEDED).detail.result is True
