"""As whom the parts on this machine are on the bus: no two by a name that only one may have."""

from pathlib import Path

import pytest

from coordinator.cli.local_secrets import secret_file, with_local_operator, write_secret
from coordinator.cli.web_commands import connections_of
from coordinator.settings import CoordinatorSettings


@pytest.fixture
def chosen(tmp_path: Path) -> CoordinatorSettings:
    """Name another broker, with the coordinator's credentials."""
    return CoordinatorSettings(data=tmp_path, broker="mqtt://coordinator:its-own@there:1")


def generated(chosen: CoordinatorSettings) -> None:
    """Write secrets as `fleetbus broker config` does."""
    for name in ("local-operator", "local-starter", "control-room", "coordinator-web"):
        write_secret(secret_file(chosen, name), f"secret of {name}")


def test_a_command_is_not_the_coordinator_where_it_may_be_somebody_else(
    chosen: CoordinatorSettings,
) -> None:
    assert with_local_operator(chosen).username == "coordinator"
    generated(chosen)
    address = with_local_operator(chosen)
    assert (address.username, address.password) == ("local-operator", "secret of local-operator")
    assert with_local_operator(chosen, starter=True).username == "local-starter"


def test_a_name_of_ones_own_is_kept(chosen: CoordinatorSettings) -> None:
    generated(chosen)
    ann = chosen.model_copy(update={"broker": "mqtt://ann:hers@there:1"})
    assert with_local_operator(ann, starter=True).username == "ann"


def test_on_our_own_broker_the_starter_is_the_operator(tmp_path: Path) -> None:
    own = CoordinatorSettings(data=tmp_path)
    assert with_local_operator(own, starter=True).username is None
    write_secret(secret_file(own, "local-operator"), "its secret")
    assert with_local_operator(own, starter=True).username == "local-operator"


def test_the_control_room_has_names_of_its_own(chosen: CoordinatorSettings) -> None:
    found = connections_of(chosen)
    assert (found.operator.username, found.gateway) == (None, chosen.broker_address)
    generated(chosen)
    found = connections_of(chosen)
    assert found.gateway is not None
    assert (found.operator.username, found.gateway.username) == ("control-room", "coordinator-web")
