"""What is known of a device at one moment: the value that everything above `device.py` works on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .webconnect import Readings, tags, version_int_to_string

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

    @classmethod
    def of(cls, parameters: Readings) -> "Identity":
        """Return the identity in a device's parameters."""
        version = parameters.get("device_sw_version")
        return cls(
            serial=_plain(parameters.get("serial_number")),
            name=_plain(parameters.get("device_name")),
            model=_plain(parameters.get("device_type")),
            manufacturer=_plain(parameters.get("device_manufacturer")),
            sw_version=version_int_to_string(version) if isinstance(version, int) else _plain(version),
        )


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return tags.text(value[0])
    return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one read brought: readings, or why there are none.

    `started` is monotonic, `seconds` how long it took; `reason` is None when it went well, else one of
    REASONS, with a sentence in `message`; `free_sessions` as the device told when it was asked.
    """

    started: float
    seconds: float
    readings: Readings = field(default_factory=dict)
    reason: str | None = None
    message: str = ""
    free_sessions: int | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A device as one answer shows it.

    `outcome` is None before the first read. `parameters` and `identity` are the last known, also while
    the device sleeps. `unknown_states`: per status sensor the tags seen that no table has. `errors`
    counts failed reads by reason, `logins` the sessions opened; `last_success` is unix time.
    """

    name: str
    plant: str
    outcome: Outcome | None
    parameters: Readings
    identity: Identity
    unknown_states: Mapping[str, tuple[int, ...]]
    errors: Mapping[str, int]
    logins: int
    last_success: float | None
    withheld: int

    @property
    def up(self) -> bool:
        """Whether the read brought at least one value."""
        return self.outcome is not None and self.outcome.reason is None
