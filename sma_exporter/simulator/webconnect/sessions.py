"""The sessions of a device, and the block after too many wrong passwords."""

import math
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

USER, INSTALLER = "usr", "istl"


class WrongPassword(Exception):
    """The password of a login is wrong, or its group is blocked."""


class AllSessionsTaken(Exception):
    """A login has the right password, but the device has as many sessions as it allows."""


@dataclass(frozen=True)
class SessionLimits:
    """How many sessions, for how long, and when wrong passwords block the login. Times in seconds."""

    max_sessions: int = 4
    session_idle: float = 300.0
    lockout_after: int = 10
    lockout_seconds: float = 900.0


@dataclass
class Session:
    """A login: its group, when it was last used, and whether any request brought its id (`claimed`)."""

    group: str
    used: float
    claimed: bool = False


@dataclass
class Lockout:
    """Wrong passwords of one group since the last right one, and the time until which it is blocked."""

    failures: int = 0
    until: float = 0.0


class Sessions:
    """The sessions of one device. Thread-safe."""

    def __init__(
        self, passwords: Mapping[str, str], limits: SessionLimits, monotonic: Callable[[], float]
    ) -> None:
        self._passwords = passwords
        self._limits = limits
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._lockouts = {group: Lockout() for group in passwords}
        self.logins = 0
        self.logouts = 0
        self.most_in_use = 0
        self.issued: list[str] = []

    def login(self, group: object, password: object) -> str:
        """Open a session and return its id; raise WrongPassword or AllSessionsTaken."""
        with self._lock:
            if not self._accepts(group, password):
                raise WrongPassword
            self._forget_idle()
            if len(self._sessions) >= self._limits.max_sessions:
                raise AllSessionsTaken
            sid = secrets.token_urlsafe(12)
            self._sessions[sid] = Session(str(group), self._monotonic())
            self.logins += 1
            self.issued.append(sid)
            return sid

    def _accepts(self, group: object, password: object) -> bool:
        """Whether the password is right, and its group not blocked."""
        if not isinstance(group, str) or group not in self._passwords:
            return False
        lockout, now = self._lockouts[group], self._monotonic()
        if now < lockout.until:
            return False
        if password == self._passwords[group]:
            lockout.failures = 0
            return True
        lockout.failures += 1
        if lockout.failures >= self._limits.lockout_after:
            self._lockouts[group] = Lockout(until=now + self._limits.lockout_seconds)
        return False

    def group(self, sid: str | None) -> str | None:
        """Return a session's group, `None` if it is unknown or expired. Restarts its idle time."""
        with self._lock:
            self._forget_idle()
            session = self._sessions.get(sid or "")
            if session is None:
                return None
            session.used = self._monotonic()
            self._claim(session)
            return session.group

    def logout(self, sid: str | None) -> bool:
        """End a session; return whether there was one."""
        with self._lock:
            self._forget_idle()
            session = self._sessions.get(sid or "")
            if session is None:
                return False
            self._claim(session)
            del self._sessions[sid or ""]
            self.logouts += 1
            return True

    def open(self) -> int:
        """How many sessions there are."""
        with self._lock:
            self._forget_idle()
            return len(self._sessions)

    def unclaimed(self) -> int:
        """How many of them no request has used: the reply to their login may be lost."""
        with self._lock:
            self._forget_idle()
            return sum(not session.claimed for session in self._sessions.values())

    def free(self) -> int:
        """How many more sessions the device allows."""
        return max(0, self._limits.max_sessions - self.open())

    def countdown(self) -> dict[str, int]:
        """Seconds for which the login of each group is blocked."""
        with self._lock:
            now = self._monotonic()
            return {
                group: max(0, math.ceil(lockout.until - now))
                for group, lockout in self._lockouts.items()
            }

    def expire(self) -> None:
        """Forget all sessions."""
        with self._lock:
            self._sessions.clear()

    def reset_counts(self) -> None:
        """Set all counts to 0."""
        with self._lock:
            self.logins = self.logouts = self.most_in_use = 0
            self.issued.clear()

    def _claim(self, session: Session) -> None:
        session.claimed = True
        in_use = sum(session.claimed for session in self._sessions.values())
        self.most_in_use = max(self.most_in_use, in_use)

    def _forget_idle(self) -> None:
        oldest = self._monotonic() - self._limits.session_idle
        self._sessions = {
            sid: session for sid, session in self._sessions.items() if session.used > oldest
        }
