"""A recorded device: it always replies what was recorded."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .profiles import DASH_KEYS, LoggerEntry, Profile, Values, WebConnectSite

SERIAL, NAME = "6800_00A21E00", "6800_10821E00"


@dataclass(frozen=True)
class Recording:
    """See Profile. The members of the recorded replies; `logs` by the logger's id."""

    product: str
    recorded_uid: str
    online_values: Values
    parameter_values: Values
    dash_values: Values
    dash_logs: Values
    logs: Mapping[int, list[LoggerEntry]] = field(default_factory=dict)
    unit: str | None = None
    installer_groups: tuple[str, ...] = ()  # what was recorded is shown to everybody

    @property
    def serial(self) -> int:
        """See Profile."""
        found = first_value(self.parameter_values.get(SERIAL))
        return found if isinstance(found, int) else zlib.crc32(self.recorded_uid.encode())

    def uid(self, site: WebConnectSite) -> str:  # noqa: ARG002 - a recording does not depend on them
        """See Profile."""
        return self.recorded_uid

    def online(self, site: WebConnectSite, now: float) -> Values:  # noqa: ARG002
        """See Profile."""
        return self.online_values

    def parameters(self, site: WebConnectSite, now: float) -> Values:  # noqa: ARG002
        """See Profile."""
        return self.parameter_values

    def dashboard(self, site: WebConnectSite, now: float) -> Values:  # noqa: ARG002
        """See Profile."""
        return self.dash_values

    def logger(
        self,
        site: WebConnectSite,  # noqa: ARG002
        logger: int,
        start: float,
        end: float,
        now: float,  # noqa: ARG002
    ) -> list[LoggerEntry] | None:
        """See Profile."""
        log = self.logs.get(logger)
        return None if log is None else [entry for entry in log if start <= entry["t"] <= end]

    def dash_logger(self, site: WebConnectSite, now: float) -> Values:  # noqa: ARG002
        """See Profile."""
        return self.dash_logs


def replay_profile(document: object) -> Profile:
    """Return the profile of a recorded document; raise ValueError if it is no recording.

    The document: {"model": text, "getAllOnlValues": reply, "getAllParamValues": reply} and, if they
    were recorded, "getDashValues": reply, "getDashLogger": reply, "getLogger": {id: [{t, v}, …]}.
    """
    if not isinstance(document, Mapping):
        raise ValueError(  # noqa: TRY004 - the document is wrong, not its type in the program
            "a recording is a JSON object with the replies of a device by call"
        )
    uid, online = members(document, "getAllOnlValues")
    _, parameters = members(document, "getAllParamValues")
    known = {**parameters, **online}
    dash = {key: value for key, value in known.items() if key in DASH_KEYS}
    return Recording(
        product=str(document.get("model", "recording")),
        recorded_uid=uid,
        online_values=online,
        parameter_values=parameters,
        dash_values=members(document, "getDashValues")[1] if "getDashValues" in document else dash,
        dash_logs=members(document, "getDashLogger")[1] if "getDashLogger" in document else {},
        logs=logs(document.get("getLogger", {})),
    )


def members(document: Mapping[str, Any], call: str) -> tuple[str, Values]:
    """Return the device's uid in a recorded reply, and the values."""
    match document.get(call):
        case {"result": {**devices}} if len(devices) == 1:
            ((uid, values),) = devices.items()
            if isinstance(values, dict):
                return str(uid), values
    raise ValueError(f'"{call}" is not the reply of one device: {{"result": {{uid: {{…}}}}}}')


def logs(recorded: object) -> dict[int, list[LoggerEntry]]:
    """Return the recorded loggers by their id."""
    if not isinstance(recorded, Mapping):
        raise ValueError(  # noqa: TRY004
            '"getLogger" is not an object of logger ids'
        )
    for number, entries in recorded.items():
        if not str(number).isdecimal() or not isinstance(entries, list):
            raise ValueError(f'"getLogger" has {number!r}, which is not a decimal id with a list')
        if not all(isinstance(entry, dict) and "t" in entry and "v" in entry for entry in entries):
            raise ValueError(f'"getLogger" has entries of {number!r} without "t" and "v"')
    return {int(number): entries for number, entries in recorded.items()}


def first_value(value: object) -> object:
    """Return the first `val` in a value of either shape, None without one."""
    match value:
        case {"val": found} | [{"val": found}, *_]:
            return found
        case {**classes} if classes:
            return first_value(next(iter(classes.values())))
    return None
