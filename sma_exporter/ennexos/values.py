"""Raw values: numbers, tags and texts of live channels and of parameters, in every shape that devices send.

Two channels in a reply to `measurements/live`, and a parameter::

    {"channelId": "Measurement.GridMs.TotW", …, "values": [{"time": "…Z", "value": 2313.8}]}
    {"channelId": "Measurement.DcMs.Amp[]", …, "values": [{"time": "…Z", "values": [1.8, "NaN"]}]}
    {"channelId": "Parameter.Inverter.WLim", …, "value": "15000"}
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from ..sma import limits
from ..sma.tags import SAYS_NOTHING

#: "Nothing": what some states have where others have 302.
_NOTHING = SAYS_NOTHING | {937}

_LARGEST_NUMBER = 2.0**64


class Reported(NamedTuple):
    """What a device says of a channel: its elements (one, if it is no array), and their unix time."""

    elements: tuple[object, ...]
    time: float | None


def reported(row: Mapping[str, object]) -> Reported:
    """Return the newest values of a live channel, or the values of a parameter; no element is "no value"."""
    entries = row.get("values")
    if "value" in row or not isinstance(entries, list):
        return Reported((row["value"],) if "value" in row else (), None)
    if not entries:
        return Reported((), None)
    newest = entries[-1]
    if not isinstance(newest, dict):  # the elements of a parameter
        return Reported(tuple(entries[: limits.ELEMENTS]), None)
    time = unix_seconds(newest.get("time"))
    elements = newest.get("values")
    if isinstance(elements, list):
        return Reported(tuple(elements[: limits.ELEMENTS]), time)
    return Reported((newest["value"],) if "value" in newest else (), time)


def unix_seconds(text: object) -> float | None:
    """Return a moment in ISO form, UTC unless it says otherwise; None for anything else."""
    if not isinstance(text, str) or len(text) > limits.TEXT_CHARACTERS:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def number(value: object) -> int | float | None:
    """Return a number, also one that a parameter sends as text; None for "NaN" and whatever is none."""
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < _LARGEST_NUMBER else None  # NaN is not less


def _parsed(text: str) -> float | None:
    if len(text) > limits.TEXT_CHARACTERS:
        return None
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def tag(value: object, none: int | None = None) -> int | None:
    """Return a tag, which comes as integer, as float or (in parameters) as text; None for "no information".

    `none`: the tag that stands for 302 where that means that there is nothing.
    """
    found = number(value)
    if found is None or found != int(found) or found < 0:
        return None
    if found == 302 and none is not None:
        return none
    return None if found in _NOTHING else int(found)
