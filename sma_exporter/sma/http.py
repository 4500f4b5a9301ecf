"""One HTTP exchange with a device: the choke point of its I/O, and of turning failures into exceptions.

The exceptions carry no cause: the messages of the libraries below hold the URL, and the URL holds
the session id.
"""

import hashlib
import json
import logging
import ssl
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar
from urllib.parse import urlencode

import requests
import urllib3
from urllib3.exceptions import NameResolutionError, NewConnectionError

from . import limits
from .connections import RequestBounds, connected, format_fingerprint, lenient_context
from .deadline import Deadline
from .exceptions import (
    SmaConnectionException,
    SmaException,
    SmaReadException,
    SmaTimeoutException,
    SmaTlsException,
)
from .text import clean
from .urls import split_url

_LOGGER = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")

_NO_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)


#: How JSON objects and lists, and web pages, begin; and an empty reply.
_TEXT_BEGINNINGS = {b"{", b"[", b"<", b""}


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A complete answer: HTTP status, where it redirects to (else empty), and the body."""

    status: int
    location: str
    body: bytes


class _Allowed(NamedTuple):
    """How many seconds a request had when it began; for messages."""

    altogether: float
    connecting: float


def exchange(
    session: requests.Session,
    method: str,
    url: str,
    *,
    payload: object = None,
    form: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    bearer: str | None = None,
    deadline: Deadline,
    connect_deadline: Deadline | None = None,
    limit: int = limits.REPLY_BYTES,
) -> HttpReply:
    """Send one request and return the whole answer, before the deadline.

    The body is `payload` as JSON, or `form`; `bearer`: a token for the Authorization header;
    `connect_deadline`: until when a connection must have come about, its TLS handshake included;
    `limit`: bytes of the largest answer that is taken. Raises SmaTimeoutException, SmaTlsException,
    SmaPinException, SmaConnectionException, and SmaReadException for a reply that is too large or
    compressed. Redirects are not followed.
    """
    try:
        where = split_url(url).netloc
    except ValueError:
        raise SmaConnectionException("the URL is no address of a device") from None
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, */*",
        "Accept-Encoding": "identity",  # a small answer can be made to unpack for minutes
    }
    body = None if payload is None else json.dumps(payload, separators=(",", ":")).encode()
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(form).encode()
    if bearer is not None:
        headers["Authorization"] = f"Bearer {bearer}"
    if deadline.left() <= 0:
        raise SmaTimeoutException("no time left for another request to the device")
    connect_deadline = connect_deadline or deadline
    bounds = RequestBounds(deadline, connect_deadline, limit + limits.HEAD_BYTES)
    allowed = _Allowed(deadline.left(), connect_deadline.left())
    outside = sys.exception()  # what the caller handles just now is no cause of what happens here
    try:
        with session.request(
            method,
            url,
            data=body,
            params=params,
            headers=headers,
            timeout=bounds,  # type: ignore[arg-type]
            allow_redirects=False,
            stream=True,
        ) as response:
            content = _read_limited(response, limit)
            _LOGGER.debug(
                "%s %s: HTTP %d, %d bytes", method, url, response.status_code, len(content)
            )
            return HttpReply(response.status_code, response.headers.get("Location", ""), content)
    except SmaException:
        raise
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        causes = _causes(error, outside)
        tls_error = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
        failure = _translated(error, causes, where, allowed)
        if failure is None and tls_error is not None:
            failure = _tls_failure(tls_error, url, where, connect_deadline)
        raise failure or _unusable(error, causes, url, where) from None


def _read_limited(response: requests.Response, limit: int) -> bytes:
    content = b""
    # Until nothing comes: a cut reply is noticed by the read after its last bytes.
    while piece := response.raw.read(limit + 1 - len(content), decode_content=False):
        content += piece
        if len(content) > limit:
            raise SmaReadException(f"the reply is larger than {limit // 1024 // 1024} MB")
    # Some announce a compression and send plain text.
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    is_text = content.lstrip()[:1] in _TEXT_BEGINNINGS
    if encoding != "identity" and response.status_code == 200 and not is_text:
        encoding = clean(encoding[: limits.TEXT_CHARACTERS])
        raise SmaReadException(
            f"the reply is compressed ({encoding}), which was not asked for: "
            "does a proxy stand in front of the device?"
        )
    return content


def _translated(
    error: Exception, causes: list[BaseException], where: str, allowed: _Allowed
) -> SmaException | None:
    """Return what a time-out or a missing connection means, in words without URL."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return SmaTimeoutException(f"no connection to {where} within {allowed.connecting:.3g} s")
    for cause in causes:  # before the time-outs: urllib3 counts a refused connection among them
        if isinstance(cause, NameResolutionError):
            return SmaConnectionException(f"the name {where} cannot be resolved")
        if isinstance(cause, NewConnectionError):
            return _not_connected(cause, where)
    if any(
        isinstance(cause, requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError)
        for cause in causes
    ):
        message = f"{where} gave no complete answer within {allowed.altogether:.3g} s"
        return SmaTimeoutException(message, sent=True)
    return None


