"""The time zones that devices are set to."""

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sma_exporter.sma.time_zones import TIME_ZONES, time_zone
from sma_exporter.webconnect.values import elements, tags

KEY = "6800_08838D00"


def active(raw: object) -> list[int]:
    return [tag for val in elements(raw) for tag in tags(val)]


@pytest.mark.parametrize("tag", TIME_ZONES)
def test_a_zone_exists_and_had_the_offset_that_its_text_says(tag: int) -> None:
    offset, name = TIME_ZONES[tag]
    zone = ZoneInfo(name)

    offsets = {datetime(2020, month, 15, tzinfo=zone).isoformat()[-6:] for month in (1, 7)}

    assert offset in offsets


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ({"1": [{"val": [{"tag": 9578}], "validVals": [9578]}]}, "Europe/Berlin"),
        ({"val": [{"tag": 9560}]}, "Europe/Paris"),
        ({"9": [{"val": [{"tag": 9499}]}]}, None),  # automatic
        ({"1": [{"val": [{"tag": 9526}]}]}, None),  # what it says is no longer so
        ({"1": [{"val": []}]}, None),
        (None, None),
    ],
)
def test_of_a_raw_value(raw: object, name: str | None) -> None:
    assert time_zone(active(raw)) == name


@pytest.mark.parametrize(
    ("capture", "name"),
    [
        ("sb-3.6", "Europe/Berlin"),
        ("sb-1.5", "Europe/Paris"),
        ("stp-10.0-se", "Europe/Paris"),
        ("stp-10.0-se-energy-meter", None),
    ],
)
def test_of_recorded_devices(shared: Path, capture: str, name: str | None) -> None:
    recorded = json.loads((shared / "captures" / f"{capture}.json").read_text(encoding="utf-8"))
    (parameters,) = recorded["getAllParamValues"]["result"].values()

    assert time_zone(active(parameters[KEY])) == name


def test_nearly_every_zone_that_recorded_devices_can_be_set_to_is_known(shared: Path) -> None:
    recorded = json.loads((shared / "captures" / "sb-3.6.json").read_text(encoding="utf-8"))
    (parameters,) = recorded["getAllParamValues"]["result"].values()
    ((choice,),) = parameters[KEY].values()

    assert {*choice["validVals"]} - TIME_ZONES.keys() == {9499}
