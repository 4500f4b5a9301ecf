"""Channels and parameters as they stand in replies."""

import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ..localtime import local_day, midnight
from ..measurement import NOT_AVAILABLE, Tags
from . import channels
from .channels import Computed, Fixed, Row, Value
from .parameters import Parameter
from .switches import EnnexosQuantities, Switches, View
from .tokens import ROLES

NAN = "NaN"
BOOT_EVERY, BOOT_AT = 30, 2 * 3600  # days; seconds after midnight
MORNING = 4.5 * 3600


@dataclass(frozen=True)
class Clock:
    """How a model writes times. `spread`: seconds by which its measurements lie apart."""

    milliseconds: bool = True
    spread: float = 0.0

    def text(self, time: float) -> str:
        """ISO 8601 in UTC."""
        moment = datetime.fromtimestamp(math.floor(time * 1000) / 1000, UTC)
        if not self.milliseconds:
            return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def jitter(channel: str, span: float) -> float:
    """Return seconds from 0 to `span`, always the same for a channel."""
    return span * (zlib.crc32(channel.encode()) % 1000) / 1000


def boot(now: float) -> float:
    """Return when the device last started: at night, every thirty days."""
    day = local_day(now - BOOT_AT - 60)
    return midnight(day - day % BOOT_EVERY) + BOOT_AT


def morning(now: float) -> float:
    """Return when the day's operation began."""
    return midnight(local_day(now - MORNING - 60)) + MORNING


def time_of(channel: str, row: Row, quantities: EnnexosQuantities, clock: Clock) -> float:
    """Return the Unix time that a channel's entry bears."""
    now = quantities.time
    match row.time:
        case "now":
            return now - jitter(channel, clock.spread)
        case "boot":
            return boot(now) + jitter(channel, 45)
        case "morning":
            return morning(now) + jitter(channel, 0.01)
        case "1970":
            return 0.973
    return float(quantities.value(row.time))


def number(value: float, step: float | None) -> float:
    """Return a number as devices send it: integers and floats mixed, and the rounding errors."""
    if step is None:
        return value
    if step == 0:
        single: float = struct.unpack("f", struct.pack("f", value))[0]
        return int(single) if single.is_integer() else single
    multiple = round(value / step) * step
    return int(multiple) if float(multiple).is_integer() else multiple


def raw(value: Value, step: float | None) -> float | str | None:
    """One value as it stands under `value` or in `values`."""
    if isinstance(value, Tags):
        return 16_777_213.0 if value == NOT_AVAILABLE else next(iter(value), None)
    return number(value, step) if isinstance(value, int | float) else value


def counted(row: Computed, quantities: EnnexosQuantities, switches: Switches) -> object:
    """Return a quantity; of a counter what it counted since its start."""
    found = quantities.value(row.quantity)
    start = max(row.start, switches.counters_from)
    if not row.counter or not start or found is None:
        return found
    begin = replace(quantities, time=min(start, quantities.time)).value(row.quantity)
    if isinstance(found, list):
        return [end - first for end, first in zip(found, begin, strict=True)]
    return found - begin


def resolve(row: Row, quantities: EnnexosQuantities, switches: Switches) -> Value | list[Value]:
    """Return a row's value, a list for an array; None if the device has no such channel."""
    if isinstance(row, Fixed):
        value = row.value
        return list(value) if isinstance(value, tuple) and not isinstance(value, Tags) else value
    unit = quantities.site.unit
    if row.quantity.startswith("storage.") and not (unit and unit.battery):
        return None
    found: Value | list[Value] = counted(row, quantities, switches)  # type: ignore[assignment]
    if row.index is not None:
        return found[row.index] if isinstance(found, list) else found
    if row.slots and isinstance(found, list):
        free = NAN if switches.firmware == "new" and not row.counter else 0.0
        return [*found, *[free] * (row.slots - len(found))]
    return found


