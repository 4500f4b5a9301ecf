"""A device or a plant with its channels: what a component id stands for."""

import zlib
from dataclasses import dataclass, replace

from ..quantities import Site, TypeLabel
from ..year import QUARTER
from . import channels, encoding, parameters
from .encoding import Clock
from .switches import EnnexosQuantities, Link, View

Json = dict[str, object]
AT_ONCE = Clock()


@dataclass(frozen=True)
class Kind:
    """One device of a model, or a plant. `group_tag`: its class, None if that is not known.

    `unit`, `charger`: which member of the plant it is. `firmware`: the old and the new one, None if
    it says none. `known`: there is something at `plants/Plant:1/devices/<id>`. `sleeps`: without sun
    it cannot be reached through the device that stands before it.
    """

    product: str
    product_tag: int
    susyid: int
    channels: channels.Table
    parameters: parameters.Table
    firmware: tuple[str, str] | None = None
    group_tag: int | None = None
    unit: str | None = None
    charger: str | None = None
    known: bool = True
    sleeps: bool = False
    clock: Clock = AT_ONCE

    @property
    def serial(self) -> int:
        """The default serial number."""
        return 3_020_000_000 + zlib.crc32(self.product.encode()) % 20_000_000


@dataclass(frozen=True)
class Component:
    """What an id stands for, and where it is."""

    id: str
    kind: Kind
    site: Site

    def firmware(self, view: View) -> str | None:
        """Return its version."""
        versions = self.kind.firmware
        return versions[view.switches.firmware == "new"] if versions else None

    def quantities(self, view: View, time: float) -> EnnexosQuantities:
        """Return all quantities that the tables can name."""
        label = TypeLabel(self.site, self.kind.product_tag, self.firmware(view) or "")
        return EnnexosQuantities(self.site, label, time, Link(view.switches.wifi))

    def offline_since(self, view: View) -> float | None:
        """Return the Unix time from which on it cannot be reached; None if it can."""
        if not self.kind.sleeps:
            return None
        since = view.switches.offline_since
        if since is not None and since <= view.now:
            return since
        if not self.quantities(view, view.now).dark:
            return None
        knot = round(view.now - self.site.plant.at(view.now).fraction * QUARTER)
        while self.quantities(view, knot).dark:
            knot -= QUARTER
        return knot

    def live(self, view: View) -> list[Json]:
        """Return all channels."""
        since = self.offline_since(view)
        if since is not None and view.switches.offline == "missing":
            return []
        quantities = self.quantities(view, view.now if since is None else since)
        entries = encoding.live(self.kind.channels, self.id, quantities, view, self.kind.clock)
        if since is None or view.switches.offline == "stale":
            return entries
        time = {"time": self.kind.clock.text(since)}
        return [{**entry, "values": [time]} for entry in entries]

    def parameters(self, view: View) -> list[Json]:
        """Return all parameters."""
        quantities = self.quantities(view, view.now)
        return encoding.parameter_values(self.kind.parameters, quantities, view, self.kind.clock)

    def about(self, view: View) -> Json:
        """Return what the device says of itself."""
        unit, kind = self.site.unit, self.kind
        content: Json = {
            "_links": {},
            "clusterType": "Primary" if self.id.endswith(":SELF") else "Secondary",
            "deviceId": self.id,
            "name": self.site.name,
            "plantId": "Plant:1",
            "product": kind.product,
            "productTagId": kind.product_tag,
            "serial": str(self.site.serial),
            "vendor": "SMA",
        }
        if kind.group_tag is not None:
            content["productGroupTagId"] = kind.group_tag
        if unit is not None:
            content["generatorPower"] = round(unit.rated)
        if kind.firmware:
            content |= {"firmwareVersion": self.firmware(view), "ipAddress": "192.0.2.30"}
        return content


def part(kind: Kind, site: Site) -> Component:
    """Return a device behind the one that answers."""
    unit = site.plant.unit(kind.unit) if kind.unit else None
    found = replace(
        site,
        unit=unit,
        charger=None,
        serial=kind.serial,
        name=f"{kind.product} {kind.serial % 1000:03d}",
    )
    return Component(f"SD2P:{kind.susyid:04d}-{kind.serial}", kind, found)
