"""Building blocks of the queries. Each stands here once, and the dashboards are put together from them.

Energy is the difference of two readings of a counter, not `increase()`, which loses what happens while
a device sleeps and is empty on back-filled daily readings. Three rules keep sums right: parts are
summed after the difference, so that a device that comes or goes moves no total; what several
inverters report of one meter counts once; and a device without a value leaves the others' sum alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

#: What the variables of a dashboard choose.
CHOSEN = 'job=~"$job", instance=~"$instance", device=~"$device"'
#: The same for what the exporter says of its devices: over /sd that comes from its own target,
#: whose instance is not the device's.
CHOSEN_BY_EXPORTER = 'job=~"$job", device=~"$device"'

#: What makes a device one: nothing else (a plant's label, say) may tell old readings from new ones.
DEVICE = "(job, instance, device)"

JOULES_PER_KWH = "3.6e6"

NEWLINE = "\n"


def of(family: str, *matchers: str) -> str:
    """Return the selector of a family for the chosen devices."""
    return f"{family}{{{', '.join((CHOSEN, *matchers))}}}"


def total(family: str) -> str:
    """Return a sum over the devices that have the family; empty if none has."""
    return f"sum({of(family)})"


def balance(family: str) -> str:
    """Return a sum for use among sums: a device without a value counts 0 while it is scraped."""
    return f"sum({of(family)} or {of('sma_up')} * 0)"


def kwh(joules: str) -> str:
    """Return an energy in kWh."""
    return f"({indented(joules)}) / {JOULES_PER_KWH}"


def indented(text: str) -> str:
    """Return an expression on lines of its own, for use between brackets."""
    inner = "\n".join(f"  {line}" for line in text.splitlines())
    return f"\n{inner}\n"


def chain(operator: str, *terms: str) -> str:
    """Return terms joined by an operator, one below the other."""
    return f"\n{operator}\n".join(terms)


# --- power ---


def _preferred(told: str, other: str) -> str:
    """Return the meters with a serial number; where none of a plant has one yet, all are one without."""
    return chain("or on (job, plant)", told, other)


_TOLD = 'serial!=""'
_METER_NOW = _preferred(of("sma_meter_info", _TOLD), of("sma_meter_info"))


def meter_power(family: str) -> str:
    """Return a meter's power in W; once, however many inverters report it. Empty without a meter."""
    joined = f"{of(family)}\n* on {DEVICE} group_left (serial) ({indented(_METER_NOW)})"
    return f"sum(max by (job, serial) ({indented(joined)}))"


PV_POWER = balance("sma_pv_power_watts")
IMPORT_POWER = meter_power("sma_meter_import_power_watts")
EXPORT_POWER = meter_power("sma_meter_export_power_watts")
CHARGE_POWER = balance("sma_battery_charge_power_watts")
DISCHARGE_POWER = balance("sma_battery_discharge_power_watts")

#: What the inverters lose in converting counts as consumption.
HOUSE_POWER = f"""\
{PV_POWER}
- {CHARGE_POWER}
+ {DISCHARGE_POWER}
+ {IMPORT_POWER}
- {EXPORT_POWER}"""


# --- energy ---


@dataclass(frozen=True)
class Period:
    """A time whose energy is asked for: how a counter reads at its end and at its start.

    `first`: how it read when it was first seen, for what had no reading at the start. Each is a function
    from a family to readings in J, one a device.
    """

    end: Callable[[str], str]
    start: Callable[[str], str]
    first: Callable[[str], str] | None = None


def _aggregate(operator: str, *ways: str) -> str:
    return f"{operator} by {DEVICE} ({indented(f'{NEWLINE}or{NEWLINE}'.join(ways))})"


def _last(family: str, offset: str = "") -> str:
    """Return the last reading, also of a device that has slept since."""
    return _aggregate("max", f"last_over_time({of(family)}[3d]{offset})")


def _reading(family: str, before: str, after: str) -> str:
    """Return how a counter read at a time: the first reading of the next 12 hours, else the last before.

    `before` and `after` are the offsets of that time and of 12 hours later. Live it is at most one scrape
    late; and of inverters that share a meter, one that slept at midnight has the least energy of the day,
    not the most. A daily reading is found where it is due, at midnight, and also where a device with
    another time zone put it. What lies between two such times is counted once, whatever sleeps.
    """
    return _aggregate(
        "max",
        f"min_over_time({of(family)}[12h1s]{after})",
        f"last_over_time({of(family)}[3d]{before})",
    )


def _at_start(family: str) -> str:
    """Return the reading at the panel's start.

    To the millisecond: `$__range` is in whole seconds, and half a second early would be the day before.
    """
    reading = _reading(family, "", " offset -12h")
    return f"last_over_time({reading}[1s:1s] offset ${{__range_ms}}ms)"


#: For the panels that ask for such energies: the steps of a year are an hour then, and at whole hours,
#: which is where daily readings are.
STEPS = 9000


