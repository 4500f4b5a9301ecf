"""Lifetime totals that stay honest: what a device says after a restart is not always what it counted.

Inverters send null, 0 or less than before while they start, and now and then rubbish. A counter
that falls is a reset to Prometheus, and `increase()` then adds the whole reading: one wrong
acceptance invents years of yield, while waiting costs nothing. So a total that cannot be right is
withheld until it is what it was, or has held long enough. What a device cannot have counted in its
life is rubbish, however long it holds. Time is an argument (seconds, monotonic); values are in a
total's own base unit: joules mostly, but seconds, coulombs and events are counted too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

DAY = 86400.0

#: No device counts for longer: 30 years.
LIFE_SECONDS = 30 * 365.25 * DAY

#: How long an implausible leap, or a plain 0 after a start, must hold to be believed.
HOLD_SECONDS = 900.0

#: Assumed where the rated power is unknown or does not bound the total (a meter): 1 MW.
UNKNOWN_WATTS = 1_000_000.0


class Change(NamedTuple):
    """A total that became withheld (`why` says why), or is accepted again (`why` is empty)."""

    sensor: str
    why: str
    value: float | None
    accepted: float | None


@dataclass(slots=True)
class _Candidate:
    """Readings in a row that may turn out to be right: where they began, and how far they have come."""

    since: float
    first: float
    last: float
    last_at: float


class Total:
    """One total: what was accepted last, and what was offered in vain since.

    `max_rate`: what it can gain in a second.
    """

    def __init__(self) -> None:
        self.accepted: float | None = None
        self._accepted_at = 0.0
        self._candidate: _Candidate | None = None
        self._was_there = False

    def start_from(self, value: float, now: float) -> None:
        """Go on where an earlier guard of the same total has stopped."""
        self.accepted, self._accepted_at, self._candidate = value, now, None
        self._was_there = True

    def offer(self, value: float | None, now: float, max_rate: float, reset_delay: float) -> str:
        """Accept a reading (return "") or say why it is withheld."""
        why = self._why_not(value, now, max_rate, reset_delay)
        if value is not None:
            self._was_there = True
            if not why:
                self.start_from(value, now)
        return why

    def _why_not(self, value: float | None, now: float, max_rate: float, reset_delay: float) -> str:
        if value is None:
            return "the device sends none" if self._was_there else ""
        most_ever = max_rate * LIFE_SECONDS
        if value > most_ever:
            return "more than the device can have counted in 30 years"
        # The rated power may come later than the first total: what it shows to be impossible was
        # never a reading to measure others by.
        if self.accepted is None or self.accepted > most_ever:
            held = value != 0 or self._held(value, now, max_rate) >= HOLD_SECONDS
            return "" if held else "0 after a start"
        if value < self.accepted:
            return self._why_not_lower(value, self.accepted, now, max_rate, reset_delay)
        if value - self.accepted <= _most(max_rate, now - self._accepted_at):
            return ""
        held = self._held(value, now, max_rate) >= HOLD_SECONDS
        return "" if held else "a leap beyond what the device can have produced"

    def _why_not_lower(
        self, value: float, accepted: float, now: float, max_rate: float, reset_delay: float
    ) -> str:
        if value == 0:
            if self._candidate is not None and self._candidate.last > accepted:
                self._candidate = (
                    None  # a leap that does not hold; what is lower stays lower with a 0
                )
            return "0, which is no reset while the serial number is the same"
        seconds = self._held(value, now, max_rate)
        rose = self._candidate is not None and value > self._candidate.first
        return "" if rose and seconds >= reset_delay else "lower than before"

    def _held(self, value: float, now: float, max_rate: float) -> float:
        """Return for how long readings have formed one plausible line with this one."""
        candidate = self._candidate
        if candidate is None or not 0 <= value - candidate.last <= _most(
            max_rate, now - candidate.last_at
        ):
            candidate = self._candidate = _Candidate(
                since=now, first=value, last=value, last_at=now
            )
        candidate.last, candidate.last_at = value, now
        return now - candidate.since


def _most(max_rate: float, seconds: float) -> float:
    """Return what a total can have gained at the most, with room for the device's clock."""
    return 2 * max_rate * (seconds + DAY)


class CounterGuard:
    """The totals of one device."""

    def __init__(self) -> None:
        self._totals: dict[str, Total] = {}
        self._withheld: set[str] = set()

    @property
    def withheld(self) -> int:
        """How many totals are held back now."""
        return len(self._withheld)

    def forget(self) -> None:
        """Start anew: another device answers at this address."""
        self._totals.clear()
        self._withheld.clear()

    def drop(self, sensors: Iterable[str]) -> None:
        """Expect these totals no more."""
        for sensor in sensors:
            self._totals.pop(sensor, None)
            self._withheld.discard(sensor)

    def check(
        self,
        totals: Mapping[str, float],
        max_rates: Mapping[str, float],
        now: float,
        reset_delay: float,
    ) -> list[Change]:
        """Judge the totals of one read (sensor -> value in its base unit); return what changed.

        `max_rates`: what each of them can gain in a second: the rated power behind an energy, 1 for
        a time. `reset_delay`: for how many seconds a lower total must hold to be believed. Those
        not in `is_withheld` afterwards may be shown.
        """
        changes = []
        for sensor in dict.fromkeys((*totals, *self._totals)):  # those that were there before too
            total = self._totals.setdefault(sensor, Total())
            value, before = totals.get(sensor), total.accepted
            why = total.offer(value, now, max_rates.get(sensor, UNKNOWN_WATTS), reset_delay)
            if bool(why) != (sensor in self._withheld):
                changes.append(Change(sensor, why, value, before))
            (self._withheld.add if why else self._withheld.discard)(sensor)
        return changes

    def is_withheld(self, sensor: str) -> bool:
        """Tell whether a total is held back now."""
        return sensor in self._withheld
