"""The URL of a device: one parser for all that connect to it, and what a redirect may change of it."""

import re
from typing import NamedTuple

from . import limits
from .exceptions import SmaConnectionException
from .text import clean

_DEFAULT_PORTS = {"http": 80, "https": 443}

# No user, no backslash, no control character: where parsers of URLs differ.
_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9A-F:.]+(?:%[\w.-]+)?\]|[^\x00-\x20\x7f\\/?#@:%\[\]<>\"{}|^`]+)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<rest>(?:[/?#][^\x00-\x20\x7f\\]*)?)",
    re.IGNORECASE,
)


class UrlParts(NamedTuple):
    """A URL in its parts.

    `host`: in lower case, with brackets around IPv6; `rest`: the path, and what follows.
    """

    scheme: str
    host: str
    given_port: int | None
    rest: str

    @property
    def port(self) -> int:
        """The port that is connected to."""
        return self.given_port or _DEFAULT_PORTS[self.scheme]

    @property
    def netloc(self) -> str:
        """Host and port as they were given."""
        return self.host if self.given_port is None else f"{self.host}:{self.given_port}"


def split_url(url: str) -> UrlParts:
    """Split an http or https URL without user info; ValueError for anything else."""
    match = _URL.fullmatch(url)
    port = int(match["port"]) if match and match["port"] else None
    if match is None or not (port is None or 0 < port < 65536):
        raise ValueError("no URL of a device")
    return UrlParts(match["scheme"].lower(), match["host"].lower(), port, match["rest"])


def over_https(url: str) -> str:
    """Return the same URL with https; on http's own port that means https' own."""
    parts = split_url(url)
    port = None if parts.port == _DEFAULT_PORTS["http"] else parts.given_port
    return f"https://{parts._replace(given_port=port).netloc}{parts.rest}"


def redirected(url: str, location: str) -> str:
    """Return the URL of a device with https, which is all that it can reach by a redirect.

    Nothing of `location` is connected to: host, port and path stay those of `url`.
    SmaConnectionException for a redirect that wants anything else than https on this host and port.
    """
    here = split_url(url)
    try:
        there = split_url(location)
    except ValueError:
        raise _refusal(here, "nowhere") from None
    target = f"{there.scheme}://{clean(there.netloc[: limits.TEXT_CHARACTERS])}"
    if (here.scheme, there.scheme, there.host) != ("http", "https", here.host):
        raise _refusal(here, target)
    secure = over_https(url)
    if there.port != split_url(secure).port:
        raise _refusal(here, target, f"; if that is the device, write {target} as its url")
    return secure


def _refusal(here: UrlParts, target: str, advice: str = "") -> SmaConnectionException:
    return SmaConnectionException(
        f"{here.netloc} redirects to {target}, which is not followed{advice}"
    )
