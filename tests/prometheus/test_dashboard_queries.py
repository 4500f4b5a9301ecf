"""Every query of every dashboard, on a real Prometheus that scrapes the demonstration both ways."""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import past
import pytest
from prometheus_client.samples import Sample
from real_prometheus import Prometheus, prometheus
from support import grafana
from support.grafana import Browser, Request
from support.programs import exporter

from sma_exporter.ennexos import component
from sma_exporter.ennexos.client import PLANT, SELF
from sma_exporter.metrics import families as metrics
from sma_exporter.metrics.families import DeviceReadings
from sma_exporter.simulator import EnnexosSimulator, Simulator, demo_devices
from sma_exporter.simulator.demo import DEMO_MODELS
from sma_exporter.sma.source import Readings
from sma_exporter.webconnect.decode import decode

BERLIN = ZoneInfo("Europe/Berlin")
DEVICES = set(DEMO_MODELS)
HOUR, DAY, YEAR = 3600, 86_400, 365 * 86_400

#: What the demonstration does not have, and why.
NOT_IN_THE_DEMO = {
    ("Insulation", "residual current {{device}}"): "for the group installer only",
    ("Temperatures", "inverter {{device}}"): "none of its models has it",
    ("Why not", ""): "all devices are read",
    ("Free sessions", "{{device}}"): "no login is refused",
}

#: How the demonstration is scraped: job, and the label `instance` of a device's series there.
WAYS = {"metrics": "127.0.0.1:{port}", "sd": "{device}"}


def configuration(url: str) -> dict[str, object]:
    """Both ways in one Prometheus, in a hurry, under two names."""
    return {
        "scrape_configs": [
            {
                "job_name": "metrics",
                "scrape_interval": "1s",
                "static_configs": [{"targets": [url.removeprefix("http://")]}],
            },
            {
                "job_name": "sd",
                "scrape_interval": "1s",
                "http_sd_configs": [{"url": f"{url}/sd", "refresh_interval": "1s"}],
            },
        ]
    }


