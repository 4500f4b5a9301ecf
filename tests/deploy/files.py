"""What deploy/ says, for the tests of its folders, and what the program says to compare it with."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from support.needs import require_tool

from sma_exporter import __version__, config
from sma_exporter.cli.flags import parser
from sma_exporter.devices.protocols import PROTOCOL_KEYS
from sma_exporter.web.paths import FixedPath

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"

#: As the images are called and dated everywhere.
IMAGES = {f"sma_exporter:{__version__}", "prom/prometheus:v3.13.3", "grafana/grafana:13.2.3"}

#: How often and how long everything here scrapes; README explains the second.
SCRAPE_INTERVAL, SCRAPE_TIMEOUT = "30s", "20s"


Document = dict[str, Any]


def documents(path: Path) -> list[Document]:
    """The YAML documents in a file."""
    return [*yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def document(path: Path) -> Document:
    """The only YAML document in a file."""
    (only,) = documents(path)
    assert isinstance(only, dict)
    return only


def text_files() -> list[Path]:
    """Every file of deploy/, but what users put there."""
    return sorted(
        path for path in DEPLOY.rglob("*") if path.is_file() and path.parent.name != "config"
    )


def find(value: Any, key: str) -> Iterator[Any]:
    """What stands under a key, however deep."""
    if isinstance(value, dict):
        if key in value:
            yield value[key]
        for inner in value.values():
            yield from find(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from find(inner, key)


def run(tool: str, *arguments: str | Path) -> str:
    """Run a command-line tool, which must succeed; return what it says."""
    done = subprocess.run(
        [require_tool(tool), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def copy(folder: Path, to: Path) -> Path:
    """A copy that a test may change."""
    return shutil.copytree(folder, to)


# --- the program ---


def arguments_are_accepted(arguments: Sequence[str]) -> None:
    """Have the command line judged by the program; SystemExit if it has no such flag."""
    parser().parse_args(arguments)


def paths() -> set[str]:
    """Every path that the program answers."""
    return {*FixedPath, "/metrics"}


def devices(text: str, folder: Path) -> tuple[config.DeviceSettings, ...]:
    """The devices of a configuration whose password files lie in `folder`; without warnings."""
    text = re.sub(r"(password_file: ).*/(.+)", rf"\1{folder}/\2", text)
    for name in re.findall(r"password_file: .*/(.+)", text):
        (folder / name).write_text("Sunny-1234\n", encoding="utf-8")
    loaded = config.parse(text, {}, PROTOCOL_KEYS, folder=folder)
    assert loaded.warnings == ()
    return loaded.devices
