"""Sensors, and the decoding of one raw value out of every shape that devices send.

A raw value is what stands behind a key in a reply's result, for example::

    {"1": [{"val": 2570}, {"val": 0}]}      by device class, one entry a DC input
    {"9": [{"val": [{"tag": 307}]}]}        a status: tags
    {"val": 46}                             old firmware, flat
    [{"str": 1, "val": 57}]                 old firmware, by DC input, counted from 1
"""

import copy
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

_LOGGER = logging.getLogger(__name__)

#: What SMA's number types send for "no value". WebConnect mostly turns them into null, some firmware
#: forgets to. Sixteen-bit sentinels are left alone: every number here has 32 bits or more, and 65535 Wh
#: is a reading.
NOT_A_NUMBER = frozenset(
    {
        0xFFFF_FFFF,
        -0x8000_0000,
        0x8000_0000,
        0xFFFF_FFFF_FFFF_FFFF,
        -0x8000_0000_0000_0000,
        0x8000_0000_0000_0000,
    }
)

#: Tags that say "nothing to say": "-------", "------", "----", information not available, end of list.
NOT_A_TAG = frozenset({302, 973, 16777212, 16777213, 16777214})

#: Beyond this no element of an array is believed; the largest real one has an element an optimizer.
MAX_ELEMENTS = 100

_LARGEST_NUMBER = 2.0**64


def elements(value: object, devclass: str | None = None) -> list[object]:
    """Return the `val` members of a raw value, in the order of their index.

    The class that owns the value is `devclass` if it is there, else the first one with entries:
    a hybrid answers with classes "9" and "1" in one reply, and firmware moves values between them.
    Whatever has no known shape gives an empty list.
    """
    if isinstance(value, list):
        return _by_index(value)
    if not isinstance(value, dict):
        return []
    if "val" in value:
        return [value["val"]]
    own = value.get(devclass) if devclass is not None else None
    if _is_filled(own):
        return _by_index(own)
    for entries in value.values():
        if _is_filled(entries):
            return _by_index(entries)
    return []


def _is_filled(entries: object) -> TypeGuard[list[object]]:
    return isinstance(entries, list) and len(entries) > 0


def _by_index(entries: list[object]) -> list[object]:
    """Return the `val` members by index: the entry's own ("str", from 1), else its position."""
    if len(entries) == 1 and isinstance(only := entries[0], dict) and "str" not in only:
        return [only.get("val")]  # nine of ten
    try:
        plain = [entry["val"] for entry in entries if len(entry) == 1]  # type: ignore[index,arg-type]
    except (KeyError, TypeError):
        plain = []
    if len(plain) == len(entries) <= MAX_ELEMENTS:  # nearly all others
        return plain
    values: dict[int, object] = {}
    for position, entry in enumerate(entries[:MAX_ELEMENTS]):
        if not isinstance(entry, dict):
            continue
        number = entry.get("str")
        index = number - 1 if isinstance(number, int) and number >= 1 else position
        if index < MAX_ELEMENTS:
            values[index] = entry.get("val")
    return [values.get(index) for index in range(max(values) + 1)] if values else []


def number(val: object) -> int | float | None:
    """Return a `val` as a number, None when it is no number or a not-available sentinel."""
    if type(val) is int and -0x8000_0000 < val < 0x8000_0000:
        return val
    if isinstance(val, bool) or not isinstance(val, int | float):
        return None
    if val in NOT_A_NUMBER or not abs(val) < _LARGEST_NUMBER:  # "not <" catches NaN as well
        return None
    return val


def tags(val: object) -> tuple[int, ...]:
    """Return the numbers of the active tags in a status `val`, without those that say nothing."""
    if not isinstance(val, list):
        return ()
    found = [entry.get("tag") for entry in val if isinstance(entry, dict)]
    active = [tag for tag in found if type(tag) is int and tag not in NOT_A_TAG]  # True is no tag
    return tuple(active if len(active) < 2 else dict.fromkeys(active))


