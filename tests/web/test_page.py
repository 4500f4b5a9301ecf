"""The page for people."""

import time

from sma_exporter.devices.snapshot import DeviceState, ReadResult, Snapshot
from sma_exporter.sma.exceptions import Reason
from sma_exporter.sma.source import Identity
from sma_exporter.web.page import render

EVIL = "<script>alert('x')</script>\"&\x00\ud800"


def snapshot(
    name: str = "roof", result: ReadResult | None = None, state: DeviceState | None = None
) -> Snapshot:
    errors = dict.fromkeys(Reason, 0)
    return Snapshot(name, "", result, state or DeviceState(), errors, 0, time.time())


def page(*snapshots: Snapshot) -> str:
    return render(snapshots, "1.2.3", "/metrics", time.time())


def test_every_text_of_a_device_or_file_is_escaped() -> None:
    state = DeviceState(identity=Identity(serial=EVIL, name=EVIL, model=EVIL, sw_version=EVIL))
    result = ReadResult(0.0, reason=Reason.PROTOCOL, message=EVIL)

    text = page(snapshot(EVIL, result, state))

    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert text.encode("utf-8", "replace")


def test_values_are_shown_as_people_read_them() -> None:
    result = ReadResult(
        0.0, readings={"grid_power": 2460, "daily_yield": 31791600, "battery_soc_total": 0.57}
    )

    text = page(snapshot(result=result))

    assert "<dd>2,460 W</dd>" in text
    assert "<dd>8.83 kWh</dd>" in text
    assert "<dd>57 %</dd>" in text


def test_a_device_that_is_down_shows_the_reason_and_no_values() -> None:
    result = ReadResult(0.0, reason=Reason.TIMEOUT, message="it gave no answer")

    text = page(snapshot(result=result))

    assert '<span class="down">timeout</span>' in text
    assert "It gave no answer" in text
    assert "<dd>" not in text


def test_it_needs_nobody_else() -> None:
    text = page(snapshot())

    assert "http://" not in text
    assert "https://" not in text
    assert "<script" not in text
    assert 'href="/' not in text  # relative, so that a path prefix of a proxy stays
