"""Other brokers with the configuration that `fleetbus broker config` writes for them."""

import contextlib
import functools
import importlib
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from broker.credentials.file import CredentialsFile
from broker.credentials.records import Book, fingerprint, new_secret
from broker.identity import claims_coordinator
from broker.others.people import Person, Site
from protocol.access import Role
from protocol.topics import Topics
from tests.support.brokers import (
    HABITS,
    HOST,
    BrokerAddress,
    embedded_broker,
    free_port,
    process_of,
    wait_for_port,
)

PEOPLE: Mapping[str, Role] = {
    "coordinator": Role.COORDINATOR,
    "coordinator-doctor": Role.COORDINATOR,
    "coordinator-doctor-2": Role.COORDINATOR,
    "doctor": Role.AGENT,
    "Main": Role.AGENT,
    "Heals": Role.AGENT,
    "host-LAPTOP-GHI789": Role.HOST,
    "host-DESKTOP-ABC123": Role.HOST,
    "ann": Role.OPERATOR,
    "bob": Role.OPERATOR,
    "eye": Role.OBSERVER,
}


@dataclass(frozen=True)
class Guarded:
    """A running broker that knows :data:`PEOPLE`, and their secrets."""

    kind: str
    address: BrokerAddress
    secrets: Mapping[str, str]


def command_of(kind: str, folder: Path) -> list[str]:
    """Return how the broker *kind* is started there with the files that are in *folder*."""
    if kind == "nats":
        return [str(Path(sys.executable).with_name("nats-server")), "-c", "nats-server.conf"]
    mosquitto = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if mosquitto is None:
        raise FileNotFoundError("mosquitto is not installed; `make test` installs it")
    # Started by root it would become another user, who cannot read these files.
    with (folder / "mosquitto.conf").open("a") as configuration:
        configuration.write("user root\n")
    return [mosquitto, "-c", "mosquitto.conf"]


def _embedded(folder: Path) -> Iterator[Guarded]:
    secrets = {name: new_secret() for name in PEOPLE if not claims_coordinator(name)}
    file = CredentialsFile(folder / "credentials.json")
    for name, secret in secrets.items():
        hashed, role = fingerprint(secret), PEOPLE[name]
        file.change(functools.partial(Book.grant, name=name, role=role, hashed=hashed))
    with embedded_broker(folder, require_credentials=True) as address:
        yield Guarded("embedded", address, secrets | {"coordinator": address.coordinator_password})


@contextlib.contextmanager
def guarded_broker(kind: str, folder: Path) -> Iterator[Guarded]:
    """Run the broker *kind*: our own, or mosquitto or nats with generated files in *folder*."""
    if kind == "embedded":
        yield from _embedded(folder)
        return
    port = free_port()
    people = [Person(name, role, new_secret()) for name, role in PEOPLE.items()]
    site = Site(folder=folder, port=port)
    site.store.mkdir()
    files = importlib.import_module(f"broker.others.{kind}").files(Topics(), people, site)
    for name, content in files.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(content)
    log = folder / "broker.log"
    with process_of(command_of(kind, folder), log, cwd=folder) as process:
        wait_for_port(port, process, log)
        secrets = {one.name: one.secret for one in people}
        address = BrokerAddress(
            HOST, port, None, secrets["coordinator"], folder, process, **HABITS.get(kind, {})
        )
        yield Guarded(kind, address, secrets)
