"""What a WebConnect device tells of itself, step by step, and all that it answers."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from ..sma import tags as sma_tags
from ..sma.diagnosis import Diagnosis, KnownValue, Step, UnknownValue
from ..sma.exceptions import (
    SmaAuthenticationException,
    SmaConnectionException,
    SmaException,
    SmaReadException,
    SmaTlsException,
)
from ..sma.objects import BY_KEY, OBJECTS
from ..sma.sensors import expanded
from ..sma.source import Address, Readings
from .client import SMA
from .decode import (
    PARAMETER_KEYS,
    decode,
    decoded,
    identity_of,
    left_out,
    require_value,
    version_int_to_string,
)
from .source import WebConnectSettings, new_client
from .values import elements, number, tags


def diagnose(settings: WebConnectSettings) -> Diagnosis:
    """Go to a device with a session of its own, and log out. A failure ends the diagnosis."""
    diagnosis = Diagnosis(settings.url)
    with new_client(settings) as client:
        try:
            _reach(diagnosis, client, settings)
            _examine(diagnosis, client, settings)
        except SmaException as error:
            diagnosis.failure = error
            if isinstance(error, SmaTlsException):
                diagnosis.fingerprint = error.fingerprint
        diagnosis.url = client.url
    return diagnosis


def _reach(diagnosis: Diagnosis, client: SMA, settings: WebConnectSettings) -> None:
    """Add the steps up to the login."""
    sessions = _sessions(client)
    failure: SmaException | None = None
    is_logged_in = False
    try:
        is_logged_in = client.new_session()
        if sessions is None and not is_logged_in:
            client.read_all()
    except SmaException as error:
        if sessions is None and not isinstance(error, SmaAuthenticationException):
            raise  # so far nobody has answered
        failure = error
    diagnosis.note_way(
        client.url,
        "WebConnect",
        is_pinned=bool(settings.fingerprints),
        verify=settings.verify,
        timeout=settings.timeout,
    )
    diagnosis.steps.append(Step("sessions", sessions or "not told"))
    if failure is not None:
        raise failure
    if is_logged_in:
        diagnosis.steps.append(Step("login", f"as {settings.group}"))
    else:
        diagnosis.steps.append(
            Step("login", "none: without a password, the public dashboard values")
        )


def _sessions(client: SMA) -> str | None:
    """Say how many sessions are free; None where the device does not tell: the exporter does not need it.

    SmaException where nothing was sent: then nothing else can be.
    """
    try:
        free = client.session_check().free
    except SmaConnectionException as error:
        if not error.sent:
            raise
        return None
    except SmaReadException:
        return None
    return None if free is None else f"{free} free"


def _examine(diagnosis: Diagnosis, client: SMA, settings: WebConnectSettings) -> None:
    """Add what the device answers; then raise SmaException if that is not all, or not enough."""
    values = client.read_all()
    require_value(values)
    failure: SmaException | None = None
    if settings.password is not None:
        try:
            values |= client.read_keys(PARAMETER_KEYS)
        except SmaException as error:  # costs the exporter no values either
            failure = error
    diagnosis.readings = readings = decode(values)
    unidentified = diagnosis.note_identity(identity_of(readings))
    if unidentified and settings.password is None:
        diagnosis.steps.append(Step("device", "not told without a password"))
    else:
        failure = failure or unidentified
    _add_values(diagnosis, values)
    is_inverter = "6100_40263F00" in values
    if settings.group == "user" and is_inverter:
        diagnosis.needs_installer = sum(1 for _ in _for_installer(values))
    if failure is not None:
        raise failure


def _add_values(diagnosis: Diagnosis, values: Mapping[str, object]) -> None:
    places = _places_of_readings(values, diagnosis.readings)
    for key, raw in values.items():
        if key in BY_KEY:
            diagnosis.values += _known(key, raw, places)
        elif unknown := _unknown(key, raw):
            diagnosis.unknown.append(unknown)
    diagnosis.warnings += left_out(values)


def _places_of_readings(
    values: Mapping[str, object], readings: Readings
) -> frozenset[tuple[str, str]]:
    """Return behind which keys (each with the sensor) the readings stand; those made of others do not."""
    places: set[tuple[str, str]] = set()
    taken: set[str] = set()
    for each in OBJECTS:  # of several objects for one sensor the first in the table counts
        for sensor, value in decoded({each.key: values.get(each.key)}).items():
            if sensor not in taken and readings.get(sensor) == value:
                places.add((each.key, sensor))
                taken.add(sensor)
    return frozenset(places)


def _known(key: str, raw: object, places: Collection[tuple[str, str]]) -> Iterator[KnownValue]:
    each = BY_KEY[key]
    for name, sensor, val in zip(each.names, expanded(each.sensor), elements(raw), strict=False):
        value = _shown(val, each.factor, is_version=name == "device_sw_version")
        reading = sensor if (key, sensor) in places else ""
        is_empty_slot = not reading and name.startswith(("optimizer_", "gateway_"))
        if value is not None and not is_empty_slot:
            unit = each.unit if isinstance(value, int | float) else ""
            yield KnownValue(name, value, unit, reading)


def _unknown(key: str, raw: object) -> UnknownValue | None:
    values = elements(raw)
    shown = tuple(value for val in values if (value := _shown(val)) is not None)
    if not shown:
        return None
    numbers = (
        Address(key, element) for element, val in enumerate(values) if number(val) is not None
    )
    is_text = any(isinstance(val, str) and val for val in values)
    return UnknownValue(key, shown, next(numbers, None), is_text)


def _shown(val: object, factor: int = 1, *, is_version: bool = False) -> int | float | str | None:
    """Return a value as people read it, None for no value."""
    if isinstance(val, str):
        return val or None
    if isinstance(val, list):
        return ", ".join(map(sma_tags.text, tags(val))) or None
    raw = number(val)
    if raw is None:
        return None
    if is_version:
        return version_int_to_string(int(raw)) or None
    return raw / factor if factor != 1 else raw


def _for_installer(values: Mapping[str, object]) -> Iterable[str]:
    """Return the objects that the device does not show, and most devices show to the installer only."""
    has_battery = "6180_08495E00" in values
    for each in OBJECTS:
        is_hidden = each.is_for_installer and each.key not in values
        if is_hidden and (has_battery or not each.sensor.startswith("battery_")):
            yield each.key
