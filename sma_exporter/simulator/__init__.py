"""Simulated SMA devices: for tests, demonstrations and benchmarks.

    with Simulator("stp-10", clock=lambda: 1_750_000_000) as device:
        requests.post(device.url + "/dyn/login.json", json={"right": "usr", "pass": "Sunny-1234"})

`Simulator` is a device with WebConnect, of the models in `MODELS` or from `replay_profile`;
`EnnexosSimulator` one with ennexOS, of the models in `ENNEXOS_MODELS`. `simulated` and `replayed`
find out which. Devices that share a `Plant` have the same sun and the same grid meter. What a device
measures is a pure function of its plant and its `clock`. `faults` are what can be added to the
`faults` of a simulator. A device listens on the loopback interface unless told otherwise.

The plant and what is measured in it, the HTTP server and its faults know no protocol; each protocol
has a folder.
"""

from . import faults
from .demo import DemoDevice, demo_devices
from .ennexos.models import MODELS as ENNEXOS_MODELS
from .ennexos.simulator import EnnexosSimulator
from .ennexos.switches import Switches
from .http_simulator import PASSWORD
from .plant import Plant
from .protocols import replayed, simulated
from .webconnect.models import MODELS
from .webconnect.profiles import Profile
from .webconnect.replay import replay_profile
from .webconnect.simulator import Simulator

__all__ = [
    "ENNEXOS_MODELS",
    "MODELS",
    "PASSWORD",
    "DemoDevice",
    "EnnexosSimulator",
    "Plant",
    "Profile",
    "Simulator",
    "Switches",
    "demo_devices",
    "faults",
    "replay_profile",
    "replayed",
    "simulated",
]
