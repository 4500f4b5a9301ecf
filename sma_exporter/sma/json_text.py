"""JSON as devices write it, which is not always JSON as the standard wants it."""

import json
import math


def parsed_json(content: bytes) -> object:
    """Return what a body says, None when it is no JSON.

    A name in Latin-1, or with a tab in it, must not cost the values: what is not UTF-8 is replaced,
    and control characters may stand in texts. NaN, Infinity and 1e999 are no numbers, so None. A
    whole number of more than 4,300 digits makes the whole body none.
    """
    try:
        text = content.decode("utf-8-sig", "replace")
        return json.loads(text, strict=False, parse_constant=_none, parse_float=_finite)
    except (ValueError, RecursionError):
        return None


def _none(_: str) -> None:
    return None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None
