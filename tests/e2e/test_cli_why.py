"""The commands that explain, over a real broker, with the answers of a real core."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from coordinator.cli.app import app
from coordinator.core.views import summary_view
from protocol.messages import Submit
from protocol.topics import CoordinatorChannel
from protocol.vocabulary import CoordinatorState
from tests.e2e.test_cli_client import TOPICS, StandIn
from tests.support.brokers import BROKERS, BrokerAddress, chosen_brokers
from tests.support.fleet import Fleet


@pytest.fixture(scope="module", params=chosen_brokers())
def broker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrokerAddress]:
    with BROKERS[request.param](tmp_path_factory.mktemp("broker")) as address:
        yield address


@pytest.fixture
def fleet() -> Fleet:
    fleet = Fleet({"mode:combat": 1})
    for name in ("A", "B"):
        fleet.agent(name, "combat")
    for _ in range(2):
        fleet.create("raid", mode="combat")
    return fleet


@pytest.fixture
def coordinator(broker: BrokerAddress, fleet: Fleet) -> Iterator[StandIn]:
    stand_in = StandIn(broker)
    stand_in.say_state(CoordinatorState.ONLINE)
    summary = summary_view(fleet.state, fleet.now)
    stand_in.say(TOPICS.coordinator(CoordinatorChannel.SUMMARY), summary)

    def answer(asked: Submit) -> dict[str, Any]:
        reply = fleet.ask(asked.op.value, task=asked.task, agent=asked.agent)
        return reply.model_dump(include={"ok", "code", "message", "task", "data"})

    stand_in.answer = answer
    yield stand_in
    stand_in.say(TOPICS.coordinator(CoordinatorChannel.SUMMARY), None)
    stand_in.close()


@pytest.fixture
def fleetbus(
    broker: BrokerAddress, coordinator: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return lambda *words: CliRunner().invoke(app, [*words, "--broker", broker.url()])


@pytest.mark.parametrize(
    ("words", "first_line"),
    [
        (("task", "why", "t1-000002"), "✖ raid (t1-000002) waits: the combat limit 1 is full"),
        (("agents", "why-idle", "A"), "▶ busy  A: it holds t1-000001"),
        (("why",), "1 task waits; 1 of 2 agents free"),
        (("summary",), "fleet"),
    ],
)
def test_the_answer_to_why_begins_with_a_sentence(
    fleetbus: Callable[..., Result], words: tuple[str, ...], first_line: str
) -> None:
    said = fleetbus(*words)
    assert said.exit_code == 0, said.output
    assert said.output.splitlines()[0].rstrip() == first_line


def test_programs_get_the_document_as_it_is(fleetbus: Callable[..., Result]) -> None:
    task = json.loads(fleetbus("task", "why", "t1-000002", "--json").output)
    assert task["headline"]["code"] == "MODE_LIMIT"
    agent = json.loads(fleetbus("agents", "why-idle", "B", "--json").output)
    assert agent["waiting"]["not_for_it"] == {"MODE_LIMIT": 1}
    assert json.loads(fleetbus("why", "--json").output)["agents"]["free"] == 1
    summary = json.loads(fleetbus("summary", "--json").output)
    assert (summary["total_tasks"], summary["tasks_by_priority"]["normal"]) == (2, 2)
    assert summary["coordinator"]["state"] == "online"


def test_the_summary_of_a_fleet_in_safe_mode_ends_its_second_line_with_the_whole_command(
    fleetbus: Callable[..., Result], coordinator: StandIn
) -> None:
    command = f"fleetbus restore --as-is --data /{'deep/' * 40}data"
    reason = f"the store is damaged. To repair it, stop this coordinator and run: {command}"
    coordinator.say_state(CoordinatorState.SAFE, reason=reason)
    said = fleetbus("summary")
    second = said.output.splitlines()[1]
    assert "safe" in second
    assert second.endswith(f"run: {command}")
    coordinator.say_state(CoordinatorState.ONLINE)


def test_who_is_not_known_is_one_clear_line(fleetbus: Callable[..., Result]) -> None:
    said = fleetbus("agents", "why-idle", "Nobody")
    assert said.exit_code == 1
    assert "not_found: there is no agent 'Nobody'" in said.output


def test_agents_without_more_words_are_still_listed(fleetbus: Callable[..., Result]) -> None:
    said = fleetbus("agents")
    assert said.exit_code == 0
    assert "coordinator" in said.output
