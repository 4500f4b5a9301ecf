"""What a reply means, as pure functions: its JSON, a session id, a move to https, or something else."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from ..sma.exceptions import SmaConnectionException, SmaReadException
from ..sma.http import HttpReply
from ..sma.json_text import parsed_json
from .exceptions import SmaNotWebConnectException
from .values import number

_REDIRECTS = {301, 302, 303, 307, 308}
_FIRST_CONTACTS = {"login", "sessionCheck", "getDashValues"}


def session_id(body: Mapping[str, Any]) -> str | None:
    """Return the session id in the answer to a login, None if there is none."""
    result = body.get("result")
    sid = result.get("sid") if isinstance(result, dict) else None
    return sid if isinstance(sid, str) and sid else None


def int_or_none(value: object) -> int | None:
    """Return a number of the device's as an int; None for what is no number."""
    found = number(value)
    return None if found is None else int(found)


def moved(url: str, path: str, reply: HttpReply) -> str | None:
    """Return the https URL that a device on http asks for, by a redirect or by err 404.

    SmaConnectionException for a redirect to another host, and for any on https.
    """
    here = urlsplit(url)
    if reply.status in _REDIRECTS:
        there = _split(reply.location)
        if here.scheme != "http" or there.scheme != "https" or there.hostname != here.hostname:
            raise SmaConnectionException(
                f"{here.netloc} redirects to {there.netloc or 'nowhere'}, which is not followed"
            )
        # Many redirect everything to their front page: that is no folder to look for the API in.
        folder = there.path.removesuffix(path) if there.path.endswith(path) else here.path
        return urlunsplit(there._replace(path=folder.rstrip("/"), query="", fragment=""))
    if (
        here.scheme == "http"
        and here.port in {None, 80}
        and parsed_json(reply.body) == {"err": 404}
    ):
        return urlunsplit(here._replace(scheme="https", netloc=here.netloc.removesuffix(":80")))
    return None


def _split(location: str) -> SplitResult:
    try:
        return urlsplit(location)
    except ValueError:
        return urlsplit("")


def parsed(reply: HttpReply, name: str) -> dict[str, Any]:
    """Return the JSON object of a reply; say what else answers if it is none."""
    if reply.status == 404 and name in _FIRST_CONTACTS:
        raise SmaNotWebConnectException(
            f"no WebConnect at this address (HTTP 404 for {name})", err=404
        )
    if reply.status != 200:
        raise SmaReadException(
            f"the device answered {name} with HTTP {reply.status}", err=reply.status
        )
    if reply.body.lstrip()[:1] == b"<":
        raise SmaNotWebConnectException(
            "a web page answers instead of WebConnect: for a device with ennexOS (Tripower X, Sunny Boy "
            "Smart Energy, Data Manager, EV Charger) write https:// before the address, and no `protocol` "
            "or `protocol: ennexos`"
        )
    if not reply.body.strip() and name == "login":
        raise SmaNotWebConnectException(
            "an empty reply instead of WebConnect: a Sunny WebBox and Speedwire-only devices have none"
        )
    body = parsed_json(reply.body)
    if not isinstance(body, dict):
        raise SmaReadException(f"the reply to {name} is not the JSON object that it should be")
    return body
