"""Scrapes that wait leave room for the paths that do not, over real sockets."""

import socket
import time
from contextlib import ExitStack

import pytest
from support.programs import PATIENCE_SECONDS, get

from sma_exporter import config
from sma_exporter.devices.fleet import Fleet
from sma_exporter.server import DEFAULT_LIMITS, ListenAddress, Server
from sma_exporter.simulator import Simulator, faults
from sma_exporter.web.app import MAX_WAITING, App

SCRAPE = b"GET %s HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: 4\r\n\r\n"


def test_there_are_more_connections_than_waiting_requests() -> None:
    assert DEFAULT_LIMITS.clients >= 2 * MAX_WAITING


@pytest.mark.parametrize("path", [b"/metrics", b"/probe?target=roof"])
def test_two_hundred_waiting_scrapes_leave_the_other_paths_alone(path: bytes) -> None:
    with ExitStack() as stack:
        simulator = stack.enter_context(Simulator())
        simulator.faults.add(faults.Fault(faults.hang()))
        settings = config.DeviceSettings(name="roof", url=simulator.url, timeout=2.0)
        fleet = Fleet(config.Config((settings,)))
        stack.callback(fleet.close, 1.0)
        server = Server(App(fleet), [ListenAddress("127.0.0.1", 0)])
        server.start()
        stack.callback(server.stop)
        (address,) = server.addresses
        clients = []
        for _ in range(200):
            clients.append(stack.enter_context(socket.create_connection(address, PATIENCE_SECONDS)))
            clients[-1].sendall(SCRAPE % path)

        for free in ("/-/healthy", "/-/ready", "/sd", "/", "/metrics/exporter", "/nope"):
            begin = time.monotonic()
            assert get(f"http://{address}{free}").status_code in {200, 404}
            assert time.monotonic() - begin < 1

        begin = time.monotonic()
        refused = get(f"http://{address}{path.decode()}")
        assert time.monotonic() - begin < 1
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "5"
        assert f"{MAX_WAITING} requests wait already" in refused.text
        assert clients[0].recv(100).startswith(b"HTTP/1.1 200 OK")
