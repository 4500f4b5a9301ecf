"""Texts of a device."""

import pytest

from sma_exporter.sma.text import clean


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
    ],
    ids=["plain", "control", "surrogate", "unicode", "long", "padded", "invisible"],
)
def test_texts_of_a_device_are_cleaned(text: str, expected: str) -> None:
    assert clean(text) == expected
