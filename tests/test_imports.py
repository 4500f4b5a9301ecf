"""Who may import whom: the rooms of the design, read from the syntax tree."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sma_exporter

PACKAGE = Path(sma_exporter.__file__).parent

#: A room and the rooms that it may import; a file of the same room always may. "…/x" is one file.
ALLOWED: dict[str, set[str]] = {
    "webconnect": set(),
    "simulator": set(),
    "config": set(),
    "logs": set(),
    "guard": set(),
    "backoff": set(),
    "server": set(),
    "door": {"config", "logs", "server"},
    "snapshot": {"webconnect"},
    "exposition": set(),
    "metrics": {"exposition", "webconnect", "snapshot"},  # of the latter only plain values
    "clients": {"webconnect", "config"},
    "reader": {"webconnect", "config", "clients", "backoff", "guard", "logs", "snapshot"},
    "device": {"config", "logs", "reader", "snapshot"},
    "fleet": {"config", "device", "logs"},
    "discovery": {"config"},
    "collector": {"config", "device", "exposition", "fleet", "metrics", "snapshot", ""},
    "page": {"metrics", "snapshot", "webconnect"},
    "web": {"collector", "config", "discovery", "exposition", "fleet", "page", ""},
    "report": {"clients", "config", "metrics", "snapshot", "webconnect"},
    "dump": {"clients", "config", "snapshot", "webconnect", ""},
    "history": {
        *("backoff", "clients", "config", "guard", "logs", "metrics", "snapshot", "webconnect"),
    },
    "health": {"server"},
    "serve": {"config", "door", "fleet", "logs", "server", "simulator", "web"},
    "cli": {
        *("config", "discovery", "door", "dump", "fleet", "health", "history", "logs"),
        *("report", "serve", "server", "simulator", "web", "webconnect", ""),
    },
    "__main__": {"cli"},
    "__init__": set(),
}

#: A library and the only files that may use it.
ONLY_IN = {
    "requests": {"webconnect/transport.py", "webconnect/connections.py"},
    "urllib3": {"webconnect/transport.py", "webconnect/connections.py"},
    "yaml": {"config.py"},
    "prometheus_client": {
        *("collector.py", "exposition.py", "history/openmetrics.py", "metrics.py", "web.py"),
    },
    "tqdm": {"history/progress.py"},
    "jmespath": {"webconnect/sensor.py"},
    "trustme": {"simulator/certificates.py"},
    "argparse": {"cli.py", "cli_flags.py"},
    "h11": {"server/client.py", "server/wsgi.py"},
    "bcrypt": {"door/users.py"},
}

FILES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    """The room that a file belongs to: a sub-package, or a module with its `module_…` beside it."""
    top = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return top if top.startswith("__") else top.partition("_")[0]


def imported(path: Path) -> list[tuple[str, str]]:
    """(room, "") for a module of the project, ("", library) for any other."""
    inside = path.relative_to(PACKAGE).parts[:-1]
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [("", alias.name.split(".")[0]) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append(("", (node.module or "").split(".")[0]))
        elif isinstance(node, ast.ImportFrom):
            above = inside[: len(inside) - node.level + 1]
            names = [*above, *(node.module or "").split(".")] if node.module else [*above]
            rooms = [names[0]] if names else [alias.name for alias in node.names]
            found += [
                (target.partition("_")[0] if target[:1] != "_" else "", "") for target in rooms
            ]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_what_it_may(path: Path) -> None:
    own = room(path)
    used = {target for target, library in imported(path) if not library}

    assert used - {own} <= ALLOWED[own]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_library_is_used_only_where_it_belongs(path: Path) -> None:
    name = path.relative_to(PACKAGE).as_posix()
    used = {library for _, library in imported(path)} & ONLY_IN.keys()

    assert {library for library in used if name not in ONLY_IN[library]} == set()


def test_no_file_imports_the_project_by_its_absolute_name() -> None:
    absolute = [path.name for path in FILES if ("", "sma_exporter") in imported(path)]

    assert absolute == []


def test_importing_the_package_does_nothing_and_loads_nothing() -> None:
    code = (
        "import sys; import sma_exporter; print(sorted(m for m in sys.modules if 'sma_exp' in m))"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert (run.stdout, run.stderr) == ("['sma_exporter']\n", "")


def test_the_library_stands_alone() -> None:
    code = (
        "import sys; import sma_exporter.webconnect;"
        "print('prometheus_client' in sys.modules, 'yaml' in sys.modules, 'jmespath' in sys.modules)"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout == "False False False\n"
