"""The text of an answer: prometheus_client's formats, at a fraction of the time.

prometheus_client makes an object and a dictionary of each sample, and looks at every label of it anew to
write it. A device has hundreds of samples. So a family with many is kept as lines of text from the start; its
head, and everything else, is written by prometheus_client.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric, Sample
from prometheus_client.exposition import choose_encoder

_EOF = "# EOF\n"

#: Other ways to write names than as they are: nobody needs them for ours, but who asks gets them.
_RENAMING = ("escaping=dots", "escaping=values")


class Collector(Protocol):
    """What has families to show."""

    def collect(self) -> Iterable[Metric]:
        """Yield them."""


class Lines(Metric):
    """A family whose samples are lines of text, each ended; they are the same in all formats."""

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
        self.lines.append(line(name, labels, value))


def quoted(text: str) -> str:
    """Return a label's value as it stands between the quotes."""
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def line(name: str, labels: Mapping[str, str], value: float) -> str:
    """Return a sample as text, its labels in the order that prometheus_client gives them."""
    pairs = ",".join(f'{label}="{quoted(text)}"' for label, text in sorted(labels.items()))
    return f"{name}{{{pairs}}} {float(value)!r}\n"


class Exposition(NamedTuple):
    """An answer, and what it is."""

    text: str
    content_type: str


def exposition(
    collectors: Iterable[Collector], accept: str, names: Iterable[str] | None = None
) -> Exposition:
    """Return what the collectors show, in the format that the Accept header asks for.

    `names`: of the samples that are wanted; None wants all.
    """
    encoder, content_type = choose_encoder(accept)
    if names is not None or content_type.endswith(_RENAMING):
        registry: Any = registry_of(*collectors)
        registry = registry if names is None else registry.restricted_registry(names)
        return Exposition(encoder(registry).decode(), content_type)
    parts: list[str] = []
    for collector in collectors:
        for metric in collector.collect():
            if isinstance(metric, Lines):
                parts.append(
                    _head(accept, metric.name, metric.documentation, metric.type, metric.unit)
                )
                parts += metric.lines
            else:
                parts.append(_encoded(encoder, metric))
    if content_type.startswith("application/openmetrics-text"):
        parts.append(_EOF)
    return Exposition("".join(parts), content_type)


def registry_of(*collectors: Collector) -> CollectorRegistry:
    """Return a registry of its own around some collectors."""
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    return registry


class _One:
    """A single family, as something to collect from."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterable[Metric]:
        """Return it."""
        return [self._metric]


def _encoded(encoder: Callable[[Collector], bytes], metric: Metric) -> str:
    return encoder(_One(metric)).decode().removesuffix(_EOF)


@lru_cache(maxsize=1024)  # all families, in the formats of a few who ask
def _head(accept: str, name: str, documentation: str, kind: str, unit: str) -> str:
    """Return HELP, TYPE and UNIT of a family."""
    encoder, _ = choose_encoder(accept)
    return _encoded(encoder, Metric(name, documentation, kind, unit))
