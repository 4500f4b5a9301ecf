"""The accounts of a device, and the tokens that it gave out."""

import base64
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

USER, INSTALLER, ADMINISTRATOR = "user", "installer", "administrator"
ROLES = (USER, INSTALLER, ADMINISTRATOR)  # each sees what those before it see


class Refused(Exception):
    """User name and password are wrong, or a refresh token is unknown."""


@dataclass(frozen=True)
class Account:
    """A local account of the device."""

    password: str
    role: str


@dataclass(frozen=True)
class TokenSet:
    """What a login or a refresh brings."""

    access: str
    refresh: str
    expires_in: int


@dataclass(frozen=True)
class TokenRules:
    """Seconds for which tokens are valid; `reusable`: a refresh token is valid after its use too."""

    expires_in: int = 3600
    refresh_expires_in: float = 86_400.0
    reusable: bool = False


@dataclass(eq=False)
class Session:
    """What one login began: when its newest access token ends, and whether that was used."""

    role: str
    ends: float
    claimed: bool = False
    newest: str = ""
    access: dict[str, float] = field(default_factory=dict)  # until when
    refresh: dict[str, float] = field(default_factory=dict)


def new_token(size: int) -> str:
    """Return a token that has to be escaped in a URL or form."""
    return base64.b64encode(b"\xfb\xff" + secrets.token_bytes(size)).decode("ascii")


class Tokens:
    """The tokens of one device. A session is open until its newest access token ends. Thread-safe."""

    def __init__(
        self, accounts: Mapping[str, Account], rules: TokenRules, monotonic: Callable[[], float]
    ) -> None:
        self._accounts = accounts
        self._rules = rules
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._sessions: list[Session] = []
        self.logins = 0
        self.refusals = 0
        self.refreshes = 0
        self.logouts = 0
        self.most_in_use = 0
        self.issued: list[str] = []

    def login(self, name: object, password: object) -> TokenSet:
        """Return new tokens; raise Refused."""
        with self._lock:
            account = self._accounts.get(str(name))
            if account is None or account.password != password:
                self.refusals += 1
                raise Refused
            session = Session(account.role, 0.0)
            self._sessions.append(session)
            self.logins += 1
            return self._issue(session)

    def refresh(self, token: object) -> TokenSet:
        """Return new tokens for a refresh token; raise Refused."""
        with self._lock:
            session = self._of_refresh(token)
            if session is None:
                raise Refused
            if not self._rules.reusable:
                del session.refresh[str(token)]
            self.refreshes += 1
            session.claimed = False  # until one of the new tokens is used
            return self._issue(session)

    def role(self, token: str | None) -> str | None:
        """Return the role of an access token, None if it is unknown or expired."""
        with self._lock:
            session = self._of_access(token)
            if session is None:
                return None
            session.claimed |= token == session.newest
            in_use = sum(each.claimed for each in self._open())
            self.most_in_use = max(self.most_in_use, in_use)
            return session.role

    def logout(self, token: str | None) -> bool:
        """End the session of a refresh token; return whether there was one."""
        with self._lock:
            session = self._of_refresh(token)
            if session is None:
                return False
            self._sessions.remove(session)
            self.logouts += 1
            return True

    def open(self) -> int:
        """How many sessions there are."""
        with self._lock:
            return len(self._open())

    def unclaimed(self) -> int:
        """How many of them no request has used: the reply to their login or refresh may be lost."""
        with self._lock:
            return sum(not session.claimed for session in self._open())

    def expire(self) -> None:
        """Forget all tokens."""
        with self._lock:
            self._sessions.clear()

    def reset_counts(self) -> None:
        """Set all counts to 0."""
        with self._lock:
            self.logins = self.refusals = self.refreshes = self.logouts = self.most_in_use = 0
            self.issued.clear()

    def _issue(self, session: Session) -> TokenSet:
        now, rules = self._monotonic(), self._rules
        tokens = TokenSet(new_token(30), new_token(48), rules.expires_in)
        session.newest = tokens.access
        session.ends = session.access[tokens.access] = now + rules.expires_in
        session.refresh[tokens.refresh] = now + rules.refresh_expires_in
        self.issued += [tokens.access, tokens.refresh]
        self._forget(now)
        return tokens

    def _forget(self, now: float) -> None:
        """Forget sessions that nothing can bring back."""
        self._sessions = [
            session
            for session in self._sessions
            if session.ends > now or any(end > now for end in session.refresh.values())
        ]

    def _open(self) -> list[Session]:
        now = self._monotonic()
        return [session for session in self._sessions if session.ends > now]

    def _of_access(self, token: str | None) -> Session | None:
        now = self._monotonic()
        return next((s for s in self._sessions if s.access.get(token or "", 0.0) > now), None)

    def _of_refresh(self, token: object) -> Session | None:
        now = self._monotonic()
        return next((s for s in self._sessions if s.refresh.get(str(token), 0.0) > now), None)
