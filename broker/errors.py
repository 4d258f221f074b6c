"""Why the broker did not start, and why it ended a connection.

- FleetBusError
  - BrokerError           the person who starts the broker can put this right
    - BadSetting          a value that no broker could serve with
    - Exposed             others could reach the broker, and it would not know whom to trust
    - BadCredentialsFile  the file of enrolled names is damaged or open to others
    - BadCertificates     the fleet's own authority cannot be read or written
    - BadMemory           what an earlier broker kept cannot be used
    - CannotListen        the operating system refused a port
  - CannotEnroll          a name cannot be enrolled, rotated or revoked as asked
  - WireError
    - Malformed           a peer broke MQTT 3.1.1; its connection ends, and no other
      - UnsupportedProtocol   it speaks another version of MQTT, which it is told
"""

from pathlib import Path

from protocol.errors import FleetBusError, WireError


class BrokerError(FleetBusError):
    """The broker cannot serve as asked."""


class BadSetting(BrokerError):
    """A setting outside its range."""

    def __init__(self, field: str, value: object, right: str) -> None:
        super().__init__(f"{field} is {value!r}; it must be {right}")


class Exposed(BrokerError):
    """An address beyond this machine, without what it takes to serve it safely."""

    def __init__(self, host: str, missing: list[str], commands: list[str]) -> None:
        fix = "".join(f"\n  {command}" for command in commands)
        super().__init__(
            f"host is {host!r}, which other machines can reach, without "
            f"{' and without '.join(missing)}: that would be everybody's fleet. "
            f"These commands put it right:{fix}\n"
            "or listen on 127.0.0.1 only. To take the risk knowingly: --insecure-network"
        )


class BadCredentialsFile(BrokerError):
    """The credentials file cannot be used."""

    def __init__(self, path: Path, problem: str, right: str) -> None:
        super().__init__(f"the credentials file {path}: {problem}; it must be {right}")


class BadCertificates(BrokerError):
    """Certificates cannot be made or used."""

    def __init__(self, where: Path, right: str) -> None:
        super().__init__(f"certificates in {where}: there must be {right}")


class BadMemory(BrokerError):
    """The file that outlives the broker cannot be used."""

    def __init__(self, path: Path, problem: str, right: str) -> None:
        super().__init__(f"the broker's memory {path}: {problem}; it must be {right}")


class CannotEnroll(FleetBusError):
    """The name's state does not allow what was asked."""

    def __init__(self, name: str, problem: str, right: str) -> None:
        super().__init__(f"{name[:80]!r}: {problem}; right would be: {right.replace('NAME', name)}")


class CannotListen(BrokerError):
    """A port that is taken, or that this user may not open."""

    def __init__(self, option: str, host: str, port: int, why: str) -> None:
        super().__init__(
            f"cannot listen on {host} port {port}: {why}; "
            f"stop what uses it or choose another port with {option}"
        )


class Malformed(WireError):
    """Something on a connection that MQTT 3.1.1 or a limit of this broker forbids."""


class UnsupportedProtocol(Malformed):
    """A CONNECT of another version of MQTT."""

    def __init__(self) -> None:
        super().__init__("another version of MQTT; this broker speaks 3.1.1")
