"""ennexOS' channels: which sensor each is, and in which unit its number comes.

Data. A channel has one meaning on all models (domain/ennexos.md, chapter 11), but for those of a
charging station's own meter. A device has what its model, firmware, equipment and the user's role
bring. Left out on purpose: texts with addresses and names, set points of controlling systems,
extremes since the first day, and what no source explains.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..sma.sensors import expanded

#: What most channel ids begin with; the names here leave it out.
MEASUREMENT = "Measurement."


@dataclass(frozen=True, slots=True)
class Channel:
    """A row of the table.

    `name`: the id without "Measurement." and without the "[]" of an array; each channel may come as
    one value or as an array. `sensor`: the sensor, or the template of an array. `unit`: as the device
    has it; `sma.objects.UNITS` leads to the base unit.

    `negative`: the number is signed; `sensor` is max(x, 0), this one max(-x, 0). `parts`: the
    template that an array of more than one is; a single value is `sensor`. `pick`: of an array, the
    value that counts; else it is the first one, where `sensor` is no template. `none`: the state that
    302 ("---") stands for; elsewhere 302 is no value. `charger`: True for charging stations only,
    False for all other devices only.
    """

    name: str
    sensor: str
    unit: str = ""
    negative: str = ""
    parts: str = ""
    pick: Callable[[Iterable[float]], float] | None = None
    none: int | None = None
    charger: bool | None = None

    @property
    def id(self) -> str:
        """The id, without the "[]" of an array."""
        return id_of(self.name)

    @property
    def is_parameter(self) -> bool:
        """Whether it describes the device or was set on it: `parameters/search` has it, as text."""
        return self.name.startswith("Parameter.")

    @property
    def sensors(self) -> tuple[str, ...]:
        """Every sensor that it can be."""
        templates = filter(None, (self.sensor, self.negative, self.parts))
        return tuple(name for template in templates for name in expanded(template))


def id_of(name: str) -> str:
    """Return a channel's id, without the "[]" of an array."""
    return name if name.startswith(("Parameter.", "Setpoint.")) else MEASUREMENT + name


def name_of(channel_id: str) -> str:
    """Return a channel's name in the table, from its id in a reply."""
    return channel_id.removeprefix(MEASUREMENT).removesuffix("[]")


