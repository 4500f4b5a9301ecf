"""The commands of README that use deploy/: what they name is there, and is called so."""

import re
import shlex
from itertools import pairwise

from files import DEPLOY, IMAGES, ROOT, document
from support import readme

KUBERNETES = DEPLOY / "kubernetes"
COMPOSE = DEPLOY / "compose"

(UID,) = re.findall(
    r"^USER (\d+):\1$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
)


def commands(heading: str, first: str = "") -> list[list[str]]:
    """The words of the shell commands under a heading that begin so."""
    code = "".join(block.code for block in readme.blocks("sh", text=readme.section(heading)))
    lines = code.replace("\\\n", "").splitlines()
    return [shlex.split(line) for line in lines if line.startswith(first)]


def test_every_path_is_there() -> None:
    named = {*re.findall(r"(?<![\w/])deploy/[\w./-]*\w", readme.TEXT)}

    assert len(named) > 5
    assert [path for path in named if not (ROOT / path).exists()] == []


# --- Docker ---


def test_the_demonstration_is_made_of_files_that_are_there() -> None:
    (demo,) = commands("With Prometheus and Grafana", "docker compose -f")
    files = [after for word, after in pairwise(demo) if word == "-f"]

    assert files == ["compose.yaml", "compose.demo.yaml"]
    assert all((COMPOSE / name).is_file() for name in files)


def test_files_are_put_where_they_are_looked_for() -> None:
    ours, password = commands("With Prometheus and Grafana", "sudo install"), "grafana.password"
    (install,) = ours

    assert install[install.index("-g") + 1] == UID
    assert (COMPOSE / install[-1]).is_dir()
    assert f"./{install[-1].rstrip('/')}:" in (COMPOSE / "compose.yaml").read_text(encoding="utf-8")
    assert f"install -m 600 -o 472 /dev/stdin {password}" in readme.TEXT
    assert document(COMPOSE / "compose.yaml")["secrets"][password]["file"] == f"./{password}"


def test_the_reload_names_a_service() -> None:
    (service,) = re.findall(r"docker compose kill -s HUP ([\w-]+)", readme.TEXT)

    assert service in document(COMPOSE / "compose.yaml")["services"]


# --- Kubernetes ---


def test_the_image_is_the_one_of_the_manifests() -> None:
    named = {word for line in commands("Kubernetes", "docker") for word in line if ":" in word}

    assert len(named) == 1
    assert named <= IMAGES


def test_the_secret_is_the_one_of_the_manifests() -> None:
    (create,) = commands("Kubernetes", "kubectl -n")
    secret = document(KUBERNETES / "base" / "passwords.example.yaml")
    key = create[-1].removeprefix("--from-file=").partition("=")[0]

    assert create[:7] == [
        *("kubectl", "-n", secret["metadata"]["namespace"]),
        *("create", "secret", "generic", secret["metadata"]["name"]),
    ]
    assert [key] == [*secret["stringData"]]


def test_what_is_applied_is_a_kustomization() -> None:
    (folder,) = (line[-1] for line in commands("Kubernetes", "kubectl apply -k"))

    assert (ROOT / folder / "kustomization.yaml").is_file()


def test_the_table_has_every_folder() -> None:
    named = {row[0].strip("`") for row in readme.table("Kubernetes", "folder")}

    assert named | {"components"} == {path.name for path in KUBERNETES.iterdir()}


def test_every_component_is_named() -> None:
    text = readme.section("Kubernetes")

    for path in (KUBERNETES / "components").iterdir():
        assert f"`{path.name}`" in text


# --- figures ---


def test_the_figures_are_those_that_the_resources_come_from() -> None:
    lines = (KUBERNETES / "base" / "deployment.yaml").read_text(encoding="utf-8")
    measured = re.sub(r"\s+(# )?", " ", lines)
    said = re.sub(r"\s+", " ", readme.section("Many inverters"))

    (figures,) = re.findall(
        r"20 simulated ones cost it (\d+ MiB) of memory and (\S+ s) of CPU", said
    )
    assert "20 inverters {} and {} a scrape".format(*figures) in measured
