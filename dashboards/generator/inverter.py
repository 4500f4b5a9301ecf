"""Inverter: one device down to the last string, phase, pack and optimizer."""

from . import promql, variables
from .grafana import (
    ASLEEP,
    BLUE,
    GREEN,
    ORANGE,
    RED,
    YELLOW,
    Json,
    Panel,
    Query,
    Row,
    absent,
    dashboard,
    graph,
    stat,
    table,
    timeline,
)
from .promql import DEVICE, SO_FAR, STEPS, energy, kwh, of

NEEDS_INSTALLER = "no value: most models show it to the group installer only"
NOT_FITTED = "none"


def inverter() -> Json:
    """Return the dashboard."""
    return dashboard(
        uid="sma-inverter",
        title="SMA / Inverter",
        description="One inverter in detail. What it does not have is absent, and so are most values while it sleeps.",
        variables=variables.devices(all_at_first=False),
        rows=ROWS,
        start="now-24h",
        refresh="1m",
    )


def lines(
    title: str, description: str, unit: str, *, no_value: str = ASLEEP, **families: str
) -> Panel:
    """Return a graph, half as wide as the screen, of families and their legends; device last in these."""
    return graph(
        title=title,
        description=description,
        unit=unit,
        width=12,
        no_value=no_value,
        queries=[
            Query(expr=of(family), legend=f"{legend} {{{{device}}}}".strip())
            for family, legend in families.items()
        ],
    )


_INFO = of("sma_device_info")

NOW = (
    stat(
        title="Now",
        description="Power on the AC side (of a hybrid negative while it charges from the grid), on the PV side, and what the "
        "inverter delivered since midnight, from its lifetime total.",
        unit="watt",
        width=12,
        height=6,
        since="now/d",
        steps=STEPS,
        mappings=[absent(ASLEEP)],
        no_value=ASLEEP,
        queries=[
            Query(
                expr=f"{of('sma_ac_power_watts')}\nor\n{of('sma_up')} * NaN",
                legend="AC {{device}}",
                color=BLUE,
            ),
            Query(expr=of("sma_pv_power_watts"), legend="PV {{device}}", color=YELLOW),
            Query(
                expr=kwh(energy("sma_yield_joules_total", SO_FAR)),
                legend="today {{device}}",
                unit="kwatth",
                color=GREEN,
            ),
        ],
    ),
    table(
        title="Device",
        description="What the device says of itself, the last known.",
        unit="watt",
        width=12,
        height=6,
        columns={
            "device": "Device",
            "model": "Model",
            "serial": "Serial number",
            "sw_version": "Firmware",
        },
        queries=[
            Query(
                expr=f"{_INFO}\n* on {DEVICE} group_left\n{of('sma_rated_power_watts')}\n"
                f"or\n{_INFO} * NaN",
                legend="Rated power",
            ),
        ],
    ),
    graph(
        title="Power",
        description="Power on the AC side and on the PV side, and the limit in force where the device tells one.",
        unit="watt",
        height=9,
        no_value=ASLEEP,
        queries=[
            Query(expr=of("sma_pv_power_watts"), legend="PV {{device}}", color=YELLOW),
            Query(expr=of("sma_ac_power_watts"), legend="AC {{device}}", color=BLUE, line=True),
            Query(
                expr=of("sma_active_power_limit_watts"),
                legend="limit {{device}}",
                color=RED,
                line=True,
            ),
        ],
        draw={"fillOpacity": 20, "showPoints": "never"},
    ),
)

_FAULTS: Json = {
    "matcher": {"id": "byRegexp", "options": "/fault|warning|impaired|error/"},
    "properties": [{"id": "color", "value": {"fixedColor": RED, "mode": "fixed"}}],
}


def active(family: str, of_what: str) -> Query:
    """Return the states of a sensor that are on: a line for each that was."""
    return Query(expr=f"{of(family)} == 1", legend=f"{of_what}: {{{{{family}}}}} {{{{device}}}}")


