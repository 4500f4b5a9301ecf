"""Who is allowed in now: TLS, users and headers, as the web configuration file says at this moment.

The file, and every file that it names, is looked at every second by a thread of its own, and read again when
it has changed: a mount that hangs then holds up this thread only, and no request. What cannot be used changes
nothing: what was in force stays so.
"""

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from ..config import ConfigError
from ..server import CLIENT_CERTIFICATE, ConnectionSettings, Response, plain
from .basic_auth import Passwords, credentials
from .load import RateLimit, Web, load, plain_san
from .turns import TooBusyError
from .watched_files import WatchedFiles

_LOGGER = logging.getLogger(__name__)

#: Seconds between two looks at the files.
WATCH_SECONDS = 1.0
#: Seconds between seeing a change and reading: who is writing the file may not be done.
SETTLING_SECONDS = 0.1

_LOGIN = ("WWW-Authenticate", 'Basic realm="sma_exporter", charset="UTF-8"')
_UNAUTHORIZED = plain(
    "401 Unauthorized", "Who are you? A user name and a password are needed.", [_LOGIN]
)
_FORBIDDEN = plain(
    "403 Forbidden", "Your certificate has none of the names in client_allowed_sans."
)
_TOO_MANY = plain(
    "429 Too Many Requests", "Too many requests; try again in a moment.", [("Retry-After", "1")]
)


class WebConfig:
    """The web configuration file as it was when it was looked at last. Raises ConfigError.

    Without a file everything is allowed. `watch` begins to look at it; nothing else here touches a file.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._looking = threading.Lock()
        self._is_closed = threading.Event()
        self._passwords = Passwords()
        self._files = WatchedFiles()
        self._problems: tuple[str, ...] = ()
        self._web = Web() if path is None else load(path, self._files)
        self._contents = self._files.contents
        self._bucket = _Bucket(self._web.rate_limit)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the file."""
        return self._web.warnings

    @property
    def last_reload_successful(self) -> bool:
        """Whether the file, as it was when it was looked at last, can be used."""
        return not self._problems

    def connection_settings(self) -> ConnectionSettings:
        """Return how the server is to serve now."""
        web = self._web
        return ConnectionSettings(web.context, web.headers)

    def guarded(self, app: WSGIApplication) -> WSGIApplication:
        """Return the application behind TLS names, login and rate limit."""

        def guard(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            refusal = self._refusal(self._web, environ)
            if refusal is None:
                return app(environ, start_response)
            start_response(refusal.status, [*refusal.headers])
            return [refusal.body]

        return guard

    def _refusal(self, web: Web, environ: WSGIEnvironment) -> Response | None:
        if not self._bucket.take():
            return _TOO_MANY
        if web.allowed_sans and not web.allowed_sans & _names(environ.get(CLIENT_CERTIFICATE)):
            return _FORBIDDEN
        if not web.users:
            return None
        given = credentials(environ.get("HTTP_AUTHORIZATION", ""))
        address = environ.get("REMOTE_ADDR", "")
        try:
            known = given is not None and self._passwords.fits(web.users, *given, address)
        except TooBusyError:
            return _TOO_MANY
        return None if known else _UNAUTHORIZED

    # The file ---------------------------------------------------------------------------------------

    def watch(self, every: float = WATCH_SECONDS) -> None:
        """Look at the files from now on, until `close`."""
        if self._path is not None:
            name = "web configuration"
            threading.Thread(target=self._watch, args=(every,), name=name, daemon=True).start()

    def close(self) -> None:
        """Look at them no more."""
        self._is_closed.set()

    def _watch(self, every: float) -> None:
        while not self._is_closed.wait(every):
            try:
                self.look()
            except Exception:  # whatever it was, the next look must come
                _LOGGER.exception("the web configuration could not be looked at")

    def look(self) -> None:
        """Read the files again if one of them has changed."""
        with self._looking:
            if self._path is not None and self._files.changed():
                time.sleep(SETTLING_SECONDS)
                self._read(self._path)

    def _read(self, path: Path) -> None:
        self._files = WatchedFiles()
        try:
            web = load(path, self._files)
        except ConfigError as error:
            self._complain(error.problems)
            return
        mended, self._problems = bool(self._problems), ()
        if self._files.contents != self._contents:
            if web.rate_limit != self._web.rate_limit:
                self._bucket = _Bucket(web.rate_limit)
            self._web, self._contents = web, self._files.contents
            self.log("web configuration read again")
        elif mended:  # to what it was: no connection need begin anew
            self.log("web configuration usable again")

    def _complain(self, problems: tuple[str, ...]) -> None:
        if problems != self._problems:
            about = {"error": "; ".join(problems)}
            _LOGGER.error("web configuration unusable, the last good one stays", extra=about)
        self._problems = problems

    def log(self, message: str = "web configuration") -> None:
        """Write what is in force to the log."""
        if self._path is None:
            return
        web = self._web
        about = {
            "file": self._path,
            "tls": web.context is not None,
            "client_auth": web.client_auth_type,
            "users": len(web.users),
            "certificate_expires": web.expires and web.expires.date(),
        }
        _LOGGER.info(message, extra=about)
        for warning in web.warnings:
            _LOGGER.warning("web configuration: %s", warning)


def _names(certificate: Mapping[str, Any] | None) -> set[str]:
    """Return the names in a client's certificate that may be allowed."""
    kinds = {"DNS", "email", "IP Address", "URI"}
    names = (certificate or {}).get("subjectAltName", ())
    return {plain_san(name) for kind, name in names if kind in kinds}


class _Bucket:
    """Lets so many through at once, and one more after each interval."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._tokens = float(limit.burst)
        self._filled = time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Tell whether one may pass now."""
        if not self._limit.interval:
            return True
        with self._lock:
            now = time.monotonic()
            self._tokens += (now - self._filled) / self._limit.interval
            self._tokens = min(self._tokens, self._limit.burst)
            self._filled = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
