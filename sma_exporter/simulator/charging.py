"""What a charging station measures, and the vehicle that comes to it every day."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

from .measurement import Numbers, Resolution, Tags, grid_voltages, on_phases
from .plant import COMMISSIONED, Plant, State
from .year import KNOTS_PER_DAY, QUARTER, Charger, Visit, visit

NOT_CONNECTED = Tags((200_111,))
PLUGGED_IN = Tags((200_112,))
CHARGING = Tags((200_113,))
TARGET_REACHED = Tags((200_114,))


@dataclass(frozen=True)
class Charging(Resolution):
    """The quantities of one charging station."""

    plant: Plant
    charger: Charger
    time: float

    @cached_property
    def state(self) -> State:
        """The plant now."""
        return self.plant.at(self.time)

    @cached_property
    def power(self) -> float:
        """W into the vehicle."""
        return self.watts(self.state.power(self.state.year.chargers[self.charger.name]))

    @cached_property
    def total(self) -> float:
        """Wh since commissioning."""
        return self.watt_hours(self.state.forward(self.state.year.chargers[self.charger.name]))

    @property
    def phase_powers(self) -> Numbers:
        """W on each phase."""
        return on_phases([self.power / self.charger.phases] * self.charger.phases)

    @property
    def phase_voltages(self) -> Numbers:
        """V."""
        return on_phases(grid_voltages(self.time)[: self.charger.phases])

    @property
    def phase_currents(self) -> Numbers:
        """A, negative while charging."""
        pairs = zip(self.phase_powers, grid_voltages(self.time), strict=True)
        return [None if watts is None else -watts / volts for watts, volts in pairs]

    @property
    def power_factor(self) -> float:
        """0..1."""
        return 0.998 if self.power else 1.0

    @property
    def apparent_power(self) -> float:
        """VA."""
        return self.power / self.power_factor

    @property
    def reactive_power(self) -> float:
        """In var."""
        return math.sqrt(max(0.0, self.apparent_power**2 - self.power**2))

    # The vehicle

    @cached_property
    def _position(self) -> float:
        """Knots since the plant's day began."""
        return self.state.knot % KNOTS_PER_DAY + self.state.fraction

    @cached_property
    def _today(self) -> Visit:
        return self._visit(self.state.knot // KNOTS_PER_DAY)

    def _visit(self, day: int) -> Visit:
        return visit(self.plant.seed, self.charger.name, day)

    def _moment(self, knot: float) -> float:
        """Return the Unix time of a knot of this day."""
        return max(COMMISSIONED, self.time + (knot - self._position) * QUARTER)

    @cached_property
    def _changes(self) -> list[tuple[float, Tags]]:
        """What follows when on this day, in knots."""
        today, yesterday = self._today, self._visit(self.state.knot // KNOTS_PER_DAY - 1)
        return [
            (yesterday.unplugged - KNOTS_PER_DAY, NOT_CONNECTED),
            (today.plugged, PLUGGED_IN),
            (today.start, CHARGING),
            (today.end, TARGET_REACHED),
            (today.unplugged, NOT_CONNECTED),
        ]

    @cached_property
    def _last_change(self) -> tuple[float, Tags]:
        return next(each for each in reversed(self._changes) if each[0] <= self._position)

    @property
    def status(self) -> Tags:
        """Whether a vehicle is plugged in, and charging."""
        return self._last_change[1]

    @property
    def status_since(self) -> float:
        """Unix time at which that began."""
        return self._moment(self._last_change[0])

    @property
    def vehicles(self) -> int:
        """How many are plugged in."""
        return int(self.status != NOT_CONNECTED)

    @property
    def session_energy(self) -> float:
        """Wh since a vehicle was plugged in; after it left, as at its end."""
        plugged: float = self._today.plugged
        if plugged > self._position:
            yesterday = self._visit(self.state.knot // KNOTS_PER_DAY - 1)
            plugged = yesterday.plugged - KNOTS_PER_DAY
        return self.total - replace(self, time=self._moment(plugged)).total

    @property
    def session_time(self) -> float:
        """Unix time of that energy: now, or when the last vehicle left."""
        return self.time if self.vehicles else self.status_since
