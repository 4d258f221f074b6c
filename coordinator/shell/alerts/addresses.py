"""The addresses of channels: secrets, read when they are needed and never shown.

An address may come from somebody who can write the plan's environment but should not reach into
this machine: so it must be of a service that speaks to the network, and its host may be neither
this machine nor a link-local one (where clouds keep their credentials) unless the settings say so.
"""

import ipaddress
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from coordinator.plan.upkeep import Channel
from coordinator.settings import BadSettings, read_secret
from protocol.errors import FleetBusError

_ON_THIS_MACHINE: Final = frozenset(
    {"dbus", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows", "file", "exec"}
)
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_SHORTEST_SECRET: Final = 4


class BadChannel(FleetBusError):
    """A channel cannot be used; the message names the channel, never its address."""


def address_of(name: str, channel: Channel, folder: Path, environ: Mapping[str, str]) -> str:
    """Return the address of *channel*; a file is relative to *folder*, where the plan is."""
    if channel.url_env is not None:
        address = environ.get(channel.url_env, "").strip()
        if not address:
            raise BadChannel(f"channel {name!r}: the variable {channel.url_env} is not set")
    else:
        file = folder / (channel.file or "")
        try:
            address = read_secret(file)
        except BadSettings as error:
            raise BadChannel(f"channel {name!r}: {error}") from None
    if not _SCHEME.match(address):
        where = channel.url_env or channel.url_file
        raise BadChannel(
            f"channel {name!r}: what {where} holds is no address such as "
            "discord://webhook_id/webhook_token"
        )
    return address


def check_reach(name: str, address: str, host: str | None, *, allow_local: bool) -> None:
    """Refuse an address that leads into this machine, or raise nothing."""
    scheme = urlsplit(address).scheme.lower()
    if scheme in _ON_THIS_MACHINE:
        raise BadChannel(f"channel {name!r}: {scheme}:// is of this machine, not of the network")
    if allow_local or not host:
        return
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        return  # it will not be reached either
    for text in found:
        ip = ipaddress.ip_address(str(text).partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if ip.is_loopback or ip.is_link_local or ip.is_unspecified or ip.is_multicast:
            raise BadChannel(
                f"channel {name!r}: its host is on this machine or link-local; "
                "to allow that, set alerts_to_this_machine (FLEETBUS_ALERTS_TO_THIS_MACHINE=true)"
            )


def without_secrets(text: str, address: str) -> str:
    """Remove from *text* every part of *address* that may be a secret."""
    parts = urlsplit(address)
    secrets = {address, parts.netloc, parts.path, parts.query, *re.split(r"[/@:?&=]+", address)}
    secrets |= {unquote(secret) for secret in secrets}
    for secret in sorted(secrets - {parts.scheme}, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text


ENVIRON: Final = os.environ
"""Where channels' variables are looked up; settings of this machine, not of the fleet."""
