"""Whatever a device, its network or its exporter does: no lie, no hang, no leak, no hammering."""

import pytest
from fault_case import Case, check, observe
from fault_list import CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)
def test_a_fault(case: Case) -> None:
    check(observe(case))
