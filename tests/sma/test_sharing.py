"""What several sources have in common is made once, and goes with the last of them."""

import gc
import threading
from concurrent.futures import ThreadPoolExecutor

from sma_exporter.sma.sharing import Sharing


class Thing:
    """Something to share."""


def test_for_one_key_there_is_one_and_for_another_another() -> None:
    sharing = Sharing()
    one = sharing.get("one", Thing)
    assert sharing.get("one", Thing) is one
    assert sharing.get("two", Thing) is not one


def test_it_is_forgotten_with_the_last_that_holds_it() -> None:
    sharing = Sharing()
    made: list[int] = []

    def make() -> Thing:
        made.append(1)
        return Thing()

    first = sharing.get("one", make)
    second = sharing.get("one", make)
    del first
    gc.collect()
    third = sharing.get("one", make)
    assert (second is third, len(made)) == (True, 1)
    del second, third
    gc.collect()
    sharing.get("one", make)
    assert len(made) == 2


def test_many_threads_get_the_same() -> None:
    sharing, ready = Sharing(), threading.Barrier(20)

    def get(_: int) -> Thing:
        ready.wait(5)
        return sharing.get("one", Thing)

    with ThreadPoolExecutor(20) as pool:
        found = [*pool.map(get, range(20))]
    assert {id(each) for each in found} == {id(found[0])}
