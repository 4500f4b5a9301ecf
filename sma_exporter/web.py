"""The WSGI application: which path answers what. No sockets here."""

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app

from . import __version__
from .collector import DeviceCollector, ExporterCollector, ScrapeCountersCollector, registry_of
from .device import Device
from .page import render

_LOGGER = logging.getLogger(__name__)

#: Seconds for a scrape that does not say, or not credibly, how long it waits; and the most believed.
DEFAULT_SCRAPE_SECONDS = 10.0
MAX_SCRAPE_SECONDS = 60.0

_TEXT = "text/plain; charset=utf-8"

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
class Answer:
    """A short reply."""

    status: str
    body: str
    content_type: str = _TEXT
    headers: Sequence[tuple[str, str]] = ()


class App:
    """The exporter's pages over some devices."""

    def __init__(
        self,
        devices: Sequence[Device],
        *,
        telemetry_path: str = "/metrics",
        offset: float = 0.5,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._devices = {device.name: device for device in devices}
        self._offset = offset
        self._monotonic = monotonic
        self._telemetry_path = telemetry_path
        self._exporter = ExporterCollector(loaded_at=time.time())
        self._routes: Mapping[str, Callable[[WSGIEnvironment], Answer | CollectorRegistry]] = {
            "/": self._page,
            "/-/healthy": lambda _: Answer("200 OK", "Healthy\n"),
            "/-/ready": lambda _: Answer("200 OK", "Ready\n"),
            "/metrics/exporter": self._exporter_metrics,
            "/probe": self._probe,
            telemetry_path: self._metrics,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        route = self._routes.get(environ.get("PATH_INFO") or "/")
        method = environ["REQUEST_METHOD"]
        if route is None:
            result: Answer | CollectorRegistry = Answer("404 Not Found", "No such page.\n")
        elif method not in {"GET", "HEAD"}:
            result = Answer(
                "405 Method Not Allowed", "GET only.\n", headers=[("Allow", "GET, HEAD")]
            )
        else:
            result = route(environ)
        if isinstance(result, Answer):
            return _send(result, method, start_response)
        if method == "HEAD":  # nobody reads a device for headers
            return _send(Answer("200 OK", ""), method, start_response)
        exposition: Iterable[bytes] = make_wsgi_app(result)(environ, start_response)
        return exposition

    def _metrics(self, environ: WSGIEnvironment) -> CollectorRegistry:
        collector = DeviceCollector([*self._devices.values()], self._deadline(environ))
        return registry_of(collector, self._exporter)

    def _exporter_metrics(self, _: WSGIEnvironment) -> CollectorRegistry:
        return registry_of(ScrapeCountersCollector([*self._devices.values()]), self._exporter)

    def _probe(self, environ: WSGIEnvironment) -> Answer | CollectorRegistry:
        targets = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True).get(
            "target", []
        )
        if len(targets) != 1:
            return _bad_request(
                "exactly one ?target=NAME expected, the name of a configured device"
            )
        device = self._devices.get(targets[0])
        if device is None:
            return _bad_request(
                "no device of this name is configured; a host is not taken from a request"
            )
        collector = DeviceCollector([device], self._deadline(environ), with_counters=False)
        return registry_of(collector)

    def _page(self, _: WSGIEnvironment) -> Answer:
        snapshots = [device.last() for device in self._devices.values()]
        body = render(snapshots, __version__, self._telemetry_path, time.time())
        return Answer("200 OK", body, "text/html; charset=utf-8", _PAGE_HEADERS)

    def _deadline(self, environ: WSGIEnvironment) -> float:
        header = environ.get("HTTP_X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS", "")
        return self._monotonic() + scrape_seconds(header, self._offset)


def scrape_seconds(header: str, offset: float) -> float:
    """Return how long a scrape may take, by Prometheus' header less the offset."""
    try:
        seconds = float(header)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > offset):
        return DEFAULT_SCRAPE_SECONDS
    return min(seconds - offset, MAX_SCRAPE_SECONDS)


def _bad_request(sentence: str) -> Answer:
    return Answer("400 Bad Request", f"{sentence}\n")


def _send(answer: Answer, method: str, start_response: StartResponse) -> Iterable[bytes]:
    body = answer.body.encode("utf-8", "replace")
    headers = [
        ("Content-Type", answer.content_type),
        ("Content-Length", str(len(body))),
        *answer.headers,
    ]
    start_response(answer.status, headers)
    return [] if method == "HEAD" else [body]
