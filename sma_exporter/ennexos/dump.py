"""An ennexOS device's raw replies for a bug report, in which nobody can be recognised.

The simulator can replay the document. Numbers, tags and the names of channels stay. A text is replaced,
unless it is a number, a time, or the name of a product; so is every number that a serial number could be
recognised by, and whatever a private parameter holds.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from ..sma.exceptions import SmaCredentialsException, SmaException, SmaReadException
from ..sma.source import Identity
from .client import PLANT, SELF, EnnexOS
from .decode import identity_of, parameters_of
from .source import EnnexOSSettings, new_client
from .values import number

REPLACED_TEXT = "(text)"
REPLACED_SERIAL = "3000000000"

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)

#: Members of a reply whose texts tell nothing about anybody, and what they look like.
_HARMLESS_MEMBERS: Mapping[str, re.Pattern[str]] = {
    "channelId": re.compile(
        r"(Measurement|Setpoint|Parameter)(\.[A-Za-z]\w{0,39}){1,12}(\[\])?", re.ASCII
    ),
    "time": _MOMENT,
    "timestamp": _MOMENT,
    "state": re.compile("Confirmed"),
    "clusterType": re.compile("Primary|Secondary"),
    "vendor": re.compile("[A-Za-z ]{1,40}"),
    "product": re.compile(r"[\w .+-]{1,60}"),
    "firmwareVersion": re.compile(r"\d{1,3}(\.\d{1,3}){1,2}(\.[A-Z])?", re.ASCII),
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
#: What is under them: stands in place of the members' own names.
_PRIVATE, _KIND = "(private)", "(kind)"
#: Members of a parameter that are the same of all.
_ABOUT_A_PARAMETER = frozenset({"channelId", "editable", "state", "timestamp"})
_KIND_OF_DEVICE = re.compile(r"[\w .+-]{1,60}")

#: A number, a tag, "no value", or what the device itself has masked.
_HARMLESS_TEXT = re.compile(r"-?\d{1,8}(\.\d{1,20})?|NaN|\*{4}|")
#: What the API calls a member; no number hides in it.
_HARMLESS_NAME = re.compile(r"(?=\w{1,40}$)[A-Za-z_]+(\d{1,2}[A-Za-z_]+)*\d{0,2}", re.ASCII)

#: So many last digits of a serial number already tell it apart.
_TELLING_DIGITS = 5

#: Real replies are nested less deeply.
_DEPTH = 12

#: So many devices of a plant are described.
_MOST_DEVICES = 16


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
                failed[name] = error.brief
    if failure is not None and len(failed) == len(_CALLS):
        raise failure
    shown = redacted(replies)
    identity = _identity(shown)
    about = {"protocol": "ennexos", "model": identity.model, "firmware": identity.sw_version}
    return {**about, "failed": failed} | shown


def _identity(shown: Mapping[str, Any]) -> Identity:
    """Return who the component is, as far as that is shown: it comes first everywhere."""
    described: Any = next(iter(shown.get("devices", {}).values()), {})
    groups: Any = shown.get("parameters/search", [])
    component = groups[0].get("componentId") if groups else None
    return identity_of(described, parameters_of(groups, str(component)))


def _descriptions(client: EnnexOS, component: str) -> dict[str, Any]:
    """Ask what the component is, and of the one that answers what else is there."""
    found = {component: client.device(component)}
    listed = client.devices()[:_MOST_DEVICES] if component == SELF else []
    for name in (each.get("deviceId") for each in listed):
        if isinstance(name, str) and name not in {SELF, PLANT}:
            with suppress(SmaReadException):  # some that are listed have no description
                found[name] = client.device(name)
    return found


def _parts(component: str) -> list[str]:
    return [SELF, PLANT] if component == SELF else [component]


_CALLS: Mapping[str, Callable[[EnnexOS, str], Any]] = {
    "system/info": lambda client, _: client.system_info(),
    "plants/Plant:1/devices": lambda client, _: client.devices(),
    "devices": _descriptions,
    "measurements/live": lambda client, component: client.measurements(_parts(component)),
    "parameters/search": lambda client, component: client.parameters(_parts(component)),
}


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

    def of(self, value: Any, member: str = "", depth: int = 0) -> Any:
        """Return a part of a reply as it may be shown. `member`: the name under which it stands."""
        if isinstance(value, dict | list) and depth == _DEPTH:
            return REPLACED_TEXT
        if isinstance(value, dict):
            return self._of_object(value, member, depth + 1)
        if isinstance(value, list):
            return [self.of(each, member, depth + 1) for each in value]
        if isinstance(value, str):
            return self._of_text(value, member)
        return self._of_number(value, member)

    def _of_object(self, value: Mapping[str, Any], member: str, depth: int) -> dict[str, Any]:
        channel = value.get("channelId")
        kind = member if member == _PRIVATE else ""
        if isinstance(channel, str) and channel in _PUBLIC_PARAMETERS:
            kind = _KIND
        elif isinstance(channel, str) and _PRIVATE_PARAMETERS.match(channel):
            kind = _PRIVATE
        found = {}
        for name, each in value.items():
            if name == "_links":
                continue
            inherited = kind if kind and name not in _ABOUT_A_PARAMETER else name
            key = self._components.get(name, name if _HARMLESS_NAME.fullmatch(name) else "other")
            found[key] = self.of(each, inherited, depth)
        return found

    def _of_text(self, text: str, member: str) -> str:
        if member in _COMPONENT_MEMBERS:
            return self._component(text)
        if member == _PRIVATE:
            return text if text in {"****", ""} else REPLACED_TEXT
        if text.isdecimal() and (len(text) > 8 or self._tells(text)):
            return REPLACED_SERIAL
        harmless = _HARMLESS_MEMBERS.get(member, _HARMLESS_TEXT)
        if member == _KIND:
            harmless = _KIND_OF_DEVICE
        is_shown = harmless.fullmatch(text) and not any(map(self._tells, re.findall(r"\d+", text)))
        return text if is_shown else REPLACED_TEXT

    def _of_number(self, value: Any, member: str) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if member == _PRIVATE or number(value) is None:  # JSON has no word for what is infinite
            return None
        is_telling = value == int(value) and self._tells(str(abs(int(value))))
        return int(REPLACED_SERIAL) if is_telling else value

    def _component(self, name: str) -> str:
        """Return another name for a component, always the same, of the same kind."""
        kind = name.partition(":")[0]
        kind = kind if re.fullmatch("[A-Za-z0-9]{1,8}", kind) else "OTHER"
        return self._components.setdefault(name, f"{kind}:0000-{len(self._components):010d}")

    def _tells(self, digits: str) -> bool:
        return len(digits) >= _TELLING_DIGITS and any(
            serial.endswith(digits) for serial in self._serials
        )


def _walk(value: Any, member: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield every part of a reply that may be shown, and the name under which it stands."""
    yield member, value
    if depth == _DEPTH:
        return
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _walk(each, str(name), depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _walk(each, member, depth + 1)


def _components(replies: Any) -> Iterator[str]:
    for member, value in _walk(replies):
        if member in _COMPONENT_MEMBERS and isinstance(value, str):
            yield value


def _serials(replies: Any) -> Iterator[str]:
    for member, value in _walk(replies):
        if isinstance(value, dict) and "SerNum" in str(value.get("channelId")):
            yield str(value.get("value"))
        elif member == "serial" or member in _COMPONENT_MEMBERS:
            yield re.sub(r".*\D", "", str(value), flags=re.DOTALL)
