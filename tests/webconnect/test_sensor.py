"""PySMA's sensors: the value that they take out of a reply, and their container."""

import logging
import math
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_values import JSON

from sma_exporter.sma.tags import L10N
from sma_exporter.webconnect import Sensor, Sensors

KEY = "6100_40263F00"
ARRAY = "6380_40251E00"


def value_of(raw: object, key: str = KEY, **options: Any) -> object:
    """What a sensor makes of a raw value."""
    devclass = options.pop("devclass", "1")
    l10n = options.pop("l10n", None)
    sensor = Sensor(key, "sensor", **options)
    sensor.extract_value({sensor.key: raw}, l10n, devclass)
    return sensor.value


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("6380_40251E00", ("6380_40251E00", 0)),
        ("6380_40251E00_0", ("6380_40251E00", 0)),
        ("6380_40251E00_1", ("6380_40251E00", 1)),
        ("6380_40251E00_11", ("6380_40251E00", 11)),
        ("6380_40251E00_x", ("6380_40251E00_x", 0)),
    ],
)
def test_the_third_part_of_a_key_is_the_index(key: str, expected: tuple[str, int]) -> None:
    sensor = Sensor(key, "sensor")

    assert (sensor.key, sensor.key_idx) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [(ARRAY, 227), (f"{ARRAY}_0", 227), (f"{ARRAY}_1", 70), (f"{ARRAY}_2", None)],
)
@pytest.mark.parametrize(
    "raw",
    [{"1": [{"val": 227}, {"val": 70}]}, [{"str": 2, "val": 70}, {"str": 1, "val": 227}]],
    ids=["by class", "flat"],
)
def test_a_sensor_takes_its_element(raw: object, key: str, expected: int | None) -> None:
    assert value_of(raw, key) == expected


@pytest.mark.parametrize(
    ("raw", "options", "expected"),
    [
        pytest.param({"1": [{"val": 24_206}]}, {"factor": 100}, 242.06, id="divided by the factor"),
        pytest.param({"1": [{"val": 5}]}, {"factor": None}, 5, id="no factor"),
        pytest.param({"1": [{"val": 0}]}, {"unit": "W"}, 0, id="zero watts"),
        pytest.param({"1": [{"val": None}]}, {"unit": "W"}, None, id="null watts are not zero"),
        pytest.param({"1": [{"val": None}]}, {"factor": 100}, None, id="null and a factor"),
        pytest.param({"1": [{"val": 0x8000_0000}]}, {"factor": 100}, None, id="sentinel, factor"),
        pytest.param({"9": []}, {}, None, id="class without channel"),
        pytest.param(None, {}, None, id="null"),
        pytest.param({"1": [{"val": "SN: 3000"}]}, {}, "SN: 3000", id="text"),
        pytest.param({"1": [{"val": "SN: 3000"}]}, {"factor": 10}, "SN: 3000", id="text, factor"),
        pytest.param({"1": [{"val": [{"tag": 307}]}]}, {}, 307, id="state, not translated"),
        pytest.param({"1": [{"val": [{"tag": 35}, {"tag": 307}]}]}, {}, 35, id="several states"),
        pytest.param({"1": [{"val": []}]}, {}, None, id="no state"),
        pytest.param({"val": [{"tag": 307}]}, {}, 307, id="flat state"),
        pytest.param({"1": [{"val": {"x": 1}}]}, {}, None, id="object"),
    ],
)
def test_a_sensors_value(raw: object, options: dict[str, Any], expected: object) -> None:
    assert value_of(raw, **options) == expected


def test_the_device_class_argument_picks_one_of_two_classes() -> None:
    raw = {"1": [{"val": 1}], "9": [{"val": 2}]}

    assert value_of(raw) == 1
    assert value_of(raw, devclass="9") == 2
    assert value_of(raw, devclass="7") == 1


