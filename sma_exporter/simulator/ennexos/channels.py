"""The channels of `measurements/live`: which channel holds which quantity, in blocks.

A `Computed` channel names a quantity (`inverter.…`, `storage.…`, `charger.…`, `meter.…`, `plant.…`,
`label.…`, see `Quantities`). A `Fixed` one never changes. A name that ends with [] is an array.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..localtime import DAY
from ..measurement import NOT_AVAILABLE, OFF, OK, Tags
from ..plant import COMMISSIONED
from .tokens import INSTALLER, USER

Value = float | str | Tags | None


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """When a channel is sent, to whom, and with which time.

    `night`, without sun on the device's modules: "gone" (old firmware leaves the channel out, newer
    sends what it measures), "nothing" (old firmware sends no value, newer "NaN"), or "kept".
    `asleep`: a state without sun. `added`: newer firmware only. `wifi`: only while the WiFi is on.
    `time`: of the measurement, of the boot, of the morning, of 1970, or a quantity that is a time.
    """

    role: str = USER
    night: Literal["kept", "gone", "nothing"] = "kept"
    asleep: Tags | None = None
    added: bool = False
    wifi: bool = False
    time: str = "now"


@dataclass(frozen=True)
class Computed(Behaviour):
    """A quantity, one element of it (`index`), or an array filled up to some `slots`.

    `step`: numbers are whole multiples of it; 0 for single precision; None for all digits.
    `counter`: it begins at 0 at the Unix time `start`, and when the counters are set back.
    """

    quantity: str
    index: int | None = None
    slots: int = 0
    step: float | None = 0
    counter: bool = False
    start: float = 0


@dataclass(frozen=True)
class Fixed(Behaviour):
    """A value, or an array of them: a plain tuple. `listed`: the reply has an entry for it."""

    value: Value | tuple[Value, ...]
    listed: bool = True


Row = Computed | Fixed
Table = Mapping[str, Row]


def measured(table: Table) -> dict[str, Row]:
    """Return a table under the whole names of its channels."""
    return {f"Measurement.{name}": row for name, row in table.items()}


def each_phase(name: str, quantity: str, phases: int = 3, **how: object) -> dict[str, Row]:
    """Rows for channels that end with phsA, phsB, phsC."""
    row = Computed(quantity)
    return {
        f"{name}.phs{letter}": dataclasses.replace(row, index=index, **how)  # type: ignore[arg-type]
        for index, letter in enumerate("ABC"[:phases])
    }


def total(quantity: str, **how: object) -> Computed:
    """Return the row of a counter."""
    return dataclasses.replace(Computed(quantity, step=None, counter=True), **how)  # type: ignore[arg-type]


def state(tag: int, **how: object) -> Fixed:
    """Return the row of a state that has not changed since the boot."""
    return dataclasses.replace(Fixed(Tags((tag,)), time="boot"), **how)  # type: ignore[arg-type]


def in_steps(table: Table, step: float) -> dict[str, Row]:
    """Return a table whose numbers are multiples of a step, but its counters and arrays as they are."""
    return {
        name: dataclasses.replace(row, step=step)
        if isinstance(row, Computed) and row.step == 0
        else row
        for name, row in table.items()
    }


def without(table: Table, *left_out: str) -> dict[str, Row]:
    """Return a table without some channels."""
    return {name: row for name, row in table.items() if name not in left_out}


NOTHING = Fixed(None, time="morning")
EMPTY = Fixed(None, listed=False)
TALLY = Computed("", step=1, counter=True, time="boot")


def tally(quantity: str, **how: object) -> Computed:
    """Return the row of a count of events."""
    return dataclasses.replace(TALLY, quantity=quantity, **how)  # type: ignore[arg-type]


# The AC side

AC: Table = measured(
    {
        "GridMs.TotW": Computed("inverter.ac_power", night="gone"),
        "GridMs.TotVA": Computed("inverter.apparent_power", night="gone"),
        "GridMs.TotVAr": Computed("inverter.reactive_power", night="gone"),
        "GridMs.TotA": Computed("inverter.current", night="gone"),
        "GridMs.Hz": Computed("inverter.frequency", night="gone"),
        "GridMs.TotPFPrc": Computed("inverter.power_factor", night="gone"),
        "GridMs.TotPFEEI": Computed("inverter.signed_power_factor", night="gone"),
        "GridMs.TotPFExt": Computed("inverter.excitation", night="gone"),
        "GridMs.GriTyp": state(18_007),
        "GridGuard.Cntry": state(27),
    }
)


def ac_phases(phases: int) -> Table:
    """Return what is measured on each phase."""
    return measured(
        {
            **each_phase("GridMs.W", "inverter.phase_powers", phases, night="gone"),
            **each_phase("GridMs.VA", "inverter.phase_apparent_powers", phases, night="gone"),
            **each_phase("GridMs.VAr", "inverter.phase_reactive_powers", phases, night="gone"),
            **each_phase("GridMs.A", "inverter.phase_currents", phases, night="gone"),
            **each_phase("GridMs.PhV", "inverter.phase_voltages", phases, night="gone"),
        }
    )


LINES: Table = measured(
    {
        "GridMs.PhV.phsA2B": Computed("inverter.line_voltages", 0, night="gone"),
        "GridMs.PhV.phsB2C": Computed("inverter.line_voltages", 1, night="gone"),
        "GridMs.PhV.phsC2A": Computed("inverter.line_voltages", 2, night="gone"),
    }
)

# The DC side

PV: Table = measured(
    {
        "PvGen.PvW": Computed("inverter.pv_power", night="gone"),
        "PvGen.PvWh": total("inverter.pv_total"),
        "DcMs.Watt[]": Computed("inverter.string_powers", night="gone"),
        "DcMs.Vol[]": Computed("inverter.string_voltages", night="gone"),
        "DcMs.Amp[]": Computed("inverter.string_currents", night="nothing"),
        # Firmware began to count it long after the commissioning.
        "DcMs.TotDcEnCntWh[]": total("inverter.string_totals", start=COMMISSIONED + 400 * DAY),
        "Isolation.FltA": Computed("inverter.residual_current", role=INSTALLER, night="nothing"),
        "Isolation.LeakRis": Computed("inverter.insulation_resistance", index=0, night="nothing"),
    }
)
# The yield counts from another day on than PvGen.PvWh.
FIRST_YIELD = COMMISSIONED + 9 * DAY
YIELD: Table = measured(
    {
        "Metering.TotWhOut": total("inverter.total_yield", start=FIRST_YIELD),
        "Metering.TotOpTms": total("inverter.operating_time"),
        "Metering.TotFeedTms": total("inverter.feed_in_time"),
    }
)
YIELD_OF_PV: Table = measured(
    {
        "GridMs.TotW.Pv": Computed("inverter.pv_power", night="gone"),
        "Metering.TotWhOut.Pv": total("inverter.pv_total", start=FIRST_YIELD),
    }
)

# States

OPERATION: Table = measured(
    {
        "Operation.Health": Fixed(OK, time="boot"),
        "Operation.HealthStt.Ok": Computed("label.rated_power", step=1, time="boot"),
        "Operation.HealthStt.Wrn": Fixed(0, time="boot"),
        "Operation.HealthStt.Alm": Fixed(0, time="boot"),
        "Operation.OpStt": Fixed(Tags((569,)), asleep=Tags((1393,))),
        "Operation.BckStt": Fixed(Tags((1440,))),
        "Operation.DrtStt": Fixed(Tags((884,))),
        "Operation.GriSwStt": Fixed(Tags((51,)), asleep=Tags((311,))),
        "Operation.PvGriConn": Fixed(Tags((1780,))),
        "Operation.RstrLokStt": Fixed(NOT_AVAILABLE),
        "Operation.StandbyStt": Fixed(NOT_AVAILABLE),
        "Operation.VArCtl.VArModAct": Fixed(Tags((4396,))),
        "Operation.VArCtl.VArModStt": Fixed(OFF),
        "Operation.WMaxLimSrc": state(302, time="now"),
        "Operation.WMinLimSrc": state(302, time="now"),
        "Inverter.VArModCfg.PFCtlVolCfg.Stt": Fixed(OFF),
        "Operation.Evt.Msg": state(302),
        "Operation.Evt.Dsc": state(302),
        "Operation.EvtCntUsr": tally("inverter.events_for_user"),
        "Operation.EvtCntIstl": tally("inverter.events_for_installer", role=INSTALLER),
        "Operation.GriSwCnt": tally("inverter.grid_connections", time="now"),
        "InOut.GI1": Fixed(48),
        "Upd.Stt": state(302),
        "WebConn.Stt": Fixed(OFF, time="boot"),
        "Spdwr.ComSocA.Stt": Fixed(OK, time="boot"),
        "SunSpecSig.SunSpecTx[]": Fixed((1130,)),
    }
)
PORTAL: Table = measured({"Portal.EnnexOS.ConnStt": Fixed(OK, time="boot", added=True)})
WIFI: Table = measured(
    {
        "Wl.ConnStt": Computed("link.condition", time="boot"),
        "Wl.SigPwr": Computed("link.signal", step=1, time="boot"),
        "Wl.SoftAcsConnStt": state(308, wifi=True),
        "Wl.AcqStt": state(3369, wifi=True),
    }
)
ANTENNA: Table = measured({"Wl.AntMod": state(3326)})
SETPOINTS: Table = {
    f"Setpoint.PlantControl.Inverter.{name}": NOTHING
    for name in (
        *("FstStop", "HzLimRed", "VArModCfg.PFCtlComCfg.PF", "VArModCfg.PFCtlComCfg.PFExt"),
        *("VArModCfg.VArCtlComCfg.VArNom", "VArModCfg.VArCtlVolCfg.VolRef.VolRefPu"),
        *("WModCfg.WCtlComCfg.W", "WModCfg.WCtlComCfg.WNom", "WModCfg.WCtlComCfg.WSptMax"),
        *("WModCfg.WCtlComCfg.WSptMaxNom", "WModCfg.WCtlComCfg.WSptMin"),
    )
}

TRIPOWER_X: Table = {
    **AC,
    **ac_phases(3),
    **LINES,
    **PV,
    **YIELD,
    **YIELD_OF_PV,
    **OPERATION,
    **PORTAL,
    **WIFI,
    **ANTENNA,
    **SETPOINTS,
    **measured(
        {
            "Coolsys.Inverter.TmpVal[]": Computed("inverter.zone_temperatures", night="nothing"),
            "Operation.RunStt": Fixed(Tags((295,)), asleep=NOT_AVAILABLE),
            "Operation.Evt.EvtNo": Fixed(8708, time="boot"),  # of an event long gone
            "Metering.DyWhOut": Computed("inverter.daily_yield", step=None, added=True),
        }
    ),
    "Setpoint.PlantControl.InOut.GO1": Fixed(0, time="boot"),
}

# Hybrid

BATTERY: Table = measured(
    {
        "Bat.Amp[]": Computed("storage.current"),
        "Bat.ChaStt": Computed("storage.state_of_charge"),
        "Bat.ChaSttArr[]": Computed("storage.state_of_charge"),
        "Bat.Diag.VolMax[]": Computed("storage.end_of_charge_voltage", role=INSTALLER),
        "Bat.OpTms[]": total("storage.operating_time"),
        "Bat.TmpVal[]": Computed("storage.temperature"),
        "Bat.Vol[]": Computed("storage.voltage"),
        "BatChrg.BatChrg": total("storage.charge_total"),
        "BatChrg.BatChrgArr[]": total("storage.charge_total"),
        "BatChrg.CurBatCha": Computed("storage.charge_power"),
        "BatChrg.CurBatChaArr[]": Computed("storage.charge_power"),
        "BatDsch.BatDsch": total("storage.discharge_total"),
        "BatDsch.BatDschArr[]": total("storage.discharge_total"),
        "BatDsch.CurBatDsch": Computed("storage.discharge_power"),
        "BatDsch.CurBatDschArr[]": Computed("storage.discharge_power"),
        "Metering.GridMs.TotWhIn.Bat": total("storage.charge_total"),
        "Metering.GridMs.TotWhOut.Bat": total("storage.discharge_total"),
        "Operation.Bat.Health[]": Computed("storage.condition", time="boot"),
    }
)
BATTERY_SETPOINT: Table = {"Setpoint.PlantControl.CmpBMS.OpMod[]": Computed("storage.command")}
SECURE_POWER: Table = measured(
    {"EpsMs.Vol": Fixed(0), "EpsMs.Amp": Fixed(0), "EpsMs.Watt": Fixed(0)}
)
INPUTS = 3  # DC inputs of the hybrid, of which some are free
ENERGY_COUNTERS = 6


def with_free_inputs(table: Table) -> Table:
    """Return the DC side of a device whose arrays are longer than it has modules."""
    slots = {
        "Measurement.DcMs.Watt[]": INPUTS,
        "Measurement.DcMs.Vol[]": INPUTS,
        "Measurement.DcMs.Amp[]": INPUTS,
        "Measurement.DcMs.TotDcEnCntWh[]": ENERGY_COUNTERS,
    }
    return {
        name: dataclasses.replace(row, slots=slots[name])
        if isinstance(row, Computed) and name in slots
        else row
        for name, row in table.items()
    }


SMART_ENERGY: Table = {
    **AC,
    **ac_phases(1),
    **with_free_inputs(PV),
    **YIELD,
    **YIELD_OF_PV,
    **OPERATION,
    **PORTAL,
    **WIFI,
    **ANTENNA,
    **BATTERY,
    **BATTERY_SETPOINT,
    **SECURE_POWER,
    **measured(
        {
            "GridMs.PhV.phsA2B": Fixed(0),
            "Metering.TotWhIn": total("inverter.absorbed_total"),
            "Coolsys.Inverter.TmpVal[]": Computed("inverter.temperature"),
            "Operation.RunStt": Computed("inverter.operation"),
            "InOut.GO1": Fixed(0, added=True),
            "Metering.GridMs.TotWIn": Computed("meter.draw_power"),
            "Metering.GridMs.TotWhIn": total("meter.draw_total"),
        }
    ),
}

# Charging station

_EVC: Table = measured(
    {
        "ChaSess.WhIn": Computed("charger.session_energy", step=1, time="charger.session_time"),
        "Chrg.ModSw": state(4950),
        **each_phase("GridMs.A", "charger.phase_currents", step=0.001),
        **each_phase("GridMs.PhV", "charger.phase_voltages"),
        "GridMs.Hz": Computed("meter.frequency", step=0.01),
        "GridMs.TotPF": Computed("charger.power_factor", step=0.001),
        "GridMs.TotVA": Computed("charger.apparent_power"),
        "GridMs.TotVAr": Computed("charger.reactive_power"),
        "InOut.GI1": Fixed(0),
        "Metering.GridMs.TotWIn": Computed("charger.power"),
        "Metering.GridMs.TotWIn.ChaSta": Computed("charger.power"),
        "Metering.GridMs.TotWhIn": total("charger.total", step=1),
        "Metering.GridMs.TotWhIn.ChaSta": total("charger.total", step=1),
        "Operation.EVeh.ChaStt": Computed("charger.status"),
        "Operation.EVeh.Health": Fixed(OK),
        "Operation.Evt.Msg": state(302),
        "Operation.Health": Fixed(OK, time="boot"),
        "Operation.WMaxLimNom": Fixed(None, time="1970"),
        "Operation.WMaxLimSrc": state(2608, role=INSTALLER),
    }
)
CHARGING_STATION: Table = {
    **in_steps(_EVC, 0.1),
    **WIFI,
    "Setpoint.PlantControl.PCC.ChrgActCnt": Computed("charger.vehicles", step=1),
}

# The plant, and what is behind a system manager

CONNECTION_POINT: Table = measured(
    {
        **each_phase("Metering.PCCMs.PlntA", "meter.signed_phase_currents", step=0.001),
        "Metering.PCCMs.PlntCsmpW": Computed("meter.draw_power"),
        "Metering.PCCMs.PlntCsmpWh": total("meter.draw_total", step=1),
        "Metering.PCCMs.PlntHz": Computed("meter.frequency", step=0.001),
        "Metering.PCCMs.PlntPF": Computed("meter.power_factor", step=0.001),
        **each_phase("Metering.PCCMs.PlntPhV", "meter.phase_voltages", step=0.001),
        "Metering.PCCMs.PlntVAr": Computed("meter.reactive_power"),
        **each_phase("Metering.PCCMs.PlntVAr", "meter.phase_reactive_powers"),
        "Metering.PCCMs.PlntW": Computed("meter.feed_in_power"),
        **each_phase("Metering.PCCMs.PlntW", "meter.phase_exchange"),
        "Metering.PCCMs.PlntWh": total("meter.feed_in_total", step=1),
    }
)
PLANT: Table = in_steps(
    {
        **CONNECTION_POINT,
        **measured(
            {
                "Metering.GridMs.TotWIn.ChaSta": Computed("plant.charging_power"),
                "Metering.GridMs.TotWhIn.ChaSta": total("plant.charging_total", step=1),
                "Operation.Health": Fixed(OK, time="boot"),
            }
        ),
        "Setpoint.PlantControl.Inverter.FstStop": state(1467),
        "Setpoint.ExternalPlantControl.Inverter.VArModCfg.VArCtlVolCfg.VolRef.VolRefPu": NOTHING,
    },
    0.1,
)
PLANT_OF_INVERTER: Table = {
    **PLANT,
    **measured(
        {
            "GridMs.TotW": Computed("plant.ac_power"),
            "GridMs.TotVAr": Computed("plant.reactive_power"),
            "GridMs.TotW.Pv": Computed("plant.pv_power"),
            "Metering.DyWhOut": Computed("plant.daily_yield", step=1),
            "Metering.TotWhOut.Pv": total("plant.pv_total", step=1),
            "Metering.GridMs.TotWhIn.Bat": total("plant.charge_total", step=1),
            "Metering.GridMs.TotWhOut.Bat": total("plant.discharge_total", step=1),
            "Operation.OpStt": state(569),
            "Operation.WMaxLimNom": Fixed(100, role=INSTALLER),
            "Operation.WMaxLimSrc": state(302, role=INSTALLER),
        }
    ),
}
PLANT_OF_MANAGER: Table = {
    **PLANT_OF_INVERTER,
    **measured(
        {
            "GridMs.TotW.Pv": EMPTY,  # never has a value there
            "Operation.NbrRunStt": Computed("plant.running", step=1),
            "Operation.NbrWaitStt": Computed("plant.waiting", step=1),
            "Operation.NbrStopStt": Fixed(0),
            "Operation.NbrQodStt": Fixed(0),
        }
    ),
}
MANAGER: Table = measured(
    {
        "Operation.Health": Fixed(OK, time="boot"),
        "InOut.GI1": Fixed(0),
        "Portal.EnnexOS.ConnStt": Fixed(OK, time="boot"),
        "WebConn.Stt": Fixed(OFF, time="boot"),
    }
)
ENERGY_METER: Table = in_steps(
    measured(
        {
            **each_phase("Metering.GridMs.A", "meter.signed_phase_currents", step=0.001),
            "Metering.GridMs.Hz": Computed("meter.frequency", step=0.001),
            **each_phase("Metering.GridMs.PhV", "meter.phase_voltages", step=0.001),
            "Metering.GridMs.TotPF": Computed("meter.power_factor", step=0.001),
            "Metering.GridMs.TotWIn": Computed("meter.draw_power"),
            "Metering.GridMs.TotWOut": Computed("meter.feed_in_power"),
            "Metering.GridMs.TotWhIn": total("meter.draw_total"),
            "Metering.GridMs.TotWhOut": total("meter.feed_in_total"),
            **each_phase("Metering.GridMs.VA", "meter.phase_apparent_powers"),
            **each_phase("Metering.GridMs.VAr", "meter.phase_reactive_powers"),
            **each_phase("Metering.GridMs.W", "meter.phase_exchange"),
            "Operation.Health": Fixed(OK, time="boot"),
        }
    ),
    0.1,
)
OLD_INVERTER: Table = in_steps(
    measured(
        {
            **each_phase("GridMs.A", "inverter.phase_currents", 1, step=0.001),
            **each_phase("GridMs.PhV", "inverter.phase_voltages", 1, step=0.01),
            "GridMs.Hz": Computed("inverter.frequency", step=0.01),
            "GridMs.TotW": Computed("inverter.ac_power", step=1),
            "GridMs.TotW.Pv": Computed("inverter.pv_power", step=1),
            "DcMs.Watt[]": Computed("inverter.string_powers", step=1),
            "DcMs.Vol[]": Computed("inverter.string_voltages", step=0.01),
            "DcMs.Amp[]": Computed("inverter.string_currents", step=0.001),
            "Coolsys.Inverter.TmpVal": Computed("inverter.temperature"),
            "Isolation.FltA": Computed("inverter.residual_current", step=0.001),
            "Isolation.LeakRis": Computed("inverter.insulation_resistance", index=0, step=1),
            "Metering.TotOpTms": total("inverter.operating_time", step=1),
            "Metering.TotFeedTms": total("inverter.feed_in_time", step=1),
            "Metering.TotWhOut.Pv": total("inverter.pv_total", step=1),
            "Operation.GriSwCnt": tally("inverter.grid_connections", time="now"),
            "Operation.Health": Fixed(OK),
        }
    ),
    0.1,
)
INVERTER_BEHIND_MANAGER: Table = {
    **in_steps(without(ac_phases(3), *measured(each_phase("GridMs.VA", ""))), 0.1),
    **OLD_INVERTER,
    **measured(
        {
            "GridMs.TotVA": Computed("inverter.apparent_power", step=1),
            "GridMs.TotVAr": Computed("inverter.reactive_power", step=1),
            "GridMs.TotVAr.Pv": Computed("inverter.reactive_power", step=1),
            "GridGuard.Cntry": state(7533),
            "Operation.DrtStt": Fixed(Tags((884,))),
            "Operation.Evt.EvtNo": Fixed(0),
            "Operation.Evt.EvtNoShrt": Fixed(0),
            "Operation.Evt.Prio": state(887),
            "Operation.EvtCntIstl": tally("inverter.events_for_installer", role=INSTALLER),
            "Operation.EvtCntUsr": tally("inverter.events_for_user"),
            "Operation.GriSwStt": Fixed(Tags((51,)), asleep=Tags((311,))),
            "Operation.RmgTms": Fixed(0),
        }
    ),
}
