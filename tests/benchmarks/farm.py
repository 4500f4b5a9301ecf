"""Simulated devices by the hundred, in a process of their own: `python -m tests.benchmarks.farm`.

The simulator's own server takes a thread a connection: with 300 devices the benchmark would measure that.
Here one event loop replays what the simulator says, at a port a device, after a latency, and keeps book of
sessions, of its own time, and of how late its answers were: it must not be what is measured. The first line
that it prints is JSON: {"urls": […], "counts": URL}; the latter returns `Counts`.
"""

import argparse
import asyncio
import json
import resource
import ssl
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sma_exporter.simulator import PASSWORD, Simulator
from sma_exporter.simulator.certificates import generated
from sma_exporter.sma.tags import L10N
from sma_exporter.webconnect import SMA, make_session

#: Devices take turns: a hybrid, a Tripower with optimizers, a Sunny Boy, as in the demonstration.
MODELS = ("stp-10-se", "stp-10", "sb-3.6")
NOON = datetime(2025, 6, 14, 11, tzinfo=UTC).timestamp()
MAX_SESSIONS = 4
LOOPBACK = "127.0.0.1"

_HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: application/json;\r\nCache-Control: no-store\r\n"
    "Content-Length: %d\r\nServer: lighttpd/1.4.54\r\n\r\n"
)


@dataclass(slots=True)
class Counts:
    """What has happened so far. `pending`: requests without their answer; `late`: seconds that answers
    came beyond the latency, all together; `latest`: the most of one; `cpu`: seconds of this process.
    """

    logins: int = 0
    logouts: int = 0
    reads: int = 0
    refused: int = 0
    sessions: int = 0
    pending: int = 0
    answers: int = 0
    late: float = 0.0
    latest: float = 0.0
    cpu: float = 0.0


def answer(content: bytes) -> bytes:
    """Return a whole HTTP answer."""
    return (_HEAD % len(content)).encode() + content


def as_json(content: object) -> bytes:
    """Return an answer with JSON."""
    return answer(json.dumps(content, separators=(",", ":")).encode())


@dataclass(frozen=True)
class Recording:
    """The replies of one model, recorded from the simulator."""

    online: Mapping[str, Any]
    parameters: Mapping[str, Any]
    whole: Mapping[str, bytes] = field(init=False)
    _some: dict[bytes, bytes] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        whole = {"getAllOnlValues": self.online, "getAllParamValues": self.parameters}
        object.__setattr__(self, "whole", {name: as_json(reply) for name, reply in whole.items()})

    def values(self, request: bytes) -> bytes:
        """Return the answer to getValues."""
        if request not in self._some:
            wanted = set(json.loads(request)["keys"])
            ((uid, online),) = self.online["result"].items()
            known = self.parameters["result"][uid] | online
            found = {key: value for key, value in known.items() if key in wanted}
            self._some[request] = as_json({"result": {uid: found}})
        return self._some[request]


@cache
def recorded(model: str) -> Recording:
    """Return what a simulated device of a model says at noon."""
    with Simulator(model, clock=lambda: NOON) as simulator:
        client = SMA(make_session(), simulator.url, PASSWORD)
        online = client.reply("getAllOnlValues", {"destDev": []})
        parameters = client.reply("getAllParamValues", {"destDev": []})
        client.close_session()
    return Recording(online, parameters)


_WORDS = as_json(dict(L10N))
_REFUSED = as_json({"result": {"sid": None}})
_FULL = as_json({"err": 503})
_NO_SESSION = as_json({"err": 401})
_LOGGED_OUT = as_json({"result": {"isLogin": False}})
_NOT_FOUND = as_json({"err": 404})


