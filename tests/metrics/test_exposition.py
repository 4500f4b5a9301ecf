"""The own writer of the text formats: it says what prometheus_client's says."""

import math
from collections.abc import Iterable

import pytest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from sma_exporter.metrics.exposition import Lines, exposition, line, registry_of, series
from sma_exporter.metrics.families import DeviceReadings, families
from sma_exporter.simulator import MODELS, Simulator
from sma_exporter.webconnect import decode

NOON = 1_750_000_000.0

TEXT = "text/plain;version=0.0.4"
OPENMETRICS = "application/openmetrics-text;version=1.0.0"
#: What Prometheus 2 and 3, a browser and curl send.
ACCEPTED = {
    "Prometheus 3": f"{OPENMETRICS};escaping=allow-utf-8;q=0.6,{TEXT};q=0.3,*/*;q=0.2",
    "Prometheus 2": f"{OPENMETRICS};q=0.5,{TEXT};q=0.2",
    "text": TEXT,
    "newer text": "text/plain;version=1.0.0;escaping=underscores",
    "anything": "*/*",
    "nothing": "",
}
PLAIN = "text/plain; version=0.0.4; charset=utf-8"
#: What makes no sense, or asks for what is not offered, and what is answered.
ODD_ACCEPTED = {
    "text/plain; version=foo": PLAIN,
    "text/plain;version=": PLAIN,
    "application/openmetrics-text;version=x": PLAIN,
    "a;b=c=d;;,,": PLAIN,
    f"{OPENMETRICS};escaping=dots": (
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
    ),
    "text/plain;version=1.0.0;escaping=values": (
        "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"
    ),
    "application/openmetrics-text;version=9.9.9": (
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
    ),
}

ODD = 'a "quoted" \\ backslash\nand a line'


class Families:
    """A collector of what is given."""

    def __init__(self, *metrics: Metric) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics

    describe = collect


def of_every_model(device: str = "roof") -> Families:
    sources = []
    for model in MODELS:
        simulator = Simulator(model, clock=lambda: NOON)
        (values,) = simulator.online_values().values()
        (readings,) = values.values()
        sources.append(DeviceReadings(f"{device} {model}", decode(readings), {"status": (4711,)}))
    other = GaugeMetricFamily("sma_other", "Of the library's own kind.", 1.5)
    return Families(*families(sources), other)


def heads(text: str) -> list[str]:
    return [row for row in text.splitlines() if row.startswith("#")]


def parsed(text: str, content_type: str) -> list[Metric]:
    is_openmetrics = content_type.startswith("application/openmetrics-text")
    return [*(parse_openmetrics if is_openmetrics else parse_text)(text)]


@pytest.mark.parametrize("accept", ACCEPTED.values(), ids=ACCEPTED)
def test_it_says_what_the_library_would_say(accept: str) -> None:
    shown = exposition([of_every_model()], accept)
    encode, content_type = choose_encoder(accept)
    theirs = encode(registry_of(of_every_model())).decode()

    assert shown.content_type == content_type
    assert len(theirs) > 50_000
    assert parsed(*shown) == parsed(theirs, content_type)
    assert heads(shown.text) == heads(theirs)


@pytest.mark.parametrize(("accept", "content_type"), ODD_ACCEPTED.items())
def test_an_odd_accept_header_is_answered_all_the_same(accept: str, content_type: str) -> None:
    shown = exposition([of_every_model()], accept)

    assert shown.content_type == content_type
    assert shown.text == exposition([of_every_model()], content_type).text


class Numbers:
    """Two families with numbers that are not finite, one of them of prometheus_client's own kind."""

    def __init__(self) -> None:
        self.collected = 0

    def describe(self) -> Iterable[Metric]:
        yield Lines("sma_x_watts", "Power.", "gauge", "watts")
        yield CounterMetricFamily("sma_events", "Events.")

    def collect(self) -> Iterable[Metric]:
        self.collected += 1
        ours, theirs = self.describe()
        for device, value in {"a": math.nan, "b": math.inf, "c": -math.inf, "d": 1e16}.items():
            ours.add_sample("sma_x_watts", {"phase": "l1", "device": device}, value)
        theirs.add_sample("sma_events_total", {"level": "user", "device": "a"}, math.inf)
        return ours, theirs


