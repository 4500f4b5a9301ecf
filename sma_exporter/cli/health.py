"""`sma_exporter health`: whether the own listener answers, for container and exec probes."""

import argparse
import http.client
import ssl
from collections.abc import Mapping

from ..server import ListenAddress
from .flags import DEFAULT_PORT
from .output import FAILED, OK, complain


def run(arguments: argparse.Namespace, _: Mapping[str, str]) -> int:
    """Ask the first address; return the exit code."""
    (address,) = (arguments.listen or [ListenAddress("", DEFAULT_PORT)])[:1]
    status = own_status(address)
    if status is not None and status < 500:
        return OK
    what = f"HTTP {status}" if status else "no answer"
    return complain(f"unhealthy: {what} from {address}", FAILED)


def own_status(address: ListenAddress) -> int | None:
    """Return the HTTP status of the own listener, over http or else https; None when it has none.

    Any status will do, so authentication may be on. The certificate is not verified: it is the own one,
    and nothing is sent.
    """
    host = address.host if address.host not in {"", "0.0.0.0", "::"} else "127.0.0.1"  # noqa: S104
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for connection in (
        http.client.HTTPConnection(host, address.port, timeout=3),
        http.client.HTTPSConnection(host, address.port, timeout=3, context=context),
    ):
        try:
            connection.request("GET", "/-/healthy")
            status = connection.getresponse().status
            if status != 400:  # which says that it speaks https
                return status
        except (OSError, http.client.HTTPException) as error:
            if "ALERT" in (getattr(error, "reason", None) or ""):
                return 403  # it wants a client's certificate, so it is there
        finally:
            connection.close()
    return None