# fmt: off
#: By subject, as the sensors. Of several channels of one sensor the first that a device has counts.
CHANNELS: tuple[Channel, ...] = (
    # AC side
    Channel("GridMs.TotW", "grid_power", "W"),
    Channel("GridMs.W.phsA", "power_l1", "W"),
    Channel("GridMs.W.phsB", "power_l2", "W"),
    Channel("GridMs.W.phsC", "power_l3", "W"),
    Channel("GridMs.PhV.phsA", "voltage_l1", "V"),
    Channel("GridMs.PhV.phsB", "voltage_l2", "V"),
    Channel("GridMs.PhV.phsC", "voltage_l3", "V"),
    Channel("GridMs.PhV.phsA2B", "line_voltage_l1_l2", "V"),
    Channel("GridMs.PhV.phsB2C", "line_voltage_l2_l3", "V"),
    Channel("GridMs.PhV.phsC2A", "line_voltage_l3_l1", "V"),
    Channel("GridMs.TotA", "current_total", "A"),
    Channel("GridMs.A.phsA", "current_l1", "A"),
    Channel("GridMs.A.phsB", "current_l2", "A"),
    Channel("GridMs.A.phsC", "current_l3", "A"),
    Channel("GridMs.Hz", "frequency", "Hz"),
    Channel("GridMs.TotVAr", "grid_reactive_power", "var"),
    Channel("GridMs.TotVAr.Pv", "grid_reactive_power", "var"),
    Channel("GridMs.VAr.phsA", "grid_reactive_power_l1", "var"),
    Channel("GridMs.VAr.phsB", "grid_reactive_power_l2", "var"),
    Channel("GridMs.VAr.phsC", "grid_reactive_power_l3", "var"),
    Channel("GridMs.TotVA", "grid_apparent_power", "VA"),
    Channel("GridMs.VA.phsA", "grid_apparent_power_l1", "VA"),
    Channel("GridMs.VA.phsB", "grid_apparent_power_l2", "VA"),
    Channel("GridMs.VA.phsC", "grid_apparent_power_l3", "VA"),
    Channel("GridMs.TotPFPrc", "grid_power_factor"),
    Channel("GridMs.TotPF", "grid_power_factor"),
    Channel("GridMs.TotPFEEI", "grid_power_factor_eei"),
    Channel("GridMs.TotPFExt", "grid_power_factor_excitation"),
    # DC side
    Channel("PvGen.PvW", "pv_power", "W"),
    Channel("GridMs.TotW.Pv", "pv_power", "W"),
    Channel("DcMs.Watt", "pv_power_{string}", "W"),
    Channel("DcMs.Vol", "pv_voltage_{string}", "V"),
    Channel("DcMs.Amp", "pv_current_{string}", "A"),
    Channel("DcMs.TotDcEnCntWh", "pv_energy_{string}", "Wh"),
    Channel("Isolation.LeakRis", "pv_isolation_resistance", "Ohm"),
    Channel("Isolation.FltA", "insulation_residual_current", "A"),
    # Yield
    Channel("Metering.TotWhOut", "total_yield", "Wh"),
    Channel("Metering.DyWhOut", "daily_yield", "Wh"),
    Channel("PvGen.PvWh", "pv_gen_meter", "Wh"),
    Channel("Metering.TotWhOut.Pv", "pv_gen_meter", "Wh"),
    Channel("Metering.TotWhIn", "total_absorbed", "Wh"),
    # Grid connection, from the meter
    Channel("Metering.GridMs.TotWOut", "metering_power_supplied", "W", charger=False),
    Channel("Metering.PCCMs.PlntW", "metering_power_supplied", "W"),
    Channel("Metering.GridMs.TotWIn", "metering_power_absorbed", "W", charger=False),
    Channel("Metering.PCCMs.PlntCsmpW", "metering_power_absorbed", "W"),
    Channel("Metering.GridMs.TotWhOut", "metering_total_yield", "Wh", charger=False),
    Channel("Metering.PCCMs.PlntWh", "metering_total_yield", "Wh"),
    Channel("Metering.GridMs.TotWhIn", "metering_total_absorbed", "Wh", charger=False),
    Channel("Metering.PCCMs.PlntCsmpWh", "metering_total_absorbed", "Wh"),
    Channel("Metering.GridMs.W.phsA", "metering_active_power_feed_l1", "W",
            negative="metering_active_power_draw_l1", charger=False),
    Channel("Metering.PCCMs.PlntW.phsA", "metering_active_power_feed_l1", "W",
            negative="metering_active_power_draw_l1"),
    Channel("Metering.GridMs.W.phsB", "metering_active_power_feed_l2", "W",
            negative="metering_active_power_draw_l2", charger=False),
    Channel("Metering.PCCMs.PlntW.phsB", "metering_active_power_feed_l2", "W",
            negative="metering_active_power_draw_l2"),
    Channel("Metering.GridMs.W.phsC", "metering_active_power_feed_l3", "W",
            negative="metering_active_power_draw_l3", charger=False),
    Channel("Metering.PCCMs.PlntW.phsC", "metering_active_power_feed_l3", "W",
            negative="metering_active_power_draw_l3"),
    Channel("Metering.GridMs.PhV.phsA", "metering_voltage_l1", "V", charger=False),
    Channel("Metering.PCCMs.PlntPhV.phsA", "metering_voltage_l1", "V"),
    Channel("Metering.GridMs.PhV.phsB", "metering_voltage_l2", "V", charger=False),
    Channel("Metering.PCCMs.PlntPhV.phsB", "metering_voltage_l2", "V"),
    Channel("Metering.GridMs.PhV.phsC", "metering_voltage_l3", "V", charger=False),
    Channel("Metering.PCCMs.PlntPhV.phsC", "metering_voltage_l3", "V"),
    Channel("Metering.GridMs.A.phsA", "metering_current_l1", "A", charger=False),
    Channel("Metering.PCCMs.PlntA.phsA", "metering_current_l1", "A"),
    Channel("Metering.GridMs.A.phsB", "metering_current_l2", "A", charger=False),
    Channel("Metering.PCCMs.PlntA.phsB", "metering_current_l2", "A"),
    Channel("Metering.GridMs.A.phsC", "metering_current_l3", "A", charger=False),
    Channel("Metering.PCCMs.PlntA.phsC", "metering_current_l3", "A"),
    Channel("Metering.GridMs.Hz", "metering_frequency", "Hz", charger=False),
    Channel("Metering.PCCMs.PlntHz", "metering_frequency", "Hz"),
    Channel("Metering.GridMs.TotVAr", "metering_reactive_power", "var", charger=False),
    Channel("Metering.PCCMs.PlntVAr", "metering_reactive_power", "var"),
    Channel("Metering.GridMs.VAr.phsA", "metering_reactive_power_l1", "var", charger=False),
    Channel("Metering.PCCMs.PlntVAr.phsA", "metering_reactive_power_l1", "var"),
    Channel("Metering.GridMs.VAr.phsB", "metering_reactive_power_l2", "var", charger=False),
    Channel("Metering.PCCMs.PlntVAr.phsB", "metering_reactive_power_l2", "var"),
    Channel("Metering.GridMs.VAr.phsC", "metering_reactive_power_l3", "var", charger=False),
    Channel("Metering.PCCMs.PlntVAr.phsC", "metering_reactive_power_l3", "var"),
    Channel("Metering.GridMs.TotVA", "metering_apparent_power", "VA", charger=False),
    Channel("Metering.GridMs.VA.phsA", "metering_apparent_power_l1", "VA", charger=False),
    Channel("Metering.GridMs.VA.phsB", "metering_apparent_power_l2", "VA", charger=False),
    Channel("Metering.GridMs.VA.phsC", "metering_apparent_power_l3", "VA", charger=False),
    Channel("Metering.GridMs.TotPF", "metering_power_factor", charger=False),
    Channel("Metering.PCCMs.PlntPF", "metering_power_factor"),
    Channel("Metering.Mb.EnMtrTyp", "energy_meter_model"),
    # Battery
    Channel("Bat.ChaStt", "battery_soc_total", "%"),
    Channel("Bat.ChaSttArr", "battery_soc_{pack}", "%"),
    Channel("Bat.Diag.ActlCapacNom", "battery_capacity_total", "%"),
    Channel("Bat.Diag.ActlCapacNomArr", "battery_capacity_{pack}", "%"),
    Channel("Bat.Vol", "battery_voltage_{pack}", "V"),
    Channel("Bat.ChaVolSptDmd", "battery_charging_voltage_{pack}", "V"),
    Channel("Bat.DschVolSptDmd", "battery_discharging_voltage_{pack}", "V"),
    Channel("Bat.Amp", "battery_current_{pack}", "A"),
    Channel("Bat.ChaAmpSptDmd", "battery_charge_current_limit_{pack}", "A"),
    Channel("Bat.DschAmpSptDmd", "battery_discharge_current_limit_{pack}", "A"),
    Channel("Bat.TmpVal", "battery_temp_{pack}", "°C"),
    Channel("Bat.TmpValMin", "battery_temp_lowest", "°C", pick=min),
    Channel("Bat.TmpValMax", "battery_temp_highest", "°C", pick=max),
    Channel("Bat.CelVolMin", "battery_cell_voltage_lowest", "V", pick=min),
    Channel("Bat.CelVolMax", "battery_cell_voltage_highest", "V", pick=max),
    Channel("Bat.CelVolSum", "battery_cell_voltage_sum_{pack}", "V"),
    Channel("BatChrg.CurBatCha", "battery_power_charge_total", "W"),
    Channel("Metering.GridMs.TotWIn.Bat", "battery_power_charge_total", "W"),
    Channel("BatChrg.CurBatChaArr", "battery_power_charge_{pack}", "W"),
    Channel("Bat.AvailBatChrg", "battery_charge_power_available", "W"),
    Channel("BatDsch.CurBatDsch", "battery_power_discharge_total", "W"),
    Channel("Metering.GridMs.TotWOut.Bat", "battery_power_discharge_total", "W"),
    Channel("BatDsch.CurBatDschArr", "battery_power_discharge_{pack}", "W"),
    Channel("Bat.AvailBatDsch", "battery_discharge_power_available", "W"),
    Channel("BatChrg.BatChrg", "battery_charge_total", "Wh"),
    Channel("Metering.GridMs.TotWhIn.Bat", "battery_charge_total", "Wh"),
    Channel("BatChrg.BatChrgArr", "battery_charge_{pack}", "Wh"),
    Channel("BatChrg.ActBatChrg", "battery_charge_installed", "Wh"),
    Channel("BatChrg.ActBatChrgArr", "battery_charge_installed_{pack}", "Wh"),
    Channel("BatDsch.BatDsch", "battery_discharge_total", "Wh"),
    Channel("Metering.GridMs.TotWhOut.Bat", "battery_discharge_total", "Wh"),
    Channel("BatDsch.BatDschArr", "battery_discharge_{pack}", "Wh"),
    Channel("BatDsch.ActBatDsch", "battery_discharge_installed", "Wh"),
    Channel("BatDsch.ActBatDschArr", "battery_discharge_installed_{pack}", "Wh"),
    Channel("Bat.Diag.TotAhIn", "battery_charge_amount", "Ah"),
    Channel("Bat.Diag.TotAhOut", "battery_discharge_amount", "Ah"),
    Channel("Parameter.Bat.CapacRtgWh", "battery_nominal_capacity", "Wh"),
    Channel("Parameter.Plnt.CapacRtgWh", "battery_nominal_capacity", "Wh"),
    Channel("Bat.AvailBatDschWh", "battery_energy_available", "Wh"),
    Channel("Plnt.TotAvalDsch", "battery_energy_available", "Wh"),
    Channel("Bat.AvailBatChrgWh", "battery_energy_free", "Wh"),
    Channel("Plnt.TotAvalCha", "battery_energy_free", "Wh"),
    Channel("Bat.Diag.CapacThrpCnt", "battery_cycles"),
    Channel("Bat.OpTms", "battery_operating_time", "s", pick=max),
    Channel("Bat.Diag.CntErrOvV", "battery_overvoltage_errors"),
    Channel("Bat.Diag.CntWrnOvV", "battery_high_voltage_warnings"),
    Channel("Bat.Diag.CntWrnSOCLo", "battery_low_charge_warnings"),
    Channel("Bat.OpStt", "battery_status_operating_mode"),
    Channel("Operation.Bat.Health", "battery_condition_{pack}"),
    Channel("Operation.CmpBMS.OpStt", "battery_management_status_{pack}"),
    Channel("Setpoint.PlantControl.CmpBMS.OpMod", "battery_management_command_{pack}"),
    Channel("Bat.RemCtl.RemCtlStt", "battery_charge_control_available_{pack}"),
    # Backup and secure power supply
    Channel("Operation.BckStt", "backup_mode_status"),
    Channel("EpsMs.Vol", "sps_voltage", "V"),
    Channel("EpsMs.Amp", "sps_current", "A"),
    Channel("EpsMs.Watt", "sps_power", "W"),
    # Optimizers
    Channel("DcMs.PanLevMdul.Watt", "optimizer_power_{optimizer}", "W"),
    Channel("DcMs.PanLevMdul.Amp", "optimizer_current_{optimizer}", "A"),
    Channel("DcMs.PanLevMdul.Vol", "optimizer_voltage_{optimizer}", "V"),
    Channel("DcMs.PanLevMdul.Tmp", "optimizer_temp_{optimizer}", "°C"),
    Channel("DcMs.PanLevMdul.SigPwr", "optimizer_signal_strength_{optimizer}", "%"),
    Channel("Operation.PanLevMdul.Health", "optimizer_condition_{optimizer}"),
    Channel("Operation.PanLevCom.Health", "gateway_condition_{gateway}"),
    Channel("Operation.PanLevCtl.Health", "module_control_condition"),
    Channel("DcMs.PanLevCtl.CfgStt", "module_control_commissioning"),
    # Limits and set points
    Channel("Parameter.Inverter.WLim", "inverter_power_limit", "W"),
    Channel("Parameter.Inverter.WMaxOutRtg", "inverter_power_limit", "W"),
    Channel("Operation.Dmd.WCtl", "active_power_setpoint", "W"),
    Channel("Parameter.Inverter.WMax", "active_power_limit_set", "W"),
    Channel("Operation.WMaxLimNom", "active_power_limit_ratio", "%"),
    Channel("Operation.WMinLimNom", "active_power_lower_limit_ratio", "%"),
    Channel("Operation.WMaxLimSrc", "active_power_limit_source", none=302),
    Channel("Operation.WMinLimSrc", "active_power_lower_limit_source", none=302),
    Channel("Operation.WMaxInLimNom", "absorbed_power_limit_ratio", "%"),
    Channel("Operation.WMinInLimNom", "absorbed_power_lower_limit_ratio", "%"),
    Channel("Inverter.CurWCtlNom", "active_power_setpoint_ratio", "%"),
    Channel("InOut.DigIn.CurWCtlNom", "digital_input_power_limit_ratio", "%"),
    Channel("Inverter.WAval", "available_power", "W"),
    Channel("Operation.CurAvailVArOvExt", "available_reactive_power_overexcited", "var"),
    Channel("Operation.CurAvailVArUnExt", "available_reactive_power_underexcited", "var"),
    Channel("Operation.CurAvailVArOvExtNom", "available_reactive_power_ratio_overexcited", "%"),
    Channel("Operation.CurAvailVArUnExtNom", "available_reactive_power_ratio_underexcited", "%"),
    Channel("Operation.VArMaxLimNom", "reactive_power_limit_ratio", "%"),
    Channel("Operation.VArMinLimNom", "reactive_power_lower_limit_ratio", "%"),
    Channel("Operation.VArCtl.VArModStt", "reactive_power_mode"),
    Channel("Operation.VArCtl.VArModAct", "reactive_power_range"),
    Channel("InOut.GI1", "digital_input_group"),
    Channel("InOut.GO1", "digital_output_group"),
    Channel("Setpoint.PlantControl.InOut.GO1", "digital_output_group"),
    # Plant
    Channel("Parameter.Plnt.WRtg", "plant_power_rated", "W"),
    Channel("Parameter.Plnt.DcWRtg", "plant_dc_power_rated", "W"),
    Channel("Operation.CurAvailPlnt", "plant_availability", "%"),
    Channel("Operation.NbrRunStt", "plant_inverters_running"),
    Channel("Operation.NbrWaitStt", "plant_inverters_waiting"),
    Channel("Operation.NbrStopStt", "plant_inverters_stopped"),
    Channel("Operation.NbrQodStt", "plant_inverters_reactive_power_on_demand"),
    # Charging stations
    Channel("Metering.GridMs.TotWIn.ChaSta", "charging_power", "W"),
    Channel("Metering.GridMs.TotWIn", "charging_power", "W", charger=True),
    Channel("Metering.GridMs.TotWhIn.ChaSta", "charging_total", "Wh"),
    Channel("Metering.GridMs.TotWhIn", "charging_total", "Wh", charger=True),
    Channel("ChaSess.WhIn", "charging_session_energy", "Wh"),
    Channel("Operation.EVeh.ChaStt", "charging_session_status"),
    Channel("Operation.EVeh.Health", "vehicle_condition"),
    Channel("Chrg.ModSw", "charging_mode_switch"),
    Channel("Parameter.Chrg.ActChaMod", "charging_mode"),
    Channel("Parameter.Chrg.ChrgApv", "charging_lock"),
    Channel("Parameter.Inverter.AcALim", "charging_current_limit", "A", charger=True),
    Channel("Parameter.Inverter.WMaxInRtg", "charging_power_rated", "W", charger=True),
    Channel("Setpoint.PlantControl.PCC.ChrgActCnt", "charging_stations_active"),
    # External grid
    Channel("ExtGridMs.TotW", "external_grid_power", "W"),
    Channel("ExtGridMs.W.phsA", "external_grid_power_l1", "W"),
    Channel("ExtGridMs.W.phsB", "external_grid_power_l2", "W"),
    Channel("ExtGridMs.W.phsC", "external_grid_power_l3", "W"),
    Channel("ExtGridMs.PhV.phsA", "external_grid_voltage_l1", "V"),
    Channel("ExtGridMs.PhV.phsB", "external_grid_voltage_l2", "V"),
    Channel("ExtGridMs.PhV.phsC", "external_grid_voltage_l3", "V"),
    Channel("ExtGridMs.TotA", "external_grid_current", "A"),
    Channel("ExtGridMs.A.phsA", "external_grid_current_l1", "A"),
    Channel("ExtGridMs.A.phsB", "external_grid_current_l2", "A"),
    Channel("ExtGridMs.A.phsC", "external_grid_current_l3", "A"),
    Channel("ExtGridMs.Hz", "external_grid_frequency", "Hz"),
    Channel("ExtGridMs.TotVAr", "external_grid_reactive_power", "var"),
    Channel("ExtGridMs.VAr.phsA", "external_grid_reactive_power_l1", "var"),
    Channel("ExtGridMs.VAr.phsB", "external_grid_reactive_power_l2", "var"),
    Channel("ExtGridMs.VAr.phsC", "external_grid_reactive_power_l3", "var"),
    Channel("ExtGridMs.TotWhOut", "external_grid_total_export", "Wh"),
    Channel("ExtGridMs.TotWhIn", "external_grid_total_import", "Wh"),
    # Temperatures
    Channel("Coolsys.Inverter.TmpVal", "inverter_temp", "°C", parts="inverter_zone_temp_{zone}"),
    Channel("Coolsys.Fan.DuCyc", "fan_duty_cycle_{fan}", "%"),
    Channel("Coolsys.Tr.TmpVal", "transformer_temp", "°C"),
    Channel("Coolsys.Cab.TmpValIstl", "internal_temp", "°C"),
    # Operation
    Channel("Operation.Health", "status"),
    Channel("Operation.OpStt", "operating_status_general"),
    Channel("Operation.RunStt", "operating_status"),
    Channel("Operation.Inverter.Health", "inverter_condition"),
    Channel("Operation.HealthStt.Ok", "nominal_power_ok", "W"),
    Channel("Operation.HealthStt.Wrn", "nominal_power_warning", "W"),
    Channel("Operation.HealthStt.Alm", "nominal_power_fault", "W"),
    Channel("Operation.DrtStt", "derating_reason"),
    Channel("Operation.RstrLokStt", "block_status"),
    Channel("Operation.GriSwStt", "grid_relay_status"),
    Channel("MltFncSw.SttMstr", "multifunction_relay_status"),
    Channel("Operation.PvGriConn", "plant_mains_connection"),
    Channel("GridGuard.Cntry", "country_standard"),
    Channel("GridMs.GriTyp", "grid_type"),
    Channel("Metering.TotOpTms", "operating_time", "s"),
    Channel("Metering.TotFeedTms", "feed_in_time", "s"),
    Channel("Operation.RmgTms", "feed_in_wait_time", "s"),
    Channel("Operation.GriSwCnt", "grid_connections"),
    Channel("Operation.AbsDcSwCnt", "dc_disconnects"),
    Channel("Inverter.SwAfciCnt", "arc_faults"),
    Channel("Operation.EvtCntUsr", "events_user"),
    Channel("Operation.EvtCntIstl", "events_installer"),
    Channel("Operation.Evt.EvtNo", "event_number"),
    Channel("Operation.Evt.EvtNoShrt", "event_number"),
    Channel("Operation.FailCode", "error_code"),
    Channel("Operation.Evt.Msg", "event_message", none=886),
    Channel("Operation.Evt.Prio", "event_recommended_action"),
    Channel("Operation.Evt.Dsc", "event_correction_measure", none=885),
    Channel("Upd.Stt", "firmware_update_status", none=3584),
    # Communication
    Channel("Spdwr.ComSocA.Stt", "speedwire_a_status"),
    Channel("Wl.ConnStt", "wifi_status"),
    Channel("Wl.SoftAcsConnStt", "wifi_access_point_status"),
    Channel("WebConn.Stt", "webconnect_status"),
    Channel("Portal.EnnexOS.ConnStt", "portal_status"),
    Channel("Metering.Mb.Health", "energy_meter_modbus_status"),
    Channel("Spdwr.ComSocA.ConnSpd", "speedwire_a_speed"),
    Channel("Spdwr.ComSocA.DpxMode", "speedwire_a_duplex"),
    Channel("Wl.SigPwr", "wifi_signal_strength", "%"),
    Channel("Wl.AcqStt", "wifi_scan_status"),
    Channel("Wl.AntMod", "wifi_antenna"),
    Channel("SunSpecSig.SunSpecTx", "sunspec_signal_status_{sender}"),
)
# fmt: on

