"""A device to start and stop: a profile at a site, its sessions, its faults, on a port."""

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Literal, Self
from urllib.parse import parse_qs, urlsplit

from . import certificates
from .certificates import Certificate, Files
from .device import Device, Reply, endpoint
from .faults import Delay, Faults, Hang, Transmit, outcome
from .models import MODELS
from .plant import Plant
from .profiles import Profile, Values
from .server import Handler, Server, head, pieces
from .sessions import INSTALLER, USER, Limits, Sessions
from .sources import Site
from .year import Unit

# Of devices that do not exist.
PASSWORD = "Sunny-1234"  # noqa: S105
INSTALLER_PASSWORD = "Sunny-9876"  # noqa: S105

# How firmware versions refuse a password.
REFUSALS: Mapping[str, Mapping[str, object]] = {
    "sid": {"result": {"sid": None}},
    "err": {"err": 401},
}


def named(model: str) -> Profile:
    """Return the model of that name."""
    if model not in MODELS:
        raise ValueError(f"there is no model {model!r} (there are: {', '.join(MODELS)})")
    return MODELS[model]


def certificate(tls: Literal[True] | Files, host: str) -> Certificate:
    """Return the certificate to serve."""
    return certificates.made_up(host) if tls is True else certificates.from_files(tls)


def wait_for_end(handler: Handler) -> None:
    """Say nothing until the client goes away; a stop ends the connection too."""
    while handler.connection.recv(4096):
        pass


