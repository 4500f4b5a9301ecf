"""A recorded device: it always replies what was recorded."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from ..plant import Plant
from .components import Json
from .history import Query
from .profiles import PLANT
from .switches import View

PROTOCOL = "ennexos"


@dataclass(frozen=True)
class Recording:
    """See Profile. The recorded replies; None for one that failed."""

    product: str
    info: Json | None
    listed: list[Json] | None
    about: Mapping[str, Json]
    channels: list[Json]
    groups: list[Json]  # the parameters, by component
    unit: str | None = None
    charger: str | None = None
    home: Plant | None = None
    https_only: bool = False

    @property
    def serial(self) -> int:
        """See Profile."""
        return zlib.crc32(self.product.encode())

    def system_info(self, view: View) -> Json | None:  # noqa: ARG002 - a recording does not depend on it
        """See Profile."""
        return self.info

    def plant(self, view: View) -> Json:  # noqa: ARG002
        """See Profile. It is not recorded."""
        return {"name": self.product, "plantId": PLANT}

    def devices(self, view: View) -> list[Json] | None:  # noqa: ARG002
        """See Profile."""
        return self.listed

    def device(self, view: View, component: str) -> Json | None:  # noqa: ARG002
        """See Profile."""
        return self.about.get(component)

    def _known(self) -> set[object]:
        listed = {each.get("deviceId") for each in self.listed or []}
        answered = {each["componentId"] for each in [*self.channels, *self.groups]}
        return {PLANT, *listed, *answered}

    def live(self, view: View, component: str) -> list[Json] | None:  # noqa: ARG002
        """See Profile."""
        if component not in self._known():
            return None
        return [each for each in self.channels if each["componentId"] == component]

    def parameters(self, view: View, component: str) -> list[Json] | None:  # noqa: ARG002
        """See Profile."""
        for group in self.groups:
            if group["componentId"] == component and isinstance(group["values"], list):
                return group["values"]
        return None

    def history(self, view: View, component: str, query: Query) -> None:
        """See Profile. It is not recorded."""


def replay_profile(document: object) -> Recording:
    """Return the profile of a recorded document; raise ValueError if it is no recording.

    The document: {"protocol": "ennexos", "model": text, "firmware": text, "failed": {path: text},
    "system/info": reply, "plants/Plant:1/devices": reply, "devices": {id: reply},
    "measurements/live": reply, "parameters/search": reply}. A reply that failed is missing.
    """
    if not isinstance(document, Mapping) or document.get("protocol") != PROTOCOL:
        raise ValueError('a recording is a JSON object with {"protocol": "ennexos"}')
    live = objects(document, "measurements/live", "channelId", "componentId", "values")
    if live is None:
        raise ValueError('the recording has no "measurements/live"')
    info, about = document.get("system/info"), document.get("devices", {})
    if info is not None and not isinstance(info, dict):
        raise ValueError('"system/info" is not an object')
    if not isinstance(about, dict) or not all(isinstance(each, dict) for each in about.values()):
        raise ValueError('"devices" is not an object of objects, by the id of a device')
    return Recording(
        product=str(document.get("model") or "recording"),
        info=info,
        listed=objects(document, "plants/Plant:1/devices", "deviceId"),
        about=about,
        channels=live,
        groups=objects(document, "parameters/search", "componentId", "values") or [],
    )


def objects(document: Mapping[str, object], path: str, *members: str) -> list[Json] | None:
    """Return the list of a recorded reply; None if it failed."""
    found = document.get(path)
    if found is None:
        return None
    if not isinstance(found, list) or not all(
        isinstance(each, dict) and all(name in each for name in members) for each in found
    ):
        raise ValueError(f'"{path}" is not a list of objects with {", ".join(members)}')
    return found
