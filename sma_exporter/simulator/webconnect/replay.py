"""A recorded device: it always replies what was recorded."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    others: tuple[Profile, ...] = ()

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


_CALLS = ("getAllOnlValues", "getAllParamValues", "getDashValues", "getDashLogger")


def replay_profile(document: object) -> Profile:
    """Return the profile of a recorded document; raise ValueError if it is no recording.

    The document: {"model": text, CALL: reply, …} with the calls getAllOnlValues, getAllParamValues,
    getDashValues and getDashLogger, as far as they were recorded, and "getLogger": {id: [{t, v}, …]}.
    """
    if not isinstance(document, Mapping):
        raise ValueError(  # noqa: TRY004 - the document is wrong, not its type in the program
            "a recording is a JSON object with the replies of a device by call"
        )
    recorded = {call: members(document, call) for call in _CALLS if call in document}
    if not any(recorded.values()):
        raise ValueError(f"a recording has the reply to one of {', '.join(_CALLS)}")
    uids = [*dict.fromkeys(uid for reply in recorded.values() for uid in reply)]
    if all(len(reply) < 2 for reply in recorded.values()):  # one device, whatever its name is
        values = {call: [*reply.values()] for call, reply in recorded.items()}
        recorded = {call: {uids[0]: each[0]} for call, each in values.items() if each}
        uids = uids[:1]
    product = str(document.get("model", "recording"))
    first, *others = (recording(product, uid, recorded) for uid in uids)
    return replace(first, logs=logs(document.get("getLogger", {})), others=tuple(others))


def recording(product: str, uid: str, recorded: Mapping[str, Mapping[str, Values]]) -> Recording:
    """Return what was recorded of one device."""
    online, parameters, dash, dash_logs = (recorded.get(call, {}).get(uid, {}) for call in _CALLS)
    if "getDashValues" not in recorded:
        known = {**parameters, **online}
        dash = {key: value for key, value in known.items() if key in DASH_KEYS}
    return Recording(product, uid, online, parameters, dash, dash_logs)


def members(document: Mapping[str, Any], call: str) -> dict[str, Values]:
    """Return the values in a recorded reply by the uid of the device."""
    reply = document[call]
    devices = reply.get("result") if isinstance(reply, dict) else None
    if isinstance(devices, dict) and all(isinstance(each, dict) for each in devices.values()):
        return devices
    raise ValueError(f'"{call}" is not the reply of a device: {{"result": {{uid: {{…}}}}}}')


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
    """Return the first `val` in a value of either shape that is not null, None without one."""
    match value:
        case {"val": found} | [{"val": found}, *_]:
            return found
        case {**classes}:
            found = (first_value(entries) for entries in classes.values())
            return next((val for val in found if val is not None), None)
    return None