def reset(connection: socket.socket) -> None:
    """Close a connection as a device that loses power does for its peer: no end, but a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())


def place(profile: Profile, plant: Plant | None, *, battery: bool) -> tuple[Plant, Unit | None]:
    """Return where a device stands, and which of the plant's units it is.

    A plant of its own has a roof beside a battery inverter, which would have nothing to charge.
    """
    if profile.unit is None:
        return plant or Plant(), None
    if plant is not None:
        unit = plant.unit(profile.unit)
        if unit.battery and not battery:
            raise ValueError(f"the plant's {unit.name} has a battery: give the plant one without")
        return plant, unit
    unit = Plant().unit(profile.unit)
    unit = unit if battery else replace(unit, battery=None)
    roof = () if unit.strings else (Plant().unit("stp-10"),)
    return Plant(units=(unit, *roof)), unit


class Simulator:
    """One simulated device. See the package for what the arguments mean."""

    def __init__(
        self,
        model: str | Profile = "sb-3.6",
        *,
        plant: Plant | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        password: str = PASSWORD,
        installer_password: str = INSTALLER_PASSWORD,
        serial: int | None = None,
        name: str | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        max_sessions: int = 4,
        session_idle: float = 300.0,
        lockout_after: int = 10,
        lockout_seconds: float = 900.0,
        tls: Literal[True] | Files | None = None,
        masked: bool = True,
        latency: float = 0.0,
        battery: bool = True,
        meter: bool = True,
        night_gaps: bool = False,
        refusal: Literal["sid", "err"] = "sid",
    ) -> None:
        profile = named(model) if isinstance(model, str) else model
        where, unit = place(profile, plant, battery=battery)
        serial = profile.serial if serial is None else serial
        name = f"{profile.product} {serial % 1000:03d}" if name is None else name
        site = Site(where, unit, serial, name, masked, meter, night_gaps)
        limits = Limits(max_sessions, session_idle, lockout_after, lockout_seconds)
        passwords = {USER: password, INSTALLER: installer_password}
        self._sessions = Sessions(passwords, limits, monotonic)
        self._device = Device(profile, site, self._sessions, clock, REFUSALS[refusal])
        self._monotonic = monotonic
        self._latency = latency
        self._host, self._port = host, port
        self._certificate = None if tls is None else certificate(tls, host)
        self._server: Server | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._requests: list[tuple[float, str]] = []
        self._login_attempts = 0
        self.faults = Faults()

    # Start and stop

    def start(self) -> None:
        """Listen. After a stop, on the same port again."""
        if self._server is not None:
            raise RuntimeError("the simulator is running already")
        self._device.profile.prepare(self._device.site)
        self._stopping.clear()
        self._server = Server((self._host, self._port), self._respond, lambda: self._certificate)
        self._port = self._server.port

    def stop(self) -> None:
        """Close all connections and the port, and wait for the threads."""
        if self._server is None:
            return
        self._stopping.set()
        self._server.stop()
        self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    # What can be asked, and done, from outside the protocol

    @property
    def port(self) -> int:
        """The port; 0 as long as it is still to be chosen."""
        return self._port

    @property
    def url(self) -> str:
        """Where the device is found."""
        return f"{'http' if self._certificate is None else 'https'}://{self._host}:{self._port}"

    @property
    def fingerprint(self) -> str | None:
        """The served certificate's "sha256:AB:CD:…"."""
        return None if self._certificate is None else self._certificate.fingerprint

    @property
    def issuer(self) -> bytes | None:
        """The certificate, as PEM, of who signed the served one: something for a `ca_file`."""
        return None if self._certificate is None else self._certificate.issuer

    @property
    def serial(self) -> int:
        """The device's serial number."""
        return self._device.site.serial

    @property
    def name(self) -> str:
        """The device's own name."""
        return self._device.site.name

    @property
    def sessions(self) -> int:
        """How many sessions are open."""
        return self._sessions.open()

    @property
    def unclaimed_sessions(self) -> int:
        """How many of them nobody has used: the answer to their login was lost, nobody can close them."""
        return self._sessions.unclaimed()

    @property
    def most_sessions_in_use(self) -> int:
        """The most sessions that were open, and known to a client, at one time."""
        return self._sessions.most_in_use

    @property
    def session_ids(self) -> list[str]:
        """Every session id that was given out."""
        return list(self._sessions.issued)

    @property
    def logins(self) -> int:
        """How many logins were accepted."""
        return self._sessions.logins

    @property
    def logouts(self) -> int:
        """How many sessions were ended by a logout."""
        return self._sessions.logouts

    @property
    def login_attempts(self) -> int:
        """How many logins were requested, refused ones and those that met a fault included."""
        return self._login_attempts

    @property
    def requests(self) -> list[tuple[float, str]]:
        """Monotonic time and path of every request, in order of arrival."""
        with self._lock:
            return list(self._requests)

    def reset_counts(self) -> None:
        """Start counting requests, logins, logouts and sessions anew; open sessions stay."""
        with self._lock:
            self._requests.clear()
            self._login_attempts = 0
        self._sessions.reset_counts()

    def expire_sessions(self) -> None:
        """Forget all sessions, as a restart of the device does."""
        self._sessions.expire()

    def replace_certificate(self) -> None:
        """Serve a new certificate from the next handshake on."""
        if self._certificate is None:
            raise RuntimeError("the simulator does not speak TLS")
        self._certificate = certificates.made_up(self._host)

    def online_values(self, group: str = USER) -> dict[str, dict[str, Values]]:
        """Return the whole reply of getAllOnlValues as of now."""
        device = self._device
        return {"result": {device.profile.uid(device.site): device.online_values(group)}}

    # One request

    def _respond(self, handler: Handler) -> None:
        """Note a request and answer it, or let a fault have its way."""
        url = urlsplit(handler.path)
        name = endpoint(url.path)
        content = handler.content()
        with self._lock:
            self._requests.append((self._monotonic(), url.path))
            self._login_attempts += name == "login"
        action = self.faults.take(name)
        seconds = self._latency + (action.seconds if isinstance(action, Delay) else 0)
        if self._stopping.wait(seconds):  # no answer after its end, nor any work
            handler.close_connection = True
            return
        sid = parse_qs(url.query).get("sid", [None])[0]
        reply = outcome(
            action, name, lambda: self._device.handle(handler.command, url.path, sid, content)
        )
        if isinstance(action, Hang):
            wait_for_end(handler)
        if reply is None:
            handler.close_connection = True
        elif isinstance(action, Transmit):
            self._transmit(handler, reply, action)
        else:
            self._send(handler, reply)

    def _send(self, handler: Handler, reply: Reply) -> None:
        """Send a reply in one piece: two would meet delayed acknowledgements."""
        start = head(reply, len(reply.body), close=handler.close_connection)
        handler.wfile.write(start + reply.body)

    def _transmit(self, handler: Handler, reply: Reply, how: Transmit) -> None:
        """Send a reply slowly, in part, or with a wrong length."""
        start = head(reply, max(0, len(reply.body) - how.missing), close=handler.close_connection)
        body = reply.body[: int(len(reply.body) * how.fraction)]
        if how.part == "body":
            handler.wfile.write(start)
            start = b""
        for piece in pieces(start + body, how.chunk or len(start + body)):
            handler.wfile.write(piece)
            if self._stopping.wait(how.interval):
                break
        handler.close_connection |= body != reply.body or how.missing > 0
        if how.reset:
            reset(handler.connection)
