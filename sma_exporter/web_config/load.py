"""What the web configuration file says, in exporter-toolkit's format; every fault at once, with its path.

https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md is that format. What this
server cannot do as it is said there is refused with what to write instead, and never ignored.
"""

import ipaddress
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import attrs
from cattrs import Converter

from ..config import ConfigError, Secret, read_yaml, values, yaml_line
from ..config.structure import Raw, ValidationError, add_class, structure
from . import tls
from .watched_files import Files

#: Headers that may be set, and the values that are allowed; none said is any.
HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}

#: The highest cost of a hash: each step doubles the time, and this one takes about a second on a server.
HIGHEST_COST = 14

_HASH = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
#: Names that may be shown; anything else could be a password in the wrong place.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")


@attrs.frozen
class RateLimit:
    """So many requests at once, and one more after each interval in seconds; 0 is no limit."""

    interval: float = 0.0
    burst: int = 0


@attrs.frozen(kw_only=True)
class Web:
    """A whole file that can be used."""

    context: ssl.SSLContext | None = None
    """None is plain HTTP."""
    client_auth_type: str = "NoClientCert"
    allowed_sans: frozenset[str] = frozenset()
    """Empty: every certificate that the authority vouches for will do."""
    expires: datetime | None = None
    headers: tuple[tuple[str, str], ...] = ()
    users: Mapping[bytes, bytes] = attrs.field(factory=dict, repr=False)
    """bcrypt hashes by user name. Empty: no login."""
    rate_limit: RateLimit = RateLimit()
    warnings: tuple[str, ...] = ()


def load(path: Path, files: Files) -> Web:
    """Return what a file says; `files` reads it and those that it names. Raises ConfigError."""
    try:
        text = files.read(path)
    except ValidationError as fault:
        raise ConfigError([str(fault)]) from None
    try:
        return _parse(text, files, path.parent)
    except ConfigError as error:
        raise ConfigError(f"{path}: {problem}" for problem in error.problems) from None


def _parse(text: str, files: Files, folder: Path) -> Web:
    raw, duplicates = read_yaml(text)
    if raw is None:
        # Also what an editor leaves for a moment while it saves; taking it would open the door.
        raise ConfigError(["the file is empty; without protection leave the flag out"])
    file, faults = structure(_converter(files, folder), raw, _File)
    if file is None or duplicates:
        raise ConfigError([*duplicates, *map(yaml_line, faults)])
    return file.as_web()


# From plain values to the model -------------------------------------------------------------------


@attrs.frozen
class _Secured:
    settings: tls.ServerTls
    context: ssl.SSLContext
    rehearsal: tls.Rehearsal

    @property
    def doubts(self) -> list[ValidationError]:
        key = "cert_file" if self.settings.cert is None else "cert"
        doubt = self.rehearsal.doubt
        return [ValidationError(doubt, "tls_server_config", key)] if doubt else []


@attrs.frozen
class _Http:
    http2: bool = False
    headers: tuple[tuple[str, str], ...] = ()


@attrs.frozen
class _File:
    tls_server_config: _Secured | None = None
    http_server_config: _Http = _Http()
    basic_auth_users: Mapping[bytes, bytes] = attrs.field(factory=dict, repr=False)
    rate_limit: RateLimit = RateLimit()

    def as_web(self) -> Web:
        web = Web(
            headers=self.http_server_config.headers,
            users=self.basic_auth_users,
            rate_limit=self.rate_limit,
        )
        secured = self.tls_server_config
        if secured is None:
            return web
        return attrs.evolve(
            web,
            context=secured.context,
            client_auth_type=secured.settings.client_auth_type,
            allowed_sans=frozenset(secured.settings.client_allowed_sans),
            expires=secured.rehearsal.expires,
            warnings=tuple(map(yaml_line, secured.doubts)),
        )


def _converter(files: Files, folder: Path) -> Converter:
    """Return what makes the model of plain values: each key, and how it is read."""
    converter = Converter(detailed_validation=True)

    def content(value: object) -> str:
        return files.read(folder / values.text(value))

    def secured(value: object) -> _Secured:
        settings = converter.structure(value, tls.ServerTls)
        return _Secured(settings, *tls.make_context(settings))

    add_class(
        converter,
        tls.ServerTls,
        {
            "cert_file": content,
            "key_file": lambda value: Secret(content(value)),
            "cert": _pem,
            "key": lambda value: Secret(_pem(value)),
            "client_auth_type": _client_auth_type,
            "client_ca_file": content,
            "client_ca": _pem,
            "client_allowed_sans": _sans,
            "min_version": values.choice(*tls.VERSIONS),
            "max_version": values.choice(*tls.VERSIONS),
            "cipher_suites": _cipher_suites,
            "prefer_server_cipher_suites": values.switch,
            "curve_preferences": _curves,
        },
        tls.tls_conflicts,
    )
    add_class(
        converter,
        _Http,
        {"http2": _http2, "headers": _headers},
        lambda _: (),
    )
    add_class(
        converter,
        RateLimit,
        {"interval": values.duration("0", "1h"), "burst": values.index},
        _rate_conflicts,
    )
    add_class(
        converter,
        _File,
        {
            "tls_server_config": secured,
            "http_server_config": lambda value: converter.structure(value, _Http),
            "basic_auth_users": _users,
            "rate_limit": lambda value: converter.structure(value, RateLimit),
        },
        lambda _: (),
    )
    return converter


