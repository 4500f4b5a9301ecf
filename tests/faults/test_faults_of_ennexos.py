"""The same for a device with ennexOS, beside one with WebConnect and one with ennexOS."""

import pytest
from ennexos_faults import ENNEXOS_CASES
from ennexos_shapes import SHAPES
from fault_case import Case, check, observe
from fault_rows import try_shape
from fault_shapes import Shape, row

from sma_exporter.simulator import ENNEXOS_MODELS


@pytest.mark.parametrize("case", ENNEXOS_CASES, ids=lambda case: case.fault)
def test_a_fault_with_ennexos(case: Case) -> None:
    check(observe(case))


@pytest.mark.parametrize("model", ENNEXOS_MODELS)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.fault)
def test_a_reply_on_each_model_with_ennexos(shape: Shape, model: str) -> None:
    rows = {row(shape, seen) for seen in try_shape(shape, model)}
    assert len(rows) == 1
