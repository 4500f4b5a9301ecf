"""The rules in `dashboards/rules`, and what a PromQL expression names."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

FOLDER = Path(__file__).resolve().parents[2] / "dashboards" / "rules"
RECORDING, ALERTING = FOLDER / "sma.rules.yml", FOLDER / "sma.alerts.yml"

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_BRACES = re.compile(r"([a-zA-Z_:][\w:]*)?\{([^}]*)\}")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([\w,\s]*)\)")
_NAME = re.compile(r"(?<![\w:])(?:\w+:)?sma_\w+(?::\w+)?")


class Selector(NamedTuple):
    """A metric's name, empty where none is written, and its matchers: label, operator, value."""

    name: str
    matchers: list[tuple[str, str, str]]


def rules_of(path: Path) -> list[dict[str, Any]]:
    """The rules of a file, in order."""
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def recorded() -> dict[str, str]:
    """What is recorded: name -> expression."""
    return {rule["record"]: rule["expr"] for rule in rules_of(RECORDING)}


def alerts() -> list[dict[str, Any]]:
    """The alerting rules."""
    return rules_of(ALERTING)


def inlined(expression: str, known: Mapping[str, str]) -> str:
    """The expression with what is recorded written out: asked for a time at which nothing was recorded."""

    def written_out(match: re.Match[str]) -> str:
        name = match[0]
        return f"({inlined(known[name], known)})" if name in known else name

    return _NAME.sub(written_out, expression)


def names(expression: str) -> set[str]:
    """The metrics that an expression names outright; those behind a `__name__` are `selectors`."""
    without_braces = re.sub(r"\{[^}]*\}", "", expression)
    without_groupings = _GROUPING.sub("", _STRING.sub('""', without_braces))
    return {*_NAME.findall(without_groupings)}


def selectors(expression: str) -> Iterator[Selector]:
    """Everything with braces."""
    for match in _BRACES.finditer(expression):
        yield Selector(match[1] or "", _MATCHER.findall(match[2]))


def grouping_labels(expression: str) -> set[str]:
    """The labels by which an expression groups and joins."""
    return {
        label
        for labels in _GROUPING.findall(_STRING.sub('""', expression))
        for label in re.findall(r"\w+", labels)
    }