def _unusable(error: Exception, causes: list[BaseException], url: str, where: str) -> SmaException:
    library_error = isinstance(error, requests.RequestException | urllib3.exceptions.HTTPError)
    if isinstance(error, _NO_ADDRESS) or (isinstance(error, ValueError) and not library_error):
        return SmaConnectionException(f"{where} is no address of a device")
    if not library_error:
        return SmaTlsException(f"no TLS connection to {where}: the CA file cannot be read")
    # Lost while reading a body, it would be an error of urllib3, not of requests.
    lost_before_an_answer = isinstance(error, requests.ConnectionError) and any(
        isinstance(cause, ConnectionResetError) for cause in causes
    )
    if lost_before_an_answer and url.startswith("http://"):
        return SmaConnectionException(
            f"{where} closed the connection without an answer; "
            "if it wants TLS, write https:// before the address",
            sent=True,
        )
    return SmaConnectionException(
        f"{where} closed the connection without a complete answer", sent=True
    )


def _not_connected(error: NewConnectionError, where: str) -> SmaConnectionException:
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ConnectionRefusedError):
        return SmaConnectionException(f"{where} refuses the connection", refused=True)
    reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else "not reachable"
    return SmaConnectionException(f"{where}: {reason}")


def _causes(error: BaseException, outside: BaseException | None) -> list[BaseException]:
    """Return an error and what it came from; the libraries below chain by three ways.

    `outside` and what that came from are left out: it was there before.
    """
    found: list[BaseException] = []
    queue: list[object] = [error]
    while queue:
        item = queue.pop(0)
        if isinstance(item, BaseException) and item is not outside and item not in found:
            found.append(item)
            queue += [getattr(item, "reason", None), item.__cause__, item.__context__, *item.args]
    return found


def request_deadline(
    deadline: Deadline | None,
    timeout: float,
    monotonic: Callable[[], float],
    *,
    is_stopped: bool,
) -> Deadline:
    """Return the deadline of one request of a call, which has one of its own or none.

    SmaTimeoutException when there is no time for one, or reads are to end.
    """
    if is_stopped:
        raise SmaTimeoutException("no further reads: stopping")
    if deadline is None:
        return Deadline.after(timeout, monotonic)
    if not deadline.left():
        raise SmaTimeoutException("no time left for another request to the device")
    return deadline.at_most(timeout)


def asked_twice(
    ask: Callable[[], _Answer], session: requests.Session, deadline: Deadline | None
) -> _Answer:
    """Return what a read brings; repeat it once if it was dropped or timed out, as far as there is time."""
    try:
        return ask()
    except SmaConnectionException as error:
        is_late = deadline is not None and not deadline.left()
        is_lost = error.sent or isinstance(error, SmaTimeoutException)
        if is_late or not is_lost or isinstance(error, SmaTlsException):
            raise
    session.close()
    return ask()


def presented_fingerprint(url: str, deadline: Deadline) -> str | None:
    """Return the fingerprint of the certificate shown at a URL; None when it cannot be had.

    A connection of its own that trusts anything and sends nothing.
    """
    return _presented(url, deadline)[0]


def _presented(url: str, deadline: Deadline) -> tuple[str | None, str]:
    """Return the fingerprint, and the name of the encryption that was agreed on."""
    try:
        parts = split_url(url)
        host = parts.host.strip("[]")
        with (
            connected(host, parts.port, deadline) as sock,
            lenient_context().wrap_socket(sock, server_hostname=host) as secured,
        ):
            certificate, cipher = secured.getpeercert(binary_form=True), secured.cipher()
    except (OSError, ValueError):
        return None, ""
    fingerprint = hashlib.sha256(certificate).hexdigest() if certificate else None
    return fingerprint and format_fingerprint(fingerprint), cipher[0] if cipher else ""


_NOT_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}
_BEFORE_TLS_1_2 = {"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL"}


def _tls_failure(error: ssl.SSLError, url: str, where: str, deadline: Deadline) -> SmaTlsException:
    if error.reason in _NOT_TLS:
        return SmaTlsException(
            f"{where} does not speak TLS; for a device with plain HTTP only, write http:// before the address"
        )
    if error.reason in _BEFORE_TLS_1_2:
        return SmaTlsException(
            f"{where} speaks TLS 1.0 or 1.1 only, which are broken and not supported: update the "
            "device's firmware, or put a proxy with TLS 1.2 in front of it; in a network that you "
            "trust with the password, a device with plain HTTP can have http:// before the address"
        )
    offered, cipher = _presented(url, deadline)
    if isinstance(error, ssl.SSLCertVerificationError):
        problem = f"the certificate of {where} cannot be verified ({error.verify_message})"
    elif offered:
        problem = (
            f"{where} offers only old encryption ({cipher}), which is taken for a certificate "
            "that you name or whose authority you name"
        )
    else:
        return SmaTlsException(
            f"no TLS connection to {where} ({error.reason or 'handshake failed'})"
        )
    if offered:
        problem += (
            "; if a browser on the same network shows the same certificate, trust it with "
            f'fingerprint: "{offered}"'
        )
    return SmaTlsException(problem, fingerprint=offered)
