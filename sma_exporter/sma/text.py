"""Texts that come from a device: never trusted, and made fit for a label, a page or a terminal."""

import re
import unicodedata

from .limits import TEXT_CHARACTERS

#: Characters of a text that are looked at: some of them may be invisible.
_LOOKED_AT = 4 * TEXT_CHARACTERS

#: SMA's devices and meters have nine or ten digits.
_SERIAL_NUMBER = re.compile("[1-9][0-9]{8,9}")


def clean(text: str) -> str:
    """Return a text as valid Unicode without control characters, of at most 128 characters."""
    text = text[:_LOOKED_AT]  # first of all: a device may send any amount
    if not text.isprintable():
        text = "".join(c for c in text if not unicodedata.category(c).startswith("C"))
    return text[:TEXT_CHARACTERS].strip()


def serial_number(value: object) -> str:
    """Return a serial number, a number or a text, as text; "" for what cannot be one."""
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return text if _SERIAL_NUMBER.fullmatch(text) else ""
