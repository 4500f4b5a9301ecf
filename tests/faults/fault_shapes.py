"""What a reply may look like, for every model: rows of the second table."""

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from fault_case import PARAMETER_READ, READ, Case, Row, Seen
from fault_doings import at, both
from support.devices import NOON

from sma_exporter.metrics import families as metrics
from sma_exporter.simulator import Simulator, faults
from sma_exporter.simulator.faults import Action, Alter
from sma_exporter.simulator.http_server import SimulatedReply
from sma_exporter.webconnect.values import elements, number

#: Makes actions that concern one value, whose key it is told; most do not care.
Actions = Callable[[str], Sequence[Action]]

_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Shape:
    """A row: its sentence, what replies it stands for, and why they are refused; None where they are not.

    `one_value`: all values but one are there.
    """

    fault: str
    actions: Actions
    reason: str | None = None
    one_value: bool = False


def case(shape: Shape, model: str, action: Action) -> Case:
    """Return the case of one of its replies; it comes to whatever is asked for values."""
    inflict = both(at(READ, action), at(PARAMETER_READ, action))
    lost = frozenset({victim(model)[1]} if shape.one_value else ())
    return Case(shape.fault, inflict, shape.reason, lost=lost, model=model)


def row(shape: Shape, seen: Seen) -> Row:
    """The row of a case; what one value is called depends on the model."""
    found = seen.row
    if not shape.one_value:
        return found
    (family,) = seen.lost
    return found._replace(exporter=found.exporter.replace(f"`{family}`", "this one"))


@cache
def victim(model: str) -> tuple[str, str]:
    """The key and the family of a value that every device of the model has, alone in its family."""
    families = {
        key: f.name
        for f in metrics.ALL_FAMILIES
        if f.kind == "gauge" and not f.label
        for key in f.places["WebConnect"][:1]
    }
    (online,) = Simulator(model, clock=lambda: NOON).online_values()["result"].values()
    return next(
        (key, families[key])
        for key, raw in online.items()
        if key in families and number(next(iter(elements(raw)), None)) is not None
    )


# --- what becomes of a reply ---


def bodies(*contents: bytes) -> Actions:
    return lambda _: [faults.body(content) for content in contents]


def replies(*changes: Callable[[Any], object]) -> Actions:
    """Changes of the decoded reply; one that gives bytes gives the body."""
    return lambda _: [faults.mutate(change) for change in changes]


def whole(*contents: object) -> Actions:
    return replies(*(lambda _, c=content: c for content in contents))


def results(*contents: object) -> Actions:
    return replies(*(lambda _, content=content: {"result": content} for content in contents))


def devices(*contents: object) -> Actions:
    """What stands behind the device's key in the result."""
    return replies(
        *(
            lambda reply, c=content: {"result": dict.fromkeys(reply["result"], c)}
            for content in contents
        )
    )


def every_value(*values: object) -> Actions:
    """What stands behind every key of the device."""

    def change(value: object) -> Callable[[Any], object]:
        return lambda reply: {
            "result": {uid: dict.fromkeys(found, value) for uid, found in reply["result"].items()}
        }

    return replies(*map(change, values))


def one_value(*values: object) -> Actions:
    """What stands behind the victim's key."""
    return lambda key: [faults.mutate(_putting(key, value)) for value in values]


def one_literal(*literals: bytes) -> Actions:
    """A `val` that no JSON library would write."""

    def change(key: str, literal: bytes) -> Callable[[Any], object]:
        put = _putting(key, {"1": [{"val": "LITERAL"}]})
        return lambda reply: json.dumps(put(reply)).encode().replace(b'"LITERAL"', literal)

    return lambda key: [faults.mutate(change(key, literal)) for literal in literals]


def _val(val: object) -> object:
    return {"1": [{"val": val}]}


def _putting(key: str, value: object) -> Callable[[Any], Any]:
    def put(reply: Any) -> Any:
        for found in reply["result"].values():
            if key in found:
                found[key] = value
        return reply

    return put


@cache
def _compressed_blanks() -> bytes:
    return gzip.compress(b" " * 100 * _MEGABYTE)


def _compressed(reply: SimulatedReply) -> SimulatedReply:
    content = gzip.compress(reply.body) + _compressed_blanks()
    return replace(reply, body=content, headers=(("Content-Encoding", "gzip"),))


def compressed(_: str) -> Sequence[Action]:
    return [Alter(_compressed)]


def padded(reply: Any) -> bytes:
    return json.dumps(reply).encode() + b" " * 9 * _MEGABYTE


