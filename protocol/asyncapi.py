"""The bus as an AsyncAPI 3 document, generated from the models so that they cannot differ."""

from typing import Any, Final

from protocol.limits import PROTOCOL_VERSION
from protocol.schemas import SPOKEN_ON, schemas

_SPEAKERS: Final = {"agents": "agent", "hosts": "host", "submit": "client"}
_QOS_0: Final = frozenset({"heartbeat", "metrics", "lease", "summary", "registry", "tasks"})
_NOT_RETAINED: Final = frozenset({"report", "lease", "rollcall", "events", "submit", "replies"})


def document() -> dict[str, Any]:
    """Return the whole document; the operations are those of the application that speaks."""
    channels, operations, messages = {}, {}, {}
    components: dict[str, Any] = {}
    for topic, model in SPOKEN_ON.items():
        name, levels = model.__name__, topic.split("/")
        last = levels[-1] if not levels[-1].startswith("{") else levels[0]
        parameters = {
            level[1:-1]: {"description": f"The name of the {level[1:-1]}."}
            for level in levels
            if level.startswith("{")
        }
        channels[name] = {
            "address": f"fleet/v1/{topic}",
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
            **({"parameters": parameters} if parameters else {}),
        }
        operations[f"say{name}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{name}"},
            "summary": f"Said by the {_SPEAKERS.get(levels[0], 'coordinator')}.",
            "bindings": {
                "mqtt": {
                    "qos": 0 if last in _QOS_0 else 1,
                    "retain": last not in _NOT_RETAINED,
                    "bindingVersion": "0.2.0",
                }
            },
        }
        messages[name] = {
            "name": name,
            "contentType": "application/json",
            "payload": {"$ref": f"#/components/schemas/{name}"},
        }
        components |= _flat(name, schemas()[f"{name}.json"])
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "fleetbus",
            "version": PROTOCOL_VERSION,
            "description": "What is said on the bus. docs/protocol.md tells when, and why.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": components},
    }


def _flat(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Lift the definitions inside of *schema* beside it, under names of their own."""
    inner = schema.pop("$defs", {})
    schema.pop("$schema", None)
    known = {f"#/$defs/{key}": f"#/components/schemas/{name}.{key}" for key in inner}
    every = {name: schema, **{f"{name}.{key}": value for key, value in inner.items()}}
    return {key: _pointed(value, known) for key, value in every.items()}


def _pointed(value: Any, known: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {
            key: known.get(inner, inner) if key == "$ref" else _pointed(inner, known)
            for key, inner in value.items()
        }
    return [_pointed(inner, known) for inner in value] if isinstance(value, list) else value
