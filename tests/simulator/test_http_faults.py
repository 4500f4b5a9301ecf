"""What a fault does to the replies of a simulated device, whatever its protocol."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from support.devices import eventually
from support.http_devices import REPLY, Counter, fetch, requested

from sma_exporter.simulator import faults
from sma_exporter.simulator.http_simulator import HttpSimulator


@pytest.fixture
def device() -> Counter:
    return Counter()


@pytest.fixture
def simulator(device: Counter) -> Iterator[HttpSimulator]:
    with HttpSimulator(device) as simulator:
        yield simulator


def test_a_fault_applies_where_and_as_often_as_it_is_set(simulator: HttpSimulator) -> None:
    simulator.faults.add(faults.Fault(faults.status(503), path="value", times=2))
    simulator.faults.add(faults.Fault(faults.status(502)))
    assert len(simulator.faults) == 2
    assert [fetch(simulator).status_code for _ in range(3)] == [503, 503, 502]
    assert fetch(simulator, "other").status_code == 502
    assert [fault.action for fault in simulator.faults] == [faults.status(502)]
    simulator.faults.clear()
    assert not simulator.faults
    assert fetch(simulator).json() == REPLY


@pytest.mark.parametrize("action", [faults.delay(0.01), faults.drip(0, chunk=20)])
@pytest.mark.parametrize("tls", [None, True])
def test_slow_replies_are_whole(action: faults.Action, tls: Any, tmp_path: Path) -> None:
    issuer = tmp_path / "ca.pem"
    with HttpSimulator(Counter(), tls=tls, latency=0.01) as simulator:
        issuer.write_bytes(simulator.issuer or b"")
        simulator.faults.add(faults.Fault(action))
        for _ in range(2):
            assert fetch(simulator, verify=str(issuer)).json() == REPLY


def test_replies_that_are_not_the_devices_own(simulator: HttpSimulator, device: Counter) -> None:
    for action in (
        faults.error(404),
        faults.status(500, b"<html>", "text/html"),
        faults.redirect("https://127.0.0.1/"),
        faults.body(b"not json", "text/plain"),
    ):
        simulator.faults.add(faults.Fault(action, path="value", times=1))
    replies = [fetch(simulator) for _ in range(4)]
    assert [reply.status_code for reply in replies] == [200, 500, 301, 200]
    assert replies[0].json() == {"err": 404}
    assert replies[1].text == "<html>"
    assert replies[2].headers["Location"] == "https://127.0.0.1/"
    assert replies[3].content == b"not json"
    assert replies[3].headers["Content-Type"] == "text/plain"
    assert device.handled == 0


def test_altered_replies(simulator: HttpSimulator, device: Counter) -> None:
    simulator.faults.add(faults.Fault(faults.mutate(lambda reply: {"was": reply}), "value", 1))
    assert fetch(simulator).json() == {"was": REPLY}
    simulator.faults.add(faults.Fault(faults.mutate(lambda _: b"{"), "value", 1))
    assert fetch(simulator).content == b"{"
    assert device.handled == 2


@pytest.mark.parametrize(
    ("action", "message", "handled"),
    [
        (faults.drop(), "without response", 0),
        (faults.drop_after(), "without response", 1),
        (faults.truncate(0.5), "IncompleteRead", 1),
        (faults.truncate(0), "IncompleteRead", 1),
        (faults.wrong_content_length(), "Expecting value|Unterminated|delimiter", 1),
        (faults.withhold(), "timed out", 1),
        (faults.reset(), "ConnectionResetError", 1),
    ],
)
def test_broken_replies(
    simulator: HttpSimulator, device: Counter, action: faults.Action, message: str, handled: int
) -> None:
    simulator.faults.add(faults.Fault(action, path="value"))
    with pytest.raises(requests.RequestException, match=message):
        fetch(simulator, timeout=0.5).json()
    assert (device.handled, len(simulator.requests)) == (handled, 1)


def test_a_late_reply_ends_with_the_device(simulator: HttpSimulator, device: Counter) -> None:
    simulator.faults.add(faults.Fault(faults.delay(3600)))
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(fetch, simulator)
        assert eventually(lambda: len(simulator.requests) == 1)
        simulator.stop()
        with pytest.raises(requests.ConnectionError):
            late.result()
    assert device.handled == 0


@pytest.mark.parametrize("part", ["all", "body"])
def test_a_dripping_reply_ends_with_the_device(simulator: HttpSimulator, part: Any) -> None:
    simulator.faults.add(faults.Fault(faults.drip(3600, part=part)))
    with requested(simulator) as client:
        first = client.recv(4096)
        assert first == b"H" if part == "all" else first.startswith(b"HTTP/1.1 200 OK\r\n")
        simulator.stop()
        while client.recv(4096):
            pass


def test_a_hanging_reply_ends_with_the_client_or_the_device(simulator: HttpSimulator) -> None:
    simulator.faults.add(faults.Fault(faults.hang()))
    with requested(simulator):
        pass
    with requested(simulator) as client:
        assert eventually(lambda: len(simulator.requests) == 2)
        simulator.stop()
        assert client.recv(1) == b""
