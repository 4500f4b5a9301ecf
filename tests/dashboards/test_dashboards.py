"""The dashboards' files: what Grafana expects of them, and that they ask for what there is."""

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import pytest
from support import grafana, readme
from support.grafana import Json

from sma_exporter.config import Config
from sma_exporter.devices.fleet import Fleet
from sma_exporter.devices.snapshot import DeviceState, ReadResult, Snapshot
from sma_exporter.metrics import families as metrics
from sma_exporter.metrics.collector import SCRAPE_FAMILIES, ExporterCollector
from sma_exporter.metrics.families import STATE_SET
from sma_exporter.sma.exceptions import Reason

ROOT = grafana.FOLDER.parent
DASHBOARDS = {name: grafana.load(name) for name in grafana.NAMES}

#: Of Prometheus itself, of /sd where a device's plant is configured, and of what its own registry
#: shows of the exporter's process.
OF_TARGETS = {"job", "instance", "plant"}


class Target(NamedTuple):
    dashboard: str
    panel: Json
    query: Json

    def __str__(self) -> str:
        return f"{self.dashboard}-{self.panel['title']}-{self.query['refId']}"


TARGETS = [
    Target(name, panel, query)
    for name, dashboard in DASHBOARDS.items()
    for panel in grafana.panels(dashboard)
    for query in panel["targets"]
]
PANELS = [
    pytest.param(panel, id=f"{name}-{panel['title']}")
    for name, dashboard in DASHBOARDS.items()
    for panel in grafana.panels(dashboard)
]

each_dashboard = pytest.mark.parametrize("name", DASHBOARDS)
each_panel = pytest.mark.parametrize("panel", PANELS)
each_target = pytest.mark.parametrize("target", TARGETS, ids=str)

#: A device of which something is known of every kind.
SNAPSHOT = Snapshot(
    "roof", "", ReadResult(0.0, free_sessions=1), DeviceState(), dict.fromkeys(Reason, 0), 0, 1.0
)


def families() -> dict[str, set[str]]:
    """Everything that a dashboard may ask for, with its labels."""
    found = {"up": OF_TARGETS}
    for family in metrics.ALL_FAMILIES:
        own = (family.label, family.text, family.name if family.kind == STATE_SET else None)
        found[family.name] = OF_TARGETS | {"device"} | {label for label in own if label}
    for scraped in SCRAPE_FAMILIES:
        own_labels = {label for labels, _ in scraped.samples(SNAPSHOT) for label in labels}
        found[scraped.name] = OF_TARGETS | {"device"} | own_labels
    for metric in ExporterCollector(Fleet(Config(devices=()))).collect():
        for sample in metric.samples:
            found[sample.name] = OF_TARGETS | {*sample.labels}
    return found


FAMILIES = families()
COUNTERS = {name for name in FAMILIES if name.endswith("_total")}


def selectors(expr: str) -> Iterator[tuple[str, str]]:
    """(family, matchers) of each selector; all are written with braces."""
    return iter(re.findall(r"([a-z_:]+)\{([^}]*)\}", re.sub(r"\$\{(\w+)\}", r"$\1", expr)))


# --- the files ---


def test_they_are_what_the_generator_makes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dashboards.generator", str(tmp_path)]

    subprocess.run(command, cwd=ROOT, check=True, timeout=60)

    made = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    committed = {
        path.name: path.read_text(encoding="utf-8") for path in grafana.FOLDER.glob("*.json")
    }
    assert made == committed
    assert made.keys() == {f"{name}.json" for name in grafana.NAMES}


@each_dashboard
def test_it_can_be_provisioned_as_it_is(name: str) -> None:
    dashboard = DASHBOARDS[name]

    assert dashboard["uid"] == f"sma-{name}"
    assert dashboard["id"] is None
    assert dashboard["editable"] is False
    assert not dashboard.keys() & {"__inputs", "__requires", "__elements"}
    assert dashboard["schemaVersion"] == 39
    assert dashboard["timezone"] == "browser"
    assert dashboard["refresh"]
    assert dashboard["time"]["to"] == "now"


@each_dashboard
def test_readme_names_it(name: str) -> None:
    assert f"| **{DASHBOARDS[name]['title']}** (`dashboards/{name}.json`) |" in readme.TEXT


@each_dashboard
def test_it_leads_to_the_other_two(name: str) -> None:
    (link,) = DASHBOARDS[name]["links"]

    assert link["type"] == "dashboards"
    assert link["includeVars"] is True
    assert all({*link["tags"]} <= {*other["tags"]} for other in DASHBOARDS.values())


@each_dashboard
def test_its_variables(name: str) -> None:
    variables = {v["name"]: v for v in DASHBOARDS[name]["templating"]["list"]}

    assert [*variables][:4] == ["datasource", "job", "instance", "device"]
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == (
        "datasource",
        "prometheus",
    )
    for each in ("job", "instance", "device"):
        assert variables[each]["multi"] is True
        assert variables[each]["refresh"] == 2  # also when the time is changed
        assert variables[each].get("allValue", ".+") == ".+"
        assert "label_values(" in variables[each]["query"]["query"]


def test_prices_are_boxes() -> None:
    boxes = [v for v in DASHBOARDS["plant"]["templating"]["list"] if v["type"] == "textbox"]

    assert [box["name"] for box in boxes] == ["feed_in_tariff", "import_price", "currency"]


# --- the panels ---


