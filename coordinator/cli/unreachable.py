"""Why a broker cannot be reached, in words that say what to do about it. Pure."""

import ssl
from typing import Final

_WRONG_NAME: Final = frozenset((62, 64))  # OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and that of an IP


def reason(error: OSError) -> str:
    """Say what went wrong between us and a broker."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = "name the authority that issued it: FLEETBUS_CA_FILE=ca.pem"
        if error.verify_code in _WRONG_NAME:
            remedy = "make one that names it: fleetbus certs --host NAME-OR-ADDRESS"
        return f"its certificate is not to be trusted: {error.verify_message.rstrip('.')}; {remedy}"
    if isinstance(error, ssl.SSLError):
        said = (error.reason or "no answer").replace("_", " ").lower()
        return f"no TLS there ({said}); without TLS the address begins with mqtt://"
    return error.strerror or str(error)


def hung_up(*, tls: bool) -> str:
    """Say that a broker ended the connection before it had answered."""
    return "it hung up" if tls else "it hung up; if it wants TLS, the address begins with mqtts://"
