"""The README's table of metrics, made from the code. `python -m tests.metric_table` writes it anew."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client.core import Metric

from sma_exporter import collector, config, metrics
from sma_exporter.fleet import Fleet
from sma_exporter.metrics import METER_INFO, STATE_SET, Family, Source
from sma_exporter.snapshot import REASONS, Known, Outcome, Snapshot
from sma_exporter.webconnect.tags import STATES

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN = "<!-- metrics: made by python -m tests.metric_table -->"
END = "<!-- /metrics -->"

_DEVICE_HEAD = ("metric", "type", "labels", "meaning", "SMA key", "needs installer")
_SCRAPE_HEAD = ("metric", "type", "labels", "meaning")
_TYPE_WORDS = {STATE_SET: "state set"}


def table() -> str:
    """The text between the two markers."""
    return "\n".join(
        [
            "From the device:\n",
            *_markdown(_DEVICE_HEAD, map(_device_row, metrics.ALL_FAMILIES)),
            "\nAbout the scrape of a device:\n",
            *_markdown(_SCRAPE_HEAD, map(_row, _scrape_metrics())),
            "\nAbout the exporter:\n",
            *_markdown(_SCRAPE_HEAD, map(_row, exporter_metrics())),
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
    name, kind, labels, _ = _row(_example(family))
    installer = "yes" if family.needs_installer else ""
    return name, kind, labels, f"{family.sentence}.", ", ".join(family.keys), installer


def _example(family: Family) -> Metric:
    """The family with one sample, of a device that has a value for it."""
    sensor = next(iter(family.sensors))
    values = {metrics.STATE_SET: next(iter(STATES.get(sensor, {0: ""}))), metrics.INFO: "123"}
    value = values.get(family.kind, 1)
    readings = {sensor: (value,) if family.kind == STATE_SET else value}
    if family is METER_INFO:
        readings["metering_power_supplied"] = 1
    made = metrics.families([Source("roof", readings, {})])  # type: ignore[arg-type]
    return next(metric for metric in made if metric.documentation == family.help)


def _scrape_metrics() -> Iterator[Metric]:
    outcome = Outcome(started=0.0, reason=REASONS[0], free_sessions=0)
    errors = dict.fromkeys(REASONS, 0)
    known = Snapshot("roof", "home", outcome, Known(), errors, last_success=0.0)
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
