"""A device at its site, and all that it can know there at one time, by name."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from .charging import Charging
from .measurement import OK, Measurement, Tags
from .metering import Metering
from .plant import KNOWN_UNITS, Plant, named
from .storage import Storage
from .totals import Totals
from .year import Charger, Unit

FAULTY_COMMUNICATION = Tags((1719,))


@dataclass(frozen=True)
class Site:
    """A device and its plant. `unit`: None if it is no inverter; `meter`: it reads the plant's meter.

    `charger`: which charging station it is, if it is one. `exact`: it knows parts of a watt.
    `members`: the names of what it sums up, None for the whole plant.
    """

    plant: Plant
    unit: Unit | None
    serial: int
    name: str
    meter: bool = True
    charger: Charger | None = None
    exact: bool = False
    members: frozenset[str] | None = None


def place(name: str | None, plant: Plant | None, *, battery: bool) -> tuple[Plant, Unit | None]:
    """Return the plant of a device, and which of the plant's units it is; `name`: None for no inverter.

    Without a plant the device gets its own. A battery inverter gets a roof beside it, which charges
    its battery. Raises ValueError if the plant has no such unit, or one with an unwanted battery.
    """
    if name is None:
        return plant or Plant(), None
    if plant is not None:
        unit = plant.unit(name)
        if unit.battery and not battery:
            raise ValueError(f"the plant's {unit.name} has a battery: give the plant one without")
        return plant, unit
    unit = named(KNOWN_UNITS, name, "there is no unit")
    unit = unit if battery else replace(unit, battery=None)
    roof = () if unit.strings else (Plant().unit("stp-10"),)
    return Plant(units=(unit, *roof)), unit


@dataclass(frozen=True)
class TypeLabel:
    """What a device says of itself."""

    site: Site
    type_tag: int
    firmware: int | str

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
        """State of the communication with the meter."""
        return OK if self.site.meter else FAULTY_COMMUNICATION

    @property
    def meter_serial(self) -> int:
        """Serial number of the meter in use, 0 without one."""
        return self.site.plant.meter_serial if self.site.meter else 0

    @property
    def usable_meters(self) -> list[float | None]:
        """Serial numbers of the meters in the network."""
        return [self.site.plant.meter_serial if self.site.meter else None]

    @property
    def optimizer_serials(self) -> list[str]:
        """A serial number for each optimizer."""
        count = self.site.unit.optimizers if self.site.unit else 0
        return [f"04C05B{self.site.serial % 0x10000:04X}{index:04X}" for index in range(count)]

    @property
    def optimizers_found(self) -> int | None:
        """How many optimizers, None without any."""
        return len(self.optimizer_serials) or None

    @property
    def gateways_found(self) -> int | None:
        """The radio gateway of the optimizers: one, if there are any."""
        return 1 if self.optimizer_serials else None


@dataclass(frozen=True)
class Quantities:
    """All quantities of a device and its plant at one time."""

    site: Site
    label: TypeLabel
    time: float

    @cached_property
    def inverter(self) -> Measurement | None:
        """None if it is no inverter."""
        unit, exact = self.site.unit, self.site.exact
        return Measurement(self.site.plant, unit, self.time, exact=exact) if unit else None

    @cached_property
    def storage(self) -> Storage | None:
        """None if it is no inverter."""
        unit, exact = self.site.unit, self.site.exact
        return Storage(self.site.plant, unit, self.time, exact=exact) if unit else None

    @cached_property
    def meter(self) -> Metering | None:
        """None if the device reads no meter."""
        exact = self.site.exact
        return Metering(self.site.plant, self.time, exact=exact) if self.site.meter else None

    @cached_property
    def charger(self) -> Charging | None:
        """None if it is no charging station."""
        charger, exact = self.site.charger, self.site.exact
        return Charging(self.site.plant, charger, self.time, exact=exact) if charger else None

    @cached_property
    def plant(self) -> Totals:
        """What the members of the plant do together, as far as this device knows of them."""
        site = self.site
        return Totals(site.plant, self.time, site.members, exact=site.exact)

    @property
    def dark(self) -> bool:
        """No sun on this device's modules."""
        return self.inverter is not None and self.inverter.state.sun()[0] == 0

    def value(self, quantity: str) -> Any:
        """Return a quantity ("inverter.ac_power"): a list for an array, None if it is not there."""
        owner, name = quantity.split(".")
        found = getattr(self, owner)
        return None if found is None else getattr(found, name)
