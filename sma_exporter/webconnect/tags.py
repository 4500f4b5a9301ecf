"""Tag numbers into words: states, manufacturers, device models.

SMA's devices say states by number; the words lie in a language file that newer firmware no longer
serves. So these few are the package's own. A slug is a label value and never changes; a text may.
Which states a sensor has: SMA's published lists and recorded replies; firmware may bring more.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from .device_models import DEVICE_MODELS


class Tag(NamedTuple):
    """A state's name for machines and for people."""

    slug: str
    text: str


TAGS: Mapping[int, Tag] = MappingProxyType(
    {
        35: Tag("fault", "Fault"),
        51: Tag("closed", "Closed"),
        55: Tag("communication_impaired", "Communication impaired"),
        235: Tag("parallel_grid_operation", "Parallel grid operation"),
        295: Tag("mpp", "MPP"),
        303: Tag("off", "Off"),
        307: Tag("ok", "Ok"),
        308: Tag("on", "On"),
        311: Tag("open", "Open"),
        381: Tag("stop", "Stop"),
        443: Tag("constant_voltage", "Constant voltage"),
        455: Tag("warning", "Warning"),
        461: Tag("sma", "SMA"),
        569: Tag("activated", "Activated"),
        1041: Tag("overexcited", "Overexcited"),
        1042: Tag("underexcited", "Underexcited"),
        1129: Tag("yes", "Yes"),
        1130: Tag("no", "No"),
        1295: Tag("standby", "Standby"),
        1392: Tag("fault", "Fault"),
        1393: Tag("waiting_for_pv_voltage", "Waiting for PV voltage"),
        1394: Tag("waiting_for_valid_ac_grid", "Waiting for valid AC grid"),
        1428: Tag("backup_mode", "Backup mode"),
        1461: Tag("mains_connected", "Mains connected"),
        1463: Tag("backup", "Backup"),
        1466: Tag("wait", "Wait"),
        1467: Tag("start", "Start"),
        1469: Tag("shut_down", "Shut down"),
        1480: Tag("waiting_for_utilities_company", "Waiting for utilities company"),
        1787: Tag("initialization", "Initialization"),
        1795: Tag("bolted", "Bolted"),
        1855: Tag("stand_alone_operation", "Stand-alone operation"),
        2119: Tag("derating", "Derating"),
        2183: Tag("mains_operation_without_feed_back", "Mains operation without feed-back"),
        2184: Tag("energy_saving", "Energy saving in the network"),
        2185: Tag("end_of_energy_saving", "End of energy saving in the network"),
        2186: Tag("start_of_energy_saving", "Start of energy saving in the network"),
        2289: Tag("charging", "Charge battery"),  # the command; 2292 is the state
        2290: Tag("discharging", "Discharge battery"),
        2291: Tag("standby", "Battery standby"),
        2292: Tag("charging", "Charge battery"),
        2293: Tag("discharging", "Discharge battery"),
        2294: Tag("battery_management_update", "Battery management update"),
        2424: Tag("presetting", "Presetting"),
        3128: Tag("remote_service", "Remote service"),
        3664: Tag("emergency_charge", "Emergency charge mode"),
    }
)

_CONDITION = (35, 303, 307, 455)

#: The states of each status sensor, in the order in which they are exposed.
# fmt: off
STATES: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "status": (*_CONDITION, 308, 55),
        "inverter_condition": _CONDITION,
        "battery_condition": _CONDITION,
        "operating_status_general": (
            295, 569, 1295, 303, 1393, 1394, 1480, 1467, 1469, 381, 2119, 1392, 443, 235, 1428, 1795,
            1855, 3128,
        ),
        "operating_status": (
            235, 295, 303, 381, 443, 569, 1295, 1392, 1393, 1428, 1463, 1467, 1469, 1480, 1855, 2119,
            3128,
        ),
        "inverter_system_init": (1129, 1130),
        "grid_connection_status": (303, 1394, 1461, 1466, 1787, 2183, 2184, 2185, 2186),
        "grid_relay_status": (51, 311),
        "grid_power_factor_excitation": (1041, 1042),
        "battery_status_operating_mode": (303, 308, 2291, 2292, 2293, 2289, 2290, 2294, 2424, 3664),
    }
)
# fmt: on

#: As `Sensor.extract_value` wants it: a tag's number, as text, to words.
L10N: Mapping[str, str] = MappingProxyType(
    {str(number): tag.text for number, tag in TAGS.items()}
    | {str(number): model for number, model in DEVICE_MODELS.items()}
)


def text(tag: int) -> str:
    """Return the words for a tag, its number where there are none."""
    return L10N.get(str(tag), str(tag))


def slug(tag: int) -> str:
    """Return the stable name of a state; `tag_<number>` for one that is not in the table."""
    return TAGS[tag].slug if tag in TAGS else f"tag_{tag}"
