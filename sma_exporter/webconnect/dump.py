"""A device's raw replies for a bug report, in which nobody can be recognised.

The simulator can replay the document. Numbers and states stay; every text is replaced unless its key
is known to be harmless, and so is every number that a serial number could be recognised by.
"""

import re
from collections.abc import Mapping
from typing import Any

from ..sma.exceptions import SmaReadException
from .decode import decode, identity_of
from .source import WebConnectSettings, new_client
from .values import elements

#: The calls whose replies are taken, with their payloads.
_CALLS: Mapping[str, dict[str, list[str]]] = {
    "getAllOnlValues": {"destDev": []},
    "getAllParamValues": {"destDev": []},
    "getDashValues": {"destDev": [], "keys": []},
    "getDashLogger": {"destDev": [], "key": []},
}

#: Texts that tell nothing about anybody: the states of digital inputs.
HARMLESS_TEXTS = frozenset({"6180_1043A500", "6180_1043A600"})

#: Password objects: left out whole.
_SECRET_KEYS = frozenset({"6800_10841E00", "6802_10841F00"})

REPLACED_TEXT = "(text)"
REPLACED_SERIAL = 3_000_000_000

#: Objects of the type label, and meters in use and usable: serial numbers and parts of them.
_SERIAL_KEYS = re.compile(r"_..(A2|B12|8AA2|8AA3)")
#: So many last digits of a serial number already tell it apart.
_TELLING_DIGITS = 5


def dump(settings: WebConnectSettings) -> dict[str, Any]:
    """Return the document; calls that the device refuses stand under "failed".

    SmaException when it does not answer at all.
    """
    replies: dict[str, Any] = {}
    failed: dict[str, str] = {}
    with new_client(settings) as client:
        for name, payload in _CALLS.items():
            if settings.password is None and not name.startswith("getDash"):
                continue
            try:
                replies[name] = client.reply(name, payload)
            except SmaReadException as error:
                failed[name] = str(error)
    identity = identity_of(decode(_all_values(replies)))
    about = {"model": identity.model, "firmware": identity.sw_version, "group": settings.group}
    return about | {"failed": failed} | redacted(replies)


def redacted(replies: Mapping[str, Any]) -> dict[str, Any]:
    """Return whole replies without anything that a person or a device could be recognised by."""
    serials = _serials(_all_values(replies))
    return {
        name: {
            "result": {_masked(uid): _redacted_values(values, serials) for uid, values in members}
        }
        for name, members in ((name, _members(reply)) for name, reply in replies.items())
    }


def _members(reply: Any) -> list[tuple[str, Any]]:
    result = reply.get("result") if isinstance(reply, dict) else None
    return list(result.items()) if isinstance(result, dict) else []


def _all_values(replies: Mapping[str, Any]) -> dict[str, object]:
    merged: dict[str, object] = {}
    for reply in replies.values():
        for _, values in _members(reply):
            merged |= values if isinstance(values, dict) else {}
    return merged


def _serials(values: Mapping[str, object]) -> set[str]:
    found = (
        val for key, raw in values.items() if _SERIAL_KEYS.search(key) for val in elements(raw)
    )
    return {str(val) for val in found if isinstance(val, int) and val > 0}


def _masked(uid: str) -> str:
    """Return the key of a result as new firmware masks it: what kind of device, not which."""
    kind = uid.partition("-")[0]
    return f"{kind if re.fullmatch('[0-9A-Fa-f]{4}', kind) else '0000'}-xxxxx000"


def _redacted_values(values: Any, serials: set[str]) -> Any:
    if not isinstance(values, dict):
        return values
    return {
        key: _redacted(key, raw, serials) for key, raw in values.items() if key not in _SECRET_KEYS
    }


def _redacted(key: str, raw: Any, serials: set[str]) -> Any:
    """Return a raw value, whatever its shape, with its texts and telling numbers replaced."""
    if isinstance(raw, dict):
        return {name: _redacted(key, member, serials) for name, member in raw.items()}
    if isinstance(raw, list):
        return [_redacted(key, member, serials) for member in raw]
    if isinstance(raw, str):
        return raw if not raw or key in HARMLESS_TEXTS else REPLACED_TEXT
    if isinstance(raw, int) and not isinstance(raw, bool) and _tells(raw, serials):
        return REPLACED_SERIAL
    return raw


def _tells(value: int, serials: set[str]) -> bool:
    digits = str(value)
    return len(digits) >= _TELLING_DIGITS and any(serial.endswith(digits) for serial in serials)
