"""The demonstration: a home with three inverters, where it is mid-morning."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from .plant import UNITS, Plant
from .simulator import PASSWORD, Simulator
from .year import DAY

MODELS = {"hybrid": "stp-10-se", "roof": "stp-10", "garage": "sb-3.6"}
MID_MORNING = 10.5 * 3600


@dataclass(frozen=True)
class DemoDevice:
    """A device of the demonstration, to be started."""

    name: str
    simulator: Simulator
    password: str = PASSWORD


def demo_devices(clock: Callable[[], float] = time.time) -> list[DemoDevice]:
    """Return the devices of one home, whose sun stands at half past ten by the clock."""
    ahead = (MID_MORNING - clock()) % DAY
    home = Plant(
        solar_offset=ahead if ahead <= DAY / 2 else ahead - DAY,
        units=tuple(unit for unit in UNITS if unit.name in MODELS.values()),
    )
    return [
        DemoDevice(name, Simulator(model, plant=home, clock=clock))
        for name, model in MODELS.items()
    ]
