"""What a value of the configuration may be, and which values exclude each other.

Pure functions over what YAML (or a flag) gave. Their sentences never repeat a value: what stands in the wrong
place may be a password.
"""

import ipaddress
import math
import re
import ssl
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from .files import read_text
from .model import UNITS, Url
from .reader import ValidationError, ValidationErrors, errors_in, read_each

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
    """Replace `${NAME}` from the environment, once; `$$` is `$`, a lone `$` stays.

    A name that is not there is in no message: it may be a part of a password.
    """

    def replacement(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "$"
        if name not in environ:
            raise ValidationError(
                "names an environment variable that is not set, not shown because it may be a part "
                "of a password; set it, or write `$${` for `${`"
            )
        return environ[name]

    return _REFERENCE.sub(replacement, value)


def is_literal(value: object) -> bool:
    """Tell whether a text holds more than references to the environment."""
    return isinstance(value, str) and bool(_REFERENCE.sub("", value))


def choice(*words: str) -> Callable[[object], str]:
    """Return what reads one of a few words."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValidationError(f"must be one of {', '.join(words)}")
        return value

    return read


LONGEST_PASSWORD = 12
_PASSWORD_CHARACTERS = re.compile("[A-Za-z0-9?_!.-]*")


def password_warnings(password: str) -> Iterator[str]:
    """Say why a device may refuse this password although its owner typed the same into its web form."""
    typed = password.strip()
    ends = [
        word
        for word, has_blank in (
            ("begins", password[:1].isspace()),
            ("ends", password[-1:].isspace()),
        )
        if has_blank
    ]
    if ends:
        yield f"{' and '.join(ends)} with a blank, which is sent, too; remove it unless it is meant"
    if len(typed) > LONGEST_PASSWORD:
        yield (
            f"is longer than {LONGEST_PASSWORD} characters. The device's web form lets you type "
            f"more but keeps the first {LONGEST_PASSWORD} only; if the login is refused, give those"
        )
    if not _PASSWORD_CHARACTERS.fullmatch(typed):
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

_URL = re.compile(
    r"(?:(?P<scheme>[^:/]*)://)?"
    r"(?P<host>\[[^][]*\]|[^][:/]*)"
    r"(?::(?P<port>[^/]*))?"
    r"(?P<path>(?:/[^/]+)*)/*"
)
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?")


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
    if scheme is not None and scheme.lower() not in {"http", "https"}:
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
    return tuple(read_each(enumerate(value), _fingerprint))


def _fingerprint(value: object) -> str:
    match = _FINGERPRINT.fullmatch(text(value))
    if match is None:
        raise ValidationError(
            "must be the certificate's SHA-256 fingerprint: "
            '"sha256:" and 32 bytes in hex, with or without colons; no other algorithm is taken'
        )
    return match[1].replace(":", "").lower()


_CERTIFICATE = re.compile(
    "-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL | re.ASCII
)


def certificates(path: Path) -> str:
    """Read the certificates in a file, in PEM format, and check that they can be used."""
    found = "\n".join(_CERTIFICATE.findall(read_text(path)))
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=found)
    except (ssl.SSLError, ValueError):
        raise ValidationError(f"{path} holds no certificate in PEM format") from None
    return found


# Custom sensors -----------------------------------------------------------------------------------

SENSOR_TYPES = ("gauge", "counter")
METRIC_PREFIX = "sma_custom_"
#: How values are named: SMA's objects, and ennexOS' channels.
_KEY = re.compile(r"[0-9A-F]{4}_[0-9A-F]{8}|(Measurement|Setpoint|Parameter)(\.[A-Za-z0-9]+)+")
_METRIC = re.compile(f"{METRIC_PREFIX}[a-zA-Z0-9_]*[a-zA-Z0-9]")
_LABEL_NAME = re.compile("(?!__)[a-zA-Z_][a-zA-Z0-9_]*")


def is_sensor_key(key: str) -> bool:
    """Tell whether a key may be configured."""
    return _KEY.fullmatch(key) is not None


def sensor_key(value: object) -> str:
    """Read the name that a value has in the device's replies."""
    key = text(value)
    if is_sensor_key(key):
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
    errors = [error for name, text in value.items() for error in _label_errors(name, text)]
    if errors:
        raise ValidationErrors(errors)
    return value


def _label_errors(name: object, value: object) -> Iterator[ValidationError]:
    if not isinstance(name, str) or not _LABEL_NAME.fullmatch(name):
        yield ValidationError("must have names of letters, digits and underscores, such as side")
    elif name == "device":
        yield ValidationError("is set by the exporter; take another label name", name)
    else:
        yield from errors_in(lambda: label(value), name)
