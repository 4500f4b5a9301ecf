"""Nothing in a dump tells whose device it is: secrets planted at every place of a reply."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_values import JSON, KEYS, entries

from sma_exporter.webconnect import decode
from sma_exporter.webconnect.dump import (
    HARMLESS_TEXTS,
    REPLACED_SERIAL,
    REPLACED_TEXT,
    redacted,
)

SECRET = "Villa Sonnenschein"
UID, KEY, SERIAL_KEY = "0199-xxxxx385", "6100_40263F00", "6800_00A21E00"
SERIAL = 3_001_234_567


def of(values: Any, uid: str = UID, call: str = "getAllOnlValues") -> dict[str, Any]:
    """The values of the only member, redacted."""
    found = redacted({call: {"result": {uid: values}}})
    (values,) = found[call]["result"].values()
    return {"values": values}


PLACES: Mapping[str, Callable[[str], Any]] = {
    "values": lambda secret: secret,
    "list of values": lambda secret: [secret, {"val": secret}],
    "key": lambda secret: {secret: entries(5)},
    "end of a key": lambda secret: {f"6100_4026{secret}": entries(5)},
    "object of a key": lambda secret: {f"6100_{secret}": entries(5)},
    "key with a line end": lambda secret: {f"{KEY}\n{secret}": entries(5)},
    "raw value": lambda secret: {KEY: secret},
    "class": lambda secret: {KEY: {secret: [{"val": 5}]}},
    "entry": lambda secret: {KEY: {"1": [secret]}},
    "val": lambda secret: {KEY: entries(secret)},
    "flat val": lambda secret: {KEY: {"val": secret}},
    "val of an unknown key": lambda secret: {"9999_00000000": entries(secret)},
    "member": lambda secret: {KEY: {"1": [{"val": 5, secret: 5}]}},
    "another member": lambda secret: {KEY: {"1": [{"val": 5, "name": secret}]}},
    "str": lambda secret: {KEY: [{"str": secret, "val": 5}]},
    "limit": lambda secret: {KEY: {"1": [{"val": 5, "low": secret, "high": [secret]}]}},
    "tag": lambda secret: {KEY: entries([{"tag": secret}])},
    "member of a tag": lambda secret: {KEY: entries([{"tag": 307, secret: secret}])},
    "valid values": lambda secret: {KEY: {"1": [{"val": 5, "validVals": [secret]}]}},
    "object in a val": lambda secret: {KEY: entries({secret: {"val": secret}})},
    "deep": lambda secret: {KEY: entries([[[[[[[[[[[[[[[{"val": secret}]]]]]]]]]]]]]]])},
    "very deep": lambda secret: {KEY: json.loads("[" * 900 + json.dumps(secret) + "]" * 900)},
    "logger": lambda secret: {secret: {"1": [{"t": 300, "v": 5}]}},
    "logger's value": lambda secret: {"7000": {"1": [{"t": secret, "v": secret}]}},
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("secret", [SECRET, str(SERIAL), f"{SERIAL:X}", "192.0.2.7"])
def test_a_secret_text_never_shows(place: str, secret: str) -> None:
    for call in ("getAllOnlValues", "getAllParamValues", "getDashValues", "getDashLogger"):
        found = of(PLACES[place](secret), f"0199-{SERIAL:X}", call=call)

        assert secret not in json.dumps(found)


@pytest.mark.parametrize(
    "uid", [SECRET, f"0199-{SECRET}", f"{SECRET}-xxxxx385", f"0199-{SERIAL:X}", f"{SERIAL}", ""]
)
def test_the_name_of_a_member_never_shows(uid: str) -> None:
    (name,) = redacted({"getAllOnlValues": {"result": {uid: {}}}})["getAllOnlValues"]["result"]

    assert name in {"0199-xxxxx000", "0000-xxxxx000"}


NUMBERS: Mapping[str, Callable[[object], Any]] = {
    "val": lambda number: {KEY: entries(number)},
    "parameter": lambda number: {KEY: {"1": [{"low": number, "high": number, "val": number}]}},
    "tag": lambda number: {KEY: entries([{"tag": number}])},
    "str": lambda number: {KEY: [{"str": number, "val": 5}]},
    "raw value": lambda number: {KEY: number},
    "unknown": lambda number: {"9999_00000000": entries(number)},
    "logger": lambda number: {"7000": {"1": [{"t": 300, "v": number}]}},
}


@pytest.mark.parametrize("told_as", ["integer", "float", "text", "member"])
@pytest.mark.parametrize(
    "number", [SERIAL, float(SERIAL), -SERIAL, 34_567, 34_567.0, 1_234_567], ids=repr
)
@pytest.mark.parametrize("place", NUMBERS)
def test_a_number_that_tells_the_serial_number_never_shows(
    place: str, number: float, told_as: str
) -> None:
    told: dict[str, Any] = {
        "integer": {SERIAL_KEY: entries(SERIAL)},
        "float": {SERIAL_KEY: entries(float(SERIAL))},
        "text": {"6800_10821E00": entries(f"SN: {SERIAL}")},
        "member": {},
    }[told_as]
    uid = f"01B8-{SERIAL:08X}" if told_as == "member" else UID

    text = json.dumps(of(told | NUMBERS[place](number), uid))

    assert str(abs(int(number))) not in text
    assert str(REPLACED_SERIAL) in text


def test_the_serial_numbers_of_all_members_are_known() -> None:
    one, other = 3_001_234_567, 1_901_472_733
    values = [{SERIAL_KEY: entries(serial), KEY: entries(one)} for serial in (one, other)]
    reply = {"result": {"0199-xxxxx385": values[0], "0199-xxxxx386": values[1]}}

    text = json.dumps(redacted({"getAllOnlValues": reply}))

    assert str(one) not in text
    assert str(other) not in text


@pytest.mark.parametrize("number", [3_001_234_567, 3_001_234_567.0, 3_221_225_985, -300_123_456])
@pytest.mark.parametrize("key", ["9999_00000000", "6800_10852600", "6180_08214800"])
def test_a_large_number_that_is_no_known_quantity_never_shows(key: str, number: float) -> None:
    """It may be the serial number of something else, or an address."""
    assert of({key: entries(number)}) == {"values": {key: entries(REPLACED_SERIAL)}}


@pytest.mark.parametrize(
    ("key", "number"),
    [
        ("6400_00260100", 812_992_158),
        ("6400_00260100", 812_992_158.5),
        ("6100_40263F00", -2.2e12),
        ("6800_00823400", 51_389_444),
        ("9999_00000000", 99_999_999),
        ("9999_00000000", 4_294_967_295),
        ("9999_00000000", 4_294_967_294),
        ("9999_00000000", 0.5),
    ],
)
def test_quantities_stay_as_they_are(key: str, number: float) -> None:
    values = {key: {"1": [{"low": 0, "high": 4_294_967_294, "val": number}]}}

    assert of(values) == {"values": values}


def test_loggers_stay_as_they_are() -> None:
    log = {"7000": {"1": [{"t": 1_750_503_600, "v": 812_992_158}, {"t": 1_750_503_900, "v": None}]}}

    assert of(log, call="getDashLogger") == {"values": log}


def test_what_is_no_number_to_json_is_null() -> None:
    values = of({KEY: entries(float("inf"), float("nan"), True, None)})["values"]

    assert values == {KEY: entries(None, None, True, None)}
    json.dumps(values, allow_nan=False)


def test_names_that_are_replaced_stay_different_and_the_same() -> None:
    values = {"Roof": entries(1), "Garage": entries(2), KEY: {"1": [{"val": 5, "Roof": 6}]}}

    assert of(values)["values"] == {
        "(name 0)": entries(1),
        "(name 1)": entries(2),
        KEY: {"1": [{"val": 5, "(name 0)": 6}]},
    }


def plant(document: Any) -> Any:
    """The same with the secret in each text, and in each name that means nothing here."""
    if isinstance(document, dict):
        return {
            name if name in (*KEYS, "val", "tag", "str", "1", "9") else SECRET + name: plant(member)
            for name, member in document.items()
        }
    if isinstance(document, list):
        return [plant(member) for member in document]
    return f"{document}{SECRET}" if isinstance(document, str) else document


@settings(deadline=None)
@given(
    values=st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), JSON, max_size=6) | JSON,
    uid=st.text(max_size=12),
)
def test_whatever_json_can_say_no_secret_shows_and_the_values_stay(values: Any, uid: str) -> None:
    planted = plant(values)

    found = redacted({"getAllOnlValues": {"result": {SECRET + uid: planted}}})

    assert SECRET not in json.dumps(found)
    ((_, shown),) = found["getAllOnlValues"]["result"].items()
    if isinstance(planted, dict):
        assert {*decode(shown)} <= {*decode(planted)} | {"meter_serial"}


def test_many_serial_numbers_cost_no_time() -> None:
    texts = [f"{serial}" for serial in range(3_000_000_000, 3_000_050_000)]
    values = {"6800_10852600": entries(*texts), "9999_00000000": entries(*range(10**5, 150_000))}

    start = time.process_time()
    found = of(values)["values"]

    assert time.process_time() - start < 10
    assert set(found["6800_10852600"]["9"][0].values()) == {REPLACED_TEXT}


def test_a_harmless_text_stays() -> None:
    (key, *_) = sorted(HARMLESS_TEXTS)

    assert of({key: entries("on"), KEY: entries("on")})["values"] == {
        key: entries("on"),
        KEY: entries(REPLACED_TEXT),
    }
