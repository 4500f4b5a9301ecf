"""Two exporters that read one device by mistake: it rations sessions, and each knows of its own only."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from fault_bench import OTHERS, PASSWORDS, SICK, Answer, Bench, undisturbed
from fault_case import READ, Row, back, said
from fault_doings import browsers_log_in, browsers_log_out
from support.devices import eventually

from sma_exporter.simulator import faults
from sma_exporter.simulator.faults import Fault
from sma_exporter.webconnect import SMA, make_session

_MODEL = "sb-3.6"
_SCRAPES = 3
_READ_SECONDS = 0.5  # of the first one: the second one's falls into it
_INTERVAL = 130.0  # longer than any pause after a full device, by the clock


def observe(fault: str, sessions: int, browsers: int) -> Row:
    """Have the second one log in while the first one reads, again and again.

    `sessions` are the device's; some are held by browsers, which log out in the end.
    """
    options = {"max_sessions": sessions}
    with (
        Bench(_MODEL, options=options, timeout=5.0) as first,
        Bench(_MODEL, beside=first, timeout=5.0) as second,
    ):
        browsers_log_in(browsers)(first)
        answers = [answer for _ in range(_SCRAPES) for answer in _side_by_side(first, second)]
        browsers_log_out(first)
        waited = max(_recovered(bench) for bench in (first, second))
        for bench in (first, second):
            bench.close()
        device = SMA(make_session(), first.sick.url, PASSWORDS[SICK])
        assert device.session_check().locked_for == 0
        assert first.sick.most_sessions_in_use <= min(2, sessions - browsers)
        assert first.sick.unclaimed_sessions == 0
        normal = undisturbed(_MODEL)
        complete = all(answer.of(name) == normal[name] for answer in answers for name in OTHERS)
        reasons = dict.fromkeys(answer.reason(SICK) for answer in answers)
        assert all(a.of(SICK) == normal[SICK] for a in answers if a.up(SICK))
        return Row(
            fault,
            " or ".join(sorted(map(said, reasons))),
            "all values" if complete else "values missing",
            str(first.sick.sessions),
            back(waited) if any(reasons) else "was never away",
        )


def _recovered(bench: Bench) -> float:
    waited, _ = bench.recover()
    bench.settle()
    return waited


def _side_by_side(first: Bench, second: Bench) -> Iterator[Answer]:
    logins = first.sick.logins
    first.sick.faults.add(Fault(faults.delay(_READ_SECONDS), path=READ, times=1))
    with ThreadPoolExecutor(1) as pool:
        scraping = pool.submit(first.scrape)
        assert eventually(lambda: first.sick.logins > logins)
        yield second.scrape()
        yield scraping.result()
    first.settle()
    second.settle()
    first.clock.advance(_INTERVAL)
