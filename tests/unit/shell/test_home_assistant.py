"""What Home Assistant is told of agents, judged by the schema that it publishes.

``SCHEMA`` says in JSON Schema what Home Assistant's own validators of device-based discovery ask
for (its MQTT integration, ``schemas.py``, and those of sensors and binary sensors): nothing unknown
beside the components, and in each component what belongs together.
"""

from typing import Any, Final

import orjson
import pytest
from jsonschema_rs import validator_for

from coordinator.core.agents import Agent
from coordinator.core.policy import AgentPolicy
from coordinator.shell.home_assistant import METRICS, Devices, device
from protocol.access import Role, rights
from protocol.topics import Topics
from protocol.vocabulary import AgentHealth, AgentStatus

TOPICS: Final = Topics("games/fleet")
TEXT: Final = {"type": "string", "minLength": 1}
TEMPLATE: Final = {"type": "string", "pattern": r"^\{\{ .+ \}\}$"}
TOPIC: Final = {"type": "string", "pattern": r"^[^+#]+$"}
AVAILABILITY: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["topic"],
        "properties": {"topic": TOPIC, "value_template": TEMPLATE},
        "additionalProperties": False,
    },
}
COMPONENT: Final = {
    "type": "object",
    "required": ["platform", "unique_id", "name", "value_template"],
    "properties": {
        "platform": {"enum": ["sensor", "binary_sensor"]},
        "unique_id": TEXT,
        "name": TEXT,
        "state_topic": TOPIC,
        "json_attributes_topic": TOPIC,
        "value_template": TEMPLATE,
        "unit_of_measurement": TEXT,
        "device_class": {"enum": ["enum", "duration", "problem"]},
        "state_class": {"enum": ["measurement"]},
        "options": {"type": "array", "items": TEXT, "minItems": 1, "uniqueItems": True},
        "icon": {"type": "string", "pattern": "^mdi:"},
        "entity_category": {"enum": ["diagnostic"]},
        "suggested_display_precision": {"type": "integer"},
        "availability": AVAILABILITY,
        "availability_mode": {"enum": ["all", "any", "latest"]},
    },
    "additionalProperties": False,
    # Options are those of an enum, which has neither unit nor state class.
    "dependentSchemas": {
        "options": {
            "properties": {
                "device_class": {"const": "enum"},
                "unit_of_measurement": False,
                "state_class": False,
            },
            "required": ["device_class"],
        }
    },
}
SCHEMA: Final = {
    "type": "object",
    "required": ["device", "components", "origin"],
    "properties": {
        "device": {
            "type": "object",
            "required": ["identifiers"],
            "properties": {
                "identifiers": {"type": "array", "items": TEXT, "minItems": 1},
                "manufacturer": TEXT,
                "model": TEXT,
                "name": TEXT,
                "sw_version": TEXT,
                "suggested_area": TEXT,
            },
            "additionalProperties": False,
        },
        "origin": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": TEXT, "sw_version": TEXT},
            "additionalProperties": False,
        },
        "components": {"type": "object", "additionalProperties": COMPONENT},
        "state_topic": TOPIC,
        "availability": AVAILABILITY,
    },
    "additionalProperties": False,
}


@pytest.fixture
def agent() -> Agent:
    agent = Agent("Main", AgentPolicy("Main", "pc"))
    agent.metrics = {"cpu_usage": 3.0, "fps": 60.0, "gold": 7.0}
    return agent


def test_a_device_is_as_the_schema_wants_it(agent: Agent) -> None:
    agent.metrics = dict.fromkeys(METRICS, 1.0)
    found = device(TOPICS, agent)
    errors = [error.message for error in validator_for(SCHEMA).iter_errors(found)]
    assert errors == []


@pytest.mark.parametrize("place", ["device", "components.status"])
def test_the_schema_notices_what_home_assistant_would_refuse(place: str, agent: Agent) -> None:
    found: dict[str, Any] = device(TOPICS, agent)
    here = found
    for part in place.split("."):
        here = here[part]
    here["colour"] = "blue"
    assert not validator_for(SCHEMA).is_valid(found)


def test_every_word_that_a_card_may_say_is_an_option(agent: Agent) -> None:
    components = device(TOPICS, agent)["components"]
    assert components["status"]["options"] == [status.value for status in AgentStatus]
    assert components["health"]["options"] == [health.value for health in AgentHealth]


def test_only_known_numbers_that_the_agent_says_are_shown(agent: Agent) -> None:
    components = device(TOPICS, agent)["components"]
    assert {"cpu_usage", "fps"} <= components.keys()
    assert not {"memory_usage", "gold"} & components.keys()


def test_ids_are_of_the_fleet_so_that_two_fleets_have_two_devices(agent: Agent) -> None:
    one, other = device(TOPICS, agent), device(Topics("other"), agent)
    assert one["device"]["identifiers"] == ["games_fleet_Main"]
    ids = {c["unique_id"] for found in (one, other) for c in found["components"].values()}
    assert len(ids) == 2 * len(one["components"])


def test_a_device_is_told_once_and_again_when_it_differs_or_was_forgotten(agent: Agent) -> None:
    devices = Devices(TOPICS)
    (said,) = devices.tell(agent)
    assert said.topic == "homeassistant/device/games_fleet_Main/config"
    assert said.retain
    assert orjson.loads(said.payload) == device(TOPICS, agent)
    agent.metrics = {**agent.metrics, "cpu_usage": 99.0}
    assert devices.tell(agent) == []
    agent.metrics = {**agent.metrics, "memory_usage": 1.0}
    assert len(devices.tell(agent)) == 1
    devices.tell_again()
    assert len(devices.tell(agent)) == 1
    (cleared,) = devices.clear("Main")
    assert (cleared.topic, cleared.payload) == (said.topic, b"")


def test_only_the_coordinator_may_say_what_devices_there_are(agent: Agent) -> None:
    topic = Devices(TOPICS).tell(agent)[0].topic
    for role in Role:
        granted = rights(TOPICS, "me", role)
        assert granted.may_publish(topic) is (role is Role.COORDINATOR)
        assert granted.may_read(topic) is (role in {Role.OPERATOR, Role.OBSERVER})
