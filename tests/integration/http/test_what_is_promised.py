"""The OpenAPI file is kept: every operation is called with what it takes and what it does not.

The calls go to a real control room of a fleet of its own, because they do what they say.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings

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


FILE: Final = Path(__file__).parents[3] / "docs" / "openapi.json"
ENDLESS: Final = "/api/orchestrator/stream"
VERBS: Final = {"get", "put", "post", "patch", "delete"}


def operations() -> list[str]:
    """Name every operation of the file, without loading what can call them."""
    paths: dict[str, dict[str, Any]] = json.loads(FILE.read_bytes())["paths"]
    return [
        f"{verb.upper()} {path}"
        for path, item in paths.items()
        for verb in item
        if verb in VERBS and path != ENDLESS
    ]


@pytest.fixture(scope="module")
def strategies() -> dict[str, Any]:
    """How to call each operation; it takes seconds to learn, which other workers need not."""
    import schemathesis

    found = [one.ok() for one in schemathesis.openapi.from_path(FILE).get_all_operations()]  # type: ignore[union-attr] # an Err raises
    return {f"{one.method.upper()} {one.path}": one.as_strategy for one in found}


def test_the_names_are_those_of_all_operations(strategies: dict[str, Any]) -> None:
    assert {*operations(), f"GET {ENDLESS}"} == set(strategies)


@pytest.mark.parametrize("operation", operations())
def test_every_operation_answers_as_the_file_promises(
    operation: str, strategies: dict[str, Any], own_room: ControlRoom
) -> None:
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    headers = {"Authorization": f"Bearer {own_room.secrets['admin']}"}

    @given(case=strategies[operation]())
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
