"""The HTTP server: a thread for each connection, a limit of connections, and a time limit for each step.

It knows no routes, and nothing else of this project. It was chosen by measuring a good client beside 14 kinds
of bad ones (silent, dripping, endless, many; `tests/clients` does the same), with one process on two cores,
plain and over TLS:

    this server        always answered, 0.4 s at worst; +9 MB; 129 threads at most
    http.server        1.8 s beside 200 clients that never end their headers, and +1 GB; 900 threads
    cheroot            handshakes in its accepting thread: never answered beside 200 silent clients over TLS
    gunicorn, gthread  never answered beside 200 clients that are silent after their handshake
    uvicorn            always answered, but it waits for ever: +390 MB over TLS, for clients that were silent
    waitress           always answered, 0.7 s at worst; has no TLS

A kept connection costs 0.2 ms of processor time a scrape instead of 1.6 ms over TLS: hence they are kept.
"""

from .connection import ConnectionSettings, ServerLimits
from .listener import DEFAULT_LIMITS, ListenAddress, Server, parse_address
from .wsgi import CLIENT_CERTIFICATE, Response, plain

__all__ = [
    "CLIENT_CERTIFICATE",
    "DEFAULT_LIMITS",
    "ConnectionSettings",
    "ListenAddress",
    "Response",
    "Server",
    "ServerLimits",
    "parse_address",
    "plain",
]
