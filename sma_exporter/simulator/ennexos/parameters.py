"""The parameters of the models, in blocks.

Values are text. Names, addresses and serial numbers are invented; those of networks and of people
are there so that a program can be tested for what it does with them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from .tokens import ADMINISTRATOR, INSTALLER, USER

Text = str | tuple[str, ...] | None
MASKED = "****"  # what devices send for a password
YES, NO = "1129", "1130"


@dataclass(frozen=True)
class Parameter:
    """A text, several texts, no value (None), or a quantity. `possible`: tags that may be chosen.

    `digits`: those behind the decimal point of a quantity.
    """

    value: Text = None
    quantity: str = ""
    digits: int = 0
    editable: bool = False
    limits: tuple[float, float] | None = None
    possible: tuple[str, ...] = ()
    role: str = USER


Table = Mapping[str, Parameter]


def parameters(table: Table) -> dict[str, Parameter]:
    """Return a table under the whole names of its channels."""
    return {f"Parameter.{name}": row for name, row in table.items()}


def choice(value: str, *others: str, role: str = USER) -> Parameter:
    """Return a tag that can be changed."""
    return Parameter(value, editable=True, possible=tuple(sorted({value, *others})), role=role)


def setting(value: str, low: float, high: float, role: str = INSTALLER) -> Parameter:
    """Return a number that can be changed."""
    return Parameter(value, editable=True, limits=(low, high), role=role)


NAMEPLATE: Table = parameters(
    {
        "Nameplate.SerNum": Parameter(quantity="label.serial"),
        "Nameplate.Location": Parameter(quantity="label.name", editable=True),
        "Nameplate.Model": Parameter(quantity="label.type"),
        "Nameplate.PkgRev": Parameter(quantity="label.firmware"),
        "Nameplate.Vendor": Parameter("461", possible=("461",)),
    }
)
NETWORK: Table = parameters(
    {
        "Nameplate.CmpMain.SerNum": Parameter("3000000042"),
        "Nameplate.WlMacId": Parameter("02:00:5E:10:00:03"),
        "Spdwr.ActlIp": Parameter("192.0.2.30"),
        "Spdwr.ActlSnetMsk": Parameter("255.255.255.0"),
        "Spdwr.ActlGwIp": Parameter("192.0.2.1"),
        "Spdwr.ActlDnsSrvIp": Parameter("192.0.2.1"),
        "Spdwr.AutoCfgIsOn": choice(YES, NO),
        "SwCmp.CmpEnnexOS.Frwk.SwRev": Parameter("1.40.0.R"),
        "Upd.AutoUpdIsOn": choice(YES, NO),
    }
)
WIFI: Table = parameters(
    {
        "Wl.ActlIp": Parameter("192.0.2.31"),
        "Wl.ActlGwIp": Parameter("192.0.2.1"),
        "Wl.ActlDnsSrvIp": Parameter("192.0.2.1"),
        "Wl.ActlSnetMsk": Parameter("255.255.255.0"),
        "Wl.ExsNetw[]": Parameter(("Example neighbour", "Example guests", "", "")),
        "Wl.IsOn": choice(YES, NO),
        "Wl.Sec.Cry": choice("3324", "3323", "3398"),
        "Wl.Sec.Psk": Parameter(MASKED, editable=True),
        "Wl.Sec.Ssid": Parameter("Example home", editable=True),
        "Wl.SoftAcsIsOn": choice(YES, NO),
        "Wl.DoAcq": choice("302", "3342"),
    }
)
SERVICES: Table = parameters(
    {
        "Acs.PwdUsr": Parameter(MASKED, editable=True),
        "Acs.PwdIstl": Parameter(MASKED, editable=True, role=INSTALLER),
        "FTPPush.Login": Parameter("example-login", editable=True),
        "FTPPush.Pwd": Parameter(MASKED, editable=True),
        "FTPPush.Srv": Parameter("ftp.example.org", editable=True),
        "FTPPush.RemStoLcn": Parameter("", editable=True),
        "DtTm.NtpSrv": Parameter("ntp.example.org", editable=True),
    }
)
INVERTER: Table = parameters(
    {
        "Inverter.WLim": Parameter(quantity="label.rated_power"),
        "Inverter.WMax": Parameter(
            quantity="label.rated_power", editable=True, limits=(0, 15_000), role=INSTALLER
        ),
        "Inverter.WMaxIn": setting("-1000", -1000, -1000),
        "Inverter.GriTyp": Parameter(editable=True, role=INSTALLER),
        "Inverter.AfciIsOn": choice(NO, YES, role=INSTALLER),
        "GridGuard.CntrySet": Parameter(editable=True, role=INSTALLER),
        "GridGuard.Cntry.VRtg": setting("230", 210, 260),
        "Metering.TotkWhOutSet": setting("0", 0, 4_000_000, USER),
        "PvGen.PvWhSet": setting("0", 0, 4_000_000_000.0, USER),
        "Inverter.VArModCfg.PFCnstCfg.PFOut": setting("1.0000", 0, 1),
        "Inverter.WModCfg.WCtlVolCfg.Crv.YVal[]": Parameter(
            ("100.000", "0.000", "0.000", "0.000"),
            editable=True,
            limits=(-100, 100),
            role=INSTALLER,
        ),
    }
)
BATTERY: Table = parameters(
    {
        "Bat.CapacRtgWh": Parameter(quantity="label.battery_capacity"),
        "Bat.TarSoc": setting("80", 0, 100, USER),
        "Bat.TarSocMod": choice("303", "308"),
    }
)


def kind(model: str, main_model: int | None) -> dict[str, Parameter]:
    """Return the name of the model, and its class if that is known."""
    named = {"Nameplate.ModelStr": Parameter(model)}
    if main_model is not None:
        named["Nameplate.MainModel"] = Parameter(str(main_model), possible=(str(main_model),))
    return parameters(named)


CHARGING_STATION: Table = parameters(
    {
        "Chrg.ActChaMod": choice("4720", "4719", "4721"),
        "Chrg.ChrgApv": choice("5172", "5171"),
        "Chrg.ChrgLok": choice(NO, YES),
        "Chrg.AMinCha": setting("6.0", 6, 32, USER),
        "Chrg.Plan.En": Parameter("15.0", editable=True),
        "Chrg.Plan.DurTmm": Parameter("180", editable=True),
        "Chrg.StpWhenFlTm": setting("15", 5, 1440, USER),
        "Inverter.AcALim": setting("16.000", 6, 32, ADMINISTRATOR),
        "Inverter.WMax": setting("11000", 4500, 22_000, USER),
        "Inverter.WMaxIn": setting("11000", 4500, 22_000),
        "Inverter.WMaxInRtg": Parameter("22000"),
        "Nameplate.ARtg": Parameter("32.000"),
        "Nameplate.MacId": Parameter("02:00:5E:10:00:04"),
        "Operation.ComTmOut": setting("5000", 200, 60_000),
        "PCC.ARtg": setting("63.00", 16, 1000),
        "PCC.WMaxAsym": setting("4600", 0, 10_000),
    }
)
PLANT: Table = parameters(
    {
        "PortalUsrSettings.PlntNam": Parameter("Example plant", editable=True),
        "Plnt.WRtg": Parameter(quantity="plant.rated_power"),
        "Plnt.DcWRtg": Parameter(quantity="plant.peak_power"),
        "PCC.WMaxAsym": setting("4600", 0, 10_000),
    }
)
