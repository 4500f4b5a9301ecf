"""What `measurements/search` answers: a channel's averages and differences over intervals."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from ..localtime import midnights
from ..plant import COMMISSIONED
from .channels import Computed
from .components import Component, Json
from .encoding import number, visible
from .switches import View

STEPS = {"FiveMinutes": 300, "FifteenMinutes": 900, "OneHour": 3600}
ONE_DAY = "OneDay"
SAMPLES_EVERY = 300  # seconds between the samples of an average


@dataclass(frozen=True)
class Query:
    """Which channel, in which intervals, and what of each: "Avg" or "Dif". Unix times."""

    channel: str
    resolution: str
    aggregate: str
    zone: str
    begin: float
    end: float


def midnights_in(zone: str, start: float, end: float) -> Iterator[float]:
    """Yield the midnights of a time zone; of an unknown one those of the device."""
    try:
        where = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        yield from midnights(start, end)
        return
    day = datetime.fromtimestamp(start, where).date()
    while True:
        time = datetime(day.year, day.month, day.day, tzinfo=where).timestamp()
        if time > end:
            return
        if time >= start:
            yield time
        day += timedelta(days=1)


def intervals(query: Query, now: float) -> Iterator[tuple[float, float]]:
    """Yield the intervals that have ended, and the day that has not."""
    begin = max(query.begin, COMMISSIONED)
    if query.resolution == ONE_DAY:
        days = pairwise(midnights_in(query.zone, begin, query.end))
        yield from ((start, end) for start, end in days if start < now)
        return
    step = STEPS[query.resolution]
    first = math.ceil(begin / step) * step
    last = math.floor(min(query.end, now) / step) * step
    yield from ((end - step, end) for end in range(first + step, last + 1, step))


def history(component: Component, query: Query, view: View) -> Json | None:
    """Return the reply's part for a channel; None if the device does not keep it."""
    row = component.kind.channels.get(query.channel)
    if not isinstance(row, Computed) or not visible(row, view.role):
        return None

    def value(time: float) -> float | None:
        found = component.quantities(view, time).value(row.quantity)
        found = found[row.index] if isinstance(found, list) and row.index is not None else found
        return found if isinstance(found, int | float) else None

    def difference(start: float, end: float) -> float | None:
        first, last = value(start), value(end)
        if first is None or last is None:
            return None
        return number(last, row.step) - number(first, row.step)

    def average(start: float, end: float) -> float | None:
        count = max(1, round((end - start) / SAMPLES_EVERY))
        samples = [value(start + (end - start) * n / count) for n in range(count + 1)]
        powers = [sample for sample in samples if sample is not None]
        return sum((a + b) / 2 for a, b in pairwise(powers)) / count if powers else None

    if value(view.now) is None:
        return None
    of = difference if query.aggregate == "Dif" else average
    members: list[Json] = []
    numbers: list[float] = []
    for start, end in intervals(query, view.now):
        member: Json = {"time": component.kind.clock.text(end).replace(".000Z", "Z")}
        is_gap = query.resolution != ONE_DAY and gap(component, start, view)
        found = None if is_gap else of(start, min(end, view.now))
        if found is not None:
            member["value"] = found
            numbers.append(found)
        members.append(member)
    return {
        "channelId": query.channel,
        "componentId": component.id,
        "min": min(numbers, default=0),
        "max": max(numbers, default=0),
        "values": members,
    }


def gap(component: Component, start: float, view: View) -> bool:
    """Whether the device slept and kept nothing. A day has always some sun."""
    return view.switches.night_gaps and component.quantities(view, start).dark
