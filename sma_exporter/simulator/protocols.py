"""Simulated devices of all protocols, by model or recording."""

from collections.abc import Mapping
from typing import Any

from .ennexos import models as ennexos_models
from .ennexos import replay as ennexos_replay
from .ennexos.simulator import EnnexosSimulator
from .ennexos.switches import Switches
from .webconnect import models as webconnect_models
from .webconnect import replay as webconnect_replay
from .webconnect.simulator import Simulator

AnySimulator = Simulator | EnnexosSimulator

# Whoever wants no TLS wants to try the device, not to be refused as by a real one.
PLAIN_TOO = Switches(plain_http="serve")
MODELS = (*webconnect_models.MODELS, *ennexos_models.MODELS)


def simulated(model: str, **options: Any) -> AnySimulator:
    """Return a device of that model, with options that all simulators have."""
    if model in ennexos_models.MODELS:
        return EnnexosSimulator(model, switches=PLAIN_TOO, **options)
    return Simulator(model, **options)


def replayed(document: object, **options: Any) -> AnySimulator:
    """Return a device that replies what was recorded; raise ValueError for what is no recording."""
    if isinstance(document, Mapping) and document.get("protocol") == ennexos_replay.PROTOCOL:
        return EnnexosSimulator(ennexos_replay.replay_profile(document), **options)
    return Simulator(webconnect_replay.replay_profile(document), **options)
