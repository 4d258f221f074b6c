"""``fleetbus doctor``: what the broker really does, in plain words."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Annotated, Final

import typer

from coordinator import settings
from coordinator.address import BrokerAddress
from coordinator.cli import doctor_probes, screen
from coordinator.cli.doctor_client import Unreachable
from coordinator.cli.doctor_probes import Finding, Level, Patient
from coordinator.cli.local_secrets import DOCTOR, DOCTORS_COORDINATORS, secret_file
from coordinator.cli.options import AsJson, Broker, Data, Root
from coordinator.settings import CoordinatorSettings, read_secret
from coordinator.shell.secret import coordinator_secret
from protocol.errors import FleetBusError
from protocol.topics import Topics

LISTEN_S: Final = 3.0
_MARKS: Final = {Level.GOOD: screen.GOOD, Level.NOTE: screen.WARN, Level.BAD: screen.BAD}


def doctor(
    *,
    broker: Broker = None,
    root: Root = None,
    data: Data = None,
    listen: Annotated[
        float, typer.Option(metavar="S", min=0, help="Seconds to listen for clocks that differ.")
    ] = LISTEN_S,
    as_json: AsJson = False,
) -> None:
    """Probe the broker and say what it does; the status is 1 if something is bad, 2 if unknown.

    It may run beside a working fleet: it speaks on topics of its own. A broker with access rules
    must know the doctor's names, which `fleetbus broker config` writes for it.

    Example: fleetbus doctor --broker mqtt://127.0.0.1:1883
    """
    chosen = settings.load({"broker": broker, "root": root, "data": data})
    patient = _patient(chosen)
    findings: list[Finding] = []
    probes: list[Callable[[], Iterable[Finding]]] = [
        lambda: doctor_probes.version(patient),
        lambda: doctor_probes.latency(patient),
        lambda: doctor_probes.size(patient),
        lambda: doctor_probes.queue(patient),
        lambda: doctor_probes.retained(patient),
        lambda: doctor_probes.access(patient),
        lambda: doctor_probes.wills(patient),
        lambda: doctor_probes.clocks(patient, listen),
    ]
    if not as_json:
        print(f"the broker at {patient.coordinator}, fleet {chosen.root!r}")
    try:
        for probe in probes:
            for found in probe():
                findings.append(found)
                if not as_json:
                    print(f"{_MARKS[found.level]} {found.probe:<9} {screen.printable(found.says)}")
    except Unreachable as error:
        hint = ""
        if "refuses" not in str(error):
            hint = "; start one with `fleetbus up`, or name another with --broker"
        elif chosen.broker is None:
            hint = "; is this the fleet's directory? name its data with --data"
        screen.complain(f"the broker at {patient.coordinator} cannot be probed: {error}{hint}")
        raise typer.Exit(2) from None
    bad = any(found.level is Level.BAD for found in findings)
    if as_json:
        listed = [
            {"probe": one.probe, "level": one.level.value, "says": one.says, **one.figures}
            for one in findings
        ]
        screen.print_json(
            {"broker": str(patient.coordinator), "healthy": not bad, "findings": listed}
        )
    if bad:
        raise typer.Exit(1)


def _patient(chosen: CoordinatorSettings) -> Patient:
    address = chosen.broker_address
    address = address.at(address.servers[0])
    if chosen.broker is None:
        # Our own broker believes whoever can read this file, even if no coordinator has run yet.
        secret = coordinator_secret(chosen.secret_file)
        address = replace(address, username="coordinator", password=secret)
        first = second = address
    else:
        first, second = (_known(chosen, address, name) for name in DOCTORS_COORDINATORS)
        if address.username == "coordinator" and first.username == address.username:
            raise FleetBusError(
                "the doctor must not log in as the coordinator, which it could throw out; name "
                f"another user of its rank in --broker, or keep the secrets of "
                f"{' and '.join(DOCTORS_COORDINATORS)} in {secret_file(chosen, 'NAME').parent}, "
                "where `fleetbus broker config` puts them"
            )
    agent = _known(chosen, replace(address, username=DOCTOR, password=None), DOCTOR)
    return Patient(topics=Topics(chosen.root), coordinator=first, second=second, agent=agent)


def _known(chosen: CoordinatorSettings, address: BrokerAddress, name: str) -> BrokerAddress:
    """Return *address* as *name* if its secret is here, else as it is."""
    file = secret_file(chosen, name)
    if address.password and address.username not in {"coordinator", name}:
        return address
    return replace(address, username=name, password=read_secret(file)) if file.exists() else address
