"""What stands in the README: code blocks, tables and commands, for tests and for `.ci/run`.

`python3 tests/support/readme.py WORD` prints the command from a fresh machine to WORD; it needs only Python.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#{1,3}) (.+)$", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block of code."""

    language: str
    code: str


def blocks(*languages: str, text: str = TEXT) -> list[Block]:
    """The code blocks in these languages, in their order."""
    found = (Block(*match.groups()) for match in _FENCED.finditer(text))
    return [block for block in found if block.language in languages]


def prose() -> str:
    """The text without its code blocks."""
    return _FENCED.sub("", TEXT)


def headings() -> list[str]:
    """What the headings say."""
    return [match[2] for match in _HEADING.finditer(prose())]


def section(heading: str) -> str:
    """What stands under a heading, up to the next one of the same level or above."""
    for match in _HEADING.finditer(TEXT):
        if match[2] == heading:
            rest = TEXT[match.end() :]
            end = re.search(rf"^#{{1,{len(match[1])}}} ", rest, re.MULTILINE)
            return rest[: end.start()] if end else rest
    raise KeyError(heading)


def table(heading: str, first_column: str) -> list[tuple[str, ...]]:
    """The rows of the table under a heading whose first column is called so."""
    lines = iter(section(heading).splitlines())
    if not any(line.startswith(f"| {first_column} |") for line in lines):
        raise KeyError(first_column)
    next(lines)  # the dashes
    return [*_rows(lines)]


def _rows(lines: Iterator[str]) -> Iterator[tuple[str, ...]]:
    for line in lines:
        if not line.startswith("|"):
            return
        yield tuple(cell.strip() for cell in line.strip("|").split("|"))


def shell_lines() -> list[str]:
    """Every shell command, continued lines joined."""
    code = "".join(block.code for block in blocks("sh")).replace("\\\n", "")
    prompts = [
        line[2:]
        for block in blocks("console")
        for line in block.code.splitlines()
        if line.startswith("$ ")
    ]
    return [line for line in (*code.splitlines(), *prompts) if line]


def command(last_word: str) -> str:
    """The one command that installs what it needs and ends with this word. ValueError if there is no one."""
    installing = ("python3 -m venv ", ".venv/bin/pip install -e ")
    lines = (line for line in shell_lines() if line.startswith(installing))
    (found,) = (line for line in lines if line.endswith(last_word))
    return found


if __name__ == "__main__":
    sys.stdout.write(f"{command(sys.argv[1])}\n")
