"""Texts that come from a device: never trusted, and made fit for a label, a page or a terminal."""

import unicodedata
from functools import lru_cache

from .limits import TEXT_CHARACTERS

#: Unicode's separators of lines and paragraphs; all control characters have categories that begin with C.
_LINE_ENDS = ("Zl", "Zp")


def printable(text: str) -> str:
    """Return a text without line ends and whatever else a terminal may take for a command."""
    return "".join(c for c in text if _is_printable(c))


def _is_printable(character: str) -> bool:
    category = unicodedata.category(character)
    return not category.startswith("C") and category not in _LINE_ENDS


@lru_cache(maxsize=4096)  # names and serial numbers, which stay
def clean(text: str) -> str:
    """Return a text as valid Unicode without control characters, of at most 128 characters."""
    return printable(text)[:TEXT_CHARACTERS].strip()
