"""Many at a time: a slow one delays no other, quick ones need few threads, and none is lost without any."""

import threading
from collections.abc import Callable

import pytest
from support.devices import eventually

from sma_exporter.devices.in_parallel import in_parallel

SECONDS = 10.0


def test_all_are_done() -> None:
    done: list[int] = []
    for thread in in_parallel(done.append, range(1000)):
        thread.join(SECONDS)

    assert sorted(done) == [*range(1000)]


def test_quick_ones_need_few_threads() -> None:
    assert len(in_parallel(lambda _: None, range(2000))) < 500


def test_slow_ones_delay_no_other() -> None:
    go_on = threading.Event()
    done: list[int] = []

    def do(item: int) -> None:
        if item < 50:
            go_on.wait(SECONDS)
        done.append(item)

    threads = in_parallel(do, range(60))
    others_are_done = eventually(lambda: len(done) == 10)
    go_on.set()
    for thread in threads:
        thread.join(SECONDS)

    assert others_are_done
    assert sorted(done) == [*range(60)]


@pytest.fixture
def without_threads(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Allow so many threads more."""

    def allow(count: int) -> None:
        left, start = iter(range(count)), threading.Thread.start

        def start_if_allowed(thread: threading.Thread) -> None:
            if next(left, None) is None:
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", start_if_allowed)

    return allow


@pytest.mark.parametrize("allowed", [0, 1, 3])
def test_where_threads_are_few_this_one_helps(
    without_threads: Callable[[int], None], allowed: int
) -> None:
    without_threads(allowed)
    done: list[int] = []
    for thread in in_parallel(done.append, range(100)):
        thread.join(SECONDS)

    assert sorted(done) == [*range(100)]
