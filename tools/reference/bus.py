"""The page of the bus: every topic, who may use it, and every message's fields."""

from collections.abc import Iterator
from typing import Any, Final

from protocol.access import HOME_ASSISTANT, TABLE, Role
from protocol.codec import MAX_BYTES
from protocol.messages import Message
from protocol.schemas import SPOKEN_ON
from protocol.topics import matches
from tools.reference.markdown import code, prose, table
from tools.reference.shapes import Shapes, definitions_of, link, sections

HEAD: Final = """# The bus

Topics lie below `<root>/v1/`; `<root>` is `fleet` unless the settings say otherwise. Payloads are
JSON objects in UTF-8. Unknown fields are ignored; an illegal value in a known one makes the message
invalid: it is dropped and counted. The JSON Schema of every message is in `docs/schemas/`.

## Topics, and who may use them

`own` means: on the topic that bears one's own name.
"""
OUTSIDE: Final = (
    "Outside of the root, the coordinator may announce agents on "
    f"`{HOME_ASSISTANT}/device/+/config`, and operators and observers may read "
    f"`{HOME_ASSISTANT}/#`. A last will may be left on one's own `presence` only.\n"
)
OWN: Final = ("{agent}", "{host}", "{client}")


def page() -> str:
    """Return the page."""
    head = ("topic", "message", *(role.value for role in Role))
    rows = [
        (code(topic), link(model.__name__), *(_rights(topic, role) for role in Role))
        for topic, model in SPOKEN_ON.items()
    ]
    schemas = {model: model.model_json_schema() for model in SPOKEN_ON.values()}
    shapes = Shapes(definitions_of(schemas.values()))
    messages = (_message(model, schema, shapes) for model, schema in schemas.items())
    return "\n".join(
        [
            HEAD,
            table(head, rows),
            OUTSIDE,
            *(line for message in messages for line in message),
            "## Parts of messages\n",
            *sections(shapes, "###"),
        ]
    )


def _rights(topic: str, role: Role) -> str:
    """Say whether *role* may write on *topic*, read it, or both."""
    mine, plain, grant = topic, topic.replace("{", "").replace("}", ""), TABLE[role]
    for name in OWN:
        mine = mine.replace(name, "{self}")
    said = []
    for verb, patterns in (("writes", grant.publish), ("reads", grant.subscribe)):
        if any(matches(pattern, plain) for pattern in patterns):
            said.append(verb)
        elif any(matches(pattern, mine) for pattern in patterns):
            said.append(f"{verb} own")
    return ", ".join(said)


def _message(model: type[Message], schema: dict[str, Any], shapes: Shapes) -> Iterator[str]:
    yield f"## {model.__name__}\n"
    topic = next(topic for topic, spoken in SPOKEN_ON.items() if spoken is model)
    most = f" At most {MAX_BYTES[model]:,} bytes." if model in MAX_BYTES else ""
    yield f"On `{topic}`.{most} {prose(model.__doc__)}\n"
    yield shapes.fields(schema)
