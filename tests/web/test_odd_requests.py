"""Nothing that a client sends is answered with an error of the exporter's own."""

import http.client
import logging
import time
from collections.abc import Iterator
from wsgiref.util import setup_testing_defaults

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sma_exporter import config
from sma_exporter.devices.fleet import Fleet
from sma_exporter.server import ListenAddress, Server
from sma_exporter.web.app import App

APP = App(Fleet(config.Config(())), lifecycle=True)

PATHS = ("/metrics", "/probe", "/metrics/exporter", "/sd", "/", "/-/healthy", "/-/reload", "/nope")
QUERIES = (
    *("", "name[]=sma_up", "name[]=", "name[]", "&&&=;;", "%", "%zz=%ff", "name[]=%ff%00%0a"),
    *("name[]=" + "x" * 10_000, "&".join(["name[]=x"] * 3000), "target=", "target=a&target=b"),
    *("target=%ff", "target=http://192.0.2.1", "=" * 5000, "\xff\xfe"),
)
HEADERS = {
    "ACCEPT": (
        *("text/plain;version=x", "text/plain; version=", "text/plain;version=1.0.0.0.0.0"),
        *("application/openmetrics-text;version=x", "application/openmetrics-text;version=-1"),
        *("application/openmetrics-text;version=1.0.0;escaping=\xff", "text/plain;version=9" * 99),
        *(
            ";",
            ",",
            "=",
            ";;=;,=;",
            "text/plain;q=",
            "text/plain;version",
            "a/b;c=d=e",
            "\xff" * 99,
        ),
        *("application/openmetrics-text;version=1.0.0;q=nan", "*/*;version=1e999", "," * 9000),
    ),
    "ACCEPT_ENCODING": (
        "gzip;q=x",
        "gzip;q=",
        ";",
        "gzip;q=1e999",
        "\xff",
        "gzip," * 3000,
        "q=gzip",
    ),
    "X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS": (
        *(
            "",
            "x",
            "nan",
            "-inf",
            "1e999",
            "0x10",
            "1_0",
            "\u0661",
            "9" * 5000,
            "1,1",
            " 5 ",
            "\xb2",
        ),
    ),
    "HOST": (
        *(
            "",
            ":",
            "::",
            "[",
            "]",
            "[::1",
            "[::1]:x",
            "a:b:c",
            "a:99999",
            "a:-1",
            "a b",
            "a@b",
            "\xff",
        ),
        *(
            "..",
            "a" * 5000,
            "%00",
            "a?b",
            "a#b",
            "a\\b",
            "[v1.x]",
            "1.2.3.4.5",
            "xn--\xff",
            "a:\u0661",
        ),
    ),
    "AUTHORIZATION": ("Basic", "Basic \xff", "Bearer", "x" * 9000),
    "IF_NONE_MATCH": ("*", "\xff"),
    "RANGE": ("bytes=0-", "bytes=x"),
}
ODD = [(name, value) for name, values in HEADERS.items() for value in values]


def status(path: str, query: str = "", **headers: str) -> str:
    """What the application answers."""
    environ: dict[str, object] = {"REQUEST_METHOD": "GET", "PATH_INFO": path}
    environ |= {"QUERY_STRING": query}
    environ |= {f"HTTP_{name}": value for name, value in headers.items()}
    setup_testing_defaults(environ)
    seen: list[str] = []
    body = APP(environ, lambda status, *_: seen.append(status))  # type: ignore[arg-type]
    assert b"".join(body) or seen
    return seen[0]


@pytest.mark.parametrize(("name", "value"), ODD, ids=lambda text: text[:30])
def test_no_header_gives_an_error_of_ours(name: str, value: str) -> None:
    for path in PATHS:
        assert status(path, **{name: value})[0] in "24"


@pytest.mark.parametrize("query", QUERIES, ids=lambda text: text[:20])
def test_no_query_gives_an_error_of_ours(query: str) -> None:
    started = time.process_time()

    for path in PATHS:
        assert status(path, query)[0] in "24"

    assert time.process_time() - started < 5


LATIN = st.text(st.characters(max_codepoint=255), max_size=60)
PARTS = st.lists(
    st.sampled_from(
        [
            *("text/plain", "application/openmetrics-text", "*/*", ";", ",", "=", "version=", "q="),
            *(
                "escaping=",
                "1.0.0",
                "0.0.4",
                "x",
                " ",
                "1",
                "gzip",
                ":",
                "[",
                "]",
                "-",
                ".",
                "\xff",
            ),
        ]
    ),
    max_size=12,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([*HEADERS]), LATIN | PARTS, LATIN | PARTS)
def test_whatever_a_client_sends(name: str, value: str, query: str) -> None:
    for path in ("/metrics", "/probe", "/sd"):
        assert status(path, query, **{name: value})[0] in "24"


@pytest.fixture
def port() -> Iterator[int]:
    server = Server(APP, [ListenAddress("127.0.0.1", 0)])
    server.start()
    yield server.addresses[0].port
    server.stop()


@pytest.mark.parametrize("accept", HEADERS["ACCEPT"], ids=lambda text: text[:30])
def test_an_accept_header_that_makes_no_sense_gets_text_and_no_line_in_the_log(
    port: int, accept: str, caplog: pytest.LogCaptureFixture
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/metrics", headers={"Accept": accept})
    response = connection.getresponse()
    body = response.read()
    connection.close()

    assert response.status == 200
    assert b"# TYPE sma_exporter_build_info gauge" in body or b"# EOF" in body
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
