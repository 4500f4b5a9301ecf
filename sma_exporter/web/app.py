"""The WSGI application: which path answers what. No sockets here."""

import gzip
import json
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

from .. import __version__, config
from ..devices.fleet import Fleet
from ..metrics.collector import DeviceCollector, ExporterCollector, ScrapeCountersCollector
from ..metrics.exposition import Collector, exposition
from .content_coding import accepts_gzip
from .page import render
from .paths import FixedPath
from .service_discovery import Base, base_of, target_groups
from .writing import TooManyError, Writing

_LOGGER = logging.getLogger(__name__)

#: Seconds for a scrape that does not say, or not credibly, how long it waits; and the most
#: believed.
DEFAULT_SCRAPE_SECONDS = 10.0
MAX_SCRAPE_SECONDS = 60.0

#: So many requests may wait for devices or files at a time: fewer than the server has connections, so that
#: the other paths always answer.
MAX_WAITING = 64

#: The text repeats itself so much that more effort finds little more.
_GZIP_LEVEL = 1

_TEXT = "text/plain; charset=utf-8"
_READ = ("GET", "HEAD")

_POLICY = (
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
#: The page needs no script, no picture and nobody else.
_PAGE_HEADERS = [
    ("Content-Security-Policy", "; ".join(_POLICY)),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """A short answer."""

    status: str
    body: str
    content_type: str = _TEXT
    headers: Sequence[tuple[str, str]] = ()


class Families(NamedTuple):
    """An answer that is still to be made: whose families it shows, and what to do when that is over."""

    collectors: Sequence[Collector]
    end: Callable[[], None] = lambda: None


class Route(NamedTuple):
    """What answers a path, and to which methods. `waits` says that it waits for devices or files."""

    answer: Callable[[WSGIEnvironment], Message | Families]
    methods: Sequence[str] = _READ
    waits: bool = False


_TOO_MANY = Message(
    "503 Service Unavailable",
    f"{MAX_WAITING} requests wait already; try again in some seconds.\n",
    headers=[("Retry-After", "5")],
)

_TOO_SLOW = Message(
    "503 Service Unavailable",
    "Answers to earlier requests are still being written; try again in some seconds.\n",
    headers=[("Retry-After", "5")],
)
_RELOADING = Message(
    "503 Service Unavailable",
    "The configuration is being loaded already; try again in some seconds.\n",
    headers=[("Retry-After", "5")],
)


class App:
    """The exporter's pages over the configured devices.

    `external_url` is where Prometheus reaches them, if not at the host that it asks; `lifecycle` allows
    to reload the configuration over HTTP; `web_config_usable` tells whether the web configuration file is;
    `log_lines_dropped` counts the log lines that were lost.
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        telemetry_path: str = "/metrics",
        offset: float = 0.5,
        external_url: Base | None = None,
        lifecycle: bool = False,
        web_config_usable: Callable[[], bool] = lambda: True,
        log_lines_dropped: Callable[[], int] = lambda: 0,
    ) -> None:
        self.telemetry_path = telemetry_path
        self._fleet = fleet
        self._offset = offset
        self._external_url = external_url
        self._exporter = ExporterCollector(
            fleet, web_config_usable=web_config_usable, log_lines_dropped=log_lines_dropped
        )
        self._writing_all = Writing(fleet.monotonic, one_at_a_time=True)
        self._writing_one = Writing(fleet.monotonic, one_at_a_time=False)
        self._reloading = threading.Lock()
        self._may_wait = threading.Semaphore(MAX_WAITING)
        reload = self._reload if lifecycle else _no_lifecycle
        self.routes: Mapping[str, Route] = {
            FixedPath.PAGE: Route(self._page),
            FixedPath.HEALTHY: Route(lambda _: Message("200 OK", "Healthy\n")),
            FixedPath.READY: Route(lambda _: Message("200 OK", "Ready\n")),
            FixedPath.RELOAD: Route(reload, ("POST",), waits=lifecycle),
            FixedPath.EXPORTER_METRICS: Route(self._exporter_metrics),
            FixedPath.PROBE: Route(self._probe, waits=True),
            FixedPath.SERVICE_DISCOVERY: Route(self._service_discovery),
            telemetry_path: Route(self._metrics, waits=True),
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        route = self.routes.get(environ.get("PATH_INFO") or "/")
        method = environ["REQUEST_METHOD"]
        if route is None:
            return _send(Message("404 Not Found", "No such page.\n"), method, start_response)
        if method not in route.methods:
            allowed = ", ".join(route.methods)
            refusal = Message(
                "405 Method Not Allowed", f"{allowed} only.\n", headers=[("Allow", allowed)]
            )
            return _send(refusal, method, start_response)
        if not route.waits:
            return _answer(route, environ, start_response)
        if not self._may_wait.acquire(blocking=False):
            return _send(_TOO_MANY, method, start_response)
        try:
            return _answer(route, environ, start_response)
        finally:
            self._may_wait.release()

    def _metrics(self, environ: WSGIEnvironment) -> Families:
        devices = self._fleet.devices
        scrape = self._writing_all.scrape(self._seconds(environ), len(devices))
        collector = DeviceCollector(devices, scrape.deadline, on_read=scrape.waited)
        return Families((collector, self._exporter), scrape.end)

    def _exporter_metrics(self, _: WSGIEnvironment) -> Families:
        return Families((ScrapeCountersCollector(self._fleet.devices), self._exporter))

    def _probe(self, environ: WSGIEnvironment) -> Message | Families:
        targets = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True).get(
            "target", []
        )
        if len(targets) != 1:
            return _bad_request(
                "exactly one ?target=NAME expected, the name of a configured device"
            )
        device = next((d for d in self._fleet.devices if d.name == targets[0]), None)
        if device is None:
            return _bad_request(
                "no device of this name is configured; a host is not taken from a request"
            )
        scrape = self._writing_one.scrape(self._seconds(environ), 1)
        collector = DeviceCollector(
            [device], scrape.deadline, with_counters=False, on_read=scrape.waited
        )
        return Families((collector,), scrape.end)

    def _page(self, _: WSGIEnvironment) -> Message:
        snapshots = [device.last() for device in self._fleet.devices]
        body = render(snapshots, __version__, self.telemetry_path, time.time())
        return Message("200 OK", body, "text/html; charset=utf-8", _PAGE_HEADERS)

    def _service_discovery(self, environ: WSGIEnvironment) -> Message:
        base = self._external_url or _asked_at(environ)
        if base is None:
            return _bad_request("a valid Host header expected, or --web.external-url")
        groups = target_groups(base, [device.settings for device in self._fleet.devices])
        headers = [("Cache-Control", "no-store")]
        return Message("200 OK", json.dumps(groups), "application/json", headers)

    def _reload(self, _: WSGIEnvironment) -> Message:
        # One at a time: a file may lie on a mount that hangs, and each would keep a place of a scrape.
        if not self._reloading.acquire(blocking=False):
            return _RELOADING
        try:
            self._fleet.reload()
        except config.ConfigError as error:
            return Message(
                "500 Internal Server Error", f"Not reloaded, the old one stays:\n{error}\n"
            )
        finally:
            self._reloading.release()
        return Message("200 OK", "Reloaded\n")

    def _seconds(self, environ: WSGIEnvironment) -> float:
        header = environ.get("HTTP_X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS", "")
        return scrape_seconds(header, self._offset)


def scrape_seconds(header: str, offset: float) -> float:
    """Return how long a scrape may take, by Prometheus' header less the offset."""
    try:
        seconds = float(header)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > offset):
        return DEFAULT_SCRAPE_SECONDS
    return min(seconds - offset, MAX_SCRAPE_SECONDS)


def _answer(
    route: Route, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """Return the whole answer: nothing is waited for after this."""
    method = environ["REQUEST_METHOD"]
    result = route.answer(environ)
    if isinstance(result, Message):
        return _send(result, method, start_response)
    if method == "HEAD":  # no device is read for headers
        return _send(Message("200 OK", ""), method, start_response)
    try:
        return _expose(result.collectors, environ, start_response)
    except TooManyError:
        return _send(_TOO_SLOW, method, start_response)
    finally:
        result.end()


def _expose(
    collectors: Sequence[Collector], environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    names = parse_qs(environ.get("QUERY_STRING", "")).get("name[]")
    shown = exposition(collectors, environ.get("HTTP_ACCEPT", ""), names)
    body = shown.text.encode()
    headers = [("Content-Type", shown.content_type)]
    if accepts_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
        body = gzip.compress(body, _GZIP_LEVEL)
        headers.append(("Content-Encoding", "gzip"))
    start_response("200 OK", headers)
    return [body]


def _asked_at(environ: WSGIEnvironment) -> Base | None:
    """Return where the client asked, by its Host header; None when that is none."""
    host = environ.get("HTTP_HOST", "")
    if "/" in host or not host.isascii():
        return None
    try:
        return base_of(f"{environ['wsgi.url_scheme']}://{host}")
    except ValueError:
        return None


def _no_lifecycle(_: WSGIEnvironment) -> Message:
    return Message(
        "403 Forbidden", "Start with --web.enable-lifecycle to allow this, or send SIGHUP.\n"
    )


def _bad_request(sentence: str) -> Message:
    return Message("400 Bad Request", f"{sentence}\n")


def _send(message: Message, method: str, start_response: StartResponse) -> Iterable[bytes]:
    body = message.body.encode("utf-8", "replace")
    headers = [
        ("Content-Type", message.content_type),
        ("Content-Length", str(len(body))),
        *message.headers,
    ]
    start_response(message.status, headers)
    return [] if method == "HEAD" else [body]
