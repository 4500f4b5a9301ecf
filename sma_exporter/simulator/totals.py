"""What all inverters, batteries and charging stations of a plant do together."""

from dataclasses import dataclass
from functools import cached_property

from .charging import Charging
from .measurement import Measurement, Resolution
from .plant import Plant
from .storage import Storage
from .year import Unit


@dataclass(frozen=True)
class Totals(Resolution):
    """The sums over the members of a plant, or over those of them that are named."""

    plant: Plant
    time: float
    members: frozenset[str] | None = None

    def _counts(self, name: str) -> bool:
        return self.members is None or name in self.members

    @cached_property
    def _units(self) -> list[Unit]:
        return [unit for unit in self.plant.units if self._counts(unit.name)]

    @cached_property
    def _inverters(self) -> list[Measurement]:
        units = self._units
        return [Measurement(self.plant, unit, self.time, exact=self.exact) for unit in units]

    @cached_property
    def _batteries(self) -> list[Storage]:
        units = [unit for unit in self._units if unit.battery]
        return [Storage(self.plant, unit, self.time, exact=self.exact) for unit in units]

    @cached_property
    def _chargers(self) -> list[Charging]:
        chargers = [each for each in self.plant.chargers if self._counts(each.name)]
        return [Charging(self.plant, each, self.time, exact=self.exact) for each in chargers]

    @property
    def ac_power(self) -> float:
        """W out of all inverters."""
        return sum(each.ac_power for each in self._inverters)

    @property
    def reactive_power(self) -> float:
        """In var."""
        return sum(each.reactive_power for each in self._inverters)

    @property
    def pv_power(self) -> float:
        """W of all strings, after conversion to AC."""
        return sum(each.pv_power for each in self._inverters)

    @property
    def pv_total(self) -> float:
        """Wh of all strings since commissioning."""
        return sum(each.pv_total for each in self._inverters)

    @property
    def daily_yield(self) -> float:
        """Wh since local midnight."""
        return sum(each.daily_yield for each in self._inverters)

    @property
    def charge_total(self) -> float | None:
        """Wh into all batteries since commissioning; None without any."""
        return sum(each.charge_total for each in self._batteries) if self._batteries else None

    @property
    def discharge_total(self) -> float | None:
        """Wh out of all batteries since commissioning; None without any."""
        return sum(each.discharge_total for each in self._batteries) if self._batteries else None

    @property
    def charging_power(self) -> float | None:
        """W into all vehicles; None without a charging station."""
        return sum(each.power for each in self._chargers) if self._chargers else None

    @property
    def charging_total(self) -> float | None:
        """Wh into all vehicles since commissioning; None without a charging station."""
        return sum(each.total for each in self._chargers) if self._chargers else None

    @property
    def vehicles(self) -> int:
        """How many vehicles are plugged in."""
        return sum(each.vehicles for each in self._chargers)

    @property
    def rated_power(self) -> float:
        """W of all inverters."""
        return sum(unit.rated for unit in self._units)

    @property
    def peak_power(self) -> float:
        """W of all strings."""
        return sum(unit.peak for unit in self._units)

    @property
    def running(self) -> int:
        """How many inverters are in operation."""
        return sum(each.ac_power != 0 for each in self._inverters)

    @property
    def waiting(self) -> int:
        """How many inverters are not."""
        return len(self._inverters) - self.running
