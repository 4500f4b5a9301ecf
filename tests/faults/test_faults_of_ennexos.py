"""The same for a device with ennexOS: what is observed is what the README says."""

import pytest
from ennexos_faults import DIFFERENCES, ENNEXOS_CASES, SCRAPED_CASES
from ennexos_shapes import SHAPES
from fault_case import Case, check, observe
from fault_list import CASES
from fault_rows import observed, published, shape_row
from fault_shapes import Shape

from sma_exporter.simulator import ENNEXOS_MODELS
from tools import fault_table


@pytest.mark.parametrize("case", ENNEXOS_CASES, ids=lambda case: case.fault)
def test_a_fault_with_ennexos(case: Case) -> None:
    said = {**published(fault_table.FAULT), **published(fault_table.ENNEXOS_FAULT)}

    assert observed(case) == said[case.fault]


@pytest.mark.parametrize("case", SCRAPED_CASES, ids=lambda case: case.fault)
def test_a_fault_with_ennexos_and_a_login_for_each_scrape(case: Case) -> None:
    check(observe(case))


@pytest.mark.parametrize("model", ENNEXOS_MODELS)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.fault)
def test_a_reply_on_each_model_with_ennexos(shape: Shape, model: str) -> None:
    assert shape_row(shape, model) == published(fault_table.ENNEXOS_REPLY)[shape.fault]


def test_the_tables_have_what_differs_in_its_order() -> None:
    usual, own = published(fault_table.FAULT), published(fault_table.ENNEXOS_FAULT)
    order = [case.fault for case in ENNEXOS_CASES]

    assert [*own] == [fault for fault in order if fault in own]
    assert {*order} <= usual.keys() | own.keys()
    assert not {*usual.values()} & {*own.values()}
    assert [*published(fault_table.ENNEXOS_REPLY)] == [shape.fault for shape in SHAPES]


def test_what_differs_is_a_fault_of_the_list() -> None:
    assert DIFFERENCES.keys() <= {case.fault for case in CASES}
