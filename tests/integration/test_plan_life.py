"""The plan's life on a real bus: applied, refused, offered, repeated, looked ahead from."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from coordinator.cli.app import app
from tests.integration.conftest import NewFleet
from tests.support.bus_client import BusClient, Where
from tests.support.fleet_process import Fleet, broker_for_a_fleet, brokers_to_test, plan_of

LIMIT: Final = "max_concurrent_quest"


@pytest.fixture(params=brokers_to_test()[:1])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Where]:
    """One broker: what is told here depends on none."""
    with broker_for_a_fleet(request.param, tmp_path) as address:
        yield address


def plan(fleet: Fleet) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((fleet.folder / "plan.json").read_text())
    return document


def with_limit(fleet: Fleet, limit: int) -> dict[str, Any]:
    return {**plan(fleet), "global_constraints": {LIMIT: limit}}


def write(fleet: Fleet, text: str) -> None:
    """Save the plan's file as an editor does: all at once."""
    new = fleet.folder / "plan.json.new"
    new.write_text(text)
    new.replace(fleet.folder / "plan.json")


@contextlib.contextmanager
def cut_short(fleet: Fleet, *agents: str) -> Iterator[None]:
    """End *agents* in the middle of their work: a test need not wait for what they do."""
    try:
        yield
    finally:
        for name in agents:
            fleet.part(name).kill()


def ask(client: BusClient, action: str, **fields: Any) -> dict[str, Any]:
    return client.ask("plan", action=action, **fields)


def event(client: BusClient, kind: str) -> dict[str, Any]:
    """Wait for a fleet event of *kind*."""

    def found() -> dict[str, Any] | None:
        told = (heard.document for heard in client.on("events"))
        return next((said for said in told if said["kind"] == kind), None)

    said = client.wait(f"the event {kind}", found)
    assert said is not None
    return said


def test_a_plan_that_raises_a_limit_lets_waiting_tasks_start(new_fleet: NewFleet) -> None:
    limits = {LIMIT: 1}
    with new_fleet("A", "B", global_constraints=limits) as fleet, cut_short(fleet, "A", "B"):
        client = fleet.client("author")
        first, second = (client.create(f"t{n}", args={"sleep": 30}) for n in range(2))
        client.wait_for(f"tasks/{first}", status="running")
        waiting = client.ask("get", task=second)["data"]
        assert (waiting["status"], waiting["blocked_by"]) == ("pending", ["MODE_LIMIT"])

        wanted = with_limit(fleet, 2)
        seen = ask(client, "diff", plan=wanted)["data"]
        (change,) = seen["changes"]
        assert change == {"path": f"global_constraints.{LIMIT}", "before": 1, "after": 2}

        reply = ask(
            client, "apply", plan=wanted, plan_version=seen["version"], reason="more at once"
        )
        assert reply["ok"], reply
        assert reply["data"]["version"] == 2
        client.wait_for(f"tasks/{second}", status="running")

        newest, oldest = ask(client, "history")["data"]["plans"]
        assert (newest["version"], newest["author"]) == (2, "author")
        assert newest["comment"] == "more at once"
        assert (oldest["version"], oldest["author"]) == (1, "file")


def test_a_limit_below_its_use_is_let_through_and_said_with_numbers(new_fleet: NewFleet) -> None:
    limits = {LIMIT: 2}
    with new_fleet("A", "B", global_constraints=limits) as fleet, cut_short(fleet, "A", "B"):
        client = fleet.client("author")
        tasks = [client.create(f"t{n}", args={"sleep": 30}) for n in range(2)]
        for task in tasks:
            client.wait_for(f"tasks/{task}", status="running")
        third = client.create("t2")
        reply = ask(client, "apply", plan=with_limit(fleet, 0), plan_version=1)
        assert reply["ok"], reply
        assert any("2 run now" in text for text in reply["data"]["warnings"])
        assert "1 pending tasks become infeasible" in reply["data"]["warnings"]
        assert [client.ask("get", task=task)["data"]["status"] for task in (*tasks, third)] == [
            "running",
            "running",
            "pending",
        ]


