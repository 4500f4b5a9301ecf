"""What is known of a device at one moment: the values that the metrics and the pages are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ..sma.exceptions import Reason
from ..sma.source import Identity, Readings


class CustomReading(NamedTuple):
    """The value, in base units, of a sensor that the configuration defines, and how it is exposed."""

    metric: str
    type: str
    help: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What one read brought: readings, or why there are none.

    `started` is monotonic, `seconds` how long it took; `reason` is None when it went well, else
    there is a sentence in `message`; `free_sessions` as the device told when it was asked.
    """

    started: float
    seconds: float = 0.0
    readings: Readings = field(default_factory=dict)
    custom: tuple[CustomReading, ...] = ()
    reason: Reason | None = None
    message: str = ""
    free_sessions: int | None = None


@dataclass(frozen=True, slots=True)
class DeviceState:
    """What outlasts a read.

    `identity` and `kept` (the readings that describe the device) are the last known, also while the
    device sleeps. `unknown_states`: for each state set the tags seen that no table has. `withheld`:
    how many lifetime totals are held back.
    """

    identity: Identity = field(default_factory=Identity)
    kept: Readings = field(default_factory=dict)
    unknown_states: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A device as one answer shows it.

    `result` is None before the first read. `errors` counts failed reads by reason, `logins` the
    sessions that were opened; `last_success` is the unix time of the last good read.
    """

    name: str
    plant: str
    result: ReadResult | None
    state: DeviceState
    errors: Mapping[Reason, int]
    logins: int
    last_success: float | None

    @property
    def up(self) -> bool:
        """Whether the read brought at least one value."""
        return self.result is not None and self.result.reason is None

    @property
    def readings(self) -> Readings:
        """What there is to show: the readings of a good read, else what holds while the device sleeps."""
        if self.result is not None and self.up:
            return self.result.readings
        return self.state.kept