@dataclass(slots=True)
class Sensor:
    """One value that a device may offer.

    `key` is SMA's object ("6380_40251E00"); a third part ("6380_40251E00_1") becomes `key_idx`, the
    element of an array. The value is the raw number divided by `factor`, in `unit`. `path` is for a
    value that lies elsewhere: a JMESPath, or several to try, applied to what stands behind the key;
    `{devclass}` and `{key_idx}` (or PySMA's bare `{}`, `{}`) are filled in. It needs the package jmespath.
    """

    key: str
    name: str
    unit: str | None = None
    factor: int | None = None
    path: str | Sequence[str] | None = None
    enabled: bool = True
    l10n_translate: bool = False
    key_idx: int = field(default=0, init=False, repr=False)
    value: object = field(default=None, init=False)

    def __post_init__(self) -> None:
        group, _, rest = self.key.partition("_")
        objekt, _, index = rest.partition("_")
        if index.isdecimal():
            self.key = f"{group}_{objekt}"
            self.key_idx = int(index)

    def extract_value(
        self,
        result_body: Mapping[str, object],
        l10n: Mapping[str, str] | None = None,
        devclass: str = "1",
    ) -> bool:
        """Take the own value out of a result; return whether it changed.

        `result_body` maps keys to raw values; `l10n` maps tag numbers, as text, to words.
        A value that the device does not have is None, for watts too: PySMA's 0 hides the difference.
        """
        before = self.value
        raw = result_body.get(self.key) if isinstance(result_body, Mapping) else None
        if raw is None:
            _LOGGER.debug("Sensor %s: no %s in the reply", self.name, self.key)
        self.value = self._presentable(self._find(raw, devclass), l10n)
        return self.value != before

    def _find(self, raw: object, devclass: str) -> object:
        if self.path is None:
            values = elements(raw, devclass)
            return values[self.key_idx] if self.key_idx < len(values) else None
        paths = [self.path] if isinstance(self.path, str) else self.path
        # Only what looks like a class: the device's word becomes part of an expression.
        theirs = filter(str.isdecimal, raw) if isinstance(raw, dict) and "val" not in raw else ()
        classes = [devclass, *theirs]
        candidates = dict.fromkeys(
            _fill(path, name, self.key_idx) for path in paths for name in classes
        )
        return _search(candidates, raw)

    def _presentable(self, val: object, l10n: Mapping[str, str] | None) -> object:
        if isinstance(val, list):
            val = next(iter(tags(val)), None)
        elif not isinstance(val, str):
            val = number(val)
            if val is not None and self.factor:
                return val / self.factor
        if self.l10n_translate and l10n is not None and isinstance(val, int):
            return None if val in NOT_A_TAG else l10n.get(str(val), val)
        return val

    def copy(self) -> "Sensor":
        """Return a sensor of the same definition and value."""
        return copy.copy(self)


def _fill(path: str, devclass: str, key_idx: int) -> str:
    """Fill a path template. Not str.format: braces mean something in JMESPath too."""
    bare = [str(key_idx)] if path.count("{}") == 1 else [devclass, str(key_idx)]
    values = iter(bare)
    path = re.sub(r"\{\}", lambda _: next(values, ""), path)
    return path.replace("{devclass}", devclass).replace("{key_idx}", str(key_idx))


def _search(paths: Iterable[str], raw: object) -> object:
    try:
        import jmespath  # noqa: PLC0415 - only for a sensor with a path
    except ImportError:
        msg = "a sensor with a path needs jmespath: pip install 'sma_exporter[path]'"
        raise ImportError(msg) from None
    for path in paths:
        try:
            value = jmespath.search(path, raw)
        except jmespath.exceptions.JMESPathTypeError:  # a function of what the device did not send
            continue
        if value is not None:
            return value
    return None


class Sensors:
    """Sensors by name and by key, in the order in which they were added."""

    def __init__(self, sensors: Sensor | Iterable[Sensor] | None = None) -> None:
        self._by_name: dict[str, Sensor] = {}
        if sensors is not None:
            self.add(sensors)

    def __len__(self) -> int:
        return len(self._by_name)

    def __iter__(self) -> Iterator[Sensor]:
        return iter(tuple(self._by_name.values()))

    def __contains__(self, key: object) -> bool:
        name = key.name if isinstance(key, Sensor) else key
        return name in self._by_name or any(sensor.key == name for sensor in self)

    def __getitem__(self, key: str) -> Sensor:
        """Return the sensor of this name, else the first of this key; KeyError if there is none."""
        if key in self._by_name:
            return self._by_name[key]
        for sensor in self:
            if sensor.key == key:
                return sensor
        raise KeyError(key)

    def __repr__(self) -> str:
        return f"Sensors({list(self)!r})"

    def add(self, sensor: Sensor | Iterable[Sensor]) -> None:
        """Add a copy of a sensor, or of several.

        One of the same name is replaced; one whose key and index are there under another name is
        not added. Both are warned of. TypeError for anything that is no sensor.
        """
        if isinstance(sensor, Sensor):
            self._add_one(sensor)
        elif isinstance(sensor, Iterable) and not isinstance(sensor, str | bytes | Mapping):
            for one in sensor:
                self.add(one)
        else:
            raise TypeError(f"a Sensor or several expected, not {type(sensor).__name__}")

    def _add_one(self, sensor: Sensor) -> None:
        for other in self:
            same_place = (other.key, other.key_idx) == (sensor.key, sensor.key_idx)
            if same_place and other.name != sensor.name:
                _LOGGER.warning(
                    "Sensor %s not added: %s[%d] is there as %s",
                    sensor.name,
                    sensor.key,
                    sensor.key_idx,
                    other.name,
                )
                return
        if self._by_name.pop(sensor.name, None) is not None:
            _LOGGER.warning("Sensor %s replaced", sensor.name)
        self._by_name[sensor.name] = sensor.copy()
