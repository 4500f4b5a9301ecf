"""`sma_exporter backfill`, started as a user starts it: outputs, exit codes, signals, memory."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from support.backfills import parsed, samples
from support.devices import NOON, PASSWORD, count, eventually, visitor
from support.programs import PATIENCE_SECONDS, command, run

from sma_exporter.simulator import Simulator, faults
from sma_exporter.simulator.faults import Fault

Simulate = Callable[..., Simulator]

LEFT_BEHIND = "holds what was read until then; the same command with --resume continues it"

LABELS = ("--label=job=sma", "--label=instance=localhost:10126")


@pytest.fixture
def roof(simulate: Simulate) -> Simulator:
    return simulate("sb-3.6", clock=lambda: NOON)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "roof.om"


def arguments(simulator: Simulator, *more: object) -> list[str]:
    return ["backfill", f"--sma.url={simulator.url}", "--sma.device=roof", *map(str, more)]


def environ(**more: str) -> Mapping[str, str]:
    return {"SMA_PASSWORD": PASSWORD, "TZ": "", **more}


def done(simulator: Simulator, *more: object, **variables: str) -> subprocess.CompletedProcess[str]:
    return run(*arguments(simulator, *more), environ=environ(**variables))


@contextmanager
def started(simulator: Simulator, *more: object) -> Iterator[subprocess.Popen[str]]:
    """A backfill under way, whose session is open."""
    with subprocess.Popen(
        command(*arguments(simulator, *more)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environ()},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


class TestOutput:
    def test_standard_output_and_nothing_else_on_it(self, roof: Simulator) -> None:
        shown = done(roof, "--from=2025-06-01", "--to=2025-06-03", *LABELS)

        assert shown.returncode == 0, shown.stderr
        assert len([*parsed(shown.stdout)]) == 3
        assert shown.stdout.endswith("# EOF\n")
        assert "asking for the history" in shown.stderr
        assert roof.sessions == 0

    def test_a_file_holds_the_same(self, roof: Simulator, path: Path) -> None:
        order = ("--from=2025-06-01", "--to=2025-06-03", *LABELS)

        shown = done(roof, *order, "-o", path)

        assert (shown.returncode, shown.stdout) == (0, "")
        assert path.read_text(encoding="utf-8") == done(roof, *order).stdout

    def test_a_reader_that_has_enough(self, roof: Simulator) -> None:
        with started(roof, "--from=2025-01-01", "--interval=5m") as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.stdout.close()

            assert process.wait(PATIENCE_SECONDS) == 0

        assert roof.sessions == 0

    def test_a_full_disk(self, roof: Simulator) -> None:
        shown = done(roof, "--from=2025-06-01", "-o", "/dev/full")

        assert shown.returncode == 1
        assert "roof: /dev/full cannot be written: No space left on device" in shown.stderr
        assert "Traceback" not in shown.stderr

    def test_the_list(self, roof: Simulator) -> None:
        shown = done(roof, "--list")

        assert (shown.returncode, shown.stderr) == (0, "")
        assert "sma_meter_export_joules_total" in shown.stdout
        assert roof.sessions == 0

    def test_the_time_zone_of_the_environment(self, roof: Simulator) -> None:
        shown = done(roof, "--from=2025-06-01", "--to=2025-06-01", "--interval=5m", TZ="Asia/Tokyo")

        assert samples(shown.stdout)[0].stamp == 1_748_703_600
        assert "Asia/Tokyo (TZ)" in shown.stderr


class TestErrors:
    @pytest.mark.parametrize(
        ("more", "words"),
        [
            ([], "since when? --from"),
            (["--from=nonsense"], "neither a day"),
            (["--from=2024-02-01", "--to=2024-01-01"], "later than"),
            (["--from=2024-01-01", "--timezone=Berlin"], "no time zone"),
            (["--from=2024-01-01", "--label=job"], "no further label"),
            (["--from=2024-01-01", "--label=device=x"], "no further label"),
            (["--from=2024-01-01", "--label=__a=x"], "no further label"),
            (["--from=2024-01-01", "--label=a=1", "--label=a=2"], "one --label a name"),
            (["--from=2024-01-01", "--resume"], "name it with -o"),
            (["--from=2024-01-01", "--interval=1h"], "invalid choice"),
            (["--from=2024-01-01", "garage"], "no device 'garage'"),
        ],
    )
    def test_wrong_usage(self, roof: Simulator, more: list[str], words: str) -> None:
        shown = done(roof, *more)

        assert (shown.returncode, shown.stdout) == (2, "")
        assert words in shown.stderr
        assert "Traceback" not in shown.stderr
        assert roof.sessions == 0

    def test_two_devices_are_one_too_many(self, tmp_path: Path) -> None:
        file = tmp_path / "sma.yml"
        device = '  - {name: NAME, url: "http://127.0.0.1:9", password: "Sunny-1234"}\n'
        file.write_text(
            "devices:\n"
            + device.replace("NAME", "a")
            + device.replace("NAME", "b").replace(":9", ":10")
        )

        shown = run("backfill", "--from=2024-01-01", f"--config.file={file}")

        assert shown.returncode == 2
        assert "one device at a time, please: a, b" in shown.stderr

    def test_a_file_that_is_there_is_kept(self, roof: Simulator, path: Path) -> None:
        path.write_text("mine", encoding="utf-8")

        for more in ([], ["--resume"]):
            shown = done(roof, "--from=2025-06-01", "-o", path, *more)
            assert shown.returncode == 2
            assert str(path) in shown.stderr

        assert path.read_text(encoding="utf-8") == "mine"
        assert roof.requests == []

    def test_a_full_device(self, simulate: Simulate, path: Path) -> None:
        device = simulate("sb-3.6", max_sessions=1)
        visitor(device)

        shown = done(device, "--from=2025-06-01", "-o", path)

        assert shown.returncode == 1
        assert shown.stderr.splitlines()[-1] == (
            "sma_exporter: roof: the device has no free session: log out of its web page, or wait "
            "until one expires"
        )
        assert not path.exists()
        assert count(device)["login"] == 2

    def test_no_device(self, roof: Simulator) -> None:
        roof.stop()

        shown = done(roof, "--from=2025-06-01")

        assert shown.returncode == 1
        assert "refuses the connection" in shown.stderr


@pytest.fixture
def slow(simulate: Simulate) -> Simulator:
    """A device that needs a while for each request, as real ones do."""
    return simulate("stp-10-se", clock=lambda: NOON, latency=0.01)


ORDER = ("--from=2025-05-01", "--to=2025-05-20", "--interval=5m", *LABELS)


def is_larger(path: Path, size: int) -> bool:
    return path.exists() and path.stat().st_size > size


class TestInterrupted:
    @pytest.fixture
    def whole(self, simulate: Simulate) -> str:
        return done(simulate("stp-10-se", clock=lambda: NOON), *ORDER).stdout

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_by_ctrl_c_it_logs_out_and_can_go_on(
        self, slow: Simulator, path: Path, whole: str, number: int
    ) -> None:
        with started(slow, *ORDER, "-o", path) as process:
            assert eventually(partial(is_larger, path, 20_000))
            process.send_signal(number)
            _, said = process.communicate(timeout=PATIENCE_SECONDS)

        assert process.returncode == 1
        assert said.splitlines()[-2:] == [
            "sma_exporter: roof: stopped",
            f"sma_exporter: {path} {LEFT_BEHIND}",
        ]
        assert (slow.sessions, slow.logouts) == (0, 1)
        assert "# EOF" not in path.read_text(encoding="utf-8")
        assert done(slow, *ORDER, "-o", path, "--resume").returncode == 0
        assert path.read_text(encoding="utf-8") == whole

    def test_a_second_one_ends_it_at_once(self, slow: Simulator, path: Path) -> None:
        with started(slow, *ORDER, "-o", path) as process:
            assert eventually(partial(is_larger, path, 20_000))
            slow.faults.add(Fault(faults.hang(), path="getLogger"))
            begun = time.monotonic()
            for _ in range(2):
                time.sleep(0.3)
                process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=PATIENCE_SECONDS)

        assert process.returncode == 1
        assert said.splitlines()[-1] == f"sma_exporter: {path} {LEFT_BEHIND}"
        assert time.monotonic() - begun < 20  # a request alone may take 30 s

    def test_killed_at_any_time_it_can_go_on(self, slow: Simulator, path: Path, whole: str) -> None:
        for kill in range(1, 4):
            with started(slow, *ORDER, "-o", path, "--resume") as process:
                assert eventually(partial(is_larger, path, kill * 400_000), within=30)
                assert process.poll() is None
                process.kill()
            assert whole.startswith(path.read_text(encoding="utf-8").rpartition("\n")[0])
            slow.expire_sessions()

        assert done(slow, *ORDER, "-o", path, "--resume").returncode == 0
        assert path.read_text(encoding="utf-8") == whole


def peak_kilobytes(simulator: Simulator, *more: object) -> int:
    """The most memory that a backfill has held."""
    pid = os.posix_spawn(
        command()[0],
        command(*arguments(simulator, *more)),
        {**os.environ, **environ()},
        file_actions=[(os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(pid, 0)
    assert status == 0
    return usage.ru_maxrss


def test_memory_does_not_grow_with_the_span(simulate: Simulate, tmp_path: Path) -> None:
    device = simulate("emeter-20", clock=lambda: NOON)
    short, long = tmp_path / "short.om", tmp_path / "long.om"

    least = peak_kilobytes(
        device, "--from=2025-05-01", "--to=2025-05-07", "--interval=5m", "-o", short
    )
    most = peak_kilobytes(
        device, "--from=2024-06-01", "--to=2025-05-31", "--interval=5m", "-o", long
    )

    assert long.stat().st_size > 14_000_000 > 40 * short.stat().st_size
    assert most < least + 4_000
