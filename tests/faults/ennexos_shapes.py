"""What a reply of ennexOS may look like, for every model: rows of a table of their own."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from fault_bench import SICK, family, undisturbed
from fault_case import READ, Case
from fault_doings import at
from fault_shapes import (
    NESTED,
    Shape,
    bodies,
    compressed,
    cut,
    padded,
    replies,
    whole,
)
from support.devices import NOON

from sma_exporter.metrics import families as metrics
from sma_exporter.simulator import EnnexosSimulator, faults
from sma_exporter.simulator.ennexos.profiles import PLANT, SELF
from sma_exporter.simulator.faults import Action

Row = dict[str, Any]


def case(shape: Shape, model: str, action: Action) -> Case:
    """Return the case of one of its replies."""
    lost = frozenset({victim(model)[1]} if shape.one_value else ())
    return Case(shape.fault, at(READ, action), shape.reason, lost=lost, model=model)


@cache
def victim(model: str) -> tuple[str, str]:
    """The place and the family of a value that stands at one place only, alone in its family."""
    shown = {family(series) for series in undisturbed(model)[SICK]}
    simulator = EnnexosSimulator(model, clock=lambda: NOON)
    there = [
        f"{component} {row['channelId']}"
        for component in (SELF, PLANT)
        for row in simulator.channels(component)
    ]
    for each in metrics.ALL_FAMILIES:
        places = {*each.places["ennexOS"]}
        found = [place for place in there if place.partition(" ")[2] in places]
        is_alone = each.kind == "gauge" and not each.label and len(found) == 1
        if is_alone and each.name in shown:
            return found[0], each.name
    raise LookupError(model)


# --- what becomes of a reply ---


def each_row(change: Callable[[Row], object], *, only: str = "") -> Callable[[Any], Any]:
    """Return a change of each channel, or of the one at a place; None leaves it out."""

    def changed(reply: Any) -> Any:
        found = [
            row if only and only != f"{row['componentId']} {row['channelId']}" else change(row)
            for row in reply
        ]
        return [row for row in found if row is not None]

    return changed


def _with(*entries: Any) -> Callable[[Row], Row]:
    """Return a change of the channel's `values`; what is callable gets the entry that was there."""

    def change(row: Row) -> Row:
        before = row["values"][-1] if row["values"] else {}
        return {**row, "values": [e(before) if callable(e) else e for e in entries]}

    return change


def _value(value: object) -> Callable[[Row], Row]:
    """Return a change to another value, or to an array of it."""

    def entry(before: Row) -> Row:
        name, said = ("values", [value]) if "values" in before else ("value", value)
        return {**before, name: said}

    return _with(entry)


def _values(values: object) -> Callable[[Row], Row]:
    return lambda row: {**row, "values": values}


def _without_value(before: Row) -> Row:
    return {"time": before.get("time")}


def _at_time(time: object) -> Callable[[Row], Row]:
    return _with(lambda before: {**before, "time": time})


def every_value(*changes: Callable[[Row], object]) -> Callable[[str], Sequence[Action]]:
    return replies(*map(each_row, changes))


def one_value(*changes: Callable[[Row], object]) -> Callable[[str], Sequence[Action]]:
    return lambda place: [faults.mutate(each_row(change, only=place)) for change in changes]


def one_literal(*literals: bytes) -> Callable[[str], Sequence[Action]]:
    """A value that no JSON library would write."""

    def change(place: str, literal: bytes) -> Callable[[Any], object]:
        put = each_row(_value("LITERAL"), only=place)
        return lambda reply: json.dumps(put(reply)).encode().replace(b'"LITERAL"', literal)

    return lambda place: [faults.mutate(change(place, literal)) for literal in literals]


def _strangely_encoded(reply: Any) -> bytes:
    """With a text in Latin-1."""
    text = {"channelId": "Measurement.Dachfl\u00e4che", "componentId": SELF, "values": []}
    return json.dumps([text, *reply], ensure_ascii=False).encode("latin-1")