@pytest.mark.parametrize(
    ("tag", "l10n", "translate", "expected"),
    [
        pytest.param(307, {"307": "Gut"}, True, "Gut", id="translated"),
        pytest.param(308, {"307": "Gut"}, True, 308, id="word unknown"),
        pytest.param(307, {"307": "Gut"}, False, 307, id="not to be translated"),
        pytest.param(307, None, True, 307, id="no words"),
        pytest.param(9402, L10N, True, "Sunny Boy 3.6", id="device model"),
    ],
)
def test_translation_of_a_tag(
    tag: int, l10n: dict[str, str] | None, translate: bool, expected: object
) -> None:
    raw = {"1": [{"val": [{"tag": tag}]}]}

    assert value_of(raw, l10n=l10n, l10n_translate=translate) == expected


@pytest.mark.parametrize("tag", [302, 973, 16_777_212, 16_777_213, 16_777_214])
def test_a_tag_that_says_nothing_is_no_value(tag: int) -> None:
    assert value_of({"1": [{"val": [{"tag": tag}]}]}, l10n=L10N, l10n_translate=True) is None
    assert value_of({"val": tag}, l10n=L10N, l10n_translate=True) is None


def test_extract_value_tells_whether_the_value_changed() -> None:
    sensor = Sensor(KEY, "grid_power", unit="W")

    changes = [
        sensor.extract_value(body)
        for body in (
            {},
            {KEY: {"1": [{"val": 5}]}},
            {KEY: {"9": [{"val": 5}]}},
            {KEY: {"9": [{"val": 6}]}},
            {KEY: {"9": [{"val": None}]}},
            {},
            {KEY: {"val": 5}},
            {"6100_00465700": {"val": 4999}},
        )
    ]

    assert changes == [False, True, False, True, True, False, True, True]
    assert sensor.value is None


def doubled(sensor: Sensor) -> float | None:
    """What users may write under mypy --strict."""
    if sensor.value is None or isinstance(sensor.value, str):
        return None
    return sensor.value * 2


@pytest.mark.parametrize(("val", "expected"), [(21, 42), (1.5, 3.0), ("SN", None), (None, None)])
def test_a_value_is_a_number_a_text_or_none(val: object, expected: float | None) -> None:
    sensor = Sensor(KEY, "sensor")
    sensor.extract_value({KEY: {"val": val}})

    assert doubled(sensor) == expected


def test_a_copy_has_a_value_of_its_own() -> None:
    sensor = Sensor(f"{ARRAY}_1", "pv_power_b", unit="W", factor=10)
    sensor.extract_value({ARRAY: [{"val": 10}, {"val": 50}]})

    copy = sensor.copy()
    copy.extract_value({})

    assert (copy.key, copy.key_idx, copy.name, copy.unit) == (ARRAY, 1, "pv_power_b", "W")
    assert (sensor.value, copy.value) == (5, None)


# A path of its own


@pytest.mark.parametrize(
    ("path", "raw", "expected"),
    [
        pytest.param('"{}"[{}].val', {"1": [{"val": 227}, {"val": 70}]}, 70, id="class and index"),
        pytest.param('"{}"[{}].val', {"9": [{"val": 227}, {"val": 70}]}, 70, id="other class"),
        pytest.param("[{}].val", [{"val": 227}, {"val": 70}], 70, id="index"),
        pytest.param(
            '"{devclass}"[{key_idx}].val', {"9": [{"val": 7}, {"val": 8}]}, 8, id="by name"
        ),
        pytest.param("[?str==`2`].val | [0]", [{"str": 2, "val": 58}], 58, id="no place to fill"),
        pytest.param("{a: val}.a", {"val": 9}, 9, id="braces of JMESPath"),
        pytest.param(
            ('"{}"[{}].val', "[{}].val", "val"), [{"val": 1}, {"val": 2}], 2, id="second of several"
        ),
        pytest.param(('"{}"[{}].val', "val"), {"val": 3}, 3, id="last of several"),
        pytest.param("nowhere", {"val": 3}, None, id="nothing there"),
        pytest.param("val", None, None, id="null"),
        pytest.param("val", "text", None, id="bare text"),
        pytest.param('"1"[*].val | sum(@)', {"1": [{"val": 1}, {"val": 2}]}, 3, id="function"),
        pytest.param('sum("1"[*].val)', {"1": None}, None, id="function of nothing"),
    ],
)
def test_a_path_leads_to_the_value(
    path: str | Sequence[str], raw: object, expected: object
) -> None:
    assert value_of(raw, f"{KEY}_1", path=path) == expected


