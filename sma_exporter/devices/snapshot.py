"""What is known of a device at one moment: the values that everything above `device.py` works on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ..sma import tags
from ..webconnect import Readings, version_int_to_string

#: Why a read fails; the values of the label `reason`. The order is the order of exposition.
REASONS = (
    "connection",
    "timeout",
    "tls",
    "certificate_pin",
    "authentication",
    "session_limit",
    "identity",
    "protocol",
    "unsupported",
    "internal",
)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device says of itself; empty until it was asked."""

    serial: str = ""
    name: str = ""
    model: str = ""
    manufacturer: str = ""
    sw_version: str = ""

    @property
    def title(self) -> str:
        """Manufacturer and model; some models begin with the manufacturer."""
        if self.model.startswith(self.manufacturer):
            return self.model
        return f"{self.manufacturer} {self.model}".strip()

    @classmethod
    def of(cls, parameters: Readings) -> "Identity":
        """Return the identity in a device's parameters."""
        version = parameters.get("device_sw_version")
        return cls(
            serial=_plain(parameters.get("serial_number")),
            name=_plain(parameters.get("device_name")),
            model=_plain(parameters.get("device_type")),
            manufacturer=_plain(parameters.get("device_manufacturer")),
            sw_version=version_int_to_string(version if isinstance(version, int) else None),
        )


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return tags.text(value[0])
    return "" if value is None else str(value)


class CustomReading(NamedTuple):
    """The value, in base units, of a sensor that the configuration defines, and how it is exposed."""

    metric: str
    type: str
    help: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one read brought: readings, or why there are none.

    `started` is monotonic, `seconds` how long it took; `reason` is None when it went well, else one of
    REASONS, with a sentence in `message`; `free_sessions` as the device told when it was asked.
    """

    started: float
    seconds: float = 0.0
    readings: Readings = field(default_factory=dict)
    custom: tuple[CustomReading, ...] = ()
    reason: str | None = None
    message: str = ""
    free_sessions: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What outlasts a read.

    `parameters` and `identity` are the last known, also while the device sleeps. `unknown_states`: per
    status sensor the tags seen that no table has. `logins`: sessions opened so far. `withheld`: how
    many lifetime totals are in doubt.
    """

    parameters: Readings = field(default_factory=dict)
    identity: Identity = field(default_factory=Identity)
    unknown_states: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    logins: int = 0
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A device as one answer shows it.

    `outcome` is None before the first read. `errors` counts failed reads by reason; `last_success` is
    the unix time of the last good one.
    """

    name: str
    plant: str
    outcome: Outcome | None
    known: Known
    errors: Mapping[str, int]
    last_success: float | None

    @property
    def up(self) -> bool:
        """Whether the read brought at least one value."""
        return self.outcome is not None and self.outcome.reason is None

    @property
    def readings(self) -> Readings:
        """What there is to show: the readings of a good read, else the parameters that do not age."""
        if self.outcome is not None and self.up:
            return self.known.parameters | self.outcome.readings
        return {n: v for n, v in self.known.parameters.items() if n != "inverter_system_init"}
