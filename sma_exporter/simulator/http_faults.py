"""Faults of a simulated device that speaks HTTP: what goes wrong, at which endpoint, how often."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from .http_server import HTML, JSON, SimulatedReply, compact_json

Change = Callable[[SimulatedReply], SimulatedReply]
Work = Callable[[], SimulatedReply]  # lets the device do what was asked, and returns its reply


@dataclass(frozen=True)
class Delay:
    """Answer properly, but later."""

    seconds: float


@dataclass(frozen=True)
class Hang:
    """Do not answer until the client closes the connection or the device stops."""


@dataclass(frozen=True)
class Drop:
    """Close the connection without an answer, before the work or `after` it."""

    after: bool = False


@dataclass(frozen=True)
class SendReply:
    """Send this reply and do no work."""

    reply: SimulatedReply


@dataclass(frozen=True)
class Alter:
    """Do the work, and send what `change` makes of the reply."""

    change: Change


@dataclass(frozen=True)
class Intercept:
    """Let `answer` make the reply from an endpoint and the work. Concerns only these `endpoints`."""

    answer: Callable[[str | None, Work], SimulatedReply]
    endpoints: frozenset[str]


@dataclass(frozen=True)
class Transmit:
    """Do the work, and send only a `fraction` of the body, or announce fewer bytes (`missing`).

    Sends pieces of `chunk` bytes (0: all at once), one every `interval` seconds. If `part` is
    "body", the head is sent in one piece. With `reset` the connection ends with a TCP reset.
    """

    fraction: float = 1.0
    missing: int = 0
    interval: float = 0.0
    chunk: int = 0
    part: Literal["all", "body"] = "all"
    reset: bool = False


Action = Delay | Hang | Drop | SendReply | Alter | Intercept | Transmit


@dataclass(frozen=True)
class Fault:
    """An action at one endpoint ("getValues") or at every request, so many `times` or always."""

    action: Action
    path: str | None = None
    times: int | None = None

    def concerns(self, endpoint: str | None) -> bool:
        """Whether the fault applies to a request to that endpoint."""
        if isinstance(self.action, Intercept) and endpoint not in self.action.endpoints:
            return False
        return self.path is None or self.path == endpoint


class Faults:
    """The faults that are set. The first one that concerns a request applies. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Set one more fault."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()

    def take(self, endpoint: str | None) -> Action | None:
        """Return the action for a request now, and count it; remove a fault after its last time."""
        with self._lock:
            for place, fault in enumerate(self._faults):
                if fault.concerns(endpoint):
                    self._count(place, fault)
                    return fault.action
            return None

    def _count(self, place: int, fault: Fault) -> None:
        if fault.times is None:
            return
        if fault.times <= 1:
            del self._faults[place]
        else:
            self._faults[place] = replace(fault, times=fault.times - 1)

    def __iter__(self) -> Iterator[Fault]:
        with self._lock:
            return iter(list(self._faults))

    def __len__(self) -> int:
        return len(self._faults)


def delay(seconds: float) -> Action:
    """Answer properly after so many seconds."""
    return Delay(seconds)


def hang() -> Action:
    """Never answer."""
    return Hang()


def drop() -> Action:
    """Close the connection at once."""
    return Drop()


def drop_after() -> Action:
    """Do the work (a login opens its session) and close the connection without an answer."""
    return Drop(after=True)


def drip(interval: float, chunk: int = 1, part: Literal["all", "body"] = "all") -> Action:
    """Send the reply, or only its body, in small pieces."""
    return Transmit(interval=interval, chunk=chunk, part=part)


def truncate(fraction: float) -> Action:
    """Announce the whole body, send a part of it, and close the connection."""
    return Transmit(fraction=fraction)


def reset() -> Action:
    """Announce the whole body, send half of it, and reset the connection."""
    return Transmit(fraction=0.5, reset=True)


def wrong_content_length() -> Action:
    """Announce fewer bytes than the body has."""
    return Transmit(missing=7)


def withhold() -> Action:
    """Announce more bytes than the body has, and keep the connection open."""
    return Transmit(missing=-7)


def status(code: int, body: bytes = b"<html></html>", content_type: str = HTML) -> Action:
    """Answer an HTTP status."""
    return SendReply(SimulatedReply(code, body, content_type))


def redirect(location: str) -> Action:
    """Answer 301."""
    return SendReply(SimulatedReply(301, b"", HTML, (("Location", location),)))


def body(content: bytes, content_type: str = JSON) -> Action:
    """Answer these bytes, with status 200."""
    return SendReply(SimulatedReply(200, content, content_type))


def mutate(function: Callable[[Any], object]) -> Action:
    """Answer what the function makes of the decoded reply: an object, or bytes as they are."""

    def change(reply: SimulatedReply) -> SimulatedReply:
        altered = function(json.loads(reply.body))
        return replace(reply, body=altered if isinstance(altered, bytes) else compact_json(altered))

    return Alter(change)


def outcome(action: Action | None, endpoint: str | None, work: Work) -> SimulatedReply | None:
    """Return the reply under a fault, `None` if there will be none."""
    match action:
        case Hang() | Drop(after=False):
            return None
        case Drop():
            work()
            return None
        case SendReply(reply):
            return reply
        case Alter(change):
            return change(work())
        case Intercept(answer):
            return answer(endpoint, work)
    return work()
