"""What a file says of TLS, as a context of OpenSSL; whatever Python cannot do is a fault.

A context is tested before it is used: a handshake with itself, in memory, for each version that it offers.
"""

import contextlib
import os
import ssl
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from ..config import Secret
from ..config.reader import Raw, ValidationError, ValidationErrors, errors_in

#: What exporter-toolkit still knows.
OLD_VERSIONS = ("TLS10", "TLS11")
VERSIONS = {
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}

CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
#: Go can ask for certificates and then not look at them.
UNVERIFIED_CLIENT_AUTH = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")

#: Go's names of the suites of TLS 1.2 that are safe, and OpenSSL's.
CIPHER_SUITES = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
#: Suites of TLS 1.3, which neither Go nor Python lets anybody choose.
TLS13_SUITES = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")

#: OpenSSL's numbers for what clients will not like about a certificate, and what is said then.
_WARNINGS = {
    9: "is not valid yet; is the clock of this machine right?",
    10: "has expired; make a new one, which is taken up without a restart",
    26: "is not made for servers; clients will refuse it",
}

#: Go's names of the curves, and OpenSSL's.
CURVES = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTls:
    """What is said of TLS. Certificates and keys are texts in PEM, whether they stood in a file or not."""

    cert: str | None = None
    cert_file: str | None = None
    key: Secret | None = None
    key_file: Secret | None = None
    client_auth_type: str = "NoClientCert"
    client_ca: str | None = None
    client_ca_file: str | None = None
    client_allowed_sans: tuple[str, ...] = ()
    min_version: str = "TLS12"
    max_version: str = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    prefer_server_cipher_suites: bool = True
    curve_preferences: tuple[str, ...] = ()

    @property
    def certificate(self) -> str:
        """The certificate, and those that lead to its authority."""
        return (self.cert_file if self.cert is None else self.cert) or ""

    @property
    def private_key(self) -> str:
        """Its key."""
        key = self.key_file if self.key is None else self.key
        return "" if key is None else key.reveal()

    @property
    def client_authority(self) -> str | None:
        """Who vouches for clients; None when nobody is asked for a certificate."""
        return self.client_ca_file if self.client_ca is None else self.client_ca


def tls_conflicts(tls: Raw) -> Iterator[ValidationError]:
    """Find what is missing, what is there twice, and what has no effect."""
    yield from _either(tls, "cert_file", "cert", needed=True)
    yield from _either(tls, "key_file", "key", needed=True)
    yield from _either(tls, "client_ca_file", "client_ca", needed=False)
    asked = tls.get("client_auth_type", "NoClientCert")
    authority = next((key for key in ("client_ca_file", "client_ca") if key in tls), None)
    if asked == "NoClientCert" and authority:
        yield ValidationError(
            "has no effect without `client_auth_type: RequireAndVerifyClientCert`", authority
        )
    if asked in {"RequireAndVerifyClientCert", "VerifyClientCertIfGiven"} and not authority:
        yield ValidationError(
            "needs `client_ca_file`, the authority that made the clients' certificates",
            "client_auth_type",
        )
    if "client_allowed_sans" in tls and asked != "RequireAndVerifyClientCert":
        yield ValidationError(
            "needs `client_auth_type: RequireAndVerifyClientCert`", "client_allowed_sans"
        )
    least, most = tls.get("min_version", "TLS12"), tls.get("max_version", "TLS13")
    if least in VERSIONS and most in VERSIONS and VERSIONS[least] > VERSIONS[most]:
        yield ValidationError(f"is below `min_version`, which is {least}", "max_version")
    if least == "TLS13" and "cipher_suites" in tls:
        yield ValidationError("has no effect with `min_version: TLS13`; remove it", "cipher_suites")


def _either(tls: Raw, file: str, inline: str, *, needed: bool) -> Iterator[ValidationError]:
    if file in tls and inline in tls:
        yield ValidationError(f"stands beside `{file}`; keep one of them", inline)
    if needed and file not in tls and inline not in tls:
        yield ValidationError("is missing", file)


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What a handshake with itself showed of a certificate.

    `warning`: why clients will not like it: a sentence that continues its key's name.
    """

    expires: datetime | None = None
    warning: str = ""


def make_context(tls: ServerTls) -> tuple[ssl.SSLContext, SelfTest]:
    """Return the context, tested. Raises ValidationErrors at the keys that cannot be followed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _set_versions(context, tls)
    steps = (_set_ciphers, _set_curve, _load_certificate, _load_authority)
    errors = [error for step in steps for error in errors_in(partial(step, context, tls))]
    if errors:
        raise ValidationErrors(errors)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION
    *_, test = [_self_test(context, tls, version) for version in _versions(tls)]
    context.verify_mode = CLIENT_AUTH[tls.client_auth_type]
    return context, test


