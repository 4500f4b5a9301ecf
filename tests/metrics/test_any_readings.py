"""Whatever devices say: each series once, and an answer that Prometheus can read."""

import gc
import tracemalloc
from collections import Counter
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from sma_exporter import config
from sma_exporter.devices.evaluation import Evaluation
from sma_exporter.devices.snapshot import CustomReading, DeviceState, ReadResult, Snapshot
from sma_exporter.metrics.collector import SCRAPE_FAMILIES, scrape_metrics
from sma_exporter.metrics.exposition import exposition
from sma_exporter.metrics.families import DeviceReadings, custom_families, families
from sma_exporter.sma.exceptions import Reason
from sma_exporter.sma.sensors import SENSORS, Kind
from sma_exporter.sma.source import Identity, Measurements, Value
from sma_exporter.sma.tags import TAGS

TEXT = "text/plain; version=0.0.4"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"

#: Control characters, half characters and a word for the syntax around labels among them.
ANY_TEXT = st.text(st.characters(), max_size=300) | st.sampled_from(
    ['"} 1\nsma_up{device="roof"} 1', "\\", "\0", "\ud800", "\u2028", "# EOF\n", "x" * 10_000]
)
TAG = st.integers(-(2**70), 2**70) | st.sampled_from([*TAGS])
ANY_TAGS = st.lists(TAG, max_size=40).map(tuple)
ANY_NUMBER = st.integers() | st.floats() | st.just(10**400)
ANY_VALUE: st.SearchStrategy[Value] = ANY_NUMBER | ANY_TEXT | ANY_TAGS
#: More often than not of the kind that a sensor has.
FITTING: Mapping[Kind, st.SearchStrategy[Value]] = {
    Kind.STATES: ANY_TAGS | ANY_VALUE,
    Kind.CHOICE: ANY_TAGS | ANY_VALUE,
    Kind.TEXT: ANY_TEXT | ANY_VALUE,
}
#: Of each kind of series some, without the many that are alike.
NAMES = [name for name, sensor in SENSORS.items() if name in sensor.names[:2]]


def fitting(name: str) -> st.SearchStrategy[tuple[str, Value]]:
    values = FITTING.get(SENSORS[name].kind, ANY_VALUE)
    return st.tuples(st.just(name), values)


@st.composite
def snapshots(draw: st.DrawFn, name: str) -> Snapshot:
    chosen = draw(st.lists(st.sampled_from(NAMES), max_size=20, unique=True))
    readings = dict(draw(st.tuples(*map(fitting, chosen))))
    unknown = {sensor: draw(ANY_TAGS) for sensor in chosen if SENSORS[sensor].kind is Kind.STATES}
    custom = CustomReading(
        "sma_custom_watts", "gauge", "A number.", {"side": "a"}, draw(st.floats())
    )
    identity = Identity(*draw(st.tuples(*[ANY_TEXT] * 5)))
    return Snapshot(
        name,
        "home",
        ReadResult(0.0, readings=readings, custom=(custom,)),
        DeviceState(identity, unknown_states=unknown),
        dict.fromkeys(Reason, 0),
        logins=1,
        last_success=None,
    )


class Shown:
    """What a scrape shows of snapshots."""

    def __init__(self, *snapshots: Snapshot) -> None:
        self._snapshots = snapshots

    def collect(self) -> Iterable[Metric]:
        yield from scrape_metrics(SCRAPE_FAMILIES, self._snapshots)
        yield from families(
            [DeviceReadings(s.name, s.readings, s.state.unknown_states) for s in self._snapshots]
        )
        rows = ((s.name, row) for s in self._snapshots if s.result for row in s.result.custom)
        yield from custom_families(rows)

    describe = collect


def series(metrics: Iterable[Metric]) -> list[tuple[str, frozenset[tuple[str, str]]]]:
    return [
        (sample.name, frozenset(sample.labels.items()))
        for metric in metrics
        for sample in metric.samples
    ]


@settings(max_examples=150, deadline=None)
@given(snapshots('roof "south" \\'), snapshots("garage"))
def test_whatever_devices_say_each_series_comes_once_and_can_be_read(
    roof: Snapshot, garage: Snapshot
) -> None:
    shown = roof, garage
    text = exposition([Shown(*shown)], TEXT).text
    openmetrics = exposition([Shown(*shown)], OPENMETRICS).text

    found = series(parse_text(text))
    found_too = series(parse_openmetrics(openmetrics))  # type: ignore[no-untyped-call]

    assert set(Counter(found).values()) == {1}
    assert set(found_too) == set(found)
    assert len(found) == sum(not row.startswith("#") for row in text.split("\n")) - 1
    assert {dict(labels)["device"] for _, labels in found} == {s.name for s in shown}
    assert max(len(value) for _, labels in found for _, value in labels) <= 128


ALIKE = [
    ("event_message", (885, 886, 887, 3366, 3584)),
    ("operating_status_general", (35, 1392)),
    ("battery_status_operating_mode", (2289, 2292, 2290, 2293, 1295, 2291)),
    ("country_standard", (885, 886, 887)),
    ("country_standard", (7510, 7510)),
    ("energy_meter_model", (51, 51)),
]


@pytest.mark.parametrize(("sensor", "tags"), ALIKE)
def test_tags_of_one_name_are_one_series(sensor: str, tags: tuple[int, ...]) -> None:
    shown = [*families([DeviceReadings("roof", {sensor: tags}, {sensor: tags})])]

    found = series(shown)
    active = [sample for metric in shown for sample in metric.samples if sample.value]

    assert len(found) == len(set(found))
    assert len(active) == len({sample.labels[metric_label(sample.labels)] for sample in active})
    assert len(active) in {1, 2, 3}


def metric_label(labels: Mapping[str, str]) -> str:
    (name,) = labels.keys() - {"device"}
    return name


def test_an_active_state_is_shown_though_nobody_remembers_it() -> None:
    (family,) = families([DeviceReadings("roof", {"grid_relay_status": (4711,)}, {})])

    shown = {s.labels["sma_grid_relay_status"]: s.value for s in family.samples}
    assert shown == {"closed": 0, "open": 0, "tag_4711": 1}


# --- how much of it is kept ---

MEGABYTE = 1_000_000


def kept_after(reads: int) -> int:
    """The bytes that more reads leave behind, each with new texts and tags of a megabyte."""
    evaluation = Evaluation("roof")
    device = config.DeviceSettings(name="roof", url="http://192.0.2.1")

    def read(number: int) -> None:
        long = f"{number} " + "x" * MEGABYTE
        many = tuple(range(number * 20_000, (number + 1) * 20_000))
        readings: dict[str, Value] = {
            "device_name": long,
            "country_standard": many,
            **{f"optimizer_serial_{n}": f"{n} {long}" for n in range(3)},
            **{name: many for name in SENSORS if SENSORS[name].kind is Kind.STATES},
        }
        identity = Identity("3001234567", *[long] * 4)
        now = 10.0 * number
        shown = evaluation.evaluate(Measurements(readings, identity), device, device.url, now)
        state = evaluation.state
        result = ReadResult(now, readings=shown.readings)
        snapshot = Snapshot("roof", "", result, state, {}, logins=1, last_success=None)
        assert len(exposition([Shown(snapshot)], TEXT).text) < 2 * MEGABYTE

    for number in range(20):  # until what is kept is full
        read(number)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(20, 20 + reads):
            read(number)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return after - before


def test_ever_new_texts_and_tags_do_not_fill_the_memory() -> None:
    assert kept_after(reads=15) < 8 * MEGABYTE
