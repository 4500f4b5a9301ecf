"""The same for a device with ennexOS, beside one with WebConnect and one with ennexOS."""

import pytest
from ennexos_faults import ENNEXOS_CASES
from fault_case import Case, check, observe


@pytest.mark.parametrize("case", ENNEXOS_CASES, ids=lambda case: case.fault)
def test_a_fault_with_ennexos(case: Case) -> None:
    check(observe(case))
