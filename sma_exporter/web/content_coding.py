"""In which coding a client takes an answer, by its Accept-Encoding header (RFC 9110, 12.5.3)."""

import re

_GZIP = ("gzip", "x-gzip")
#: The weight of a coding: from 0, which refuses it, to 1, with three decimals at most.
_WEIGHT = re.compile(r"[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


def accepts_gzip(header: str) -> bool:
    """Tell whether a client names gzip and does not refuse it. `*` alone gets the plain text."""
    found = [_entry(entry) for entry in header.split(",")]
    weights = [weight for coding, weight in found if coding in _GZIP]
    return bool(weights) and min(weights) > 0


def _entry(text: str) -> tuple[str, float]:
    """Return a coding and its weight; what is no weight refuses it."""
    coding, *parameters = (part.strip(" \t") for part in text.split(";"))
    if not parameters:
        return coding.lower(), 1
    match = _WEIGHT.fullmatch(parameters[0]) if len(parameters) == 1 else None
    return coding.lower(), float(match[1]) if match else 0
