"""Routes and times of the application, without sockets."""

import json
import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from wsgiref.util import setup_testing_defaults

import pytest
from support.programs import PATIENCE_SECONDS

from sma_exporter import config
from sma_exporter.devices.fleet import Fleet
from sma_exporter.simulator import PASSWORD, Simulator
from sma_exporter.web.app import MAX_WAITING, App, scrape_seconds
from sma_exporter.web.service_discovery import Base


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def app(simulator: Simulator) -> Iterator[App]:
    device = config.DeviceSettings(name="roof", url=simulator.url, password=config.Secret(PASSWORD))
    fleet = Fleet(config.Config((device,)))
    yield App(fleet)
    fleet.close()


def fetch(
    app: App, path: str, method: str = "GET", **headers: str
) -> tuple[str, dict[str, str], bytes]:
    path, _, query = path.partition("?")
    environ: dict[str, object] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
    }
    setup_testing_defaults(environ)
    seen: list[tuple[str, dict[str, str]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> object:
        seen.append((status, dict(headers)))
        return None

    body = b"".join(app(environ, start_response))  # type: ignore[arg-type]
    return *seen[0], body


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("20", 19.5),
        ("0.6", 0.1),
        ("60", 59.5),
        ("60.5", 60.0),
        ("3600", 60.0),
        ("0.5", 10.0),
        ("0", 10.0),
        ("-1", 10.0),
        ("", 10.0),
        ("soon", 10.0),
        ("nan", 10.0),
        ("inf", 10.0),
        ("1e999", 10.0),
    ],
)
def test_the_deadline_by_prometheus_header(header: str, expected: float) -> None:
    assert math.isclose(scrape_seconds(header, 0.5), expected)


def test_the_deadline_is_by_the_devices_clock(simulator: Simulator) -> None:
    def ahead() -> float:
        return time.monotonic() + 86_400

    settings = config.DeviceSettings(
        name="roof", url=simulator.url, password=config.Secret(PASSWORD)
    )
    fleet = Fleet(config.Config((settings,)), monotonic=ahead)
    _, _, body = fetch(App(fleet), "/metrics")
    fleet.close()

    assert b'sma_up{device="roof"} 1.0' in body


@pytest.mark.parametrize("path", ["/", "/-/healthy", "/-/ready", "/metrics/exporter", "/nope"])
def test_only_metrics_and_probe_touch_a_device(app: App, simulator: Simulator, path: str) -> None:
    fetch(app, path)

    assert simulator.requests == []


@pytest.mark.parametrize("path", ["/metrics", "/probe?target=roof"])
def test_asking_for_headers_touches_no_device(app: App, simulator: Simulator, path: str) -> None:
    status, _, body = fetch(app, path, "HEAD")

    assert (status, body) == ("200 OK", b"")
    assert simulator.requests == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
@pytest.mark.parametrize("path", ["/metrics", "/probe", "/", "/-/healthy"])
def test_other_methods_are_not_allowed(app: App, path: str, method: str) -> None:
    status, headers, _ = fetch(app, path, method)

    assert status == "405 Method Not Allowed"
    assert headers["Allow"] == "GET, HEAD"


def test_a_host_in_the_request_is_no_target(app: App, simulator: Simulator) -> None:
    with Simulator() as unconfigured:
        status, _, body = fetch(app, f"/probe?target={unconfigured.url}")

        assert status == "400 Bad Request"
        assert b"configured" in body
        assert unconfigured.requests == []
    assert simulator.requests == []


def test_the_page_says_so_before_the_first_read(app: App) -> None:
    _, headers, body = fetch(app, "/")

    assert b"not read yet" in body
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_the_page_shows_the_last_read(app: App, simulator: Simulator) -> None:
    fetch(app, "/metrics")
    asked = len(simulator.requests)

    _, _, body = fetch(app, "/")

    assert b"Sunny Boy 3.6" in body
    assert b'<span class="up">up</span>' in body
    assert len(simulator.requests) <= asked + 1  # the read's own logout may still arrive


# --- service discovery ---


