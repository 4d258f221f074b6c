"""Makes an authority of the fleet's own, and certificates of it for the broker and for agents.

Keys are on the P-256 curve and readable by their owner only. An authority is made once and then
used again, so that machines that trust it need not be visited when the broker's name changes.
"""

import ipaddress
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from broker.errors import BadCertificates

CA_LIVES: Final = timedelta(days=3650)
LEAF_LIVES: Final = timedelta(days=825)  # what strict clients accept at most
ALWAYS: Final = ("localhost", "127.0.0.1", "::1")
_CLOCKS_DIFFER: Final = timedelta(hours=1)


class Authority:
    """The authority in *folder*; constructing reads or makes it, :class:`BadCertificates` if not.

    ``ca.pem`` is for everyone, ``ca.key`` stays where it is.
    """

    def __init__(self, folder: Path, now: datetime) -> None:
        self.folder: Final = folder
        self.ca: Final = folder / "ca.pem"
        self._now = now
        key_file = folder / "ca.key"
        try:
            if self.ca.exists():
                self._certificate = x509.load_pem_x509_certificate(self.ca.read_bytes())
                key = serialization.load_pem_private_key(key_file.read_bytes(), None)
                if not isinstance(key, ec.EllipticCurvePrivateKey):
                    raise BadCertificates(key_file, "a key on an elliptic curve")
                self._key = key
                return
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._key = ec.generate_private_key(ec.SECP256R1())
            self._certificate = self._self_signed()
            _write(key_file, _key_bytes(self._key), 0o600)
            _write(self.ca, self._certificate.public_bytes(serialization.Encoding.PEM), 0o644)
        except (OSError, ValueError, TypeError) as error:
            raise BadCertificates(folder, f"one authority's ca.pem and ca.key ({error})") from error

    def issue_server(self, hosts: Sequence[str]) -> tuple[Path, Path]:
        """Make ``server.pem`` and ``server.key`` for a broker known by *hosts* and on this machine.

        Return the two files; earlier ones are replaced.
        """
        names = list(dict.fromkeys((*hosts, *ALWAYS)))
        return self._issue("server", names[0], ExtendedKeyUsageOID.SERVER_AUTH, names)

    def issue_agent(self, name: str) -> tuple[Path, Path]:
        """Make the certificate and key with which agent *name* shows that it belongs here."""
        return self._issue(f"agent-{name}", name, ExtendedKeyUsageOID.CLIENT_AUTH, [])

    def _self_signed(self) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fleetbus authority")])
        key = self._key.public_key()
        return (
            self._builder(name, name, key, CA_LIVES)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def _issue(
        self, file: str, common_name: str, usage: x509.ObjectIdentifier, names: list[str]
    ) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            self._builder(subject, self._certificate.subject, key.public_key(), LEAF_LIVES)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(issuer, critical=False)
        )
        if names:
            alternatives = x509.SubjectAlternativeName([_general(name) for name in names])
            builder = builder.add_extension(alternatives, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        pem, private = self.folder / f"{file}.pem", self.folder / f"{file}.key"
        try:
            _write(private, _key_bytes(key), 0o600)
            _write(pem, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
        except OSError as error:
            raise BadCertificates(self.folder, f"a writable directory ({error})") from error
        return pem, private

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: timedelta
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - _CLOCKS_DIFFER)
            .not_valid_after(self._now + life)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    draft = path.with_suffix(f".{os.getpid()}.draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
    draft.replace(path)