#: Names that are known and are no sensor, so that what is in neither table is really unknown.
KNOWN_WITHOUT_SENSOR = frozenset(
    {
        # Extremes since the first day, and the time of their start
        "Bat.Diag.ChaAMax",
        "Bat.Diag.DschAMax",
        "Bat.Diag.StatTm",
        "Bat.Diag.TmpValMax",
        "Bat.Diag.TmpValMin",
        "Bat.Diag.VolMax",
        "Coolsys.Cab.TmpValMaxIstl",
        "ExtGridMs.HzMax",
        "ExtGridMs.HzMin",
        # What they say is not established
        "Acs.AuthRegistStt",
        "Inverter.CurWCtlDrkNom",
        "Inverter.VArModCfg.PFCtlVolCfg.Stt",
        "Operation.PlntCtl.VArCtlMod",
        "Operation.PlntCtl.WCtlMod",
        "Operation.RSSOpMode",
        "Operation.StandbyStt",
        "Plnt.Frs.Aval",
        # Who the device is: `source` asks for them by name
        "Parameter.Nameplate.Location",
        "Parameter.Nameplate.MainModel",
        "Parameter.Nameplate.Model",
        "Parameter.Nameplate.ModelStr",
        "Parameter.Nameplate.PkgRev",
        "Parameter.Nameplate.SerNum",
        "Parameter.Nameplate.Vendor",
        "Parameter.Nameplate.VendorStr",
        # Names and addresses, which are private
        "Parameter.Nameplate.MacId",
        "Parameter.Nameplate.WlMacId",
        "Parameter.PortalUsrSettings.PlntNam",
        "Parameter.Spdwr.ActlIp",
        "Parameter.Wl.ExsNetw",
        "Parameter.Wl.Sec.Psk",
        "Parameter.Wl.Sec.Ssid",
        # Other parameters
        "Parameter.Bat.TarSoc",
        "Parameter.Bat.TarSocMaxPwr",
        "Parameter.Bat.TarSocMod",
        "Parameter.Chrg.AMinCha",
        "Parameter.Chrg.ChrgLok",
        "Parameter.Chrg.Plan.DurTmm",
        "Parameter.Chrg.Plan.En",
        "Parameter.Chrg.Plan.StopTm",
        "Parameter.Chrg.StpWhenFlTm",
        "Parameter.GridGuard.CntrySet",
        "Parameter.Inverter.WMaxIn",
        "Parameter.Metering.TotkWhInSet",
        "Parameter.Metering.TotkWhOutSet",
        "Parameter.Operation.ComTmOut",
        "Parameter.PCC.ARtg",
        "Parameter.PCC.FlbInv.WMax",
        "Parameter.PCC.WMaxAsym",
        "Parameter.PvGen.PvWhSet",
        "Parameter.SwCmp.CmpEnnexOS.Frwk.SwRev",
        # Set points of a controlling system: without value unless one is active
        "Setpoint.ExternalPlantControl.Inverter.VArModCfg.VArCtlVolCfg.VolRef.VolRefPu",
        "Setpoint.PlantControl.Bat.WCtlCom.WSptMax",
        "Setpoint.PlantControl.Bat.WCtlCom.WSptMaxNom",
        "Setpoint.PlantControl.Bat.WCtlCom.WSptMin",
        "Setpoint.PlantControl.Bat.WCtlCom.WSptMinNom",
        "Setpoint.PlantControl.Inverter.FstStop",
        "Setpoint.PlantControl.Inverter.HzLimRed",
        "Setpoint.PlantControl.Inverter.HzSpt",
        "Setpoint.PlantControl.Inverter.OffGri.OffGriAct",
        "Setpoint.PlantControl.Inverter.VArModCfg.PFCtlComCfg.PF",
        "Setpoint.PlantControl.Inverter.VArModCfg.PFCtlComCfg.PFExt",
        "Setpoint.PlantControl.Inverter.VArModCfg.PFCtlComCfg.PFExtIn",
        "Setpoint.PlantControl.Inverter.VArModCfg.PFCtlComCfg.PFIn",
        "Setpoint.PlantControl.Inverter.VArModCfg.VArCtlComCfg.VArNom",
        "Setpoint.PlantControl.Inverter.VArModCfg.VArCtlComCfg.VArNomPrc",
        "Setpoint.PlantControl.Inverter.VArModCfg.VArCtlVolCfg.VolRef.VolRefPu",
        "Setpoint.PlantControl.Inverter.VolNomSpt",
        "Setpoint.PlantControl.Inverter.WModCfg.WCtlComCfg.W",
        "Setpoint.PlantControl.Inverter.WModCfg.WCtlComCfg.WMaxIn",
        "Setpoint.PlantControl.Inverter.WModCfg.WCtlComCfg.WMaxInNomPrc",
        "Setpoint.PlantControl.Inverter.WModCfg.WCtlComCfg.WNom",
        "Setpoint.PlantControl.Inverter.WModCfg.WCtlComCfg.WNomPrc",
        "Setpoint.PlantControl.Inverter.WModCfg.WCtlComCfg.WSptMax",
        "Setpoint.PlantControl.Inverter.WModCfg.WCtlComCfg.WSptMaxNom",
        "Setpoint.PlantControl.Inverter.WModCfg.WCtlComCfg.WSptMin",
        "Setpoint.PlantControl.Inverter.WModCfg.WCtlComCfg.WSptMinNom",
        "Setpoint.PlantControl.Operation.AcCtrlType",
    }
)


def _by_name(*, charger: bool) -> Mapping[str, Channel]:
    return MappingProxyType(
        {each.name: each for each in CHANNELS if each.charger in {None, charger}}
    )


#: The rows by name, as they hold for all devices but charging stations.
BY_NAME = _by_name(charger=False)
#: As they hold for charging stations (class 8008).
BY_NAME_ON_CHARGER = _by_name(charger=True)


def _ids() -> Iterator[tuple[str, str]]:
    for each in CHANNELS:
        for sensor in each.sensors:
            yield sensor, each.id


def _ids_by_sensor() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for sensor, channel in _ids():
        found[sensor] = (*found.get(sensor, ()), channel)
    return found


_IDS_OF = _ids_by_sensor()


def channels_of(sensor: str) -> tuple[str, ...]:
    """Return the ids of the channels behind a sensor, what counts first in front; none if there is none."""
    return _IDS_OF.get(sensor, ())