def targets(body: bytes) -> list[tuple[str, str]]:
    """(scheme, address) of the entries, in order."""
    entries = json.loads(body)
    return [(entry["labels"]["__scheme__"], entry["targets"][0]) for entry in entries]


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("sma.example:10126", "sma.example:10126"),
        ("sma.example", "sma.example:80"),
        ("[::1]:10126", "[::1]:10126"),
        ("192.0.2.7:8080", "192.0.2.7:8080"),
    ],
)
def test_discovery_names_the_host_that_was_asked(app: App, host: str, target: str) -> None:
    status, headers, body = fetch(app, "/sd", host=host)

    assert status == "200 OK"
    assert (headers["Content-Type"], headers["Cache-Control"]) == ("application/json", "no-store")
    assert targets(body) == [("http", target)] * 2


@pytest.mark.parametrize(
    "host",
    ["", "a b", "a/b", "a/", "u:p@a", "a:0", "a:x", "a?b", "[::1", "-", "<script>", "ü", "a" * 300],
)
def test_discovery_refuses_a_host_that_is_none(app: App, host: str) -> None:
    status, _, body = fetch(app, "/sd", host=host)

    assert status == "400 Bad Request"
    assert b"--web.external-url" in body


def test_discovery_behind_a_proxy_goes_by_the_external_url(simulator: Simulator) -> None:
    device = config.DeviceSettings(name="roof", url=simulator.url)
    external = Base("https", "sma.example:443", "/solar")
    app = App(Fleet(config.Config((device,))), external_url=external)

    _, _, body = fetch(app, "/sd", host="a/b")

    assert targets(body) == [("https", "sma.example:443")] * 2
    assert [entry["labels"]["__metrics_path__"] for entry in json.loads(body)] == [
        "/solar/probe",
        "/solar/metrics/exporter",
    ]
    assert simulator.requests == []


# --- reload ---


def test_reload_is_off_unless_it_is_allowed(app: App) -> None:
    status, _, body = fetch(app, "/-/reload", "POST")

    assert status == "403 Forbidden"
    assert b"--web.enable-lifecycle" in body


def test_reload_takes_the_configuration_of_now(simulator: Simulator) -> None:
    device = config.DeviceSettings(name="roof", url=simulator.url)
    fleet = Fleet(config.Config(()), lambda: config.Config((device,)))
    app = App(fleet, lifecycle=True)

    assert fetch(app, "/-/reload")[0] == "405 Method Not Allowed"
    assert fetch(app, "/probe?target=roof")[0] == "400 Bad Request"
    assert fetch(app, "/-/reload", "POST")[0] == "200 OK"
    assert fetch(app, "/probe?target=roof", "HEAD")[0] == "200 OK"
    assert b"roof" in fetch(app, "/")[2]


def test_a_reload_that_fails_says_why() -> None:
    def broken() -> config.Config:
        raise config.ConfigError(["devices[0].url: is missing"])

    status, _, body = fetch(
        App(Fleet(config.Config(()), broken), lifecycle=True), "/-/reload", "POST"
    )

    assert status == "500 Internal Server Error"
    assert b"devices[0].url: is missing" in body


def test_a_reload_that_hangs_keeps_no_place_of_a_scrape(simulator: Simulator) -> None:
    """Its file may lie on a mount that does not answer."""
    may_go_on = threading.Event()
    loaded = config.Config((config.DeviceSettings(name="roof", url=simulator.url),))

    def hanging() -> config.Config:
        may_go_on.wait(PATIENCE_SECONDS)
        return loaded

    fleet = Fleet(loaded, hanging)
    app = App(fleet, lifecycle=True)
    with ThreadPoolExecutor(MAX_WAITING + 10) as pool:
        reloads = [pool.submit(fetch, app, "/-/reload", "POST") for _ in range(MAX_WAITING + 10)]
        refused = [reload.result() for reload in islice(as_completed(reloads), MAX_WAITING + 9)]
        scraped = fetch(app, "/metrics")[0]
        may_go_on.set()
        found = Counter(reload.result()[0] for reload in reloads)
    fleet.close()

    assert scraped == "200 OK"
    assert found == {"503 Service Unavailable": MAX_WAITING + 9, "200 OK": 1}
    assert {headers["Retry-After"] for _, headers, _ in refused} == {"5"}
