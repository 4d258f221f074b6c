"""The secrets of those on the broker's own machine, so that a secure bus costs nobody a command.

Once somebody is enrolled, our own broker may refuse unknown names. So the command line of this
machine and the agents that `fleetbus up` starts get secrets of their own, in the data directory,
which whoever can read could command the fleet anyway.
"""

import os
import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from coordinator.address import BrokerAddress
from coordinator.settings import CoordinatorSettings, read_secret

COORDINATOR: Final = "coordinator"
LOCAL_OPERATOR: Final = "local-operator"
DOCTOR: Final = "doctor"
DOCTORS_COORDINATORS: Final = ("coordinator-doctor", "coordinator-doctor-2")
"""As whom `fleetbus doctor` tries what agents may do, and watches with a coordinator's eyes."""
LOCAL_STARTER: Final = "local-starter"
"""As whom `fleetbus up` looks on, on other brokers than ours: there a name may have only one
connection, so that two parts with one name would throw each other out."""
CONTROL_ROOM: Final = "control-room"
CONTROL_ROOMS_COORDINATOR: Final = "coordinator-web"
"""As whom, there, the control room asks, and speaks for agents that speak HTTP."""


def enroll_here(
    chosen: CoordinatorSettings, agents: Sequence[str], hosts: Sequence[str] = ()
) -> None:
    """Give the command line and the others their secrets, once our own broker asks for any."""
    if not (chosen.is_exposed or chosen.require_credentials):
        return
    from broker.credentials.file import CredentialsFile
    from broker.credentials.records import Book, fingerprint
    from protocol.access import Role

    file = CredentialsFile(chosen.credentials_file)
    if not file.load().lets_somebody_in and not chosen.require_credentials:
        return  # the broker will refuse to start, and say what to do
    wanted = dict.fromkeys((*agents, DOCTOR), Role.AGENT) | {LOCAL_OPERATOR: Role.OPERATOR}
    wanted |= dict.fromkeys(hosts, Role.HOST)
    fresh: dict[str, str] = {}

    def decide(book: Book) -> Book:
        for name, role in wanted.items():
            if name not in book.entries:  # nor one that was revoked
                fresh[name] = secrets.token_urlsafe(32)
                book = book.grant(name, role, fingerprint(fresh[name]))
        return book

    file.change(decide)
    for name, secret in fresh.items():
        write_secret(secret_file(chosen, name), secret)


def secret_file(chosen: CoordinatorSettings, name: str) -> Path:
    """Say where the secret of *name* is, if it belongs to this machine."""
    return chosen.data.absolute() / "secrets" / f"{name}.secret"


def write_secret(file: Path, secret: str) -> None:
    """Write *secret* for its owner's eyes only, in the place of an earlier one."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_suffix(f".{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(secret + "\n")
    draft.replace(file)


def with_local_operator(chosen: CoordinatorSettings, *, starter: bool = False) -> BrokerAddress:
    """Return the broker to speak to, as this machine's operator if the broker knows one.

    So does whoever is told to be the coordinator: it could throw out the coordinator itself.
    The *starter* of a fleet has a name of its own where it needs one.
    """
    address = chosen.broker_address
    if chosen.broker is not None and not is_coordinators(address):
        return address
    return (
        (known_as(chosen, address, LOCAL_STARTER) if starter else None)
        or known_as(chosen, address, LOCAL_OPERATOR)
        or address
    )


def is_coordinators(address: BrokerAddress) -> bool:
    """Say whether *address* holds the credentials of a coordinator."""
    name = address.username or ""
    return name == COORDINATOR or name.startswith(f"{COORDINATOR}-")


def known_as(
    chosen: CoordinatorSettings, address: BrokerAddress, name: str
) -> BrokerAddress | None:
    """Return *address* for *name*, None if its secret is not here."""
    file = secret_file(chosen, name)
    return replace(address, username=name, password=read_secret(file)) if file.exists() else None


def files_of(chosen: CoordinatorSettings, agent: str) -> dict[str, str]:
    """Return the variables that tell a local *agent* its secret and whom to trust."""
    file, address = secret_file(chosen, agent), chosen.broker_address
    variables = {}
    if file.exists():
        variables["FLEETBUS_PASSWORD_FILE"] = str(file)
    elif chosen.password_file is not None:
        variables["FLEETBUS_PASSWORD_FILE"] = ""  # the coordinator's own is not for an agent
    if address.ca_file is not None:
        variables["FLEETBUS_CA_FILE"] = str(address.ca_file.absolute())
    return variables
