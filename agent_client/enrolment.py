"""``python -m agent_client.enrolment NAME``: trade a one-time token for a secret of one's own.

The token is read from ``FLEETBUS_TOKEN`` and the secret goes into ``FLEETBUS_PASSWORD_FILE``, where
the agent finds it from then on. The secret is on disk before it is sent: if the answer is lost,
the next attempt finds that the secret works already.
"""

import argparse
import os
import secrets
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from agent_client.errors import AgentError, BadSetting
from agent_client.paho import CallbackAPIVersion, Client, MQTTErrorCode, ReasonCode
from agent_client.settings import BrokerAddress, broker_of, read_secret
from protocol import names
from protocol.enrolment import Claim
from protocol.errors import BadName

ANSWERS_WITHIN_S: Final = 15.0
_TURN_S: Final = 0.1


class NotEnrolled(AgentError):
    """The broker did not take the token."""

    def __init__(self, name: str, broker: BrokerAddress, why: str) -> None:
        super().__init__(
            f"{name!r} was not enrolled at {broker}: {why}; "
            f"make a fresh token on the broker's machine: fleetbus enroll {name}"
        )


def enrol(name: str, broker: BrokerAddress, token: str, secret_file: Path) -> bool:
    """Make *name*'s secret known to *broker*; return False if it was known already.

    Raises :class:`NotEnrolled` when the broker refuses or cannot be reached.
    """
    if secret_file.exists():
        secret = read_secret(secret_file)
        if _is_let_in(name, broker, secret):
            return False
    else:
        secret = secrets.token_urlsafe(32)
        _keep(secret, secret_file)
    if not _is_let_in(name, broker, Claim(token, secret).password()):
        raise NotEnrolled(name, broker, "the token is wrong, used or older than 15 minutes")
    return True


def _is_let_in(name: str, broker: BrokerAddress, password: str) -> bool:
    client = Client(CallbackAPIVersion.VERSION2, client_id=name, reconnect_on_failure=False)
    client.username_pw_set(name, password)
    if broker.tls:
        client.tls_set_context(broker.tls_context())
    answers: list[ReasonCode] = []
    client.on_connect = lambda *given: answers.append(given[3])
    try:
        client.connect(broker.host, broker.port)
        for _ in range(int(ANSWERS_WITHIN_S / _TURN_S)):
            if client.loop(_TURN_S) is not MQTTErrorCode.MQTT_ERR_SUCCESS or answers:
                break
    except OSError as error:
        raise NotEnrolled(name, broker, str(error)) from None
    client.disconnect()
    if not answers:
        raise NotEnrolled(name, broker, "it does not answer")
    return not answers[0].is_failure


def _keep(secret: str, file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(secret + "\n")
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise BadSetting("password_file", str(file), f"a path to write to: {error}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Enroll as *arguments* say; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m agent_client.enrolment", description="Enroll an agent with its token."
    )
    parser.add_argument("name", help="the agent's name, as it was enrolled")
    parser.add_argument("--broker", help="mqtts://host:8883 (default: $FLEETBUS_BROKER)")
    parser.add_argument("--token-file", type=Path, help="default: the token is $FLEETBUS_TOKEN")
    parser.add_argument("--password-file", type=Path, help="default: $FLEETBUS_PASSWORD_FILE")
    given = parser.parse_args(arguments)
    place = given.password_file or os.environ.get("FLEETBUS_PASSWORD_FILE")
    token = read_secret(given.token_file) if given.token_file else os.environ.get("FLEETBUS_TOKEN")
    if not place or not token:
        parser.error("needs FLEETBUS_TOKEN (or --token-file) and FLEETBUS_PASSWORD_FILE")
    os.environ.pop("FLEETBUS_PASSWORD_FILE", None)  # it is not there yet
    try:
        names.agent_name(given.name)
        broker = replace(broker_of(given.broker), username=None, password=None)
        fresh = enrol(given.name, broker, token.strip(), Path(place))
    except (AgentError, BadName) as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return 1
    state = "is enrolled" if fresh else "was enrolled already"
    sys.stdout.write(f"{given.name} {state}; its secret is in {place}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
