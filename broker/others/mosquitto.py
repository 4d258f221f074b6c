"""mosquitto 2: a configuration, a password file and an access file.

mosquitto checks publishing, delivery and wills, and grants every subscription: one that is not
allowed stays silent. The identity is bound by making the client id the username.
"""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from typing import Final

from broker.others.people import NOTE, Person, Site
from protocol.topics import Topics

_ITERATIONS: Final = 101
"""mosquitto's own default; our secrets have 256 bits, which no number of rounds makes safer."""
_SALT_BYTES: Final = 12


def files(topics: Topics, people: Sequence[Person], site: Site) -> dict[str, str]:
    """Return the content of each file by its name."""
    return {
        "mosquitto.conf": _configuration(site),
        "passwords": "".join(f"{one.name}:{_hashed(one.secret)}\n" for one in people),
        "acl": _access(topics, people),
    }


def _configuration(site: Site) -> str:
    lines = [
        f"# {NOTE}",
        "per_listener_settings false",
        f"listener {site.port} {site.host}",
        "allow_anonymous false",
        f"password_file {site.folder / 'passwords'}",
        f"acl_file {site.folder / 'acl'}",
        "# Nobody can take another's client id, and with it its connection.",
        "use_username_as_clientid true",
        "persistence true",
        f"persistence_location {site.store}/",
        "# The defaults lose messages in a burst, and hold small ones back.",
        "max_queued_messages 20000",
        "max_inflight_messages 1000",
        "set_tcp_nodelay true",
        "max_packet_size 1048576",
        "max_keepalive 3600",
        "log_dest stderr",
    ]
    if site.certs is not None:
        lines += [
            f"certfile {site.certs / 'server.pem'}",
            f"keyfile {site.certs / 'server.key'}",
            "tls_version tlsv1.2",
        ]
    return "\n".join(lines) + "\n"


def _access(topics: Topics, people: Sequence[Person]) -> str:
    lines = [f"# {NOTE}"]
    for one in people:
        granted = one.rights(topics)
        lines += ["", f"# {one.role.value}", f"user {one.name}"]
        lines += [f"topic write {pattern}" for pattern in granted.publish]
        lines += [f"topic read {pattern}" for pattern in (*granted.subscribe, "$SYS/#")]
    return "\n".join(lines) + "\n"


def _hashed(secret: str) -> str:
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, _ITERATIONS)
    parts = (base64.b64encode(part).decode() for part in (salt, digest))
    return f"$7${_ITERATIONS}${'$'.join(parts)}"
