"""Recording rules and alerts: what they name exists, each is tested, and a healthy home fires none."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import readme
from support.prometheus_tools import VERSIONS, Tools, tools
from support.rules import (
    ALERTING,
    FOLDER,
    RECORDING,
    alerts,
    grouping_labels,
    inlined,
    names,
    recorded,
    rules_of,
    selectors,
)
from support.simulated_history import Series, by_metrics, device, scraped

from sma_exporter.config.values import parse_duration
from sma_exporter.metrics import families as metrics
from sma_exporter.simulator.plant import UNITS, Plant
from sma_exporter.sma import tags
from sma_exporter.sma.exceptions import Reason
from sma_exporter.sma.sensors import SENSORS
from sma_exporter.webconnect import Readings
from tools import metric_table

UNIT_TESTS = sorted((Path(__file__).parent / "rules").glob("*.yml"))
RULES = [*rules_of(RECORDING), *rules_of(ALERTING)]


def name_of(rule: dict[str, Any]) -> str:
    return str(rule.get("record") or rule["alert"])


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> Tools:
    return tools(request.param)


# --- promtool ---


def test_promtool_finds_nothing_to_say(version: Tools) -> None:
    version.run("check", "rules", "--lint-fatal", RECORDING, ALERTING)


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_the_unit_tests_of_the_rules(version: Tools, path: Path) -> None:
    version.run("test", "rules", path)


def test_nothing_else_lies_where_prometheus_takes_all_files() -> None:
    assert {*FOLDER.iterdir()} == {RECORDING, ALERTING}


def alert_tests() -> Iterator[tuple[str, bool]]:
    """The alerts in the unit tests, and whether each is expected to fire there."""
    for path in UNIT_TESTS:
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for test in case.get("alert_rule_test", []):
                yield test["alertname"], bool(test.get("exp_alerts"))


def test_every_alert_is_tested_both_for_firing_and_for_silence() -> None:
    tested = {*alert_tests()}

    assert tested == {(rule["alert"], fires) for rule in alerts() for fires in (True, False)}


def test_every_rule_is_used_or_tested() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in UNIT_TESTS)
    used = set().union(*(names(rule["expr"]) for rule in RULES))

    assert {name for name in recorded() if name not in texts} <= used


# --- what they name ---


def exposed() -> dict[str, set[str]]:
    """Every metric that the exporter can expose, with its labels."""
    examples = [
        *map(metric_table.example, metrics.ALL_FAMILIES),
        *metric_table.scrape_metrics(),
        *metric_table.exporter_metrics(),
    ]
    return {sample.name: {*sample.labels} for metric in examples for sample in metric.samples}


#: From Prometheus itself.
TARGET_LABELS = {"job", "instance"}
EXPOSED = {"up": set[str](), **exposed()}


def golden() -> set[str]:
    """Every series of the golden expositions, without its value."""
    folder = Path(__file__).parents[1] / "golden"
    texts = (path.read_text(encoding="utf-8") for path in folder.glob("*.prom"))
    lines = (line for text in texts for line in text.splitlines() if not line.startswith("#"))
    return {line.rpartition(" ")[0] for line in lines}


@pytest.mark.parametrize("rule", RULES, ids=name_of)
class TestNames:
    def test_every_metric_is_exposed_or_recorded(self, rule: dict[str, Any]) -> None:
        assert names(rule["expr"]) <= EXPOSED.keys() | recorded().keys()

    def test_every_pattern_of_names_finds_what_it_lists(self, rule: dict[str, Any]) -> None:
        for selector in selectors(rule["expr"]):
            for label, operator, value in selector.matchers:
                if label == "__name__":
                    assert operator == "=~"
                    listed = re.fullmatch(r"(\w+)\(([\w|]+)\)(\w+)", value)
                    assert listed
                    begin, middle, end = listed.groups()
                    assert {begin + part + end for part in middle.split("|")} <= EXPOSED.keys()

    def test_every_matcher_is_on_a_label_that_the_metric_has(self, rule: dict[str, Any]) -> None:
        for selector in selectors(rule["expr"]):
            labels = {label for label, _, _ in selector.matchers}
            assert labels <= ({"__name__"} if not selector.name else EXPOSED[selector.name])

    def test_every_state_and_reason_is_one(self, rule: dict[str, Any]) -> None:
        sensors = {family.name: next(iter(family.sensors)) for family in metrics.ALL_FAMILIES}
        for selector in selectors(rule["expr"]):
            for label, _, value in selector.matchers:
                if label == selector.name:
                    assert value in {tags.slug(tag) for tag in SENSORS[sensors[label]].states}
                if label == "reason":
                    assert {*value.split("|")} <= {*Reason}

    def test_every_label_it_groups_by_is_one_of_its_metrics(self, rule: dict[str, Any]) -> None:
        labels = [EXPOSED[name] for name in raw_names(rule["expr"])]

        known = {"__name__", *TARGET_LABELS}.union(*labels)
        assert grouping_labels(rule["expr"]) <= known


def raw_names(expression: str) -> set[str]:
    """The metrics at the bottom of an expression."""
    written_out = inlined(expression, recorded())
    listed = {
        "".join((begin, part, end))
        for begin, parts, end in re.findall(r'__name__=~"(\w+)\(([\w|]+)\)(\w+)"', written_out)
        for part in parts.split("|")
    }
    return (
        {"up", *names(written_out), *listed} if "up" in written_out else names(written_out) | listed
    )


def test_a_simulated_device_has_every_metric_that_a_rule_needs() -> None:
    shown = {series.partition("{")[0] for series in golden()}
    needed = set().union(*(raw_names(rule["expr"]) for rule in RULES))

    assert needed - {"up"} - {m.samples[0].name for m in metric_table.exporter_metrics()} <= shown


@pytest.mark.parametrize("rule", rules_of(RECORDING), ids=name_of)
def test_names_are_level_metric_and_operations(rule: dict[str, Any]) -> None:
    level, metric, operations = rule["record"].split(":")

    assert level in {"instance_device", "device", "string", "plant"}
    assert re.fullmatch(r"sma(_[a-z]+)+", metric)
    assert not metric.endswith("_total")
    assert re.fullmatch(
        r"(ratio|sum|others)?_?(sum1d|delta1d|last3d|present3d|swapped1d|incomplete1d|whole1d)?",
        operations,
    )
    if "ratio" not in operations and "others" not in operations:
        assert metric.rpartition("_")[2] in {"joules", "watts", "ratio", "info"}


def test_the_rules_of_one_day_s_energy_are_all_alike() -> None:
    days = {
        name: re.sub("sma_(device|meter)_info:swapped", "swapped", expr).replace(
            name.split(":")[1], "X"
        )
        for name, expr in recorded().items()
        if "offset 1d" in expr and name.startswith("device:") and name.endswith(":delta1d")
    }

    assert len(days) == 6
    assert len({*days.values()}) == 1


# --- what the alerts say ---


def anchors() -> dict[str, str]:
    """The alerts that the README explains, by their anchors."""
    return {name.lower(): name for name in re.findall(r"^### (Sma\w+)$", readme.TEXT, re.MULTILINE)}


@pytest.mark.parametrize("rule", alerts(), ids=name_of)
class TestAlerts:
    def test_it_has_all_that_an_alert_has(self, rule: dict[str, Any]) -> None:
        assert rule.keys() - {"keep_firing_for"} == {
            "alert",
            "expr",
            "for",
            "labels",
            "annotations",
        }
        assert rule["labels"].keys() == {"severity"}
        assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}

    def test_its_name_its_severity_and_its_patience(self, rule: dict[str, Any]) -> None:
        assert re.fullmatch(r"Sma([A-Z][a-z]+)+", rule["alert"])
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert parse_duration(rule["for"]) >= 300

    def test_its_texts(self, rule: dict[str, Any]) -> None:
        summary, text = (rule["annotations"][name] for name in ("summary", "description"))

        assert re.fullmatch(r"[A-Z][^{}]*\.", summary)
        assert "{{" in text or rule["alert"] == "SmaExporterAbsent"

    def test_it_says_when_it_needs_the_installer(self, rule: dict[str, Any]) -> None:
        families = {family.name: family for family in metrics.ALL_FAMILIES}
        needs = any(
            families[name].installer for name in raw_names(rule["expr"]) if name in families
        )

        assert ("installer" in rule["annotations"]["description"]) is needs

    def test_its_runbook_is_there(self, rule: dict[str, Any]) -> None:
        path, _, anchor = rule["annotations"]["runbook_url"].partition("#")

        assert path == "README.md"
        assert anchors()[anchor] == rule["alert"]


#: Ends of what is recorded for other rules only.
INTERNAL = ("last3d", "present3d", "swapped1d", "incomplete1d", "whole1d", "others_delta1d")


def test_the_readme_lists_what_is_recorded_for_people() -> None:
    listed = [row[0].strip("`") for row in readme.table("Recording rules", "rule")]

    assert sorted(listed) == sorted(name for name in recorded() if not name.endswith(INTERNAL))


def test_the_readme_lists_the_alerts_as_they_are() -> None:
    rows = readme.table("Alerts", "alert")

    assert [(row[0], row[1]) for row in rows] == [
        (
            f"[{rule['alert']}]({rule['annotations']['runbook_url'].removeprefix('README.md')})",
            rule["labels"]["severity"],
        )
        for rule in alerts()
    ]
    assert [*anchors().values()] == [rule["alert"] for rule in alerts()]
    assert all(readme.section(rule["alert"]).strip() for rule in alerts())


# --- a home, week by week ---

HOUR, DAY = 3600, 86_400
BEGIN = 1_769_904_000  # 2026-02-01: short days, and dull ones among them
LOST_MODULES, LOST_GARAGE, END = 16, 18, 22  # days
HOME = Plant(units=tuple(unit for unit in UNITS if unit.name in {"stp-10-se", "stp-10", "sb-3.6"}))


def lose_modules(time: float, readings: Readings) -> Readings:
    """Let a string give a fifth of what it did."""
    power = readings.get("pv_power_b")
    if time < BEGIN + LOST_MODULES * DAY or not isinstance(power, int | float):
        return readings
    return {**readings, "pv_power_b": power / 5}


def lose_all(time: float, readings: Readings) -> Readings | None:
    """Let a device answer no more."""
    return readings if time < BEGIN + LOST_GARAGE * DAY else None


@pytest.fixture(scope="module")
def past() -> dict[str, str]:
    """Every hour of a home as promtool writes it: a hybrid, a roof to the east and to the west, a garage
    that is off at night."""
    home = [
        device("hybrid", "stp-10-se", HOME, plant="home"),
        device("roof", "stp-10", HOME, plant="home", change=lose_modules),
        device("garage", "sb-3.6", HOME, plant="home", off_at_night=True, change=lose_all),
    ]
    needed = set().union(*(raw_names(rule["expr"]) for rule in RULES))
    rows: dict[Series, dict[int, float]] = defaultdict(dict)
    for hour in range(END * 24 + 1):
        for sample in scraped(home, BEGIN + hour * HOUR, by_metrics("sma")):
            if sample.series[0] in needed:
                rows[sample.series][hour] = sample.value
    return {
        written(series): " ".join(str(values.get(hour, "_")) for hour in range(END * 24 + 1))
        for series, values in rows.items()
    }


def written(series: Series) -> str:
    name, labels = series
    return f"{name}{{{','.join(f'{label}={json.dumps(value)}' for label, value in labels)}}}"


def test_a_home_fires_what_befalls_it_and_nothing_else(
    version: Tools, past: dict[str, str], tmp_path: Path
) -> None:
    fired = (
        'group by (alertname, device, string) (max_over_time(ALERTS{{alertstate="firing"}}[{}d]))'
    )
    case = {
        "interval": "1h",
        "input_series": [
            {"series": 'up{job="sma",instance="localhost:10126"}', "values": f"1x{END * 24}"},
            *({"series": series, "values": values} for series, values in past.items()),
        ],
        "promql_expr_test": [
            {"expr": fired.format(LOST_MODULES), "eval_time": f"{LOST_MODULES}d"},
            {
                "expr": fired.format(END),
                "eval_time": f"{END}d",
                "exp_samples": [
                    {"labels": '{alertname="SmaDeviceGone",device="garage"}', "value": 1},
                    {"labels": '{alertname="SmaStringLow",device="roof",string="b"}', "value": 1},
                ],
            },
        ],
    }
    suite = {
        "rule_files": [str(FOLDER / "*.yml")],
        "evaluation_interval": "1h",
        "group_eval_order": ["sma", "sma_alerts"],
        "tests": [case],
    }
    path = tmp_path / "home.yml"
    path.write_text(yaml.safe_dump(suite), encoding="utf-8")

    version.run("test", "rules", path)
