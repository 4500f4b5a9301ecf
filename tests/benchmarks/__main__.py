"""`python -m tests.benchmarks [GROUP…]`: measure, compare, judge.

Every scrape that is measured must bring all values of all devices, and every session must end: otherwise
there is no table but an error. Exit codes: 0 done (with --tiny whatever the figures are), 1 a target is
missed.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from . import day, many, past, report, scrapes, starting
from .processes import output
from .rows import BY_NAME, GROUPS, KEEP, ROWS, SCRAPE, SIZES, Result

README = Path(__file__).resolve().parents[2] / "README.md"


class Size(NamedTuple):
    """How much is measured."""

    counts: tuple[int, ...] = SIZES
    latency: float = 0.2
    repetitions: int = 7
    memory_scrapes: int = 20
    years: int = 10
    day: int = day.A_DAY
    many: tuple[int, int] = (100, 1000)
    lives: int = 3


#: Enough to see that everything runs, in half a minute; the figures mean nothing.
TINY = Size(
    counts=(1, 10),
    latency=0.02,
    repetitions=2,
    memory_scrapes=2,
    years=1,
    day=20,
    many=(2, 10),
    lives=1,
)


def say(text: str) -> None:
    """Tell how it is going."""
    sys.stderr.write(f"{text}\n")


def scrape(size: Size, details: list[Any]) -> Iterator[Result]:
    """Measure the rows about scrapes."""
    runs = {}
    for count in size.counts:
        for session in (SCRAPE, KEEP):
            say(f"scrapes of {count} devices, session: {session}")
            runs[count, session] = scrapes.run(count, session, size.latency, size.repetitions)
    details += [asdict(run) for run in runs.values()]
    yield from scrapes.results(runs, size.latency)


def memory(size: Size, _details: list[Any]) -> Iterator[Result]:
    """Measure the rows about memory."""
    for count in (3, 100):
        say(f"memory with {count} devices")
        peak = scrapes.peak_memory(count, size.latency, size.memory_scrapes)
        yield Result(BY_NAME[f"memory-{count}"], [peak])


def decode(size: Size, _details: list[Any]) -> Iterator[Result]:
    """Measure the decoding."""
    say("decoding")
    found = output("tests.benchmarks.decoding", str(size.repetitions))
    yield Result(BY_NAME["decode"], found["ours"], found["theirs"])


def start(size: Size, _details: list[Any]) -> Iterator[Result]:
    """Measure the rows about the start."""
    say("start")
    times = range(size.repetitions)
    yield Result(BY_NAME["start"], [starting.start_seconds(size.latency) for _ in times])
    yield Result(BY_NAME["help"], [starting.help_seconds() for _ in times])


def lives(size: Size, _details: list[Any]) -> Iterator[Result]:
    """Measure the rows about start, reload and stop with many devices."""
    found = {}
    for count in size.many:
        say(f"start, reload and stop with {count} devices")
        found[count] = [many.live(count, size.latency) for _ in range(size.lives)]
    yield from many.results(*size.many, found)


def backfill(size: Size, _details: list[Any]) -> Iterator[Result]:
    """Measure the backfill."""
    say(f"backfill of {size.years} years")
    ours, own = past.seconds(size.years)
    yield Result(BY_NAME["past"], [ours], [own])


def one_day(size: Size, _details: list[Any]) -> Iterator[Result]:
    """Measure the memory over a day."""
    say(f"{size.day} scrapes in a row")
    found = output("tests.benchmarks.day", str(size.day))
    yield Result(BY_NAME["day"], found[-1:], found[:1])


MEASURES: Mapping[str, Callable[[Size, list[Any]], Iterator[Result]]] = {
    "scrape": scrape,
    "memory": memory,
    "decode": decode,
    "start": start,
    "many": lives,
    "past": backfill,
    "day": one_day,
}


def measured(groups: list[str], size: Size, details: list[Any]) -> list[Result]:
    """Measure some groups of rows; the results are in the order of the table."""
    found = [result for group in groups for result in MEASURES[group](size, details)]
    return sorted(found, key=lambda result: ROWS.index(result.row))


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"{', '.join(GROUPS)} (all)")
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    parser.add_argument(
        "--tiny", action="store_true", help="a few devices, a few times: does it run?"
    )
    parser.add_argument("--readme", action="store_true", help="write the table into the README too")
    arguments = parser.parse_args()
    groups = arguments.groups or [*GROUPS]
    if unknown := {*groups} - {*GROUPS}:
        parser.error(f"no such group: {', '.join(unknown)}")
    if arguments.readme and ({*groups} != {*GROUPS} or arguments.tiny):
        parser.error("only the whole table goes into the README")
    details: list[Any] = []
    results = measured(groups, TINY if arguments.tiny else Size(), details)
    if arguments.readme:
        text = README.read_text(encoding="utf-8")
        README.write_text(report.in_readme(text, results), encoding="utf-8")
    as_text: Mapping[str, Callable[[list[Result]], str]] = {
        "text": report.as_text,
        "markdown": report.as_markdown,
        "json": lambda found: report.as_json(found, details),
    }
    shown = as_text[arguments.format](results)
    sys.stdout.write(f"{shown}\n")
    return int(not arguments.tiny and not all(result.is_reached for result in results))


if __name__ == "__main__":
    sys.exit(main())
