"""A fault, what is expected of the exporter under it, and what is seen: the checks and the README's row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from fault_bench import (
    OTHERS,
    SCRAPE_SECONDS,
    SICK,
    Answer,
    Bench,
    Values,
    family,
    undisturbed,
)

from sma_exporter.ennexos.client import SELF
from sma_exporter.metrics import families as metrics
from sma_exporter.sma.exceptions import Reason
from sma_exporter.sma.sensors import SENSORS

READ, PARAMETER_READ = "getAllOnlValues", "getValues"

#: What comes from the parameters, and stays while a device is down: who it is, and what does not age.
_FROM_PARAMETERS = {"sma_device_info"} | {
    family.name
    for family in metrics.ALL_FAMILIES
    if all(SENSORS[sensor].kept for sensor in family.sensors)
}
KEPT = _FROM_PARAMETERS | {"sma_up"}

Do = Callable[[Bench], object]


def clear(bench: Bench) -> None:
    """The fault is over."""
    for simulator in bench.simulators:
        simulator.faults.clear()


@dataclass(frozen=True)
class Case:
    """A row of the table.

    `fault` is its sentence in the README; `inflict` and `heal` make it so and end it, `during` happens while
    a scrape waits. `reason` is None where there are values all the same, then without series of the families
    `lost`, with other values of those `changed`, and with the `new` series. It is back after the seconds of a
    `pause`. `unclaimed` sessions are nobody's to close: the answer to their login was lost. `first`: it
    strikes at first contact; `login`: only where there is one, so a kept session has to be over. `unasked`:
    whoever else answers then must not be sent a thing. `browsers` hold so many sessions of it. `kept`: what
    differs where a session outlasts the scrape; None where there is nothing to try then.
    """

    fault: str
    inflict: Do
    reason: str | None = None
    heal: Do = clear
    during: Do | None = None
    scrapes: int = 1
    pause: float = 0.0
    lost: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    new: frozenset[str] = frozenset()
    unclaimed: int = 0
    first: bool = False
    login: bool = False
    unasked: bool = False
    browsers: int = 0
    kept: Mapping[str, Any] | None = field(default_factory=dict)
    seconds: float = SCRAPE_SECONDS
    model: str = "sb-3.6"
    options: Mapping[str, Any] = field(default_factory=dict)
    keys: Mapping[str, Any] = field(default_factory=dict)


class Row(NamedTuple):
    """A row of the README's table."""

    fault: str
    exporter: str
    others: str
    sessions: str
    back: str


@dataclass(frozen=True)
class Seen:
    """What was observed under a fault and after it."""

    case: Case
    answers: tuple[Answer, ...]
    errors: Values
    normal: Mapping[str, Values]
    after: Answer
    waited: float
    most_sessions: int
    between: int
    left: int
    unclaimed: int
    leaks: tuple[str, ...]
    asked_elsewhere: int

    @property
    def reasons(self) -> list[str | None]:
        return [answer.reason(SICK) for answer in self.answers]

    @property
    def lost(self) -> frozenset[str]:
        """The families that lack a series."""
        missing = self.normal[SICK].keys() - self.answers[-1].of(SICK).keys()
        return frozenset(map(family, missing))

    @property
    def changed(self) -> frozenset[str]:
        """The families of which a series shows another value."""
        shown, normal = self.answers[-1].of(SICK), self.normal[SICK]
        return frozenset(
            family(series) for series, value in normal.items() if shown.get(series, value) != value
        )

    @property
    def new(self) -> frozenset[str]:
        return frozenset(self.answers[-1].of(SICK).keys() - self.normal[SICK].keys())

    @property
    def others_have_all(self) -> bool:
        return all(
            answer.of(name) == self.normal[name]
            for answer in (*self.answers, self.after)
            for name in OTHERS
        )

    @property
    def row(self) -> Row:
        (exporter,) = {said(reason) if reason else self._values() for reason in self.reasons}
        return Row(
            self.case.fault,
            exporter,
            "all values" if self.others_have_all else "values missing",
            str(self.left) + (", which nobody can close" if self.unclaimed else ""),
            "was never away" if self.reasons[-1] is None else back(self.waited),
        )

    def _values(self) -> str:
        other = {family(series) for series in self.new}
        gone = self.lost - other
        if len(self.lost) > 2:
            left = self.answers[-1].of(SICK).keys() & self.normal[SICK].keys()
            return f"all values but {len(self.normal[SICK]) - len(left)}"
        words = [f"without `{name}`" for name in sorted(gone)]
        words += [f"with another `{name}`" for name in sorted(other)]
        return ", ".join([said(None), *words])