def test_of_two_authors_the_second_is_told_which_version_is_in_force(new_fleet: NewFleet) -> None:
    with new_fleet("A", global_constraints={LIMIT: 1}) as fleet:
        client = fleet.client("author")
        assert ask(client, "apply", plan=with_limit(fleet, 2), plan_version=1)["ok"]
        late = ask(client, "apply", plan=with_limit(fleet, 3), plan_version=1)
        assert (late["ok"], late["code"]) == (False, "conflict")
        assert "made from version 1" in late["message"]
        assert "version 2 is in force" in late["message"]
        assert ask(client, "show")["data"]["plan"]["global_constraints"] == {LIMIT: 2}
        # Without saying what it was made from, nothing is put in force at all.
        blind = ask(client, "apply", plan=with_limit(fleet, 3))
        assert (blind["ok"], blind["code"]) == (False, "bad_request")


def test_a_request_that_is_repeated_puts_a_plan_in_force_once(new_fleet: NewFleet) -> None:
    with new_fleet("A") as fleet:
        client = fleet.client("author")
        asked: dict[str, Any] = {"plan": with_limit(fleet, 2), "plan_version": 1}
        replies = [ask(client, "apply", request_id="once", **asked) for _ in range(2)]
        assert [reply["data"]["version"] for reply in replies] == [2, 2]

        # And so after a restart, when only the store remembers.
        fleet.part("coordinator").stop()
        fleet.start_coordinator()
        client.wait_for("coordinator/presence", state="online", term=2)
        again = ask(client, "apply", request_id="once", **asked)
        assert again["data"]["version"] == 2
        assert ask(client, "show")["data"]["version"] == 2


def test_a_bad_plan_is_refused_with_path_value_and_suggestion(new_fleet: NewFleet) -> None:
    with new_fleet("A", global_constraints={LIMIT: 1}) as fleet:
        client = fleet.client("author")
        bad = {**plan(fleet), "global_constraints": {"max_concurent_quest": 2, LIMIT: -1}}
        reply = ask(client, "apply", plan=bad, plan_version=1)
        assert (reply["ok"], reply["code"]) == (False, "bad_plan")
        problems = {problem["path"]: problem for problem in reply["data"]["problems"]}
        typo = problems["global_constraints.max_concurent_quest"]
        assert "max_concurrent_" in typo["suggestion"]
        assert problems[f"global_constraints.{LIMIT}"]["value"] == "-1"
        assert ask(client, "show")["data"]["plan"]["global_constraints"] == {LIMIT: 1}


def test_a_rollback_is_a_new_version_with_the_old_plan(new_fleet: NewFleet) -> None:
    with new_fleet("A", global_constraints={LIMIT: 1}) as fleet:
        client = fleet.client("author")
        assert ask(client, "apply", plan=with_limit(fleet, 2), plan_version=1)["ok"]
        reply = ask(client, "rollback", of_version=1, plan_version=2, reason="too much")
        assert reply["data"]["version"] == 3
        shown = ask(client, "show")["data"]
        assert (shown["version"], shown["rollback_of"]) == (3, 1)
        assert shown["plan"]["global_constraints"] == {LIMIT: 1}
        nothing = ask(client, "rollback", of_version=9, plan_version=3)
        assert (nothing["ok"], nothing["code"]) == (False, "not_found")


def test_an_edited_file_is_offered_and_put_in_force_by_nobody(new_fleet: NewFleet) -> None:
    with new_fleet("A", global_constraints={LIMIT: 1}) as fleet:
        client = fleet.client("author")
        write(fleet, json.dumps(with_limit(fleet, 5)))
        offered = event(client, "plan_offered")
        assert offered["data"]["version"] == 1
        assert offered["data"]["changes"] == [f"global_constraints.{LIMIT}: 1 -> 5"]
        assert ask(client, "show")["data"]["version"] == 1

        write(fleet, '{"fleet_name": ')
        refused = event(client, "plan_refused")
        assert "version 1 stays in force" in refused["text"]
        assert any("not JSON" in text for text in refused["data"]["problems"])


def test_a_coordinator_starts_with_what_was_in_force_whatever_is_in_the_file(
    new_fleet: NewFleet,
) -> None:
    with new_fleet("A", global_constraints={LIMIT: 1}) as fleet:
        client = fleet.client("author")
        assert ask(client, "apply", plan=with_limit(fleet, 2), plan_version=1)["ok"]
        fleet.part("coordinator").stop()
        write(fleet, json.dumps({**plan(fleet), "agentz": []}))
        fleet.start_coordinator()
        client.wait_for("coordinator/presence", state="online", term=2)
        refused = event(client, "plan_refused")
        assert "agentz" in refused["text"]
        assert "version 2 stays in force" in refused["text"]
        shown = ask(client, "show")["data"]
        assert (shown["version"], shown["plan"]["global_constraints"]) == (2, {LIMIT: 2})


