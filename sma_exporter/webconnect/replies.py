"""What a reply means, as pure functions: its JSON, a session id, a move to https, or something else."""

import re
from collections.abc import Mapping
from typing import Any

from ..sma import limits
from ..sma.exceptions import SmaReadException
from ..sma.http import HttpReply
from ..sma.json_text import parsed_json
from ..sma.urls import over_https, redirected, split_url
from .exceptions import SmaErrorReplyException, SmaNotWebConnectException
from .values import number

_REDIRECTS = {301, 302, 303, 307, 308}
_TO_ENNEXOS = re.compile(r"(https?://[^/?#]*)?/webui\b")
#: What tells, before there is a session, who answers. Some firmware has no sessionCheck: that tells less.
_FIRST_CONTACTS = {"login", "getDashValues"}

#: Who has no WebConnect and answers nothing.
WITHOUT = "a Sunny WebBox and inverters with Speedwire only have none"

#: A session id is a query parameter. Real ones: 16 characters out of A-Z, a-z, 0-9, - and _.
_SESSION_ID = re.compile(rf"[!-~]{{1,{limits.TEXT_CHARACTERS}}}")


def session_id(body: Mapping[str, Any]) -> str | None:
    """Return the session id in the answer to a login.

    None if there is none. SmaReadException for one that cannot be sent back.
    """
    result = body.get("result")
    sid = result.get("sid") if isinstance(result, dict) else None
    if not sid:
        return None
    if not isinstance(sid, str) or not _SESSION_ID.fullmatch(sid):
        raise SmaReadException("the login was answered with a session id that cannot be used")
    return sid


def int_or_none(value: object) -> int | None:
    """Return a number of the device's as an int; None for what is no number."""
    found = number(value)
    return None if found is None else int(found)


def moved(url: str, reply: HttpReply) -> str | None:
    """Return the https URL that a device on http asks for, by a redirect or by err 404.

    SmaConnectionException for any other redirect, SmaNotWebConnectException for one to the pages of
    ennexOS.
    """
    if reply.status in _REDIRECTS:
        if _TO_ENNEXOS.match(reply.location):
            raise not_webconnect("a redirect to /webui/", reply.status)
        return redirected(url, reply.location)
    here = split_url(url)
    if (here.scheme, here.port) == ("http", 80) and parsed_json(reply.body) == {"err": 404}:
        return over_https(url)
    return None


def parsed(reply: HttpReply, name: str) -> dict[str, Any]:
    """Return the JSON object of a reply to a call.

    SmaErrorReplyException for an `err` in it, whatever the HTTP status; SmaReadException for any
    other HTTP status than 200; SmaNotWebConnectException for what no WebConnect device answers.
    Each of them carries the number: `err`, else the status.
    """
    body = parsed_json(reply.body)
    if isinstance(body, dict) and "err" in body:
        err = int_or_none(body["err"])
        raise SmaErrorReplyException(f"the device answered {name} with err {err}", err=err)
    _check_is_webconnect(reply, name, is_json=body is not None)
    if reply.status != 200:
        raise SmaReadException(
            f"the device answered {name} with HTTP {reply.status}", err=reply.status
        )
    if not isinstance(body, dict):
        raise SmaReadException(f"the reply to {name} is not the JSON object that it should be")
    return body


def _check_is_webconnect(reply: HttpReply, name: str, *, is_json: bool) -> None:
    """Raise SmaNotWebConnectException for a reply that only something else gives.

    What a device with ennexOS answers differs by model and firmware: a web page with HTTP 200, 403,
    404 or 405, JSON with HTTP 400, a redirect to its own pages (`moved`).
    """
    status, is_first_contact = reply.status, name in _FIRST_CONTACTS
    if reply.body.lstrip()[:1] == b"<" and (
        status == 200 or (is_first_contact and status in {403, 404, 405})
    ):
        raise not_webconnect("a web page", status)
    if is_first_contact and (status == 405 or (status == 400 and is_json)):
        raise not_webconnect(f"a server without this call (HTTP {status})", status)
    if is_first_contact and status == 404:
        raise SmaNotWebConnectException(
            f"no WebConnect at this address (HTTP 404 for {name})", err=404
        )
    if is_first_contact and status == 200 and not reply.body.strip():
        raise SmaNotWebConnectException(f"an empty reply instead of WebConnect: {WITHOUT}")


def not_webconnect(what: str, status: int = 200) -> SmaNotWebConnectException:
    """Return the exception for what a device with ennexOS answers."""
    return SmaNotWebConnectException(
        f"{what} answers instead of WebConnect: for a device with ennexOS (Tripower X, Sunny Boy "
        "Smart Energy, Data Manager, EV Charger) write https:// before the address, and no `protocol` "
        "or `protocol: ennexos`",
        err=None if status == 200 else status,
    )
