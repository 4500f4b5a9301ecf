"""Plant: what the roof does, now and in total, for whoever lives under it."""

from . import promql, variables
from .grafana import (
    ASLEEP,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    YELLOW,
    Json,
    Panel,
    Query,
    Row,
    absent,
    bars,
    dashboard,
    graph,
    stat,
)
from .promql import A_YEAR_AGO, DEVICE, NEXT_DAY, SO_FAR, STEPS, kwh, of

NO_METER = "no meter"
YIELD_ONLY = "yield only: no meter"
NO_BATTERY = "no battery"

#: A share of nothing, at midnight, is no number.
NOT_YET = absent("-")


def plant() -> Json:
    """Return the dashboard."""
    return dashboard(
        uid="sma-plant",
        title="SMA / Plant",
        description="What the plant does now, and what it did today, this month and this year.",
        variables=(
            *variables.devices(),
            variables.text("feed_in_tariff", "Feed-in tariff per kWh", "0.08"),
            variables.text("import_price", "Price per kWh", "0.30"),
            variables.text("currency", "Currency", "EUR"),
        ),
        rows=ROWS,
        start="now-24h",
        refresh="1m",
    )


NOW = (
    stat(
        title="Now",
        description="Power from PV, power that the house takes (which needs a meter), and charge of the battery. At "
        "night a PV inverter has no values: then PV is 0.",
        unit="watt",
        width=8,
        mappings=[NOT_YET],
        no_value=ASLEEP,
        queries=[
            Query(expr=promql.PV_POWER, legend="PV", color=YELLOW),
            Query(expr=promql.HOUSE_POWER, legend="House", color=BLUE),
            Query(
                expr=of("sma_battery_state_of_charge_ratio"),
                legend="Battery {{device}}",
                unit="percentunit",
                decimals=0,
                color=GREEN,
            ),
        ],
    ),
    bars(
        title="Where the power comes from, where it goes",
        description="The three sources, then the three sinks: both sides are the same sum. What the inverters lose counts "
        "as consumption of the house. House and grid need a meter.",
        unit="watt",
        width=8,
        minimum=0,
        no_value=ASLEEP,
        queries=[
            Query(expr=promql.PV_POWER, legend="PV", color=YELLOW),
            Query(
                expr=promql.total("sma_battery_discharge_power_watts"),
                legend="from battery",
                color=GREEN,
            ),
            Query(expr=promql.IMPORT_POWER, legend="from grid", color=RED),
            Query(expr=promql.HOUSE_POWER, legend="House", color=BLUE),
            Query(
                expr=promql.total("sma_battery_charge_power_watts"),
                legend="into battery",
                color=GREEN,
            ),
            Query(expr=promql.EXPORT_POWER, legend="into grid", color=PURPLE),
        ],
    ),
    stat(
        title="Inverters",
        description="AC power of each inverter; of one with a battery, negative while it charges from the grid. Asleep: it has "
        "no value, as PV inverters at night, or does not answer. The dashboard of the exporter tells why.",
        unit="watt",
        width=8,
        mappings=[absent(ASLEEP)],
        no_value=ASLEEP,
        queries=[
            Query(
                expr=f"{of('sma_ac_power_watts')}\nor\n{of('sma_up')} * NaN", legend="{{device}}"
            ),
        ],
    ),
    graph(
        title="Power",
        description="PV and the house; the grid above zero while it gives and below while it takes, and so the battery.",
        unit="watt",
        height=10,
        queries=[
            Query(expr=promql.PV_POWER, legend="PV", color=YELLOW),
            Query(expr=promql.HOUSE_POWER, legend="House", color=BLUE, line=True),
            Query(
                expr=f"{promql.IMPORT_POWER}\n- {promql.EXPORT_POWER}",
                legend="Grid (below 0: fed in)",
                color=RED,
            ),
            Query(
                expr=f"{promql.total('sma_battery_discharge_power_watts')}\n"
                f"- {promql.total('sma_battery_charge_power_watts')}",
                legend="Battery (below 0: charging)",
                color=GREEN,
            ),
        ],
        draw={"fillOpacity": 20, "showPoints": "never"},
    ),
)


def energies(title: str, since: str) -> Panel:
    """Return the energies of a time, and what shares follow from them."""
    return stat(
        title=title,
        description="From the lifetime totals, so what happened while nobody looked is in it. Consumption, grid and "
        "shares need a meter. Self-consumption: share of the PV energy that was not fed in. Autarky: share of the "
        "consumption that did not come from the grid. Counted from the first reading there is, if that is later.",
        unit="kwatth",
        width=8,
        since=since,
        steps=STEPS,
        mappings=[NOT_YET],
        queries=[
            Query(expr=kwh(promql.pv_energy(SO_FAR)), legend="PV", color=YELLOW),
            Query(expr=kwh(promql.house_energy(SO_FAR)), legend="House", color=BLUE),
            Query(expr=kwh(promql.import_energy(SO_FAR)), legend="from grid", color=RED),
            Query(expr=kwh(promql.export_energy(SO_FAR)), legend="into grid", color=PURPLE),
            Query(
                expr=promql.self_consumption(SO_FAR),
                legend="Self-consumption",
                unit="percentunit",
                decimals=0,
                color=ORANGE,
            ),
            Query(
                expr=promql.autarky(SO_FAR),
                legend="Autarky",
                unit="percentunit",
                decimals=0,
                color=GREEN,
            ),
        ],
    )