def said(reason: str | None) -> str:
    """What the exporter shows, in the README's words."""
    return f"`{reason}`" if reason else "values"


def back(seconds: float) -> str:
    """When a device is there again."""
    if not seconds:
        return "next scrape"
    return f"after {seconds:.0f} s" if seconds < 120 else f"after {seconds / 60:.0f} min"


def observe(case: Case) -> Seen:
    """Let a device fall ill, and see."""
    with Bench(case.model, options=case.options, **case.keys) as bench:
        return observe_on(bench, case, last=True)


def observe_on(bench: Bench, case: Case, well: Answer | None = None, *, last: bool = False) -> Seen:
    """The same on a bench that is there, and closed after the `last` case.

    `well` is what it showed before.
    """
    bench.forget()
    if well is None and not case.first:
        well = bench.scrape()
        bench.settle()
    assert well is None or well.up(SICK), "not well before"
    before = well.errors(SICK) if well else dict.fromkeys(Reason, 0.0)
    if case.login:
        bench.sick.expire_sessions()
    case.inflict(bench)
    answers = [_scrape(bench, case) for _ in range(case.scrapes)]
    told = bench.told()
    case.heal(bench)
    bench.settle()
    waited, after = bench.recover()
    bench.settle()
    between = sum(s.sessions for s in bench.simulators)
    if last:
        bench.close()
    told |= {"log": "\n".join(bench.log), "answers": "\n".join(a.text for a in (*answers, after))}
    secrets = bench.secrets()
    errors = answers[-1].errors(SICK)
    return Seen(
        case=case,
        answers=tuple(answers),
        errors={reason: errors[reason] - before[reason] for reason in Reason},
        normal=undisturbed(case.model, case.keys.get("component", SELF)),
        after=after,
        waited=waited,
        most_sessions=max(s.most_sessions_in_use for s in bench.simulators),
        between=between,
        left=sum(s.sessions for s in bench.simulators),
        unclaimed=sum(s.unclaimed_sessions for s in bench.simulators),
        asked_elsewhere=sum(len(s.requests) for s in bench.simulators[3:])
        + sum(bool(s.heard) for s in bench.other_servers),
        leaks=tuple(
            where for where, text in told.items() if any(secret in text for secret in secrets)
        ),
    )


def _scrape(bench: Bench, case: Case) -> Answer:
    during = partial(case.during, bench) if case.during is not None else None
    return bench.scrape(seconds=case.seconds, during=during)


def check(seen: Seen) -> None:
    """What holds under every fault."""
    case = seen.case
    assert {answer.status for answer in seen.answers} == {200}
    assert max(answer.seconds for answer in seen.answers) <= case.seconds
    assert seen.reasons == [case.reason] * case.scrapes
    _check_errors(seen)
    _check_values(seen)
    assert seen.others_have_all
    assert seen.most_sessions <= 1 + case.browsers
    assert (seen.left, seen.unclaimed) == (case.unclaimed, case.unclaimed)
    assert seen.between == case.unclaimed + (case.keys.get("session") == "keep")
    assert seen.leaks == ()
    assert not (case.unasked and seen.asked_elsewhere)
    assert seen.waited == case.pause
    recovered = seen.after.of(SICK)
    assert {s: v for s, v in recovered.items() if s not in case.new} == seen.normal[SICK]


def _check_errors(seen: Seen) -> None:
    counted = {reason: number for reason, number in seen.errors.items() if number}
    expected = [] if seen.case.reason is None else [seen.case.reason]
    assert [*counted] == expected
    if seen.case.scrapes == 1:
        assert [*counted.values()] in ([], [1])


def _check_values(seen: Seen) -> None:
    if seen.case.reason is None:
        case = seen.case
        assert (seen.lost, seen.changed, seen.new) == (case.lost, case.changed, case.new)
    else:
        assert {family(series) for series in seen.answers[-1].of(SICK)} <= KEPT
