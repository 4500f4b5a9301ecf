"""Years of simulated history in a real Prometheus: the yield of a day is what the plant has yielded."""

import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from real_prometheus import Prometheus, prometheus
from support import readme
from support.backfills import BERLIN
from support.needs import require_tool
from support.programs import command, exporter

from sma_exporter.simulator import Plant, Simulator

Simulate = Callable[..., Simulator]

PASSWORD = {"SMA_PASSWORD": "Sunny-1234", "TZ": ""}
YIELD, EXPORT = "sma_yield_joules_total", "sma_meter_export_joules_total"

#: Summer and winter, days on which clocks change, a leap day, the ends of years and of the span.
DAYS = (
    "2015-01-01", "2016-02-29", "2017-12-31", "2018-06-21", "2019-03-30", "2020-10-25", "2022-01-01",
    "2023-07-04", "2024-02-29", "2024-03-31", "2024-08-15", "2024-10-27", "2024-12-31",
)  # fmt: skip


def at(server: Prometheus, expression: str, moment: float) -> list[float]:
    """The values of all series at a moment."""
    return [value for _, value in server.query(expression, moment)]


KEEP = "--storage.tsdb.retention.time=100y"


def backfill(simulator: Simulator, path: Path, *more: str) -> None:
    arguments = (
        "backfill",
        f"--sma.url={simulator.url}",
        "--sma.device=roof",
        "-o",
        str(path),
        *more,
    )
    subprocess.run(command(*arguments), check=True, timeout=50, env={**os.environ, **PASSWORD})


def blocks(path: Path, data: Path) -> None:
    subprocess.run(
        [
            require_tool("promtool"),
            *("tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=8760h"),
            *(str(path), str(data)),
        ],
        check=True,
        timeout=50,
        stdout=subprocess.DEVNULL,
    )


def midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=BERLIN).timestamp()


def totals(plant: Plant) -> dict[str, Callable[[float], float]]:
    """What the plant has moved up to a moment, in Wh."""
    unit = plant.unit("sb-3.6")
    return {
        YIELD: lambda moment: plant.at(moment).delivered(unit),
        EXPORT: lambda moment: plant.at(moment).forward(plant.at(moment).year.grid),
    }


def energy_of_a_day(metric: str) -> str:
    """The rule of the README, in Wh."""
    (rule,) = [
        b.code for b in readme.blocks("promql") if "offset 1d" in b.code and "yield" in b.code
    ]
    return rule.replace(YIELD, metric).replace("3.6e6", "3600")


@pytest.fixture(scope="module")
def plant() -> Plant:
    return Plant()


