"""`sma_exporter backfill --list`: which loggers there are, and since when."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from support.backfills import Pauses, at
from support.devices import NOON, count, sending, settings

from sma_exporter.backfill import given_zone, listing
from sma_exporter.devices.protocols import PROTOCOLS
from sma_exporter.simulator import Simulator, faults
from sma_exporter.simulator.faults import Fault

Simulate = Callable[..., Simulator]
DAY = 86_400
TIME_ZONE_KEY = "6800_08838D00"


def listed(simulator: Simulator, zone: str | None = None, **keys: Any) -> str:
    device = settings(simulator, **keys)
    with PROTOCOLS["webconnect"].history(device, Pauses(), None) as source:
        return "\n".join(listing(source, device, given_zone(zone, {}), now=NOON))


def row(text: str, logger: int) -> list[str]:
    """The columns of a logger."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"{logger} ")]
    return re.split(r"  +", line)


def since(start: float, *, hole: range = range(0)) -> Fault:
    """A device that has forgotten what was before, and was off at some time."""

    def forget(reply: Any) -> Any:
        return {
            "result": {
                uid: [e for e in found if e["t"] >= start and e["t"] not in hole]
                if isinstance(found, list)
                else found
                for uid, found in reply["result"].items()
            }
        }

    return Fault(faults.mutate(forget), path="getLogger")


def test_of_a_hybrid(simulate: Simulate) -> None:
    text = listed(simulate("stp-10-se", clock=lambda: NOON))

    assert text.splitlines()[0] == "roof: time zone Europe/Berlin (the device's)"
    assert row(text, 28672) == [
        "28672",
        "5 min",
        "2014-01-01 01:00",
        "2025-06-14 13:00",
        "sma_yield_joules_total",
    ]
    assert row(text, 28704)[1:4] == ["1 day", "2014-01-02 00:00", "2025-06-14 00:00"]
    assert row(text, 29184)[-1] == "(power)"
    assert max(map(len, text.splitlines()[:25])) <= 90


@pytest.mark.parametrize(
    ("group", "password", "words"),
    [
        ("user", "Sunny-1234", "not kept, or for the installer only: "),
        ("installer", "Sunny-9876", "not kept: "),
    ],
)
def test_what_is_not_there(simulate: Simulate, group: str, password: str, words: str) -> None:
    text = listed(simulate("sb-3.6", clock=lambda: NOON), group=group, password=password)

    (line,) = [line for line in text.splitlines() if line.startswith(words)]
    assert {"28816", "29344"} <= {*line.removeprefix(words).split(", ")}


@pytest.mark.parametrize("days", [0.5, 17, 400.7, 3000])
def test_the_first_entry_is_found(simulate: Simulate, days: float) -> None:
    device = simulate("sb-3.6", clock=lambda: NOON)
    start = int(NOON - days * DAY)
    device.faults.add(since(start))

    text = listed(device, zone="UTC")

    # Five-minute entries lie at multiples of 300 s.
    first = row(text, 28672)[2]
    assert first == row_time(-(-start // 300) * 300)


def row_time(stamp: int) -> str:
    return f"{datetime.fromtimestamp(stamp, UTC):%Y-%m-%d %H:%M}"


def test_the_first_daily_entry_is_found(simulate: Simulate) -> None:
    device = simulate("sb-3.6", clock=lambda: NOON)
    device.faults.add(since(at("2021-09-17T00:00")))

    assert row(listed(device), 28704)[2] == "2021-09-17 00:00"


def test_it_asks_for_little(simulate: Simulate) -> None:
    device = simulate("sb-3.6", clock=lambda: NOON)
    device.faults.add(since(NOON - 200 * DAY))

    listed(device)

    kept = 18
    assert count(device)["getLogger"] < 80 + 25 * kept
    assert (device.logins, device.sessions) == (1, 0)


def test_a_logger_without_anything_of_late(simulate: Simulate) -> None:
    device = simulate("sb-3.6", clock=lambda: NOON)
    device.faults.add(since(NOON))

    assert row(listed(device), 28704)[1:4] == ["1 day", "?", "?"]


def test_where_the_device_does_not_say_its_time_zone_it_is_said(simulate: Simulate) -> None:
    device = simulate("sb-3.6", clock=lambda: NOON)
    automatic = sending({TIME_ZONE_KEY: [{"tag": 9499}]})
    device.faults.add(Fault(faults.mutate(automatic), path="getValues"))

    unknown, given = (listed(device, flag).splitlines()[0] for flag in (None, "Asia/Tokyo"))

    assert unknown == "roof: time zone UTC (the device does not say where it is)"
    assert given == "roof: time zone Asia/Tokyo (--timezone)"
    assert device.sessions == 0
