"""Values in the protocol's two shapes: flat in the oldest firmware, by device class in newer."""

from ..measurement import Tags
from ..quantities import Quantities
from .keys import Allowed, Computed, Fixed, Row, Value

ASLEEP_GROUPS = ("6100", "6102", "6380")  # whose numbers are null while a PV inverter sleeps


def resolve(row: Row, quantities: Quantities) -> Value | list[Value]:
    """Return the value in base units, a list for an array."""
    if isinstance(row, Fixed):
        value = row.value
        return list(value) if isinstance(value, tuple) and not isinstance(value, Tags) else value
    found: Value | list[Value] = quantities.value(row.quantity)
    if row.index is not None:
        return found[row.index] if isinstance(found, list) else None
    if row.slots:
        fitted = found if isinstance(found, list) else [found]
        return [*fitted, *[row.empty] * (row.slots - len(fitted))]
    return found


def raw(value: Value, row: Row) -> object:
    """One value as it stands under `val`: in whole device units, as text, as tags or null."""
    if isinstance(value, Tags):
        return [{"tag": tag} for tag in value]
    if value is None or isinstance(value, str):
        return value
    return round(value * row.per_unit) if isinstance(row, Computed) else value


def asleep_value(key: str, row: Row, value: Value) -> Value:
    """Return a value as it is while its device sleeps."""
    if isinstance(value, Tags):
        return row.asleep or value
    return None if key[:4] in ASLEEP_GROUPS and not isinstance(value, str) else value


def allowed(row: Allowed, low: str, high: str) -> dict[str, object]:
    """Return the members beside `val`."""
    if row.limits is not None:
        return {low: row.limits[0], high: row.limits[1]}
    return {"validVals": list(row.valid)} if row.valid else {}


def raw_values(
    key: str, row: Row, quantities: Quantities, *, asleep: bool
) -> tuple[list[object], bool]:
    """Return what stands under `val`, for each element, and whether they are an array."""
    found = resolve(row, quantities)
    values = found if isinstance(found, list) else [found]
    if asleep:
        values = [asleep_value(key, row, value) for value in values]
    return [raw(value, row) for value in values], isinstance(found, list)


def encode(
    key: str, row: Row, quantities: Quantities, *, asleep: bool, device_class: str
) -> object:
    """Return the whole value of a key; the old shape has no device class."""
    members, several = raw_values(key, row, quantities, asleep=asleep)
    if device_class:
        limits = allowed(row, "low", "high")
        return {device_class: [{**limits, "val": member} for member in members]}
    limits = allowed(row, "min", "max")
    if several:
        return [{"str": n, "val": member, **limits} for n, member in enumerate(members, 1)]
    return {"val": members[0], **limits}
