"""Which sensors a device has, judged by what it answers, never by its model."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..sma import limits
from . import definitions
from .decode import decode
from .sensor import Sensor, Sensors
from .values import elements

#: What the device says of itself, as `SMA.device_info` calls it, and the sensors behind it.
IDENTITY: Mapping[str, str] = {
    "serial": "serial_number",
    "name": "device_name",
    "type": "device_type",
    "manufacturer": "device_manufacturer",
    "sw_version": "device_sw_version",
}
#: Derived by the inverter, so no sign of a meter; there only with a value, like the meters'
#: serials.
_ONLY_WITH_VALUE = {
    "metering_current_consumption",
    "metering_total_consumption",
    "energy_meter",
    "energy_meter_in_use",
}
#: What several of a kind are told apart by: DC inputs and battery packs, phases, pairs of phases.
_PART = re.compile(r"_(?:[a-z]|(?:l[123]_)?l[123])$")
#: Sensors whose elements are counted from 0 (`optimizer_power_0`), not lettered.
_NUMBERED = ("optimizer_", "gateway_")


def present(values: Mapping[str, object]) -> Sensors:
    """Return the sensors behind the raw values (key -> raw value) of a device.

    A key that the device offers counts even where it is null: at night all are. But a phase, DC
    input or battery pack that is null while its sibling has a value is not fitted; meter and
    battery count only with a value of their own, optimizers and their gateways with a value or a
    serial number.
    """
    readings = decode(values)
    has_meter = any(
        name.startswith("metering_") and name not in _ONLY_WITH_VALUE for name in readings
    )
    has_battery = any(
        name.startswith("battery_") and not isinstance(value, tuple)
        for name, value in readings.items()
    )
    fitted = {_PART.sub("", name) for name in readings if _PART.search(name)}

    def is_present(sensor: Sensor) -> bool:
        name = sensor.name
        if sensor.key_idx >= len(elements(values.get(sensor.key))):
            return False
        if name in _ONLY_WITH_VALUE:
            return name in readings
        if name.startswith("metering_"):
            return has_meter
        if name.startswith("battery_") and not has_battery:
            return False
        return name in readings or not (_PART.search(name) and _PART.sub("", name) in fitted)

    return Sensors(
        [
            *(
                sensor
                for sensor in definitions.SENSORS.values()
                if sensor.name not in IDENTITY.values()
                and not sensor.name.startswith(_NUMBERED)
                and is_present(sensor)
            ),
            *(sensor for kind in _NUMBERED for sensor in _numbered(kind, readings)),
        ]
    )


def _numbered(kind: str, readings: Mapping[str, object]) -> Iterator[Sensor]:
    templates = [sensor for name, sensor in definitions.SENSORS.items() if name.startswith(kind)]
    for index in range(limits.ELEMENTS):
        if any(f"{template.name}_{index}" in readings for template in templates):
            for template in templates:
                yield replace(
                    template, key=f"{template.key}_{index}", name=f"{template.name}_{index}"
                )
