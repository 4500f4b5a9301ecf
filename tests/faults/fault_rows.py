"""The rows of the README's tables of faults: what was observed, and what is published."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import ennexos_shapes
import fault_shapes
import hostile_environment
import two_exporters
from ennexos_faults import ENNEXOS_CASES
from fault_bench import Bench
from fault_case import Case, Row, Seen, check, observe, observe_on
from fault_list import CASES
from fault_shapes import SHAPES, Shape, row
from support import readme

from sma_exporter.simulator import ENNEXOS_MODELS, MODELS

SECTION = "What was tried"

#: What takes the real command, or two exporters: observed by functions of their own.
OTHER_FAULTS: Mapping[str, Callable[[str], Row]] = {
    "Proxies, certificate bundles and a `.netrc` in the exporter's environment lead elsewhere": (
        hostile_environment.observe
    ),
    "A second exporter reads it at the same time, by mistake": partial(
        two_exporters.observe, sessions=4, browsers=0
    ),
    "The same, at a device with two sessions": partial(
        two_exporters.observe, sessions=2, browsers=0
    ),
    "The same, and a browser holds one of the two": partial(
        two_exporters.observe, sessions=2, browsers=1
    ),
}


def published(first_column: str) -> Mapping[str, Row]:
    """The rows of one of the README's tables, by what happens."""
    rows = (Row(*cells) for cells in readme.table(SECTION, first_column))
    return {row.fault: row for row in rows}


def fault_rows() -> Iterator[Row]:
    """Try every fault."""
    yield from map(observed, CASES)
    yield from (observe_other(fault) for fault, observe_other in OTHER_FAULTS.items())


def ennexos_fault_rows() -> Iterator[Row]:
    """Try every fault of a device with ennexOS."""
    yield from map(observed, ENNEXOS_CASES)


def observed(fault: Case) -> Row:
    """Try a fault."""
    seen = observe(fault)
    check(seen)
    return seen.row


def reply_rows() -> Iterator[Row]:
    """Try every reply on every model; they all end alike."""
    return (shape_row(shape, *MODELS) for shape in SHAPES)


def ennexos_reply_rows() -> Iterator[Row]:
    """The same with ennexOS."""
    return (shape_row(shape, *ENNEXOS_MODELS) for shape in ennexos_shapes.SHAPES)


def shape_row(shape: Shape, *models: str) -> Row:
    """Try every reply of a kind on models; they all end alike."""
    (found,) = {row(shape, seen) for model in models for seen in try_shape(shape, model)}
    return found


def try_shape(shape: Shape, model: str) -> Iterator[Seen]:
    """Have every reply of a kind come from a device of the model."""
    of_protocol = ennexos_shapes if model in ENNEXOS_MODELS else fault_shapes
    place, _ = of_protocol.victim(model)
    with Bench(model, timeout=2.0) as bench:  # none of them is about time
        well = bench.scrape()
        bench.settle()
        for action in shape.actions(place):
            seen = observe_on(bench, of_protocol.case(shape, model, action), well)
            check(seen)
            well = seen.after
            yield seen
