"""Connections to a device: bounded as a whole, and trusted or not made.

requests' and urllib3's time-outs bound single socket operations, and each address of a name anew: a
device that sends a byte a second would hold a reader for ever. Here every operation, name
resolution included, gets what is left until the request's deadline. And a pinned certificate is
checked before the first byte of a request, so before a password, is sent.
"""

import hashlib
import io
import queue
import re
import socket
import ssl
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, suppress
from functools import cache, lru_cache, partial
from http.client import HTTPResponse
from typing import Any, Literal, Self, TypeAlias
from urllib.parse import urlencode

from requests import PreparedRequest, Response
from requests import Session as Session  # noqa: PLC0414 - its users need the type
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from .deadline import Deadline
from .exceptions import SmaPinException, SmaReadException

#: Small keys and old ciphers are common in devices. Where the certificate itself is pinned, or
#: nothing is verified, they take nothing away; where its authority was named for this device, no
#: other could show one.
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


class RequestBounds(Timeout):
    """urllib3's time-out of one request, and the bounds that it does not know.

    The deadlines of connecting (name, TCP and TLS handshake) and of the whole; the bytes of the
    whole answer, headers and chunk sizes included.
    """

    def __init__(self, deadline: Deadline, connect_deadline: Deadline, answer_bytes: int) -> None:
        super().__init__(total=max(deadline.left(), _SHORTEST))
        self.deadline = deadline
        self.connect_deadline = connect_deadline
        self.answer_bytes = answer_bytes

    def clone(self) -> Self:
        """Return another one, which has not begun; urllib3 asks for it with each request."""
        return type(self)(self.deadline, self.connect_deadline, self.answer_bytes)


#: Seconds; sockets take 0 for "do not wait at all".
_SHORTEST = 0.001

#: Bytes for which a read from a socket counts at least: single bytes cost as much time as many.
_SMALLEST_READ = 8

_AddressInfo: TypeAlias = list[tuple[Any, Any, int, str, Any]]

#: What resolves a name: takes what socket.getaddrinfo takes.
Resolver: TypeAlias = Callable[..., _AddressInfo]


