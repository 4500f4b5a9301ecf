"""The smallest simulated device that speaks HTTP, of no protocol, and clients for it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from sma_exporter.simulator.http_server import SimulatedReply, SimulatedRequest
from sma_exporter.simulator.http_simulator import HttpSimulator

REPLY = {"value": 5}


class Counter:
    """Answers every request alike, and counts them."""

    def __init__(self) -> None:
        self.handled = 0

    def endpoint(self, path: str) -> str | None:
        return path.removeprefix("/") or None

    def handle(self, request: SimulatedRequest) -> SimulatedReply:
        self.handled += 1
        return SimulatedReply(200, b'{"value":5}')


def fetch(simulator: HttpSimulator, path: str = "value", **options: Any) -> requests.Response:
    """The reply of a device to one request."""
    with requests.Session() as session:
        session.trust_env = False
        options = {"timeout": 10, "allow_redirects": False, **options}
        return session.get(f"{simulator.url}/{path}", **options)


@contextmanager
def requested(simulator: HttpSimulator) -> Iterator[socket.socket]:
    """A connection on which a request was sent."""
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=10) as client:
        client.sendall(b"GET /value HTTP/1.1\r\nHost: device\r\n\r\n")
        yield client