class Device:
    """One device: its recording and its sessions."""

    def __init__(self, recording: Recording, counts: Counts) -> None:
        self._recording = recording
        self._counts = counts
        self._sessions: set[str] = set()

    def answer(self, target: str, content: bytes) -> bytes:
        """Return the answer to one request."""
        path, _, query = target.partition("?")
        name = path.removeprefix("/dyn/").removesuffix(".json")
        sid = query.removeprefix("sid=")
        if name == "login":
            return self._login(json.loads(content))
        if name == "logout":
            return self._logout(sid)
        if name == "sessionCheck":
            return as_json({"result": {"cntFreeSess": MAX_SESSIONS - len(self._sessions)}})
        if path == "/api/v1/system/info":  # whether it speaks ennexOS
            return as_json({"err": 404})
        if path.startswith("/data/l10n/"):
            return _WORDS
        if sid not in self._sessions:
            self._counts.refused += 1
            return _NO_SESSION
        self._counts.reads += 1
        if name == "getValues":
            return self._recording.values(content)
        return self._recording.whole.get(name, _NOT_FOUND)

    def _login(self, credentials: Mapping[str, object]) -> bytes:
        if credentials != {"right": "usr", "pass": PASSWORD}:
            self._counts.refused += 1
            return _REFUSED
        if len(self._sessions) >= MAX_SESSIONS:
            self._counts.refused += 1
            return _FULL
        self._counts.logins += 1
        self._counts.sessions += 1
        sid = f"sid-{self._counts.logins}"
        self._sessions.add(sid)
        return as_json({"result": {"sid": sid}})

    def _logout(self, sid: str) -> bytes:
        if sid not in self._sessions:
            return _NO_SESSION
        self._sessions.remove(sid)
        self._counts.logouts += 1
        self._counts.sessions -= 1
        return _LOGGED_OUT


class Connection(asyncio.Protocol):
    """Takes requests one after the other and answers each `latency` seconds after it was complete."""

    def __init__(
        self, respond: Callable[[str, bytes], bytes], latency: float, counts: Counts
    ) -> None:
        self._respond = respond
        self._latency = latency
        self._counts = counts
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what the answers go to."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Collect a request, and answer it in time."""
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        length = _content_length(head)
        if not end or len(rest) < length:
            return
        self._received = rest[length:]
        self._counts.pending += 1
        reply = self._respond(head.split(b" ", 2)[1].decode(), rest[:length])
        if self._latency:
            due = self._loop.time() + self._latency
            self._loop.call_at(due, self._send, due, reply)
        else:
            self._send(self._loop.time(), reply)

    def _send(self, due: float, reply: bytes) -> None:
        late = self._loop.time() - due
        self._counts.answers += 1
        self._counts.pending -= 1
        self._counts.late += late
        self._counts.latest = max(self._counts.latest, late)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(reply)


def _content_length(head: bytes) -> int:
    lower = head.lower()
    start = lower.find(b"\r\ncontent-length:")
    return int(lower[start + 17 :].split(b"\r\n", 1)[0]) if start >= 0 else 0


async def serve(hosts: Sequence[str], latency: float, context: ssl.SSLContext | None) -> None:
    """Serve until the process is ended."""
    loop = asyncio.get_running_loop()
    counts = Counts()

    def told(_target: str, _content: bytes) -> bytes:
        counts.cpu = time.process_time()
        return as_json(asdict(counts))

    async def listening(
        host: str, respond: Callable[[str, bytes], bytes], wait: float, tls: ssl.SSLContext | None
    ) -> str:
        server = await loop.create_server(
            lambda: Connection(respond, wait, counts if wait else Counts()), host, 0, ssl=tls
        )
        return f"{host}:{server.sockets[0].getsockname()[1]}"

    recordings = [recorded(model) for model in MODELS]
    addresses = [
        await listening(
            host, Device(recordings[i % len(recordings)], counts).answer, latency, context
        )
        for i, host in enumerate(hosts)
    ]
    control = await listening(LOOPBACK, told, 0.0, None)
    scheme = "https" if context else "http"
    urls = [f"{scheme}://{address}" for address in addresses]
    control_url = f"http://{control}/counts"
    sys.stdout.write(json.dumps({"urls": urls, "counts": control_url}) + "\n")
    sys.stdout.flush()
    await loop.create_future()


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=3)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--own-hosts", action="store_true", help="an address of 127/8 for each")
    arguments = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    context = generated(LOOPBACK).context if arguments.tls else None
    hosts = [
        f"127.1.{i // 250}.{i % 250 + 1}" if arguments.own_hosts else LOOPBACK
        for i in range(arguments.devices)
    ]
    asyncio.run(serve(hosts, arguments.latency, context))


if __name__ == "__main__":
    main()
