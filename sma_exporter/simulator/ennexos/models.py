"""The models that can be simulated, made from the blocks of channels and parameters."""

from collections.abc import Mapping
from types import MappingProxyType

from ..plant import KNOWN_CHARGERS, KNOWN_UNITS, Plant, named
from . import channels, parameters
from .components import Kind
from .encoding import Clock
from .profiles import Model

PV, CHARGING_STATION, HYBRID = 8001, 8008, 8009  # classes
OLD_PRODUCT = 8001  # what an old inverter names is no product, but its class


def plant(table: channels.Table) -> Kind:
    """Return a plant with these channels."""
    return Kind("Plant", 0, 0, table, parameters.PLANT)


TRIPOWER_X_15 = Model(
    "stp-x-15",
    Kind(
        product="Sunny Tripower X 15",
        product_tag=9491,
        susyid=483,
        group_tag=PV,
        firmware=("03.06.15.R", "03.14.22.R"),
        unit="stp-x-15",
        channels=channels.TRIPOWER_X,
        parameters={
            **parameters.kind("Sunny Tripower X 15", PV),
            **parameters.NAMEPLATE,
            **parameters.NETWORK,
            **parameters.WIFI,
            **parameters.SERVICES,
            **parameters.INVERTER,
        },
    ),
    plant(channels.PLANT_OF_INVERTER),
)
SUNNY_BOY_SMART_ENERGY = Model(
    "sb-smart-energy",
    Kind(
        product="Sunny Boy Smart Energy 5.0",
        product_tag=19_130,
        susyid=502,
        group_tag=HYBRID,
        firmware=("03.09.10.R", "03.16.21.R"),
        unit="sb-smart-energy",
        channels=channels.SMART_ENERGY,
        parameters={
            **parameters.kind("Sunny Boy Smart Energy 5.0", HYBRID),
            **parameters.NAMEPLATE,
            **parameters.NETWORK,
            **parameters.WIFI,
            **parameters.INVERTER,
            **parameters.BATTERY,
        },
        clock=Clock(milliseconds=False),
    ),
    plant(channels.PLANT_OF_INVERTER),
)
DATA_MANAGER = Model(
    "data-manager",
    Kind(
        product="EDMM-10",
        product_tag=9397,
        susyid=378,
        firmware=("1.13.20.R", "1.16.12.R"),
        channels=channels.MANAGER,
        parameters={
            **parameters.kind("EDMM-10", None),
            **parameters.NAMEPLATE,
            **parameters.NETWORK,
            **parameters.SERVICES,
        },
    ),
    plant(channels.PLANT_OF_MANAGER),
    behind=(
        Kind(
            product="STP10.0-3AV-40",
            product_tag=9348,
            susyid=378,
            group_tag=PV,
            firmware=("3.11.11.R", "3.11.11.R"),
            unit="stp-10",
            channels=channels.INVERTER_BEHIND_MANAGER,
            parameters={**parameters.kind("STP10.0-3AV-40", PV), **parameters.NAMEPLATE},
            clock=Clock(spread=5.0),
        ),
        Kind(
            product="Energy Meter",
            product_tag=9307,
            susyid=349,
            channels=channels.ENERGY_METER,
            parameters={},
            clock=Clock(spread=1.0),
        ),
        Kind(
            product="SB1.5-1VL-40",
            product_tag=OLD_PRODUCT,
            susyid=303,
            group_tag=PV,
            unit="sb-1.5",
            channels=channels.OLD_INVERTER,
            parameters=parameters.NAMEPLATE,
            known=False,
            sleeps=True,
            clock=Clock(spread=60.0),
        ),
    ),
    home=Plant(units=tuple(named(KNOWN_UNITS, name, "no unit") for name in ("stp-10", "sb-1.5"))),
)
CHARGER_22 = Model(
    "evc-22",
    Kind(
        product="EVC22-3AC-10",
        product_tag=9484,
        susyid=424,
        group_tag=CHARGING_STATION,
        firmware=("1.2.23.R", "1.2.35.R"),
        charger="evc-22",
        channels=channels.CHARGING_STATION,
        parameters={
            **parameters.kind("EVC22-3AC-10", CHARGING_STATION),
            **parameters.NAMEPLATE,
            **parameters.NETWORK,
            **parameters.WIFI,
            **parameters.CHARGING_STATION,
        },
        clock=Clock(spread=5.0),
    ),
    plant(channels.PLANT),
    home=Plant(units=(named(KNOWN_UNITS, "stp-10", "no unit"),), chargers=KNOWN_CHARGERS),
    https_only=False,
)

MODELS: Mapping[str, Model] = MappingProxyType(
    {
        model.name: model
        for model in (TRIPOWER_X_15, SUNNY_BOY_SMART_ENERGY, DATA_MANAGER, CHARGER_22)
    }
)
