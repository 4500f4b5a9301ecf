"""JSON as devices write it; and as nobody should."""

import time
import tracemalloc

import pytest

from sma_exporter.sma import limits
from sma_exporter.sma.json_text import parsed_json


@pytest.mark.parametrize("character", ["\t", "\n", "\r", "\x07", "\x00", "\x1b", "\x7f"])
def test_a_text_may_hold_control_characters(character: str) -> None:
    assert parsed_json(f'{{"name":"My{character}Home"}}'.encode()) == {"name": f"My{character}Home"}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'{"a":"D\xe4cher"}', {"a": "D\ufffdcher"}),
        (b'{"a":NaN,"b":-Infinity,"c":1e999,"d":-1e999}', dict.fromkeys("abcd")),
        (b'{"a":1.5,"b":1e3}', {"a": 1.5, "b": 1000.0}),
        (b"", None),
        (b"{", None),
        (b'{"a":1}x', None),
    ],
)
def test_what_a_body_says(content: bytes, found: object) -> None:
    assert parsed_json(content) == found


def filled(piece: bytes, before: bytes = b"[", after: bytes = b"0]") -> bytes:
    """As much of it as a reply may hold."""
    return before + piece * ((limits.REPLY_BYTES - len(before + after)) // len(piece)) + after


HEAVY = {
    "empty objects": filled(b"{},"),
    "empty lists": filled(b"[],"),
    "lists in lists": filled(b"["),
    "objects in objects": filled(b'{"a":'),
    "one whole number": filled(b"9", b"", b""),
    "one number": filled(b"9", b"0.", b""),
    "one exponent": filled(b"9", b"1e", b""),
    "numbers without end": filled(b"1e999,"),
    "texts": filled(b'"",'),
    "escapes": filled(b"\\u0000", b'"', b'"'),
    "one text that does not end": filled(b"a", b'"', b""),
    "not UTF-8": filled(b"\xff", b'"', b'"'),
}


@pytest.mark.parametrize("content", HEAVY.values(), ids=HEAVY)
def test_the_heaviest_reply_costs_little_time_and_memory(content: bytes) -> None:
    started = time.thread_time()
    parsed_json(content)
    assert time.thread_time() - started < 2.0

    tracemalloc.start()
    try:
        parsed_json(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 * 1024 * 1024
