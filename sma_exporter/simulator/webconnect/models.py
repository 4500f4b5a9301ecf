"""The models that can be simulated, made from the blocks of keys and parameters."""

from collections.abc import Mapping
from types import MappingProxyType

from ..measurement import OK, Tags
from ..plant import UNITS
from . import keys, parameters
from .keys import NO_CHANNEL, Computed, Fixed, Table, fixed
from .profiles import METER_CLASS, Model

RATED = {unit.name: unit.rated for unit in UNITS}
RELEASES = "NEABRS"


def firmware(major: int, minor: int, build: int, release: str) -> int:
    """Return a version as devices send it: two BCD bytes, the plain build, the release letter."""
    bcd = bytes(int(str(part), 16) for part in (major, minor))
    return int.from_bytes(bcd + bytes((build, RELEASES.index(release))))


def without(table: Table, *left_out: str) -> Table:
    """Return a table without some keys."""
    return {key: row for key, row in table.items() if key not in left_out}


BASIC_PARAMETERS: Table = {
    **parameters.PASSWORDS,
    **parameters.CLOCK,
    **parameters.DEVICE,
    **parameters.NETWORK,
}
# Everything that the PV inverters of the newer generation have in common.
PV_ONLINE: Table = {
    **keys.AC,
    **keys.AC_MORE,
    **keys.POWER_FACTOR,
    **keys.REACTIVE_OF_PV,
    **keys.OPERATION,
    **keys.INVERTER_CONDITION,
    **keys.OPERATION_OF_PV,
    **keys.CONTROL,
    **keys.METER,
    **keys.METER_MORE,
    **keys.METER_LINES,
    **keys.METER_STATES,
    **keys.OPTIMIZERS,
    **keys.PV,
    **keys.YIELD,
    **keys.TIMES,
    **keys.SOFT_ACCESS_POINT,
    **keys.WEBCONNECT,
}
PV_PARAMETERS: Table = {
    **BASIC_PARAMETERS,
    **parameters.METERING,
    **parameters.OPERATION_OF_PV,
    **parameters.WIFI,
    **parameters.OPTIMIZERS,
    **parameters.GRID_MONITORING,
}
STORAGE_ONLINE: Table = {
    **keys.AC,
    **keys.AC_MORE,
    **keys.REACTIVE_OF_STORAGE,
    **keys.OPERATION,
    **keys.INVERTER_CONDITION,
    **keys.OPERATION_OF_STORAGE,
    **keys.METER,
    **keys.METER_MORE,
    **keys.METER_STATES,
    **keys.YIELD,
    **keys.SOFT_ACCESS_POINT,
    **keys.WEBCONNECT,
    **keys.SECOND_PORT,
    **keys.ETHERNET,
    **keys.NO_WIFI,
}
STORAGE_PARAMETERS: Table = {
    **BASIC_PARAMETERS,
    **parameters.METERING,
    **parameters.OPERATION_OF_STORAGE,
    **parameters.BATTERY,
    **parameters.GRID_MONITORING,
}
STORAGE_LOGS: Table = {"7070_00263A00": Computed("inverter.absorbed_total")}