def _first(family: str) -> str:
    """Return the first reading in the panel's time, by Grafana's step: a year of all would take seconds."""
    steps = f"min_over_time({of(family)}[$__range:$__interval])"
    return _aggregate("min", steps, f"min_over_time({of(family)}[$__interval])")


#: From the panel's start to now: today, this month, this year, by the panel's time and Grafana's zone.
SO_FAR = Period(_last, _at_start, _first)


def _a_year_ago(family: str) -> str:
    """Return the reading 365 days ago; between two daily readings, in proportion to the day."""
    before = _last(family, " offset 365d")
    after = _aggregate("min", f"min_over_time({of(family)}[25h] offset 363d23h)")
    part = "(${__range_s} % 86400 / 86400)"
    return f"({indented(chain('or', f'{before} + ({after} - {before}) * {part}', before))})"


#: The same days, 365 days earlier.
A_YEAR_AGO = Period(
    _a_year_ago,
    lambda family: _reading(
        family, " offset 365d${__range_ms}ms", " offset 364d12h${__range_ms}ms"
    ),
)

#: The 24 hours after each point of a graph.
NEXT_DAY = Period(
    lambda family: _reading(family, " offset -1d", " offset -36h"),
    lambda family: _reading(family, "", " offset -12h"),
)


def energy(family: str, period: Period) -> str:
    """Return what a counter rose by in J, one value a device."""
    start = period.start(family)
    if period.first is not None:
        start = f"({indented(chain('or', start, period.first(family)))})"
    return f"{period.end(family)}\n- {start}"


def _whole(family: str, period: Period) -> str:
    return f"{period.end(family)}\n- {period.start(family)}"


def _part(family: str, period: Period) -> tuple[str, ...]:
    return () if period.first is None else (f"{period.end(family)}\n- {period.first(family)}",)


def pv_energy(period: Period) -> str:
    """Return the energy from PV in J. Empty without PV.

    From the counter of PV alone; else from the yield, where no battery discharges into it. What has
    a reading at the start goes before what has none: the history of many inverters is their yield.
    """
    pv, ac = "sma_pv_generation_joules_total", "sma_yield_joules_total"
    battery = f"\nunless on {DEVICE}\n{_last('sma_battery_charge_joules_total')}"
    ways = [
        _whole(pv, period),
        _whole(ac, period) + battery,
        *_part(pv, period),
        *(way + battery for way in _part(ac, period)),
    ]
    return f"sum({indented(chain('or', *ways))})"


def _seen(*matchers: str) -> str:
    """Return how often a device has reported a meter of late.

    The day beyond the end is for graphs by days, whose last point is midnight.
    """
    return f"count_over_time({of('sma_meter_info', *matchers)}[4d] @ end() offset -1d)"


#: Which meter a device reports at the end of it all: history has no serial numbers. Of two the more frequent.
_METER = f"topk by {DEVICE} (1,{indented(_preferred(_seen(_TOLD), _seen()))}) ^ 0"


def _counted_once(energies: str) -> str:
    joined = f"({indented(energies)})\n* on {DEVICE} group_left (serial)\n{_METER}"
    return f"sum(max by (job, serial) ({indented(joined)}))"


def import_energy(period: Period) -> str:
    """Return the energy drawn from the grid in J; once, as its power. Empty without a meter."""
    return _counted_once(energy("sma_meter_import_joules_total", period))


def export_energy(period: Period) -> str:
    """Return the energy fed into the grid in J; once, as its power. Empty without a meter."""
    return _counted_once(energy("sma_meter_export_joules_total", period))


def charge_energy(period: Period) -> str:
    """Return the energy into the batteries in J. Empty without one."""
    return f"sum({indented(energy('sma_battery_charge_joules_total', period))})"


def discharge_energy(period: Period) -> str:
    """Return the energy out of the batteries in J. Empty without one."""
    return f"sum({indented(energy('sma_battery_discharge_joules_total', period))})"


def own_energy(period: Period) -> str:
    """Return what the house took from its own plant, past the grid, in J. Empty without a meter."""
    return "\n".join(
        (
            f"({pv_energy(period)} or vector(0))",
            f"- ({charge_energy(period)} or vector(0))",
            f"+ ({discharge_energy(period)} or vector(0))",
            f"- {export_energy(period)}",
        )
    )


def house_energy(period: Period) -> str:
    """Return what the house took altogether in J. Empty without a meter."""
    return f"{own_energy(period)}\n+ {import_energy(period)}"


def share(part: str, whole: str) -> str:
    """Return a part of something as a ratio from 0 to 1."""
    return f"clamp({indented(f'{part}{NEWLINE}/ ({indented(whole)})')}, 0, 1)"


def self_consumption(period: Period) -> str:
    """Return the share of the PV energy that was not fed into the grid."""
    return f"1 - {share(export_energy(period), pv_energy(period))}"


def autarky(period: Period) -> str:
    """Return the share of the consumption that was not drawn from the grid."""
    return f"1 - {share(import_energy(period), house_energy(period))}"
