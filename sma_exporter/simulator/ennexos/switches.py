"""What differs between devices of one model, or changes while one runs."""

from dataclasses import dataclass
from typing import Literal

from ..measurement import OFF, OK, Tags
from ..quantities import Quantities, Site


@dataclass(frozen=True)
class Switches:
    """How a device is set, and which of several ways it takes where the real ones are not known.

    `firmware`: "new" sends more channels, and "NaN" at night where "old" sends nothing.
    `counters_from`: Unix time at which its counters were set back to 0.
    `night_gaps`: the history has no values at night.
    `offline_since`: Unix time from which on the old inverter behind a manager is off, as it is at
    night; `offline`: its channels are missing, have no value, or stay as they were.
    `unknown_component`: the reply to a query for one; `unauthorized`: the body of a 401.
    `feature_toggles`: the answer at `featuretoggles`. `plain_http`: what a model does on http that
    serves https only.
    """

    firmware: Literal["old", "new"] = "new"
    wifi: bool = False
    counters_from: float = 0.0
    night_gaps: bool = False
    offline_since: float | None = None
    offline: Literal["missing", "without value", "stale"] = "missing"
    unknown_component: Literal["empty", "400", "404"] = "empty"
    unauthorized: Literal["text", "json"] = "text"
    feature_toggles: Literal["answer", "hang"] = "answer"
    plain_http: Literal["404", "drop", "serve"] = "404"


@dataclass(frozen=True)
class View:
    """A site at one time, as a role sees it."""

    site: Site
    now: float
    role: str
    switches: Switches


@dataclass(frozen=True)
class Link:
    """The WiFi of a device."""

    wifi: bool

    @property
    def condition(self) -> Tags:
        """Connected or off."""
        return OK if self.wifi else OFF

    @property
    def signal(self) -> float:
        """%."""
        return 74 if self.wifi else 0


@dataclass(frozen=True)
class EnnexosQuantities(Quantities):
    """See Quantities; `link` is the WiFi."""

    link: Link
