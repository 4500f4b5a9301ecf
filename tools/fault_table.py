"""The README's tables of faults, from what the suite observes.

`python -m tools.fault_table` writes them anew. That takes some minutes: every fault is tried, and judged as
in the tests.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
README = TESTS.parent / "README.md"
BEGIN = "<!-- faults: made by python -m tools.fault_table -->"
END = "<!-- /faults -->"

REST = ("the exporter shows", "the other devices", "sessions left", "it is back")
#: What the first columns are called.
FAULT, REPLY = "what happens", "what the reply is"
ENNEXOS_FAULT, ENNEXOS_REPLY = "what happens with ennexOS", "what the reply of ennexOS is"

Rows = Iterable[tuple[str, ...]]


def table(faults: Rows, replies: Rows, ennexos_faults: Rows, ennexos_replies: Rows) -> str:
    """The text between the two markers."""
    known = [*faults]
    tried = [*ennexos_faults]
    titles = {
        FAULT: "What happens to an inverter, its network and its exporter",
        REPLY: "What a reply may look like, tried on every model of the simulator",
        ENNEXOS_FAULT: f"What differs or is new with ennexOS, where {len(tried)} were tried",
        ENNEXOS_REPLY: "What a reply of ennexOS may look like, tried on every model",
    }
    rows = ([*known], [*replies], [row for row in tried if row not in known], [*ennexos_replies])
    return "\n\n".join(
        _folded(title, first, found)
        for (first, title), found in zip(titles.items(), rows, strict=True)
    )


def _folded(title: str, first: str, rows: Sequence[tuple[str, ...]]) -> str:
    """A table that opens when its title is clicked: most readers want to know that it is there."""
    lines = [(first, *REST), ["---"] * (1 + len(REST)), *rows]
    return "\n".join(
        [
            f"<details><summary>{title}: {len(rows)} faults</summary>\n",
            *(f"| {' | '.join(cells)} |" for cells in lines),
            "\n</details>",
        ]
    )


def replaced(text: str, content: str) -> str:
    """The README with other tables."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md lacks the lines {BEGIN} and {END}")
    return f"{before}{begin}\n\n{content}\n\n{end}{after}"


def main() -> None:
    """Try everything, and write."""
    sys.path[:0] = [str(TESTS), str(TESTS / "faults")]  # as pytest has it
    from fault_rows import (  # noqa: PLC0415
        ennexos_fault_rows,
        ennexos_reply_rows,
        fault_rows,
        reply_rows,
    )

    content = table(fault_rows(), reply_rows(), ennexos_fault_rows(), ennexos_reply_rows())
    README.write_text(replaced(README.read_text(encoding="utf-8"), content), encoding="utf-8")


if __name__ == "__main__":
    main()
