"""The client commands against real brokers, with a coordinator that answers as it is told."""

import json
import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from typer.testing import CliRunner, Result

from coordinator.address import BrokerAddress as Address
from coordinator.cli.app import app
from coordinator.cli.bus import BrokerUnreachable, Bus, CoordinatorSilent
from protocol import codec
from protocol.messages import CoordinatorPresence, Message, Registry, Reply, Submit, TaskView
from protocol.topics import CoordinatorChannel, SubmitTopic, Topics
from protocol.vocabulary import (
    AgentHealth,
    AgentStatus,
    CoordinatorState,
    Priority,
    SubmitOp,
    TaskStatus,
)
from tests.support.brokers import BROKERS, HOST, BrokerAddress, chosen_brokers, free_port

TOPICS = Topics()
WITHIN_S = 60.0
COORDINATOR: dict[str, Any] = {"ts_ms": 1, "coord": "stand-in", "term": 1}
Answer = Callable[[Submit], dict[str, Any] | None]


class StandIn:
    """A coordinator that says what the test wants and answers requests by a function."""

    def __init__(self, broker: BrokerAddress) -> None:
        self.asked: list[Submit] = []
        self.answer: Answer = lambda _submit: {"ok": True}
        self._ready = threading.Event()
        self._paho = paho.Client(
            CallbackAPIVersion.VERSION2, "coordinator", reconnect_on_failure=False
        )
        if broker.coordinator_password:
            self._paho.username_pw_set("coordinator", broker.coordinator_password)
        self._paho.on_message = self._on_message
        self._paho.on_subscribe = lambda *_: self._ready.set()
        self._paho.connect(broker.host, broker.port)
        self._paho.loop_start()
        self._paho.subscribe(TOPICS.under("submit/+"), 1)
        assert self._ready.wait(WITHIN_S)

    def say(self, topic: str, message: Message | None) -> None:
        payload = b"" if message is None else codec.encode(message)
        self._paho.publish(topic, payload, qos=1, retain=True).wait_for_publish(WITHIN_S)

    def say_state(self, state: CoordinatorState, reason: str | None = None) -> None:
        topic = TOPICS.coordinator(CoordinatorChannel.PRESENCE)
        self.say(topic, CoordinatorPresence(**COORDINATOR, state=state, reason=reason))

    def say_task(self, name: str, status: TaskStatus, **more: Any) -> None:
        self.say(TOPICS.task(name), task(name, status, **more))

    def close(self) -> None:
        self._paho.disconnect()
        self._paho.loop_stop()

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        address = TOPICS.parse(message.topic)
        assert isinstance(address, SubmitTopic)
        submit = codec.decode(Submit, bytes(message.payload))
        self.asked.append(submit)
        answer = self.answer(submit)
        if answer is not None:
            reply = Reply(**{**COORDINATOR, "request_id": submit.request_id, **answer})
            self._paho.publish(TOPICS.replies(address.client), codec.encode(reply), qos=1)


def task(name: str, status: TaskStatus, **more: Any) -> TaskView:
    given = {**COORDINATOR, "priority": Priority.NORMAL, "phase": status.value, **more}
    return TaskView(task=name, name="hello", mode="quest", status=status, created_ms=1, **given)


def document(view: TaskView) -> dict[str, Any]:
    return view.model_dump(mode="json", exclude_none=True)


@pytest.fixture(scope="module", params=chosen_brokers())
def broker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrokerAddress]:
    with BROKERS[request.param](tmp_path_factory.mktemp("broker")) as address:
        yield address


@pytest.fixture
def coordinator(broker: BrokerAddress) -> Iterator[StandIn]:
    stand_in = StandIn(broker)
    stand_in.say_state(CoordinatorState.ONLINE)
    yield stand_in
    stand_in.close()


@pytest.fixture
def bus(broker: BrokerAddress) -> Iterator[Bus]:
    with Bus(Address.parse(broker.url()), "fleet", operator=True) as opened:
        yield opened


