"""Raw values in every shape that devices send: their elements, numbers and tags."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_values import JSON

from sma_exporter.sma.limits import ELEMENTS, TAGS
from sma_exporter.webconnect.values import elements, number, tags


@pytest.mark.parametrize("devclass", ["0", "1", "7", "8", "9", "65", "188", "232"])
def test_the_value_is_found_under_any_device_class(devclass: str) -> None:
    assert elements({devclass: [{"val": 232}]}) == [232]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param({"val": 46}, [46], id="flat"),
        pytest.param({"val": None}, [None], id="flat null"),
        pytest.param({"val": 3, "min": 0, "max": 9}, [3], id="flat parameter"),
        pytest.param({"val": [{"tag": 307}]}, [[{"tag": 307}]], id="flat state"),
        pytest.param({"1": [{"val": 227}, {"val": 70}]}, [227, 70], id="two inputs"),
        pytest.param({"1": [{"val": 227}, {"val": None}]}, [227, None], id="second input null"),
        pytest.param(
            {"9": [{"low": 1, "high": 9, "val": 5, "validVals": [5]}]}, [5], id="parameter"
        ),
        pytest.param({"1": [{"val": 1}], "9": [{"val": 2}]}, [1], id="two classes"),
        pytest.param({"1": [], "9": [{"val": 2}]}, [2], id="two classes, first one empty"),
        pytest.param({"1": None, "9": [{"val": 2}]}, [2], id="two classes, first one null"),
        pytest.param([{"str": 1, "val": 57}, {"str": 2, "val": 58}], [57, 58], id="str"),
        pytest.param([{"str": 2, "val": 58}, {"str": 1, "val": 57}], [57, 58], id="str unordered"),
        pytest.param(
            [{"str": 1, "val": 57}, {"str": 3, "val": 59}], [57, None, 59], id="str with a gap"
        ),
        pytest.param([{"str": 3, "val": 59}], [None, None, 59], id="str from 3 on"),
        pytest.param([{"val": 57}, {"val": 58}], [57, 58], id="list without str"),
        pytest.param({"1": [{"str": 2, "val": 8}, {"str": 1, "val": 7}]}, [7, 8], id="class, str"),
        pytest.param({"9": []}, [], id="class without channel"),
        pytest.param({"9": [{}]}, [None], id="entry without val"),
        pytest.param({"1": [17, {"val": 5}]}, [None, 5], id="entry that is none"),
        pytest.param([{"str": 0, "val": 57}], [57], id="str below 1"),
        pytest.param([{"str": "2", "val": 57}], [57], id="str that is text"),
        pytest.param([{"str": 2.0, "val": 58}, {"str": 1.0, "val": 57}], [57, 58], id="str float"),
        pytest.param([{"str": 10**9, "val": 57}], [], id="str beyond belief"),
        pytest.param([], [], id="empty list"),
        pytest.param({}, [], id="empty object"),
        pytest.param(None, [], id="null"),
        pytest.param(7, [], id="bare number"),
        pytest.param("7", [], id="bare text"),
    ],
)
def test_elements_of_a_raw_value(raw: object, expected: list[object]) -> None:
    assert elements(raw) == expected


@pytest.mark.parametrize(
    ("devclass", "expected"),
    [("9", [2]), ("1", [1]), ("7", [1]), (None, [1])],
    ids=["second class", "first class", "class that is not there", "no class"],
)
def test_a_given_device_class_comes_first(devclass: str | None, expected: list[object]) -> None:
    assert elements({"1": [{"val": 1}], "9": [{"val": 2}]}, devclass) == expected


@pytest.mark.parametrize(
    ("devclass", "expected"), [("1", [2]), ("9", [2]), ("7", [2]), (None, [2])]
)
def test_a_given_device_class_without_a_value_leaves_it_to_another(
    devclass: str | None, expected: list[object]
) -> None:
    assert elements({"1": [{"val": None}], "9": [{"val": 2}]}, devclass) == expected
    assert elements({"9": [{"val": 2}], "1": [{"val": None}]}, devclass) == expected


def test_without_any_value_the_elements_of_the_first_class_remain() -> None:
    assert elements({"1": [], "9": [{"val": None}, {"val": None}], "7": [{"val": None}]}) == [
        None,
        None,
    ]


def test_an_array_has_no_more_elements_than_is_believed() -> None:
    raw = {"1": [{"val": index} for index in range(ELEMENTS + 50)]}

    assert elements(raw) == list(range(ELEMENTS))


@pytest.mark.parametrize(
    ("val", "expected"),
    [
        pytest.param(0, 0, id="zero is a measurement"),
        pytest.param(-4773, -4773, id="negative"),
        pytest.param(0.5, 0.5, id="fraction"),
        pytest.param(3_007_401_854.0, 3_007_401_854, id="whole float"),
        pytest.param(4_294_967_295.0, None, id="U32 sentinel as a float"),
        pytest.param(0xFFFF, 0xFFFF, id="16-bit sentinel is a reading"),
        pytest.param(0x8000, 0x8000, id="signed 16-bit sentinel is a reading"),
        pytest.param(0xFFFF_FFFE, 0xFFFF_FFFE, id="largest 32-bit number"),
        pytest.param(None, None, id="null"),
        pytest.param(0xFFFF_FFFF, None, id="U32 sentinel"),
        pytest.param(0x8000_0000, None, id="S32 sentinel, unsigned"),
        pytest.param(-0x8000_0000, None, id="S32 sentinel"),
        pytest.param(0xFFFF_FFFF_FFFF_FFFF, None, id="U64 sentinel"),
        pytest.param(0x8000_0000_0000_0000, None, id="S64 sentinel, unsigned"),
        pytest.param(-0x8000_0000_0000_0000, None, id="S64 sentinel"),
        pytest.param(10**400, None, id="beyond 64 bits"),
        pytest.param(math.nan, None, id="not a number"),
        pytest.param(-math.inf, None, id="infinite"),
        pytest.param(True, None, id="true"),
        pytest.param("5", None, id="text"),
        pytest.param([{"tag": 307}], None, id="state"),
    ],
)
def test_number(val: object, expected: float | None) -> None:
    assert number(val) == expected
    assert type(number(val)) is type(expected)


@pytest.mark.parametrize(
    ("val", "expected"),
    [
        pytest.param([{"tag": 307}], (307,), id="one"),
        pytest.param([{"tag": 35}, {"tag": 307}], (35, 307), id="several, in order"),
        pytest.param([{"tag": 35}, {"tag": 35}], (35,), id="one twice"),
        pytest.param([{"tag": 307.0}, {"tag": 35.5}, {}], (307,), id="as a float"),
        pytest.param([{"tag": n} for n in range(1, 99)], tuple(range(1, TAGS + 1)), id="many"),
        pytest.param([], (), id="none"),
        pytest.param([{"tag": 16_777_213}], (), id="not available"),
        pytest.param([{"tag": 302}, {"tag": 307}], (307,), id="nothing to say, and one"),
        pytest.param([{"tag": None}, {"tag": True}, {"tag": "x"}, {}, 5], (), id="no tags"),
        pytest.param(None, (), id="null"),
        pytest.param(307, (), id="number"),
    ],
)
def test_tags(val: object, expected: tuple[int, ...]) -> None:
    assert tags(val) == expected


@settings(deadline=None)
@given(raw=JSON, devclass=st.none() | st.sampled_from(["1", "9"]) | st.text(max_size=2))
def test_nothing_that_json_can_say_crashes_the_parts(raw: object, devclass: str | None) -> None:
    found = elements(raw, devclass)
    numbers = [number(val) for val in [raw, *found]]
    states = [tags(val) for val in [raw, *found]]

    assert len(found) <= ELEMENTS
    assert all(value is None or math.isfinite(value) for value in numbers)
    assert all(isinstance(tag, int) for state in states for tag in state)
