"""Values in the protocol's two shapes: flat in the oldest firmware, by device class since."""

from .keys import Allowed, Fixed, Reading, Source, Value
from .measurement import Tags
from .sources import Sources

ASLEEP_GROUPS = ("6100", "6102", "6380")  # whose numbers are null while a PV inverter sleeps


def resolve(source: Source, sources: Sources) -> Value | list[Value]:
    """Return the value in base units, a list for an array."""
    if isinstance(source, Fixed):
        value = source.value
        return list(value) if isinstance(value, tuple) and not isinstance(value, Tags) else value
    found: Value | list[Value] = sources.value(source.quantity)
    if source.index is not None:
        return found[source.index] if isinstance(found, list) else None
    if source.slots:
        fitted = found if isinstance(found, list) else [found]
        return [*fitted, *[source.empty] * (source.slots - len(fitted))]
    return found


def raw(value: Value, source: Source) -> object:
    """One value as it stands under `val`: in whole device units, as text, as tags or null."""
    if isinstance(value, Tags):
        return [{"tag": tag} for tag in value]
    if value is None or isinstance(value, str):
        return value
    return round(value * source.per_unit) if isinstance(source, Reading) else value


def rested(key: str, source: Source, value: Value) -> Value:
    """Return what becomes of a value while its device sleeps."""
    if isinstance(value, Tags):
        return source.asleep or value
    return None if key[:4] in ASLEEP_GROUPS and not isinstance(value, str) else value


def allowed(source: Allowed, low: str, high: str) -> dict[str, object]:
    """Return the members beside `val`."""
    if source.limits is not None:
        return {low: source.limits[0], high: source.limits[1]}
    return {"validVals": list(source.valid)} if source.valid else {}


def raw_values(
    key: str, source: Source, sources: Sources, *, asleep: bool
) -> tuple[list[object], bool]:
    """Return what stands under `val`, for each element, and whether these form an array."""
    found = resolve(source, sources)
    values = found if isinstance(found, list) else [found]
    if asleep:
        values = [rested(key, source, value) for value in values]
    return [raw(value, source) for value in values], isinstance(found, list)


def encode(
    key: str, source: Source, sources: Sources, *, asleep: bool, device_class: str
) -> object:
    """Return the whole value of a key; the old shape knows no device class."""
    members, several = raw_values(key, source, sources, asleep=asleep)
    if device_class:
        limits = allowed(source, "low", "high")
        return {device_class: [{**limits, "val": member} for member in members]}
    limits = allowed(source, "min", "max")
    if several:
        return [{"str": n, "val": member, **limits} for n, member in enumerate(members, 1)]
    return {"val": members[0], **limits}
