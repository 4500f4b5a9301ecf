"""SMA: one device over WebConnect.

The documented face of PySMA's class of the same name, synchronous, on a requests session::

    session = make_session(fingerprints=["…"])
    with SMA(session, "https://192.0.2.10", "password", group="user") as sma:
        sensors = sma.get_sensors()
        sma.read(sensors)

Facts about the API: WebConnect is what the devices' own web page uses; SMA does not document it.
"""

import contextlib
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from operator import index
from typing import Any, NamedTuple, Self, SupportsIndex, TypeAlias, TypedDict

from ..sma import limits
from ..sma.connections import Session
from ..sma.deadline import Deadline
from ..sma.exceptions import (
    Pause,
    SmaAuthenticationException,
    SmaConnectionException,
    SmaCredentialsException,
    SmaException,
    SmaReadException,
    SmaSessionLimitException,
    SmaUnsupportedException,
)
from ..sma.http import HttpReply, asked_twice, exchange, request_deadline
from ..sma.tags import L10N
from . import definitions
from .decode import ONLINE_KEYS, PARAMETER_KEYS, version_int_to_string
from .exceptions import (
    SmaErrorReplyException,
    SmaNoLoggerException,
    SmaNotWebConnectException,
    SmaSeveralDevicesException,
)
from .presence import IDENTITY, present
from .replies import WITHOUT, int_or_none, moved, parsed, session_id
from .sensor import Sensors

_LOGGER = logging.getLogger(__name__)

#: What the login calls the groups.
GROUPS: Mapping[str, str] = {"user": "usr", "installer": "istl"}

#: Seconds for one request as a whole; a login gets more, because a lost one leaves a session
#: behind.
DEFAULT_TIMEOUT = 15.0
LOGIN_TIMEOUT = 30.0
LOGOUT_TIMEOUT = 2.0

#: How many keys are asked for in one getValues. More work with most firmware; none has failed with
#: this.
KEYS_A_REQUEST = 40

#: What a device answers, as `err` or as HTTP status, to a session or a password that it does not know.
_REFUSED = {401, 403}
_FULL = 503

#: What a device answers to getDashValues whose page before the login is switched off.
_NOT_SHOWN = {401, 403, 404}

_SCHEMES = ("http", "https")


class SessionCheck(NamedTuple):
    """What a device tells about its sessions without a login.

    `free`: sessions left, None when it does not say; `locked_for`: seconds for which it refuses
    logins of the group after wrong passwords.
    """

    free: int | None
    locked_for: float


class LogEntry(TypedDict):
    """An entry of a data logger: unix seconds, and the value in the logger's unit, None without one."""

    t: int
    v: int | float | None


#: Unix seconds, or a datetime with a time zone.
Time: TypeAlias = int | float | datetime


