"""Where a device's values come from: its place, and what is known there at one time."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .measurement import OK, Measurement, Tags
from .metering import Metering
from .plant import Plant
from .storage import Storage
from .year import Unit

FAULTY_COMMUNICATION = Tags((1719,))


@dataclass(frozen=True)
class Site:
    """A device and its place. `unit`: none for a meter; `meter`: it hears the plant's meter."""

    plant: Plant
    unit: Unit | None
    serial: int
    name: str
    masked: bool = True
    meter: bool = True
    night_gaps: bool = False


@dataclass(frozen=True)
class Identity:
    """What a device says of itself."""

    site: Site
    type_tag: int
    firmware: int

    @property
    def serial(self) -> int:
        """The serial number."""
        return self.site.serial

    @property
    def name(self) -> str:
        """The name that its owner gave it."""
        return self.site.name

    @property
    def type(self) -> Tags:
        """The model."""
        return Tags((self.type_tag,))

    @property
    def rated_power(self) -> float:
        """W."""
        return self.site.unit.rated if self.site.unit else 0

    @property
    def battery_capacity(self) -> float:
        """Wh."""
        return self.site.unit.battery.usable if self.site.unit and self.site.unit.battery else 0

    @property
    def meter_types(self) -> Tags:
        """SMA Energy Meter, or none."""
        return Tags((9327,)) if self.site.meter else Tags((302,))

    @property
    def meter_condition(self) -> Tags:
        """Of the talk with the meter."""
        return OK if self.site.meter else FAULTY_COMMUNICATION

    @property
    def meter_serial(self) -> int:
        """Of the meter in use, 0 without one."""
        return self.site.plant.meter_serial if self.site.meter else 0

    @property
    def usable_meters(self) -> list[float | None]:
        """Serial numbers of the meters in the network."""
        return [self.site.plant.meter_serial if self.site.meter else None]

    @property
    def optimizer_serials(self) -> list[str]:
        """One for each optimizer."""
        count = self.site.unit.optimizers if self.site.unit else 0
        return [f"04C05B{self.site.serial % 0x10000:04X}{index:04X}" for index in range(count)]

    @property
    def optimizers_found(self) -> int | None:
        """How many, if any."""
        return len(self.optimizer_serials) or None

    @property
    def gateways_found(self) -> int | None:
        """The radio that they talk to."""
        return 1 if self.optimizer_serials else None


@dataclass(frozen=True)
class Sources:
    """The objects that the first word of a reading's name stands for, at one time."""

    site: Site
    identity: Identity
    time: float

    @cached_property
    def inverter(self) -> Measurement | None:
        """Absent on an energy meter."""
        unit = self.site.unit
        return Measurement(self.site.plant, unit, self.time) if unit else None

    @cached_property
    def storage(self) -> Storage | None:
        """Absent on an energy meter."""
        unit = self.site.unit
        return Storage(self.site.plant, unit, self.time) if unit else None

    @cached_property
    def meter(self) -> Metering | None:
        """Absent where no meter is heard."""
        return Metering(self.site.plant, self.time) if self.site.meter else None

    @property
    def dark(self) -> bool:
        """No sun on this device's modules."""
        return self.inverter is not None and self.inverter.state.sun()[0] == 0

    def value(self, quantity: str) -> Any:
        """Return a reading's quantity, a list for an array, `None` if its source is absent."""
        origin, name = quantity.split(".")
        source = getattr(self, origin)
        return None if source is None else getattr(source, name)
