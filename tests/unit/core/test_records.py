"""Records: what is written down of tasks and agents is read back as it was."""

import json
from typing import Any

import pytest

from coordinator.core.agents import Ledger
from coordinator.core.records import (
    agent_from,
    agent_record,
    ledger_from,
    ledger_record,
    task_from,
    task_record,
    terms_from,
    terms_record,
)
from coordinator.core.terms import Terms
from protocol.vocabulary import AgentHealth, OnLeaseLost, ReportEvent
from tests.support.fleet import Fleet

TERMS = Terms(
    capabilities=frozenset({"trading", "quest"}),
    min_health=AgentHealth.WARNING,
    concurrency_key="k",
    run_limit_ms=1,
    progress_limit_ms=2,
    cancel_grace_ms=3,
    max_attempts=4,
    on_lease_lost=OnLeaseLost.FINISH,
    estimated_ms=5,
)


def test_terms_survive() -> None:
    assert terms_from(json.loads(json.dumps(terms_record(TERMS)))) == TERMS


def test_of_terms_only_what_is_special_is_written() -> None:
    assert terms_record(Terms()) == {}


def test_a_task_survives_with_its_attempt() -> None:
    fleet = Fleet()
    fleet.agent("Main", "quest", "trading")
    fleet.agent("Alt", "quest", "trading")
    task = fleet.create(
        "hunt",
        priority="high",
        capabilities=["trading"],
        args={"zone": [1, {"deep": None}]},
        metadata={"who": "me"},
        trace="00-1",
        max_attempts=9,
    )
    fleet.report(task, ReportEvent.REJECTED, code="no_map")
    fleet.pass_time(3)
    fleet.report(task, ReportEvent.PROGRESS, pct=0.0, step="start")
    before = fleet.state.tasks[task]
    after = task_from(json.loads(json.dumps(task_record(before))))

    assert task_record(after) == task_record(before)
    assert before.attempt is not None
    assert after.attempt is not None
    assert (after.attempt.fence, after.attempt.boot, after.attempt.born) == (
        before.attempt.fence,
        before.attempt.boot,
        before.attempt.born,
    )
    assert (after.excluded, after.terms, after.args) == (before.excluded, before.terms, before.args)
    assert after.pct == 0.0


@pytest.mark.parametrize("result", [0, False, "", [], {}, {"gold": 0}])
def test_an_ended_task_survives_with_its_result_however_empty(result: Any) -> None:
    fleet = Fleet()
    fleet.agent("Main")
    task = fleet.create()
    fleet.finish(task, result=result)
    after = task_from(json.loads(json.dumps(task_record(fleet.state.tasks[task]))))

    assert after.status.value == "completed"
    assert after.result == result
    assert type(after.result) is type(result)


def test_an_agent_survives_as_one_that_is_not_there() -> None:
    fleet = Fleet()
    fleet.agent("Main", "quest", "combat", slots=3)
    before = fleet.state.agents["Main"]
    after = agent_from(json.loads(json.dumps(agent_record(before))), fleet.state.policy)

    assert (after.boot, after.epoch, after.info) == (before.boot, before.epoch, before.info)
    assert after.status.value == "offline"
    assert (after.capabilities, after.slots) == (before.capabilities, 3)


def test_a_ledger_survives_with_its_gaps() -> None:
    ledger = Ledger()
    for seq in (1, 2, 5, 4):
        ledger.add(seq)
    after = ledger_from(json.loads(json.dumps(ledger_record(ledger))))

    assert after == ledger
    assert [after.has(seq) for seq in range(1, 7)] == [True, True, False, True, True, False]
