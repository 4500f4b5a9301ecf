"""PySMA's sensors, each under its name (`definitions.grid_power`), and all those that PySMA does not know.

Made of SMA's object table, which never changes: each access makes a new `Sensor`, so nobody changes
what others see. Of DC inputs and battery packs the first three are here, as in PySMA; of optimizers
one that stands for all.
"""

from collections.abc import Iterator, Mapping

from ..sma.objects import OBJECTS, Object
from ..sma.sensors import SENSORS as _DEFINITIONS
from ..sma.sensors import Kind, expanded
from .sensor import Sensor

#: What PySMA reads by default. `SMA.read` does the same: all others are disabled until somebody
#: enables them.
ENABLED = frozenset(
    {
        *("status", "grid_power", "current_total", "total_yield", "daily_yield", "pv_gen_meter"),
        *("pv_power_a", "pv_power_b", "pv_current_a", "pv_current_b"),
        *("metering_power_supplied", "metering_power_absorbed", "metering_frequency"),
        *("metering_total_yield", "metering_total_absorbed"),
        *(f"metering_current_{phase}" for phase in ("l1", "l2", "l3")),
        *(f"metering_active_power_feed_{phase}" for phase in ("l1", "l2", "l3")),
        *(f"metering_active_power_draw_{phase}" for phase in ("l1", "l2", "l3")),
        *("battery_soc_total", "battery_capacity_total", "battery_status_operating_mode"),
        *("battery_charge_total", "battery_discharge_total"),
        *("battery_power_charge_total", "battery_power_discharge_total"),
        *(f"battery_current_{letter}" for letter in "abc"),
        *(f"battery_temp_{letter}" for letter in "abc"),
        *("optimizer_serial", "optimizer_power", "energy_meter"),
        *("inverter_power_limit", "inverter_temp", "transformer_temp"),
        *("serial_number", "device_name", "device_type", "device_manufacturer"),
        "device_sw_version",
    }
)


def _places(each: Object) -> Iterator[tuple[str, str]]:
    """Yield name and key of the sensors that the library makes of an object."""
    base, is_array, part = (each.name or each.sensor).partition("_{")
    if not is_array or part in {"optimizer}", "gateway}"}:
        yield base, each.key
    else:
        yield from (
            (f"{base}_{letter}", f"{each.key}_{index}") for index, letter in enumerate("abc")
        )


def _sensor(each: Object, name: str, key: str) -> Sensor:
    definition = _DEFINITIONS[expanded(each.sensor)[0]]
    says_words = definition.kind in {Kind.STATES, Kind.CHOICE} or definition.tag_numbers is not None
    return Sensor(
        key,
        name,
        unit=each.unit or None,
        factor=each.factor if each.factor != 1 else None,
        enabled=name in ENABLED,
        l10n_translate=says_words,
    )


class _Sensors(Mapping[str, Sensor]):
    """Sensors by name, a new one each time."""

    def __init__(self) -> None:
        self._places = {name: (each, name, key) for each in OBJECTS for name, key in _places(each)}

    def __getitem__(self, name: str) -> Sensor:
        return _sensor(*self._places[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


SENSORS: Mapping[str, Sensor] = _Sensors()


def __getattr__(name: str) -> Sensor:
    try:
        return SENSORS[name]
    except KeyError:
        raise AttributeError(f"no sensor {name!r}") from None


def __dir__() -> list[str]:
    return ["ENABLED", "SENSORS", *SENSORS]
