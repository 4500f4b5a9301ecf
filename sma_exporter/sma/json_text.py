"""JSON as devices write it, which is not always JSON as the standard wants it."""

import json


def parsed_json(content: bytes) -> object:
    """Return what a body says, None when it is no JSON.

    A name in Latin-1, or with a tab in it, must not cost the values: what is not UTF-8 is replaced,
    and control characters may stand in texts. NaN and Infinity are no numbers, so None.
    """
    try:
        text = content.decode("utf-8-sig", "replace")
        return json.loads(text, strict=False, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