STATES = (
    timeline(
        title="States",
        description="A line for each state that the device was in. Several may hold at once. No bar: it was asleep.",
        unit="none",
        height=10,
        color="thresholds",
        no_value=ASLEEP,
        queries=[
            active("sma_status", "condition"),
            active("sma_operating_status_general", "operation"),
            active("sma_operating_status", "operation"),
            active("sma_derating_reason", "derating"),
            active("sma_grid_relay_status", "grid relay"),
            active("sma_battery_operating_mode", "battery"),
        ],
        overrides=[_FAULTS],
    ),
    table(
        title="Events",
        description="How many events the device has in its log, how long it has worked, and how long it fed in.",
        unit="none",
        width=12,
        height=6,
        no_value=ASLEEP,
        columns={"device": "Device"},
        queries=[
            Query(
                expr=f"sum by {DEVICE} (last_over_time({of('sma_events_total')}[3d]))",
                legend="Events",
                decimals=0,
            ),
            Query(
                expr=f"max by {DEVICE} (last_over_time({of('sma_operating_seconds_total')}[3d]))",
                legend="In operation",
                unit="s",
            ),
            Query(
                expr=f"max by {DEVICE} (last_over_time({of('sma_feed_in_seconds_total')}[3d]))",
                legend="Feeding in",
                unit="s",
            ),
        ],
    ),
    table(
        title="Links",
        description="State of each link: the sockets for Speedwire, the radio, the portal, the meter.",
        unit="none",
        width=12,
        height=6,
        no_value=ASLEEP,
        columns={"device": "Device", "link": "Link", "sma_link_status": "State"},
        queries=[Query(expr=f"{of('sma_link_status')} == 1", legend="")],
    ),
)

_DAY_OF_STRING = (
    f"sum by (job, instance, device, string) (sum_over_time({of('sma_pv_string_power_watts')}[1d]))"
)
_SHARE = f"{_DAY_OF_STRING}\n/ on {DEVICE} group_left\nsum by {DEVICE} ({_DAY_OF_STRING})"
_USUAL = f"quantile_over_time(0.5, ({promql.indented(_SHARE)})[14d:1d])"

STRINGS = (
    table(
        title="Strings",
        description="Each string's share of the DC energy of the last 24 hours, beside the median of its own last 14 days. "
        "East and west roofs have different shares, but keep them: a string that falls behind its own median is shaded, "
        "soiled or broken. Snow and single cloudy days move shares too.",
        unit="percentunit",
        width=12,
        decimals=1,
        no_value=ASLEEP,
        columns={"device": "Device", "string": "String"},
        queries=[
            Query(expr=_SHARE, legend="Last 24 hours"),
            Query(expr=_USUAL, legend="14-day median"),
            Query(expr=f"({promql.indented(_SHARE)})\n/ {_USUAL}\n- 1", legend="Difference"),
        ],
        thresholds=((None, RED), (-0.2, ORANGE), (-0.1, GREEN)),
        overrides=[
            {
                "matcher": {"id": "byName", "options": "Difference"},
                "properties": [
                    {"id": "custom.cellOptions", "value": {"type": "color-text"}},
                    {"id": "color", "value": {"mode": "thresholds"}},
                ],
            }
        ],
    ),
    lines(
        "String power",
        "DC power of each input.",
        "watt",
        sma_pv_string_power_watts="{{string}}",
    ),
    lines(
        "String voltage",
        "DC voltage of each input; also by night, where the device measures it then.",
        "volt",
        sma_pv_string_voltage_volts="{{string}}",
    ),
    lines(
        "String current",
        "DC current of each input.",
        "amp",
        sma_pv_string_current_amperes="{{string}}",
    ),
)

PHASES = (
    lines(
        "Phase voltage",
        "Voltage of each phase against neutral, at the inverter. The grid's limit is 253 V in most of Europe.",
        "volt",
        sma_ac_phase_voltage_volts="{{phase}}",
    ),
    lines(
        "Line voltage",
        "Voltage between two phases. Devices with one phase have none.",
        "volt",
        sma_ac_line_voltage_volts="{{lines}}",
    ),
    lines(
        "Phase power",
        "AC power of each phase, positive out of the inverter.",
        "watt",
        sma_ac_phase_power_watts="{{phase}}",
    ),
    lines(
        "Phase current",
        "AC current of each phase.",
        "amp",
        sma_ac_phase_current_amperes="{{phase}}",
    ),
    lines(
        "Reactive power",
        "Reactive power of all phases together, with the sign that the device gives it.",
        "voltampreact",
        sma_ac_reactive_power_vars="",
    ),
    lines(
        "Grid frequency",
        "Frequency at the inverter.",
        "hertz",
        sma_ac_frequency_hertz="",
    ),
    lines(
        "Power factor",
        "Displacement power factor, unsigned.",
        "none",
        sma_ac_power_factor_ratio="",
    ),
    lines(
        "Apparent power",
        "Apparent power of all phases together.",
        "voltamp",
        sma_ac_apparent_power_voltamperes="",
    ),
)

