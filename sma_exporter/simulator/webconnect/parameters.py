"""The parameters of the models, in blocks.

The group 6802 is for the installer. Values of the network and of passwords are invented or empty.
"""

from collections.abc import Mapping

from ..localtime import TIME_ZONE
from ..measurement import OFF, Tags
from .keys import NONE, OPTIMIZER_SLOTS, Computed, Fixed, Range, Table, fixed

YES, NO, ON = 1129, 1130, 308
NO_LIMIT = 4_294_967_294
TIME_ZONES = (302, *range(9500, 9599))
METER_TYPES = (302, 9327, 9375, 9376, 9437, 19_043)
COUNTRY_STANDARDS = (27, 438, 7510, 7517, 7523, 7527, 7532, 7533, 7536, 7584, 16_777_213)


def switches(**keys: int) -> Table:
    """Yes or no, by key (an underscore first, as names cannot begin with a digit)."""
    return {key[1:]: Fixed(Tags((tag,)), valid=(YES, NO)) for key, tag in keys.items()}


def modes(values: Mapping[str, tuple[int, tuple[int, ...]]]) -> Table:
    """Return a tag and those that may be chosen, by key."""
    return {key: Fixed(Tags((tag,)), valid=valid) for key, (tag, valid) in values.items()}


def ranges(values: Mapping[str, tuple[float | None, Range]]) -> Table:
    """Return a number and its range, by key."""
    return {key: Fixed(value, limits=limits) for key, (value, limits) in values.items()}


def rating(watts: float, device_class: int, types: tuple[int, ...]) -> Table:
    """Type label and rated power."""
    return {
        "6800_08811F00": Fixed(Tags((YES,)), valid=(YES, NO)),
        "6800_10821E00": Computed("label.name"),
        "6800_08821F00": Fixed(Tags((8000 + device_class,)), valid=(8000 + device_class,)),
        "6800_08822000": Computed("label.type", valid=types),
        "6800_08822B00": Fixed(Tags((461,)), valid=(461,)),
        "6800_00823400": Computed("label.firmware", limits=(0, NO_LIMIT)),
        "6800_00832A00": Fixed(watts, limits=(watts, watts)),
        "6800_00A21E00": Computed("label.serial", limits=(0, NO_LIMIT)),
    }


def power_limits(watts: float) -> Table:
    """Power limits of the device and of the grid connection, all set to the rated power."""
    return ranges(
        {
            "6800_00852A00": (watts, (0, 50_000)),
            "6800_00922500": (watts, (0, watts)),
            "6800_00922600": (10_000, (0, 10_000)),
            "6800_0092D700": (watts, (0, 500_000)),
            "6800_0092D800": (100, (0, 100)),
            "6802_00832B00": (watts, (0, watts)),
            "6802_00832E00": (watts, (0, watts)),
            "6802_00832F00": (watts, (watts, watts)),
            "6802_00924200": (watts, (0, watts)),
            "6802_00924300": (100, (0, 100)),
        }
    )


PASSWORDS: Table = fixed({"6800_10841E00": "", "6802_10841F00": ""})

METERING: Table = {
    "6800_088A2900": Computed("label.meter_types", valid=METER_TYPES),
    "6800_008AA200": Computed("label.meter_serial", limits=(0, None)),
    "6800_008AA300": Computed("label.usable_meters", limits=(0, None)),
}

CLOCK: Table = {
    "6800_08838D00": Fixed(Tags((TIME_ZONE,)), valid=TIME_ZONES),
    "6800_10838F00": Fixed("ntp.sunny-portal.com"),
    **switches(_6800_08838B00=YES, _6800_08838C00=NO, _6800_08839500=YES),
}

DEVICE: Table = {
    **switches(_6800_08836E00=YES, _6800_08855C00=YES, _6800_088A3300=YES, _6800_088B5200=YES),
    **modes(
        {
            "6800_08822800": (302, (302, YES, NO)),
            "6800_08837800": (778, tuple(range(777, 787))),
            "6800_08871E00": (7533, COUNTRY_STANDARDS),
            "6800_0892D600": (303, (303, 2137, 2138)),
            "6802_08834500": (303, (303, 1439)),
            "6802_08861E00": (325, (325, 327, 329)),
        }
    ),
    **ranges(
        {
            "6800_00822500": (9000, (0, NO_LIMIT)),
            "6800_008B2E00": (17_105_412, (0, None)),
            "6800_00912100": (16_859_652, (0, NO_LIMIT)),
            "6800_00A63500": (0, (0, 4_000_000)),
            "6800_40A63A00": (0, (-4_000_000, 4_000_000)),
            "6800_40A63B00": (0, (-4_000_000, 4_000_000)),
            "6800_0086A300": (0, (0, 4_000_000)),
        }
    ),
    "6800_08836F00": Fixed(Tags(), valid=(1146,)),
    "6800_08839700": Fixed(Tags(), valid=(1146,)),
    "6800_088E7B00": Fixed(Tags((2109, 3174, 3237)), valid=(2109, 3174, 3237, 3312)),
}

