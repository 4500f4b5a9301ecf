"""A simulated device as a server: connections, TLS, start and stop, whatever its protocol."""

import hashlib
import json
import socket
import ssl
import threading
from http.client import HTTPConnection
from pathlib import Path

import pytest
import requests
import trustme
from support.http_devices import REPLY, Counter, fetch, requested
from support.simulated_webconnect import SetClock

from sma_exporter.simulator.http_server import SimulatedReply, head
from sma_exporter.simulator.http_simulator import HttpSimulator


def served(simulator: HttpSimulator) -> str:
    """The fingerprint of the certificate that the port really shows."""
    pem = ssl.get_server_certificate(("127.0.0.1", simulator.port))
    return "sha256:" + hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest().hex(":").upper()


def test_tls_with_a_generated_certificate(tmp_path: Path) -> None:
    with HttpSimulator(Counter(), tls=True) as simulator:
        assert simulator.url.startswith("https://")
        with pytest.raises(requests.exceptions.SSLError):
            fetch(simulator)
        assert served(simulator) == simulator.fingerprint
        issuer = tmp_path / "ca.pem"
        issuer.write_bytes(simulator.issuer or b"")
        assert fetch(simulator, verify=str(issuer)).json() == REPLY

        before = simulator.fingerprint
        simulator.replace_certificate()
        assert before != simulator.fingerprint == served(simulator)


def test_tls_with_a_certificate_from_files(tmp_path: Path) -> None:
    leaf = trustme.CA().issue_cert("127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(leaf.cert_chain_pems[0].bytes())
    key.write_bytes(leaf.private_key_pem.bytes())
    with HttpSimulator(Counter(), tls=(chain, key)) as simulator:
        assert served(simulator) == simulator.fingerprint


def test_a_silent_tls_client_does_not_block_others() -> None:
    with (
        HttpSimulator(Counter(), tls=True) as simulator,
        socket.create_connection(("127.0.0.1", simulator.port)),
    ):
        assert served(simulator) == simulator.fingerprint


def test_without_tls_there_is_no_certificate() -> None:
    simulator = HttpSimulator(Counter())
    assert simulator.fingerprint is None
    assert simulator.issuer is None
    with pytest.raises(RuntimeError, match="TLS"):
        simulator.replace_certificate()


def test_start_and_stop_leave_nothing_behind() -> None:
    before = threading.active_count()
    simulator = HttpSimulator(Counter())
    simulator.stop()
    with simulator:
        port = simulator.port
        with requested(simulator) as client:
            assert client.recv(1)
            assert threading.active_count() > before
            with pytest.raises(RuntimeError, match="running"):
                simulator.start()
            simulator.stop()
            assert threading.active_count() == before
    with pytest.raises(requests.ConnectionError):
        fetch(simulator)
    with simulator:
        assert simulator.port == port
        assert fetch(simulator).json() == REPLY
    assert threading.active_count() == before


def test_a_port_that_is_taken() -> None:
    with (
        HttpSimulator(Counter()) as simulator,
        pytest.raises(OSError, match=r"[Aa]ddress already in use"),
    ):
        HttpSimulator(Counter(), port=simulator.port).start()


def test_the_requests_are_recorded() -> None:
    uptime = SetClock(5)
    with HttpSimulator(Counter(), monotonic=uptime) as simulator:
        fetch(simulator)
        uptime.now = 6
        fetch(simulator, "?sid=secret")
        assert simulator.requests == [(5, "/value"), (6, "/")]
        simulator.reset_counts()
        assert simulator.requests == []


def test_one_connection_carries_many_requests() -> None:
    with HttpSimulator(Counter()) as simulator:
        client = HTTPConnection("127.0.0.1", simulator.port, timeout=10)
        client.connect()
        first = client.sock
        for _ in range(3):
            client.request("GET", "/value")
            assert json.load(client.getresponse()) == REPLY
            assert client.sock is first
        client.close()


def test_a_delete_is_a_request_like_others() -> None:
    with HttpSimulator(Counter()) as simulator, requests.Session() as session:
        session.trust_env = False
        reply = session.delete(f"{simulator.url}/value?token=secret", timeout=10)
        assert reply.json() == REPLY
        assert [path for _, path in simulator.requests] == ["/value"]


def test_a_device_can_have_its_own_usual_headers() -> None:
    reply = SimulatedReply(200, b"", "text/plain", (("Cache-Control", "no-cache"), ("X", "y")))
    lines = head(reply, 0, close=False).decode().split("\r\n")
    assert [line for line in lines if line.startswith("Cache-Control")] == [
        "Cache-Control: no-cache"
    ]
    assert "Server: lighttpd/1.4.54" in lines
    assert "X: y" in lines
