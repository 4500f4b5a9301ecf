"""Devices that send ever new texts and tags by the megabyte: they cost little, and leave nothing behind."""

import gc
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from support.devices import NAME, RATED, SERIAL, TOTAL, Clock, Scraped
from support.raw_devices import WebConnectFake

from sma_exporter import config
from sma_exporter.metrics.collector import SCRAPE_FAMILIES, scrape_metrics
from sma_exporter.metrics.exposition import Lines
from sma_exporter.metrics.families import DeviceReadings, families
from sma_exporter.webconnect.source import PARAMETERS_EVERY

STANDARD, EVENT = "6180_08671E00", "6180_08414900"
MEGABYTE = 1_000_000


def alone(val: object) -> dict[str, list[dict[str, object]]]:
    return {"1": [{"val": val}]}


@pytest.fixture
def fake() -> Iterator[WebConnectFake]:
    values = {SERIAL: 3_001_234_567, RATED: 5000, TOTAL: 1_000_000}
    with WebConnectFake({key: alone(val) for key, val in values.items()}) as device:
        yield device


def swollen(fake: WebConnectFake, number: int) -> None:
    """A name of 700 kB, and a state and a choice of 20,000 tags each, all of them new."""
    tags = [{"tag": number * 20_000 + n} for n in range(1, 20_001)]
    fake.values[NAME] = alone(f"{number} " + "\x7fx" * 100_000)
    fake.values[STANDARD] = fake.values[EVENT] = alone(tags)


def shown(roof: Scraped) -> str:
    snapshot = roof.scrape(within=30)
    assert snapshot.up
    readings = DeviceReadings("roof", snapshot.readings, snapshot.state.unknown_states)
    metrics = [*scrape_metrics(SCRAPE_FAMILIES, [snapshot]), *families([readings])]
    return "".join(text for metric in metrics if isinstance(metric, Lines) for text in metric.lines)


def test_ever_new_texts_and_tags_are_cut_and_forgotten(fake: WebConnectFake) -> None:
    clock = Clock()
    secret = config.Secret(fake.password)
    settings = config.DeviceSettings(name="roof", url=fake.url, password=secret, timeout=20.0)
    roof = Scraped(settings, clock)

    def read(number: int) -> None:
        clock.advance(PARAMETERS_EVERY + 1)
        swollen(fake, number)
        text = shown(roof)
        assert f'name="{number} ' in text
        assert len(text) < 20_000

    try:
        for number in range(3):
            read(number)
        gc.collect()
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        started = time.process_time()
        for number in range(3, 13):
            read(number)
        spent = time.process_time() - started
        fake.values[NAME] = fake.values[STANDARD] = fake.values[EVENT] = alone(None)
        fake.calls.clear()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        roof.close()

    assert after - before < 3 * MEGABYTE
    assert spent < 30