class SMA:
    """A WebConnect device.

    `session`: from `make_session`, or any requests session (then its time-outs bound single socket
    operations, and its certificates are its own affair). `url`: without a scheme it is found out,
    https first; ValueError for any other scheme. `password`: or what returns it, asked at each
    login; None reads the public dashboard values. `group`: "user" or "installer", KeyError for any
    other. `uid`: which member of a result to take, if there are several. `timeout`,
    `login_timeout`: seconds for one request as a whole. `https_only`: never fall back to plain
    HTTP. `monotonic`: the clock of its deadlines.

    All calls raise SmaException's sub-classes. A call does not outlast its `deadline`, but a login is
    not cut by it. `with` logs out at the end; a logout that fails is passed over then. `logins`
    counts the sessions that were opened, `lost_sessions` those that may be left on the device.
    `answered_as` is the key of the last result: masked, and not the same for ever, so no identity,
    but a new one is a reason to ask who answers.

    A read logs in when there is no session, and once more when the device does not know the session
    any longer (err or HTTP 401, 403). Before that the old session is logged out, in case it lives; when
    the device does not answer at all, no login follows, and the session is used again.
    """

    def __init__(
        self,
        session: Session,
        url: str,
        password: str | Callable[[], str] | None = None,
        group: str = "user",
        uid: str | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        login_timeout: float = LOGIN_TIMEOUT,
        https_only: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if group not in GROUPS:
            raise KeyError(f"no group {group!r}: user or installer")
        scheme, separator, _ = url.partition("://")
        if separator and scheme.lower() not in _SCHEMES:
            raise ValueError(
                "the url of a device begins with https:// or http://, or has no scheme"
            )
        if isinstance(password, str) and len(password) > 12:
            _LOGGER.warning(
                "a password of more than 12 characters: the device's form cuts it there"
            )
        self.url = self._given_url = url.rstrip("/")
        self.group = group
        self.logins = 0
        self.lost_sessions = 0
        self.answered_as: str | None = None
        self._http = session
        self._password = password
        self._uid = uid
        self._sid: str | None = None
        self._timeout = timeout
        self._login_timeout = login_timeout
        self._https_only = https_only
        self._monotonic = monotonic
        self._stopped = False
        self._is_found = False
        self._is_redirected = False  # from http to https, by the device

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(SmaException):
            self.close_session()

    def __repr__(self) -> str:
        return f"SMA({self.url!r}, group={self.group!r})"

    @property
    def logged_in(self) -> bool:
        """Whether a session is open, as far as this side knows."""
        return self._sid is not None

    # --- sessions ---

    def new_session(self) -> bool:
        """Log in; return whether a session was opened (not without a password).

        Raises SmaAuthenticationException, SmaSessionLimitException and whatever a request raises,
        then with `login_lost` if a session may have been opened all the same. Never repeated.
        """
        return self._new_session(None)

    def _new_session(self, deadline: Deadline | None) -> bool:
        """Log in; `deadline`: of what comes before the login."""
        if self._password is None:
            return False
        password = self._password() if callable(self._password) else self._password
        if self.logged_in and not self.end_session(deadline):
            self.lose_session()
        login_deadline = self._within(self._login_timeout)
        self._find(login_deadline)
        self._http.close()  # a kept connection that just went stale would lose the answer
        payload = {"right": GROUPS[self.group], "pass": password}
        try:
            body = self._post("login", payload, login_deadline)
            self._sid = session_id(body)
        except SmaUnsupportedException as error:
            if error.err in _REFUSED and self._is_webconnect():
                raise self._refused_password() from None
            raise
        except (SmaConnectionException, SmaReadException) as error:
            raise self._failed_login(error) from None
        if self._sid is None:
            result = body.get("result")
            if isinstance(result, dict) and "sid" in result:
                raise self._refused_password()
            raise SmaReadException("the login was answered with no session id")
        self.logins += 1
        return True

    def _failed_login(self, error: SmaConnectionException | SmaReadException) -> SmaException:
        """Return what an error, or no answer to a login, means."""
        err = error.err if isinstance(error, SmaReadException) else None
        if err == _FULL:
            return SmaSessionLimitException(
                "the device has no free session: log out of its web page, or wait until one expires"
            )
        if err in _REFUSED:
            return self._refused_password()
        if isinstance(error, SmaErrorReplyException):
            starting = "the device does not serve its login (err 404): is it starting?"
            return SmaConnectionException(starting) if err == 404 else error
        if not isinstance(error, SmaConnectionException) or error.sent:
            error.pause = Pause.LOST_LOGIN
        return self._explained(error)

    def _refused_password(self) -> SmaAuthenticationException:
        return SmaAuthenticationException(f"the password was refused for the group {self.group!r}")

    def close_session(self, deadline: Deadline | None = None) -> None:
        """Log out, in one attempt; nothing to do without a session.

        When that fails, the session may still be open: it is kept, and the next read uses it, or
        learns from the device that it is over. Forgotten here, it would be one more that nobody can
        close.
        """
        if self._sid is None:
            return
        try:
            self._post("logout", {}, deadline or self._within(LOGOUT_TIMEOUT), authorised=True)
        except SmaReadException as error:
            if error.err not in _REFUSED:
                raise
        finally:
            self._http.close()
        self._sid = None

    def end_session(self, deadline: Deadline | None = None) -> bool:
        """Log out, as `close_session`; return whether the session is over.

        False: the device answers, but not that the session is over. SmaConnectionException when it
        answers nothing, not even sessionCheck afterwards.
        """
        try:
            self.close_session(self._request_deadline(deadline).at_most(LOGOUT_TIMEOUT))
        except SmaException as error:
            if not self.is_there(error, deadline):
                raise
            return False
        return True

    def is_there(self, error: SmaException, deadline: Deadline | None = None) -> bool:
        """Tell whether the device answers at all, after a request that failed."""
        if not isinstance(error, SmaConnectionException) or error.closed:
            return True
        probed = self._probe(self._request_deadline(deadline).at_most(LOGOUT_TIMEOUT))
        return not isinstance(probed, SmaConnectionException) or probed.closed

    def lose_session(self) -> None:
        """Forget a session that could not be closed: the device may have it still."""
        self.lost_sessions += self.logged_in
        self._sid = None

    def session_check(self, *, deadline: Deadline | None = None) -> SessionCheck:
        """Ask how many sessions are free, and how long logins are blocked. Needs no login.

        Some firmware does not know the call: it answers anything, or closes the connection.
        """
        try:
            body = self._post("sessionCheck", {}, self._request_deadline(deadline))
        except SmaUnsupportedException:
            raise
        except (SmaConnectionException, SmaReadException) as error:
            if isinstance(error, SmaConnectionException) and not error.closed:
                raise
            body = {}
        result = body.get("result")
        if not isinstance(result, dict):
            return SessionCheck(None, 0.0)
        countdown = result.get("cntDwnLogin")
        seconds = countdown.get(GROUPS[self.group]) if isinstance(countdown, dict) else None
        return SessionCheck(
            int_or_none(result.get("cntFreeSess")), float(int_or_none(seconds) or 0)
        )

    def stop(self) -> None:
        """Make every further read fail, so that whoever reads (in another thread) logs out soon."""
        self._stopped = True

    def forget_scheme(self) -> None:
        """Look for https again with the next login: the device may speak it by then."""
        self.url, self._is_found, self._is_redirected = self._given_url, False, False

    # --- reads ---

    def read(self, sensors: Sensors, *, deadline: Deadline | None = None) -> bool:
        """Read the enabled sensors of a container into their `value`; return whether anything came."""
        wanted = [sensor for sensor in sensors if sensor.enabled]
        if self._password is None:
            result = self.read_all(deadline=deadline)
        else:
            keys = list(dict.fromkeys(sensor.key for sensor in wanted))
            result = self.read_keys(keys, deadline=deadline)
        for sensor in wanted:
            sensor.extract_value(result, L10N)
        return bool(result)

    def read_all(self, *, deadline: Deadline | None = None) -> dict[str, object]:
        """Return all that the device offers now: key -> raw value, as `sensor.elements` takes it.

        One request: getAllOnlValues, or getDashValues without a password. A device that refuses or
        knows nothing is asked for all known keys.
        """
        if self._password is None:
            return self._read_values("getDashValues", {"destDev": [], "keys": []}, deadline)
        try:
            values = self._read_values("getAllOnlValues", {"destDev": []}, deadline)
        except SmaReadException as error:
            is_of_login = not self.logged_in
            if error.err is None or error.err in _REFUSED or is_of_login:
                raise
            values = {}
        return values or self.read_keys(ONLINE_KEYS, deadline=deadline)

    def read_keys(
        self, keys: Sequence[str], *, deadline: Deadline | None = None
    ) -> dict[str, object]:
        """Return the raw values of some keys; those that the device does not know are left out."""
        values: dict[str, object] = {}
        for start in range(0, len(keys), KEYS_A_REQUEST):
            payload = {"destDev": [], "keys": list(keys[start : start + KEYS_A_REQUEST])}
            values |= self._read_values("getValues", payload, deadline)
        return values

    def read_parameters(self, *, deadline: Deadline | None = None) -> dict[str, object]:
        """Return all parameters (key -> raw value) that the group may see; none without a password."""
        if self._password is None:
            return {}
        return self._read_values("getAllParamValues", {"destDev": []}, deadline)

    def device_info(self, *, deadline: Deadline | None = None) -> dict[str, Any]:
        """Return serial, name, type, manufacturer and sw_version; "" for what is unknown."""
        sensors = Sensors(definitions.SENSORS[name] for name in IDENTITY.values())
        self.read(sensors, deadline=deadline)
        info = {member: sensors[name].value for member, name in IDENTITY.items()}
        version = info["sw_version"]
        info["sw_version"] = version_int_to_string(version if isinstance(version, int) else None)
        return {member: "" if value is None else value for member, value in info.items()}

    def get_sensors(self, *, deadline: Deadline | None = None) -> Sensors:
        """Return the sensors that the device has, found by its values."""
        values = self.read_all(deadline=deadline)
        try:
            values |= self.read_parameters(deadline=deadline)
        except SmaReadException:
            # Some firmware fails here; that costs the parameters, not the sensors.
            values |= self.read_keys(PARAMETER_KEYS, deadline=deadline)
        return present(values)

    def get_devclass(self, result_body: Mapping[str, object] | None = None) -> str | None:
        """Return the device class of a result ("1" solar inverter, "7" battery, "9" hybrid, …).

        None for the old flat shape. KeyError when one value carries two classes. Without
        `result_body` the status is read for it.
        """
        if not result_body:
            result_body = self.read_keys([definitions.status.key])
        for value in result_body.values():
            if not isinstance(value, dict) or "val" in value or not value:
                continue
            if len(value) > 1:
                raise KeyError(f"one value with several device classes: {sorted(value)}")
            return str(next(iter(value)))
        return None

    def read_logger(
        self, log_id: SupportsIndex, start: Time, end: Time, *, deadline: Deadline | None = None
    ) -> list[LogEntry]:
        """Return the entries of a data logger, both ends included.

        `log_id`: a number or a row of `LOGGERS`, which says what each keeps, and in which
        unit. `start`, `end`: unix seconds or a datetime with a time zone; ValueError for anything
        else, and for an end before the start.
        """
        begin, until = _unix_seconds(start), _unix_seconds(end)
        if begin > until:
            raise ValueError("the end is before the start")
        payload = {"destDev": [], "key": index(log_id), "tStart": begin, "tEnd": until}
        entries = self._read("getLogger", payload, deadline)
        if not isinstance(entries, list):
            raise SmaNoLoggerException(
                f"the device keeps no logger {index(log_id)}: a list of entries expected"
            )
        return entries

    def read_dash_logger(
        self, *, deadline: Deadline | None = None
    ) -> dict[str, dict[str, list[LogEntry]]]:
        """Return the public data loggers: hex id -> device class -> entries."""
        return self._read_values("getDashLogger", {"destDev": [], "key": []}, deadline)

    # --- one request ---

    def _read_values(self, name: str, payload: object, deadline: Deadline | None) -> dict[str, Any]:
        values = self._read(name, payload, deadline)
        return values if isinstance(values, dict) else {}

    def _read(self, name: str, payload: object, deadline: Deadline | None) -> object:
        """Return what the only member of a result holds."""
        return self._only_member(self.reply(name, payload, deadline=deadline).get("result"))

    def reply(
        self, name: str, payload: object, *, deadline: Deadline | None = None
    ) -> dict[str, Any]:
        """Return the whole reply to a call ("getValues", …) that reads, logged in as needed."""
        self._request_deadline(deadline)  # no login for a read that would come too late
        if self._password is None or name.startswith("getDash"):
            return self._public_reply(name, payload, deadline)
        if self._sid is None:
            self._new_session(deadline)
        try:
            return self._post_twice(name, payload, deadline, authorised=True)
        except SmaReadException as error:
            if error.err not in _REFUSED:
                raise
        # Mostly the session has expired. But a device that says so of a live one would keep it.
        self._new_session(deadline)
        return self._post_twice(name, payload, deadline, authorised=True)

    def _public_reply(
        self, name: str, payload: object, deadline: Deadline | None
    ) -> dict[str, Any]:
        """Return the reply to a call that needs no session."""
        try:
            return self._post_twice(name, payload, deadline, authorised=False)
        except SmaConnectionException as error:
            raise self._explained(error) from None
        except SmaReadException as error:
            if name != "getDashValues" or error.err not in _NOT_SHOWN:
                raise
            if isinstance(error, SmaUnsupportedException) and not self._is_webconnect():
                raise
        raise SmaCredentialsException(
            "the device shows nothing before the login: switch on the page before the login on the "
            "device, or configure its password"
        )

    def _explained(self, error: SmaException) -> SmaException:
        """Return what it means when the device closes connections at first contact, else the error."""
        is_first_contact = not self.logins and self.answered_as is None
        if not is_first_contact or not self.url.lower().startswith("http://"):
            return error
        if not _is_closed(error) or not _is_closed(self._probe()):
            return error
        host = self.url.partition("://")[2]
        found = SmaNotWebConnectException(
            f"{host} closes each connection without an answer: if it wants TLS, write https:// before "
            f"the address; if it has no WebConnect, it cannot be read: {WITHOUT}"
        )
        found.pause = error.pause
        return found

    def _is_webconnect(self) -> bool:
        """Tell, where a web page or HTTP 404 answers a call, whether another one is known."""
        probed = self._probe()
        return probed is None or isinstance(probed, SmaErrorReplyException)

    def _probe(self, deadline: Deadline | None = None) -> SmaException | None:
        """Ask something harmless; return what is wrong with the answer."""
        deadline = deadline or self._within(LOGOUT_TIMEOUT)
        try:
            self._post("sessionCheck", {}, deadline)
        except SmaException as error:
            return error
        return None

    def _only_member(self, result: object) -> object:
        """Return what a result says. Its key is masked and changes: it is nobody's identity."""
        if not isinstance(result, dict):
            raise SmaReadException("the reply has no result")
        if self._uid not in result and len(result) > 1:
            raise SmaSeveralDevicesException(
                f"the reply holds the values of {len(result)} devices, which is not supported"
            )
        uid = self._uid if self._uid in result else next(iter(result), None)
        self.answered_as = uid or self.answered_as
        return result.get(uid)

    def _post_twice(
        self, name: str, payload: object, deadline: Deadline | None, *, authorised: bool
    ) -> dict[str, Any]:
        """Post a read; once more if it was dropped or timed out, as far as there is time."""
        return asked_twice(
            lambda: self._post(
                name, payload, self._request_deadline(deadline), authorised=authorised
            ),
            self._http,
            deadline,
        )

    def _within(self, seconds: float) -> Deadline:
        return Deadline.after(seconds, self._monotonic)

    def _request_deadline(self, deadline: Deadline | None) -> Deadline:
        return request_deadline(deadline, self._timeout, self._monotonic, is_stopped=self._stopped)

    def _post(
        self, name: str, payload: object, deadline: Deadline, *, authorised: bool = False
    ) -> dict[str, Any]:
        """Post one call and return the JSON object that answers it."""
        if "://" not in self.url or (self._is_redirected and not self._is_found):
            self._find(deadline)
        post = partial(
            self._exchange,
            path=f"/dyn/{name}.json",
            payload=payload,
            params={"sid": self._sid} if authorised and self._sid else None,
            deadline=deadline,
            limit=limits.LOGGER_REPLY_BYTES if name == "getLogger" else limits.REPLY_BYTES,
        )
        try:
            reply = post(self.url)
            if new_url := moved(self.url, reply):
                self.url, self._is_redirected = new_url, True
                reply = post(new_url)
                moved(new_url, reply)  # on https it follows nobody, and says so
            self._is_found = True
            body = parsed(reply, name)
        except SmaException:
            if self._is_redirected:
                self._is_found = False  # a redirect is worth no more than what it leads to
            raise
        # Without a scheme in the url, https is not left again once it was seen.
        self._is_redirected = self._is_redirected and "://" in self._given_url
        return body

    def _exchange(
        self,
        url: str,
        *,
        path: str,
        payload: object,
        deadline: Deadline,
        params: Mapping[str, str] | None = None,
        limit: int = limits.REPLY_BYTES,
    ) -> HttpReply:
        return exchange(
            self._http,
            "POST",
            url + path,
            payload=payload,
            params=params,
            deadline=deadline,
            connect_deadline=deadline.at_most(self._timeout),  # a login has more time
            limit=limit,
        )

    def _find(self, deadline: Deadline) -> None:
        """Before a login, find out whether the device speaks https; nothing secret is sent.

        Without a scheme in the url, plain HTTP is taken only where nobody listens for https: not
        after a time-out, and not because a certificate displeases. A redirect that failed is
        forgotten.
        """
        if self._is_found:
            return
        self.forget_scheme()
        path = "/dyn/sessionCheck.json"
        deadline = deadline.at_most(self._timeout)
        ask = partial(self._exchange, path=path, payload={}, deadline=deadline)
        url = self.url
        if "://" not in url:
            https = f"https://{url}"
            try:
                ask(https)
            except SmaConnectionException as error:
                if self._https_only or not error.refused:
                    raise
                url = f"http://{url}"
            else:
                url = https
        if url.lower().startswith("http://"):
            try:
                self._settle(url, ask(url))
            except SmaConnectionException as error:
                if not error.closed:
                    raise
                self.url = url  # some firmware has no sessionCheck, and closes the connection
        else:
            self.url = url
        self._is_found = True

    def _settle(self, url: str, reply: HttpReply) -> None:
        """Take the url that answered over http, or the https one that it asks for."""
        new_url = moved(url, reply)
        self.url, self._is_redirected = new_url or url, new_url is not None


def _is_closed(error: SmaException | None) -> bool:
    return isinstance(error, SmaConnectionException) and error.closed


def _unix_seconds(moment: Time) -> int:
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise ValueError("a datetime without a time zone is no moment: give it one")
        moment = moment.timestamp()
    if not math.isfinite(moment):
        raise ValueError("a time must be finite")
    return int(moment)