def test_a_single_place_in_a_path_is_the_index() -> None:
    assert value_of([{"val": 227}, {"val": 70}], f"{KEY}_0", path="[{}].val") == 227


def test_a_path_is_looked_up_for_the_given_device_class_first() -> None:
    raw = {"1": [{"val": 1}], "9": [{"val": 2}]}

    assert value_of(raw, path='"{}"[{}].val', devclass="9") == 2
    assert value_of(raw, path='"{}"[{}].val', devclass="7") == 1


@pytest.mark.parametrize("unavailable", [None, 0xFFFF_FFFF, [], [{"tag": 16_777_213}]], ids=repr)
@pytest.mark.parametrize("path", [None, '"{}"[{}].val'])
def test_a_device_class_without_a_value_leaves_it_to_another(
    path: str | None, unavailable: object
) -> None:
    raw = {"1": [{"val": unavailable}], "9": [{"val": 1840}]}

    assert value_of(raw, path=path, devclass="1") == 1840
    assert value_of(raw, path=path, devclass="9") == 1840


@pytest.mark.parametrize("name", ["\x1f", '"', '1"[0].val || "9', "", "x"], ids=repr)
def test_a_class_name_that_is_none_does_not_get_into_a_path(name: str) -> None:
    raw = {name: [{"val": 1}], "9": [{"val": 2}]}

    assert value_of(raw, path='"{}"[{}].val') == 2


def test_a_value_found_by_a_path_is_presented_as_any_other() -> None:
    assert value_of({"deep": {"val": 24_206}}, path="deep.val", factor=100) == 242.06
    assert value_of({"deep": 0xFFFF_FFFF}, path="deep") is None
    assert value_of({"deep": [{"tag": 307}]}, path="deep", l10n=L10N, l10n_translate=True) == "Ok"


def run(script: str) -> str:
    """What a Python process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_jmespath_is_imported_only_for_a_sensor_with_a_path() -> None:
    script = """
import sys
from sma_exporter.webconnect import Sensor, Sensors, decode
raw = {"6100_40263F00": {"1": [{"val": 5}]}}
Sensor("6100_40263F00", "plain").extract_value(raw)
decode(raw)
before = "jmespath" in sys.modules
Sensor("6100_40263F00", "other", path='"1"[0].val').extract_value(raw)
print(before, "jmespath" in sys.modules)
"""

    assert run(script) == "False True"


def test_without_jmespath_a_path_says_what_to_install() -> None:
    script = """
import sys
sys.modules["jmespath"] = None
from sma_exporter.webconnect import Sensor
try:
    Sensor("6100_40263F00", "other", path="val").extract_value({"6100_40263F00": {"val": 5}})
except ImportError as error:
    print(error)
