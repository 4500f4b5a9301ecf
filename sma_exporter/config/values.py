"""What a value of the configuration may be, and which values exclude each other.

Pure functions over what YAML (or a flag) gave. Their sentences never repeat a value: what stands in the wrong
place may be a password.
"""

import ipaddress
import math
import re
import ssl
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from .structure import Place, Raw, ValidationError

# Texts --------------------------------------------------------------------------------------------

LONGEST_LABEL = 128
# Line ends too: a label, a HELP text or a password that holds one is a mistake (`|` in YAML adds one).
_UNWANTED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


def text(value: object) -> str:
    """Read text that is meant as text: a number, `yes` or a date needs quotes."""
    if value is not None and not isinstance(value, str):
        raise ValidationError('is not text to YAML; put it in quotes: {key}: "…"')
    if not value or value.isspace():
        raise ValidationError("is empty; give a value or leave it out")
    if any(unicodedata.category(character) in _UNWANTED_CATEGORIES for character in value):
        raise ValidationError("must be one line, without control characters")
    return value


def label(value: object) -> str:
    """Read text that becomes the value of a label."""
    value = text(value)
    if len(value) > LONGEST_LABEL:
        raise ValidationError(f"must be at most {LONGEST_LABEL} characters long")
    return value


def serial(value: object) -> str:
    """Read a serial number, which without quotes would lose leading zeros or be octal."""
    digits = text(value)
    if not (digits.isascii() and digits.isdigit()):
        raise ValidationError(
            'must be the digits of the serial number, in quotes: {key}: "3001234567"'
        )
    return digits


_REFERENCE = re.compile(r"\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)\})")


