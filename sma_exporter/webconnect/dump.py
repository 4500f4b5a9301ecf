"""A device's raw replies for a bug report, in which nobody can be recognised.

The simulator can replay the document. Numbers and states stay; every text is replaced unless its key
is known to be harmless, and so is every name that is none of SMA's, and every number that a serial
number could be recognised by.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..sma.exceptions import SmaException
from ..sma.objects import BY_KEY
from ..sma.sensors import SENSORS, Kind, expanded
from .decode import decode, identity_of
from .source import WebConnectSettings, new_client
from .values import number

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

#: What SMA calls objects, data loggers, device classes, and the members of a value.
_OBJECT = re.compile("[0-9A-F]{4}_[0-9A-F]{8}")
_LOGGER = re.compile("[0-9A-F]{4}")
_CLASS = re.compile("[0-9]{1,3}")
_MEMBERS = frozenset({"val", "tag", "low", "high", "min", "max", "validVals", "str", "t", "v"})

#: Objects of the type label, and meters in use and usable: serial numbers and parts of them.
_SERIAL_KEYS = re.compile(r"_..(A2|B12|8AA2|8AA3)")
#: So many last digits of a serial number already tell it apart.
_TELLING_DIGITS = 5
#: A number as large as this may be a serial number or an address, where it is no known quantity.
_LARGE = 10**8
#: But these are limits, or no number at all.
_LIMITS = frozenset({0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF})

#: No number of a device is as large.
_BEYOND = 2.0**64

#: Real values are nested less deeply.
_DEPTH = 12


def dump(settings: WebConnectSettings) -> dict[str, Any]:
    """Return the document; calls that fail, in whatever way, stand under "failed".

    SmaException when the login or every call fails.
    """
    replies: dict[str, Any] = {}
    failures: dict[str, SmaException] = {}
    with new_client(settings) as client:
        client.new_session()
        for name, payload in _CALLS.items():
            if settings.password is None and not name.startswith("getDash"):
                continue
            try:
                replies[name] = client.reply(name, payload)
            except SmaException as error:
                failures[name] = error
    if not replies:
        raise next(iter(failures.values()))
    shown = redacted(replies)
    identity = identity_of(decode(_all_values(shown)))
    about = {"model": identity.model, "firmware": identity.sw_version, "group": settings.group}
    failed = {name: error.brief for name, error in failures.items()}
    return about | {"failed": failed} | shown


def redacted(replies: Mapping[str, Any]) -> dict[str, Any]:
    """Return whole replies without anything that a person or a device could be recognised by."""
    redaction = _Redaction({serial for reply in replies.values() for serial in _serials(reply)})
    return {
        name: {
            "result": {
                redaction.member(uid): redaction.values(values) for uid, values in _members(reply)
            }
        }
        for name, reply in replies.items()
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


def _serials(reply: Any) -> Iterator[str]:
    """Yield the serial numbers in a reply: of the members' names, the type labels, and the texts."""
    for uid, values in _members(reply):
        if re.fullmatch("[0-9A-Fa-f]{8}", digits := uid.rpartition("-")[2]):
            yield str(int(digits, 16))
        for key, raw in values.items() if isinstance(values, dict) else ():
            for leaf in _leaves(raw):
                if isinstance(leaf, str):
                    yield from re.findall("[0-9]{9,12}", leaf)
                elif _SERIAL_KEYS.search(key) and isinstance(val := number(leaf), int) and val > 0:
                    yield str(val)


def _leaves(raw: Any, depth: int = 0) -> Iterator[object]:
    if depth < _DEPTH and isinstance(raw, dict | list):
        for member in raw.values() if isinstance(raw, dict) else raw:
            yield from _leaves(member, depth + 1)
    else:
        yield raw


def _is_quantity(key: str) -> bool:
    """Tell whether the numbers behind a key are measured, or counted, or set."""
    if _LOGGER.fullmatch(key):
        return True
    each = BY_KEY.get(key)
    return each is not None and SENSORS[expanded(each.sensor)[0]].kind in {Kind.GAUGE, Kind.TOTAL}


class _Redaction:
    """Replaces what tells somebody apart; the same name by the same other one in all replies."""

    def __init__(self, serials: set[str]) -> None:
        self._endings = {
            serial[start:]
            for serial in serials
            for start in range(len(serial) - _TELLING_DIGITS + 1)
        }
        self._hex = {f"{int(serial):08X}" for serial in serials}
        self._members: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def member(self, uid: str) -> str:
        """Return the key of a result as new firmware masks it: what kind of device, not which."""
        kind = uid.partition("-")[0]
        kind = kind if re.fullmatch("[0-9A-Fa-f]{4}", kind) else "0000"
        return self._members.setdefault(uid, f"{kind}-xxxxx{len(self._members):03d}")

    def values(self, values: Any) -> Any:
        """Return what a member holds."""
        if not isinstance(values, dict):
            return self._value("", values, 0)
        return {
            self._key(key): self._value(key, raw, 0)
            for key, raw in values.items()
            if key not in _SECRET_KEYS
        }

    def _key(self, key: str) -> str:
        is_sma = _OBJECT.fullmatch(key) or _LOGGER.fullmatch(key)
        return key if is_sma and key[5:] not in self._hex else self._replaced(key)

    def _replaced(self, name: str) -> str:
        return self._names.setdefault(name, f"(name {len(self._names)})")

    def _value(self, key: str, raw: Any, depth: int) -> Any:
        """Return a raw value, whatever its shape, with its names, texts and telling numbers replaced."""
        if isinstance(raw, dict | list) and depth == _DEPTH:
            return REPLACED_TEXT
        if isinstance(raw, dict):
            return {
                name
                if name in _MEMBERS or _CLASS.fullmatch(name)
                else self._replaced(name): self._value(key, member, depth + 1)
                for name, member in raw.items()
            }
        if isinstance(raw, list):
            return [self._value(key, member, depth + 1) for member in raw]
        if isinstance(raw, str):
            return raw if not raw or key in HARMLESS_TEXTS else REPLACED_TEXT
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            return raw
        if not abs(raw) < _BEYOND:  # infinite, or no number: JSON has no word for them
            return None
        return REPLACED_SERIAL if self._tells(key, raw) else raw

    def _tells(self, key: str, value: float) -> bool:
        if str(abs(int(value))) in self._endings:
            return True
        return abs(value) >= _LARGE and abs(value) not in _LIMITS and not _is_quantity(key)
