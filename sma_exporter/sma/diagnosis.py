"""The seam for `sensors`: what a protocol finds out on the way to a device, and what the device answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .deadline import Deadline
from .exceptions import SmaException, SmaReadException
from .http import presented_fingerprint
from .source import Address, Identity, Readings


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the way to a device, and what was found."""

    name: str
    found: str


@dataclass(frozen=True, slots=True)
class KnownValue:
    """A value that a table knows. `value` is in `unit`, as SMA says it; states are words.

    `sensor`: what the library calls it. `reading`: the sensor whose reading it is, "" where another
    value counts instead.
    """

    sensor: str
    value: int | float | str
    unit: str
    reading: str


@dataclass(frozen=True, slots=True)
class UnknownValue:
    """What stands behind a key that no table knows.

    `values`: of all elements that have one. `number`: where the first number stands, if there is one.
    """

    key: str
    values: tuple[int | float | str, ...]
    number: Address | None
    is_text: bool


@dataclass(frozen=True, slots=True)
class OtherDevice:
    """A further device behind the same address. `own_keys`: what the configuration has to say of it."""

    identity: Identity
    own_keys: Mapping[str, str]


@dataclass(slots=True)
class Diagnosis:
    """What was found out about one device.

    `url`: where it turned out to be. `readings`: what the exporter would get. `warnings`: what of the
    values is not read. `fingerprint`: of a certificate that nobody verified. `failure`: why it ended
    early, after the last of the steps. `needs_installer`: how many more values most devices show to
    the installer only. `own_keys`: keys of its protocol that the configuration needs. `others`: what
    else is behind the same address. `advice`: what to do about the failure, where the protocol knows it
    better than the failure's reason tells.
    """

    url: str
    steps: list[Step] = field(default_factory=list)
    values: list[KnownValue] = field(default_factory=list)
    unknown: list[UnknownValue] = field(default_factory=list)
    identity: Identity = field(default_factory=Identity)
    readings: Readings = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    needs_installer: int = 0
    own_keys: Mapping[str, str] = field(default_factory=dict)
    others: list[OtherDevice] = field(default_factory=list)
    fingerprint: str | None = None
    failure: SmaException | None = None
    advice: str = ""

    def note_identity(self, identity: Identity) -> SmaReadException | None:
        """Add who answers; return the failure where neither model nor serial number is told."""
        self.identity = identity
        if not identity.serial and not identity.model:
            return SmaReadException(
                "the device tells neither its model nor its serial number: is it starting?"
            )
        model, firmware = identity.title or "unknown model", identity.sw_version or "unknown"
        found = f"{model}, firmware {firmware}, serial {identity.serial or '?'}"
        self.steps.append(Step("device", found))
        return None

    def note_way(
        self, url: str, protocol: str, *, is_pinned: bool, verify: bool, timeout: float
    ) -> None:
        """Add how the device was reached, and by which certificate."""
        scheme = url.partition("://")[0]
        self.steps += [Step("reached", f"{url} over {scheme}"), Step("protocol", protocol)]
        if scheme != "https":
            self.steps.append(Step("certificate", "none: the password travels in clear"))
            return
        shown = presented_fingerprint(url, Deadline.after(timeout))
        trust = "verified" if verify else "not verified, compare it with the one in a browser"
        trust = "the pinned one" if is_pinned else trust
        self.steps.append(Step("certificate", f"{trust}; {shown or 'not shown'}"))
        if not verify:
            self.fingerprint = shown
