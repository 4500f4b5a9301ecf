"""What cannot be written: a full disk, a reader that has gone, a stream that the caller has closed."""

import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.devices import PASSWORD
from support.programs import PATIENCE_SECONDS, command, eventually_address, get, started

from sma_exporter.simulator import Simulator

FULL = "No space left on device"
CLOSED = "Bad file descriptor"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture(scope="module")
def file(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("output") / "sma.yml"
    entry = f"{{name: roof, url: '{simulator.url}', password: {PASSWORD}}}"
    path.write_text(f"devices: [{entry}]", encoding="utf-8")
    return path


#: Commands that print something; {} is the configuration.
PRINTING = [
    "sensors --config.file={}",
    "sensors --format=json --config.file={}",
    "dump --config.file={}",
    "backfill --list --config.file={}",
    "backfill --from=2025-06-01 --to=2025-06-02 --config.file={}",
    "--config.check --config.file={}",
    "--version",
    "--help",
    "backfill --help",
]


def shell(line: str, redirected: str) -> subprocess.CompletedProcess[str]:
    """Run a command line of the program in a shell, with redirections or a pipe behind it."""
    program = shlex.join(command(*line.split()))
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {program} {redirected}"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
        env={
            **os.environ,
            "PYTHONUNBUFFERED": "",
        },  # as a user's: what fails may fail at the very end
    )


@pytest.mark.parametrize("line", PRINTING)
@pytest.mark.parametrize(("redirected", "why"), [(">/dev/full", FULL), (">&-", CLOSED)])
def test_what_cannot_be_written_is_a_sentence(
    file: Path, line: str, redirected: str, why: str
) -> None:
    ended = shell(line.format(file), redirected)

    said = [text for text in ended.stderr.splitlines() if text.startswith("sma_exporter:")]
    assert ended.returncode == 1
    assert len(said) == 1
    assert said[0].endswith(f"standard output cannot be written: {why}")
    assert "Exception" not in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("line", PRINTING)
def test_a_reader_that_has_gone_is_no_error(file: Path, line: str) -> None:
    ended = shell(line.format(file), "| exec 0<&-")

    assert ended.returncode == 0
    assert "sma_exporter:" not in ended.stderr
    assert "Exception" not in ended.stderr


@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full"])
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("--config.file=/no/such/file", 2),
        ("--no-such-flag", 2),
        ("dump --sma.url=http://127.0.0.1:9", 1),
        ("health --web.listen-address=127.0.0.1:9", 1),
        ("--demo --web.listen-address=192.0.2.1:9", 1),
    ],
)
def test_without_standard_error_a_message_is_lost_and_nothing_else(
    line: str, code: int, redirected: str
) -> None:
    usual = shell(line, "")
    ended = shell(line, redirected)

    assert usual.returncode == ended.returncode == code
    assert usual.stderr != ""
    assert ended.stdout == usual.stdout
    assert ended.stderr == ""


@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full", "0<&- >&- 2>&-"])
def test_no_message_gets_into_a_file(file: Path, tmp_path: Path, redirected: str) -> None:
    line = f"backfill --log.level=debug --from=2025-06-01 --to=2025-06-02 --config.file={file}"
    usual = shell(f"{line} -o {tmp_path}/usual", "")
    ended = shell(f"{line} -o {tmp_path}/data", redirected)

    assert usual.returncode == ended.returncode == 0
    assert (tmp_path / "data").read_bytes() == (tmp_path / "usual").read_bytes()


def test_no_connection_gets_the_number_of_a_closed_stream(file: Path) -> None:
    program = shlex.join(
        command(f"--config.file={file}", "--web.listen-address=127.0.0.1:0", "--log.level=debug")
    )
    with started(["bash", "-c", f"exec {program} 0<&- >&- 2>&-"]) as running:
        url = eventually_address(running.process.pid)
        answer = get(f"{url}/metrics")
        streams = {str(Path(f"/proc/{running.process.pid}/fd/{n}").readlink()) for n in range(3)}
        code = running.stop()

    assert 'sma_up{device="roof"} 1' in answer.text
    assert streams == {"/dev/null"}
    assert code == 0
