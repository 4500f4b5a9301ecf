"""The tables of metrics, made from the code: `python -m tools.metric_table` writes them anew.

All of them stand in dashboards/METRICS.md; README has the ones that most people look for.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client.core import Metric

from sma_exporter import config
from sma_exporter.devices.fleet import Fleet
from sma_exporter.devices.snapshot import DeviceState, ReadResult, Snapshot
from sma_exporter.metrics import collector
from sma_exporter.metrics import families as metrics
from sma_exporter.metrics.families import STATE_SET, DeviceReadings, Family
from sma_exporter.metrics.table import BITS, INFO, SECTIONS
from sma_exporter.sma.exceptions import Reason
from sma_exporter.sma.sensors import SENSORS
from sma_exporter.sma.tags import slug

PROJECT = Path(__file__).resolve().parents[1]
README = PROJECT / "README.md"
REFERENCE = PROJECT / "dashboards" / "METRICS.md"
BEGIN = "<!-- metrics: made by python -m tools.metric_table -->"
END = "<!-- /metrics -->"

#: What README shows of the table.
MAIN = (
    "sma_ac_power_watts",
    "sma_ac_phase_voltage_volts",
    "sma_ac_frequency_hertz",
    "sma_pv_power_watts",
    "sma_pv_string_power_watts",
    "sma_pv_isolation_resistance_ohms",
    "sma_yield_joules_total",
    "sma_daily_yield_joules",
    "sma_pv_generation_joules_total",
    "sma_meter_export_power_watts",
    "sma_meter_import_power_watts",
    "sma_meter_export_joules_total",
    "sma_meter_import_joules_total",
    "sma_meter_info",
    "sma_consumption_power_watts",
    "sma_battery_state_of_charge_ratio",
    "sma_battery_state_of_health_ratio",
    "sma_battery_charge_power_watts",
    "sma_battery_discharge_power_watts",
    "sma_battery_charge_joules_total",
    "sma_battery_discharge_joules_total",
    "sma_battery_operating_mode",
    "sma_optimizer_power_watts",
    "sma_rated_power_watts",
    "sma_active_power_limit_watts",
    "sma_charging_power_watts",
    "sma_charging_joules_total",
    "sma_charging_session_status",
    "sma_inverter_temperature_celsius",
    "sma_status",
    "sma_operating_status",
    "sma_derating_reason",
    "sma_grid_relay_status",
    "sma_operating_seconds_total",
    "sma_events_total",
    "sma_link_status",
)

_DEVICE_HEAD = (
    "metric",
    "type",
    "labels",
    "meaning",
    "SMA key",
    "ennexOS channel",
    "needs installer",
)
_HEAD = ("metric", "type", "labels", "meaning")
_MAIN_HEAD = (*_HEAD, "protocol")
_TYPE_WORDS = {STATE_SET: "state set"}

_INTRODUCTION = """# Metrics