SUNNY_BOY_15 = Model(
    name="sb-1.5",
    product="SB1.5-1VL-40",
    susyid=0x012F,
    type_tag=9301,
    firmware=firmware(2, 5, 6, "R"),
    device_class=1,
    old_shape=True,
    sleeps=True,
    online_table={
        **keys.AC,
        **keys.POWER_FACTOR,
        **keys.REACTIVE_OF_PV,
        **keys.INSULATION,
        **keys.OPERATION,
        **keys.CONTROL,
        **keys.METER,
        "6180_084AAA00": keys.METER_STATES["6180_084AAA00"],
        **keys.CONSUMPTION,
        **keys.PV,
        **keys.YIELD,
        **keys.TIMES,
        **keys.EVENTS_FOR_INSTALLER,
        **keys.NO_ETHERNET,
        **keys.WIFI,
        **keys.WEBCONNECT,
        "6182_084A9E00": Fixed(keys.NONE),
    },
    parameter_table={
        **parameters.rating(RATED["sb-1.5"], 1, (9301, 9302, 9303)),
        **parameters.power_limits(RATED["sb-1.5"]),
        **BASIC_PARAMETERS,
        **parameters.METERING,
        **parameters.OPERATION_OF_PV,
        **parameters.WIFI,
        **parameters.ONE_DC_INPUT,
        **parameters.GRID_MONITORING,
    },
)
SUNNY_BOY_36 = Model(
    name="sb-3.6",
    product="SB3.6-1AV-41",
    susyid=0x0199,
    type_tag=9402,
    firmware=firmware(4, 0, 55, "R"),
    device_class=1,
    sleeps=True,
    online_table={**PV_ONLINE, **keys.NO_ETHERNET, **keys.WIFI},
    parameter_table={
        **parameters.rating(RATED["sb-3.6"], 1, (9401, 9402, 9403, 9404, 9405)),
        **parameters.power_limits(RATED["sb-3.6"]),
        **PV_PARAMETERS,
    },
)
TRIPOWER_10 = Model(
    name="stp-10",
    product="STP10.0-3AV-40",
    susyid=0x017A,
    type_tag=9348,
    firmware=firmware(3, 11, 11, "R"),
    device_class=1,
    sleeps=True,
    online_table={
        **PV_ONLINE,
        **keys.CONTROLLED,
        **keys.TEMPERATURE,
        **keys.ETHERNET,
        **keys.NO_WIFI,
    },
    parameter_table={
        **parameters.rating(RATED["stp-10"], 1, (9344, 9345, 9346, 9347, 9348, 9366)),
        **parameters.power_limits(RATED["stp-10"]),
        **PV_PARAMETERS,
    },
)
TRIPOWER_10_SE = Model(
    name="stp-10-se",
    product="STP10.0-3SE-40",
    susyid=0x01B8,
    type_tag=19_051,
    firmware=firmware(3, 5, 29, "R"),
    device_class=9,
    classes={"6380": 1, "6800_000EA900": 188},
    online_table={
        **STORAGE_ONLINE,
        "6100_00665900": Fixed(0),  # hybrids always answer 0
        "6100_00467700": Fixed(NO_CHANNEL),
        "6100_00467800": Fixed(NO_CHANNEL),
        "6100_00467900": Fixed(NO_CHANNEL),
        **fixed({"6100_40574600": 0, "6100_40574700": 0, "6100_40574800": 0}),
        **keys.PV,
        **keys.STORAGE_OF_HYBRID,
        **keys.HYBRID_FOR_INSTALLER,
        **keys.DUPLEX,
        "6100_00418000": Fixed(0),
        "6180_084ABD00": Fixed(Tags((3326,))),
        "6400_00462E00": Fixed(NO_CHANNEL),
    },
    parameter_table={
        "6800_000EA900": Fixed(NO_CHANNEL),
        **parameters.rating(RATED["stp-10-se"], 9, (19_048, 19_049, 19_050, 19_051)),
        **parameters.power_limits(RATED["stp-10-se"]),
        **STORAGE_PARAMETERS,
        **parameters.WIFI,
    },
    logged_table=STORAGE_LOGS,
)
SUNNY_BOY_STORAGE_37 = Model(
    name="sbs-3.7",
    product="SBS3.7-10",
    susyid=0x0156,
    type_tag=9356,
    firmware=firmware(3, 12, 33, "R"),
    device_class=7,
    online_table={
        **STORAGE_ONLINE,
        **keys.POWER_FACTOR,
        **keys.METER_LINES,
        **keys.INSULATION,
        **keys.TEMPERATURE,
        **keys.STORAGE,
        **keys.PACKS,
        **keys.BACKUP_POWER,
        **keys.TIMES,
        **keys.EVENTS_FOR_INSTALLER,
        "6180_08465A00": Computed("inverter.excitation"),
    },
    parameter_table={
        **parameters.rating(RATED["sbs-3.7"], 7, (9356, 9358, 9359)),
        **parameters.power_limits(RATED["sbs-3.7"]),
        **STORAGE_PARAMETERS,
    },
    logged_table=STORAGE_LOGS,
)
ENERGY_METER_20 = Model(
    name="emeter-20",
    product="EMETER-20",
    susyid=0x015D,
    type_tag=9327,
    firmware=firmware(2, 3, 4, "R"),
    device_class=METER_CLASS,
    online_table={
        **keys.METER,
        **keys.METER_MORE,
        **keys.ETHERNET,
        **keys.WEBCONNECT,
        **fixed(
            {
                "6180_08214800": OK,
                "6180_08412900": keys.NONE,
                "6180_08414900": keys.NONE,
                "6180_08414A00": keys.NONE,
            }
        ),
    },
    parameter_table={
        **without(parameters.rating(0, METER_CLASS, (9327,)), "6800_00832A00"),
        **BASIC_PARAMETERS,
    },
)

MODELS: Mapping[str, Model] = MappingProxyType(
    {
        model.name: model
        for model in (
            SUNNY_BOY_15,
            SUNNY_BOY_36,
            TRIPOWER_10,
            TRIPOWER_10_SE,
            SUNNY_BOY_STORAGE_37,
            ENERGY_METER_20,
        )
    }
)
