"""Simulated SMA devices: for tests, demonstrations and benchmarks.

    with Simulator("stp-10", clock=lambda: 1_750_000_000) as device:
        requests.post(device.url + "/dyn/login.json", json={"right": "usr", "pass": "Sunny-1234"})

`MODELS` are the models; `replay_profile` makes one from a recorded device. Devices that share a
`Plant` have the same sun and the same grid meter. What a device measures is a pure function of its
plant and its `clock`. `faults` are what can be added to `Simulator.faults`. A device listens on the
loopback interface unless told otherwise.

The plant and what is measured in it, the HTTP server and its faults know no protocol; each protocol
has a folder.
"""

from . import faults
from .demo import DemoDevice, demo_devices
from .http_simulator import PASSWORD
from .plant import Plant
from .webconnect.models import MODELS
from .webconnect.profiles import Profile
from .webconnect.replay import replay_profile
from .webconnect.simulator import Simulator

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