Everything that sma_exporter can expose. A device exposes what it has; no device has all of these. The same
table makes the HELP lines of `/metrics`. How to read it: [README](../README.md#how-to-read-the-metrics).

"SMA key": where WebConnect has it. "Needs installer": there most models show this value to the group
*Installer* only. "ennexOS channel": where ennexOS has it; the id of an array ends in `[]`. Made from the code
by `python -m tools.metric_table`.
"""


def reference() -> str:
    """The text of METRICS.md."""
    parts = [_INTRODUCTION, "## From the device"]
    for title, section in SECTIONS.items():
        parts += [f"\n### {title}\n", *_markdown(_DEVICE_HEAD, map(_device_row, section))]
    parts += [
        "\n### Labels\n",
        "Beside `device`, the name in the configuration.\n",
        *_markdown(("label", "values"), _label_rows()),
        "\n### States\n",
        "Several may be 1. A state that no table knows is `tag_` and its number.\n",
        *_markdown(("state set", "states"), _state_rows()),
        "\n## About the scrape of a device\n",
        *_markdown(_HEAD, map(_row, scrape_metrics())),
        "\n## About the exporter\n",
        *_markdown(_HEAD, map(_row, exporter_metrics())),
        "\nBeside them the usual `process_` and `python_` metrics of the exporter itself.\n",
    ]
    return "\n".join(parts)


def table() -> str:
    """The text between README's two markers."""
    main = [family for family in metrics.ALL_FAMILIES if family.name in MAIN]
    return "\n".join(
        [
            f"From the device, {len(main)} of {len(metrics.ALL_FAMILIES)}:\n",
            *_markdown(_MAIN_HEAD, map(_main_row, main)),
            "\nAbout the scrape of a device:\n",
            *_markdown(_HEAD, map(_row, scrape_metrics())),
            "\nAbout the exporter:\n",
            *_markdown(_HEAD, map(_row, exporter_metrics())),
        ]
    )


def exporter_metrics() -> list[Metric]:
    """What the exporter says of itself, less what every Python program says of itself."""
    found = collector.ExporterCollector(Fleet(config.Config(())), environ={}).collect()
    return [metric for metric in found if metric.name.startswith("sma_exporter_")]


def replaced(text: str) -> str:
    """The README with the table that the code has now."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md lacks the lines {BEGIN} and {END}")
    return f"{before}{begin}\n\n{table()}\n\n{end}{after}"


def _device_row(family: Family) -> tuple[str, ...]:
    name, kind, labels, _ = _row(example(family))
    installer = "yes" if family.installer else ""
    places = map(", ".join, family.places.values())
    return name, kind, labels, f"{family.meaning}.", *places, installer


def _main_row(family: Family) -> tuple[str, ...]:
    protocols = (protocol for protocol, places in family.places.items() if places)
    return *_device_row(family)[:4], ", ".join(protocols)


def example(family: Family) -> Metric:
    """The family with one sample, of a device that has a value for it."""
    sensor = next(iter(family.sensors))
    value: object = 1
    if family.kind == STATE_SET:
        value = (SENSORS[sensor].states[0],)
    elif family.kind == INFO:
        value = "123"
    readings = {sensor: value}
    made = metrics.families([DeviceReadings("roof", readings, {})])  # type: ignore[arg-type]
    return next(metric for metric in made if metric.documentation == family.help)


def _label_rows() -> Iterator[tuple[str, str]]:
    values: dict[str, dict[str, None]] = {}
    for family in metrics.ALL_FAMILIES:
        if family.label:
            parts = metrics.BIT_NAMES if family.kind == BITS else family.sensors.values()
            values.setdefault(family.label, {}).update(dict.fromkeys(parts))
    for label, each in values.items():
        shown = [f"`{value}`" for value in each]
        yield f"`{label}`", ", ".join(shown if len(shown) < 20 else [*shown[:3], "…"])


def _state_rows() -> Iterator[tuple[str, str]]:
    for family in metrics.ALL_FAMILIES:
        if family.kind == STATE_SET:
            tags = (tag for sensor in family.sensors for tag in SENSORS[sensor].states)
            slugs = dict.fromkeys(f"`{slug(tag)}`" for tag in tags)
            yield f"`{family.name}`", ", ".join(slugs)


def scrape_metrics() -> Iterator[Metric]:
    result = ReadResult(started=0.0, reason=Reason.CONNECTION, free_sessions=0)
    errors = dict.fromkeys(Reason, 0)
    known = Snapshot("roof", "home", result, DeviceState(), errors, logins=0, last_success=0.0)
    return collector.scrape_metrics(collector.SCRAPE_FAMILIES, [known])


def _row(metric: Metric) -> tuple[str, ...]:
    sample = metric.samples[0]
    kind = _TYPE_WORDS.get(metric.type, metric.type)
    # A state set's label has the metric's own name; its value is the state.
    labels = ["the state" if name == metric.name else f"`{name}`" for name in sample.labels]
    return f"`{sample.name}`", kind, ", ".join(labels), metric.documentation


def _markdown(head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    columns = list(head)
    yield _line(columns)
    yield _line(["---"] * len(columns))
    for row in rows:
        yield _line(row)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    README.write_text(replaced(README.read_text(encoding="utf-8")), encoding="utf-8")
    REFERENCE.parent.mkdir(exist_ok=True)
    REFERENCE.write_text(reference(), encoding="utf-8")
