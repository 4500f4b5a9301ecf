"""Sessions: whom they trust, what they ignore, and how long a connection may take."""

import re
import socket
import ssl
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import exchanges
import pytest
import responses
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from exchanges import OTHER_PIN, PATH, Answering, MakeHttp, Simulate, ask, failure, pin

from sma_exporter.simulator import Simulator
from sma_exporter.sma.connections import connected, format_fingerprint
from sma_exporter.sma.deadline import Deadline
from sma_exporter.sma.exceptions import SmaPinException, SmaTlsException

http, device, secure = exchanges.http, exchanges.device, exchanges.secure
closed, issuer, answering = exchanges.closed, exchanges.issuer, exchanges.answering
black_holes = exchanges.black_holes


# Trust


def test_an_unknown_certificate_is_refused_and_its_fingerprint_offered(
    secure: Simulator, http: MakeHttp
) -> None:
    error = failure(http(), secure.url)

    assert type(error) is SmaTlsException
    assert re.fullmatch("sha256(:[0-9A-F]{2}){32}", str(error.fingerprint))
    assert error.fingerprint == secure.fingerprint
    assert not error.sent
    assert "cannot be verified" in str(error)
    assert f'trust it with fingerprint: "{secure.fingerprint}"' in str(error)
    assert secure.requests == []
    assert ask(http([error.fingerprint]), secure.url).status == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_certificate_with_one_of_the_pins_is_trusted_whatever_it_is_called(
    secure: Simulator, http: MakeHttp, host: str
) -> None:
    assert ask(http([OTHER_PIN, pin(secure)]), f"https://{host}:{secure.port}").status == 200


def test_what_is_no_fingerprint_is_a_value_error(http: MakeHttp) -> None:
    with pytest.raises(ValueError, match='a fingerprint is "sha256:" and 32 bytes in hex'):
        http(["sha256:12:34"])


@pytest.mark.parametrize("pins", [[OTHER_PIN], [OTHER_PIN, "cd" * 32]], ids=["one", "two"])
@pytest.mark.parametrize("verify", [True, False], ids=["verify", "no verify"])
def test_another_certificate_than_the_pinned_gets_not_one_byte_of_a_request(
    secure: Simulator, http: MakeHttp, pins: list[str], verify: bool
) -> None:
    error = failure(http(pins, verify=verify), secure.url)

    assert type(error) is SmaPinException
    assert not error.sent
    assert error.fingerprint is None
    assert str(secure.fingerprint) in str(error)
    assert all(format_fingerprint(one) in str(error) for one in pins)
    assert "trust it" not in str(error)
    assert secure.requests == []


def test_a_pin_is_not_outdone_by_an_authority(
    secure: Simulator, http: MakeHttp, issuer: str
) -> None:
    assert type(failure(http([OTHER_PIN], ca_file=issuer), secure.url)) is SmaPinException


def test_a_certificate_that_changes_is_noticed_on_the_next_connection(
    secure: Simulator, http: MakeHttp
) -> None:
    session = http([pin(secure)])
    ask(session, secure.url)
    secure.replace_certificate()
    session.close()

    assert type(failure(session, secure.url)) is SmaPinException
    assert len(secure.requests) == 1


def test_a_certificate_of_a_given_authority_is_trusted(
    secure: Simulator, http: MakeHttp, issuer: str
) -> None:
    assert ask(http(ca_file=issuer), secure.url).status == 200
    assert ask(http(ca=Path(issuer).read_text("ascii")), secure.url).status == 200


def test_a_given_authority_makes_up_for_no_wrong_name_and_no_other_authority(
    simulate: Simulate, secure: Simulator, http: MakeHttp, issuer: str
) -> None:
    other = simulate("sb-3.6", tls=True)

    for device, url in ((secure, f"https://localhost:{secure.port}"), (other, other.url)):
        error = failure(http(ca_file=issuer), url)

        assert isinstance(error, SmaTlsException)
        assert error.fingerprint == device.fingerprint
        assert device.requests == []


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "no PEM"])
def test_a_ca_file_that_cannot_be_used_is_an_error_before_any_request(
    http: MakeHttp, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content, encoding="ascii")

    with pytest.raises(OSError, match=r"No such file|no certificate"):
        http(ca_file=str(path))


def test_without_verification_any_certificate_will_do_and_nothing_is_warned_of(
    secure: Simulator, http: MakeHttp, recwarn: pytest.WarningsRecorder
) -> None:
    assert ask(http(verify=False), secure.url).status == 200
    assert ask(http([pin(secure)]), secure.url).status == 200
    assert list(recwarn) == []


# Certificates as old devices have them


@pytest.fixture(scope="module")
def weak_certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate as old devices have, by today's rules too weak: its file, and its pin."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=1024)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "SMA")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2015, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2016, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("weak") / "device.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    return str(path), certificate.fingerprint(hashes.SHA256()).hex()


# The second Oakley group (RFC 2409): 1024 bits, which today's libraries refuse by default.
SHORT_KEY_EXCHANGE = """-----BEGIN DH PARAMETERS-----
MIGHAoGBAP//////////yQ/aoiFowjTExmKLgNwc0SkCTgiKZ8x0Agu+pjsTmyJR
Sgh5jjQE3e+VGbPNOkMbMCsKbfJfFDdP4TVtbVHCReSFtXZiXn7G9ExC6aY37WsL
/1y29Aa37e44a/taiZ+lrp8kEXxLH+ZJKGZR7OZTgf//////////AgEC
-----END DH PARAMETERS-----
"""


