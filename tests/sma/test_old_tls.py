"""Encryption as old devices have it: refused by default, with the way out; taken by name."""

import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import exchanges
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from exchanges import MakeHttp, ask, failure
from support.raw_devices import RawDevice, reply

from sma_exporter.sma.connections import format_fingerprint
from sma_exporter.sma.deadline import Deadline
from sma_exporter.sma.exceptions import SmaTlsException
from sma_exporter.sma.http import presented_fingerprint

http = exchanges.http

#: What a device offers, and what is said of it.
OLD = {
    "AES128-SHA": "offers only old encryption (AES128-SHA)",
    "DHE-RSA-AES256-SHA": "offers only old encryption (DHE-RSA-AES256-SHA)",
    "DHE-RSA-AES256-GCM-SHA384": "cannot be verified",  # its short key is looked at later
}

# The second Oakley group (RFC 2409): 1024 bits, which today's libraries refuse by default.
SHORT_KEY_EXCHANGE = """-----BEGIN DH PARAMETERS-----
MIGHAoGBAP//////////yQ/aoiFowjTExmKLgNwc0SkCTgiKZ8x0Agu+pjsTmyJR
Sgh5jjQE3e+VGbPNOkMbMCsKbfJfFDdP4TVtbVHCReSFtXZiXn7G9ExC6aY37WsL
/1y29Aa37e44a/taiZ+lrp8kEXxLH+ZJKGZR7OZTgf//////////AgEC
-----END DH PARAMETERS-----
"""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.RSA)


@pytest.fixture(scope="module")
def certificate(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA)


@pytest.fixture(scope="module")
def fingerprint(certificate: trustme.LeafCert) -> str:
    shown = x509.load_pem_x509_certificate(certificate.cert_chain_pems[0].bytes())
    return format_fingerprint(shown.fingerprint(hashes.SHA256()).hex())


def serving(certificate: trustme.LeafCert, ciphers: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    return context


@pytest.fixture(params=OLD)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def device(kind: str, certificate: trustme.LeafCert, tmp_path: Path) -> Iterator[RawDevice]:
    context = serving(certificate, kind)
    (tmp_path / "dh.pem").write_text(SHORT_KEY_EXCHANGE, encoding="ascii")
    context.load_dh_params(str(tmp_path / "dh.pem"))
    with RawDevice(lambda _: reply({}), tls=context) as old:
        yield old


def test_the_fingerprint_is_offered_as_for_others(
    device: RawDevice, kind: str, http: MakeHttp, fingerprint: str
) -> None:
    error = failure(http(), device.url)

    assert type(error) is SmaTlsException
    assert error.fingerprint == fingerprint == presented_fingerprint(device.url, Deadline.after(5))
    assert f'trust it with fingerprint: "{fingerprint}"' in str(error)
    assert OLD[kind] in str(error)
    assert device.calls == []


def test_a_pin_works(device: RawDevice, http: MakeHttp, fingerprint: str) -> None:
    assert ask(http([fingerprint]), device.url).body == b"{}"


def test_its_authority_works_and_is_looked_at(
    device: RawDevice, http: MakeHttp, authority: trustme.CA
) -> None:
    assert ask(http(ca=authority.cert_pem.bytes().decode()), device.url).body == b"{}"

    error = failure(http(ca=trustme.CA().cert_pem.bytes().decode()), device.url)
    assert "cannot be verified" in str(error)


# Older than TLS 1.2


class OldHello:
    """Answers with a ServerHello of TLS 1.0, as servers do that know nothing newer."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        # Version 3.1, 32 random bytes, no session id, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
        hello = b"\x03\x01" + bytes(32) + b"\x00" + b"\x00\x2f" + b"\x00"
        message = b"\x02" + len(hello).to_bytes(3, "big") + hello
        record = b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, suppress(OSError):
                    connection.recv(65_536)
                    connection.sendall(record)
                    connection.recv(65_536)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(params=["an alert", "an older hello"])
def before_1_2(
    request: pytest.FixtureRequest, certificate: trustme.LeafCert
) -> Iterator[RawDevice | OldHello]:
    if request.param == "an older hello":
        old = OldHello()
        yield old
        old.close()
        return
    context = serving(certificate, "ALL")
    with warnings.catch_warnings(action="ignore"):  # they are deprecated
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with RawDevice(lambda _: reply({}), tls=context) as device:
        yield device


@pytest.mark.parametrize("pinned", [True, False])
def test_tls_before_1_2_is_named_with_what_to_do(
    before_1_2: RawDevice | OldHello, http: MakeHttp, fingerprint: str, pinned: bool
) -> None:
    error = failure(http([fingerprint] if pinned else []), before_1_2.url)

    assert type(error) is SmaTlsException
    assert error.fingerprint is None
    assert "speaks TLS 1.0 or 1.1 only" in str(error)
    assert "update the device's firmware" in str(error)
    assert "http:// before the address" in str(error)


def test_a_handshake_that_fails_otherwise_offers_nothing(
    http: MakeHttp, certificate: trustme.LeafCert, authority: trustme.CA
) -> None:
    context = serving(certificate, "ECDHE+AESGCM")
    context.verify_mode = ssl.CERT_REQUIRED  # a certificate of the client
    authority.configure_trust(context)
    with RawDevice(lambda _: reply({}), tls=context) as device:
        error = failure(http(ca=authority.cert_pem.bytes().decode()), device.url)

    assert type(error) is SmaTlsException
    assert error.fingerprint is None
    assert "no TLS connection to" in str(error)
