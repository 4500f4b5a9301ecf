"""The command line: what is refused, how, and with which exit code."""

import os
import re
import shlex
import socket
import subprocess
from pathlib import Path

import pytest
from support.programs import command, run

from sma_exporter import __version__, simulator
from sma_exporter.cli import flags
from sma_exporter.cli.main import run as main
from sma_exporter.web.paths import FixedPath

GOOD = 'devices:\n  - {name: roof, url: "http://127.0.0.1:9", password: "Sunny-1234"}\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "sma.yml"
    path.write_text(GOOD, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["", *flags.COMMANDS])
def test_help(name: str) -> None:
    command = flags.COMMANDS.get(name, flags.SERVE)
    shown = run(*([name] if name else []), "--help")

    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"usage: sma_exporter {name}".strip() in shown.stdout
    listed = {*re.findall(r"^ +(-[-a-z.]+)", shown.stdout, re.MULTILINE)} - {"-h", "--version"}
    assert listed == {flag.name for flag in flags.flags_of(command)}
    assert max(map(len, shown.stdout.splitlines())) <= 110


def test_help_loads_nothing_that_reads_devices() -> None:
    shown = run("--help", environ={"PYTHONPROFILEIMPORTTIME": "1"})
    loaded = re.findall(r"\| +sma_exporter\.(\w+)", shown.stderr)

    assert {*loaded}.isdisjoint({"backfill", "devices", "metrics", "simulator", "webconnect"})


@pytest.mark.parametrize(
    ("environ", "build"),
    [
        ({}, ""),
        (
            {"SMA_EXPORTER_REVISION": "0123abc", "SMA_EXPORTER_BRANCH": "main"},
            "branch main, revision 0123abc, ",
        ),
    ],
)
def test_version(environ: dict[str, str], build: str) -> None:
    shown = run("--version", environ=environ)

    assert shown.returncode == 0
    assert re.fullmatch(
        rf"sma_exporter, version {re.escape(__version__)} \({build}python 3\.\d+\.\d+\)\n",
        shown.stdout,
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--config.file or --sma.url"),
        (["--demo", "--sma.url=192.0.2.1"], "--demo goes without"),
        (["--config.file=x.yml", "--sma.url=192.0.2.1"], "exclude each other"),
        (["--sma.group=installer"], "need --sma.url"),
        (["--web.listen-address=nowhere", "--demo"], "HOST:PORT"),
        (["--web.telemetry-path=metrics", "--demo"], "begin with /"),
        (["--scrape.timeout-offset=5", "--demo"], "5s"),
        (["--web.l=:1", "--demo"], "unrecognized arguments: --web.l"),
        (["--web.telemtry-path=/m", "--demo"], "did you mean --web.telemetry-path?"),
        (["--log.level=loud", "--demo"], "invalid choice"),
        (["--log.level=warning", "--demo"], "did you mean warn?"),
        (["sensor"], "did you mean sensors?"),
        (["backfill", "--interval=5min"], "did you mean 5m?"),
        (["sensors", "--formt=json"], "did you mean --format?"),
        (["simulate", "--model=sb-9"], "sb-3.6"),
        (["simulate", "--replay=/no/such/dump"], "/no/such/dump"),
    ],
)
def test_wrong_usage_is_a_line_and_exit_code_2(arguments: list[str], words: str) -> None:
    refused = run(*arguments)
    problem = refused.stderr.splitlines()[0]

    assert refused.returncode == 2
    assert words in problem
    assert len(refused.stderr.splitlines()) <= 2
    assert refused.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sma.url=192.0.2.1", "--sma.group=admin"], "--sma.group"),
        (["--sma.url=ftp://192.0.2.1"], "--sma.url"),
        (["--config.file=/no/such/file"], "/no/such/file"),
        *((["--demo", f"--web.telemetry-path={path}"], path) for path in FixedPath if path != "/"),
        (["backfill", "--sma.url=192.0.2.1"], "--from DATE"),
    ],
)
def test_a_wrong_configuration_is_a_sentence_and_exit_code_2(
    arguments: list[str], words: str
) -> None:
    refused = run(*arguments)
    (problem,) = refused.stderr.splitlines()

    assert refused.returncode == 2
    assert words in problem
    assert refused.stdout == ""


@pytest.mark.parametrize("command", ["sensors", "dump"])
def test_an_unknown_name_shows_the_known_ones(config: Path, command: str) -> None:
    refused = run(command, "attic", f"--config.file={config}")

    assert refused.returncode == 2
    assert "'attic'" in refused.stderr
    assert "roof" in refused.stderr


def test_flags_stand_before_or_after_the_sub_command(config: Path) -> None:
    before = run(f"--config.file={config}", "dump", "attic")
    after = run("dump", "attic", f"--config.file={config}")

    assert (before.returncode, before.stderr) == (after.returncode, after.stderr)


def test_a_checked_configuration_is_in_order(config: Path) -> None:
    checked = run(f"--config.file={config}", "--config.check")

    assert checked.returncode == 0
    assert "roof" in checked.stdout


def test_a_checked_configuration_says_everything_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "sma.yml"
    path.write_text(
        "devices:\n  - {name: roof, url: 'http://h', tsl: {}, timeout: 5}\n", encoding="utf-8"
    )

    checked = run(f"--config.file={path}", "--config.check")

    assert checked.returncode == 2
    assert "devices[0].timeout" in checked.stderr
    assert "devices[0].tsl" in checked.stderr


def test_nothing_listens_is_exit_code_1(config: Path) -> None:
    for arguments in (
        ["sensors"],
        ["dump", "roof"],
        ["health", "--web.listen-address=127.0.0.1:9"],
    ):
        source = [] if arguments[0] == "health" else [f"--config.file={config}"]

        failed = run(*arguments, *source)

        assert failed.returncode == 1, failed
        assert "Traceback" not in failed.stderr


def test_a_port_in_use_is_exit_code_1_and_says_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        refused = run("--demo", f"--web.listen-address=127.0.0.1:{port}")

    assert refused.returncode == 1
    assert "--web.listen-address" in refused.stderr


def test_an_empty_password_is_an_error_and_never_the_anonymous_mode() -> None:
    refused = run("--sma.url=192.0.2.1", environ={"SMA_PASSWORD": ""})

    assert refused.returncode == 2
    assert "SMA_PASSWORD" in refused.stderr


def test_the_choices_in_the_help_are_those_that_there_are() -> None:
    assert {*flags.MODELS} == {*simulator.MODELS, *simulator.ENNEXOS_MODELS}


def test_an_unreadable_password_file_names_path_and_user(tmp_path: Path) -> None:
    with simulator.Simulator() as device:
        failed = run("sensors", f"--sma.url={device.url}", f"--sma.password-file={tmp_path}")

    assert failed.returncode == 1
    assert str(tmp_path) in failed.stdout
    assert str(os.geteuid()) in failed.stdout


def test_a_reader_that_has_enough_is_no_error(config: Path) -> None:
    piped = f"{shlex.join(command('sensors', f'--config.file={config}'))} | true"

    done = subprocess.run(["bash", "-c", piped], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_mistake_of_ours_is_a_sentence_too(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("sma_exporter.cli.sensors.examine", broken)
    monkeypatch.setattr(
        "sma_exporter.cli.logs.setup", lambda *_, **__: None
    )  # the process is pytest's

    with pytest.raises(SystemExit) as ended:
        main(["sensors", f"--config.file={config}"])

    assert ended.value.code == 1
    shown = capsys.readouterr().err
    assert "internal error (RuntimeError)" in shown
    assert "a secret" not in shown
    assert "Traceback" not in shown
