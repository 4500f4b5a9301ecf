"""What a reply means, as pure functions: its JSON, a session id, a move to https, or something else."""

from collections.abc import Mapping
from typing import Any

from ..sma.exceptions import SmaReadException
from ..sma.http import HttpReply
from ..sma.json_text import parsed_json
from ..sma.urls import over_https, redirected, split_url
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


def moved(url: str, reply: HttpReply) -> str | None:
    """Return the https URL that a device on http asks for, by a redirect or by err 404.

    SmaConnectionException for any other redirect.
    """
    if reply.status in _REDIRECTS:
        return redirected(url, reply.location)
    here = split_url(url)
    if (here.scheme, here.port) == ("http", 80) and parsed_json(reply.body) == {"err": 404}:
        return over_https(url)
    return None


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
            "a web page answers instead of WebConnect: devices with ennexOS (Tripower X, Sunny Boy "
            "Smart Energy, Data Manager, EV Charger) are not supported yet"
        )
    if not reply.body.strip() and name == "login":
        raise SmaNotWebConnectException(
            "an empty reply instead of WebConnect: a Sunny WebBox and Speedwire-only devices have none"
        )
    body = parsed_json(reply.body)
    if not isinstance(body, dict):
        raise SmaReadException(f"the reply to {name} is not the JSON object that it should be")
    return body
