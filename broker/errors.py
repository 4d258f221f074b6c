"""Why the broker did not start, and why it ended a connection.

- FleetBusError
  - BrokerError           the person who starts the broker can put this right
    - BadSetting          a value that no broker could serve with
    - NotLoopback         an address that others could reach
    - CannotListen        the operating system refused a port
  - WireError
    - Malformed           a peer broke MQTT 3.1.1; its connection ends, and no other
      - UnsupportedProtocol   it speaks another version of MQTT, which it is told
"""

from protocol.errors import FleetBusError, WireError


class BrokerError(FleetBusError):
    """The broker cannot serve as asked."""


class BadSetting(BrokerError):
    """A setting outside its range."""

    def __init__(self, field: str, value: object, right: str) -> None:
        super().__init__(f"{field} is {value!r}; it must be {right}")


class NotLoopback(BrokerError):
    """An address beyond this machine, where trust without passwords would let anyone in."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"host is {host!r}, which other machines could reach, but this version of the embedded "
            "broker only serves the loopback (127.0.0.1, ::1 or localhost): it trusts whoever "
            "connects. For a fleet on several machines run a broker with credentials, such as "
            "mosquitto, and point the fleet at it with --broker"
        )


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
