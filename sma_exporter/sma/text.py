"""Texts that come from a device: never trusted, and made fit for a label, a page or a terminal."""

import unicodedata
from functools import lru_cache

from .limits import TEXT_CHARACTERS


@lru_cache(maxsize=4096)  # names and serial numbers, which stay
def clean(text: str) -> str:
    """Return a text as valid Unicode without control characters, of at most 128 characters."""
    printable = "".join(c for c in text if not unicodedata.category(c).startswith("C"))
    return printable[:TEXT_CHARACTERS].strip()
