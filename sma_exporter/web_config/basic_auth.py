"""Who has logged in: HTTP's basic authentication against bcrypt hashes.

bcrypt is slow on purpose, so that is what this file is about: nobody learns from the time whether a user
exists, who guesses comes after those who do not (`turns`), and Prometheus pays for it once and not with every
scrape.
"""

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Callable, Mapping

import bcrypt

from .turns import Turns

#: How many wrong passwords are remembered.
MAX_WRONG = 256

_BASIC = re.compile(r"basic +([A-Za-z0-9+/=]+) *", re.IGNORECASE)
#: All that bcrypt looks at; its tools, such as htpasswd, cut what is longer.
_PASSWORD_BYTES = 72


def credentials(header: str) -> tuple[bytes, bytes] | None:
    """Return user and password of an Authorization header, None if there are none in it."""
    match = _BASIC.fullmatch(header)
    if match is None:
        return None
    try:
        decoded = base64.b64decode(match[1], validate=True)
    except binascii.Error:
        return None
    user, colon, password = decoded.partition(b":")
    return (user, password) if colon else None


def compare(password: bytes, hashed: bytes) -> bool:
    """Tell whether a hash is one of this password."""
    return bcrypt.checkpw(password[:_PASSWORD_BYTES], hashed)


class Passwords:
    """Compares passwords with hashes, one at a time, and remembers the outcomes, but no password."""

    def __init__(
        self, compare: Callable[[bytes, bytes], bool] = compare, turns: Turns | None = None
    ) -> None:
        self._compare = compare
        self._turns = turns or Turns()
        self._key = secrets.token_bytes(32)
        self._right: dict[bytes, bytes] = {}  # the last right answer of each user
        self._wrong: dict[bytes, None] = {}  # the oldest first

    def fits(
        self, hashes: Mapping[bytes, bytes], user: bytes, password: bytes, address: str = ""
    ) -> bool:
        """Tell whether this is the password of one of these users. Raises TooBusyError.

        `address`: where the client is; for whom an outcome is known does not matter.
        """
        known = hashes.get(user)
        digest = self._digest(user, known or b"", password)
        outcome = self._remembered(user, digest)
        if outcome is not None:
            return outcome
        with self._turns.turn(address):
            outcome = self._remembered(user, digest)  # others may have asked the same meanwhile
            if outcome is None:
                outcome = self._fits(known, password, [*hashes.values()])
                self._remember(user, digest, outcome)
                self._turns.note(address, right=outcome)
        return outcome

    def _fits(self, known: bytes | None, password: bytes, hashes: list[bytes]) -> bool:
        """Compare; what is wrong takes as long as the highest cost of all, whoever the user is."""
        highest = max(map(cost_of, hashes))
        if known is None:
            self._compare(password, hash_of_nothing(highest))
            return False
        if self._compare(password, known):
            return True
        # Twice the cost at each step: 2^c + (2^c + … + 2^(h-1)) = 2^h, as much as for an unknown user.
        for cost in range(cost_of(known), highest):
            self._compare(password, hash_of_nothing(cost))
        return False

    def _digest(self, *parts: bytes) -> bytes:
        mac = hmac.new(self._key, digestmod="sha256")
        for part in parts:
            mac.update(len(part).to_bytes(4, "big") + part)
        return mac.digest()

    def _remembered(self, user: bytes, digest: bytes) -> bool | None:
        if hmac.compare_digest(self._right.get(user, b""), digest):
            return True
        return False if digest in self._wrong else None

    def _remember(self, user: bytes, digest: bytes, outcome: bool) -> None:  # noqa: FBT001 - it is the value
        if outcome:
            self._right[user] = digest
            return
        self._wrong[digest] = None
        if len(self._wrong) > MAX_WRONG:
            del self._wrong[next(iter(self._wrong))]


def cost_of(hashed: bytes) -> int:
    """Return the cost of a hash; each step doubles the time."""
    return int(hashed.split(b"$")[2])


def hash_of_nothing(cost: int) -> bytes:
    """Return a hash that takes as long to compare with as a real one; what comes of it is not asked for."""
    return b"$2b$%02d$%s" % (cost, b"." * 53)
