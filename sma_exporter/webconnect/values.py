"""Raw values: one or several numbers, texts or tags, in every shape that devices send.

A raw value is what stands behind a key in a reply's result, for example::

    {"1": [{"val": 2570}, {"val": 0}]}      by device class, one entry a DC input
    {"9": [{"val": [{"tag": 307}]}]}        a status: tags
    {"val": 46}                             old firmware, flat
    [{"str": 1, "val": 57}]                 old firmware, by DC input, counted from 1
"""

from typing import TypeGuard

from ..sma import limits
from ..sma.tags import SAYS_NOTHING
from ..sma.text import clean

#: What SMA's number types send for "no value". WebConnect mostly turns them into null, some
#: firmware forgets to. Sixteen-bit sentinels are left alone: every number here has 32 bits or more,
#: and 65535 Wh is a reading.
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

_LARGEST_NUMBER = 2.0**64


def elements(
    value: object, devclass: str | None = None, *, most: int = limits.ELEMENTS
) -> list[object]:
    """Return the `val` members of a raw value, in the order of their index, `most` of them.

    Of several device classes the first one that has a value counts, `devclass` before all others:
    a hybrid answers with classes "9" and "1" in one reply, and firmware moves values between them.
    Whatever has no known shape gives an empty list.
    """
    if isinstance(value, list):
        return _by_index(value, most)
    if not isinstance(value, dict):
        return []
    if "val" in value:
        return [value["val"]]
    if len(value) > 1:
        return _of_several_classes(value, devclass, most)
    for entries in value.values():
        if _is_filled(entries):
            return _by_index(entries, most)
    return []


def _of_several_classes(value: dict[str, object], devclass: str | None, most: int) -> list[object]:
    own = (value[devclass],) if devclass in value else ()
    found = [_by_index(entries, most) for entries in (*own, *value.values()) if _is_filled(entries)]
    with_value = (values for values in found if any(map(is_value, values)))
    return next(with_value, found[0] if found else [])


def is_value(val: object) -> bool:
    """Tell whether a `val` is a number, a text or a state that says something."""
    if isinstance(val, str):
        return bool(clean(val))
    return number(val) is not None or bool(tags(val))


def _is_filled(entries: object) -> TypeGuard[list[object]]:
    return isinstance(entries, list) and len(entries) > 0


def _by_index(entries: list[object], most: int) -> list[object]:
    """Return the `val` members by index: the entry's own ("str", from 1), else its position."""
    if len(entries) == 1 and isinstance(only := entries[0], dict) and "str" not in only:
        return [only.get("val")]  # nine of ten
    try:
        plain = [entry["val"] for entry in entries if len(entry) == 1]  # type: ignore[index,arg-type]
    except (KeyError, TypeError):
        plain = []
    if len(plain) == len(entries) <= most:  # nearly all others
        return plain
    values: dict[int, object] = {}
    for position, entry in enumerate(entries[:most]):
        if not isinstance(entry, dict):
            continue
        own = number(entry.get("str"))
        index = own - 1 if isinstance(own, int) and own >= 1 else position
        if index < most:
            values[index] = entry.get("val")
    return [values.get(index) for index in range(max(values) + 1)] if values else []


def number(val: object) -> int | float | None:
    """Return a `val` as a number, None when it is no number or a not-available sentinel.

    Some firmware writes whole numbers as 3007401854.0: that is the integer.
    """
    if type(val) is int and -0x8000_0000 < val < 0x8000_0000:
        return val
    if isinstance(val, bool) or not isinstance(val, int | float):
        return None
    if val in NOT_A_NUMBER or not abs(val) < _LARGEST_NUMBER:  # "not <" catches NaN as well
        return None
    return int(val) if isinstance(val, float) and val.is_integer() else val


def tags(val: object) -> tuple[int, ...]:
    """Return the numbers of the active tags in a status `val`, without those that say nothing."""
    if not isinstance(val, list):
        return ()
    found = [entry.get("tag") for entry in val if isinstance(entry, dict)]
    if float in map(type, found):
        found = [*map(number, found)]
    active = [
        tag for tag in found if type(tag) is int and tag not in SAYS_NOTHING
    ]  # True is no tag
    return tuple(active if len(active) < 2 else [*dict.fromkeys(active)][: limits.TAGS])