@pytest.mark.parametrize("pinned", [True, False], ids=["pinned", "not verified"])
def test_a_short_key_and_an_expired_certificate_are_no_hindrance(
    answering: Answering,
    http: MakeHttp,
    weak_certificate: tuple[str, str],
    tmp_path: Path,
    pinned: bool,
) -> None:
    path, digest = weak_certificate
    (tmp_path / "dh.pem").write_text(SHORT_KEY_EXCHANGE, encoding="ascii")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0")
    context.load_dh_params(str(tmp_path / "dh.pem"))
    context.load_cert_chain(path)
    url = answering([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"], context)

    reply = ask(http([digest] if pinned else [], verify=False), url)

    assert reply.body == b"{}"


# The environment has no say


@pytest.mark.parametrize("tls", [None, True], ids=["http", "https"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_ignored(
    simulate: Simulate,
    http: MakeHttp,
    closed: int,
    monkeypatch: pytest.MonkeyPatch,
    tls: bool | None,
    variable: str,
) -> None:
    for name in (variable, variable.lower()):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    assert ask(http(verify=False), simulate("sb-3.6", tls=tls).url).status == 200


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_authorities_of_the_environment_are_not_trusted_and_replace_nothing(
    secure: Simulator, http: MakeHttp, issuer: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, issuer)
    assert isinstance(failure(http(), secure.url), SmaTlsException)

    monkeypatch.setenv(variable, str(Path(issuer).with_name("missing.pem")))
    for session in (http(ca_file=issuer), http([pin(secure)]), http(verify=False)):
        assert ask(session, secure.url).status == 200


def test_a_netrc_file_is_not_read(
    http: MakeHttp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password something\n", encoding="ascii")
    monkeypatch.setenv("NETRC", str(netrc))

    with responses.RequestsMock() as site:
        site.post(f"http://sma.test{PATH}", body=b"{}")
        ask(http(), "http://sma.test")
        headers = site.calls[0].request.headers

    assert "Authorization" not in headers


# In time, whatever the addresses of a name are


def resolved_to(*addresses: tuple[socket.AddressFamily, Any]) -> Any:
    """A resolver of one name."""
    found = [(family, socket.SOCK_STREAM, 0, "", address) for family, address in addresses]
    return lambda *_, **__: found


def test_all_addresses_of_a_name_together_take_no_longer_than_the_deadline(
    black_holes: list[tuple[str, int]],
) -> None:
    resolver = resolved_to(*((socket.AF_INET, address) for address in black_holes))
    start = time.monotonic()

    with pytest.raises(TimeoutError):
        connected("three.test", 443, Deadline.after(1.0), resolver)

    assert 0.9 < time.monotonic() - start < 2


def test_an_address_that_does_not_answer_leaves_time_for_the_next(
    black_holes: list[tuple[str, int]], device: Simulator
) -> None:
    there = ("127.0.0.1", device.port)
    resolver = resolved_to((socket.AF_INET, black_holes[0]), (socket.AF_INET, there))

    with connected("two.test", 80, Deadline.after(0.6), resolver) as sock:
        assert sock.getpeername() == there
        assert 0 < (sock.gettimeout() or 0) <= 0.4


def test_a_family_that_this_machine_does_not_have_is_passed_over(device: Simulator) -> None:
    addresses = ((socket.AF_X25, "1"), (socket.AF_INET, ("127.0.0.1", device.port)))

    with connected("two.test", 80, Deadline.after(5), resolved_to(*addresses)) as sock:
        assert sock.getpeername() == ("127.0.0.1", device.port)


def test_what_the_last_address_fails_with_is_the_failure(closed: int) -> None:
    addresses = ((socket.AF_X25, "1"), (socket.AF_INET, ("127.0.0.1", closed)))

    with pytest.raises(ConnectionRefusedError):
        connected("two.test", 80, Deadline.after(5), resolved_to(*addresses))


def test_a_name_without_an_address_is_an_error() -> None:
    with pytest.raises(OSError, match=r"no address of none\.test is known"):
        connected("none.test", 80, Deadline.after(5), resolved_to())


def test_a_resolver_that_hangs_is_not_waited_for_for_ever() -> None:
    over = threading.Event()
    start = time.monotonic()

    def resolver(*_: Any, **__: Any) -> Any:
        over.wait(30)
        return []

    with pytest.raises(TimeoutError):
        connected("slow.test", 80, Deadline.after(0.3), resolver)

    over.set()
    assert time.monotonic() - start < 5


def test_without_a_thread_to_resolve_with_there_is_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)

    with pytest.raises(OSError, match=r"no thread to look roof\.test up with"):
        connected("roof.test", 80, Deadline.after(5))


def test_an_address_in_numbers_needs_no_resolver(device: Simulator) -> None:
    def resolver(*_: Any, **__: Any) -> Any:
        raise AssertionError("asked for an address")

    for host in ("127.0.0.1", "[127.0.0.1]"):
        connected(host, device.port, Deadline.after(5), resolver).close()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 on this machine")
def test_an_address_with_a_zone_as_urls_have_it_needs_no_resolver() -> None:
    asked: list[str] = []

    def resolver(host: str, *_: Any, **__: Any) -> Any:
        asked.append(host)
        return []

    with pytest.raises(OSError):  # noqa: PT011 - there is no such neighbour
        connected("[fe80::1%25lo]", 9, Deadline.after(0.3), resolver)

    assert asked == []