# What a value may be ------------------------------------------------------------------------------


def _pem(value: object) -> str:
    """Read a certificate or key that stands in the file itself."""
    if not isinstance(value, str) or "-----BEGIN" not in value:
        raise ValidationError("must be text in PEM format, after `{key}: |` and indented")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list) or not value:
        raise ValidationError(
            "must be a list, with a dash before each entry; for the default leave it out"
        )
    return value


def _client_auth_type(value: object) -> str:
    if value in tls.UNVERIFIED_CLIENT_AUTH:
        raise ValidationError(
            "would take certificates that nobody vouches for, which Python cannot do; "
            "write RequireAndVerifyClientCert"
        )
    return values.choice(*tls.CLIENT_AUTH)(value)


def _sans(value: object) -> tuple[str, ...]:
    return tuple(plain_san(values.text(item)) for item in _list(value))


def plain_san(text: str) -> str:
    """Return a name of a certificate as it is compared: an address in its one short form."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


def _cipher_suites(value: object) -> tuple[str, ...]:
    return tuple(_each(_list(value), _cipher_suite))


def _cipher_suite(value: object) -> str:
    if value in tls.TLS13_SUITES:
        raise ValidationError(
            "belongs to TLS 1.3, whose suites cannot be chosen; remove it, it is offered anyway"
        )
    if not isinstance(value, str) or value not in tls.CIPHER_SUITES:
        raise ValidationError(f"must be one of {', '.join(tls.CIPHER_SUITES)}")
    return value


def _curves(value: object) -> tuple[str, ...]:
    curves = tuple(_each(_list(value), values.choice(*tls.CURVES)))
    if len(curves) > 1:
        raise ValidationError(
            "must hold one curve: Python can set one only; for all of them leave it out"
        )
    return curves


def _each(items: list[object], read: Callable[[object], str]) -> Iterator[str]:
    """Read every entry of a list, and raise the faults of all together."""
    faults = []
    for place, item in enumerate(items):
        try:
            yield read(item)
        except ValidationError as fault:
            faults.append(ValidationError(str(fault), place, *fault.where))
    if faults:
        raise ExceptionGroup("entries", faults)


def _http2(value: object) -> bool:
    if values.switch(value):
        raise ValidationError(
            "must be false or left out: this server speaks HTTP/1.1, to every client"
        )
    return False


def _headers(value: object) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in _pairs(value, _header) if pair[1])


def _header(name: str, value: object) -> tuple[str, str]:
    if name not in HEADERS:
        raise ValidationError(f"is no header that may be set; these are: {', '.join(HEADERS)}")
    if HEADERS[name]:
        return name, values.choice(*HEADERS[name])(value)
    if value == "":
        return name, ""
    text = values.text(value)
    if not text.isascii():
        raise ValidationError("must be of ASCII characters only")
    return name, text


def _users(value: object) -> dict[bytes, bytes]:
    users = dict(_pairs(value, _user))
    if not users:
        raise ValidationError(
            "names nobody, so nobody could log in; name a user, or leave it out for no login"
        )
    return users


def _user(name: str, value: object) -> tuple[bytes, bytes]:
    if not name or ":" in name or not name.isprintable():
        raise ValidationError(
            "has a user whose name is empty, or holds a colon or control characters"
        )
    match = _HASH.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValidationError(
            "must be a bcrypt hash: 60 characters that begin with $2b$, $2y$ or $2a$"
        )
    if not 4 <= int(match[1]) <= HIGHEST_COST:
        raise ValidationError(
            f"has a cost of {int(match[1])}; it must be from 4 to {HIGHEST_COST}, "
            "because each step doubles the time that a login takes: 10 is usual"
        )
    return name.encode(), match[0].encode()


_K = TypeVar("_K", str, bytes)


def _pairs(value: object, read: Callable[[str, object], tuple[_K, _K]]) -> Iterator[tuple[_K, _K]]:
    """Read a mapping of names to texts, and raise the faults of all together."""
    if not isinstance(value, dict):
        raise ValidationError("must be a mapping of names to texts")
    faults = []
    for name, text in value.items():
        # A name that looks odd is not shown: it may be a password, or a hash, in the wrong place.
        where = (name,) if isinstance(name, str) and _PLAIN_NAME.fullmatch(name) else ()
        try:
            yield read(values.text(name), text)
        except ValidationError as fault:
            faults.append(ValidationError(str(fault), *where, *fault.where))
    if faults:
        raise ExceptionGroup("names", faults)


def _rate_conflicts(rate: Raw) -> Iterator[ValidationError]:
    if rate.get("interval") not in {None, 0, "0", "0s"} and not rate.get("burst"):
        yield ValidationError("must be at least 1: so many requests may come at once", "burst")