OPERATION_OF_PV: Table = modes(
    {
        "6800_08831E00": (295, (295, 381, 443, 1855)),
        "6800_08834300": (303, (303, ON)),
    }
)
# The voltage at which a DC input starts to feed in, and the one without MPP tracking. One element an input.
ONE_DC_INPUT: Table = {
    "6322_00851E00": Fixed((8000,), limits=(6000, 55_000)),
    "6322_00851F00": Fixed((2,), limits=(0, 10)),
    "6322_00854D00": Fixed((36_000,), limits=(6000, 55_000)),
}
OPERATION_OF_STORAGE: Table = {
    **modes(
        {
            "6800_08831E00": (1467, (381, 1467)),
            "6800_08893B00": (1785, (1785,)),
            "6800_08895A00": (5277, (5277, 5278)),
            "6800_0892AE00": (303, (303, 582)),
            "6800_0883AA00": (303, (303, 1341, 1342, 5304)),
            "6800_0883AE00": (303, (303, ON)),
        }
    ),
    **ranges({"6800_00893700": (0, (0, None)), "6800_40833700": (0, (0, 100))}),
}
BATTERY: Table = {"6800_00894800": Computed("label.battery_capacity", limits=(0, 100_000))}

NETWORK: Table = {
    **switches(
        _6800_088A4C00=YES,
        _6800_088A4D00=NO,
        _6800_088A5200=YES,
        _6800_088A8A00=YES,
        _6800_088B1E00=NO,
        _6800_088B7000=NO,
        _6800_088B7200=NO,
    ),
    "6800_088A5100": Fixed(Tags(), valid=(1146,)),
    "6800_088AA500": Fixed(Tags(), valid=(1146,)),
    **fixed(
        {
            "6800_108A5300": "192.0.2.10",
            "6800_108A5400": "255.255.255.0",
            "6800_108A5500": "192.0.2.1",
            "6800_108A5600": "192.0.2.1",
            "6800_108A2B00": "",
            "6800_108A3200": "",
            "6800_108B2000": "255.255.255.255",
            "6800_108B2100": "",
            "6800_108B2200": "",
            "6800_10A22F00": "02:00:5E:10:00:01",
            "6800_10A23000": "02:00:5E:10:00:02",
            "6800_10AA6100": "192.0.2.170",
            "6800_10AA6200": "255.255.255.0",
            "6800_10AA6300": "192.0.2.1",
            "6800_10AA6400": "192.0.2.1",
        }
    ),
    **ranges(
        {
            "6800_008A2A00": (100, (5, 1500)),
            "6800_008B1F00": (80, (1, 65_535)),
            "6800_008B7100": (502, (1, 65_535)),
            "6800_008B7300": (502, (1, 65_535)),
            "6800_008B7400": (3, (3, 123)),
        }
    ),
}
WIFI: Table = {
    **fixed({"6800_108A5900": "", "6800_108A5A00": "", "6800_108AA400": ("", "", "")}),
    **modes({"6800_088A5B00": (3324, (3323, 3324)), "6800_088A7700": (4330, (4330, 4331, 4332))}),
}

OPTIMIZERS: Table = {
    **fixed(
        {
            "6800_10852100": "",
            "6800_10852400": ("", "", "", ""),
            "6800_10852500": ("",) * OPTIMIZER_SLOTS,
            "6800_10852900": ("",) * OPTIMIZER_SLOTS,
            "6800_10853200": ("", "", "", ""),
        }
    ),
    "6800_10852600": Computed("label.optimizer_serials", slots=OPTIMIZER_SLOTS, empty=""),
    "6800_40852200": Fixed(-1, limits=(-1, 2_147_483_647)),
    "6800_00852300": Fixed(None, limits=(0, None)),
    "6800_08852700": Fixed((NONE,) * OPTIMIZER_SLOTS, valid=(302, 4070, 4071)),
    "6800_08852800": Fixed((NONE,) * OPTIMIZER_SLOTS, valid=(302, *range(9368, 9375))),
    "6800_08852C00": Fixed(OFF, valid=(303, ON, 4127)),
    "6800_00852E00": Fixed((0,) * OPTIMIZER_SLOTS, limits=(0, 60)),
    "6800_00853400": Fixed(0, limits=(0, 3)),
}

GRID_MONITORING: Table = {
    **ranges(
        {
            "6802_00864000": (100, (0, 500)),
            "6802_00864100": (200, (0, 500)),
            "6802_00872A00": (20_000, (20_000, 3_000_000)),
            "6802_00873700": (300_000, (0, 1_600_000)),
            "6802_00874D00": (230, (100, 280)),
            "6802_00875200": (26_450, (10_000, 28_000)),
            "6802_00875400": (19_550, (4500, 23_000)),
            "6802_00877F00": (5000, (4400, 6500)),
            "6802_00878400": (5150, (5000, 6500)),
            "6802_00878600": (4750, (4400, 6000)),
            "6802_00921E00": (20, (1, 1000)),
            "6802_00926D00": (50, (0, 100)),
        }
    ),
    **modes({"6802_08922900": (1074, (303, 1069, 1070, 1072, 1074, 1075, 1076, 2270))}),
}
