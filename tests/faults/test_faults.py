"""Whatever a device, its network or its exporter does: no lie, no hang, no leak, no hammering.

What is observed is what the README says.
"""

import pytest
from fault_case import Case, check, observe
from fault_list import CASES
from fault_rows import OTHER_FAULTS, published, shape_row
from fault_shapes import SHAPES, Shape

from sma_exporter.simulator import MODELS
from tools import fault_table


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)
def test_a_fault(case: Case) -> None:
    seen = observe(case)

    check(seen)
    assert seen.row == published(fault_table.FAULT)[case.fault]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.fault)
def test_a_reply_on_each_model(shape: Shape, model: str) -> None:
    assert shape_row(shape, model) == published(fault_table.REPLY)[shape.fault]


@pytest.mark.parametrize("fault", OTHER_FAULTS)
def test_a_fault_of_more_than_one_process(fault: str) -> None:
    assert OTHER_FAULTS[fault](fault) == published(fault_table.FAULT)[fault]


def test_the_tables_have_every_fault_in_their_order() -> None:
    faults = [*(case.fault for case in CASES), *OTHER_FAULTS]

    assert [*published(fault_table.FAULT)] == faults
    assert [*published(fault_table.REPLY)] == [shape.fault for shape in SHAPES]
