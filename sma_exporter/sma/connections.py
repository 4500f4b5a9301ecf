"""Connections to a device: bounded as a whole, and trusted or not made.

requests' and urllib3's time-outs bound single socket operations: a device that drips a byte a second
would hold a reader for ever. Here every operation gets what is left of the request's own time. And a
pinned certificate is checked before the first byte of a request, so before a password, is sent.
"""

import hashlib
import io
import re
import socket
import ssl
import time
from collections.abc import Collection, Mapping
from functools import lru_cache, partial
from http.client import HTTPResponse
from typing import Any, Literal
from urllib.parse import urlencode

from requests import PreparedRequest, Response
from requests import Session as Session  # noqa: PLC0414 - its users need the type
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from .exceptions import SmaPinException

#: Small keys and old signatures are common in devices. Where the certificate itself is pinned, or
#: nothing is verified, they take nothing away.
_LENIENT_CIPHERS = "DEFAULT:@SECLEVEL=1"


def format_fingerprint(digest: str) -> str:
    """Return 64 hex digits as the configuration wants them: "sha256:AB:CD:…"."""
    pairs = (digest[i : i + 2] for i in range(0, len(digest), 2))
    return "sha256:" + ":".join(pairs).upper()


def parse_fingerprint(text: str) -> str:
    """Return the 64 lower-case hex digits of a fingerprint, as it is printed or plain."""
    digest = text.removeprefix("sha256:").replace(":", "").lower()
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise ValueError('a fingerprint is "sha256:" and 32 bytes in hex, with or without colons')
    return digest


class _BoundedReader(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: float) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, deadline: float, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_BoundedReader(raw, sock, deadline))


class _Bounded:
    """For urllib3's connections: makes `Timeout(total=…)` the end of the request, whatever it does.

    `query` belongs to the next request's URL: see `_Discreet`.
    """

    response_class: Any
    query = ""

    def _new_conn(self) -> socket.socket:
        start = time.monotonic()
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]
        timeout = self.timeout  # type: ignore[attr-defined]
        if timeout is not None:  # what the TLS handshake may take
            sock.settimeout(max(timeout - (time.monotonic() - start), 0.001))
        return sock

    def getresponse(self) -> Any:
        timeout = self.timeout  # type: ignore[attr-defined]
        if timeout is not None:
            deadline = time.monotonic() + timeout
            self.response_class = partial(_BoundedResponse, deadline=deadline)
        return super().getresponse()  # type: ignore[misc]

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        target = f"{url}?{self.query}" if self.query else url
        super().putrequest(method, target, *args, **kwargs)  # type: ignore[misc]


class _Connection(_Bounded, HTTPConnection):
    pass


class _SecureConnection(_Bounded, HTTPSConnection):
    def __init__(self, *args: Any, fingerprints: Collection[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fingerprints = fingerprints

    def connect(self) -> None:
        try:
            super().connect()
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "TLS handshake timed out") from error
        except ConnectionError as error:
            raise NewConnectionError(self, "connection lost in the TLS handshake") from error
        # Pinned, or left unverified by configuration, which was warned of: not once a request.
        self.is_verified = True
        if self._fingerprints:
            self._check_pin()

    def _check_pin(self) -> None:
        certificate = self.sock.getpeercert(binary_form=True)  # type: ignore[union-attr]
        found = hashlib.sha256(certificate or b"").hexdigest()
        if found not in self._fingerprints:
            self.close()
            pins = " or ".join(format_fingerprint(pin) for pin in sorted(self._fingerprints))
            raise SmaPinException(
                f"the device's certificate has the fingerprint {format_fingerprint(found)}, "
                f"but {pins} is pinned: the device got a new certificate, or this is another device"
            )


class _Discreet:
    """For urllib3's pools: keeps the query, which holds the session id, out of urllib3's log lines."""

    def _make_request(self, conn: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        path, _, conn.query = url.partition("?")
        return super()._make_request(conn, method, path, *args, **kwargs)  # type: ignore[misc]


class _Pool(_Discreet, HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(_Discreet, HTTPSConnectionPool):
    pass


class _Adapter(HTTPAdapter):
    """Bounded connections to one device; `fingerprints` are the certificates it may show."""

    def __init__(self, fingerprints: Collection[str] = (), *, lenient: bool = False) -> None:
        self._fingerprints = fingerprints
        self._lenient = lenient
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        if self._lenient:
            kwargs["ssl_context"] = lenient_context()
        super().init_poolmanager(*args, **kwargs)
        # staticmethod: from Python 3.14 on, a partial in a class is a method and would get the pool.
        connection = staticmethod(partial(_SecureConnection, fingerprints=self._fingerprints))
        secure_pool = type("_SecurePool", (_SecurePool,), {"ConnectionCls": connection})
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": secure_pool}


def lenient_context() -> ssl.SSLContext:
    """Return a client's context that trusts any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(_LENIENT_CIPHERS)
    return context


@lru_cache(maxsize=4096)  # a device is asked for the same four addresses, always
def _checked(url: str) -> str:
    """Return a URL as it is sent. An exception of requests for what is none."""
    prepared = PreparedRequest()
    prepared.prepare_url(url, None)
    return prepared.url or url


class _Session(Session):
    """Sends a request as it is, and leaves redirects to its caller.

    requests' own minds cookies, redirects (whose bodies it reads, however large, even when told not to
    follow), hooks, authentication and the environment. Devices have none of these, and all that takes as
    long as the request itself.
    """

    def request(  # type: ignore[override]  # what `exchange` gives, and nothing else
        self,
        method: str,
        url: str,
        *,
        data: bytes | None,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str],
        timeout: Any,
        stream: bool,
        allow_redirects: Literal[False],  # noqa: ARG002
    ) -> Response:
        """Send one request; the answer's body is still to be read."""
        prepared = PreparedRequest()
        prepared.method, prepared.body = method, data
        prepared.url = _checked(url) + (f"?{urlencode(params)}" if params else "")
        prepared.headers = CaseInsensitiveDict({**self.headers, **headers})  # type: ignore[arg-type]
        prepared.prepare_content_length(data)
        adapter = self.get_adapter(prepared.url)
        return adapter.send(prepared, stream=stream, timeout=timeout, verify=self.verify or False)


def make_session(
    fingerprints: Collection[str] = (), ca_file: str | None = None, *, verify: bool = True
) -> Session:
    """Return a session for one device.

    `fingerprints`: SHA-256 of the certificates that are trusted, and then nothing else is looked at
    ("sha256:AB:CD:…" or 64 hex digits each, ValueError for anything else); `ca_file`: a PEM bundle in
    place of the public authorities; `verify=False`: trust anything. The environment has no say: a proxy
    would get the password.
    """
    session = _Session()
    session.trust_env = False
    pinned = frozenset(parse_fingerprint(pin) for pin in fingerprints)
    session.verify = False if pinned or not verify else (ca_file or True)
    adapter = _Adapter(pinned, lenient=bool(pinned) or not verify)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
