"""The image: small, without rights, and in step with the program.

`.ci/run` lints the Dockerfile as well, and `.ci/image` builds and runs it.
"""

import fnmatch
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from support.needs import require_tool

from sma_exporter.cli.flags import DEFAULT_PORT, parser
from sma_exporter.metrics.collector import build_info

ROOT = Path(__file__).resolve().parents[2]


class Instruction(NamedTuple):
    """A line of a Dockerfile, continued lines joined."""

    word: str
    rest: str


def instructions() -> list[Instruction]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", "").splitlines()
    parts = (line.split(maxsplit=1) for line in lines if line.strip())
    return [Instruction(word, " ".join(rest.split())) for word, rest in parts]


def stages() -> list[list[Instruction]]:
    """The instructions by stage, each beginning with its FROM."""
    found: list[list[Instruction]] = []
    for instruction in instructions():
        if instruction.word == "FROM":
            found.append([])
        found[-1].append(instruction)
    return found


def last(word: str) -> str:
    """The one instruction of this kind in the stage that becomes the image."""
    (found,) = (instruction.rest for instruction in stages()[-1] if instruction.word == word)
    return found


def pairs(word: str) -> dict[str, str]:
    """The NAME=VALUE pairs of an instruction."""
    return dict(part.split("=", 1) for part in shlex.split(last(word)))


def test_it_is_built_in_one_stage_and_run_in_another() -> None:
    assert [stage[0].rest for stage in stages()] == [
        "python:3.13-slim AS build",
        "python:3.13-slim",
    ]


def test_only_the_environment_goes_into_the_image() -> None:
    copied = [i.rest for i in stages()[-1] if i.word in {"COPY", "ADD"}]

    assert copied == ["--from=build /opt/sma_exporter /opt/sma_exporter"]


def test_no_tools_and_no_caches_stay() -> None:
    build = " ".join(i.rest for i in stages()[0] if i.word == "RUN")
    final = " ".join(i.rest for i in stages()[-1] if i.word == "RUN")

    assert "venv --without-pip" in build
    assert "install --no-cache-dir ." in build
    assert "pip" not in final
    assert "rm -rf /var/lib/apt/lists/*" in final


def test_time_zones_are_there() -> None:
    (final,) = (i.rest for i in stages()[-1] if i.word == "RUN")

    assert "install -y --no-install-recommends tzdata" in final


def test_every_builder_can_build_it() -> None:
    for instruction in instructions():
        assert "<<" not in instruction.rest, "a heredoc"
        assert "--link" not in instruction.rest
        assert "@sha256:" not in instruction.rest


def test_it_runs_as_a_user_without_name_and_rights() -> None:
    assert last("USER") == "65532:65532"


def test_the_port_is_the_program_s() -> None:
    assert last("EXPOSE") == str(DEFAULT_PORT)


def test_flags_can_be_appended() -> None:
    assert json.loads(last("ENTRYPOINT")) == ["sma_exporter"]
    assert "CMD" not in {instruction.word for instruction in stages()[-1]}


def test_the_health_check_is_a_command_of_the_program() -> None:
    _, command = last("HEALTHCHECK").split(" CMD ")
    program, *arguments = json.loads(command)

    assert program == "sma_exporter"
    assert parser().parse_args(arguments).command == "health"


def test_the_health_check_waits_for_both_protocols() -> None:
    (seconds,) = re.findall(r"--timeout=(\d+)s", last("HEALTHCHECK"))

    assert int(seconds) > 2 * 3  # http, then https, 3 s each


@pytest.mark.parametrize("name", ["version", "revision", "created"])
def test_labels_come_from_build_arguments(name: str) -> None:
    assert pairs("LABEL")[f"org.opencontainers.image.{name}"] == f"${{{name.upper()}}}"
    assert Instruction("ARG", f'{name.upper()}=""') in stages()[-1]


def test_labels_agree_with_the_project() -> None:
    labels = pairs("LABEL")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")

    assert f'description = "{labels["org.opencontainers.image.description"]}"' in project
    assert f'license = "{labels["org.opencontainers.image.licenses"]}"' in project
    assert f'name = "{labels["org.opencontainers.image.title"]}"' in project


def test_build_info_knows_revision_and_branch() -> None:
    found = pairs("ENV")
    environ = {f"SMA_EXPORTER_{name}": name.lower() for name in ("REVISION", "BRANCH")}

    for name in ("REVISION", "BRANCH"):
        assert found[f"SMA_EXPORTER_{name}"] == f"${{{name}}}"
        assert Instruction("ARG", f'{name}=""') in stages()[-1]
        assert build_info(environ)[name.lower()] == name.lower()


def test_nothing_is_written_when_it_runs() -> None:
    assert pairs("ENV")["PYTHONDONTWRITEBYTECODE"] == "1"


def test_the_program_is_found() -> None:
    assert pairs("ENV")["PATH"] == "/opt/sma_exporter/bin:${PATH}"


def test_what_is_copied_is_sent_to_the_builder_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    ignored, *sent = [line for line in lines if line and not line.startswith("#")]
    copied = [i.rest.split()[:-1] for i in stages()[0] if i.word == "COPY"]
    sources = {source for group in copied for source in group}

    assert ignored == "*"
    assert {line.removeprefix("!") for line in sent if line.startswith("!")} == sources
    assert all((ROOT / source).exists() for source in sources)
    assert any(fnmatch.fnmatch("sma_exporter/__pycache__", line) for line in sent)


# --- built and run, without a registry ---

IMAGE = ROOT / ".ci" / "image"


def test_ci_builds_it_on_a_stand_in_for_its_base() -> None:
    script = IMAGE.read_text(encoding="utf-8")

    assert f"base=docker.io/library/{stages()[-1][0].rest}\n" in script
    assert "\n.ci/image\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_ci_asks_the_port_of_the_program() -> None:
    ports = re.findall(r"127\.0\.0\.1:(\d+)", IMAGE.read_text(encoding="utf-8"))

    assert ports == [str(DEFAULT_PORT)]


def test_ci_s_script_is_sound() -> None:
    assert IMAGE.stat().st_mode & 0o111 == 0o111
    subprocess.run([require_tool("bash"), "-n", IMAGE], check=True)
