"""What the web configuration file says, in exporter-toolkit's format; every fault at once, with its path.

https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md is that format. What this
server cannot do as it is said there is refused with what to write instead, and never ignored.
"""

import ipaddress
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from ..config import ConfigError, Secret, values
from ..config.reader import (
    Raw,
    Read,
    ValidationError,
    ValidationErrors,
    errors_in,
    read_each,
    read_mapping,
)
from ..config.yaml_text import described, read_yaml
from . import tls
from .watched_files import WatchedFiles

_T = TypeVar("_T")

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


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many requests at once, and one more after each interval in seconds; 0 is no limit."""

    interval: float = 0.0
    burst: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """A whole file that can be used.

    `context`: None is plain HTTP. `allowed_sans`: empty: every certificate that the authority vouches
    for will do. `users`: bcrypt hashes by user name; empty: no login.
    """

    context: ssl.SSLContext | None = None
    client_auth_type: str = "NoClientCert"
    allowed_sans: frozenset[str] = frozenset()
    expires: datetime | None = None
    headers: tuple[tuple[str, str], ...] = ()
    users: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)
    rate_limit: RateLimit = RateLimit()
    warnings: tuple[str, ...] = ()


def load(path: Path, files: WatchedFiles) -> Web:
    """Return what a file says; `files` reads it and those that it names. Raises ConfigError."""
    try:
        text = files.read(path)
    except ValidationError as error:
        raise ConfigError([str(error)]) from None
    try:
        document = read_yaml(text)
    except ConfigError as error:
        raise ConfigError(f"{path}: {problem}" for problem in error.problems) from None
    if document.values is None:
        # Also what an editor leaves for a moment while it saves; taking it would open everything.
        problem = "the file is empty; without protection leave the flag out"
        raise ConfigError([f"{path}: {problem}"])
    try:
        web, warnings = _read(document.values, files, path.parent)
    except ValidationErrors as several:
        raise ConfigError(described(several.errors, document, str(path))) from None
    if document.duplicates:
        raise ConfigError(f"{path}: {duplicate}" for duplicate in document.duplicates)
    return replace(web, warnings=tuple(described(warnings, document, str(path))))


def _read(raw: object, files: WatchedFiles, folder: Path) -> tuple[Web, list[ValidationError]]:
    """Return what plain values say, and warnings. Raises ValidationErrors."""
    keys: Mapping[str, Read] = {
        "tls_server_config": lambda value: _secured(value, files, folder),
        "http_server_config": lambda value: read_mapping(
            value, {"http2": _http2, "headers": _headers}
        ),
        "basic_auth_users": _users,
        "rate_limit": _rate_limit,
    }
    found = read_mapping(raw, keys)
    web = Web(
        headers=found.get("http_server_config", {}).get("headers", ()),
        users=found.get("basic_auth_users", {}),
        rate_limit=found.get("rate_limit", RateLimit()),
    )
    if "tls_server_config" not in found:
        return web, []
    settings, context, test = found["tls_server_config"]
    web = replace(
        web,
        context=context,
        client_auth_type=settings.client_auth_type,
        allowed_sans=frozenset(settings.client_allowed_sans),
        expires=test.expires,
    )
    key = "cert_file" if settings.cert is None else "cert"
    sentence = test.warning
    return web, [ValidationError(sentence, "tls_server_config", key)] if sentence else []


def _secured(
    value: object, files: WatchedFiles, folder: Path
) -> tuple[tls.ServerTls, ssl.SSLContext, tls.SelfTest]:
    def content(value: object) -> str:
        return files.read(folder / values.text(value))

    keys: Mapping[str, Read] = {
        "cert_file": content,
        "key_file": lambda value: Secret(content(value)),
        "cert": _pem,
        "key": lambda value: Secret(_pem(value)),
        "client_auth_type": _client_auth_type,
        "client_ca_file": content,
        "client_ca": _pem,
        "client_allowed_sans": _sans,
        "min_version": _version,
        "max_version": _version,
        "cipher_suites": _cipher_suites,
        "prefer_server_cipher_suites": values.switch,
        "curve_preferences": _curves,
    }
    settings = tls.ServerTls(**read_mapping(value, keys, conflicts=tls.tls_conflicts))
    return settings, *tls.make_context(settings)


def _rate_limit(value: object) -> RateLimit:
    keys: Mapping[str, Read] = {"interval": values.duration("0", "1h"), "burst": values.index}
    return RateLimit(**read_mapping(value, keys, conflicts=_rate_conflicts))


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


def _version(value: object) -> str:
    if value in tls.OLD_VERSIONS:
        raise ValidationError("is no longer safe, and not offered; write TLS12")
    return values.choice(*tls.VERSIONS)(value)


def _cipher_suites(value: object) -> tuple[str, ...]:
    return tuple(read_each(enumerate(_list(value)), _cipher_suite))


def _cipher_suite(value: object) -> str:
    if value in tls.TLS13_SUITES:
        raise ValidationError(
            "belongs to TLS 1.3, whose suites cannot be chosen; remove it, it is offered anyway"
        )
    if not isinstance(value, str) or value not in tls.CIPHER_SUITES:
        raise ValidationError(f"must be one of {', '.join(tls.CIPHER_SUITES)}")
    return value


def _curves(value: object) -> tuple[str, ...]:
    curves = tuple(read_each(enumerate(_list(value)), values.choice(*tls.CURVES)))
    if len(curves) > 1:
        raise ValidationError(
            "must hold one curve: Python can set one only; for all of them leave it out"
        )
    return curves


def _http2(value: object) -> bool:
    if values.switch(value):
        raise ValidationError(
            "must be false or left out: this server speaks HTTP/1.1, to every client"
        )
    return False


def _headers(value: object) -> tuple[tuple[str, str], ...]:
    return tuple((name, text) for name, text in _pairs(value, _header).items() if text)


def _header(name: str, value: object) -> str:
    if name not in HEADERS:
        raise ValidationError(f"is no header that may be set; these are: {', '.join(HEADERS)}")
    if HEADERS[name]:
        return values.choice(*HEADERS[name])(value)
    if value == "":
        return ""
    text = values.text(value)
    if not text.isascii():
        raise ValidationError("must be of ASCII characters only")
    return text


def _users(value: object) -> dict[bytes, bytes]:
    users = {name.encode(): text for name, text in _pairs(value, _user).items()}
    if not users:
        raise ValidationError(
            "names nobody, so nobody could log in; name a user, or leave it out for no login"
        )
    return users


def _user(name: str, value: object) -> bytes:
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
    return match[0].encode()


def _pairs(value: object, read: Callable[[str, object], _T]) -> dict[str, _T]:
    """Read a mapping of names to texts. Raises ValidationErrors with the errors of all."""
    if not isinstance(value, dict):
        raise ValidationError("must be a mapping of names to texts")
    found: dict[str, _T] = {}
    errors: list[ValidationError] = []

    def note(name: object, text: object) -> None:
        found[values.text(name)] = read(values.text(name), text)

    for name, text in value.items():
        # A name that looks odd is not shown: it may be a password, or a hash, in the wrong place.
        where = (name,) if isinstance(name, str) and _PLAIN_NAME.fullmatch(name) else ()
        errors += errors_in(lambda name=name, text=text: note(name, text), *where)  # type: ignore[misc]
    if errors:
        raise ValidationErrors(errors)
    return found


def _rate_conflicts(rate: Raw) -> Iterator[ValidationError]:
    if rate.get("interval") not in {None, 0, "0", "0s"} and not rate.get("burst"):
        yield ValidationError("must be at least 1: so many requests may come at once", "burst")
