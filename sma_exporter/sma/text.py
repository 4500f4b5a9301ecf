"""Texts that come from a device: never trusted, and made fit for a label, a page or a terminal."""

import re
import unicodedata

from .limits import TEXT_CHARACTERS

#: Unicode's separators of lines and paragraphs; all control characters have categories that begin with C.
_LINE_ENDS = ("Zl", "Zp")

#: Characters of a text that are looked at: some of them may be invisible.
_LOOKED_AT = 4 * TEXT_CHARACTERS

#: SMA's devices and meters have nine or ten digits.
_SERIAL_NUMBER = re.compile("[1-9][0-9]{8,9}")


def printable(text: str) -> str:
    """Return a text without line ends and whatever else a terminal may take for a command."""
    if text.isprintable():  # nearly all are
        return text
    return "".join(c for c in text if _is_printable(c))


def _is_printable(character: str) -> bool:
    category = unicodedata.category(character)
    return not category.startswith("C") and category not in _LINE_ENDS


def clean(text: str) -> str:
    """Return a text as valid Unicode without control characters, of at most 128 characters."""
    # First of all it is cut: a device may send any amount.
    return printable(text[:_LOOKED_AT])[:TEXT_CHARACTERS].strip()


def serial_number(value: object) -> str:
    """Return a serial number, a number or a text, as text; "" for what cannot be one."""
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return text if _SERIAL_NUMBER.fullmatch(text) else ""