def known_times(now: float) -> list[float]:
    """When the demonstration has a past: of late often, and around the times that panels compare with."""
    today = datetime.fromtimestamp(now, BERLIN).replace(hour=0, minute=0, second=0, microsecond=0)
    month, year = today.replace(day=1).timestamp(), today.replace(month=1, day=1).timestamp()
    then = [start - n * YEAR for start in (now, month, year) for n in (0, 1)]
    around = {(start // DAY + n) * DAY for start in then for n in range(-2, 3)}
    days = {(now // DAY - n) * DAY for n in range(33)}
    lately = {(now // HOUR - n) * HOUR for n in range(3, 15 * 24, 3)}
    return sorted(time for time in around | days | lately if time < now - 3 * HOUR)


def demonstrated(now: float, port: str) -> Mapping[str, list[tuple[float, float]]]:
    """The totals and the strings that the demonstration would have shown before."""
    moment = [now]
    devices = demo_devices(clock=lambda: moment[0])
    readings: dict[str, list[tuple[float, float]]] = {}
    for moment[0] in known_times(now):
        for device in devices:
            now_read = DeviceReadings(device.name, decoded(device.simulator), {})
            for family in metrics.families([now_read]):
                for sample in filter(is_known, family.samples):
                    for job, instance in WAYS.items():
                        where = instance.format(port=port, device=device.name)
                        labels = {**sample.labels, "job": job, "instance": where}
                        name = past.series(sample.name, **labels)
                        readings.setdefault(name, []).append((moment[0], sample.value))
    return readings


def decoded(simulator: Simulator | EnnexosSimulator) -> Readings:
    """What a read of a simulated device would bring now."""
    if isinstance(simulator, Simulator):
        (reply,) = simulator.online_values()["result"].values()
        return decode(reply)
    rows = [*simulator.channels(SELF), *simulator.channels(PLANT)]
    alone = component.Description(has_sums=True)
    return component.readings(component.channels(rows, SELF), alone, component.Taken())


def is_known(sample: Sample) -> bool:
    return sample.name.endswith("_joules_total") or sample.name == "sma_pv_string_power_watts"


@dataclass(frozen=True)
class Demo:
    """A Prometheus with the demonstration, past and present, and who looks at it."""

    server: Prometheus

    def ask(self, request: Request) -> list[grafana.Json]:
        """What Prometheus answers; it is no error, or the test fails with its words."""
        if request.step is None:
            return [*self.server.get("query", query=request.expr, time=request.end)["result"]]
        return [
            *self.server.get(
                "query_range",
                query=request.expr,
                start=request.start,
                end=request.end,
                step=request.step,
            )["result"]
        ]

    def values_of(self, variable: grafana.Json, job: str) -> list[str]:
        """What a variable offers once the job is chosen."""
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
        assert found, variable
        selector = found[1].replace("$job", job).replace("$instance", ".+")
        return [*self.server.get(f"label/{found[2]}/values", **{"match[]": selector})]

    def browser(self, job: str) -> Browser:
        """Somebody who looks at the last minute, the only one that there is."""
        now = datetime.now(BERLIN)
        return Browser(now, {"job": (job,)}, scrape_interval="1s", since="now-60s")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("prometheus")
    with exporter("--demo") as (url, _):
        past.remember(demonstrated(time.time(), url.rpartition(":")[2]), folder)
        keep = "--storage.tsdb.retention.time=100y"
        with prometheus(configuration(url), folder, keep) as server:
            server.wait_for(
                lambda s: all(
                    len(s.query(f'count_over_time(sma_logins_total{{job="{job}"}}[1m]) > 3'))
                    == len(DEVICES)
                    for job in WAYS
                )
            )
            yield Demo(server)


def empty(demo: Demo, job: str, name: str) -> set[tuple[str, str]]:
    """The queries of a dashboard without an answer: title of the panel and legend."""
    requests = demo.browser(job).requests(grafana.load(name))
    return {(asked.panel, asked.legend) for asked in requests if not demo.ask(asked)}


@pytest.mark.parametrize("job", WAYS)
@pytest.mark.parametrize("name", grafana.NAMES)
def test_every_query_has_an_answer(demo: Demo, name: str, job: str) -> None:
    titles = {panel["title"] for panel in grafana.panels(grafana.load(name))}
    expected = {key for key in NOT_IN_THE_DEMO if key[0] in titles}

    assert empty(demo, job, name) == expected


def test_at_most_one_in_twenty_has_none() -> None:
    queries = [
        target
        for name in grafana.NAMES
        for panel in grafana.panels(grafana.load(name))
        for target in panel["targets"]
    ]

    assert len(NOT_IN_THE_DEMO) <= len(queries) / 20


@pytest.mark.parametrize("name", grafana.NAMES)
def test_both_ways_of_scraping_show_the_same(demo: Demo, name: str) -> None:
    """How many values a panel has of an instant. The history lacks the label `plant` that /sd adds."""

    def shown(job: str) -> dict[object, int]:
        requests = [r for r in demo.browser(job).requests(grafana.load(name)) if r.step is None]
        return {(asked.panel, asked.legend): len(demo.ask(asked)) for asked in requests}

    assert shown("metrics") == shown("sd")


@pytest.mark.parametrize("name", grafana.NAMES)
def test_lines_of_a_table_can_be_merged(demo: Demo, name: str) -> None:
    """Grafana merges lines of several queries where all that they share is equal: not so the name."""
    for panel in grafana.panels(grafana.load(name)):
        if panel["type"] == "table" and len(panel["targets"]) > 1:
            requests = demo.browser("sd").requests_of(grafana.load(name), panel)
            labels = [set(row["metric"]) for asked in requests for row in demo.ask(asked)]
            assert labels
            assert all("__name__" not in each for each in labels), panel["title"]


@pytest.mark.parametrize("job", WAYS)
def test_the_variables_offer_what_there_is(demo: Demo, job: str) -> None:
    offered = {
        (name, variable["name"]): set(demo.values_of(variable, job))
        for name in grafana.NAMES
        for variable in grafana.load(name)["templating"]["list"]
        if variable["type"] == "query"
    }
    for name in grafana.NAMES:
        assert offered[name, "device"] == DEVICES
        assert {"metrics", "sd"} <= offered[name, "job"]
    assert len(offered["exporter", "instance"]) == 1
    assert offered["plant", "instance"] == (
        DEVICES if job == "sd" else offered["exporter", "instance"]
    )


@pytest.mark.parametrize("job", WAYS)
def test_one_chosen_device_is_shown_alone(demo: Demo, job: str) -> None:
    browser = Browser(datetime.now(BERLIN), {"job": (job,), "device": ("roof",)}, since="now-60s")
    inverter = grafana.load("inverter")

    seen = {
        series["metric"].get("device", "roof")
        for request in browser.requests(inverter)
        for series in demo.ask(request)
    }

    assert seen == {"roof"}


def test_the_power_of_the_house_is_the_one_behind_its_meter(demo: Demo) -> None:
    """All inverters report the one meter of the demonstration; together they know what the house takes."""
    plant = grafana.load("plant")
    browser = Browser(datetime.now(BERLIN), {"job": ("metrics",)})
    now = grafana.panel(plant, "Where the power comes from, where it goes")
    watts = {
        asked.legend: demo.server.query(asked.expr, asked.end)[0][1]
        for asked in browser.requests_of(plant, now)
    }
    sources = watts["PV"] + watts["from battery"] + watts["from grid"]

    assert len(demo.server.query('sma_meter_info{job="metrics"}')) == len(DEVICES)
    assert sources == pytest.approx(watts["House"] + watts["into battery"] + watts["into grid"])
    assert 200 < watts["House"] < 5000