@pytest.fixture
def fleetbus(
    broker: BrokerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")  # test runners set it to their own width
    return lambda *words: CliRunner().invoke(app, [*words, "--broker", broker.url()])


def test_nobody_at_the_address_is_one_clear_line() -> None:
    address = Address(HOST, free_port())
    with (
        pytest.raises(BrokerUnreachable, match=rf"no broker answers at {address} \(Conn.*up`"),
        Bus(address, "fleet"),
    ):
        pass


def test_a_bus_without_a_coordinator_is_told_from_a_silent_one(
    bus: Bus, coordinator: StandIn
) -> None:
    coordinator.answer = lambda _submit: None
    with pytest.raises(CoordinatorSilent, match=r"is online but did not answer within 0\.2 s"):
        bus.request(SubmitOp.GET, timeout=0.2)
    coordinator.say_state(CoordinatorState.OFFLINE)
    with pytest.raises(CoordinatorSilent, match="is offline; start it with `fleetbus up`"):
        bus.request(SubmitOp.GET, timeout=0.2)
    coordinator.say(TOPICS.coordinator(CoordinatorChannel.PRESENCE), None)
    with pytest.raises(CoordinatorSilent, match=r"no coordinator is on mqtt://.* under 'fleet'"):
        bus.request(SubmitOp.GET, timeout=0.2)


def test_a_lost_request_is_repeated_under_the_same_id(
    bus: Bus, coordinator: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinator.cli.bus.RESEND_S", 0.1)
    coordinator.answer = lambda _s: {"ok": True} if len(coordinator.asked) == 2 else None
    assert bus.request(SubmitOp.CANCEL, task="t1").ok
    assert len({submit.request_id for submit in coordinator.asked}) == 1


def test_an_answer_to_another_request_is_not_taken_for_ours(bus: Bus, coordinator: StandIn) -> None:
    coordinator.answer = lambda _s: {"ok": True, "request_id": "another"}
    with pytest.raises(CoordinatorSilent):
        bus.request(SubmitOp.GET, timeout=0.2)


def test_a_snapshot_is_complete_and_does_not_wait_for_silence(
    bus: Bus, coordinator: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wait in ("NO_MARKER_QUIET_S", "SNAPSHOT_S"):  # who waited would do so for ever
        monkeypatch.setattr(f"coordinator.cli.bus.{wait}", math.inf)
    for n in range(300):
        coordinator.say_task(f"many-{n}", TaskStatus.COMPLETED)
    found = bus.snapshot([TOPICS.under("tasks/+")])
    assert sum("/tasks/many-" in topic for topic in found) == 300
    for n in range(300):
        coordinator.say(TOPICS.task(f"many-{n}"), None)


def test_an_added_task_is_told_with_its_id(
    fleetbus: Callable[..., Result], coordinator: StandIn
) -> None:
    coordinator.answer = lambda _s: {"ok": True, "task": "t1"}
    words = ("task", "add", "--name", "hello", "--mode", "quest", "--args", '{"n": 1}')
    said = fleetbus(*words, "--priority", "high")
    assert (said.exit_code, said.output) == (0, "✔ added t1\n")
    (submit,) = coordinator.asked
    assert submit.spec is not None
    assert (submit.op, submit.spec.priority, submit.spec.args) == ("create", "high", {"n": 1})


def test_a_refusal_is_an_error_with_its_code(
    fleetbus: Callable[..., Result], coordinator: StandIn
) -> None:
    coordinator.answer = lambda _s: {"ok": False, "code": "unknown_task", "message": "no \x1b[2J"}
    said = fleetbus("task", "cancel", "t1")
    assert (said.exit_code, said.stdout, said.stderr) == (1, "", "✖ unknown_task: no [2J\n")
    as_json = fleetbus("task", "cancel", "t1", "--json")
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout)["code"] == "unknown_task"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--args", "[1]"), "--args: not a JSON object (not_an_object: a JSON list)"),
        (("--args", "{"), "--args: not a JSON object (not_json:"),
        (("--mode", "Quest!"), "--mode: String should match pattern"),
    ],
)
def test_a_mistake_in_a_task_is_found_before_anybody_is_asked(
    fleetbus: Callable[..., Result], words: tuple[str, str], said: str
) -> None:
    given = {"--name": "hello", "--mode": "quest", words[0]: words[1]}
    result = fleetbus("task", "add", *(word for pair in given.items() for word in pair))
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(
    ("status", "exit_code"),
    [(TaskStatus.COMPLETED, 0), (TaskStatus.FAILED, 1), (TaskStatus.CANCELLED, 1)],
)
def test_waiting_for_a_task_succeeds_only_when_it_completed(
    fleetbus: Callable[..., Result], coordinator: StandIn, status: TaskStatus, exit_code: int
) -> None:
    def answer(submit: Submit) -> dict[str, Any]:
        if submit.op is SubmitOp.CREATE:
            coordinator_says = threading.Thread(target=run)
            coordinator_says.start()
        return {"ok": True, "task": "w1", "data": document(task("w1", TaskStatus.PENDING))}

    def run() -> None:
        coordinator.say_task("w1", TaskStatus.RUNNING, agent="Main", pct=40.0)
        coordinator.say_task("w1", status, result={"found": 3}, error=None)

    coordinator.answer = answer
    said = fleetbus("task", "add", "--name", "hello", "--mode", "quest", "--wait", "--json")
    assert said.exit_code == exit_code
    assert json.loads(said.stdout)["status"] == status.value
    assert f"w1: {status.value}" in said.stderr
    coordinator.say(TOPICS.task("w1"), None)


def test_tasks_are_listed_from_the_store_and_the_topics(
    fleetbus: Callable[..., Result], coordinator: StandIn
) -> None:
    stored = [document(task(name, TaskStatus.PENDING)) for name in ("p1", "r1")]
    coordinator.answer = lambda _s: {"ok": True, "data": {"tasks": stored, "total": 9}}
    coordinator.say_task("r1", TaskStatus.RUNNING, agent="Main")
    listed = json.loads(fleetbus("tasks", "--json").stdout)
    assert [(one["task"], one["status"]) for one in listed] == [
        ("p1", "pending"),
        ("r1", "running"),
    ]
    assert [
        one["task"] for one in json.loads(fleetbus("tasks", "--status", "running", "--json").stdout)
    ] == ["r1"]
    said = fleetbus("tasks").stdout
    assert "▶ running" in said
    assert "2 of 9 tasks were looked at" in said
    coordinator.say(TOPICS.task("r1"), None)


def test_agents_are_listed_without_their_tricks(
    fleetbus: Callable[..., Result], coordinator: StandIn
) -> None:
    card = Registry(
        **COORDINATOR,
        agent="Main",
        status=AgentStatus.IDLE,
        health=AgentHealth.CRITICAL,
        reasons=("[blink]\x1b]0;owned\x07",),
    )
    coordinator.say(TOPICS.registry("Main"), card)
    said = fleetbus("agents")
    assert said.exit_code == 0
    assert "✖ critical" in said.stdout
    assert "[blink]]0;owned" in said.stdout
    assert "\x1b" not in said.stdout
    (listed,) = json.loads(fleetbus("agents", "--json").stdout)
    assert (listed["agent"], listed["status"]) == ("Main", "idle")
    coordinator.say(TOPICS.registry("Main"), None)
    assert "No agents yet" in fleetbus("agents").stdout
