"""The demonstration: a home with four inverters, at half past ten in the morning."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .plant import KNOWN_CHARGERS, KNOWN_UNITS, Plant
from .protocols import AnySimulator, simulated
from .year import DAY

# The devices of the home, whatever they speak.
DEMO_MODELS = {
    "hybrid": "stp-10-se",
    "roof": "stp-10",
    "garage": "sb-3.6",
    "barn": "stp-x-15",
}
MID_MORNING = 10.5 * 3600


@dataclass(frozen=True)
class DemoDevice:
    """A device of the demonstration; it is not started yet."""

    name: str
    simulator: AnySimulator

    @property
    def username(self) -> str | None:
        """The user's name, if the protocol has one."""
        return self.simulator.credentials.get("username")

    @property
    def password(self) -> str:
        """Its password."""
        return self.simulator.credentials["password"]


def demo_devices(
    clock: Callable[[], float] = time.time, models: Mapping[str, str] = DEMO_MODELS
) -> list[DemoDevice]:
    """Return the devices of one home, where the sun stands as at half past ten when it is built."""
    ahead = (MID_MORNING - clock()) % DAY
    home = Plant(
        solar_offset=ahead if ahead <= DAY / 2 else ahead - DAY,
        units=tuple(unit for unit in KNOWN_UNITS if unit.name in models.values()),
        chargers=tuple(charger for charger in KNOWN_CHARGERS if charger.name in models.values()),
    )
    return [
        DemoDevice(name, simulated(model, plant=home, clock=clock))
        for name, model in models.items()
    ]
