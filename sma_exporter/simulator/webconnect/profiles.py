"""What a device answers: the interface, and the models as data with their keys and shape."""

import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol, TypedDict

from ..localtime import local_day, midnight, midnights
from ..plant import COMMISSIONED
from ..quantities import Quantities, Site, TypeLabel
from .encoding import encode, raw_values
from .keys import Computed, Row, Table

Values = dict[str, object]


class LoggerEntry(TypedDict):
    """A logger's entry: Unix time and value."""

    t: int
    v: object


METER_CLASS = 65
PASSWORD_KEYS = ("6800_10841E00", "6802_10841F00")  # answered under device class 0
FIVE_MINUTES = 300

# Logger id -> the key whose value it records. Energies are recorded as totals.
EVERY_FIVE_MINUTES: Mapping[int, str] = MappingProxyType(
    {
        10_016: "6100_0046C200",
        28_672: "6400_00260100",
        28_720: "6400_00462400",
        28_736: "6400_00462500",
        28_784: "7070_00263A00",
        28_816: "6100_00295A00",
        28_832: "6100_00464800",
        28_848: "6100_00464900",
        28_864: "6100_00464A00",
        28_896: "6100_00465700",
        29_042: "6100_00696E00",
        29_056: "6400_0046C300",
        29_120: "6400_00496700",
        29_136: "6400_00496800",
        29_184: "6100_40263F00",
        29_200: "6100_00464800",
        29_216: "6100_40465300",
        29_328: "6400_00543A00",
        29_344: "6400_00496700",
        29_360: "6400_00496800",
    }
)
EVERY_DAY: Mapping[int, str] = MappingProxyType(
    {
        28_704: "6400_00260100",
        28_752: "6400_00462400",
        28_768: "6400_00462500",
        28_800: "7070_00263A00",
    }
)
DASH_LOGGERS = (28_672, 28_704)
DASH_DAYS = 31

# The values of the dashboard; each model has some of them.
DASH_KEYS = frozenset(
    [
        *("6800_08822000", "6800_10821E00", "6800_08811F00", "6180_08214800", "6180_08414900"),
        *("6180_08522F00", "6800_088A2900", "6100_40463600", "6100_40463700", "6100_40263F00"),
        *("6400_00260100", "6800_00832A00", "6800_008AA200", "6400_00462500", "6100_00418000"),
        *("6800_08822B00", "6100_0046C200", "6400_0046C300", "6802_08834500", "6180_08412800"),
        *("6180_08495E00", "6100_00295A00", "6100_00496900", "6100_00496A00", "6400_00496700"),
        *("6400_00496800", "6100_00696E00", "6400_00462E00"),
    ]
)


def five_minutes(start: float, end: float) -> range:
    """Return the multiples of five minutes from start to end, both included."""
    first = math.ceil(start / FIVE_MINUTES) * FIVE_MINUTES
    return range(first, math.floor(end) + 1, FIVE_MINUTES)


def from_meter(row: Row) -> bool:
    """Whether a value needs an energy meter."""
    return isinstance(row, Computed) and row.quantity.startswith("meter.")


@dataclass(frozen=True)
class WebConnectSite(Site):
    """`masked`: the uid hides part of the serial number; `night_gaps`: no log entries at night."""

    masked: bool = True
    night_gaps: bool = False


class Profile(Protocol):
    """What a device answers with. Pure: the same site and time give the same values."""

    @property
    def product(self) -> str:
        """The order code, which begins the default name."""

    @property
    def serial(self) -> int:
        """The default serial number."""

    @property
    def unit(self) -> str | None:
        """The name of the plant's unit that this is; None if it is no inverter."""

    @property
    def installer_groups(self) -> tuple[str, ...]:
        """The key groups that only an installer sees."""

    @property
    def others(self) -> tuple["Profile", ...]:
        """Further devices whose values come in the same replies."""

    def uid(self, site: WebConnectSite) -> str:
        """Return the name of the device in a result."""

    def online(self, site: WebConnectSite, now: float) -> Values:
        """Return all online values by key, those for installers too."""

    def parameters(self, site: WebConnectSite, now: float) -> Values:
        """Return all parameters by key, those for installers too."""

    def dashboard(self, site: WebConnectSite, now: float) -> Values:
        """Return the values that need no login."""

    def logger(
        self, site: WebConnectSite, logger: int, start: float, end: float, now: float
    ) -> list[LoggerEntry] | None:
        """Return a logger's entries, both ends included; `None` if there is no such logger."""

    def dash_logger(self, site: WebConnectSite, now: float) -> Values:
        """Return the loggers that need no login, by the hex of their ids."""


