"""What Prometheus would have scraped of simulated devices before now: without HTTP, at any speed.

The exporter's own tables make the samples, so names and labels are those of a real scrape.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

from prometheus_client.core import Metric

from sma_exporter.devices.snapshot import DeviceState, ReadResult, Snapshot
from sma_exporter.ennexos import component
from sma_exporter.ennexos.client import PLANT, SELF
from sma_exporter.ennexos.decode import decoded as ennexos_decoded
from sma_exporter.ennexos.decode import parameters_of
from sma_exporter.metrics import collector
from sma_exporter.metrics import families as metrics
from sma_exporter.simulator import ENNEXOS_MODELS, MODELS, Switches
from sma_exporter.simulator.ennexos.profiles import Profile
from sma_exporter.simulator.ennexos.switches import View
from sma_exporter.simulator.ennexos.tokens import ADMINISTRATOR
from sma_exporter.simulator.plant import Plant
from sma_exporter.simulator.quantities import Site
from sma_exporter.simulator.webconnect.profiles import WebConnectSite
from sma_exporter.sma.exceptions import Reason
from sma_exporter.sma.sensors import SENSORS
from sma_exporter.sma.source import Identity, Readings
from sma_exporter.webconnect.decode import concluded, decoded, identity_of

#: A family's name and all labels, sorted.
Series = tuple[str, tuple[tuple[str, str], ...]]

#: What becomes of the labels of an exposition in Prometheus.
Labelled = Callable[[Mapping[str, str]], Mapping[str, str]]


class Sample(NamedTuple):
    series: Series
    value: float


@dataclass(frozen=True)
class WebConnectReplies:
    """What a simulated device with WebConnect would send, decoded."""

    model: Any
    site: WebConnectSite

    @cached_property
    def parameters(self) -> Readings:
        """What it says of itself, which does not change."""
        return decoded(self.model.parameters(self.site, 0.0))

    @property
    def identity(self) -> Identity:
        """Who it is."""
        return identity_of(self.parameters)

    def readings(self, time: float) -> Readings:
        """What a read brings at a time."""
        return concluded({**self.parameters, **decoded(self.model.online(self.site, time))})

    def is_dark(self, time: float) -> bool:
        """Whether no sun is on its modules."""
        return bool(self.model.quantities(self.site, time).dark)


@dataclass(frozen=True)
class EnnexosReplies:
    """The same of a device with ennexOS that stands alone in its plant."""

    model: Profile
    site: Site

    @cached_property
    def description(self) -> component.Description:
        """What it says of itself."""
        view = self._view(0.0)
        rows = [{"componentId": SELF, "values": self.model.parameters(view, SELF)}]
        return component.Description(
            about=self.model.device(view, SELF) or {},
            parameters=parameters_of(rows, SELF),
            has_sums=True,
        )

    @property
    def parameters(self) -> Readings:
        """What it says of itself as readings."""
        return ennexos_decoded(self.description.parameters, {}, charger=False)

    @property
    def identity(self) -> Identity:
        """Who it is."""
        return self.description.identity

    def readings(self, time: float) -> Readings:
        """What a read brings at a time."""
        view = self._view(time)
        rows = [*(self.model.live(view, SELF) or ()), *(self.model.live(view, PLANT) or ())]
        return component.readings(
            component.channels(rows, SELF), self.description, component.Taken()
        )

    def is_dark(self, time: float) -> bool:
        """Whether no sun is on its modules."""
        return self.site.plant.at(time).sun()[0] == 0

    def _view(self, time: float) -> View:
        return View(self.site, time, ADMINISTRATOR, Switches())


@dataclass(frozen=True)
class PastDevice:
    """A configured device and the simulated one behind it, `sends`.

    `off_at_night`: it does not answer in the dark. `change`: what befalls its readings, by unix time;
    None for a device that does not answer.
    """

    name: str
    sends: "WebConnectReplies | EnnexosReplies"
    plant: str = ""
    off_at_night: bool = False
    change: Callable[[float, Readings], Readings | None] = field(
        default=lambda _, readings: readings
    )

    def snapshot(self, time: float) -> Snapshot:
        """Return what the exporter knows of it at a time."""
        is_off = self.off_at_night and self.sends.is_dark(time)
        readings = None if is_off else self.change(time, self.sends.readings(time))
        result = (
            ReadResult(0.0, reason=Reason.CONNECTION)
            if readings is None
            else ReadResult(0.0, readings=readings)
        )
        kept = {name: v for name, v in self.sends.parameters.items() if SENSORS[name].kept}
        state = DeviceState(self.sends.identity, kept)
        errors = dict.fromkeys(Reason, 0)
        return Snapshot(self.name, self.plant, result, state, errors, 0, time)


def device(name: str, model: str, home: Plant, **more: object) -> PastDevice:
    """Return a device of a plant; `more` as PastDevice has it, `meter` as WebConnectSite."""
    meter = bool(more.pop("meter", True))
    profile = MODELS.get(model) or ENNEXOS_MODELS[model]
    unit = home.unit(profile.unit) if profile.unit else None
    sends: WebConnectReplies | EnnexosReplies
    if model in MODELS:
        site = WebConnectSite(home, unit, profile.serial, name, meter=meter)
        sends = WebConnectReplies(MODELS[model], site)
    else:
        exact = Site(home, unit, profile.serial, name, meter=meter, exact=True)
        sends = EnnexosReplies(ENNEXOS_MODELS[model], exact)
    return PastDevice(name, sends, **more)  # type: ignore[arg-type]


def exposed(devices: Sequence[PastDevice], time: float) -> Iterator[Metric]:
    """Yield what a scrape would show."""
    snapshots = [each.snapshot(time) for each in devices]
    yield from collector.scrape_metrics(collector.GAUGES, snapshots)
    yield from metrics.families([metrics.DeviceReadings(s.name, s.readings, {}) for s in snapshots])


def by_metrics(job: str) -> Labelled:
    """What Prometheus makes of the labels of a series when it scrapes /metrics."""
    return lambda labels: {**labels, "job": job, "instance": "localhost:10126"}


def by_discovery(job: str, plant: str) -> Labelled:
    """What it makes of them by /sd, for devices of one plant: the target's own label wins."""

    def labelled(labels: Mapping[str, str]) -> Mapping[str, str]:
        renamed = {("exported_plant" if n == "plant" else n): v for n, v in labels.items()}
        return {**renamed, "job": job, "instance": labels["device"], "plant": plant}

    return labelled


def scraped(devices: Sequence[PastDevice], time: float, *labelled: Labelled) -> Iterator[Sample]:
    """Yield the samples of one scrape as Prometheus stores them, once for each way of labelling them."""
    for metric in exposed(devices, time):
        for sample, label in product(metric.samples, labelled):
            labels = {name: value for name, value in label(sample.labels).items() if value}
            yield Sample((sample.name, tuple(sorted(labels.items()))), sample.value)
