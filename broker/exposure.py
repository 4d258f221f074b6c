"""Whether it is careless to serve an address: the table of bind, credentials and TLS. Pure.

The loopback is served as it is. Where other machines can reach the broker it must know whom to
trust, and nobody may listen in or stand between; what is missing is named with the command that
makes it.
"""

from typing import Final

from broker.errors import Exposed
from broker.settings import BrokerSettings

ENROLL: Final = "fleetbus enroll NAME"
CERTS: Final = "fleetbus certs --host {host}"


def check(settings: BrokerSettings, *, enrolled: bool) -> str | None:
    """Return a warning to be shouted, None if all is well, or raise :class:`Exposed`."""
    if not settings.is_exposed:
        return None
    missing, commands = [], []
    if not enrolled:
        missing.append("credentials")
        commands.append(ENROLL)
    if settings.tls_cert is None:
        missing.append("TLS")
        host = "NAME-OR-ADDRESS" if settings.is_wildcard else settings.host
        commands.append(CERTS.format(host=host))
    if not missing:
        return None
    if not settings.insecure_network:
        raise Exposed(settings.host, missing, commands)
    edge = "!" * 78
    dangers = {
        "credentials": "anyone who can reach it may call itself any agent or operator",
        "TLS": "anyone on the way can read, change and forge every message and secret",
    }
    lines = "\n".join(f"!! without {one}: {dangers[one]}" for one in missing)
    fix = "; ".join(f"`{command}`" for command in commands)
    return (
        f"\n{edge}\n!! INSECURE: this broker serves {settings.host}, beyond this machine,\n{lines}"
        f"\n!! put it right with {fix}\n{edge}"
    )
