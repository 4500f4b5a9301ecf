"""Texts of a device."""

import time

import pytest

from sma_exporter.sma.text import clean, serial_number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SN: 3012", "SN: 3012"),
        ("a\nb\x00c\x7f", "abc"),
        ("\ud800x", "x"),
        ("Grüße ☀", "Grüße ☀"),
        ("x" * 300, "x" * 128),
        ("  padded ", "padded"),
        ("\u202eevil\u200b", "evil"),
        ("a\u00a0b\u3000c", "a\u00a0b\u3000c"),
        ("\0x" * 300, "x" * 128),
        ("a\u2028b\u2029c", "abc"),
        ("", ""),
    ],
    ids=[
        *("plain", "control", "surrogate", "unicode", "long", "padded", "invisible", "wide blanks"),
        *("long and half invisible", "line ends", "empty"),
    ],
)
def test_texts_of_a_device_are_cleaned(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize("letter", ["x", "\0", "\ud800", " "])
def test_a_long_text_is_cut_before_it_is_cleaned(letter: str) -> None:
    long = letter * 50_000_000
    started = time.process_time()

    for _ in range(1000):
        assert len(clean(long)) <= 128

    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3_001_234_567, "3001234567"),
        ("3001234567", "3001234567"),
        (3_001_234_567.0, "3001234567"),
        (190_147_273, "190147273"),
        *((value, "") for value in (0, 1, -5, 12_345_678, 10_000_000_000, -3_001_234_567)),
        *((value, "") for value in (0.5, float("nan"), float("inf"), None, True, (3_001_234_567,))),
        *((text, "") for text in ("", "0123456789", "3001234567\n", " 3001234567", "30012345six")),
        ("\u0663" * 10, ""),
    ],
)
def test_a_serial_number_has_nine_or_ten_digits(value: object, expected: str) -> None:
    assert serial_number(value) == expected
