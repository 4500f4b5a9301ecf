"""Values that do not go together.

These look at what was written, not at the model, so that they are found beside every other error.
Their sentences never repeat a value: what stands in the wrong place may be a password.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from .model import UNITS
from .protocol_keys import ProtocolTable
from .reader import Place, Raw, ValidationError, ValidationErrors
from .values import SENSOR_TYPES, labels, metric, url


def tls_conflicts(tls: Raw) -> Iterator[ValidationError]:
    """Find checks that a fingerprint replaces."""
    if "fingerprint" not in tls:
        return
    sentence = "has no effect beside `tls.fingerprint`, which replaces this check; keep one of them"
    if tls.get("verify") is False:
        yield ValidationError(sentence, "verify")
    if "ca_file" in tls:
        yield ValidationError(sentence, "ca_file")


def device_conflicts(
    device: Raw, known: Collection[str], with_password: Collection[str] = ()
) -> Iterator[ValidationError]:
    """Find two passwords, what needs one and has none, and certificates without TLS.

    `known`: the keys that the device may have; `with_password`: those that mean nothing without a password.
    """
    if "password" in device and "password_file" in device:
        yield ValidationError("stands beside `password`; keep one of them", "password_file")
    serial_number = device.get("serial")
    checked = isinstance(serial_number, str) and serial_number.isdecimal()
    has_password = bool({"password", "password_file"} & device.keys())
    if checked and "password" in known and not has_password:
        sentence = "cannot be checked without a password: the public dashboard does not tell it"
        yield ValidationError(sentence, "serial")
    if (key := next((key for key in with_password if key in device), None)) and not has_password:
        sentence = "needs a password beside it; add `password_file`"
        yield ValidationError(sentence, key)
    address = device.get("url")
    if device.get("tls") and isinstance(address, str) and address.lower().startswith("http://"):
        yield ValidationError(
            "needs https, but `url` begins with http://; change one of them "
            "(in a file, `tls: {}` undoes what `defaults` say)",
            "tls",
        )


# Endings with a meaning of their own in the exposition formats.
_NOT_FOR_GAUGES = ("_total", "_created", "_count", "_sum", "_bucket", "_info")

#: Devices send numbers of 64 bits at most.
_LARGEST_RAW = 2.0**64


def _is_finite(scale: float, unit: object) -> bool:
    factor = UNITS[unit][1] if isinstance(unit, str) and unit in UNITS else 1
    try:
        number = float(scale)
    except OverflowError:
        return True  # reported where it is read
    return not math.isfinite(number) or math.isfinite(number * factor * _LARGEST_RAW)


def sensor_conflicts(sensor: Raw) -> Iterator[ValidationError]:
    """Find a metric whose name does not say its unit and type."""
    name, unit_name, kind = sensor.get("metric"), sensor.get("unit"), sensor.get("type")
    factor = sensor.get("scale")
    if kind == "counter" and isinstance(factor, int | float) and factor < 0:
        yield ValidationError("must be above 0, because a counter never falls", "scale")
    if isinstance(factor, int | float) and not _is_finite(factor, unit_name):
        yield ValidationError("is so large that a value of the device would be infinite", "scale")
    if not isinstance(name, str) or kind not in SENSOR_TYPES or unit_name not in [*UNITS]:
        return  # reported where each of them is read
    base, _ = UNITS[unit_name]
    ending = "".join(f"_{word}" for word in (base, "total" if kind == "counter" else "") if word)
    if not name.endswith(ending):
        yield ValidationError(f'must end in {ending}, for a {kind} in "{unit_name}"', "metric")
    elif kind == "gauge" and name.endswith(_NOT_FOR_GAUGES):
        yield ValidationError(
            f"must not end in {', '.join(_NOT_FOR_GAUGES)}, as it is a gauge", "metric"
        )


def file_conflicts(file: Raw, protocols: ProtocolTable) -> Iterator[ValidationError]:
    """Find a name, address or series that is there twice, and a metric with two meanings."""
    devices = file.get("devices")
    if not isinstance(devices, list):
        return
    if not devices:
        yield ValidationError("must hold at least one device", "devices")
    rows: list[tuple[int, Raw]] = [
        (place, row) for place, row in enumerate(devices) if isinstance(row, dict)
    ]
    yield from _twice((place, "name", row.get("name"), "") for place, row in rows)
    yield from _twice((place, *_identity(row, protocols)) for place, row in rows)
    yield from _metric_conflicts(rows)


def _twice(found: Iterable[tuple[int, str, object, str]]) -> Iterator[ValidationError]:
    """Find what two devices have in common.

    Each comes with its place, the key to blame, what must differ, and a key that it lacks and that
    could make the difference ("" for none).
    """
    first: dict[object, int] = {}
    for place, key, value, lacks in found:
        if not isinstance(value, str | tuple):
            continue
        if value in first:
            sentence = f"is the same as that of devices[{first[value]}]; each device needs its own"
            if lacks:
                sentence += f", or where several are behind one address a `{lacks}`"
            yield ValidationError(sentence, "devices", place, key)
        first.setdefault(value, place)


def equal_serials(serials: Sequence[str | None]) -> Iterator[ValidationError]:
    """Find a device that is there under two names."""
    for place, number in enumerate(serials):
        first = serials.index(number)
        if number is not None and first != place:
            yield ValidationError(
                f"is the same as that of devices[{first}]: "
                "one device under two names counts twice in sums and takes two sessions",
                "devices",
                place,
                "serial",
            )


def _identity(device: Raw, protocols: ProtocolTable) -> tuple[str, object, str]:
    """Return what `_twice` needs of the values that no two devices may have in common.

    None for what is reported where it is read.
    """
    name = device.get("protocol", next(iter(protocols)))
    keys = protocols.get(name) if isinstance(name, str) else None
    if keys is None:
        return "protocol", None, ""
    given = [key for key in keys.unique if key in device]
    try:
        values = [_address(device) if key == "url" else str(device[key]) for key in given]
    except ValidationError:
        return given[-1], None, ""
    lacks = next((key for key in keys.unique if key not in device), "")
    return (given[-1], tuple(values), lacks) if given else ("name", None, "")


def _address(device: Raw) -> object:
    address = url(device.get("url"))
    if device.get("tls") and not address.scheme:
        address = replace(address, scheme="https")
    return address.identity


def _metric_conflicts(devices: list[tuple[int, Raw]]) -> Iterator[ValidationError]:
    first: dict[str, tuple[Place, object]] = {}
    series: set[tuple[object, ...]] = set()
    for where, name, meaning, pairs in _metrics(devices):
        # OpenMetrics names a counter's family without _total, so the two share one family.
        family = name.removesuffix("_total")
        (_, device, _, row, _), agreed = first.setdefault(family, (where, meaning))
        if meaning != agreed:
            yield ValidationError(
                f"is in devices[{device}].sensors[{row}] with another `type`, `help` or other "
                "label names; make them equal or choose another name",
                *where,
            )
        elif (where[:2], family, pairs) in series:
            yield ValidationError(
                "has the same labels twice on one device; give each its own", *where
            )
        series.add((where[:2], family, pairs))


def _metrics(
    devices: list[tuple[int, Raw]],
) -> Iterator[tuple[Place, str, object, frozenset[tuple[str, str]]]]:
    """Each sound row of `sensors`: where it is, its metric, what must agree, and its labels."""
    for device_place, device in devices:
        rows = device.get("sensors")
        for place, row in enumerate(rows if isinstance(rows, list) else ()):
            if not isinstance(row, dict):
                continue
            try:
                name, pairs = metric(row.get("metric")), labels(row.get("labels", {}))
            except (ValidationError, ValidationErrors):
                continue  # reported where the row itself is read
            where = ("devices", device_place, "sensors", place, "metric")
            meaning = (row.get("type"), row.get("help"), frozenset(pairs))
            yield where, name, meaning, frozenset(pairs.items())
