"""The seam between the exporter and a protocol: what a source is asked, and what it brings.

A source is one device over one protocol. It knows nothing of Prometheus, and whoever uses it
nothing of keys, channels or registers. Failures are `exceptions.SmaException`: each carries its
reason, and for how long to leave the device alone.
"""

from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias

from .deadline import Deadline
from .text import clean, serial_number

#: A number in the sensor's base unit, a text, or the tags of the active states.
Value: TypeAlias = int | float | str | tuple[int, ...]

#: Sensor name -> value; a sensor without a value is absent.
Readings: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device says of itself; empty where it does not say, or nothing that can be true.

    Whatever it is made of, it is fit to be shown and kept.
    """

    serial: str = ""
    name: str = ""
    model: str = ""
    manufacturer: str = ""
    sw_version: str = ""

    def __post_init__(self) -> None:
        """Clean the texts; a serial number that cannot be one is none."""
        object.__setattr__(self, "serial", serial_number(self.serial))
        for name in ("name", "model", "manufacturer", "sw_version"):
            object.__setattr__(self, name, clean(getattr(self, name)))

    @property
    def title(self) -> str:
        """Manufacturer and model; some models begin with the manufacturer."""
        if self.model.startswith(self.manufacturer):
            return self.model
        return f"{self.manufacturer} {self.model}".strip()


class Address(NamedTuple):
    """Where a number stands that no table knows: its key in the protocol, and which element of an array."""

    key: str
    element: int = 0


@dataclass(frozen=True, slots=True)
class Measurements:
    """What a device says now.

    `readings`: everything, and what describes the device as it was last told. `identity`: who
    answers; None while that is not known for certain; the same object until the device has been
    asked anew. `custom`: the raw numbers at the addresses that were asked for.
    """

    readings: Readings
    identity: Identity | None = None
    custom: Mapping[Address, float] = field(default_factory=dict)


class Source(Protocol):
    """One device over one protocol. Used by one thread at a time, but for `cancel`."""

    @property
    def url(self) -> str:
        """Where the device is, as far as that is known by now; for messages."""

    @property
    def logins(self) -> int:
        """How many sessions were opened so far."""

    @property
    def usual_session(self) -> str:
        """What `session` is where the configuration does not say: "scrape" or "keep"."""

    def read(
        self, deadline: Deadline, custom: Collection[Address], *, identify: bool
    ) -> Generator[Measurements]:
        """Read the device: yield what it says, and once more if something slow follows.

        What comes later holds everything of before. A login is not cut by the deadline. `custom`:
        addresses that no table knows. `identify`: yield nothing before it is certain who answers.
        Who stops before the end has refused what came: the next read asks again who answers. A read
        that fails, for whatever reason, leaves its session in doubt: see `release`. Raises
        SmaException.
        """

    def release(self, deadline: Deadline) -> None:
        """Log out, in one attempt; nothing to do without a session.

        Called after each read that failed, and otherwise as the configuration says; the next read
        logs in. Raises SmaException when a session may be left. After a good read, the next one uses
        that again. After one that failed, the next one closes it first, and logs in when it cannot be
        used either; but not while the device does not answer at all: there is one session at a time.
        """

    def cancel(self) -> None:
        """Make the read under way, and all later ones, end soon. From any thread."""