HEALTH = (
    lines(
        "Temperatures",
        "Temperature in the inverter, and of each battery pack and optimizer, as far as the device tells.",
        "celsius",
        sma_inverter_temperature_celsius="inverter",
        sma_battery_pack_temperature_celsius="battery {{pack}}",
        sma_optimizer_temperature_celsius="optimizer {{optimizer}}",
    ),
    graph(
        title="Insulation",
        description="Insulation resistance of the PV array, measured before feeding in. It falls with rain and dew; what stays "
        "low or falls for weeks is a damaged cable or module. Most models show it to the group installer only.",
        unit="ohm",
        width=12,
        minimum=0,
        no_value=NEEDS_INSTALLER,
        queries=[
            Query(expr=of("sma_pv_isolation_resistance_ohms"), legend="insulation {{device}}"),
            Query(
                expr=of("sma_insulation_residual_current_amperes"),
                legend="residual current {{device}}",
                unit="amp",
                right=True,
            ),
        ],
    ),
)

BATTERY = (
    lines(
        "Charge",
        "State of charge of the battery.",
        "percentunit",
        no_value=NOT_FITTED,
        sma_battery_state_of_charge_ratio="",
    ),
    graph(
        title="Battery power",
        description="Power out of the battery, and into it below zero.",
        unit="watt",
        width=12,
        no_value=NOT_FITTED,
        queries=[
            Query(
                expr=f"{of('sma_battery_discharge_power_watts')}\n"
                f"- {of('sma_battery_charge_power_watts')}",
                legend="{{device}}",
            ),
        ],
    ),
    lines(
        "Pack voltage",
        "Voltage of each battery pack.",
        "volt",
        no_value=NOT_FITTED,
        sma_battery_pack_voltage_volts="{{pack}}",
    ),
    lines(
        "Pack current",
        "Current of each battery pack, negative while charging.",
        "amp",
        no_value=NOT_FITTED,
        sma_battery_pack_current_amperes="{{pack}}",
    ),
)

METER = (
    graph(
        title="Grid exchange of each phase",
        description="What the meter counts on each phase: drawn from the grid, and fed into it below zero.",
        unit="watt",
        width=12,
        no_value=NOT_FITTED,
        queries=[
            Query(
                expr=f"{of('sma_meter_phase_import_power_watts')}\n"
                f"- {of('sma_meter_phase_export_power_watts')}",
                legend="{{phase}} {{device}}",
            ),
        ],
    ),
    lines(
        "Voltage at the meter",
        "Voltage of each phase at the grid connection.",
        "volt",
        no_value=NOT_FITTED,
        sma_meter_phase_voltage_volts="{{phase}}",
    ),
    lines(
        "Current at the meter",
        "Current of each phase at the grid connection.",
        "amp",
        no_value=NOT_FITTED,
        sma_meter_phase_current_amperes="{{phase}}",
    ),
    lines(
        "Reactive power at the meter",
        "Reactive power of each phase at the grid connection, with the sign that the device gives it.",
        "voltampreact",
        no_value=NOT_FITTED,
        sma_meter_phase_reactive_power_vars="{{phase}}",
    ),
)

OPTIMIZERS = (
    lines(
        "Optimizer power",
        "Power of each module's optimizer.",
        "watt",
        no_value=NOT_FITTED,
        sma_optimizer_power_watts="{{optimizer}}",
    ),
    lines(
        "Optimizer voltage",
        "Voltage of each module's optimizer.",
        "volt",
        no_value=NOT_FITTED,
        sma_optimizer_voltage_volts="{{optimizer}}",
    ),
    table(
        title="Optimizers",
        description="Number, serial number and signal strength of each module's optimizer.",
        unit="percentunit",
        no_value=NOT_FITTED,
        columns={"device": "Device", "optimizer": "Number", "serial": "Serial number"},
        queries=[
            Query(
                expr=f"{of('sma_optimizer_signal_strength_ratio')}\n"
                f"* on (job, instance, device, optimizer) group_left (serial)\n"
                f"{of('sma_optimizer_info')}",
                legend="Signal",
            ),
        ],
    ),
)

ROWS = (
    Row(title="Now", panels=NOW),
    Row(title="States", panels=STATES),
    Row(title="PV strings", panels=STRINGS),
    Row(title="Temperatures and insulation", panels=HEALTH),
    Row(title="Phases", panels=PHASES, closed=True),
    Row(title="Battery", panels=BATTERY, closed=True),
    Row(title="Meter", panels=METER, closed=True),
    Row(title="Optimizers", panels=OPTIMIZERS, closed=True),
)
