"""Faults on demand, as values: what a device does instead of its duty, where and how often.

For one slow login: `simulator.faults.add(faults.Fault(faults.delay(2), path="login", times=1))`.
"""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from .device import ALL_SESSIONS_TAKEN, HTML, JSON, Reply, as_json
from .device import error as error_reply

Change = Callable[[Reply], Reply]


@dataclass(frozen=True)
class Delay:
    """Answer properly, later."""

    seconds: float


@dataclass(frozen=True)
class Hang:
    """Never answer, until the client goes away or the device stops."""


@dataclass(frozen=True)
class Drop:
    """Close the connection without an answer, before the work or `after` it."""

    after: bool = False


@dataclass(frozen=True)
class Answer:
    """Answer this without doing the work."""

    reply: Reply


@dataclass(frozen=True)
class Alter:
    """Do the work, and answer what `change` makes of the reply."""

    change: Change


@dataclass(frozen=True)
class Transmit:
    """Do the work, and send just a `fraction` of the body, or announce fewer bytes (`missing`).

    Pieces of `chunk` bytes (0: all at once), every `interval` seconds; the head in one piece if
    only the body is the `part` to be cut up. After a `reset` the connection is not closed but gone.
    """

    fraction: float = 1.0
    missing: int = 0
    interval: float = 0.0
    chunk: int = 0
    part: Literal["all", "body"] = "all"
    reset: bool = False


@dataclass(frozen=True)
class Full:
    """All sessions are taken, as login and sessionCheck say. Other calls are not affected."""


Action = Delay | Hang | Drop | Answer | Alter | Transmit | Full


@dataclass(frozen=True)
class Fault:
    """An action at one endpoint ("getValues"), or at every request; so many times, or always."""

    action: Action
    path: str | None = None
    times: int | None = None

    def concerns(self, endpoint: str | None) -> bool:
        """Whether a request to that endpoint meets it."""
        if isinstance(self.action, Full) and endpoint not in {"login", "sessionCheck"}:
            return False
        return self.path is None or self.path == endpoint


class Faults:
    """The faults that are set. The first one that concerns a request strikes. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Set one more."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Set none."""
        with self._lock:
            self._faults.clear()

    def take(self, endpoint: str | None) -> Action | None:
        """Return what strikes a request now. Worn-out faults are gone afterwards."""
        with self._lock:
            for place, fault in enumerate(self._faults):
                if fault.concerns(endpoint):
                    self._wear(place, fault)
                    return fault.action
            return None

    def _wear(self, place: int, fault: Fault) -> None:
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
    """Do the work - a login opens its session - and close the connection without an answer."""
    return Drop(after=True)


def drip(interval: float, chunk: int = 1, part: Literal["all", "body"] = "all") -> Action:
    """Send the reply, or just its body, in small pieces."""
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


def error(number: int) -> Action:
    """Answer {"err": number}."""
    return Answer(error_reply(number))


def status(code: int, body: bytes = b"<html></html>", content_type: str = HTML) -> Action:
    """Answer an HTTP status."""
    return Answer(Reply(code, body, content_type))


def redirect(location: str) -> Action:
    """Answer 301."""
    return Answer(Reply(301, b"", HTML, (("Location", location),)))


def body(content: bytes, content_type: str = JSON) -> Action:
    """Answer anything, with status 200."""
    return Answer(Reply(200, content, content_type))


def mutate(function: Callable[[Any], object]) -> Action:
    """Answer what the function makes of the decoded reply: an object, or bytes as they are."""

    def change(reply: Reply) -> Reply:
        altered = function(json.loads(reply.body))
        if isinstance(altered, bytes):
            return replace(reply, body=altered)
        return as_json(altered)

    return Alter(change)


def full() -> Action:
    """Refuse logins as if all sessions were taken."""
    return Full()


def outcome(action: Action | None, endpoint: str | None, work: Callable[[], Reply]) -> Reply | None:
    """Return the reply under a fault, `None` if there will be none. `work` asks the device."""
    match action:
        case Hang() | Drop(after=False):
            return None
        case Drop():
            work()
            return None
        case Answer(reply):
            return reply
        case Alter(change):
            return change(work())
        case Full() if endpoint == "login":
            return error_reply(ALL_SESSIONS_TAKEN)
        case Full():
            return without_free_sessions(work())
    return work()


def without_free_sessions(reply: Reply) -> Reply:
    """Return the reply to a sessionCheck as if all sessions were taken."""
    content = json.loads(reply.body)
    content["result"]["cntFreeSess"] = 0
    return as_json(content)
