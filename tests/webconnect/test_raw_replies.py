"""Replies that are not quite JSON, or not quite HTTP, read over real sockets."""

import contextlib
import json
import tracemalloc
from collections.abc import Iterator

import pytest
from support.raw_devices import WebConnectFake, reply

from sma_exporter.sma import limits
from sma_exporter.sma.deadline import Deadline
from sma_exporter.sma.exceptions import SmaReadException
from sma_exporter.webconnect import SMA, make_session
from sma_exporter.webconnect.source import WebConnectSettings, WebConnectSource

POWER, NAME = "6100_40263F00", "6800_10821E00"
VALUES = {POWER: {"1": [{"val": 1840}]}, NAME: {"1": [{"val": "My Home"}]}}


@pytest.fixture
def device() -> Iterator[WebConnectFake]:
    with WebConnectFake(VALUES) as fake:
        yield fake


@pytest.fixture
def client(device: WebConnectFake) -> Iterator[SMA]:
    with make_session() as session, SMA(session, device.url, device.password) as client:
        yield client


@pytest.mark.parametrize("character", ["\t", "\n", "\x07", "\x00"], ids=["TAB", "LF", "BEL", "NUL"])
def test_a_control_character_in_a_text_costs_no_values(
    device: WebConnectFake, client: SMA, character: str
) -> None:
    whole = json.dumps({"result": {device.member: VALUES}})
    device.answers["getValues"] = lambda _: reply(whole.replace("y H", f"y{character}H").encode())

    assert client.read_keys([POWER, NAME]) == {
        POWER: VALUES[POWER],
        NAME: {"1": [{"val": f"My{character}Home"}]},
    }


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_plain_json_that_is_announced_as_compressed_is_values(
    device: WebConnectFake, client: SMA, encoding: str
) -> None:
    body = {"result": {device.member: VALUES}}
    device.answers["getValues"] = lambda _: reply(body, 200, f"Content-Encoding: {encoding}")

    assert client.read_keys([POWER, NAME]) == VALUES


def test_a_year_of_a_logger_is_read_and_no_more(device: WebConnectFake, client: SMA) -> None:
    year = [{"t": 1_700_000_000 + 300 * n, "v": 10_000_000 + n} for n in range(365 * 24 * 12)]
    content = json.dumps({"result": {device.member: year}}).encode()
    assert len(content) > limits.REPLY_BYTES
    device.answers["getLogger"] = lambda _: reply(content)

    assert client.read_logger(28672, 0, 2_000_000_000) == year

    device.answers["getLogger"] = lambda _: reply(content + b" " * limits.LOGGER_REPLY_BYTES)
    with pytest.raises(SmaReadException, match="larger than 4 MB"):
        client.read_logger(28672, 0, 2_000_000_000)


def filled(before: str, piece: str, after: str) -> bytes:
    """As large as a reply may be."""
    count = (limits.REPLY_BYTES - len(before + after)) // len(piece)
    return (before + piece * count + after).encode()


HEAVY = {
    "empty objects": filled('{"result":[', "{},", "0]}"),
    "numbers of one key": filled(
        f'{{"result":{{"m":{{"{POWER}":{{"1":[', '{"val":1},', '{"val":1}]}}}}'
    ),
    "tags of one key": filled(
        '{"result":{"m":{"6180_08214800":{"1":[{"val":[', '{"tag":307},', '{"tag":307}]}]}}}}'
    ),
}


@pytest.mark.parametrize("content", HEAVY.values(), ids=HEAVY)
def test_the_heaviest_reply_fits_into_the_memory_of_a_small_container(content: bytes) -> None:
    with WebConnectFake({}) as device:
        device.answers["getAllOnlValues"] = lambda _: reply(content)
        settings = WebConnectSettings(name="roof", url=device.url, password=lambda: device.password)
        source = WebConnectSource(settings)
        tracemalloc.start()
        try:
            with contextlib.suppress(SmaReadException):
                [*source.read(Deadline.after(60), (), identify=False)]
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        source.release(Deadline.after(5))
    assert peak < 96 * 1024 * 1024


def test_values_are_read_up_to_a_size(device: WebConnectFake, client: SMA) -> None:
    content = json.dumps({"result": {device.member: VALUES}}).encode()
    device.answers["getValues"] = lambda _: reply(content + b" " * limits.REPLY_BYTES)

    with pytest.raises(SmaReadException, match="larger than 1 MB"):
        client.read_keys([POWER])
