"""The own writer of the text formats: it says what prometheus_client's says."""

from collections.abc import Iterable

import pytest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from sma_exporter.metrics.exposition import Lines, exposition, line, registry_of
from sma_exporter.metrics.families import Source, families
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
    "anything": "*/*",
    "nothing": "",
    "dots": f"{OPENMETRICS};escaping=dots",
    "values": f"{TEXT.replace('0.0.4', '1.0.0')};escaping=values",
}
#: Under which the names are not the ones that everybody knows.
RENAMING = (ACCEPTED["dots"], ACCEPTED["values"])

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
        sources.append(Source(f"{device} {model}", decode(readings), {"status": (4711,)}))
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
    if accept in RENAMING:
        assert shown.text == theirs
    else:
        assert parsed(*shown) == parsed(theirs, content_type)
        assert heads(shown.text) == heads(theirs)


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
    family.lines.append(line("sma_x_watts", {"device": ODD}, value))

    (back,) = parsed(*exposition([Families(family)], OPENMETRICS))

    assert [(s.labels, s.value) for s in back.samples] == [({"device": ODD}, value)]


def test_the_end_is_told_once_and_only_in_openmetrics() -> None:
    collectors = [of_every_model(), Families(Lines("sma_empty", "Nothing.", "gauge"))]

    assert exposition(collectors, OPENMETRICS).text.count("# EOF") == 1
    assert exposition(collectors, OPENMETRICS).text.endswith("\n# EOF\n")
    assert "# EOF" not in exposition(collectors, TEXT).text