def test_without_any_good_plan_a_coordinator_does_not_start(where: Where, tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    folder.mkdir()
    (folder / "plan.json").write_text(json.dumps({**plan_of(["A"]), "timezone": "Mars/Base"}))
    fleet = Fleet(where, folder)
    coordinator = fleet.start_coordinator()
    try:
        assert coordinator.process.wait(20) == 1
    finally:
        coordinator.end()
    assert 'timezone = "Mars/Base"' in coordinator.said()


def test_a_preview_of_the_running_fleet_tells_what_would_wait(new_fleet: NewFleet) -> None:
    limits = {LIMIT: 1}
    with new_fleet("A", "B", global_constraints=limits) as fleet, cut_short(fleet, "A", "B"):
        client = fleet.client("author")
        first, second = (client.create(f"t{n}", args={"sleep": 30}) for n in range(2))
        client.wait_for(f"tasks/{first}", status="running")

        now = ask(client, "preview", days=1.0)["data"]
        assert now["is_of_plan_in_force"]
        ahead = now["preview"]
        assert ahead["began_running"] == 1
        (run,) = ahead["runs"]
        assert run["task"] == second
        assert run["waits"][0][0] == "MODE_LIMIT"

        wider = ask(client, "preview", days=1.0, plan=with_limit(fleet, 2))["data"]
        (run,) = wider["preview"]["runs"]
        assert (run["task"], run["waits"]) == (second, [])
        closed = ask(client, "preview", days=1.0, plan=with_limit(fleet, 0))["data"]["preview"]
        assert [(never["task"], never["code"]) for never in closed["never"]] == [
            (second, "MODE_LIMIT")
        ]
        assert client.ask("get", task=second)["data"]["status"] == "pending"


def run(fleet: Fleet, *words: str, status: int = 0) -> str:
    """Run ``fleetbus plan ...`` as a person would; return what it printed."""
    there = ["--broker", fleet.where.url, "--root", fleet.where.root]
    result = CliRunner().invoke(app, ["plan", *words, *there], env={"COLUMNS": "200"})
    assert result.exit_code == status, result.output
    return result.output


def test_a_person_applies_compares_and_goes_back_at_the_terminal(
    new_fleet: NewFleet, tmp_path: Path
) -> None:
    with new_fleet("A", global_constraints={LIMIT: 1}) as fleet:
        wider = tmp_path / "wider.json"
        wider.write_text(json.dumps(with_limit(fleet, 2)))
        assert f"~ global_constraints.{LIMIT}: 1 → 2" in run(fleet, "diff", str(wider))

        said = run(fleet, "apply", str(wider), "-m", "two at once")
        assert f"~ global_constraints.{LIMIT}: 1 → 2" in said
        assert "✔ version 2 is in force" in said
        assert "says the same" in run(fleet, "apply", str(wider))
        old = str(fleet.folder / "plan.json")
        assert "conflict: " in run(fleet, "apply", old, "--made-from", "1", "--yes", status=1)

        assert "✔ version 3 is in force" in run(fleet, "rollback", "1", "-m", "too much")
        history = run(fleet, "history")
        assert "↩ version 1 too much" in history
        assert "two at once" in history
        assert json.loads(run(fleet, "show"))["global_constraints"] == {LIMIT: 1}
        shown = json.loads(run(fleet, "show", "2", "--json"))
        assert (shown["version"], shown["in_force"]) == (2, 3)
        assert "not_found" in run(fleet, "show", "9", status=1)

        assert "tasks would start" in run(fleet, "preview", "--days", "1")
        write(fleet, json.dumps(with_limit(fleet, 7)))
        assert "version 4 is in force" in run(fleet, "apply", "--offered")


def test_a_plan_too_large_for_the_bus_is_applied_from_the_coordinators_own_file(
    new_fleet: NewFleet,
) -> None:
    with new_fleet("A") as fleet:
        client = fleet.client("author")
        more = [{"name": f"Spare{n}", "capabilities": ["quest"]} for n in range(5_000)]
        large = plan(fleet)
        write(fleet, json.dumps({**large, "agents": [*large["agents"], *more]}))
        reply = ask(client, "apply", plan_version=1)
        assert reply["ok"], reply
        shown = ask(client, "show")
        assert (shown["ok"], shown["code"]) == (False, "too_large")
        assert ask(client, "history")["data"]["version"] == 2
