"""deploy/systemd: systemd accepts the unit, it may do next to nothing, and README uses this very file."""

import re
import shlex
from pathlib import Path

import pytest
from files import DEPLOY, arguments_are_accepted, run
from support import readme

from sma_exporter.cli.flags import parser
from sma_exporter.cli.output import WRONG_USAGE
from sma_exporter.config.values import parse_duration
from sma_exporter.devices.fleet import STOP_SECONDS

UNIT = DEPLOY / "systemd" / "sma_exporter.service"
SECTION = readme.section("Raspberry Pi and other small servers")
PROGRAM = "/opt/sma_exporter/bin/sma_exporter"

#: In tenths, as `systemd-analyze security` counts. What remains is the network.
MOST_EXPOSURE = 11


def settings() -> dict[str, list[str]]:
    """Every setting of the unit, and what it is set to."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"(\w+)=(.*)", line):
            found.setdefault(match[1], []).append(match[2])
    return found


def setting(name: str) -> str:
    (value,) = settings()[name]
    return value


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit with a program that there is."""
    path = tmp_path / UNIT.name
    path.write_text(
        UNIT.read_text(encoding="utf-8").replace(PROGRAM, "/bin/true"), encoding="utf-8"
    )
    return path


def test_systemd_accepts_it(installed: Path) -> None:
    said = run("systemd-analyze", "verify", "--man=no", installed)

    assert UNIT.name not in said


def test_a_misspelled_setting_would_be_found(installed: Path) -> None:
    text = installed.read_text(encoding="utf-8").replace("DynamicUser=", "DynamicUsers=")
    installed.write_text(text, encoding="utf-8")

    assert "DynamicUsers" in run("systemd-analyze", "verify", "--man=no", installed)


def test_it_may_do_next_to_nothing(installed: Path) -> None:
    run("systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSURE}", installed)


def test_less_protection_would_be_found(installed: Path) -> None:
    text = installed.read_text(encoding="utf-8").replace("PrivateUsers=yes\n", "")
    installed.write_text(text, encoding="utf-8")

    with pytest.raises(AssertionError):
        run(
            "systemd-analyze",
            "security",
            "--offline=true",
            f"--threshold={MOST_EXPOSURE}",
            installed,
        )


def test_the_command_line() -> None:
    program, *arguments = shlex.split(setting("ExecStart"))

    assert program == PROGRAM
    arguments_are_accepted(arguments)
    assert parser().parse_args(arguments).config_file == Path("/etc/sma_exporter/sma.yml")


def test_it_has_the_time_to_log_out() -> None:
    assert parse_duration(setting("TimeoutStopSec")) > STOP_SECONDS


def test_a_mistake_in_the_configuration_is_not_tried_again() -> None:
    assert setting("Restart") == "on-failure"
    assert setting("RestartPreventExitStatus") == str(WRONG_USAGE)


def test_a_reload_is_a_sighup() -> None:
    assert setting("ExecReload") == "/bin/kill -HUP $MAINPID"


def test_readme_installs_this_file_and_shows_no_other() -> None:
    commands = [
        line for block in readme.blocks("sh", text=SECTION) for line in block.code.split("\n")
    ]
    named = [word for line in commands for word in line.split() if word.startswith("deploy/")]

    assert [name for name in named if name.endswith(".service")] == [
        str(UNIT.relative_to(readme.ROOT))
    ]
    assert "ExecStart" not in readme.TEXT
    assert readme.blocks("ini") == []
    assert str(Path(PROGRAM).parents[1]) in SECTION


def test_passwords_are_handed_over_under_the_names_of_readme() -> None:
    handed = dict(credential.split(":") for credential in settings()["LoadCredential"])
    named = re.findall(r"password_file: \$\{CREDENTIALS_DIRECTORY\}/(\S+)", SECTION)

    assert named == [*handed]
    assert all(path == f"/etc/sma_exporter/{name}" for name, path in handed.items())
    assert all(f"/etc/sma_exporter/{name}" in SECTION for name in handed)
