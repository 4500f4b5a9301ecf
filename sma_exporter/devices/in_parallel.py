"""Does something with each of many items, side by side, with as many threads as can be had."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

_Item = TypeVar("_Item")


def in_parallel(
    do: Callable[[_Item], object], items: Iterable[_Item]
) -> Sequence[threading.Thread]:
    """Begin with all items, and return the threads that are at it.

    A further thread is started only while items wait, so that quick ones need few, and one that takes long
    holds up no other. Where no thread can be started, this one does what the others do not get to.
    """
    waiting = deque(items)

    def work() -> None:
        while (item := _next(waiting)) is not None:
            do(item[0])

    threads = []
    while waiting:
        thread = threading.Thread(target=work, name="in parallel", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # One, and then perhaps a thread can be had again.
            if (item := _next(waiting)) is not None:
                do(item[0])
        else:
            threads.append(thread)
    return threads


def _next(waiting: deque[_Item]) -> tuple[_Item] | None:
    """Take the first that waits; None when none is left."""
    try:
        return (waiting.popleft(),)
    except IndexError:
        return None
