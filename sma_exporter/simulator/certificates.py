"""The certificate that a simulated device serves: one of two files, or one made on the spot."""

import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path

Files = tuple[str | Path, str | Path]


@dataclass(frozen=True)
class Certificate:
    """For the handshake its context, for the client its fingerprint and its issuer's PEM."""

    context: ssl.SSLContext
    fingerprint: str
    issuer: bytes


def fingerprint(pem: bytes) -> str:
    """Return the SHA-256 of the first certificate as "sha256:AB:CD:…"."""
    first = pem.decode("ascii").partition("-----END CERTIFICATE-----")
    der = ssl.PEM_cert_to_DER_cert(first[0].strip() + "\n" + first[1])
    return "sha256:" + hashlib.sha256(der).digest().hex(":").upper()


def from_files(files: Files) -> Certificate:
    """Load a certificate (with its chain) and its key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    pem = Path(files[0]).read_bytes()
    return Certificate(context, fingerprint(pem), pem)


def made_up(host: str) -> Certificate:
    """Make a certificate, issued by an authority that nobody knows, as on the real devices."""
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
