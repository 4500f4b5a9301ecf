"""The custom collector: all devices side by side inside one scrape's deadline.

It is made for each request, around the devices and the deadline of that request; nothing is
registered globally, and nothing is read before Prometheus asks.
"""

import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric

from .. import __version__
from ..config import CustomSensor
from ..devices.device import Device, Read
from ..devices.fleet import Fleet
from ..devices.snapshot import CustomReading, Snapshot
from ..sma.deadline import Deadline
from ..sma.exceptions import Reason
from ..sma.source import Identity
from ..sma.text import clean
from . import families as metrics
from .exposition import Lines, line, series
from .families import COUNTER, GAUGE, INFO, DeviceReadings

#: A sample: the labels beside `device`, and its value.
Sample: TypeAlias = tuple[Mapping[str, str], float]


@dataclass(frozen=True, slots=True)
class ScrapeFamily:
    """A family about the scrape of a device, beside what the device itself says."""

    name: str
    kind: str
    help: str
    samples: Callable[[Snapshot], Iterable[Sample]]


def _one(value: float | None) -> Iterator[Sample]:
    """Yield the sample of a family without further labels; none for None."""
    if value is not None:
        yield {}, value


def _failing(snapshot: Snapshot) -> Iterator[Sample]:
    present = snapshot.result.reason if snapshot.result else None
    return (({"reason": reason}, reason == present) for reason in Reason)


def _errors(snapshot: Snapshot) -> Iterator[Sample]:
    return (({"reason": reason}, count) for reason, count in snapshot.errors.items())


_IDENTITY = tuple(field.name for field in fields(Identity))


def _identity(snapshot: Snapshot) -> Iterator[Sample]:
    identity = {name: getattr(snapshot.state.identity, name) for name in _IDENTITY}
    yield {"plant": clean(snapshot.plant), **identity}, 1


# fmt: off
#: Counted in this process: a probe of one device leaves them to /metrics.
COUNTERS = (
    ScrapeFamily("sma_scrape_errors_total", COUNTER, "Failed reads by reason; a scrape that gave up on a read still running counts as timeout.", _errors),
    ScrapeFamily("sma_logins_total", COUNTER, "Sessions opened on the device.", lambda s: _one(s.logins)),
)
GAUGES = (
    ScrapeFamily("sma_up", GAUGE, "1 if the read that this answer shows brought at least one value, else 0.", lambda s: _one(int(s.up))),
    ScrapeFamily("sma_scrape_duration_seconds", GAUGE, "Time that the read which this answer shows took.", lambda s: _one(s.result.seconds if s.result else 0.0)),
    ScrapeFamily("sma_scrape_failing", GAUGE, "1 for the reason why there are no values now, also while the device is left alone after a refused login.", _failing),
    ScrapeFamily("sma_last_successful_scrape_timestamp_seconds", GAUGE, "End of the last good read, unix time.", lambda s: _one(s.last_success)),
    ScrapeFamily("sma_sessions_free", GAUGE, "Free sessions, as the device tells when it has refused a login.", lambda s: _one(s.result.free_sessions if s.result else None)),
    ScrapeFamily("sma_device_info", INFO, "Identity of the device, the last known; empty until known.", _identity),
    ScrapeFamily("sma_counters_withheld", GAUGE, "Lifetime totals that are held back now: the device sends less than before, or more than it can have produced.", lambda s: _one(s.state.withheld)),
)
# fmt: on
SCRAPE_FAMILIES = (*GAUGES, *COUNTERS)


class DeviceCollector:
    """Reads its devices when it is collected, until `deadline`; `on_read` is called when it has waited."""

    def __init__(
        self,
        devices: Sequence[Device],
        deadline: Deadline,
        *,
        with_counters: bool = True,
        on_read: Callable[[], None] = lambda: None,
    ) -> None:
        self._devices = devices
        self._deadline = deadline
        self._on_read = on_read
        self._shown = SCRAPE_FAMILIES if with_counters else GAUGES

    def describe(self) -> Iterator[Metric]:
        """Yield every family that may come, without touching a device."""
        yield from (_new(family) for family in self._shown)
        yield from metrics.empty_families()
        yield from metrics.custom_families(
            (device.name, _described(sensor))
            for device in self._devices
            for sensor in device.settings.sensors
        )

    def collect(self) -> Iterator[Metric]:
        """Yield each family once, the devices in their configured order."""
        reads = dict(self._begin())
        snapshots = [device.finish(reads[device], self._deadline) for device in self._devices]
        self._on_read()
        yield from scrape_metrics(self._shown, snapshots)
        yield from metrics.families(
            [DeviceReadings(s.name, s.readings, s.state.unknown_states) for s in snapshots]
        )
        yield from metrics.custom_families(
            (snapshot.name, row)
            for snapshot in snapshots
            if snapshot.result is not None
            for row in snapshot.result.custom
        )

    def _begin(self) -> Iterator[tuple[Device, Read | None]]:
        """Begin to read as many devices as can be begun by the deadline; the others come first next time.

        To start a thread takes until other threads let it run: beside hundreds that work, that is seconds.
        """
        for device in sorted(self._devices, key=lambda device: device.read_at()):
            yield device, device.begin() if self._deadline.left() else device.not_begun()


