"""Between HTTP and WSGI: a request's head as an environment, an application's whole answer. No sockets."""

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote
from wsgiref.types import WSGIApplication, WSGIEnvironment

import h11

Headers = Sequence[tuple[str, str]]

#: Where an environment has the verified certificate of a client that sent one, as `ssl` describes it.
CLIENT_CERTIFICATE = "sma_exporter.client_certificate"

_ABSOLUTE = re.compile(r"https?://([^/?#]+)", re.IGNORECASE)


class Response(NamedTuple):
    """What a client gets: `status` is code and reason."""

    status: str
    headers: Headers
    body: bytes


class ConnectionInfo(NamedTuple):
    """What an application may know about the connection of a request."""

    local: tuple[str, int]
    peer: str
    secured: bool
    certificate: Mapping[str, Any] | None


def plain(status: str, sentence: str, headers: Headers = ()) -> Response:
    """Return an answer of one sentence."""
    body = f"{sentence}\n".encode()
    kind = ("Content-Type", "text/plain; charset=utf-8")
    return Response(status, [kind, ("Content-Length", str(len(body))), *headers], body)


def environment(request: h11.Request, connection: ConnectionInfo) -> WSGIEnvironment:
    """Return the environment of a request without a body; nothing of the process's own is in it."""
    path, host = request.target.decode("latin-1"), None
    if absolute := _ABSOLUTE.match(path):  # how proxies ask; such a host goes before the header's
        path, host = path[absolute.end() :], absolute[1]
    path, _, query = path.partition("?")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": request.method.decode("latin-1"),
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path or "/", "latin-1"),
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": f"HTTP/{request.http_version.decode('latin-1')}",
        "SERVER_NAME": connection.local[0],
        "SERVER_PORT": str(connection.local[1]),
        "REMOTE_ADDR": connection.peer,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if connection.secured else "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        CLIENT_CERTIFICATE: connection.certificate,
    }
    environ |= _variables(request)
    if host is not None:
        environ["HTTP_HOST"] = host
    return environ


def _variables(request: h11.Request) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in request.headers:
        if b"_" in name:
            continue  # it would pass for the header with a hyphen in its place
        key = f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}"
        text = value.decode("latin-1")
        found[key] = f"{found[key]},{text}" if key in found else text
    return found


def call(app: WSGIApplication, environ: WSGIEnvironment) -> Response:
    """Return the application's whole answer. Raises whatever it raises."""
    begun: list[tuple[str, Headers]] = []
    written: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], _: object = None, /
    ) -> Callable[[bytes], object]:
        begun.append((status, headers))
        return written.append

    result: Iterable[bytes] = app(environ, start_response)
    try:
        written += result
    finally:
        if hasattr(result, "close"):
            result.close()
    status, headers = begun[-1]
    body = b"".join(written)
    if environ["REQUEST_METHOD"] == "HEAD":
        return Response(status, headers, b"")
    return Response(status, with_header(headers, "Content-Length", str(len(body))), body)


def with_header(headers: Headers, name: str, value: str) -> Headers:
    """Return headers in which this one has this value, and no other."""
    others = [header for header in headers if header[0].lower() != name.lower()]
    return [*others, (name, value)]
