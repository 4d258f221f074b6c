"""EMQX 5: a configuration to include, an access file and a file of users.

EMQX checks publishing and subscribing, and a will when it is sent. Users are read once, at the
first start, into EMQX's own database; later ones are added there.
"""

import hashlib
import json
from collections.abc import Sequence

from broker.others.people import NOTE, Person, Site
from protocol.topics import Topics


def files(topics: Topics, people: Sequence[Person], site: Site) -> dict[str, str]:
    """Return the content of each file by its name."""
    return {
        "fleetbus.hocon": _configuration(site),
        "acl.conf": _access(topics, people),
        "users.csv": _users(people),
    }


def _configuration(site: Site) -> str:
    kind, tls = "tcp", ""
    if site.certs is not None:
        cert, key = site.certs / "server.pem", site.certs / "server.key"
        kind = "ssl"
        tls = (
            f"\n  ssl_options {{ certfile = {json.dumps(str(cert))}, "
            f"keyfile = {json.dumps(str(key))} }}"
        )
    return f"""## {NOTE}
## Include it at the end of emqx.conf:  include "{site.folder / "fleetbus.hocon"}"
listeners.{kind}.default {{
  bind = "{site.host}:{site.port}"{tls}
}}
mqtt {{
  max_packet_size = 1MB
  max_mqueue_len = 20000
  max_inflight = 1000
  ## Nobody can take another's client id, and with it its connection.
  use_username_as_clientid = true
}}
authentication = [{{
  mechanism = password_based
  backend = built_in_database
  user_id_type = username
  password_hash_algorithm {{ name = sha256, salt_position = disable }}
  bootstrap_file = {json.dumps(str(site.folder / "users.csv"))}
  bootstrap_type = hash
}}]
authorization {{
  no_match = deny
  deny_action = ignore
  sources = [{{ type = file, enable = true, path = {json.dumps(str(site.folder / "acl.conf"))} }}]
}}
"""


def _access(topics: Topics, people: Sequence[Person]) -> str:
    lines = [f"%% {NOTE}"]
    for one in people:
        granted = one.rights(topics)
        who = f"{{user, {json.dumps(one.name)}}}"
        lines.append(f"%% {one.role.value}")
        if granted.publish:
            lines.append(f"{{allow, {who}, publish, {json.dumps(list(granted.publish))}}}.")
        lines.append(f"{{allow, {who}, subscribe, {json.dumps(list(granted.subscribe))}}}.")
    return "\n".join([*lines, "{deny, all}."]) + "\n"


def _users(people: Sequence[Person]) -> str:
    hashes = {one.name: hashlib.sha256(one.secret.encode()).hexdigest() for one in people}
    rows = (f"{name},{hashed},,false" for name, hashed in hashes.items())
    return "\n".join(["user_id,password_hash,salt,is_superuser", *rows]) + "\n"