@each_dashboard
def test_no_two_panels_are_one(name: str) -> None:
    outer = DASHBOARDS[name]["panels"]
    ids = [panel["id"] for panel in outer + [inner for p in outer for inner in p.get("panels", [])]]
    titles = [panel["title"] for panel in grafana.panels(DASHBOARDS[name])]

    assert len({*ids}) == len(ids)
    assert len({*titles}) == len(titles)


@each_dashboard
def test_no_panel_covers_another(name: str) -> None:
    open_rows = DASHBOARDS[name]["panels"]
    closed_rows = [row["panels"] for row in open_rows if row.get("panels")]

    for together in (open_rows, *closed_rows):
        for one, other in combinations([panel["gridPos"] for panel in together], 2):
            beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
            assert beside or below, (one, other)
        assert all(p["gridPos"]["x"] + p["gridPos"]["w"] <= 24 for p in together)


@each_panel
def test_a_panel_says_what_it_shows(panel: Json) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]


@each_panel
def test_a_panel_asks_the_chosen_data_source(panel: Json) -> None:
    source = {"type": "prometheus", "uid": "${datasource}"}

    assert panel["datasource"] == source
    assert [query["datasource"] for query in panel["targets"]] == [source] * len(panel["targets"])


@each_panel
def test_a_difference_in_looks_belongs_to_a_query(panel: Json) -> None:
    by_query = [
        override["matcher"]["options"]
        for override in panel["fieldConfig"]["overrides"]
        if override["matcher"]["id"] == "byFrameRefID"
    ]

    assert {*by_query} <= {query["refId"] for query in panel["targets"]}
    assert len({*by_query}) == len(by_query)


@each_panel
def test_a_table_shows_columns_that_there_are(panel: Json) -> None:
    """Names of columns after merging: labels, and "Value #A", or "Value" of an only query."""
    if panel["type"] != "table":
        assert "transformations" not in panel
        return
    *_, organize = panel["transformations"]
    named = [*organize["options"]["renameByName"]]
    refs = [query["refId"] for query in panel["targets"]]
    values = ["Value"] if len(refs) == 1 else [f"Value #{ref}" for ref in refs]
    labels = {label for query in panel["targets"] for label in labels_of(query["expr"])}

    assert {name for name in named if not name.startswith("Value")} <= labels
    assert {name for name in named if name.startswith("Value")} <= {*values}


# --- the queries ---


def labels_of(expr: str) -> set[str]:
    """The labels of all families in a query."""
    return {label for family, _ in selectors(expr) for label in FAMILIES[family]}


@each_target
def test_a_query_names_families_that_there_are(target: Target) -> None:
    expr = target.query["expr"]
    named = [family for family, _ in selectors(expr)]

    assert named
    assert {*named} <= FAMILIES.keys()
    assert len(
        re.findall(r"\b(?:sma|process|python)_\w+(?!\w*[=\"])", without_labels(expr))
    ) == len([name for name in named if name != "up"])


def without_labels(expr: str) -> str:
    """An expression without what is in braces or in brackets after by, on and group_left."""
    bare = re.sub(r"(?<!\$)\{[^}]*\}", "", expr)
    return re.sub(r"\b(by|on|group_left) ?\([^)]*\)", "", bare)


@each_target
def test_a_query_names_labels_that_there_are(target: Target) -> None:
    expr = target.query["expr"]
    clauses = re.findall(r"\b(?:by|on|group_left) \(([^)]*)\)", expr)
    matchers = [
        (family, label)
        for family, inner in selectors(expr)
        for label in re.findall(r"(\w+)=~?\"", inner)
    ]

    assert {label for labels in clauses for label in labels.split(", ")} <= labels_of(expr)
    assert [(family, label) for family, label in matchers if label not in FAMILIES[family]] == []


@each_target
def test_a_legend_names_labels_that_there_are(target: Target) -> None:
    named = re.findall(r"\{\{(\w+)\}\}", target.query["legendFormat"])

    assert {*named} <= labels_of(target.query["expr"])


@each_target
def test_a_query_asks_for_the_chosen_devices(target: Target) -> None:
    """Over /sd what the exporter says of a device comes from its own target: there, no instance."""
    for family, matchers in selectors(target.query["expr"]):
        of_device = "device" in FAMILIES[family]
        assert 'job=~"$job"' in matchers, family
        assert ('device=~"$device"' in matchers) == of_device, family
        if target.dashboard == "exporter":
            assert ('instance=~"$instance"' in matchers) == (not of_device and family != "up")
        else:
            assert 'instance=~"$instance"' in matchers, family


@each_target
def test_a_counter_is_never_shown_as_it_is(target: Target) -> None:
    """It is the difference of readings that counts; rates over Grafana's own interval."""
    expr = target.query["expr"]

    assert re.findall(r"\b(?:rate|increase)\((?!\w+\{[^}]*\}\[\$__rate_interval\])", expr) == []
    bare = re.findall(r"(\w+_total)\{[^}]*\}(?!\[)", expr)
    assert [name for name in bare if name in COUNTERS] == []


@each_target
def test_energy_is_no_increase(target: Target) -> None:
    assert re.findall(r"(?:rate|increase)\(\w+_joules_total", target.query["expr"]) == []


@each_target
def test_offsets_are_to_the_millisecond(target: Target) -> None:
    """`$__range` is rounded to seconds: half a second early, the reading of midnight would be missed."""
    assert re.findall(r"offset \S*\$\{?__range(?:_s)?\}?(?!_ms)\b", target.query["expr"]) == []
