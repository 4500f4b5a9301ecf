"""A request's head, byte by byte: whether it is complete, too long, or could be read in two ways.

h11 accepts some things that HTTP allows a server to accept for the sake of old clients. A proxy in front of
this server may read the same bytes in another way, so that one request becomes two: here they are refused.
"""

import re

import h11

#: As h11 finds it; a line that ends without CR is refused afterwards.
_END = re.compile(rb"\n\r?\n")
#: A line that goes on with the line before it.
_FOLDED = re.compile(rb"\n[ \t]")


def length(data: bytes) -> int | None:
    """Return how long the head at the beginning of the data is; None if it is not complete."""
    end = _END.search(data)
    return end.end() if end else None


def is_ambiguous(head: bytes) -> bool:
    """Tell whether two programs could see other lines in a head: a bare CR or LF, a folded line."""
    ends = head.count(b"\r\n")
    return ends != head.count(b"\n") or ends != head.count(b"\r") or bool(_FOLDED.search(head))


def has_body(request: h11.Request) -> bool:
    """Tell whether a body follows. h11.RemoteProtocolError if its end could be disagreed on."""
    lengths = [int(value) for name, value in request.headers if name == b"content-length"]
    chunked = any(name == b"transfer-encoding" for name, _ in request.headers)
    if chunked and (lengths or request.http_version == b"1.0"):
        raise h11.RemoteProtocolError("Transfer-Encoding beside Content-Length or in HTTP/1.0")
    return chunked or any(lengths)
