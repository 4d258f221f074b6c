"""TLS for the listeners, and certificates of clients where they are asked for."""

import ssl

from broker.errors import BadSetting
from broker.settings import BrokerSettings


def context(settings: BrokerSettings) -> ssl.SSLContext | None:
    """Make the context of *settings*, None without TLS; raise :class:`BadSetting`.

    With an authority for clients, the handshake fails for whoever has no certificate of it:
    such a client never becomes a connection of the broker.
    """
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        files = f"{settings.tls_cert} and {settings.tls_key}"
        raise BadSetting("tls_cert", files, f"a certificate and its key in PEM: {error}") from error
    if settings.tls_client_ca is not None:
        made.verify_mode = ssl.CERT_REQUIRED
        try:
            made.load_verify_locations(settings.tls_client_ca)
        except (OSError, ssl.SSLError) as error:
            right = f"certificates in PEM: {error}"
            raise BadSetting("tls_client_ca", str(settings.tls_client_ca), right) from error
    return made