@pytest.fixture(scope="module")
def server(plant: Plant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Ten years of days, and over the last of them five minutes too."""
    folder = tmp_path_factory.mktemp("history")
    labels = ("--label=job=sma", "--label=instance=localhost:10126")
    with Simulator("sb-3.6", plant=plant) as simulator:
        days, minutes = folder / "days.om", folder / "minutes.om"
        backfill(simulator, days, "--from=2015-01-01", "--to=2024-12-31", *labels)
        backfill(
            simulator, minutes, "--from=2024-01-01", "--to=2024-12-31", "--interval=5m", *labels
        )
        assert simulator.sessions == 0
    blocks(days, folder / "data")
    blocks(minutes, folder / "data")
    with prometheus({}, folder, KEEP) as running:
        yield running


class TestTenYears:
    def found_and_true(
        self, server: Prometheus, plant: Plant, day: str, metric: str, offset: str = "1d"
    ) -> tuple[float, float]:
        """The energy (Wh) of a day as Prometheus and as the plant say it."""
        first = date.fromisoformat(day)
        begin, end = midnight(first), midnight(first + timedelta(days=1))
        total = totals(plant)[metric]
        rule = energy_of_a_day(metric).replace("offset 1d", f"offset {offset}")
        (found,) = at(server, rule, end)
        return found, total(end) - total(begin)

    @pytest.mark.parametrize("metric", [YIELD, EXPORT])
    @pytest.mark.parametrize("day", DAYS)
    def test_the_energy_of_a_day(
        self, server: Prometheus, plant: Plant, day: str, metric: str
    ) -> None:
        found, true = self.found_and_true(server, plant, day, metric)

        assert found == pytest.approx(true, abs=1.0)

    @pytest.mark.parametrize("day", ["2019-03-31", "2016-03-27"])
    def test_the_day_on_which_the_clock_is_put_forward(
        self, server: Prometheus, plant: Plant, day: str
    ) -> None:
        """It has 23 hours, so 24 hours before its end is before the reading at its beginning."""
        assert "ask with `offset 23h`" in " ".join(readme.section("History").split())
        wrong, _ = self.found_and_true(server, plant, day, YIELD)
        found, true = self.found_and_true(server, plant, day, YIELD, "23h")

        assert wrong > true + 1000
        assert found == pytest.approx(true, abs=1.0)

    def test_days_add_up(self, server: Prometheus, plant: Plant) -> None:
        """No reading was lost between the two, and where both have one it counts once."""
        end = midnight(date(2025, 1, 1))
        (found,) = at(server, f"count_over_time({YIELD}[3660d])", end)

        assert found == 3654 + (366 * 288 + 1) - 367

    def test_one_series_of_each_metric(self, server: Prometheus) -> None:
        found = server.query(
            'count by (__name__) (last_over_time({__name__=~"sma_.+"}[400d]))',
            midnight(date(2025, 1, 1)),
        )

        assert {labels["__name__"]: number for labels, number in found} == {
            YIELD: 1,
            EXPORT: 1,
            "sma_meter_import_joules_total": 1,
            "sma_pv_generation_joules_total": 1,
        }


def test_past_and_present_are_one_series(simulate: Simulate, tmp_path: Path) -> None:
    """Scraped as the README says, then filled: with its labels the history joins what is there."""
    simulator = simulate("sb-3.6")
    (labels,) = re.findall(r"--label job=sma --label instance=(\S+)", readme.section("History"))
    configured = tmp_path / "sma.yml"
    configured.write_text(
        json.dumps({"devices": [{"name": "roof", "url": simulator.url, "password": "Sunny-1234"}]})
    )
    data = tmp_path / "data"
    with exporter(f"--config.file={configured}") as (url, _):
        target = url.removeprefix("http://")
        scrape = next(b.code for b in readme.blocks("yaml") if "scrape_configs" in b.code)
        assert f'"{labels}"' in scrape
        scrape = scrape.replace(labels, target).replace("30s", "2s").replace("20s", "2s")
        with prometheus(yaml.safe_load(scrape), tmp_path, KEEP) as server:
            server.wait_for(lambda s: s.query(YIELD))
    last_week = f"{datetime.now(BERLIN) - timedelta(days=7):%Y-%m-%d}"
    path = tmp_path / "roof.om"
    backfill(
        simulator, path, f"--from={last_week}", "--label=job=sma", f"--label=instance={target}"
    )
    blocks(path, data)

    with prometheus({}, tmp_path, KEEP) as server:
        (series,) = server.get("query", query=f"{YIELD}[10d]")["result"]

    stamps = [stamp for stamp, _ in series["values"]]
    assert series["metric"]["instance"] == target
    assert min(stamps) < time.time() - 6 * 86_400
    assert max(stamps) > time.time() - 300
    values = [float(value) for _, value in series["values"]]
    assert values == sorted(values)


class TestReadme:
    def commands(self, simulator: Simulator, folder: Path) -> list[str]:
        """The three commands, with this device and these folders."""
        (block,) = readme.blocks("sh", text=readme.section("History"))
        (folder / "roof.password").write_text("Sunny-1234\n", encoding="utf-8")
        (folder / "sma.yml").write_text(
            f"devices:\n- {{name: roof, url: '{simulator.url}', password_file: roof.password}}\n"
        )
        (folder / "data").mkdir()
        found = block.code.replace("\\\n", "").splitlines()
        places = {
            ".venv/bin/sma_exporter": shlex.join(command()),
            "sudo chown -R prometheus: blocks && ": "",  # the test's Prometheus runs as its own user
            "sudo mv": "mv",
            "/var/lib/prometheus/metrics2/": "data/",
        }
        for theirs, ours in places.items():
            found = [line.replace(theirs, ours) for line in found]
        return found

    def test_ten_years_in_three_commands_within_a_minute(
        self, simulate: Simulate, tmp_path: Path
    ) -> None:
        plant = Plant()
        require_tool("promtool")
        commands = self.commands(simulate("stp-10", plant=plant), tmp_path)
        assert len(commands) == 3
        begun = time.monotonic()

        for line in commands:
            subprocess.run(line, shell=True, check=True, cwd=tmp_path, timeout=60)

        assert time.monotonic() - begun < 60
        unit, day = plant.unit("stp-10"), date(2018, 5, 1)
        end = midnight(day + timedelta(days=1))
        truth = plant.at(end).delivered(unit) - plant.at(midnight(day)).delivered(unit)
        with prometheus({}, tmp_path, KEEP) as server:
            assert at(server, energy_of_a_day(YIELD), end) == [pytest.approx(truth, abs=1.0)]

    def test_prometheus_forgets_it_unless_it_is_told_otherwise(
        self, simulate: Simulate, tmp_path: Path
    ) -> None:
        assert "**Prometheus forgets after 15 days**" in readme.TEXT
        assert "--storage.tsdb.retention.time=10y" in readme.TEXT
        simulator, path, data = simulate("sb-3.6"), tmp_path / "roof.om", tmp_path / "data"
        backfill(simulator, path, "--from=2020-01-01", "--to=2020-12-31")
        moment = midnight(date(2020, 2, 1))
        blocks(path, data)

        with prometheus({}, tmp_path, "--storage.tsdb.retention.time=10y") as server:
            assert len(server.query(f"last_over_time({YIELD}[3d])", moment)) == 1
        with prometheus({}, tmp_path) as server:
            assert server.query(f"last_over_time({YIELD}[3d])", moment) == []