class ScrapeCountersCollector:
    """The counters about scrapes, from what is known already: no device is read."""

    def __init__(self, devices: Sequence[Device]) -> None:
        self._devices = devices

    def describe(self) -> Iterator[Metric]:
        """Yield the families without samples."""
        return (_new(family) for family in COUNTERS)

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        return scrape_metrics(COUNTERS, [device.last() for device in self._devices])


class ExporterCollector:
    """What the exporter says of itself: build, configuration, process."""

    def __init__(
        self,
        fleet: Fleet,
        environ: Mapping[str, str] = os.environ,
        web_config_usable: Callable[[], bool] = lambda: True,
        log_lines_dropped: Callable[[], int] = lambda: 0,
    ) -> None:
        self._fleet = fleet
        self._build = {**build_info(environ), "pythonversion": platform.python_version()}
        self._web_config_usable = web_config_usable
        self._log_lines_dropped = log_lines_dropped
        own = CollectorRegistry()
        self._parts = (
            ProcessCollector(registry=None),
            PlatformCollector(registry=own),
            GCCollector(own),
        )

    def describe(self) -> Iterable[Metric]:
        """Yield the families; none of them needs I/O on a device."""
        return self.collect()

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        build = InfoMetricFamily(
            "sma_exporter_build", "Version, revision and branch of the exporter, and its Python."
        )
        build.add_metric([], self._build)
        yield build
        name = "sma_exporter_config_last_reload_successful"
        sentence = "Whether the last loading of the configuration succeeded."
        yield GaugeMetricFamily(name, sentence, int(self._fleet.loading.successful))
        name = "sma_exporter_config_last_reload_success_timestamp_seconds"
        sentence = "When the configuration was last loaded successfully, unix time."
        yield GaugeMetricFamily(name, sentence, self._fleet.loading.succeeded_at)
        name = "sma_exporter_web_config_last_reload_successful"
        sentence = "Whether the web configuration file can be used as it is now; 1 without one."
        yield GaugeMetricFamily(name, sentence, int(self._web_config_usable()))
        name = "sma_exporter_log_lines_dropped"
        sentence = "Log lines that were lost because standard error did not take them."
        yield CounterMetricFamily(name, sentence, self._log_lines_dropped())
        for part in self._parts:
            yield from part.collect()


def build_info(environ: Mapping[str, str]) -> dict[str, str]:
    """Return version, and revision and branch as the image or package that was built says them."""
    return {
        "version": __version__,
        "revision": environ.get("SMA_EXPORTER_REVISION", ""),
        "branch": environ.get("SMA_EXPORTER_BRANCH", ""),
    }


def scrape_metrics(
    shown: Iterable[ScrapeFamily], snapshots: Sequence[Snapshot]
) -> Iterator[Metric]:
    """Yield the families about scrapes that have samples."""
    for family in shown:
        metric = _new(family)
        for snapshot in snapshots:
            metric.lines += (
                line(series(family.name, {"device": snapshot.name, **labels}), float(value))
                for labels, value in family.samples(snapshot)
            )
        if metric.lines:
            yield metric


def _new(family: ScrapeFamily) -> Lines:
    if family.kind == COUNTER:
        return Lines(family.name.removesuffix("_total"), family.help, COUNTER)
    if family.kind == INFO:
        return Lines(family.name.removesuffix("_info"), family.help, INFO)
    unit = "seconds" if family.name.endswith("_seconds") else ""
    return Lines(family.name, family.help, GAUGE, unit)


def _described(sensor: CustomSensor) -> CustomReading:
    return CustomReading(sensor.metric, sensor.type, sensor.help, sensor.labels, 0.0)
