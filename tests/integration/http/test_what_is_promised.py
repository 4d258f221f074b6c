"""The OpenAPI file is kept: every operation is called with what it takes and what it does not.

The calls go to a real control room of a fleet of its own, because they do what they say.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.control_room import ControlRoom, control_room
from tests.support.fleet_process import (
    broker_for_a_fleet,
    brokers_to_test,
    plan_of,
    running_fleet,
)

pytestmark = pytest.mark.xdist_group("promises")

EXAMPLES = 6
AWAY = {501, 503}
"""What says that somebody is away is no fault of the control room."""


@pytest.fixture(scope="module")
def own_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlRoom]:
    folder = tmp_path_factory.mktemp("promises")
    with (
        broker_for_a_fleet(brokers_to_test()[0], folder) as where,
        running_fleet(where, folder / "fleet", ["Main"], plan_of(["Main"])) as fleet,
        control_room(fleet) as room,
    ):
        yield room


SCHEMA = schemathesis.openapi.from_path(Path(__file__).parents[3] / "docs" / "openapi.json")
OPERATIONS: list[Any] = [found.ok() for found in SCHEMA.get_all_operations()]  # type: ignore[union-attr] # an Err raises
ENDLESS = "/api/orchestrator/stream"


@pytest.mark.parametrize(
    "operation",
    [one for one in OPERATIONS if one.path != ENDLESS],
    ids=lambda one: f"{one.method} {one.path}",
)
def test_every_operation_answers_as_the_file_promises(
    operation: Any, own_room: ControlRoom
) -> None:
    headers = {"Authorization": f"Bearer {own_room.secrets['admin']}"}

    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def holds(case: Any) -> None:
        answer = case.call(base_url=own_room.address, headers=headers, timeout=60)
        checks = [content_type_conformance, response_schema_conformance, status_code_conformance]
        if answer.status_code not in AWAY:
            checks.append(not_a_server_error)
        case.validate_response(answer, checks=checks)

    holds()
