"""What several sources have in common: a session for all devices of an address, a listener for all meters."""

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakValueDictionary

Shared = TypeVar("Shared")


class Sharing:
    """Makes each shared thing once, and forgets it with the last source that holds it. From any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: WeakValueDictionary[Hashable, Any] = WeakValueDictionary()

    def get(self, key: Hashable, make: Callable[[], Shared]) -> Shared:
        """Return what there is for a key, else what `make` makes."""
        with self._lock:
            found: Shared | None = self._made.get(key)
            if found is None:
                found = self._made[key] = make()
            return found
