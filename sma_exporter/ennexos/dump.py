"""An ennexOS device's raw replies for a bug report, in which nobody can be recognised.

The simulator can replay the document. Numbers, tags and the names of channels stay. A text is replaced,
unless it is a number or a time; so is every number that a serial number could be recognised by.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..sma.exceptions import SmaCredentialsException, SmaException
from .client import PLANT, SELF, EnnexOS
from .decode import identity_of, parameters_of
from .source import EnnexOSSettings, new_client
from .values import number

REPLACED_TEXT = "(text)"
REPLACED_SERIAL = "3000000000"

#: Members of a reply whose texts tell nothing about anybody, and what they look like.
_HARMLESS_MEMBERS: Mapping[str, re.Pattern[str]] = {
    "channelId": re.compile(r"(Measurement|Setpoint|Parameter)(\.\w{1,40}){1,12}(\[\])?"),
    "time": re.compile(r"[\dT:.Z+-]{1,40}"),
    "timestamp": re.compile(r"[\dT:.Z+-]{1,40}"),
    "state": re.compile(r"[A-Za-z]{1,40}"),
    "componentType": re.compile(r"[A-Za-z]{1,40}"),
    "clusterType": re.compile(r"[A-Za-z]{1,40}"),
    "vendor": re.compile(r"[A-Za-z ]{1,40}"),
    "product": re.compile(r"[\w .+-]{1,60}"),
    "firmwareVersion": re.compile(r"[\w.]{1,20}"),
}
#: Members that name a component; some hold a serial number.
_COMPONENT_MEMBERS = frozenset({"componentId", "deviceId", "plantId"})

#: Parameters about accounts, addresses, networks and type labels (domain/ennexos_parameters.csv, "private").
_PRIVATE_PARAMETERS = re.compile(
    r"Parameter\.(Acs|DtTm|FTPPush|IecCfg|Nameplate|PortalUsrSettings|Spdwr|Wl)\."
)
#: Of these, what says which kind of device it is.
_PUBLIC_PARAMETERS = frozenset(
    {
        "Parameter.Nameplate.MainModel",
        "Parameter.Nameplate.Model",
        "Parameter.Nameplate.ModelStr",
        "Parameter.Nameplate.PkgRev",
        "Parameter.Nameplate.Vendor",
        "Parameter.Nameplate.VendorStr",
    }
)
_KIND_OF_DEVICE = re.compile(r"[\w .+-]{1,60}")

#: A number, a tag, "no value", or what the device itself has masked.
_HARMLESS_TEXT = re.compile(r"-?\d{1,8}(\.\d+)?|NaN|\*{4}|")
_HARMLESS_NAME = re.compile(r"[A-Za-z_]\w{0,40}")

#: So many last digits of a serial number already tell it apart.
_TELLING_DIGITS = 5


def dump(settings: EnnexOSSettings) -> dict[str, Any]:
    """Return the document; calls that failed stand under "failed".

    SmaException when none brings anything, or the login fails.
    """
    replies: dict[str, Any] = {}
    failed: dict[str, str] = {}
    failure: SmaException | None = None
    with new_client(settings) as client:
        for name, ask in _CALLS.items():
            try:
                replies[name] = ask(client, settings.component)
            except SmaException as error:
                if error.pause is not None or isinstance(error, SmaCredentialsException):
                    raise
                failure = error
                failed[name] = str(error)
    if failure is not None and len(failed) == len(_CALLS):
        raise failure
    parameters = parameters_of(replies.get("parameters/search", []), settings.component)
    identity = identity_of(replies.get("devices", {}).get(settings.component, {}), parameters)
    about = {"protocol": "ennexos", "model": identity.model, "firmware": identity.sw_version}
    return {**about, "failed": failed} | redacted(replies)


_CALLS: Mapping[str, Callable[[EnnexOS, str], Any]] = {
    "system/info": lambda client, _: client.system_info(),
    "plants/Plant:1/devices": lambda client, _: client.devices(),
    "devices": lambda client, component: {component: client.device(component)},
    "measurements/live": lambda client, component: client.measurements(_parts(component)),
    "parameters/search": lambda client, component: client.parameters(_parts(component)),
}


def _parts(component: str) -> list[str]:
    return [SELF, PLANT] if component == SELF else [component]


def redacted(replies: Mapping[str, Any]) -> dict[str, Any]:
    """Return replies without anything that a person or a device could be recognised by."""
    redaction = _Redaction(replies)
    return {name: redaction.of(reply) for name, reply in replies.items()}


class _Redaction:
    """One look at all replies: the serial numbers in them, and the masked names of components."""

    def __init__(self, replies: Any) -> None:
        self._serials = {*_serials(replies)}
        self._components: dict[str, str] = {SELF: SELF, PLANT: PLANT}
        for component in _components(replies):
            self._component(component)

    def of(self, value: Any, member: str = "") -> Any:
        """Return a part of a reply as it may be shown. `member`: the name under which it stands."""
        if isinstance(value, dict):
            return self._of_object(value)
        if isinstance(value, list):
            return [self.of(each, member) for each in value]
        if isinstance(value, str):
            return self._of_text(value, member)
        is_telling = (
            isinstance(value, int | float)
            and number(value) is not None
            and value == int(value)
            and self._tells(str(int(value)))
        )
        return int(REPLACED_SERIAL) if is_telling else value

    def _of_object(self, value: Mapping[str, Any]) -> dict[str, Any]:
        channel = value.get("channelId")
        if isinstance(channel, str) and channel in _PUBLIC_PARAMETERS:
            member = "kind"
        elif isinstance(channel, str) and _PRIVATE_PARAMETERS.match(channel):
            member = "private"
        else:
            member = ""
        found = {}
        for name, each in value.items():
            if name == "_links":
                continue
            inherited = member if member and name in {"value", "values"} else name
            key = self._components.get(name, name if _HARMLESS_NAME.fullmatch(name) else "other")
            found[key] = self.of(each, inherited)
        return found

    def _of_text(self, text: str, member: str) -> str:
        if member in _COMPONENT_MEMBERS:
            return self._component(text)
        if member == "private":
            return text if text == "****" else REPLACED_TEXT
        harmless = _HARMLESS_MEMBERS.get(member)
        if member == "kind":
            harmless = _KIND_OF_DEVICE
        if harmless is not None:
            return text if harmless.fullmatch(text) else REPLACED_TEXT
        if text.isdecimal() and (len(text) > 8 or self._tells(text)):
            return REPLACED_SERIAL
        return text if _HARMLESS_TEXT.fullmatch(text) else REPLACED_TEXT

    def _component(self, name: str) -> str:
        """Return another name for a component, always the same, of the same kind."""
        kind = name.partition(":")[0]
        kind = kind if re.fullmatch("[A-Za-z0-9]{1,8}", kind) else "OTHER"
        return self._components.setdefault(name, f"{kind}:0000-{len(self._components):010d}")

    def _tells(self, digits: str) -> bool:
        return len(digits) >= _TELLING_DIGITS and any(
            serial.endswith(digits) for serial in self._serials
        )


def _walk(value: Any, member: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every part of a reply, and the name under which it stands."""
    yield member, value
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _walk(each, str(name))
    elif isinstance(value, list):
        for each in value:
            yield from _walk(each, member)


def _components(replies: Any) -> Iterator[str]:
    for member, value in _walk(replies):
        if member in _COMPONENT_MEMBERS and isinstance(value, str):
            yield value


def _serials(replies: Any) -> Iterator[str]:
    for member, value in _walk(replies):
        if isinstance(value, dict) and "SerNum" in str(value.get("channelId")):
            yield str(value.get("value"))
        elif member == "serial" or member in _COMPONENT_MEMBERS:
            yield re.sub(r".*\D", "", str(value))
