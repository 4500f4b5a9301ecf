"""Faults on demand, as values: what a simulated device does wrong, where and how often.

For one slow login: `simulator.faults.add(faults.Fault(faults.delay(2), path="login", times=1))`.
"""

from .http_faults import (
    Action,
    Alter,
    Fault,
    SendReply,
    body,
    delay,
    drip,
    drop,
    drop_after,
    hang,
    mutate,
    redirect,
    reset,
    status,
    truncate,
    withhold,
    wrong_content_length,
)
from .webconnect.faults import error, full

__all__ = [
    "Action",
    "Alter",
    "Fault",
    "SendReply",
    "body",
    "delay",
    "drip",
    "drop",
    "drop_after",
    "error",
    "full",
    "hang",
    "mutate",
    "redirect",
    "reset",
    "status",
    "truncate",
    "withhold",
    "wrong_content_length",
]