def expand(value: str, environ: Mapping[str, str]) -> str:
    """Replace `${NAME}` from the environment, once; `$$` is `$`, a lone `$` stays."""

    def replacement(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "$"
        if name not in environ:
            raise ValidationError(
                f"the environment variable {name} is not set; set it, or write `$${{` for `${{`"
            )
        return environ[name]

    return _REFERENCE.sub(replacement, value)


def choice(*words: str) -> Callable[[object], str]:
    """Return what reads one of a few words."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValidationError(f"must be one of {', '.join(words)}")
        return value

    return read


LONGEST_PASSWORD = 12
_PASSWORD_CHARACTERS = re.compile("[A-Za-z0-9?_!.-]*")


def password_doubts(password: str) -> Iterator[str]:
    """Say why a device may refuse this password although its owner typed the same into its web form."""
    if len(password) > LONGEST_PASSWORD:
        yield (
            f"is longer than {LONGEST_PASSWORD} characters. The device's web form lets you type "
            f"more but keeps the first {LONGEST_PASSWORD} only; if the login is refused, give those"
        )
    if not _PASSWORD_CHARACTERS.fullmatch(password):
        yield (
            "holds characters other than letters without accents, digits and ? _ ! - . which "
            "the device's web form does not take; if the login is refused, set another password"
        )


# Numbers and durations ----------------------------------------------------------------------------


def switch(value: object) -> bool:
    """Read true or false, and nothing that merely looks like it."""
    if not isinstance(value, bool):
        raise ValidationError("must be true or false, without quotes")
    return value


def index(value: object) -> int:
    """Read a place in a list of values, from 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValidationError("must be a whole number from 0, without quotes")
    return value


def scale(value: object) -> float:
    """Read a factor: finite, and not 0, which would hide the value."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        # YAML 1.1 takes 1e-3 for text.
        raise ValidationError("must be a number without quotes, such as 0.1 or 1.0e-3")
    try:
        factor = float(value)
    except OverflowError:
        factor = math.inf
    if not math.isfinite(factor) or factor == 0:
        raise ValidationError("must be a finite number other than 0")
    return factor


# Seconds a unit, in the order in which Prometheus wants them.
_DURATION_UNITS = {
    "y": 365 * 86400.0,
    "w": 7 * 86400.0,
    "d": 86400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 0.001,
}
_DURATION = re.compile("".join(rf"(?:([0-9]{{1,9}}){unit})?" for unit in _DURATION_UNITS))


def parse_duration(text: str) -> float:
    """Return the seconds of a duration as Prometheus writes it, such as `1m30s`. ValueError otherwise."""
    if text == "0":
        return 0.0
    match = _DURATION.fullmatch(text)
    if not text or not match:
        raise ValidationError(
            "must be a duration: whole numbers with the units y, w, d, h, m, s, ms in this order, "
            "such as 5s, 1m30s or 500ms"
        )
    counts = zip(match.groups(), _DURATION_UNITS.values(), strict=True)
    return sum(int(count) * seconds for count, seconds in counts if count)


def duration(shortest: str, longest: str) -> Callable[[object], float]:
    """Return what reads a duration within these limits."""
    low, high = parse_duration(shortest), parse_duration(longest)

    def read(value: object) -> float:
        written = "0" if type(value) is int and value == 0 else value
        if not isinstance(written, str):
            raise ValidationError("must be a duration with its unit: {key}: 5s")
        seconds = parse_duration(written)
        if not low <= seconds <= high:
            raise ValidationError(f"must be from {shortest} to {longest}")
        return seconds

    return read


# Addresses ----------------------------------------------------------------------------------------

_DEFAULT_PORTS = {"http": 80, "https": 443}
_URL = re.compile(
    r"(?:(?P<scheme>[^:/]*)://)?"
    r"(?P<host>\[[^][]*\]|[^][:/]*)"
    r"(?::(?P<port>[^/]*))?"
    r"(?P<path>(?:/[^/]+)*)/*"
)
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?")


@attrs.frozen
class Url:
    """Where a device is; `scheme` is empty when it is to be found out."""

    scheme: str
    host: str
    port: int | None
    path: str

    def __str__(self) -> str:
        scheme = f"{self.scheme}://" if self.scheme else ""
        port = "" if self.port is None else f":{self.port}"
        return f"{scheme}{self.host}{port}{self.path}"

    @property
    def identity(self) -> tuple[str, str, int | None, str]:
        """What two addresses of one device have in common, however they are written."""
        port = self.port or _DEFAULT_PORTS.get(self.scheme)
        return self.scheme, self.host.lower(), port, self.path


def url(value: object) -> Url:
    """Read the address of a device."""
    address = text(value)
    if "@" in address:
        raise ValidationError(
            "must not hold a user name or password; the password belongs into `password_file`"
        )
    if re.search(r'[?#\s\\<>"{}|^`]', address):
        raise ValidationError(
            "must be scheme, host, port and path only: no query, fragment or space"
        )
    match = _URL.fullmatch(address)
    if match is None:
        raise ValidationError(
            "must be an address such as https://192.0.2.10 or https://roof.example:8443/sma"
        )
    scheme = match["scheme"]
    if scheme is not None and scheme.lower() not in _DEFAULT_PORTS:
        raise ValidationError("must begin with https:// or http://, or have no scheme at all")
    host = match["host"]
    if not _is_host(host):
        raise ValidationError(
            "must name a host: a name, an IPv4 address or an IPv6 address in brackets"
        )
    return Url((scheme or "").lower(), host, _port(host, match["port"]), match["path"])


def _is_host(host: str) -> bool:
    try:
        if host.startswith("["):
            ipaddress.IPv6Address(host[1:-1])
        elif host.replace(".", "").isdigit():
            ipaddress.IPv4Address(host)
        else:
            return _HOST.fullmatch(host.encode("idna").decode("ascii")) is not None
    except ValueError:
        return False
    return True


def _port(host: str, port: str | None) -> int | None:
    if port is None:
        return None
    if ":" in port and not host.startswith("["):
        raise ValidationError("must have an IPv6 address in brackets: https://[2001:db8::10]")
    if not re.fullmatch("[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise ValidationError("must have a port from 1 to 65535, or none")
    return int(port)


# Certificates -------------------------------------------------------------------------------------

_FINGERPRINT = re.compile(r"(?i:sha256):([0-9A-Fa-f]{2}(?::?[0-9A-Fa-f]{2}){31})")


def fingerprints(value: object) -> tuple[str, ...]:
    """Read one fingerprint or a list of them; 64 lower-case hex digits each."""
    if not isinstance(value, list):
        return (_fingerprint(value),)
    if not value:
        raise ValidationError(
            "must hold at least one fingerprint; an empty list trusts no certificate"
        )
    found, faults = [], []
    for place, item in enumerate(value):
        try:
            found.append(_fingerprint(item))
        except ValidationError as fault:
            faults.append(ValidationError(str(fault), place))
    if faults:
        raise ExceptionGroup("fingerprints", faults)
    return tuple(found)


def _fingerprint(value: object) -> str:
    match = _FINGERPRINT.fullmatch(text(value))
    if match is None:
        raise ValidationError(
            "must be the certificate's SHA-256 fingerprint: "
            '"sha256:" and 32 bytes in hex, with or without colons; no other algorithm is taken'
        )
    return match[1].replace(":", "").lower()


def ca_file(path: Path) -> Path:
    """Check that certificates can be read now: later, every request would fail."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise ValidationError(f"{path} holds no certificate in PEM format") from None
    except OSError as error:
        raise ValidationError(f"{path} cannot be read: {error.strerror}") from None
    return path


# Custom sensors -----------------------------------------------------------------------------------

# The device's unit: the base unit that the metric's name ends with, and the factor to it.
UNITS: Mapping[str, tuple[str, float]] = {
    "W": ("watts", 1),
    "kW": ("watts", 1000),
    "Wh": ("joules", 3600),
    "kWh": ("joules", 3_600_000),
    "MWh": ("joules", 3_600_000_000),
    "%": ("ratio", 0.01),
    "°C": ("celsius", 1),
    "V": ("volts", 1),
    "mV": ("volts", 0.001),
    "A": ("amperes", 1),
    "mA": ("amperes", 0.001),
    "Hz": ("hertz", 1),
    "Ohm": ("ohms", 1),
    "kOhm": ("ohms", 1000),
    "var": ("vars", 1),
    "kvar": ("vars", 1000),
    "VA": ("voltamperes", 1),
    "kVA": ("voltamperes", 1000),
    "s": ("seconds", 1),
    "min": ("seconds", 60),
    "h": ("seconds", 3600),
    "W/m²": ("watts_per_square_meter", 1),
    "m/s": ("meters_per_second", 1),
    "1": ("", 1),
    "": ("", 1),
}
SENSOR_TYPES = ("gauge", "counter")
METRIC_PREFIX = "sma_custom_"
_KEY = re.compile("[0-9A-F]{4}_[0-9A-F]{8}")
_METRIC = re.compile(f"{METRIC_PREFIX}[a-zA-Z0-9_]*[a-zA-Z0-9]")
# Endings with a meaning of their own in the exposition formats.
_NOT_FOR_GAUGES = ("_total", "_created", "_count", "_sum", "_bucket", "_info")
_LABEL_NAME = re.compile("(?!__)[a-zA-Z_][a-zA-Z0-9_]*")


def sensor_key(value: object) -> str:
    """Read the name that a value has in the device's replies."""
    key = text(value)
    if _KEY.fullmatch(key):
        return key
    if _KEY.fullmatch(key.upper()):
        raise ValidationError(f'must be in upper case: {{key}}: "{key.upper()}"')
    raise ValidationError(
        "must be a device's key: four and eight hex digits, such as 6400_00652700"
    )


def unit(value: object) -> str:
    """Read a unit whose way to the base unit is known."""
    if not isinstance(value, str) or value not in UNITS:
        known = ", ".join(name for name in UNITS if name)
        raise ValidationError(
            f'must be one of {known}, in quotes where it is 1 or %, or "" for none'
        )
    return value


def metric(value: object) -> str:
    """Read the name of a metric that no built-in family can have."""
    name = text(value)
    if not _METRIC.fullmatch(name):
        raise ValidationError(f"must be {METRIC_PREFIX} and then letters, digits and underscores")
    return name


def labels(value: object) -> dict[str, str]:
    """Read the names and values of labels beside `device`."""
    if not isinstance(value, dict):
        raise ValidationError("must be a mapping of label names to texts, such as {side: dc}")
    faults = [*_label_faults(value)]
    if faults:
        raise ExceptionGroup("labels", faults)
    return value


def _label_faults(pairs: dict[object, object]) -> Iterator[ValidationError]:
    for name, value in pairs.items():
        if not isinstance(name, str) or not _LABEL_NAME.fullmatch(name):
            yield ValidationError(
                "must have names of letters, digits and underscores, such as side"
            )
        elif name == "device":
            yield ValidationError("is set by the exporter; take another label name", name)
        else:
            try:
                label(value)
            except ValidationError as fault:
                yield ValidationError(str(fault), name)


# Values that do not go together -------------------------------------------------------------------
# These look at what was written, not at the model, so that they are found beside every other fault.


def tls_conflicts(tls: Raw) -> Iterator[ValidationError]:
    """Find checks that a fingerprint replaces."""
    if "fingerprint" not in tls:
        return
    sentence = "has no effect beside `tls.fingerprint`, which replaces this check; keep one of them"
    if tls.get("verify") is False:
        yield ValidationError(sentence, "verify")
    if "ca_file" in tls:
        yield ValidationError(sentence, "ca_file")


def device_conflicts(device: Raw) -> Iterator[ValidationError]:
    """Find two passwords, a check that needs one, and certificates without TLS."""
    if "password" in device and "password_file" in device:
        yield ValidationError("stands beside `password`; keep one of them", "password_file")
    serial_number = device.get("serial")
    checked = isinstance(serial_number, str) and serial_number.isdecimal()
    if checked and not {"password", "password_file"} & device.keys():
        sentence = "cannot be checked without a password: the public dashboard does not tell it"
        yield ValidationError(sentence, "serial")
    address = device.get("url")
    if device.get("tls") and isinstance(address, str) and address.lower().startswith("http://"):
        yield ValidationError(
            "needs https, but `url` begins with http://; change one of them "
            "(in a file, `tls: {}` undoes what `defaults` say)",
            "tls",
        )


def sensor_conflicts(sensor: Raw) -> Iterator[ValidationError]:
    """Find a metric whose name does not say its unit and type."""
    name, unit_name, kind = sensor.get("metric"), sensor.get("unit"), sensor.get("type")
    factor = sensor.get("scale")
    if kind == "counter" and isinstance(factor, int | float) and factor < 0:
        yield ValidationError("must be above 0, because a counter never falls", "scale")
    if not isinstance(name, str) or kind not in SENSOR_TYPES or unit_name not in [*UNITS]:
        return  # reported where each of them is read
    base, _ = UNITS[unit_name]
    ending = "".join(f"_{word}" for word in (base, "total" if kind == "counter" else "") if word)
    if not name.endswith(ending):
        yield ValidationError(f'must end in {ending}, for a {kind} in "{unit_name}"', "metric")
    elif kind == "gauge" and name.endswith(_NOT_FOR_GAUGES):
        yield ValidationError(
            f"must not end in {', '.join(_NOT_FOR_GAUGES)}, as it is a gauge", "metric"
        )


def file_conflicts(file: Raw) -> Iterator[ValidationError]:
    """Find a name, address or series that is there twice, and a metric with two meanings."""
    devices = file.get("devices")
    if not isinstance(devices, list):
        return
    if not devices:
        yield ValidationError("must hold at least one device", "devices")
    rows: list[tuple[int, Raw]] = [
        (place, row) for place, row in enumerate(devices) if isinstance(row, dict)
    ]
    yield from _twice("name", {place: row.get("name") for place, row in rows})
    yield from _twice("url", {place: _identity(row) for place, row in rows})
    yield from _metric_conflicts(rows)


def _twice(key: str, values: Mapping[int, object]) -> Iterator[ValidationError]:
    first: dict[object, int] = {}
    for place, value in values.items():
        if not isinstance(value, str | tuple):
            continue
        if value in first:
            sentence = f"is the same as that of devices[{first[value]}]; each device needs its own"
            yield ValidationError(sentence, "devices", place, key)
        first.setdefault(value, place)


def equal_serials(serials: Sequence[str | None]) -> Iterator[ValidationError]:
    """Find a device that is there under two names."""
    for place, number in enumerate(serials):
        first = serials.index(number)
        if number is not None and first != place:
            yield ValidationError(
                f"is the same as that of devices[{first}]: "
                "one device under two names counts twice in sums and takes two sessions",
                "devices",
                place,
                "serial",
            )


def _identity(device: Raw) -> object:
    try:
        address = url(device.get("url"))
    except ValidationError:
        return None
    if device.get("tls") and not address.scheme:
        address = attrs.evolve(address, scheme="https")
    return address.identity


def _metric_conflicts(devices: list[tuple[int, Raw]]) -> Iterator[ValidationError]:
    first: dict[str, tuple[Place, object]] = {}
    series: set[tuple[object, ...]] = set()
    for where, name, meaning, pairs in _metrics(devices):
        # OpenMetrics names a counter's family without _total, so the two share one family.
        family = name.removesuffix("_total")
        (_, device, _, row, _), agreed = first.setdefault(family, (where, meaning))
        if meaning != agreed:
            yield ValidationError(
                f"is in devices[{device}].sensors[{row}] with another `type`, `help` or other "
                "label names; make them equal or choose another name",
                *where,
            )
        elif (where[:2], family, pairs) in series:
            yield ValidationError(
                "has the same labels twice on one device; give each its own", *where
            )
        series.add((where[:2], family, pairs))


def _metrics(
    devices: list[tuple[int, Raw]],
) -> Iterator[tuple[Place, str, object, frozenset[tuple[str, str]]]]:
    """Each sound row of `sensors`: where it is, its metric, what must agree, and its labels."""
    for device_place, device in devices:
        rows = device.get("sensors")
        for place, row in enumerate(rows if isinstance(rows, list) else ()):
            if not isinstance(row, dict):
                continue
            try:
                name, pairs = metric(row.get("metric")), labels(row.get("labels", {}))
            except (ValidationError, ExceptionGroup):
                continue  # reported where the row itself is read
            where = ("devices", device_place, "sensors", place, "metric")
            meaning = (row.get("type"), row.get("help"), frozenset(pairs))
            yield where, name, meaning, frozenset(pairs.items())
