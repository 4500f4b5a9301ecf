"""The faults that only a device with WebConnect has."""

import json

from ..http_faults import Action, Intercept, SendReply, Work
from ..http_server import SimulatedReply
from .device import ALL_SESSIONS_TAKEN, as_json, error_reply


def error(number: int) -> Action:
    """Answer {"err": number}."""
    return SendReply(error_reply(number))


def full() -> Action:
    """Answer login and sessionCheck as if all sessions were taken. Other calls work."""
    return Intercept(answer_as_full, frozenset({"login", "sessionCheck"}))


def answer_as_full(endpoint: str | None, work: Work) -> SimulatedReply:
    """Refuse a login; do a sessionCheck, and take the free sessions out of its reply."""
    if endpoint == "login":
        return error_reply(ALL_SESSIONS_TAKEN)
    content = json.loads(work().body)
    content["result"]["cntFreeSess"] = 0
    return as_json(content)
