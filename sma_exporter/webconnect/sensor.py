"""PySMA's sensors: a definition, and the value that was read last.

What a sensor is stands in `sma.sensors` and `sma.objects`, which never change; `definitions` makes
these of them.
"""

import copy
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ..sma.tags import SAYS_NOTHING
from .values import elements, is_value, number, tags

_LOGGER = logging.getLogger(__name__)

#: What a sensor can say: a number, a text, or for a status its words or the tag's number.
SensorValue: TypeAlias = int | float | str | None


@dataclass(slots=True)
class Sensor:
    """One value that a device may offer.

    `key` is SMA's object ("6380_40251E00"); a third part ("6380_40251E00_1") becomes `key_idx`, the
    element of an array. The value is the raw number divided by `factor`, in `unit`. `path` is for a
    value that lies elsewhere: a JMESPath, or several to try, applied to what stands behind the key;
    `{devclass}` and `{key_idx}` (or PySMA's bare `{}`, `{}`) are filled in. It needs the package
    jmespath.
    """

    key: str
    name: str
    unit: str | None = None
    factor: int | None = None
    path: str | Sequence[str] | None = None
    enabled: bool = True
    l10n_translate: bool = False
    key_idx: int = field(default=0, init=False, repr=False)
    value: SensorValue = field(default=None, init=False)

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

        `result_body` maps keys to raw values; `l10n` maps tag numbers, as text, to words. A value
        that the device does not have is None, for watts too: PySMA's 0 hides the difference.
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

    def _presentable(self, val: object, l10n: Mapping[str, str] | None) -> SensorValue:
        if isinstance(val, str):
            return val
        found: int | float | None
        if isinstance(val, list):
            found = next(iter(tags(val)), None)
        else:
            found = number(val)
            if found is not None and self.factor:
                return found / self.factor
        if self.l10n_translate and l10n is not None and isinstance(found, int):
            return None if found in SAYS_NOTHING else l10n.get(str(found), found)
        return found

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
    found = []
    for path in paths:
        try:
            found.append(jmespath.search(path, raw))
        except jmespath.exceptions.JMESPathTypeError:  # a function of what the device did not send
            continue
        if is_value(found[-1]):
            return found[-1]
    return next((value for value in found if value is not None), None)


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
