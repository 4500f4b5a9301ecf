"""Tag numbers into words: states, manufacturers, device models.

SMA's devices say states by number; the words lie in a language file that newer firmware no longer
serves. So these few are the package's own. A slug is a label value and never changes; a text may.
Which states a sensor has: SMA's published lists and recorded replies; firmware may bring more.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from .country_standards import COUNTRY_STANDARDS
from .device_models import DEVICE_CLASSES, DEVICE_MODELS


class Tag(NamedTuple):
    """A state's name for machines and for people."""

    slug: str
    text: str


TAGS: Mapping[int, Tag] = MappingProxyType(
    {
        35: Tag("fault", "Fault"),
        51: Tag("closed", "Closed"),
        55: Tag("communication_impaired", "Communication impaired"),
        71: Tag("fault", "Fault"),  # of a battery management
        235: Tag("parallel_grid_operation", "Parallel grid operation"),
        295: Tag("mpp", "MPP"),
        302: Tag("none", "None"),  # where a table of channels says so; else see SAYS_NOTHING
        303: Tag("off", "Off"),
        307: Tag("ok", "Ok"),
        308: Tag("on", "On"),
        311: Tag("open", "Open"),
        336: Tag("contact_manufacturer", "Contact manufacturer"),
        337: Tag("contact_installer", "Contact installer"),
        338: Tag("invalid", "Invalid"),
        381: Tag("stop", "Stop"),
        388: Tag("in_operation", "In operation"),
        443: Tag("constant_voltage", "Constant voltage"),
        455: Tag("warning", "Warning"),
        461: Tag("sma", "SMA"),
        557: Tag("temperature", "Temperature"),
        569: Tag("activated", "Activated"),
        884: Tag("not_active", "Not active"),
        885: Tag("none", "None"),
        886: Tag("none", "None"),
        887: Tag("none", "None"),
        1041: Tag("overexcited", "Overexcited"),
        1042: Tag("underexcited", "Underexcited"),
        1069: Tag("q_v_curve", "Q(V) characteristic curve"),
        1070: Tag("q_manual_percent", "Q, manual setting in %"),
        1071: Tag("q_manual_var", "Q, manual setting in var"),
        1072: Tag("q_external", "Q, external setting"),
        1073: Tag("q_p_curve", "Q(P) characteristic curve"),
        1074: Tag("cos_phi_manual", "cos φ, manual setting"),
        1075: Tag("cos_phi_external", "cos φ, external setting"),
        1076: Tag("cos_phi_p_curve", "cos φ(P) characteristic curve"),
        1129: Tag("yes", "Yes"),
        1130: Tag("no", "No"),
        1295: Tag("standby", "Standby"),
        1392: Tag("fault", "Fault"),
        1393: Tag("waiting_for_pv_voltage", "Waiting for PV voltage"),
        1394: Tag("waiting_for_valid_ac_grid", "Waiting for valid AC grid"),
        1428: Tag("backup_mode", "Backup mode"),
        1440: Tag("grid_mode", "Grid mode"),
        1441: Tag("off_grid_mode", "Off-grid mode"),
        1461: Tag("mains_connected", "Mains connected"),
        1463: Tag("backup", "Backup"),
        1466: Tag("wait", "Wait"),
        1467: Tag("start", "Start"),
        1469: Tag("shut_down", "Shut down"),
        1480: Tag("waiting_for_utilities_company", "Waiting for utilities company"),
        1704: Tag("maximum_power", "Maximum power"),
        1705: Tag("frequency_deviation", "Frequency deviation"),
        1706: Tag("pv_current", "PV current"),
        1719: Tag("faulty_communication", "Faulty communication"),
        1720: Tag("mbit_10", "10 Mbit/s"),
        1721: Tag("mbit_100", "100 Mbit/s"),
        1725: Tag("no_connection", "No connection"),
        1726: Tag("half", "Half duplex"),
        1727: Tag("full", "Full duplex"),
        1779: Tag("separated", "Separated"),
        1780: Tag("public_electricity_mains", "Public electricity mains"),
        1781: Tag("island_mains", "Island mains"),
        1787: Tag("initialization", "Initialization"),
        1795: Tag("bolted", "Bolted"),
        1855: Tag("stand_alone_operation", "Stand-alone operation"),
        2119: Tag("derating", "Derating"),
        2130: Tag("connecting", "Connecting"),
        2183: Tag("mains_operation_without_feed_back", "Mains operation without feed-back"),
        2184: Tag("energy_saving", "Energy saving in the network"),
        2185: Tag("end_of_energy_saving", "End of energy saving in the network"),
        2186: Tag("start_of_energy_saving", "Start of energy saving in the network"),
        2196: Tag("low_dc_voltage", "Low DC voltage"),
        2197: Tag("power_and_dc_voltage", "Power and DC voltage"),
        2289: Tag("charging", "Charge battery"),  # the command; 2292 is the state
        2290: Tag("discharging", "Discharge battery"),
        2291: Tag("standby", "Battery standby"),
        2292: Tag("charging", "Charge battery"),
        2293: Tag("discharging", "Discharge battery"),
        2294: Tag("battery_management_update", "Battery management update"),
        2386: Tag("overvoltage", "Overvoltage"),
        2387: Tag("undervoltage", "Undervoltage"),
        2388: Tag("overfrequency", "Overfrequency"),
        2389: Tag("underfrequency", "Underfrequency"),
        2390: Tag("passive_islanding_detection", "Passive islanding detection"),
        2424: Tag("presetting", "Presetting"),
        2608: Tag("digital_input", "Digital input"),
        2614: Tag("self_consumption", "Self-consumption"),
        2615: Tag("state_of_charge_conservation", "Conservation of the state of charge"),
        2616: Tag("backup", "Backup"),
        2617: Tag("deep_discharge_protection", "Deep discharge protection"),
        2618: Tag("deep_discharge", "Deep discharge"),
        3128: Tag("remote_service", "Remote service"),
        3179: Tag("receiving", "Being received"),
        3180: Tag("running", "Running"),
        3181: Tag("done", "Done"),
        3182: Tag("error", "Error"),
        3325: Tag("connection_error", "Error while connecting"),
        3326: Tag("internal", "Internal antenna"),
        3327: Tag("external", "External antenna"),
        3366: Tag("none", "No scan yet"),
        3367: Tag("active", "Scan is active"),
        3368: Tag("failed", "Scan failed"),
        3369: Tag("successful", "Scan successful"),
        3426: Tag("wps_active", "WPS is active"),
        3520: Tag("voltage_deviation", "Voltage deviation"),
        3552: Tag("ac_current_limit", "AC current limit"),
        3553: Tag("maximum_apparent_power", "Maximum apparent power"),
        3554: Tag("reactive_power_priority", "Priority of reactive power"),
        3555: Tag("reactive_power_reserve", "Reserve for reactive power"),
        3556: Tag("high_dc_voltage", "High DC voltage"),
        3557: Tag("high_switching_currents", "High switching currents"),
        3584: Tag("none", "No status"),
        3664: Tag("emergency_charge", "Emergency charge mode"),
        4396: Tag("feed_in", "Feed-in"),
        4397: Tag("draw", "Draw"),
        4398: Tag("zero", "Zero active power"),
        4562: Tag("cos_phi_v_curve", "cos φ(V) characteristic curve"),
        4718: Tag("fast", "Fast charging"),
        4719: Tag("optimized", "Optimized charging"),
        4720: Tag("target", "Charging with a target"),
        4721: Tag("stop", "Charging stopped"),
        4950: Tag("smart", "Smart charging"),
        5169: Tag("locked", "Charging station locked"),
        5171: Tag("locked", "Charging locked"),
        5172: Tag("released", "Charging released"),
        5177: Tag("manual_operation", "Manual operation"),
        5178: Tag("sunny_home_manager", "Sunny Home Manager control"),
        5179: Tag("manual_remote_control", "Manual remote control"),
        5180: Tag("ac_current_limitation", "AC current limitation"),
        18007: Tag("v400_230", "400 V/230 V"),
        18011: Tag("v230_400_3l_n", "230/400 V, 3 L + N"),
        18012: Tag("v380_220_3l_n", "380/220 V, 3 L + N"),
        18023: Tag("v440_254_3l_n", "440/254 V, 3 L + N"),
        18030: Tag("v420_242_3l_n", "420/242 V, 3 L + N"),
        200111: Tag("not_connected", "Vehicle not connected"),
        200112: Tag("sleep", "Vehicle connected, not charging"),
        200113: Tag("charging", "Charging"),
        200114: Tag("target_reached", "Charging target reached"),
        200115: Tag("fault", "Fault"),
        # Four inputs in one tag, D1 the lowest bit
        **{2246 + bits: Tag(f"inputs_{bits:04b}", f"D4-D1: {bits:04b}") for bits in range(16)},
    }
)

#: Tags that say "nothing to say": "-------", "------", "----", information not available, end of
#: list.
SAYS_NOTHING = frozenset({302, 973, 16777212, 16777213, 16777214})

#: As `Sensor.extract_value` wants it: a tag's number, as text, to words.
L10N: Mapping[str, str] = MappingProxyType(
    {str(number): tag.text for number, tag in TAGS.items()}
    | {str(number): model for number, model in DEVICE_MODELS.items()}
    | {str(number): kind for number, kind in DEVICE_CLASSES.items()}
    | {str(number): standard for number, standard in COUNTRY_STANDARDS.items()}
)


def text(tag: int) -> str:
    """Return the words for a tag, its number where there are none."""
    return L10N.get(str(tag), str(tag))


def slug(tag: int) -> str:
    """Return the stable name of a state; `tag_<number>` for one that is not in the table."""
    return TAGS[tag].slug if tag in TAGS else f"tag_{tag}"


def name(tag: int) -> str:
    """Return what one of very many choices is called: a grid standard, a device model, a grid type."""
    return (
        COUNTRY_STANDARDS.get(tag) or DEVICE_MODELS.get(tag) or DEVICE_CLASSES.get(tag) or slug(tag)
    )
