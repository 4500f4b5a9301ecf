"""Tag numbers into words, against SMA's own lists."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from support.documented import ennexos_tags

from sma_exporter.sma import tags
from sma_exporter.sma.country_standards import COUNTRY_STANDARDS
from sma_exporter.sma.device_models import CHARGING_STATION, DEVICE_CLASSES, DEVICE_MODELS
from sma_exporter.sma.tags import L10N, TAGS, slug, text


def test_slugs_fit_into_a_label() -> None:
    slugs = [*(tag.slug for tag in TAGS.values()), *COUNTRY_STANDARDS.values()]

    assert [slug for slug in slugs if not re.fullmatch("[a-z][a-z0-9_]*", slug)] == []
    assert len(set(COUNTRY_STANDARDS.values())) == len(COUNTRY_STANDARDS)


@pytest.mark.parametrize(
    ("tag", "expected_slug", "expected_text"),
    [
        (307, "ok", "Ok"),
        (2292, "charging", "Charge battery"),
        (2289, "charging", "Charge battery"),
        (2293, "discharging", "Discharge battery"),
        (2290, "discharging", "Discharge battery"),
        (4711, "tag_4711", "4711"),
        (9402, "tag_9402", "Sunny Boy 3.6"),
    ],
)
def test_slug_and_text_of_a_tag(tag: int, expected_slug: str, expected_text: str) -> None:
    assert slug(tag) == expected_slug
    assert text(tag) == expected_text


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (7510, "vde_ar_n_4105"),
        (9327, "SMA Energy Meter"),
        (8008, "Charging station"),
        (18007, "v400_230"),
        (307, "ok"),
        (4711, "tag_4711"),
    ],
)
def test_what_one_of_many_choices_is_called(tag: int, expected: str) -> None:
    assert tags.name(tag) == expected


def test_device_models_are_those_that_sma_names(shared: Path) -> None:
    names = json.loads((shared / "domain" / "device_types.json").read_text("utf-8"))

    assert {str(number): name for number, name in DEVICE_MODELS.items()} == names


def test_device_classes_are_those_that_ennexos_tells(shared: Path) -> None:
    names = {number: row["meaning"] for number, row in ennexos_tags(shared).items()}
    classes = {number for number in names if 8000 < number < 8100}

    assert {number: names[number] for number in classes} == DEVICE_CLASSES
    assert DEVICE_CLASSES[CHARGING_STATION] == "Charging station"


def test_a_state_that_ennexos_tells_too_has_the_name_that_it_has_there(shared: Path) -> None:
    documented = {n: row["our_slug"] for n, row in ennexos_tags(shared).items() if row["our_slug"]}

    assert len(documented) > 40
    assert {number: slug(number) for number in documented} == documented


def test_grid_standards_that_a_tripower_x_offers_have_names(shared: Path) -> None:
    offered = {n for n, row in ennexos_tags(shared).items() if "CntrySet" in row["where_seen"]}

    assert len(offered) > 30
    assert offered <= COUNTRY_STANDARDS.keys()


def test_the_words_hold_states_and_models_and_no_number_twice() -> None:
    assert L10N["307"] == "Ok"
    assert L10N["461"] == "SMA"
    assert L10N["19051"] == "SUNNY TRIPOWER 10.0 SE"
    tables = (TAGS, DEVICE_MODELS, DEVICE_CLASSES, COUNTRY_STANDARDS)
    assert len(L10N) == sum(map(len, tables))


@pytest.mark.parametrize("table", [TAGS, L10N, COUNTRY_STANDARDS, DEVICE_MODELS, DEVICE_CLASSES])
def test_the_tables_cannot_be_changed(table: Any) -> None:
    with pytest.raises(TypeError):
        table[1] = "x"
