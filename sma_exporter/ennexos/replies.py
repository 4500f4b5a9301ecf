"""What an HTTP reply of ennexOS means, as pure functions."""

from collections.abc import Mapping
from typing import NamedTuple

from ..sma.exceptions import SmaAuthenticationException, SmaException, SmaReadException
from ..sma.http import HttpReply
from ..sma.json_text import parsed_json
from .exceptions import SmaNotEnnexOSException
from .values import number

#: Statuses that say: this token is not valid (any more).
TOKEN_REFUSED = frozenset({401, 403})

#: Seconds for which a token is valid where the reply does not say.
_USUAL_LIFE = 3600.0

_LONGEST_TOKEN = 8192

_TOKEN_FIELDS = ("access_token", "refresh_token", "expires_in")


class Tokens(NamedTuple):
    """A session: the token for requests and its life in seconds, and the one to renew or end it with."""

    access: str
    refresh: str
    expires_in: float

    def __repr__(self) -> str:
        return f"Tokens(expires_in={self.expires_in!r})"


def content(reply: HttpReply, path: str) -> object:
    """Return the JSON of a good reply. Raises SmaReadException with the HTTP status as `err`."""
    if not 200 <= reply.status < 300:
        raise SmaReadException(
            f"the device answered {path} with HTTP {reply.status}", err=reply.status
        )
    found = parsed_json(reply.body)
    if found is None:
        what = "a web page" if _is_page(reply) else "no JSON"
        raise SmaReadException(f"the reply to {path} is {what}")
    return found


def rows(reply: HttpReply, path: str) -> list[Mapping[str, object]]:
    """Return the objects of a reply that is a list; whatever else is in it is left out."""
    found = content(reply, path)
    if not isinstance(found, list):
        raise SmaReadException(f"the reply to {path} is not the list that it should be")
    return [row for row in found if isinstance(row, dict)]


def fields(reply: HttpReply, path: str) -> Mapping[str, object]:
    """Return the object that a reply is."""
    found = content(reply, path)
    if not isinstance(found, dict):
        raise SmaReadException(f"the reply to {path} is not the JSON object that it should be")
    return found


def is_product(info: object) -> bool:
    """Tell whether this is what only ennexOS says to `system/info`: an object with a product's tag."""
    return isinstance(info, dict) and any(
        "product" in name.lower() and name.endswith("TagId") for name in info
    )


def tokens(reply: HttpReply) -> Tokens | None:
    """Return the session in an answer to `token`, None if there is none."""
    found = parsed_json(reply.body) if 200 <= reply.status < 300 else None
    if not isinstance(found, dict):
        return None
    access, refresh, life = (found.get(name) for name in _TOKEN_FIELDS)
    if not _can_be_sent(access) or not _can_be_sent(refresh):
        return None
    seconds = number(life) or 0
    return Tokens(str(access), str(refresh), seconds if seconds > 0 else _USUAL_LIFE)


def _can_be_sent(token: object) -> bool:
    return (
        isinstance(token, str)
        and 0 < len(token) <= _LONGEST_TOKEN
        and token.isascii()
        and token.isprintable()
        and " " not in token
    )


def is_done(reply: HttpReply) -> bool:
    """Tell whether the device did what it was asked to; a page is no answer to that."""
    return 200 <= reply.status < 300 and not _is_page(reply)


def is_refusal(reply: HttpReply) -> bool:
    """Tell whether the device says that it does not know a token."""
    return 400 <= reply.status < 500 and not _is_page(reply)


def _is_page(reply: HttpReply) -> bool:
    return reply.body.lstrip()[:1] == b"<"


def refusal(reply: HttpReply, username: str, url: str) -> SmaException:
    """Return what an answer to a login without a session means."""
    if reply.status == 400 or reply.status in TOKEN_REFUSED:
        return SmaAuthenticationException(
            f"the user name or the password was refused (tried as {username!r}): ennexOS wants a user that "
            "was made on the device itself, not an account of Sunny Portal"
        )
    if reply.status == 404:
        other = "https" if url.startswith("http://") else "http"
        return SmaNotEnnexOSException(
            f"no ennexOS login at {url} (HTTP 404): is it {other}:// there?", err=404
        )
    if not 200 <= reply.status < 300:
        return SmaReadException(
            f"the login was answered with HTTP {reply.status}", err=reply.status
        )
    return SmaReadException("the login was answered without a token")
