"""nats-server 2.15 with its MQTT gateway: one configuration file.

Topics become subjects: ``/`` is ``.``, ``+`` is ``*``, and ``x/#``, which selects ``x`` too, is
``x`` and ``x.>``. A forbidden message is acknowledged and dropped. Passwords stand in the file as
they are, so it is its owner's alone. A user may take any client id: client ids carry a suffix that
nobody can guess, and the identity is the username.
"""

import json
from collections.abc import Sequence
from typing import Final

from broker.others.people import NOTE, Person, Site
from protocol.topics import Topics

_DELIVERY: Final = "$MQTT.sub.>"
"""Where the gateway hears for a subscription at QoS 1; without it such a one is refused."""


def files(topics: Topics, people: Sequence[Person], site: Site) -> dict[str, str]:
    """Return the content of each file by its name."""
    return {"nats-server.conf": _configuration(topics, people, site)}


def subjects(pattern: str) -> list[str]:
    """Return the subjects that the MQTT filter *pattern* selects."""
    if pattern == "#":
        return [">"]
    head, rest, _ = pattern.partition("/#") if pattern.endswith("/#") else (pattern, "", "")
    plain = head.replace("/", ".").replace("+", "*")
    return [plain, f"{plain}.>"] if rest else [plain]


def _configuration(topics: Topics, people: Sequence[Person], site: Site) -> str:
    users = [_user(topics, one) for one in people]
    tls = ""
    if site.certs is not None:
        cert, key = site.certs / "server.pem", site.certs / "server.key"
        tls = f"\n  tls {{ cert_file: {json.dumps(str(cert))}, key_file: {json.dumps(str(key))} }}"
    return f"""# {NOTE}
server_name: fleetbus
# Its own protocol is for other servers and tools of this machine only.
host: "127.0.0.1"
port: -1
jetstream {{ store_dir: {json.dumps(str(site.store))} }}
mqtt {{
  host: "{site.host}"
  port: {site.port}
  ack_wait: "30s"
  max_ack_pending: 1000{tls}
}}
authorization {{
  users: [
{chr(10).join(users)}
  ]
}}
"""


def _user(topics: Topics, one: Person) -> str:
    granted = one.rights(topics)
    publish = [subject for pattern in granted.publish for subject in subjects(pattern)]
    subscribe = [subject for pattern in granted.subscribe for subject in subjects(pattern)]
    permissions = {
        "publish": {"allow": publish} if publish else {"deny": [">"]},
        "subscribe": {"allow": [*subscribe, _DELIVERY]},
    }
    return (
        f"    # {one.role.value}\n"
        f"    {{ user: {json.dumps(one.name)}, password: {json.dumps(one.secret)}, "
        f"permissions: {json.dumps(permissions)} }}"
    )
