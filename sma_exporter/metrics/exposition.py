"""The text of an answer: samples are lines from the start, in formats that are prometheus_client's.

prometheus_client makes an object and a dictionary of each sample, and looks at every label of it anew to
write it. A device has hundreds of samples. So a family is kept as lines of text, and `line` writes all of
them; prometheus_client writes the heads, and chooses the format.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric, Sample
from prometheus_client.exposition import choose_encoder

_EOF = "# EOF\n"

#: What the names of some types end in, and the names of their samples.
_SUFFIXES = {"counter": "_total", "info": "_info"}


class Collector(Protocol):
    """What has families to show. `describe` yields them without samples, and without asking a device."""

    def collect(self) -> Iterable[Metric]:
        """Yield them."""

    def describe(self) -> Iterable[Metric]:
        """Yield what may come."""


# --- a sample ---


def quoted(text: str) -> str:
    """Return a label's value as it stands between the quotes."""
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def series(name: str, labels: Mapping[str, str]) -> str:
    """Return what stands before a value: the name, and the labels in the order of their names."""
    if not labels:
        return name
    pairs = ",".join(f'{label}="{quoted(text)}"' for label, text in sorted(labels.items()))
    return f"{name}{{{pairs}}}"


_NOT_FINITE = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}


def line(series: str, value: float, stamp: int | None = None) -> str:
    """Return a sample as text. An int is written as one. `stamp`: unix seconds, in OpenMetrics only."""
    number = repr(value)
    number = _NOT_FINITE.get(number, number)
    return f"{series} {number}\n" if stamp is None else f"{series} {number} {stamp}\n"


# --- a family ---


class Lines(Metric):
    """A family whose samples are lines of text; they are the same in all formats."""

    def __init__(self, name: str, documentation: str, kind: str, unit: str = "") -> None:
        self.lines: list[str] = []
        super().__init__(name, documentation, kind, unit)

    @property
    def samples(self) -> list[Sample]:
        """The samples, read back from the text for prometheus_client's own ways."""
        from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415

        families = text_string_to_metric_families("".join(self.lines))
        return [sample for family in families for sample in family.samples]

    @samples.setter
    def samples(self, _: Sequence[Sample]) -> None:
        """Set nothing: a new family is empty."""

    def add_sample(
        self, name: str, labels: dict[str, str], value: float, *_: Any, **__: Any
    ) -> None:
        """Add a sample; none of ours has a time or more."""
        self.lines.append(line(series(name, labels), float(value)))


def sample_name(metric: Metric) -> str:
    """Return the name of a family's samples."""
    return metric.name + _SUFFIXES.get(metric.type, "")


def _lines(metric: Metric) -> Sequence[str]:
    if isinstance(metric, Lines):
        return metric.lines
    return [
        line(series(sample.name, sample.labels), float(sample.value)) for sample in metric.samples
    ]


# --- an answer ---


class Exposition(NamedTuple):
    """An answer, and what it is."""

    text: str
    content_type: str


def exposition(
    collectors: Iterable[Collector], accept: str, names: Collection[str] | None = None
) -> Exposition:
    """Return what the collectors show, in the format that the Accept header asks for.

    `names`: of the samples that are wanted; None wants all. A collector that has none of them is not
    collected.
    """
    content_type = _content_type(accept)
    names = None if names is None else frozenset(names)  # a client may name thousands
    parts: list[str] = []
    for collector in collectors:
        if names is not None and not any(sample_name(m) in names for m in collector.describe()):
            continue
        for metric in collector.collect():
            if names is None or sample_name(metric) in names:
                parts.append(
                    head(content_type, metric.name, metric.documentation, metric.type, metric.unit)
                )
                parts += _lines(metric)
    if content_type.startswith("application/openmetrics-text"):
        parts.append(_EOF)
    return Exposition("".join(parts), content_type)


def registry_of(*collectors: Collector) -> CollectorRegistry:
    """Return a registry of its own around some collectors."""
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    return registry


_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_NEWER = (
    "application/openmetrics-text; version=1.0.0; charset=utf-8",
    "text/plain; version=1.0.0; charset=utf-8",
)


def _content_type(accept: str) -> str:
    """Return the format for an Accept header, one of few; plain text where the header makes no sense.

    Names that are written in another way (`escaping=dots`, `values`) are not offered: all of ours are
    valid as they are, and the specification lets the server choose.
    """
    try:
        _, asked = choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is no number
        return _TEXT
    escaping = "allow-utf-8" if asked.endswith("escaping=allow-utf-8") else "underscores"
    for newer in _NEWER:
        kind, version, _ = newer.split("; ")
        if asked.startswith(kind) and (kind != "text/plain" or version in asked):
            return f"{newer}; escaping={escaping}"
    return _TEXT


class _One:
    """A single family, as something to collect from."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterable[Metric]:
        """Return it."""
        return [self._metric]


@lru_cache(maxsize=4096)  # all families, in the few formats that there are
def head(content_type: str, name: str, documentation: str, kind: str, unit: str) -> str:
    """Return HELP, TYPE and UNIT of a family in a format that `content_type` names."""
    encoder: Callable[[Any], bytes]
    encoder, _ = choose_encoder(content_type)
    return encoder(_One(Metric(name, documentation, kind, unit))).decode().removesuffix(_EOF)
