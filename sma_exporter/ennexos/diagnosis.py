"""What an ennexOS device tells of itself, step by step, and all that it answers."""

from collections.abc import Iterator
from dataclasses import replace

from ..sma import tags as sma_tags
from ..sma.diagnosis import Diagnosis, KnownValue, OtherDevice, Step, UnknownValue
from ..sma.exceptions import (
    SmaAuthenticationException,
    SmaException,
    SmaReadException,
    SmaTlsException,
)
from ..sma.objects import UNITS
from ..sma.source import Address, Readings, Value
from .channels import BY_NAME, BY_NAME_ON_CHARGER, id_of
from .client import PLANT, SELF, EnnexOS
from .component import (
    Description,
    Taken,
    about,
    channels,
    is_charger_of,
    readings,
    surrounded,
)
from .decode import Live, decoded, identity_of, parameters_of, unknown
from .exceptions import SmaComponentException
from .source import EnnexOSSettings, new_client
from .values import Reported, number

#: So many devices of a plant are named.
_MOST_DEVICES = 64


def diagnose(settings: EnnexOSSettings) -> Diagnosis:
    """Go to a device with a session of its own, and log out. A failure ends the diagnosis."""
    component = {} if settings.component == SELF else {"component": settings.component}
    diagnosis = Diagnosis(settings.url, own_keys={"username": settings.username, **component})
    with new_client(settings) as client:
        try:
            _reach(diagnosis, client, settings)
            _examine(diagnosis, client, settings)
        except SmaException as error:
            diagnosis.failure = error
            diagnosis.advice = _advice(error)
            if isinstance(error, SmaTlsException):
                diagnosis.fingerprint = error.fingerprint
        diagnosis.url = client.url
    return diagnosis


def _advice(error: SmaException) -> str:
    if isinstance(error, SmaAuthenticationException):
        return "Try to log in with the same user name and password on the device's own web page."
    if isinstance(error, SmaComponentException):
        return (
            "Is that device switched on? PV inverters may be off at night. What is behind the address is "
            "listed for the device without `component`."
        )
    return ""


def _reach(diagnosis: Diagnosis, client: EnnexOS, settings: EnnexOSSettings) -> None:
    """Add the steps up to the login."""
    client.system_info()
    diagnosis.note_way(
        client.url,
        "ennexOS",
        is_pinned=bool(settings.fingerprints),
        verify=settings.verify,
        timeout=settings.timeout,
    )
    client.new_session()
    diagnosis.steps.append(Step("login", f"as {settings.username}"))


def _examine(diagnosis: Diagnosis, client: EnnexOS, settings: EnnexOSSettings) -> None:
    """Add what the component answers; then raise SmaException if that is not all, or not enough."""
    component = settings.component
    if component == SELF:
        diagnosis.others += _others(client)
    found, failure = _description(client, component)
    unidentified = diagnosis.note_identity(found.identity)
    failure = failure or unidentified
    rows = client.measurements([component, PLANT] if component == SELF else [component])
    seen = channels(rows, component)
    diagnosis.readings = readings(seen, found, Taken())
    _add_values(diagnosis, found, seen.own, seen.of_plant(found))
    if failure is not None:
        raise failure


def _description(client: EnnexOS, component: str) -> tuple[Description, SmaException | None]:
    """Return what the component says of itself, and why its parameters could not be read."""
    found = surrounded(client, component, about(client, component))
    try:
        parameters = parameters_of(client.parameters([component]), component)
    except SmaException as error:
        if error.pause is not None:
            raise
        return found, error
    return replace(found, parameters=parameters), None


def _others(client: EnnexOS) -> Iterator[OtherDevice]:
    """Yield the devices behind this one."""
    for each in client.devices()[:_MOST_DEVICES]:
        name = each.get("deviceId")
        if not isinstance(name, str) or name in {SELF, PLANT}:
            continue
        try:
            identity = identity_of(client.device(name), {})
        except SmaReadException as error:  # some that are listed have no description
            if error.err is None:
                raise
            identity = identity_of(each, {})
        yield OtherDevice(identity, {"component": name})


def _add_values(diagnosis: Diagnosis, found: Description, own: Live, plant: Live) -> None:
    charger = is_charger_of(found, own)
    taken: set[str] = set()
    for live in (own, plant, found.parameters):
        for name, each in live.items():
            values = [*_known(name, each, diagnosis.readings, taken, charger=charger)]
            taken |= {value.reading for value in values}
            diagnosis.values += values
    for live in (own, plant):
        diagnosis.unknown += (_unknown(name, live[name]) for name in unknown(live))
    diagnosis.unknown = [each for each in diagnosis.unknown if each.values]


def _known(
    name: str, each: Reported, counted: Readings, taken: set[str], *, charger: bool
) -> Iterator[KnownValue]:
    """Yield what a channel of the table says. `taken`: the readings that stand elsewhere already."""
    channel = (BY_NAME_ON_CHARGER if charger else BY_NAME).get(name)
    if channel is None:
        return
    for sensor, value in decoded({name: each}, {}, charger=charger).items():
        is_counted = sensor not in taken and counted.get(sensor) == value
        unit = channel.unit if isinstance(value, int | float) else ""
        yield KnownValue(sensor, _shown(value, unit), unit, sensor if is_counted else "")


def _shown(value: Value, unit: str) -> int | float | str:
    """Return a value as people read it; a number in the unit that the device has."""
    if isinstance(value, tuple):
        return ", ".join(map(sma_tags.text, value))
    if isinstance(value, str) or not unit:
        return value
    multiplier, divisor = UNITS[unit]
    return value if multiplier == divisor else float(f"{value * divisor / multiplier:.12g}")


def _unknown(name: str, each: Reported) -> UnknownValue:
    numbers = [
        Address(id_of(name), index)
        for index, element in enumerate(each.elements)
        if number(element) is not None
    ]
    texts = [element for element in each.elements if isinstance(element, str) and element]
    shown: tuple[int | float | str, ...] = tuple(
        found if (found := number(element)) is not None else str(element)
        for element in each.elements
        if number(element) is not None or element in texts
    )
    return UnknownValue(id_of(name), shown, numbers[0] if numbers else None, bool(texts))
