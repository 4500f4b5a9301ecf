"""Which keys a device may have over a protocol. Which protocols there are, `config` is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .reader import Read

#: Keys that every device may have.
COMMON = ("name", "plant", "protocol", "serial", "counter_reset_delay", "sensors")
#: Keys with one meaning in all protocols that have them.
STANDARD = (
    *("url", "group", "password", "password_file", "tls", "session", "timeout", "min_interval"),
)


_ORDER = (
    *("name", "url", "plant", "protocol", "serial", "group", "password", "password_file", "tls"),
    *("session", "timeout", "min_interval", "counter_reset_delay", "sensors"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolKeys:
    """What the configuration of a device may say over one protocol.

    `standard`: which of the STANDARD keys it has; `own`: further ones, each with what reads it;
    `required`: what may not be left out; `with_password`: what means nothing without one. `unique`: what
    together no two devices may have in common. `session`: what that is where it is left out,
    "" where the protocol is found out first.
    """

    standard: tuple[str, ...] = STANDARD
    own: Mapping[str, Read] = field(default_factory=dict)
    required: tuple[str, ...] = ("name", "url")
    with_password: tuple[str, ...] = ()
    unique: tuple[str, ...] = ("url",)
    session: str = "scrape"

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys that a device may have, in the order in which they are named."""
        known = {*COMMON, *self.standard}
        return (*(key for key in _ORDER if key in known), *self.own)


#: By the name of the protocol. The first is meant where none is named: "" where that is found out.
ProtocolTable = Mapping[str, ProtocolKeys]