"""

    assert "pip install 'sma_exporter[path]'" in run(script)


# Sensors


@pytest.fixture
def pair() -> Sensors:
    return Sensors([Sensor(f"{ARRAY}_0", "pv_power_a"), Sensor(f"{ARRAY}_1", "pv_power_b")])


def test_sensors_are_found_by_name_and_by_key(pair: Sensors) -> None:
    assert pair["pv_power_b"].key_idx == 1
    assert pair[ARRAY].name == "pv_power_a"
    assert "pv_power_b" in pair
    assert ARRAY in pair
    assert Sensor("other", "pv_power_a") in pair
    assert "pv_power_c" not in pair
    assert len(pair) == 2
    assert [sensor.name for sensor in pair] == ["pv_power_a", "pv_power_b"]


def test_an_unknown_sensor_is_a_key_error(pair: Sensors) -> None:
    with pytest.raises(KeyError, match="pv_power_c"):
        pair["pv_power_c"]


def test_sensors_hold_copies(pair: Sensors) -> None:
    mine = pair["pv_power_a"]
    for sensors in (Sensors(mine), Sensors(pair)):
        sensors["pv_power_a"].extract_value({ARRAY: [{"val": 5}]})

        assert (sensors["pv_power_a"].value, mine.value) == (5, None)


def test_a_sensor_of_the_same_name_replaces_with_a_warning(
    pair: Sensors, caplog: pytest.LogCaptureFixture
) -> None:
    pair.add(Sensor(KEY, "pv_power_a"))

    assert pair["pv_power_a"].key == KEY
    assert len(pair) == 2
    assert [(r.levelno, r.getMessage()) for r in caplog.records] == [
        (logging.WARNING, "Sensor pv_power_a replaced")
    ]


def test_a_sensor_of_the_same_name_and_key_replaces_too(pair: Sensors) -> None:
    pair.add(Sensor(f"{ARRAY}_0", "pv_power_a", unit="kW", factor=1000))

    assert pair["pv_power_a"].unit == "kW"
    assert len(pair) == 2


def test_a_sensor_of_the_same_key_and_index_is_not_added_with_a_warning(
    pair: Sensors, caplog: pytest.LogCaptureFixture
) -> None:
    pair.add(Sensor(f"{ARRAY}_1", "east_roof"))

    assert "east_roof" not in pair
    assert [(r.levelno, r.getMessage()) for r in caplog.records] == [
        (logging.WARNING, f"Sensor east_roof not added: {ARRAY}[1] is there as pv_power_b")
    ]


def test_another_element_of_the_same_key_is_added_without_a_warning(
    pair: Sensors, caplog: pytest.LogCaptureFixture
) -> None:
    pair.add([Sensor(f"{ARRAY}_2", "pv_power_c")])

    assert len(pair) == 3
    assert caplog.records == []


@pytest.mark.parametrize(
    "nonsense",
    [KEY, b"x", 5, None, {"a": 1}, [Sensor(KEY, "a"), "b"]],
    ids=["text", "bytes", "number", "none", "mapping", "text among sensors"],
)
def test_what_is_no_sensor_is_a_type_error(nonsense: Any) -> None:
    with pytest.raises(TypeError, match="a Sensor or several expected"):
        Sensors().add(nonsense)


def test_a_sensor_may_be_added_while_walking_over_them(pair: Sensors) -> None:
    for sensor in pair:
        pair.add(Sensor(f"x_{sensor.key_idx}", f"{sensor.name}_twin"))

    assert len(pair) == 4


# Whatever comes


@settings(deadline=None)
@given(
    body=JSON | st.dictionaries(st.sampled_from([KEY, ARRAY]), JSON),
    index=st.integers(0, 5),
    factor=st.none() | st.sampled_from([10, 100, 1000]),
    l10n=st.none() | st.just(L10N),
    devclass=st.sampled_from(["1", "9"]),
    path=st.none() | st.sampled_from(['"{}"[{}].val', "[{}].val", "val"]),
)
def test_nothing_that_json_can_say_crashes_a_sensor(
    body: Any, index: int, factor: int | None, l10n: Any, devclass: str, path: str | None
) -> None:
    sensor = Sensor(f"{KEY}_{index}", "sensor", factor=factor, path=path, l10n_translate=True)

    changed = sensor.extract_value(body, l10n, devclass)

    assert changed is (sensor.value is not None)
    assert sensor.value is None or isinstance(sensor.value, int | float | str)
    assert not isinstance(sensor.value, float) or math.isfinite(sensor.value)
    assert sensor.extract_value(body, l10n, devclass) is False
