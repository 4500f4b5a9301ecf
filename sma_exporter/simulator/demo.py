"""The demonstration: a home with three inverters, at half past ten in the morning."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from .http_simulator import PASSWORD
from .plant import UNITS, Plant
from .webconnect.simulator import Simulator
from .year import DAY

DEMO_MODELS = {"hybrid": "stp-10-se", "roof": "stp-10", "garage": "sb-3.6"}
MID_MORNING = 10.5 * 3600


@dataclass(frozen=True)
class DemoDevice:
    """A device of the demonstration; it is not started yet."""

    name: str
    simulator: Simulator
    password: str = PASSWORD


def demo_devices(clock: Callable[[], float] = time.time) -> list[DemoDevice]:
    """Return the devices of one home, where the sun stands as at half past ten when it is built."""
    ahead = (MID_MORNING - clock()) % DAY
    home = Plant(
        solar_offset=ahead if ahead <= DAY / 2 else ahead - DAY,
        units=tuple(unit for unit in UNITS if unit.name in DEMO_MODELS.values()),
    )
    return [
        DemoDevice(name, Simulator(model, plant=home, clock=clock))
        for name, model in DEMO_MODELS.items()
    ]