@dataclass(frozen=True)
class Model:
    """A device model. `old_shape`: firmware without device classes; `sleeps`: off without sun."""

    name: str
    product: str
    susyid: int
    type_tag: int
    firmware: int
    device_class: int
    online_table: Table
    parameter_table: Table
    old_shape: bool = False
    sleeps: bool = False
    classes: Mapping[str, int] = field(default_factory=dict)  # by the start of a key
    logged_table: Table = field(default_factory=dict)  # what is logged, but not an online value
    installer_groups: tuple[str, ...] = ("6102", "6182", "6322", "6402", "6802")

    @property
    def others(self) -> tuple[Profile, ...]:
        """See Profile."""
        return ()

    @property
    def unit(self) -> str | None:
        """See Profile."""
        return None if self.device_class == METER_CLASS else self.name

    @property
    def serial(self) -> int:
        """See Profile."""
        return 3_000_000_000 + zlib.crc32(self.name.encode()) % 20_000_000

    def uid(self, site: WebConnectSite) -> str:
        """SUSyID and serial number, masked as in newer firmware."""
        if site.masked:
            return f"{self.susyid:04X}-xxxxx{site.serial & 0xFFF:03X}"
        return f"{self.susyid:04X}-{site.serial:08X}"

    def quantities(self, site: WebConnectSite, now: float) -> Quantities:
        """Return all quantities that the tables can name."""
        return Quantities(site, TypeLabel(site, self.type_tag, self.firmware), now)

    def class_of(self, key: str) -> str:
        """Return the device class under which a key is answered; none in the old shape."""
        if self.old_shape:
            return ""
        starts = (number for start, number in self.classes.items() if key.startswith(start))
        return str(next(starts, 0 if key in PASSWORD_KEYS else self.device_class))

    def answers(self, table: Table, quantities: Quantities) -> Values:
        """Return the values of a table by key."""
        asleep = self.sleeps and quantities.dark
        return {
            key: encode(key, row, quantities, asleep=asleep, device_class=self.class_of(key))
            for key, row in table.items()
        }

    def online(self, site: WebConnectSite, now: float) -> Values:
        """See Profile."""
        return self.answers(self.online_table, self.quantities(site, now))

    def parameters(self, site: WebConnectSite, now: float) -> Values:
        """See Profile."""
        return self.answers(self.parameter_table, self.quantities(site, now))

    def dashboard(self, site: WebConnectSite, now: float) -> Values:
        """See Profile."""
        table = {**self.parameter_table, **self.online_table}
        chosen = {key: row for key, row in table.items() if key in DASH_KEYS}
        return self.answers(chosen, self.quantities(site, now))

    def logger(
        self, site: WebConnectSite, logger: int, start: float, end: float, now: float
    ) -> list[LoggerEntry] | None:
        """See Profile."""
        start, end = max(start, COMMISSIONED), min(end, now)
        if logger in EVERY_DAY:
            return self.log(site, EVERY_DAY[logger], midnights(start, end))
        if logger in EVERY_FIVE_MINUTES:
            return self.log(site, EVERY_FIVE_MINUTES[logger], five_minutes(start, end))
        return None

    def log(self, site: WebConnectSite, key: str, times: Iterable[int]) -> list[LoggerEntry] | None:
        """Return a key's value at those times, `None` if the device does not have it."""
        row = {**self.logged_table, **self.online_table}.get(key)
        if row is None or (from_meter(row) and not site.meter):
            return None
        entries: list[LoggerEntry] = []
        for time in times:
            quantities = self.quantities(site, time)
            asleep = self.sleeps and quantities.dark
            if asleep and site.night_gaps:
                continue
            values, _ = raw_values(key, row, quantities, asleep=asleep)
            entries.append({"t": time, "v": values[0]})
        return entries

    def dash_logger(self, site: WebConnectSite, now: float) -> Values:
        """See Profile."""
        today = midnight(local_day(now))
        logs = {
            logger: self.logger(site, logger, start, now, now)
            for logger, start in zip(DASH_LOGGERS, (today, today - DASH_DAYS * 86_400), strict=True)
        }
        return {
            f"{logger:X}": {str(self.device_class): entries}
            for logger, entries in logs.items()
            if entries is not None
        }
