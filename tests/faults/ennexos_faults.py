"""The faults of a device with ennexOS: those of fault_list that apply, and its own."""

from dataclasses import replace

from fault_case import Case
from fault_list import CASES

MODEL = "stp-x-15"


def with_ennexos(case: Case, session: str = "keep") -> Case | None:
    """Return the same fault of a device with ennexOS; None where there is no such thing."""
    if case.ennexos is None:
        return None
    keys = {**case.keys, "session": session}
    return replace(case, **{"model": MODEL, "keys": keys, **case.ennexos})


ENNEXOS_CASES = [case for each in CASES if (case := with_ennexos(each)) is not None]
