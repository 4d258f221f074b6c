"""Agents as devices of Home Assistant: one retained message each, for its discovery over MQTT.

The message only says where to look: everything shown is read from topics that are there anyway. It
is said again when it would differ, and cleared when an agent is forgotten. Its form is Home
Assistant's device-based discovery, which refuses what it does not know at the top.
"""

import importlib.metadata
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from coordinator.core.agents import Agent
from coordinator.shell.outgoing import Said
from protocol.access import HOME_ASSISTANT
from protocol.topics import AgentChannel, CoordinatorChannel, Topics
from protocol.vocabulary import AgentHealth, AgentStatus

MAKER: Final = "fleetbus"
THERE: Final = "{{ 'online' if value_json.state in ('online', 'recovering') else 'offline' }}"
AGENT_THERE: Final = "{{ 'offline' if value_json.state in ('offline', 'lost') else 'online' }}"
METRICS: Final[dict[str, tuple[str, str | None, str | None]]] = {
    "cpu_usage": ("CPU", "%", None),
    "memory_usage": ("Memory", "%", None),
    "response_time": ("Response time", "ms", "duration"),
    "fps": ("Frames per second", "fps", None),
    "network_latency": ("Network latency", "ms", "duration"),
}
"""The known metrics: a name, the unit, and Home Assistant's class of such a number."""


@dataclass(slots=True)
class Devices:
    """What Home Assistant was told of each agent."""

    topics: Topics
    _told: dict[str, bytes] = field(default_factory=dict)

    def tell(self, agent: Agent) -> list[Said]:
        """Say what is to be shown of *agent*, if that was not said already."""
        payload = orjson.dumps(device(self.topics, agent))
        if self._told.get(agent.name) == payload:
            return []
        self._told[agent.name] = payload
        return [Said(self._topic(agent.name), payload)]

    def clear(self, name: str) -> list[Said]:
        """Let Home Assistant forget an agent."""
        self._told.pop(name, None)
        return [Said(self._topic(name), b"")]

    def tell_again(self) -> None:
        """Believe nothing to be known: the broker may have forgotten it."""
        self._told.clear()

    def _topic(self, name: str) -> str:
        return f"{HOME_ASSISTANT}/device/{_id(self.topics, name)}/config"


def device(topics: Topics, agent: Agent) -> dict[str, Any]:
    """Describe *agent* as a device."""
    name, ours = agent.name, _id(topics, agent.name)
    card, version = topics.registry(name), importlib.metadata.version(MAKER)
    info = agent.info
    described = {
        "identifiers": [ours],
        "name": name,
        "manufacturer": MAKER,
        "model": "agent",
        "sw_version": info.client.version if info is not None and info.client else None,
        "suggested_area": info.machine_id if info is not None else agent.policy.machine_id or None,
    }
    components = {
        "status": _enum("Status", AgentStatus, "status", "mdi:robot"),
        "health": _enum("Health", AgentHealth, "health", "mdi:heart-pulse"),
        "tasks": {
            "platform": "sensor",
            "name": "Tasks",
            "value_template": "{{ value_json.holds | count }}",
            "state_class": "measurement",
            "json_attributes_topic": card,
        },
        "errors_today": {
            "platform": "sensor",
            "name": "Errors today",
            "value_template": "{{ value_json.errors_today }}",
            "entity_category": "diagnostic",
        },
        "problem": {
            "platform": "binary_sensor",
            "name": "Problem",
            "device_class": "problem",
            "value_template": "{{ 'ON' if value_json.health == 'critical' "
            "or value_json.status == 'error' else 'OFF' }}",
        },
        **{key: _metric(topics, name, key) for key in METRICS if key in agent.metrics},
    }
    return {
        "device": {key: value for key, value in described.items() if value is not None},
        "origin": {"name": MAKER, "sw_version": version},
        "state_topic": card,
        "availability": [_coordinator(topics)],
        "components": {
            key: component | {"unique_id": f"{ours}_{key}"} for key, component in components.items()
        },
    }


def _enum(name: str, words: type[AgentStatus | AgentHealth], key: str, icon: str) -> dict[str, Any]:
    return {
        "platform": "sensor",
        "name": name,
        "device_class": "enum",
        "options": [word.value for word in words],
        "value_template": f"{{{{ value_json.{key} }}}}",
        "icon": icon,
    }


def _metric(topics: Topics, agent: str, key: str) -> dict[str, Any]:
    """Describe a number, which is only there while its agent is."""
    name, unit, device_class = METRICS[key]
    presence = topics.agent(agent, AgentChannel.PRESENCE)
    sensor = {
        "platform": "sensor",
        "name": name,
        "state_topic": topics.agent(agent, AgentChannel.METRICS),
        "value_template": f"{{{{ value_json.m.{key} | default(none) }}}}",
        "unit_of_measurement": unit,
        "state_class": "measurement",
        "suggested_display_precision": 0,
        "availability_mode": "all",
        "availability": [
            _coordinator(topics),
            {"topic": presence, "value_template": AGENT_THERE},
        ],
    }
    return sensor if device_class is None else sensor | {"device_class": device_class}


def _coordinator(topics: Topics) -> dict[str, str]:
    return {
        "topic": topics.coordinator(CoordinatorChannel.PRESENCE),
        "value_template": THERE,
    }


def _id(topics: Topics, agent: str) -> str:
    """Name an agent among all devices; a root of several levels has slashes in it."""
    return f"{topics.root.replace('/', '_')}_{agent}"
