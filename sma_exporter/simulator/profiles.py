"""The device models as data: which keys each of them answers, in which shape."""

import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol, TypedDict

from .encoding import encode, raw_values
from .keys import Reading, Source, Table
from .localtime import local_day, midnight, midnights
from .plant import COMMISSIONED
from .sources import Identity, Site, Sources

Values = dict[str, object]


class LogEntry(TypedDict):
    """A logger's entry: Unix time and value."""

    t: int
    v: object


METER_CLASS = 65
PASSWORD_KEYS = ("6800_10841E00", "6802_10841F00")  # of the class that all devices share
FIVE_MINUTES = 300

# Logger id -> the key whose value it keeps. Energies are kept as meter readings.
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

# What the dashboard asks of every model; each answers what it has.
DASH_KEYS = frozenset(
    [
        "6800_08822000",
        "6800_10821E00",
        "6800_08811F00",
        "6180_08214800",
        "6180_08414900",
        "6180_08522F00",
        "6800_088A2900",
        "6100_40463600",
        "6100_40463700",
        "6100_40263F00",
        "6400_00260100",
        "6800_00832A00",
        "6800_008AA200",
        "6400_00462500",
        "6100_00418000",
        "6800_08822B00",
        "6100_0046C200",
        "6400_0046C300",
        "6802_08834500",
        "6180_08412800",
        "6180_08495E00",
        "6100_00295A00",
        "6100_00496900",
        "6100_00496A00",
        "6400_00496700",
        "6400_00496800",
        "6100_00696E00",
        "6400_00462E00",
    ]
)


def five_minutes(start: float, end: float) -> range:
    """Return the multiples of five minutes from start to end, both included."""
    first = math.ceil(start / FIVE_MINUTES) * FIVE_MINUTES
    return range(first, math.floor(end) + 1, FIVE_MINUTES)


def from_meter(source: Source) -> bool:
    """Whether a value needs an energy meter."""
    return isinstance(source, Reading) and source.quantity.startswith("meter.")


class Profile(Protocol):
    """What a device answers with. Pure: the same site and time give the same values."""

    @property
    def product(self) -> str:
        """The order code, for a device that nobody gave a name."""

    @property
    def serial(self) -> int:
        """A serial number, for a device that nobody gave one."""

    @property
    def unit(self) -> str | None:
        """The name of the plant's unit that this is; none for what is no inverter."""

    @property
    def installer_groups(self) -> tuple[str, ...]:
        """The key groups that only the installer's login shows."""

    def prepare(self, site: Site) -> None:
        """Do what takes long before the first request."""

    def uid(self, site: Site) -> str:
        """Return the name of the device in a result."""

    def online(self, site: Site, now: float) -> Values:
        """Return the online values, key by key, the installer's too."""

    def parameters(self, site: Site, now: float) -> Values:
        """Return the parameters, key by key, the installer's too."""

    def dashboard(self, site: Site, now: float) -> Values:
        """Return the selection that needs no login."""

    def logger(
        self, site: Site, logger: int, start: float, end: float, now: float
    ) -> list[LogEntry] | None:
        """Return what a logger kept, both ends included; `None` if there is no such logger."""

    def dash_logger(self, site: Site, now: float) -> Values:
        """Return the loggers that need no login, by the hex of their ids."""


@dataclass(frozen=True)
class Model:
    """A device model. `old_shape`: firmware without device classes; `sleeps`: lives off the sun."""

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

    @property
    def unit(self) -> str | None:
        """The plant's unit that this model is; an energy meter is none."""
        return None if self.device_class == METER_CLASS else self.name

    @property
    def serial(self) -> int:
        """A serial number, if nobody asks for another."""
        return 3_000_000_000 + zlib.crc32(self.name.encode()) % 20_000_000

    @property
    def installer_groups(self) -> tuple[str, ...]:
        """See Profile."""
        return ("6102", "6182", "6322", "6402", "6802")

    def prepare(self, site: Site) -> None:
        """See Profile."""
        site.plant.at(COMMISSIONED)

    def uid(self, site: Site) -> str:
        """SUSyID and serial number, or no more of it than newer firmware shows."""
        if site.masked:
            return f"{self.susyid:04X}-xxxxx{site.serial & 0xFFF:03X}"
        return f"{self.susyid:04X}-{site.serial:08X}"

    def sources(self, site: Site, now: float) -> Sources:
        """All that the tables' readings can name."""
        return Sources(site, Identity(site, self.type_tag, self.firmware), now)

    def class_of(self, key: str) -> str:
        """Return the device class under which a key is answered; none in the old shape."""
        if self.old_shape:
            return ""
        starts = (number for start, number in self.classes.items() if key.startswith(start))
        return str(next(starts, 0 if key in PASSWORD_KEYS else self.device_class))

    def answers(self, table: Table, sources: Sources) -> Values:
        """Every key of a table with its value."""
        asleep = self.sleeps and sources.dark
        return {
            key: encode(key, source, sources, asleep=asleep, device_class=self.class_of(key))
            for key, source in table.items()
        }

    def online(self, site: Site, now: float) -> Values:
        """See Profile."""
        return self.answers(self.online_table, self.sources(site, now))

    def parameters(self, site: Site, now: float) -> Values:
        """See Profile."""
        return self.answers(self.parameter_table, self.sources(site, now))

    def dashboard(self, site: Site, now: float) -> Values:
        """See Profile."""
        table = {**self.parameter_table, **self.online_table}
        chosen = {key: source for key, source in table.items() if key in DASH_KEYS}
        return self.answers(chosen, self.sources(site, now))

    def logger(
        self, site: Site, logger: int, start: float, end: float, now: float
    ) -> list[LogEntry] | None:
        """See Profile."""
        start, end = max(start, COMMISSIONED), min(end, now)
        if logger in EVERY_DAY:
            return self.log(site, EVERY_DAY[logger], midnights(start, end))
        if logger in EVERY_FIVE_MINUTES:
            return self.log(site, EVERY_FIVE_MINUTES[logger], five_minutes(start, end))
        return None

    def log(self, site: Site, key: str, times: Iterable[int]) -> list[LogEntry] | None:
        """Return a key's value at those times, `None` if the device does not have it."""
        source = {**self.logged_table, **self.online_table}.get(key)
        if source is None or (from_meter(source) and not site.meter):
            return None
        entries: list[LogEntry] = []
        for time in times:
            sources = self.sources(site, time)
            asleep = self.sleeps and sources.dark
            if asleep and site.night_gaps:
                continue
            values, _ = raw_values(key, source, sources, asleep=asleep)
            entries.append({"t": time, "v": values[0]})
        return entries

    def dash_logger(self, site: Site, now: float) -> Values:
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
