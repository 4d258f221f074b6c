"""JSON Schemas of every message, generated from the models so that they cannot differ.

Whoever writes an agent in another language validates against these; ``tools/write_schemas.py``
writes them to ``docs/schemas/`` and a test keeps the files true.
"""

from typing import Any, Final

from protocol.messages import (
    CoordinatorPresence,
    Desired,
    FleetEvent,
    Heartbeat,
    HostActual,
    HostDesired,
    HostMetrics,
    HostPresence,
    Info,
    Lease,
    Message,
    Metrics,
    Presence,
    Registry,
    Reply,
    Report,
    RollCall,
    Submit,
    Summary,
    TaskView,
)

SPOKEN_ON: Final[dict[str, type[Message]]] = {
    "agents/{agent}/presence": Presence,
    "agents/{agent}/info": Info,
    "agents/{agent}/heartbeat": Heartbeat,
    "agents/{agent}/metrics": Metrics,
    "agents/{agent}/report": Report,
    "inbox/{agent}/desired": Desired,
    "inbox/{agent}/lease": Lease,
    "hosts/{host}/presence": HostPresence,
    "hosts/{host}/actual": HostActual,
    "hosts/{host}/metrics": HostMetrics,
    "hosts/{host}/desired": HostDesired,
    "registry/{agent}": Registry,
    "tasks/{task}": TaskView,
    "coordinator/presence": CoordinatorPresence,
    "coordinator/summary": Summary,
    "coordinator/rollcall": RollCall,
    "events": FleetEvent,
    "submit/{client}": Submit,
    "replies/{client}": Reply,
}
"""Every topic below ``<root>/v1/`` and the message that is said on it."""


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of every message, by the name of its file."""
    documents = {}
    for topic, model in SPOKEN_ON.items():
        document = model.model_json_schema()
        document["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        document["description"] = f"{document.get('description', '')}\n\nTopic: <root>/v1/{topic}"
        documents[f"{model.__name__}.json"] = document
    return documents
