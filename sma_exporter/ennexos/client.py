"""EnnexOS: one address over the REST API of ennexOS.

    session = make_session(fingerprints=["…"])
    with EnnexOS(session, "https://192.0.2.10", "monitor", "password") as ennexos:
        for reply in ennexos.measurements(["IGULD:SELF", "Plant:1"]): ...

Facts about the API: domain/ennexos.md; SMA does not document it. Only what reads is here.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Self
from urllib.parse import quote

from ..sma.connections import Session
from ..sma.deadline import Deadline
from ..sma.exceptions import (
    Pause,
    SmaAuthenticationException,
    SmaConnectionException,
    SmaException,
    SmaReadException,
    SmaTimeoutException,
    SmaUnsupportedException,
)
from ..sma.http import HttpReply, asked_twice, exchange, request_deadline
from ..sma.json_text import parsed_json
from . import replies
from .exceptions import SmaNotEnnexOSException
from .replies import TOKEN_REFUSED, Tokens

#: The device that answers, and the plant that it belongs to: both exist on every model.
SELF, PLANT = "IGULD:SELF", "Plant:1"

#: Seconds for one request as a whole; a login gets more, because a lost one leaves a session behind.
DEFAULT_TIMEOUT = 10.0
LOGIN_TIMEOUT = 30.0
LOGOUT_TIMEOUT = 2.0

#: A token is renewed after this part of its life.
_RENEWED_AFTER = 0.8

_API = "/api/v1/"
_SYSTEM_INFO = "system/info"


def found_at(session: Session, url: str, deadline: Deadline) -> str | None:
    """Return the url at which ennexOS answers; None if something else does. Nothing secret is sent.

    Without a scheme https is asked, and http only where nobody listens for https. Raises
    SmaConnectionException when nobody answers, SmaReadException when the device cannot answer now.
    """
    if "://" in url:
        return url if _is_ennexos(session, url, deadline) else None
    try:
        if _is_ennexos(session, f"https://{url}", deadline):
            return f"https://{url}"
    except SmaConnectionException as error:
        if not error.refused:
            raise
        if _is_ennexos(session, f"http://{url}", deadline):
            return f"http://{url}"
    return None


def _is_ennexos(session: Session, url: str, deadline: Deadline) -> bool:
    reply = exchange(session, "GET", url + _API + _SYSTEM_INFO, deadline=deadline)
    if reply.status >= 500:
        raise SmaReadException(
            f"the device answered {_SYSTEM_INFO} with HTTP {reply.status}", err=reply.status
        )
    return reply.status == 200 and replies.is_product(parsed_json(reply.body))


class EnnexOS:
    """An address where ennexOS answers: a device, or a Data Manager with the devices behind it.

    `session`: from `make_session`. `url`: without a scheme it is found out, https first. `password`: or
    what returns it, asked at each login. `timeout`, `login_timeout`: seconds for one request as a whole.
    `https_only`: never plain HTTP. `monotonic`: the clock of its deadlines and of its token's life.

    All calls raise SmaException's sub-classes. A read logs in when there is no session, renews a token
    before its end, and once more when the device refuses it. A call does not outlast its `deadline`,
    but a login is not cut by it. `with` logs out at the end.
    """

    def __init__(
        self,
        session: Session,
        url: str,
        username: str,
        password: str | Callable[[], str],
        *,
        timeout: float = DEFAULT_TIMEOUT,
        login_timeout: float = LOGIN_TIMEOUT,
        https_only: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = self._given_url = url.rstrip("/")
        self.username = username
        self.logins = 0
        self._http = session
        self._password = password
        self._timeout = timeout
        self._login_timeout = login_timeout
        self._https_only = https_only
        self._monotonic = monotonic
        self._tokens: Tokens | None = None
        self._renew_at = 0.0
        self._is_in_doubt = False  # a logout was not answered
        self._is_renewal_lost = False  # the last one had no answer
        self._stopped = False
        self._is_found = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(SmaException):
            self.close_session()

    def __repr__(self) -> str:
        return f"EnnexOS({self.url!r}, username={self.username!r})"

    @property
    def logged_in(self) -> bool:
        """Whether a session is open, as far as this side knows."""
        return self._tokens is not None

    # --- sessions ---

    def new_session(self) -> None:
        """Log in. Never repeated by itself.

        Raises SmaAuthenticationException for what the device refuses, and whatever a request raises,
        then with `login_lost` if a session may have been opened all the same.
        """
        password = self._password() if callable(self._password) else self._password
        self._end_old_session()
        deadline = Deadline.after(self._login_timeout, self._monotonic)
        self._find(deadline.at_most(self._timeout))
        self._http.close()  # a kept connection that just went stale would lose the answer
        form = {"grant_type": "password", "username": self.username, "password": password}
        try:
            reply = self._exchange("POST", "token", deadline, form=form)
            if not self._take(reply):
                raise replies.refusal(reply, self.username, self.url)
        except SmaUnsupportedException:
            raise
        except (SmaConnectionException, SmaReadException) as error:
            if getattr(error, "sent", True):
                error.pause = Pause.LOST_LOGIN
            raise
        self.logins += 1

    def close_session(self, deadline: Deadline | None = None) -> None:
        """Log out, in one attempt; nothing to do without a session.

        When no answer comes, or an error of the device, the session may still be open: it is in doubt, and
        the next read renews it.
        """
        if self._tokens is None:
            return
        self._is_in_doubt = True
        try:
            deadline = deadline or Deadline.after(LOGOUT_TIMEOUT, self._monotonic)
            reply = self._exchange(
                "DELETE",
                "refreshtoken",
                deadline,
                params={"refreshToken": self._tokens.refresh},
                bearer=self._tokens.access,
            )
            if replies.is_done(reply) or replies.is_refusal(reply):
                self._tokens = None
        finally:
            self._http.close()

    def _end_old_session(self) -> None:
        """Make room for a new session. A device that does not answer now is not sent a password.

        Of one that has twice had no answer to a logout the session is given up: it may never answer that.
        """
        was_in_doubt = self._is_in_doubt
        try:
            self.close_session()
        except SmaTimeoutException as error:
            if error.sent and was_in_doubt:
                self._tokens = None
            raise
        except SmaConnectionException as error:
            if not error.sent:
                raise
        except SmaException:
            pass
        self._tokens = None

    def _take(self, reply: HttpReply) -> bool:
        """Take the session out of an answer to `token`; return whether there was one."""
        found = replies.tokens(reply)
        if found is not None:
            self._tokens, self._is_in_doubt, self._is_renewal_lost = found, False, False
            self._renew_at = self._monotonic() + _RENEWED_AFTER * found.expires_in
        return found is not None

    def _renew(self, deadline: Deadline) -> None:
        """Get a new token for the session that there is, else log in, once.

        A session in doubt is renewed too: then there is no second one. One that has twice had no answer to
        that is given up. What comes in place of a token does not matter: a device that has forgotten the
        session must not be asked for it for ever.
        """
        if self._tokens is not None:
            form = {"grant_type": "refresh_token", "refresh_token": self._tokens.refresh}
            try:
                reply = self._exchange("POST", "token", self._request_deadline(deadline), form=form)
            except SmaConnectionException as error:
                if error.sent and self._is_renewal_lost:
                    # As after a login: the tokens that one of the answers brought are nobody's.
                    self._tokens, error.pause = None, Pause.LOST_LOGIN
                self._is_renewal_lost |= error.sent
                raise
            self._is_renewal_lost = False
            if self._take(reply):
                return
            if replies.is_refusal(reply):
                self._tokens = None  # the device does not know it any more: nothing to log out of
        self.new_session()

    # --- reads ---

    def system_info(self, *, deadline: Deadline | None = None) -> Mapping[str, object]:
        """Return what the device says of itself without a login: above all its product's tag."""
        self._find(self._request_deadline(deadline))
        reply = self._exchange("GET", _SYSTEM_INFO, self._request_deadline(deadline))
        return replies.fields(reply, _SYSTEM_INFO)

    def plant(self, *, deadline: Deadline | None = None) -> Mapping[str, object]:
        """Return the plant: id and name."""
        path = f"plants/{PLANT}"
        return replies.fields(self._ask("GET", path, deadline), path)

    def devices(self, *, deadline: Deadline | None = None) -> list[Mapping[str, object]]:
        """Return the devices of the plant, each with at least its `deviceId`."""
        path = f"plants/{PLANT}/devices"
        return replies.rows(self._ask("GET", path, deadline), path)

    def device(self, component: str, *, deadline: Deadline | None = None) -> Mapping[str, object]:
        """Return serial, product, firmware and so on of one device; err 404 for some that are listed."""
        path = f"plants/{PLANT}/devices/{quote(component, safe=':')}"
        return replies.fields(self._ask("GET", path, deadline), path)

    def navigation(
        self, parent: str | None = None, *, deadline: Deadline | None = None
    ) -> list[Mapping[str, object]]:
        """Return the components below another one, or the root: id, type, name."""
        params = {"parentId": parent} if parent is not None else None
        return replies.rows(self._ask("GET", "navigation", deadline, params=params), "navigation")

    def measurements(
        self, components: Iterable[str], *, deadline: Deadline | None = None
    ) -> list[Mapping[str, object]]:
        """Return the channels of some components as they are now, in one request."""
        return self._search("measurements/live", _queries(components), deadline)

    def parameters(
        self, components: Iterable[str], *, deadline: Deadline | None = None
    ) -> list[Mapping[str, object]]:
        """Return the parameters of some components; large, so not for every scrape."""
        return self._search("parameters/search", {"queryItems": _queries(components)}, deadline)

    def history(
        self,
        component: str,
        channels: Sequence[str],
        begin: float,
        end: float,
        *,
        resolution: str,
        aggregate: str,
        timezone: str,
        deadline: Deadline | None = None,
    ) -> list[Mapping[str, object]]:
        """Return what the device has stored of some channels between two moments (unix seconds).

        `resolution`: "FiveMinutes", "FifteenMinutes", "OneHour", "OneDay". `aggregate`: "Avg", or "Dif" for
        what a counter gained. `timezone`: an IANA name; days begin there at midnight. The time of each value
        is the end of its interval.
        """
        item = {
            "componentId": component,
            "resolution": resolution,
            "timezone": timezone,
            "aggregate": aggregate,
            "multiAggregate": "Sum",
        }
        payload = {
            "queryItems": [{**item, "channelId": channel} for channel in channels],
            "dateTimeBegin": _moment(begin),
            "dateTimeEnd": _moment(end),
        }
        return self._search("measurements/search", payload, deadline)

    def stop(self) -> None:
        """Make every further read fail, so that whoever reads (in another thread) logs out soon."""
        self._stopped = True

    def _search(
        self, path: str, payload: object, deadline: Deadline | None
    ) -> list[Mapping[str, object]]:
        return replies.rows(self._ask("POST", path, deadline, payload=payload), path)

    # --- one request ---

    def _ask(
        self,
        method: str,
        path: str,
        deadline: Deadline | None,
        *,
        payload: object = None,
        params: Mapping[str, str] | None = None,
    ) -> HttpReply:
        """Return the reply to a request that reads, logged in as needed.

        A token that is refused is renewed, or a login made, once inside the same call.
        """
        deadline = deadline or Deadline.after(3 * self._timeout, self._monotonic)
        self._request_deadline(deadline)  # no login for a read that would come too late
        is_due = self._is_in_doubt or self._monotonic() >= self._renew_at
        if self._tokens is None or is_due:
            self._renew(deadline)
        reply = self._ask_twice(method, path, deadline, payload=payload, params=params)
        if reply.status in TOKEN_REFUSED:
            self._renew(deadline)
            reply = self._ask_twice(method, path, deadline, payload=payload, params=params)
        if reply.status == 401:
            raise SmaAuthenticationException(
                f"the device refuses {path} with a token that it has just given (HTTP 401)"
            )
        if reply.status == 403:
            message = f"the user {self.username!r} may not read {path} (HTTP 403)"
            raise SmaReadException(message, err=403)
        return reply

    def _ask_twice(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        *,
        payload: object,
        params: Mapping[str, str] | None,
    ) -> HttpReply:
        """Send a read; once more if it was dropped or timed out, as far as there is time."""

        def ask() -> HttpReply:
            assert self._tokens is not None  # noqa: S101 - `_ask` has logged in
            bearer = self._tokens.access
            within = self._request_deadline(deadline)
            return self._exchange(
                method, path, within, payload=payload, params=params, bearer=bearer
            )

        return asked_twice(ask, self._http, deadline)

    def _request_deadline(self, deadline: Deadline | None) -> Deadline:
        return request_deadline(deadline, self._timeout, self._monotonic, is_stopped=self._stopped)

    def _exchange(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        *,
        payload: object = None,
        form: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        bearer: str | None = None,
    ) -> HttpReply:
        return exchange(
            self._http,
            method,
            self.url + _API + path,
            payload=payload,
            form=form,
            params=params,
            bearer=bearer,
            deadline=deadline,
            connect_deadline=deadline.at_most(self._timeout),
        )

    def _find(self, deadline: Deadline) -> None:
        """Before a login, find out where the device speaks ennexOS; nothing secret is sent.

        Where plain http was found, https is looked for again: the device may speak it by now.
        """
        if self._is_found and ("://" in self._given_url or self.url.startswith("https://")):
            return
        url = self._given_url
        if self._https_only and "://" not in url:
            url = f"https://{url}"
        found = found_at(self._http, url, deadline)
        if found is None:
            raise SmaNotEnnexOSException(f"no ennexOS at {url}: something else answers there")
        self.url, self._is_found = found, True


def _queries(components: Iterable[str]) -> list[dict[str, str]]:
    return [{"componentId": component} for component in components]


def _moment(seconds: float) -> str:
    """Return unix seconds as the API writes a moment: UTC, with milliseconds."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
