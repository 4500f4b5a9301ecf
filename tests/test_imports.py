"""Who may import whom: the packages of the design, read from the syntax tree."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import sma_exporter

PACKAGE = Path(sma_exporter.__file__).parent

#: A package and the packages that it may import, beside itself.
ALLOWED: dict[str, set[str]] = {
    "sma": set(),
    "webconnect": {"sma"},
    "ennexos": {"sma"},
    "simulator": set(),
    "server": set(),
    "config": set(),
    "web_config": {"config", "server"},
    "devices": {"config", "ennexos", "sma", "webconnect"},
    "metrics": {"config", "devices", "sma"},
    "web": {"config", "devices", "metrics", "sma"},
    "backfill": {"config", "devices", "metrics", "sma"},
    "cli": {
        *("backfill", "config", "devices", "metrics", "server", "simulator", "sma", "web"),
        *("web_config",),
    },
}

#: The only files of a package that may import another one, where not all of its files may.
GATES = {
    ("devices", "ennexos"): {"devices/protocols.py"},
    ("devices", "webconnect"): {"devices/protocols.py"},
}

#: A library and the only files that may use it.
ONLY_IN = {
    "requests": {"sma/http.py", "sma/connections.py"},
    "urllib3": {"sma/http.py", "sma/connections.py"},
    "yaml": {"config/yaml_text.py"},
    "prometheus_client": {
        *("metrics/collector.py", "metrics/exposition.py", "metrics/families.py"),
        *("backfill/openmetrics.py", "web/app.py"),
    },
    "tqdm": {"backfill/progress.py"},
    "jmespath": {"webconnect/sensor.py"},
    "trustme": {"simulator/certificates.py"},
    "argparse": {*(f"cli/{path.name}" for path in (PACKAGE / "cli").iterdir())},
    "h11": {"server/connection.py", "server/request_head.py", "server/wsgi.py"},
    "bcrypt": {"web_config/basic_auth.py"},
}

FILES = sorted(PACKAGE.rglob("*.py"))


class Import(NamedTuple):
    """What a file imports: a module of the project by its parts, or another library."""

    module: tuple[str, ...]
    library: str


def package(path: Path) -> str:
    """The package that a file belongs to; "" for the files at the top."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def imports(path: Path) -> list[Import]:
    """Everything that a file imports, wherever in it."""
    inside = path.relative_to(PACKAGE).parts[:-1]
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [Import((), alias.name.split(".")[0]) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append(Import((), (node.module or "").split(".")[0]))
        elif isinstance(node, ast.ImportFrom):
            above = inside[: len(inside) - node.level + 1]
            module = (*above, *(node.module or "").split("."))
            found += [Import((*filter(None, module), alias.name), "") for alias in node.names]
    return found


def test_nothing_but_packages_stands_at_the_top() -> None:
    top = {path.name for path in PACKAGE.iterdir() if not path.name.startswith("__pycache")}

    assert top == {"__init__.py", "__main__.py", "py.typed", *ALLOWED}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_package_imports_only_what_it_may(path: Path) -> None:
    own = package(path)
    used = {each.module[0] for each in imports(path) if len(each.module) > 1}

    assert used - {own} <= ALLOWED.get(own, {"cli"})
    for other in used - {own}:
        name = path.relative_to(PACKAGE).as_posix()
        assert name in GATES.get((own, other), {name})


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_library_is_used_only_where_it_belongs(path: Path) -> None:
    name = path.relative_to(PACKAGE).as_posix()
    used = {each.library for each in imports(path)} & ONLY_IN.keys()

    assert {library for library in used if name not in ONLY_IN[library]} == set()


def test_what_is_simulated_knows_no_protocol() -> None:
    """But the package's face, the list of faults, and what picks a simulator for a model."""
    protocols = {path.parent.name for path in PACKAGE.glob("simulator/*/__init__.py")}
    using = {
        path.stem
        for path in PACKAGE.glob("simulator/*.py")
        if protocols & {part for each in imports(path) for part in each.module[:2]}
    }

    assert using == {"__init__", "faults", "protocols"}


def test_no_file_imports_the_project_by_its_absolute_name() -> None:
    absolute = [path for path in FILES if Import((), "sma_exporter") in imports(path)]

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
        "print([m for m in ('prometheus_client', 'yaml', 'jmespath') if m in sys.modules],"
        "{m.split('.')[1] for m in sys.modules if m.startswith('sma_exporter.')}"
        " - {'sma', 'webconnect'})"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout == "[] set()\n"


def test_what_is_allowed_is_used() -> None:
    """A rule that nothing needs any more would let something in unseen."""
    used = {
        (package(path), each.module[0]) for path in FILES for each in imports(path) if each.module
    }
    libraries = {
        (each.library, path.relative_to(PACKAGE).as_posix())
        for path in FILES
        for each in imports(path)
    }

    assert {(own, other) for own in ALLOWED for other in ALLOWED[own]} <= used
    assert {
        library
        for library, names in ONLY_IN.items()
        if not names & {name for used, name in libraries if used == library}
    } == set()
