"""What a device answers: the interface, and the models as data."""

from dataclasses import dataclass, replace
from typing import Protocol

from ..plant import Plant
from .components import Component, Json, Kind, part
from .history import Query, history
from .switches import View

SELF, PLANT = "IGULD:SELF", "Plant:1"


class Profile(Protocol):
    """What a device answers with. Pure: the same view gives the same values."""

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
    def charger(self) -> str | None:
        """The name of the charging station that this is; None if it is none."""

    @property
    def home(self) -> Plant | None:
        """The plant, if none is given."""

    @property
    def https_only(self) -> bool:
        """Whether it serves nothing on plain http."""

    def system_info(self, view: View) -> Json | None:
        """Return what needs no login."""

    def plant(self, view: View) -> Json | None:
        """Return the plant."""

    def devices(self, view: View) -> list[Json] | None:
        """Return the list of devices."""

    def device(self, view: View, component: str) -> Json | None:
        """Return one device; None if there is nothing about it."""

    def live(self, view: View, component: str) -> list[Json] | None:
        """Return all channels; None if there is no such component."""

    def parameters(self, view: View, component: str) -> list[Json] | None:
        """Return all parameters; None if there is no such component."""

    def history(self, view: View, component: str, query: Query) -> Json | None:
        """Return a channel's history; None if there is none."""


@dataclass(frozen=True)
class Model:
    """A device model: itself, its plant, and the devices behind it."""

    name: str
    itself: Kind
    whole: Kind
    behind: tuple[Kind, ...] = ()
    home: Plant | None = None
    https_only: bool = True

    @property
    def product(self) -> str:
        """See Profile."""
        return self.itself.product

    @property
    def serial(self) -> int:
        """See Profile."""
        return self.itself.serial

    @property
    def unit(self) -> str | None:
        """See Profile."""
        return self.itself.unit

    @property
    def charger(self) -> str | None:
        """See Profile."""
        return self.itself.charger

    @property
    def members(self) -> frozenset[str]:
        """The names of the plant's units and charging stations that are this device or behind it."""
        kinds = (self.itself, *self.behind)
        return frozenset(name for kind in kinds for name in (kind.unit, kind.charger) if name)

    def device_parts(self, view: View) -> dict[str, Component]:
        """Return the devices by id."""
        behind = (part(kind, view.site) for kind in self.behind)
        itself = Component(SELF, self.itself, view.site)
        return {SELF: itself, **{component.id: component for component in behind}}

    def component(self, view: View, name: str) -> Component | None:
        """Return what an id stands for."""
        if name == PLANT:
            return Component(PLANT, self.whole, replace(view.site, members=self.members))
        return self.device_parts(view).get(name)

    def system_info(self, view: View) -> Json:  # noqa: ARG002 - a recording needs no view either
        """See Profile."""
        tag = self.itself.product_tag
        return {"productFriendlyNameTagId": tag, "productTagId": tag}

    def plant(self, view: View) -> Json:
        """See Profile."""
        return {"_links": {}, "name": f"Plant of {view.site.name}", "plantId": PLANT}

    def devices(self, view: View) -> list[Json]:
        """See Profile."""
        return [
            {"deviceId": name, "name": component.site.name, "plantId": PLANT}
            for name, component in self.device_parts(view).items()
        ]

    def device(self, view: View, component: str) -> Json | None:
        """See Profile."""
        found = self.device_parts(view).get(component)
        return found.about(view) if found and found.kind.known else None

    def live(self, view: View, component: str) -> list[Json] | None:
        """See Profile."""
        found = self.component(view, component)
        return found.live(view) if found else None

    def parameters(self, view: View, component: str) -> list[Json] | None:
        """See Profile."""
        found = self.component(view, component)
        return found.parameters(view) if found else None

    def history(self, view: View, component: str, query: Query) -> Json | None:
        """See Profile."""
        found = self.component(view, component)
        return history(found, query, view) if found else None
