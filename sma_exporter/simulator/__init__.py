"""Simulated SMA devices that speak WebConnect: for tests, demonstrations and benchmarks.

    with Simulator("stp-10", clock=lambda: 1_750_000_000) as device:
        requests.post(device.url + "/dyn/login.json", json={"right": "usr", "pass": "Sunny-1234"})

`MODELS` names the models; `replay_profile` makes one of a recorded device. Devices that share a
`Plant` stand under the same sky and see the same grid meter. What a device measures is a pure
function of its plant and its `clock`. `Simulator.faults` takes `faults`: what goes wrong, where and
how often. It listens on the loopback interface unless told otherwise.
"""

from . import faults
from .demo import DemoDevice, demo_devices
from .models import MODELS
from .plant import Plant
from .profiles import Profile
from .replay import replay_profile
from .simulator import PASSWORD, Simulator

__all__ = [
    "MODELS",
    "PASSWORD",
    "DemoDevice",
    "Plant",
    "Profile",
    "Simulator",
    "demo_devices",
    "faults",
    "replay_profile",
]
