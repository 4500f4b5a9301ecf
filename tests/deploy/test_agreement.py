"""What holds for every file of deploy/: flags, ports and hosts that there are."""

import re
from pathlib import Path

import pytest
from files import DEPLOY, run, text_files

from sma_exporter.cli.flags import COMMANDS, DEFAULT_PORT, SERVE, flags_of

FILES = text_files()

#: Flags of other programs, for which nothing here can be asked.
FOREIGN = {"--from-file", "--spider", "--url"}

#: Hosts that mean nothing elsewhere: examples, this machine, neighbours by their service's name.
HOSTS = re.compile(
    r"localhost|127\.0\.0\.1|192\.0\.2\.\d+|prometheus\.example|prometheus"
    r"|(sma-exporter-\d\.)?sma-exporter(\.sma-exporter\.svc)?"
)


def name(path: Path) -> str:
    return str(path.relative_to(DEPLOY))


def own_flags() -> set[str]:
    """The flags of the program and of its sub-commands."""
    commands = (SERVE, *COMMANDS.values())
    return {flag.name for command in commands for flag in flags_of(command)} | {
        "--help",
        "--version",
    }


def prometheus_flags() -> set[str]:
    """The flags of the Prometheus at hand, and what version 3 has beside them."""
    return {*re.findall(r"--[a-z][a-z.-]+", run("prometheus", "--help")), "--agent"}


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_flag_exists(path: Path) -> None:
    named = {*re.findall(r"(?<![\w-])--[a-z][a-z.-]*[a-z]", path.read_text(encoding="utf-8"))}

    others = named - own_flags() - FOREIGN

    assert not others or others <= prometheus_flags()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_host_is_an_example_or_near(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    hosts = re.findall(r"https?://([\w.-]+)", text)

    assert [host for host in hosts if not HOSTS.fullmatch(host)] == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_the_port_is_the_program_s(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = {*re.findall(r"(?<![\d.])1\d{4}(?!\d)", text)}

    assert named <= {str(DEFAULT_PORT)}