ENERGY = (
    energies("Today", "now/d"),
    energies("This month", "now/M"),
    energies("This year", "now/y"),
    graph(
        title="Energy of each day",
        description="PV energy and consumption of the last 30 days, from the lifetime totals at midnight; the last day is "
        "today so far.",
        unit="kwatth",
        since="30d",
        interval="1d",
        minimum=0,
        queries=[
            Query(expr=kwh(promql.pv_energy(NEXT_DAY)), legend="PV", color=YELLOW),
            Query(
                expr=kwh(promql.house_energy(NEXT_DAY)),
                legend="House",
                color=BLUE,
                steps=True,
            ),
        ],
        draw={"barAlignment": 1, "drawStyle": "bars", "fillOpacity": 60, "showPoints": "never"},
    ),
)


def compared(title: str, since: str) -> Panel:
    """Return the PV energy of a time beside that of the same days last year."""
    this, last = promql.pv_energy(SO_FAR), promql.pv_energy(A_YEAR_AGO)
    return stat(
        title=title,
        description="PV energy so far, and of as many days 365 days earlier, up to the same time of the day. Daily readings "
        "of last year are taken in proportion to the day. Needs readings from last year: see backfill.",
        unit="kwatth",
        width=12,
        height=5,
        since=since,
        steps=STEPS,
        mappings=[NOT_YET],
        no_value="no readings yet",
        queries=[
            Query(expr=kwh(this), legend="this year", color=YELLOW),
            Query(expr=kwh(last), legend="last year", color=ORANGE),
            Query(
                expr=f"{this}\n/ {last}\n- 1",
                legend="difference",
                unit="percentunit",
                decimals=1,
                color=BLUE,
            ),
        ],
    )


COMPARED = (
    compared("This month against last year's", "now/M"),
    compared("This year against last year", "now/y"),
)


def money(title: str, since: str) -> Panel:
    """Return what a time earned and saved."""
    return stat(
        title=f"{title} in ${{currency}}",
        description="Earned: energy fed into the grid at the feed-in tariff. Saved: energy that the house took from its own "
        "plant, at the price of energy from the grid. At fixed prices, those in the boxes above; write them with a point.",
        unit="none",
        decimals=2,
        width=8,
        height=5,
        since=since,
        steps=STEPS,
        mappings=[NOT_YET],
        no_value=YIELD_ONLY,
        queries=[
            Query(
                expr=f"{kwh(promql.export_energy(SO_FAR))} * ($feed_in_tariff + 0)",
                legend="earned",
                color=PURPLE,
            ),
            Query(
                expr=f"{kwh(promql.own_energy(SO_FAR))} * ($import_price + 0)",
                legend="saved",
                color=GREEN,
            ),
        ],
    )


MONEY = (
    money("Earned and saved today", "now/d"),
    money("Earned and saved this month", "now/M"),
    money("Earned and saved this year", "now/y"),
)

_CYCLES = f"""\
max by {DEVICE} (last_over_time({of("sma_battery_cycles_total")}[3d]))
or
max by {DEVICE} (last_over_time({of("sma_battery_discharge_joules_total")}[3d]))
/ max by {DEVICE} (last_over_time({of("sma_battery_nominal_capacity_joules")}[3d]))"""
_HEALTH = f"""\
max by {DEVICE} ({of("sma_battery_state_of_health_ratio")})
or
min by {DEVICE} ({of("sma_battery_pack_state_of_health_ratio")})"""

BATTERY = (
    stat(
        title="Battery, the last 30 days",
        description="Energy into and out of the battery, and what share came out again: after a few weeks that is its "
        "efficiency. Full cycles: since it was installed, as the device counts them, else energy out by nominal capacity. "
        "Health: capacity left of the nominal one.",
        unit="kwatth",
        width=8,
        since="30d",
        steps=STEPS,
        mappings=[NOT_YET],
        no_value=NO_BATTERY,
        queries=[
            Query(expr=kwh(promql.charge_energy(SO_FAR)), legend="in", color=GREEN),
            Query(expr=kwh(promql.discharge_energy(SO_FAR)), legend="out", color=GREEN),
            Query(
                expr=f"{promql.discharge_energy(SO_FAR)}\n/ {promql.charge_energy(SO_FAR)}",
                legend="efficiency",
                unit="percentunit",
                decimals=1,
                color=BLUE,
            ),
            Query(
                expr=_CYCLES, legend="full cycles {{device}}", unit="none", decimals=0, color=ORANGE
            ),
            Query(
                expr=_HEALTH,
                legend="health {{device}}",
                unit="percentunit",
                decimals=0,
                color=YELLOW,
            ),
        ],
    ),
    graph(
        title="Battery",
        description="Charge of each battery, and the power into (below zero) and out of it.",
        unit="watt",
        width=16,
        no_value=NO_BATTERY,
        queries=[
            Query(
                expr=of("sma_battery_state_of_charge_ratio"),
                legend="charge {{device}}",
                unit="percentunit",
                color=GREEN,
                right=True,
                line=True,
            ),
            Query(
                expr=f"{of('sma_battery_discharge_power_watts')}\n"
                f"- {of('sma_battery_charge_power_watts')}",
                legend="power {{device}}",
                color=BLUE,
            ),
        ],
        draw={"fillOpacity": 20, "showPoints": "never"},
    ),
)

ROWS = (
    Row(title="Now", panels=NOW),
    Row(title="Energy", panels=ENERGY),
    Row(title="Against last year", panels=COMPARED),
    Row(title="Money", panels=MONEY),
    Row(title="Battery", panels=BATTERY),
)