def _versions(tls: ServerTls) -> list[str]:
    names = [*VERSIONS]
    return names[names.index(tls.min_version) : names.index(tls.max_version) + 1]


def _set_versions(context: ssl.SSLContext, tls: ServerTls) -> None:
    context.minimum_version = VERSIONS[tls.min_version]
    context.maximum_version = VERSIONS[tls.max_version]


def _set_ciphers(context: ssl.SSLContext, tls: ServerTls) -> None:
    names = []
    for place, suite in enumerate(tls.cipher_suites):
        names.append(CIPHER_SUITES[suite])
        try:
            context.set_ciphers(names[-1])
        except ssl.SSLError:
            sentence = "is not offered by this OpenSSL; remove it"
            raise ValidationError(sentence, "cipher_suites", place) from None
    if names:
        context.set_ciphers(":".join(names))
    if not tls.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE


def _set_curve(context: ssl.SSLContext, tls: ServerTls) -> None:
    for place, curve in enumerate(tls.curve_preferences):
        try:
            context.set_ecdh_curve(CURVES[curve])
        except (ValueError, ssl.SSLError):
            sentence = "is not offered by this OpenSSL; choose another one"
            raise ValidationError(sentence, "curve_preferences", place) from None


def _load_certificate(context: ssl.SSLContext, tls: ServerTls) -> None:
    cert_key = "cert_file" if tls.cert is None else "cert"
    key_key = "key_file" if tls.key is None else "key"
    _check_certificates(tls.certificate, cert_key)
    encrypted = False

    def password() -> str:
        nonlocal encrypted
        encrypted = True  # without this function OpenSSL would ask at the terminal
        return ""

    try:
        with _as_file(tls.certificate) as cert, _as_file(tls.private_key) as key:
            context.load_cert_chain(cert, key, password)
    except ssl.SSLError as error:
        if encrypted:
            reason = "is encrypted; write it without a password: openssl pkey -in OLD -out NEW"
        elif error.reason in {"KEY_VALUES_MISMATCH", "NO_CERTIFICATE_ASSIGNED"}:
            reason = f"is not the key of the first certificate in `{cert_key}`"
        elif error.reason:
            raise ValidationError(
                f"is refused by OpenSSL: {_words(error.reason)}", cert_key
            ) from None
        else:
            reason = "holds no private key in PEM format"
        raise ValidationError(reason, key_key) from None


def _check_certificates(text: str, key: str) -> None:
    """Raise ValidationError if there is no certificate in a text, or a damaged one."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError, TypeError):
        raise ValidationError("holds no certificate in PEM format, or a damaged one", key) from None


def _load_authority(context: ssl.SSLContext, tls: ServerTls) -> None:
    if tls.client_authority is not None:
        key = "client_ca_file" if tls.client_ca is None else "client_ca"
        _check_certificates(tls.client_authority, key)
        context.load_verify_locations(cadata=tls.client_authority)
        # As in Go, whoever is named here is trusted, whether or not somebody vouches for it in turn.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


@contextlib.contextmanager
def _as_file(text: str) -> Iterator[str]:
    """Give a path under which OpenSSL can read a text, as it takes keys from files only.

    On Linux the text stays in memory, so that a read-only file system will do.
    """
    if sys.platform == "linux":
        with os.fdopen(os.memfd_create("pem", os.MFD_CLOEXEC), "w") as file:
            file.write(text)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            yield file.name


# The self-test ------------------------------------------------------------------------------------


def _self_test(context: ssl.SSLContext, tls: ServerTls, version: str) -> SelfTest:
    """Let the context shake hands with a client of this version, which trusts its certificate alone."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.load_verify_locations(cadata=tls.certificate)
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.set_ciphers("ALL:@SECLEVEL=0")
    _set_versions(client, replace(tls, min_version=version, max_version=version))
    try:
        certificate = _shake_hands(context, client)
    except ssl.SSLCertVerificationError as error:
        return SelfTest(
            warning=_WARNINGS.get(error.verify_code, f"is questionable: {error.verify_message}")
        )
    except ssl.SSLError as error:
        chosen = "cipher_suites" if tls.cipher_suites and version != "TLS13" else "min_version"
        sentence = f"leaves no way to serve {version} with this certificate: {_words(error.reason)}"
        raise ValidationError(sentence, chosen) from None
    until = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    return SelfTest(expires=datetime.fromtimestamp(until, UTC))


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> Mapping[str, object]:
    """Return the server's certificate as the client describes it. Raises ssl.SSLError."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    serving = server.wrap_bio(there, back, server_side=True)
    asking = client.wrap_bio(back, there)
    waiting = [asking, serving]
    while waiting:  # each turn brings one of them further, or ends in an error
        side = waiting.pop(0)
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            waiting.append(side)
    return asking.getpeercert() or {}


def _words(reason: str | None) -> str:
    return (reason or "unknown reason").replace("_", " ").lower()
