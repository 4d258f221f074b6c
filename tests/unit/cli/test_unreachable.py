"""What a person is told of a broker that cannot be reached."""

import socket
import ssl

import pytest

from coordinator.cli.unreachable import hung_up, reason


def distrusted(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] (_ssl.c:1006)")
    error.verify_code, error.verify_message = code, message
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TimeoutError(), "timed out"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (OSError("odd"), "odd"),
        (
            distrusted(20, "unable to get local issuer certificate"),
            (
                "its certificate is not to be trusted: unable to get local issuer certificate; "
                "name the authority that issued it: FLEETBUS_CA_FILE=ca.pem"
            ),
        ),
        (
            distrusted(64, "IP address mismatch, certificate is not valid for '::1'."),
            (
                "its certificate is not to be trusted: IP address mismatch, certificate is not "
                "valid for '::1'; make one that names it: fleetbus certs --host NAME-OR-ADDRESS"
            ),
        ),
    ],
)
def test_the_reason_says_what_to_do(error: OSError, said: str) -> None:
    assert reason(error) == said


def test_a_server_without_tls_is_told_from_one_that_is_not_trusted() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(b"no TLS at all")
    context = ssl.create_default_context()
    with ours, theirs, pytest.raises(ssl.SSLError) as failed:
        context.wrap_socket(ours, server_hostname="localhost")
    assert reason(failed.value).startswith("no TLS there (wrong version number)")


def test_a_broker_that_hangs_up_may_want_tls() -> None:
    assert "mqtts://" in hung_up(tls=False)
    assert "mqtts://" not in hung_up(tls=True)
