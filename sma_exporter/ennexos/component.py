"""A component: the device that answers or one behind it, what it says of itself, and its readings."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ..sma.deadline import Deadline
from ..sma.exceptions import SmaReadException
from ..sma.source import Identity, Readings, Value
from .client import PLANT, SELF, EnnexOS
from .decode import (
    Choices,
    Live,
    Rows,
    class_of,
    decoded,
    has_value,
    identity_of,
    is_charger,
    is_meter,
    is_producing,
    live_of,
    newest_of,
    rated_power_of,
    without_sums,
)
from .exceptions import SmaComponentException

#: So many devices of a plant are looked at to know whether there is another one.
_MOST_DEVICES = 16


@dataclass(frozen=True, slots=True)
class Description:
    """What changes seldom: what the device says of itself, its parameters, and what belongs to it.

    `meter_serial`: of the meter that its values of the grid come from, "" where that is not known.
    `has_sums`: what its plant sums up over devices is its own, as it is alone.
    """

    about: Mapping[str, object] = field(default_factory=dict)
    parameters: Live = field(default_factory=dict)
    meter_serial: str = ""
    has_sums: bool = False

    @property
    def identity(self) -> Identity:
        """Who it is."""
        return identity_of(self.about, self.parameters)


@dataclass(frozen=True, slots=True)
class Taken:
    """Which channels were taken where several stand for one sensor: of the component, and of its plant."""

    own: Choices = field(default_factory=dict)
    plant: Choices = field(default_factory=dict)


def about(client: EnnexOS, component: str, deadline: Deadline | None = None) -> Description:
    """Ask a device what it is. Some have no answer to that, and their parameters say it."""
    return Description(_device(client, component, deadline))


def surrounded(
    client: EnnexOS, component: str, found: Description, deadline: Deadline | None = None
) -> Description:
    """Return a description with what the device's plant consists of, as far as the device tells."""
    others: list[Mapping[str, object]] = []
    try:
        if component == SELF:
            others += _others(client, deadline)
    except SmaReadException:  # not every user may see the list
        return found
    return replace(
        found,
        meter_serial=_meter_serial(found.about, others),
        has_sums=component == SELF and not any(map(is_producing, others)),
    )


def _device(client: EnnexOS, component: str, deadline: Deadline | None) -> Mapping[str, object]:
    try:
        return client.device(component, deadline=deadline)
    except SmaReadException:
        return {}


def _others(client: EnnexOS, deadline: Deadline | None) -> Iterator[Mapping[str, object]]:
    """Yield what the other devices of the plant are."""
    for each in client.devices(deadline=deadline)[:_MOST_DEVICES]:
        name = each.get("deviceId")
        if isinstance(name, str) and name not in {SELF, PLANT}:
            yield _device(client, name, deadline)


def _meter_serial(own: Mapping[str, object], others: Iterable[Mapping[str, object]]) -> str:
    """Return the serial number of the meter that a device is, or of the only one in its plant, else ""."""
    if is_meter(own):
        return identity_of(own, {}).serial
    meters = [identity_of(each, {}).serial for each in others if is_meter(each)]
    return meters[0] if len(meters) == 1 else ""


class Channels(NamedTuple):
    """What a reply says of a component and, of the device that answers, of its plant.

    `newest`: the newest time in the reply, whichever component it is of.
    """

    own: Live
    plant: Live
    newest: float | None

    def of_plant(self, description: Description) -> Live:
        """Return what counts of the plant."""
        return self.plant if description.has_sums else without_sums(self.plant)


def channels(rows: Rows, component: str) -> Channels:
    """Return the channels of a component.

    Raises SmaComponentException when nothing is said of it, SmaReadException when that has no value.
    """
    own, plant = live_of(rows, component), live_of(rows, PLANT) if component == SELF else {}
    if not own and not plant:
        raise SmaComponentException(
            f"the device says nothing of its component {component}: "
            "it is off, or it is not there any more"
        )
    if not has_value(own) and not has_value(plant):
        raise SmaReadException("the device answers, but without any value: is it starting?")
    return Channels(own, plant, newest_of(rows))


def is_charger_of(description: Description, own: Live) -> bool:
    """Tell whether a component is a charging station."""
    return is_charger(class_of(description.about, description.parameters), own)


def readings(seen: Channels, description: Description, taken: Taken) -> dict[str, Value]:
    """Return the readings of a component.

    What the device says of itself goes before what its plant says, and that before its parameters. Where
    a sensor was found once, it stays: the totals of a device and of its plant have different starts.
    """
    own, plant, newest = seen.own, seen.of_plant(description), seen.newest
    charger = is_charger_of(description, own)
    found = {
        **rated_power_of(description.about),
        **decoded(description.parameters, {}, charger=charger),
        **decoded(own, taken.own, charger=charger, newest=newest, without=taken.plant.keys()),
        **decoded(plant, taken.plant, charger=charger, newest=newest, without=taken.own.keys()),
    }
    if any(name.startswith("metering_") for name in found):
        found["meter_serial"] = description.meter_serial
    return {name: value for name, value in found.items() if not _is_empty_slot(name, value, found)}


_OFF = (303,)


def _is_empty_slot(name: str, value: Value, found: Readings) -> bool:
    """Tell whether a slot for an optimizer or a gateway is off and says nothing else: nothing is there."""
    if value != _OFF:
        return False
    kind, _, index = name.rpartition("_")
    if kind == "gateway_condition":
        return True
    return kind == "optimizer_condition" and f"optimizer_voltage_{index}" not in found


def has_battery(values: Readings) -> bool:
    """Tell whether the readings say anything about a battery."""
    return any(
        name.startswith("battery_") and isinstance(value, int | float)
        for name, value in values.items()
    )
