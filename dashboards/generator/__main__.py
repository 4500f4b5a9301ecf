"""`python -m dashboards.generator`, from the project's folder: writes the dashboards anew."""

import argparse
import json
from pathlib import Path

from .exporter import exporter
from .grafana import Json
from .inverter import inverter
from .plant import plant

FOLDER = Path(__file__).resolve().parents[1]


def main() -> None:
    """Write each dashboard to a file of its own."""
    parser = argparse.ArgumentParser(prog="python -m dashboards.generator", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    folder = parser.parse_args().folder
    made: dict[str, Json] = {"plant": plant(), "inverter": inverter(), "exporter": exporter()}
    for name, content in made.items():
        text = json.dumps(content, indent=2, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
