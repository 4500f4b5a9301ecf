"""Every Prometheus configuration of deploy/: promtool accepts it, and it finds the exporter."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from files import DEPLOY, ROOT, SCRAPE_INTERVAL, SCRAPE_TIMEOUT, document, find, paths, run
from support import readme

from sma_exporter.cli.flags import DEFAULT_PORT

FILES = sorted(DEPLOY.rglob("prometheus*.yml"))
WITH_RULES = [path for path in FILES if "rule_files" in document(path)]
STATIC = DEPLOY / "prometheus" / "prometheus.static.yml"


def name(path: Path) -> str:
    return str(path.relative_to(DEPLOY))


@pytest.mark.parametrize("path", FILES, ids=name)
class TestEach:
    def test_promtool_accepts_it(self, path: Path) -> None:
        agent = ["--agent"] if "remote_write" in document(path) else []

        run("promtool", "check", "config", *agent, path)

    def test_a_read_has_more_time_than_prometheus_gives_by_itself(self, path: Path) -> None:
        found = document(path)["global"]

        assert found["scrape_interval"] == SCRAPE_INTERVAL
        assert found["scrape_timeout"] == SCRAPE_TIMEOUT

    def test_there_is_one_job_for_all(self, path: Path) -> None:
        """Two would count every inverter twice."""
        (job,) = document(path)["scrape_configs"]

        assert job["job_name"] == "sma"
        assert len(job.keys() & {"http_sd_configs", "static_configs"}) == 1

    def test_it_asks_the_port_of_the_program(self, path: Path) -> None:
        (job,) = document(path)["scrape_configs"]
        addresses = [urlsplit(url) for url in find(job, "url")]
        addresses += [urlsplit(f"//{t}/metrics") for ts in find(job, "targets") for t in ts]

        assert addresses
        assert {address.port for address in addresses} == {DEFAULT_PORT}
        assert {address.path for address in addresses} <= paths()


def test_there_are_these() -> None:
    assert [name(path) for path in FILES] == [
        "compose/prometheus.yml",
        "kubernetes/many/prometheus.yml",
        "kubernetes/sidecar/prometheus.yml",
        "prometheus/prometheus.static.yml",
        "prometheus/prometheus.yml",
    ]


def test_all_but_the_alternative_ask_the_exporter_for_its_devices() -> None:
    for path in FILES:
        discovery = any(url.endswith("/sd") for url in find(document(path), "url"))
        assert discovery is (path != STATIC)


@pytest.mark.parametrize("path", WITH_RULES, ids=name)
def test_rules_are_looked_for_beside_it(path: Path) -> None:
    assert document(path)["rule_files"] == ["rules/*.yml"]
    assert (ROOT / "dashboards" / "rules").is_dir()


def test_the_two_of_one_machine_differ_in_how_they_find_it_alone() -> None:
    discovered, static = (document(p) for p in (STATIC.with_name("prometheus.yml"), STATIC))
    for found in (discovered, static):
        del found["scrape_configs"]

    assert yaml.safe_dump(discovered) == yaml.safe_dump(static)


# --- two Prometheis that share the work ---

NAMES = [f"roof-{number}" for number in range(20)]


class _Discovery(BaseHTTPRequestHandler):
    """Answers as /sd does."""

    def do_GET(self) -> None:
        labels = {"__metrics_path__": "/probe"}
        targets = [
            {
                "targets": [self.headers["Host"]],
                "labels": {**labels, "__param_target": n, "instance": n},
            }
            for n in NAMES
        ]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(targets).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture
def discovery() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Discovery) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_every_inverter_is_in_one_half(tmp_path: Path, discovery: str) -> None:
    (text,) = (
        block.code
        for block in readme.blocks("yaml", text=readme.section("Many inverters"))
        if "hashmod" in block.code
    )

    def kept(half: str) -> set[str]:
        path = tmp_path / f"{half}.yml"
        mine = text.replace(f"localhost:{DEFAULT_PORT}", discovery)
        path.write_text(mine.replace('regex: "0"', f'regex: "{half}"'), encoding="utf-8")
        # promtool looks for all of this time, however soon it has found something
        found = json.loads(
            run("promtool", "check", "service-discovery", "--timeout=4s", path, "sma")
        )
        return {target["labels"]["instance"] for target in found if target["labels"]}

    with ThreadPoolExecutor(2) as at_once:
        one, other = at_once.map(kept, "01")

    assert one | other == {*NAMES}
    assert one & other == set()
    assert one
    assert other
