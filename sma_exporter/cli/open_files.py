"""How many files the process may have open: each device has a connection, and so has each client."""

import logging
import resource

from ..server import DEFAULT_LIMITS

_LOGGER = logging.getLogger(__name__)

#: Beside the connections: the listener, files that are read, the interpreter's own.
_OTHERS = 64


def prepare(devices: int) -> None:
    """Raise the limit to what the process may have, and warn where that is too little for so many devices."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError) as error:
            about = {"limit": _shown(soft), "error": str(error)}
            _LOGGER.warning("the limit of open files was not raised", extra=about)
        else:
            about = {"from": _shown(soft), "to": _shown(hard)}
            _LOGGER.info("the limit of open files was raised", extra=about)
            soft = hard
    wanted = devices + DEFAULT_LIMITS.clients + _OTHERS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        _LOGGER.warning(
            "the limit of open files may be too low for so many devices: raise it "
            "(LimitNOFILE= of systemd, --ulimit nofile= of a container, ulimit -Hn of a shell)",
            extra={"limit": soft, "devices": devices, "wanted": wanted},
        )


def _shown(limit: int) -> int | str:
    return "unlimited" if limit == resource.RLIM_INFINITY else limit
