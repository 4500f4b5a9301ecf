"""The certificate that a simulated device serves: from two files, or generated."""

import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

CertificateFiles = tuple[str | Path, str | Path]  # the certificate with its chain, and the key


@dataclass(frozen=True)
class Certificate:
    """The context for handshakes; for clients the fingerprint and the issuer's PEM."""

    context: ssl.SSLContext
    fingerprint: str
    issuer: bytes


def fingerprint(pem: bytes) -> str:
    """Return the SHA-256 of the first certificate as "sha256:AB:CD:…"."""
    first = pem.decode("ascii").partition("-----END CERTIFICATE-----")
    der = ssl.PEM_cert_to_DER_cert(first[0].strip() + "\n" + first[1])
    return "sha256:" + hashlib.sha256(der).digest().hex(":").upper()


def served(tls: Literal[True] | CertificateFiles | None, host: str) -> Certificate | None:
    """Return the certificate to serve; None without TLS."""
    if tls is None:
        return None
    return generated(host) if tls is True else from_files(tls)


def from_files(files: CertificateFiles) -> Certificate:
    """Load a certificate and its key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    pem = Path(files[0]).read_bytes()
    return Certificate(context, fingerprint(pem), pem)


def generated(host: str) -> Certificate:
    """Generate a certificate from an unknown authority, as on the real devices.

    Raises ImportError without the package trustme.
    """
    try:
        import trustme  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as problem:
        raise ImportError(
            "a certificate on the spot needs the package trustme "
            "(pip install 'sma_exporter[tls-simulator]')"
        ) from problem
    authority = trustme.CA()
    leaf = authority.issue_cert(host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    pem = leaf.cert_chain_pems[0].bytes()
    return Certificate(context, fingerprint(pem), authority.cert_pem.bytes())
