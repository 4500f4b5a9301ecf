"""One address with ennexOS, shared by the sources of its components: one session, one request at a time.

A scrape reads all devices side by side. The first component that is read asks for all of them in one
request; the others take their part of the same answer, or the same failure.
"""

import copy
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol
from weakref import WeakSet

from ..sma.backoff import Backoff
from ..sma.deadline import Deadline
from ..sma.exceptions import Pause, SmaException, SmaReadException, SmaTimeoutException
from .client import PLANT, SELF, EnnexOS

#: For so many seconds after it came an answer is taken by components that have not had it.
SHARED_SECONDS = 1.0

#: HTTP statuses with which a device may answer a request that names a component which it does not know.
_UNKNOWN_COMPONENT = frozenset({400, 404})

#: What the channels of a component are in a reply.
Rows = list[Mapping[str, object]]


class Component(Protocol):
    """Who reads over a connection."""

    component: str
    logins: int
    """How many sessions were opened for it."""
    password: Callable[[], str]
    """Returns what to log in with. Raises SmaException."""


@dataclass(slots=True)
class _Answer:
    """What came of one request for live values of some components, and who has had it."""

    components: frozenset[str]
    rows: Rows
    failure: SmaException | None
    came_at: float
    taken_by: WeakSet[Component] = field(default_factory=WeakSet)


class Connection:
    """The way to one address. Its members may be called from any thread.

    `new_client` makes the client around what returns the password.
    """

    def __init__(
        self,
        new_client: Callable[[Callable[[], str]], EnnexOS],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._client = new_client(self._password)
        self._turn = threading.Lock()  # one request at a time
        # Who there is. A lock of their own: nobody holds it for long.
        self._members = threading.Lock()
        self._components: WeakSet[Component] = WeakSet()
        self._cancelled: WeakSet[Component] = WeakSet()
        self._users: WeakSet[Component] = WeakSet()  # those that have read since they were released
        # In turn.
        self._asking: Component | None = None
        self._answer: _Answer | None = None
        self._backoff = Backoff()
        self._refusal: SmaException | None = None
        self._refused_password: str | None = None
        self._tried_password: str | None = None

    @property
    def url(self) -> str:
        """Where it is, as far as that is known by now."""
        return self._client.url

    @property
    def logins(self) -> int:
        """How many sessions were opened so far."""
        return self._client.logins

    def add(self, component: Component) -> None:
        """Ask for the values of this component too, as long as it exists."""
        with self._members:
            self._components.add(component)

    def live(self, component: Component, deadline: Deadline) -> Rows:
        """Return the live values of all components; the same to each that asks at the same time."""
        with self._turn_of(component, deadline):
            answer = self._answer
            is_new = (
                answer is not None
                and component not in answer.taken_by
                and self._monotonic() - answer.came_at <= SHARED_SECONDS
                # One that was not there yet has not been asked for, but would fail likewise.
                and (answer.failure is not None or component.component in answer.components)
            )
            if answer is None or not is_new:
                answer = self._answer = self._asked(deadline)
            answer.taken_by.add(component)
        if answer.failure is not None:
            raise _alone(answer.failure)  # several threads raise it
        return answer.rows

    @contextmanager
    def client(self, component: Component, deadline: Deadline) -> Iterator[EnnexOS]:
        """Have the client to oneself, for other requests."""
        with self._turn_of(component, deadline), self._noting_refusals():
            yield self._client

    def release(self, component: Component, deadline: Deadline) -> None:
        """Log out, if no other component uses the session."""
        with self._members:
            self._users.discard(component)
            if self._users:
                return
        with self._in_turn(deadline):
            if not self._users:  # somebody may have come while this one waited
                self._client.close_session(deadline)

    def cancel(self, component: Component) -> None:
        """Make the reads of this component end soon; those of others go on."""
        with self._members:
            self._cancelled.add(component)
            if all(each in self._cancelled for each in self._components):
                self._client.stop()

    @contextmanager
    def _in_turn(self, deadline: Deadline) -> Iterator[None]:
        if not self._turn.acquire(timeout=deadline.left()):
            raise SmaTimeoutException("another device behind this address was still being read")
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def _turn_of(self, component: Component, deadline: Deadline) -> Iterator[None]:
        self._use(component)
        with self._in_turn(deadline):
            self._use(component)
            self._asking, logins = component, self._client.logins
            try:
                yield
            finally:
                component.logins += self._client.logins - logins

    def _use(self, component: Component) -> None:
        """Note that a component reads, also while it waits for its turn: nobody is to log out now."""
        with self._members:
            if component in self._cancelled:
                raise SmaTimeoutException("no further reads: stopping")
            self._users.add(component)

    # --- in turn ---

    def _asked(self, deadline: Deadline) -> _Answer:
        rows: Rows = []
        failure: SmaException | None = None
        with self._members:
            components = frozenset(each.component for each in self._components)
        try:
            with self._noting_refusals():
                rows = self._all_rows(components, deadline)
        except SmaException as error:
            failure = _alone(error)
        return _Answer(components, rows, failure, self._monotonic())

    def _all_rows(self, components: frozenset[str], deadline: Deadline) -> Rows:
        wanted = sorted(components | ({PLANT} if SELF in components else set()))
        try:
            return self._client.measurements(wanted, deadline=deadline)
        except SmaReadException as error:
            if error.err not in _UNKNOWN_COMPONENT:
                raise
        # One that is unknown must not cost the others their values.
        rows: Rows = []
        failures: list[SmaReadException] = []
        for each in wanted:
            try:
                rows += self._client.measurements([each], deadline=deadline)
            except SmaReadException as error:
                failures.append(error)
        if len(failures) == len(wanted):
            raise failures[0]
        return rows

    # --- logins that were refused ---

    def _password(self) -> str:
        """Return the password for a login, unless the last one was refused with it not long ago.

        Each component has a pause of its own, but they would take turns in trying.
        """
        assert self._asking is not None  # noqa: S101 - the client is used in turn only
        password = self._asking.password()
        self._tried_password = password
        is_paused = self._backoff.left(self._monotonic()) > 0
        is_other = self._backoff.pause is Pause.REFUSED and password != self._refused_password
        if self._refusal is not None and is_paused and not is_other:
            raise _Repeated(self._refusal)
        return password

    @contextmanager
    def _noting_refusals(self) -> Iterator[None]:
        logins = self._client.logins
        failure: SmaException | None = None
        try:
            yield
        except _Repeated as error:
            raise _alone(error.failure) from None
        except SmaException as error:
            failure = error
            raise
        finally:
            if self._client.logins > logins:
                self._backoff.over()
            if failure is not None and failure.pause is not None:
                self._refusal, self._refused_password = _alone(failure), self._tried_password
                self._backoff.failed(failure.pause, self._monotonic(), failure.retry_after)


def _alone(error: SmaException) -> SmaException:
    """Return an exception to be kept or raised once more: without the frames, which hold a password."""
    return copy.copy(error)


class _Repeated(SmaException):
    """Raised in place of a login that would fail as the last one did."""

    def __init__(self, failure: SmaException) -> None:
        super().__init__(str(failure))
        self.failure = failure
