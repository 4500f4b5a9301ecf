"""A real Prometheus that knows nothing but the URL of /sd."""

import signal
from collections import Counter
from pathlib import Path
from typing import Any

from real_prometheus import Prometheus, prometheus
from support.programs import exporter, get, values
from support.web_configs import MUTUAL, Folder, hashed

from sma_exporter.simulator import PASSWORD, Simulator
from sma_exporter.simulator.demo import DEMO_MODELS


def discovering(url: str, **access: Any) -> dict[str, Any]:
    """The configuration of a Prometheus in a hurry; `access` is what it needs to come in."""
    asking = {key: value for key, value in access.items() if key != "scheme"}
    job = {
        "job_name": "sma",
        "scrape_interval": "1s",
        "http_sd_configs": [{"url": f"{url}/sd", "refresh_interval": "1s", **asking}],
        **access,
    }
    return {"scrape_configs": [job]}


def up(server: Prometheus) -> dict[str, float]:
    """Whether each target answered when it was last scraped, by its instance."""
    return {labels["instance"]: value for labels, value in server.query('up{job="sma"}')}


def all_up(server: Prometheus, *instances: str) -> bool:
    return up(server) == dict.fromkeys(instances, 1.0)


def without_target(labels: dict[str, str]) -> frozenset[tuple[str, str]]:
    """A series without what only tells where it was scraped."""
    return frozenset((k, v) for k, v in labels.items() if k not in {"job", "instance"})


def test_it_finds_all_and_scrapes_each_series_once(tmp_path: Path) -> None:
    with exporter("--demo") as (url, _), prometheus(discovering(url), tmp_path) as server:
        own = url.removeprefix("http://")
        server.wait_for(lambda s: all_up(s, *DEMO_MODELS, own))
        scraped = server.series('{job="sma",__name__=~"sma_.+"}')
        shown = values(get(f"{url}/metrics").text)

    names = {series.partition("{")[0] for series in shown if series.startswith("sma_")}
    times = Counter(map(without_target, scraped))
    assert {labels["__name__"] for labels in scraped} == names
    assert {labels.get("device") for labels in scraped} == {*DEMO_MODELS, None}
    assert {series: count for series, count in times.items() if count > 1} == {}


def test_a_device_of_a_plant_has_it_as_a_label(tmp_path: Path) -> None:
    with exporter("--demo") as (url, _), prometheus(discovering(url), tmp_path) as server:
        server.wait_for(lambda s: up(s).get("roof"))

        (found,) = server.series('sma_up{instance="roof"}')

    assert (found["device"], found["plant"]) == ("roof", "home")


def test_it_follows_a_reload(tmp_path: Path) -> None:
    path = tmp_path / "sma.yml"

    def write(**devices: Simulator) -> None:
        lines = [
            f'  - {{name: {name}, url: "{device.url}", password: "{PASSWORD}", min_interval: 0s}}\n'
            for name, device in devices.items()
        ]
        path.write_text("devices:\n" + "".join(lines), encoding="utf-8")

    with Simulator("stp-10") as roof, Simulator("sb-1.5") as garage:
        write(roof=roof)
        with (
            exporter(f"--config.file={path}") as (url, program),
            prometheus(discovering(url), tmp_path) as server,
        ):
            own = url.removeprefix("http://")
            server.wait_for(lambda s: all_up(s, "roof", own))
            write(roof=roof, garage=garage)
            program.process.send_signal(signal.SIGHUP)
            server.wait_for(lambda s: all_up(s, "roof", "garage", own))
            write(garage=garage)
            program.process.send_signal(signal.SIGHUP)
            server.wait_for(lambda s: all_up(s, "garage", own))

            assert program.stop() == 0
        assert (roof.sessions, garage.sessions) == (0, 0)


def test_it_comes_in_through_a_locked_door(tmp_path: Path) -> None:
    """Over TLS, with a client certificate and a password, to /sd and to the targets."""
    folder = Folder(tmp_path)
    folder.issue()
    folder.issue("prometheus", "prometheus")
    ca = folder.issue_ca()
    folder.write(f"{MUTUAL}basic_auth_users:\n  prometheus: {hashed('made up')}\n")
    (tmp_path / "password").write_text("made up", encoding="utf-8")
    access = {
        "scheme": "https",
        "basic_auth": {"username": "prometheus", "password_file": str(tmp_path / "password")},
        "tls_config": {
            "ca_file": str(ca),
            "cert_file": str(tmp_path / "prometheus.crt"),
            "key_file": str(tmp_path / "prometheus.key"),
        },
    }
    with exporter("--demo", f"--web.config.file={folder.web}") as (http, _):
        url = http.replace("http://", "https://")
        with prometheus(discovering(url, **access), tmp_path) as server:
            own = url.removeprefix("https://")
            server.wait_for(lambda s: all_up(s, *DEMO_MODELS, own))
            targets = server.targets()
            devices = server.query("sma_up == 1")

    assert {target["scrapeUrl"].partition(":")[0] for target in targets} == {"https"}
    assert {labels["device"] for labels, _ in devices} == set(DEMO_MODELS)