def _crowded(reply: Any) -> Any:
    """With five thousand channels that nobody knows, before the others."""
    (value, *_) = (row["values"] for row in reply)
    unknown = (
        {"channelId": f"Measurement.New{n}", "componentId": SELF, "values": value}
        for n in range(5000)
    )
    return [*unknown, *reply]


def _among_nonsense(reply: Any) -> Any:
    return [None, 5, "text", [], {}, {"channelId": 5}, {"values": []}, *reply]


def _of_another(reply: Any) -> Any:
    return [{**row, "componentId": "SD2P:0001-1"} for row in reply]


_ENTRY = {"time": "2025-06-14T11:00:00Z"}

SHAPES = (
    # The reply as a whole
    Shape("Nothing", bodies(b"", b" \r\n"), "protocol"),
    Shape("No JSON", bodies(b"OK", b"{'values': []}", b"\x00" * 64), "protocol"),
    Shape("A web page", bodies(b"<!DOCTYPE html><html></html>", b" <html>"), "protocol"),
    Shape("JSON that breaks off", replies(cut), "protocol"),
    Shape(
        "JSON with something behind it",
        replies(lambda r: json.dumps(r).encode() + b"]"),
        "protocol",
    ),
    Shape("JSON in UTF-16", replies(lambda r: json.dumps(r).encode("utf-16")), "protocol"),
    Shape("JSON behind a byte order mark", replies(lambda r: json.dumps(r).encode("utf-8-sig"))),
    Shape("JSON with a text that is not UTF-8", replies(_strangely_encoded)),
    Shape(
        "Null, a number, a text or an object instead of a list",
        whole(None, 5, "text", {}, {"values": []}),
        "protocol",
    ),
    Shape(
        "Lists in lists, 100,000 deep", bodies(NESTED, b'[{"values":' + NESTED + b"}]"), "protocol"
    ),
    Shape("9 MB", replies(padded), "protocol"),
    Shape("100 MB, compressed to 100 kB", compressed, "protocol"),
    # The channels
    Shape("No channel", whole([], [{}], [5, "text", None]), "connection"),
    Shape("Channels of another device only", replies(_of_another), "connection"),
    Shape("Nonsense among the channels", replies(_among_nonsense)),
    Shape("Every channel twice", replies(lambda reply: [*reply, *reply])),
    Shape("Five thousand channels that nobody knows", replies(_crowded)),
    # The values
    Shape(
        "Every value missing, null, NaN or “no information”, as at night",
        every_value(
            *(_value(value) for value in (None, "NaN", 16777213, 16777213.0)),
            *(_with(), _with(_without_value), _with({}), _with(_ENTRY)),
        ),
        "protocol",
    ),
    Shape(
        "Every value of no known shape",
        every_value(
            *map(_values, (None, 5, "text", {})),
            *(_value(value) for value in ({}, {"value": 5}, [[5]])),
        ),
        "protocol",
    ),
    Shape("Every value a text", every_value(_value("text")), "protocol"),
    Shape(
        "No time, a wrong one, or one of 1970 or 9999",
        every_value(
            *map(_at_time, (None, "soon", 5, "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"))
        ),
    ),
    Shape(
        "Several entries: the last one counts",
        every_value(_with({**_ENTRY, "value": 1.5}, lambda before: before)),
    ),
    # One value
    Shape(
        "One value null, NaN, a text, an object, true, or of no known shape",
        one_value(
            *map(_value, (None, "NaN", "text", {"value": 230}, True, [[]])),
            *(_with(), _with(_without_value)),
            _values(5),
            lambda row: None,
        ),
        one_value=True,
    ),
    Shape(
        "One value Infinity, 1e400 or a number of 401 digits",
        one_literal(b"-Infinity", b"1e400", b"1" + b"0" * 400),
        one_value=True,
    ),
    Shape("A number of 5,000 digits", one_literal(b"9" * 5000), "protocol"),
    Shape(
        "One value older than the others by more than five minutes",
        one_value(_at_time("2025-06-14T10:54:00Z")),
        one_value=True,
    ),
)