def cut(reply: Any) -> bytes:
    content = json.dumps(reply).encode()
    return content[: len(content) // 2]


def _twice(reply: Any) -> bytes:
    """The first `result` is nonsense: of two equal names the last one counts."""
    return b'{"result":5,' + json.dumps(reply).encode()[1:]


def _strangely_encoded(reply: Any) -> bytes:
    """With a text in Latin-1."""
    for found in reply["result"].values():
        found["6180_10000000"] = {"1": [{"val": "Dachfl\u00e4che"}]}
    return json.dumps(reply, ensure_ascii=False).encode("latin-1")


def _renamed(change: Callable[[str], str]) -> Callable[[Any], Any]:
    """With other device classes; old firmware has none."""

    def rename(reply: Any) -> Any:
        for found in reply["result"].values():
            for raw in found.values():
                if isinstance(raw, dict) and "val" not in raw:
                    for name in [*raw]:
                        raw[change(name)] = raw.pop(name)
        return reply

    return rename


def _in_words(reply: Any) -> Any:
    """With texts for numbers and states, and no other text."""
    for found in reply["result"].values():
        for key in found:
            found[key] = {"1": [{"val": None if key[5:7] == "10" else "230"}]}
    return reply


def _crowded(reply: Any) -> Any:
    """With ten thousand keys that nobody knows, before the others."""
    unknown = {f"9999_{n:08X}": {"1": [{"val": n}]} for n in range(10_000)}
    return {"result": {uid: unknown | found for uid, found in reply["result"].items()}}


def _of_two(reply: Any) -> Any:
    ((uid, found),) = reply["result"].items()
    return {"result": {uid: found, "0199-xxxxx000": found}}


NESTED = b"[" * 100_000 + b"]" * 100_000
_NO_OBJECT: tuple[object, ...] = (None, 5, "text", [], [5])

SHAPES = (
    # The reply as a whole
    Shape("Nothing", bodies(b"", b" \r\n"), "protocol"),
    Shape("No JSON", bodies(b"OK", b"{'result': {}}", b"\x00" * 64), "protocol"),
    Shape("A web page", bodies(b"<!DOCTYPE html><html></html>", b" <html>"), "unsupported"),
    Shape("JSON that breaks off", replies(cut), "protocol"),
    Shape(
        "JSON with something behind it",
        replies(lambda r: json.dumps(r).encode() + b"}"),
        "protocol",
    ),
    Shape("JSON in UTF-16", replies(lambda r: json.dumps(r).encode("utf-16")), "protocol"),
    Shape("JSON behind a byte order mark", replies(lambda r: json.dumps(r).encode("utf-8-sig"))),
    Shape("JSON with a text that is not UTF-8", replies(_strangely_encoded)),
    Shape(
        "Null, a number, a text or a list instead of an object",
        whole(*_NO_OBJECT),
        "protocol",
    ),
    Shape(
        "Lists in lists, 100,000 deep", bodies(NESTED, b'{"result":' + NESTED + b"}"), "protocol"
    ),
    Shape("9 MB", replies(padded), "protocol"),
    Shape("100 MB, compressed to 100 kB", compressed, "protocol"),
    Shape(
        "An error number that nobody knows",
        bodies(b'{"err":999}', b'{"err":-1}', b'{"err":"x"}', b'{"err":null}'),
        "protocol",
    ),
    # The result
    Shape("No result", bodies(b"{}", b'{"results":{}}'), "protocol"),
    Shape("Null, a number, a text or a list as result", results(*_NO_OBJECT), "protocol"),
    Shape("An empty result", results({}), "protocol"),
    Shape("Two results of the same name", replies(_twice)),
    Shape("The values of two devices", replies(_of_two), "unsupported"),
    Shape(
        "Null, a number, a text, a list or nothing as device", devices(*_NO_OBJECT, {}), "protocol"
    ),
    # The values
    Shape(
        "Every value null, as of a device that is starting",
        every_value({"1": [{"val": None}]}, {"val": None}, {"1": [{"val": []}]}),
        "protocol",
    ),
    Shape(
        "Every value of no known shape",
        every_value(*_NO_OBJECT, {}, {"1": None}, {"1": []}, {"1": [5]}, {"1": [{}]}, {"1": 5}),
        "protocol",
    ),
    Shape("Every value a text", replies(_in_words), "protocol"),
    Shape("Other device classes", replies(_renamed(lambda name: f"1{name}"))),
    Shape("Ten thousand keys that nobody knows", replies(_crowded)),
    # One value
    Shape(
        "One value null, a text, a list, an object, true, or of no known shape",
        one_value(
            *map(_val, (None, "230", [230], {"val": 230}, True, [[]])),
            *(5, {"1": 5}, {"1": [5]}, {"1": [{"str": 10**9, "val": 5}]}),
        ),
        one_value=True,
    ),
    Shape(
        "One value NaN, Infinity, 1e400 or a number of 401 digits",
        one_literal(b"NaN", b"-Infinity", b"1e400", b"1" + b"0" * 400),
        one_value=True,
    ),
    Shape("A number of 5,000 digits", one_literal(b"9" * 5000), "protocol"),
    Shape(
        "One value what SMA's devices send for “not available”",
        one_value(*map(_val, (0xFFFF_FFFF, -0x8000_0000, 0x8000_0000))),
        one_value=True,
    ),
)