def _addresses(host: str, port: int, deadline: Deadline, resolver: Resolver) -> _AddressInfo:
    """Return the addresses of a host. Resolving cannot be stopped, so a thread of its own does it."""
    with suppress(socket.gaierror):
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    found: queue.SimpleQueue[_AddressInfo | OSError | UnicodeError] = queue.SimpleQueue()

    def resolve() -> None:
        try:
            found.put(resolver(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.put(error)

    try:
        threading.Thread(target=resolve, name=f"resolve {host}", daemon=True).start()
    except RuntimeError:
        raise OSError(f"no thread to look {host} up with: too many are running") from None
    try:
        result = found.get(timeout=deadline.left())
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(result, Exception):
        raise result
    return result


def connected(
    host: str, port: int, deadline: Deadline, resolver: Resolver | None = None
) -> socket.socket:
    """Return a connection to the first address of a host that answers.

    Each address gets a share of the time that is left. `resolver`: socket.getaddrinfo, if not another.
    Raises socket.gaierror, TimeoutError and OSError.
    """
    name = host.strip("[]").replace("%25", "%")  # before the zone of an IPv6 address
    addresses = _addresses(name, port, deadline, resolver or socket.getaddrinfo)
    failure = OSError(f"no address of {host} is known")
    for position, (family, kind, protocol, _, address) in enumerate(addresses):
        try:
            with ExitStack() as until_connected:
                sock = until_connected.enter_context(socket.socket(family, kind, protocol))
                sock.settimeout(max(deadline.left() / (len(addresses) - position), _SHORTEST))
                sock.connect(address)
                until_connected.pop_all()
        except OSError as error:  # IPv6 may be switched off on this machine
            failure = error
        else:
            if position + 1 < len(addresses):  # it had a share only
                sock.settimeout(max(deadline.left(), _SHORTEST))
            return sock
    raise failure


class _BoundedReader(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, sock: socket.socket, bounds: RequestBounds) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = bounds.deadline
        self._left = bounds.answer_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left = self._deadline.left()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        count = self._raw.readinto(buffer)
        self._left -= max(count or 0, _SMALLEST_READ)
        if self._left < 0:
            raise SmaReadException("the reply is too large")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedResponse(HTTPResponse):
    def __init__(
        self, sock: socket.socket, *args: Any, bounds: RequestBounds, **kwargs: Any
    ) -> None:
        super().__init__(sock, *args, **kwargs)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_BoundedReader(raw, sock, bounds))


class _Bounded:
    """For urllib3's connections: the request's deadline is the end of whatever they do.

    Its bounds and its query come from `_OneRequest`.
    """

    response_class: Any
    bounds: RequestBounds
    query = ""

    def _new_conn(self) -> socket.socket:
        host, port = self.host, self.port  # type: ignore[attr-defined]
        this: Any = self
        try:
            sock = connected(host, port, self.bounds.connect_deadline)
        except (socket.gaierror, UnicodeError) as error:
            raise NameResolutionError(host, this, error) from error  # type: ignore[arg-type]
        except TimeoutError as error:
            raise ConnectTimeoutError(this, f"no connection to {host}") from error
        except OSError as error:
            raise NewConnectionError(this, f"no connection to {host}") from error
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(max(self.bounds.connect_deadline.left(), _SHORTEST))  # for the handshake
        return sock

    def getresponse(self) -> Any:
        self.response_class = partial(_BoundedResponse, bounds=self.bounds)
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


class _OneRequest:
    """For urllib3's pools: tells the connection the bounds of the next request, and its query.

    The query holds a session id, so it is kept out of urllib3's log lines.
    """

    def _make_request(self, conn: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        path, _, conn.query = url.partition("?")
        conn.bounds = kwargs["timeout"]
        return super()._make_request(conn, method, path, *args, **kwargs)  # type: ignore[misc]


class _Pool(_OneRequest, HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(_OneRequest, HTTPSConnectionPool):
    pass


class _Adapter(HTTPAdapter):
    """Bounded connections to one device; `fingerprints` are the certificates it may show."""

    def __init__(self, context: ssl.SSLContext, fingerprints: Collection[str] = ()) -> None:
        self._context = context
        self._fingerprints = fingerprints
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        # staticmethod: from Python 3.14 on, a partial in a class is a method and would get the
        # pool.
        connection = staticmethod(partial(_SecureConnection, fingerprints=self._fingerprints))
        secure_pool = type("_SecurePool", (_SecurePool,), {"ConnectionCls": connection})
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": secure_pool}

    def cert_verify(self, conn: Any, *_: Any) -> None:
        """Leave the authorities to the context: requests would read their file each time."""
        conn.cert_reqs = self._context.verify_mode


@cache
def _public_authorities() -> ssl.SSLContext:
    """Return the context for public authorities. All devices share it: making one is slow."""
    return ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)


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

    requests' own takes care of cookies, redirects (whose bodies it reads, however large, even when
    told not to follow), hooks, authentication and the environment. Devices have none of these, and
    all that takes as long as the request itself.
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
    fingerprints: Collection[str] = (),
    ca_file: str | None = None,
    *,
    ca: str | None = None,
    verify: bool = True,
) -> Session:
    """Return a session for one device.

    `fingerprints`: SHA-256 of the certificates that are trusted, and then nothing else is looked at
    ("sha256:AB:CD:…" or 64 hex digits each, ValueError for anything else); `ca_file` or `ca`:
    certificates in PEM format, as a file or as text, in place of the public authorities (OSError,
    ssl.SSLError); `verify=False`: trust anything. The environment has no say: a proxy would get the
    password.
    """
    session = _Session()
    session.trust_env = False
    pinned = frozenset(parse_fingerprint(pin) for pin in fingerprints)
    session.verify = verify and not pinned
    if not session.verify:
        context = lenient_context()
    elif ca_file or ca:
        context = ssl.create_default_context(cafile=ca_file, cadata=ca)
        context.set_ciphers(_LENIENT_CIPHERS)
    else:
        context = _public_authorities()
    adapter = _Adapter(context, pinned)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