@dataclass(frozen=True)
class Night:
    """Whether the modules are dark, and whether the device sleeps: one with a battery does not."""

    dark: bool
    asleep: bool
    old: bool

    def silent(self, row: Row) -> bool:
        """Whether a number is not there."""
        return row.night == "nothing" and (self.asleep if self.old else self.dark)


def night_of(quantities: EnnexosQuantities, switches: Switches) -> Night:
    """Return what the sun makes of the device."""
    unit = quantities.site.unit
    asleep = quantities.dark and not (unit and unit.battery)
    return Night(quantities.dark, asleep, switches.firmware == "old")


def visible(row: Row | Parameter, role: str) -> bool:
    """Whether a role may see it."""
    return ROLES.index(row.role) <= ROLES.index(role)


def sent(row: Row, view: View, night: Night) -> bool:
    """Whether the device sends a channel now."""
    if not visible(row, view.role) or (row.wifi and not view.switches.wifi):
        return False
    return not night.old or not (row.added or (row.night == "gone" and night.asleep))


def entry(channel: str, component: str, members: list[dict[str, object]]) -> dict[str, object]:
    """Return what a reply has of a channel."""
    return {"channelId": channel, "componentId": component, "values": members}


def members(row: Row, value: Value | list[Value], night: Night) -> dict[str, object] | None:
    """Return what stands beside the time; None if the channel is left out."""
    silent = night.silent(row)
    if night.asleep and row.asleep is not None:
        value = row.asleep
    step = row.step if isinstance(row, Computed) else None
    if isinstance(value, list):
        if silent and night.old:
            return None
        return {"values": [NAN if silent else raw(each, step) for each in value]}
    if silent:
        return {} if night.old else {"value": NAN}
    sent_value = raw(value, step)
    return {} if sent_value is None else {"value": sent_value}


def live(
    table: channels.Table, component: str, quantities: EnnexosQuantities, view: View, clock: Clock
) -> list[dict[str, object]]:
    """Return all channels of a component."""
    night = night_of(quantities, view.switches)
    entries = []
    for channel, row in table.items():
        if not sent(row, view, night):
            continue
        if isinstance(row, Fixed) and not row.listed:
            entries.append(entry(channel, component, []))
            continue
        value = resolve(row, quantities, view.switches)
        if value is None and isinstance(row, Computed):
            continue
        several = channel.endswith("[]") and not isinstance(value, list)
        content = members(row, [value] if several else value, night)  # type: ignore[list-item]
        if content is not None:
            time = clock.text(time_of(channel, row, quantities, clock))
            entries.append(entry(channel, component, [{"time": time, **content}]))
    return entries


def text_of(row: Parameter, quantities: EnnexosQuantities) -> str | list[str] | None:
    """Return the text of a parameter; None without a value."""
    if not row.quantity:
        return list(row.value) if isinstance(row.value, tuple) else row.value
    found = quantities.value(row.quantity)
    if isinstance(found, Tags):
        return str(found[0])
    return f"{found:.{row.digits}f}" if isinstance(found, float) else str(found)


def parameter_values(
    table: Mapping[str, Parameter], quantities: EnnexosQuantities, view: View, clock: Clock
) -> list[dict[str, object]]:
    """Return all parameters of a component, in no order that means anything."""
    values: list[dict[str, object]] = []
    for channel in sorted(table, key=lambda name: zlib.crc32(name.encode())):
        row = table[channel]
        if not visible(row, view.role):
            continue
        member: dict[str, object] = {
            "channelId": channel,
            "editable": row.editable,
            "state": "Confirmed",
            "timestamp": clock.text(boot(quantities.time) + jitter(channel, 45)),
        }
        if row.limits:
            member |= {"min": row.limits[0], "max": row.limits[1]}
        if row.possible:
            member["possibleValues"] = list(row.possible)
        text = text_of(row, quantities)
        if text is not None:
            member["values" if isinstance(text, list) else "value"] = text
        values.append(member)
    return values
