"""Simulated SMA devices that speak WebConnect: for tests, demonstrations and benchmarks.

    with Simulator("stp-10", clock=lambda: 1_750_000_000) as device:
        requests.post(device.url + "/dyn/login.json", json={"right": "usr", "pass": "Sunny-1234"})

`MODELS` names the models; `replay_profile` makes one of a recorded device. Devices that share a
`Plant` stand under the same sky and see the same grid meter. What a device measures is a pure
function of its plant and its `clock`. `Simulator.faults` takes `faults`: what goes wrong, where and
how often. It listens on the loopback interface unless told otherwise.
"""

from sma_exporter.simulator import faults
from sma_exporter.simulator.demo import DemoDevice, demo_devices
from sma_exporter.simulator.models import MODELS
from sma_exporter.simulator.plant import Plant
from sma_exporter.simulator.profiles import Profile
from sma_exporter.simulator.replay import replay_profile
from sma_exporter.simulator.simulator import Simulator

__all__ = [
    "MODELS",
    "DemoDevice",
    "Plant",
    "Profile",
    "Simulator",
    "demo_devices",
    "faults",
    "replay_profile",
]