WATTS = """\
# HELP sma_x_watts Power.
# TYPE sma_x_watts gauge
sma_x_watts{device="a",phase="l1"} NaN
sma_x_watts{device="b",phase="l1"} +Inf
sma_x_watts{device="c",phase="l1"} -Inf
sma_x_watts{device="d",phase="l1"} 1e+16
"""
EVENTS = """\
# HELP sma_events_total Events.
# TYPE sma_events_total counter
sma_events_total{device="a",level="user"} +Inf
"""


def in_openmetrics(text: str) -> str:
    head = "# TYPE sma_x_watts gauge\n"
    text = text.replace(head, f"{head}# UNIT sma_x_watts watts\n")
    return text.replace("P sma_events_total", "P sma_events").replace(
        "E sma_events_total", "E sma_events"
    )


def test_all_samples_and_those_that_are_wanted_are_written_alike() -> None:
    assert exposition([Numbers()], TEXT).text == WATTS + EVENTS
    assert exposition([Numbers()], TEXT, ["sma_x_watts"]).text == WATTS
    assert exposition([Numbers()], TEXT, ["sma_events_total", "sma_nothing"]).text == EVENTS
    assert exposition([Numbers()], OPENMETRICS).text == in_openmetrics(WATTS + EVENTS) + "# EOF\n"
    assert (
        exposition([Numbers()], OPENMETRICS, ["sma_events_total"]).text
        == in_openmetrics(EVENTS) + "# EOF\n"
    )


@pytest.mark.parametrize("accept", [TEXT, OPENMETRICS])
def test_what_is_not_finite_comes_back_as_it_was(accept: str) -> None:
    family, _ = parsed(*exposition([Numbers()], accept))

    values = {sample.labels["device"]: sample.value for sample in family.samples}
    assert math.isnan(values.pop("a"))
    assert values == {"b": math.inf, "c": -math.inf, "d": 1e16}


def test_a_collector_without_a_wanted_family_is_not_asked() -> None:
    numbers = Numbers()

    assert exposition([numbers], TEXT, ["process_cpu_seconds_total"]).text == ""
    assert numbers.collected == 0


@pytest.mark.parametrize("accept", [TEXT, OPENMETRICS])
def test_only_the_samples_that_are_wanted(accept: str) -> None:
    names = ["sma_yield_joules_total", "sma_other", "sma_nothing"]
    shown = exposition([of_every_model()], accept, names)

    samples = [s for family in parsed(*shown) for s in family.samples]

    assert {sample.name for sample in samples} == {"sma_yield_joules_total", "sma_other"}


@pytest.mark.parametrize("accept", [TEXT, OPENMETRICS])
def test_names_are_quoted(accept: str) -> None:
    shown = exposition([of_every_model(ODD)], accept)

    samples = [s for family in parsed(*shown) for s in family.samples]
    devices = {sample.labels["device"] for sample in samples if sample.labels}

    assert devices <= {f"{ODD} {model}" for model in MODELS}
    assert len(devices) == len(MODELS)


@pytest.mark.parametrize("value", [0.0, -1.5, 1e-9, 1e300, 87_120_000_000.0, float("inf")])
def test_a_value_comes_back_as_it_was(value: float) -> None:
    family = Lines("sma_x_watts", "Power.", "gauge")
    family.lines.append(line(series("sma_x_watts", {"device": ODD}), value))

    (back,) = parsed(*exposition([Families(family)], OPENMETRICS))

    assert [(s.labels, s.value) for s in back.samples] == [({"device": ODD}, value)]


def test_the_end_is_told_once_and_only_in_openmetrics() -> None:
    collectors = [of_every_model(), Families(Lines("sma_empty", "Nothing.", "gauge"))]

    assert exposition(collectors, OPENMETRICS).text.count("# EOF") == 1
    assert exposition(collectors, OPENMETRICS).text.endswith("\n# EOF\n")
    assert "# EOF" not in exposition(collectors, TEXT).text
