"""The real command, started as a user starts it."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import requests

#: More than any start takes; only what never comes waits so long.
PATIENCE_SECONDS = 30.0


def command(*arguments: str) -> list[str]:
    """The command line of the program under this interpreter."""
    return [sys.executable, "-m", "sma_exporter", *arguments]


def run(
    *arguments: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
        env={**os.environ, **(environ or {})},
    )


class Running:
    """A started command; `lines` are what it has said so far on both of its outputs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._said = threading.Condition()
        self._ended = False
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._said:
                self.lines.append(line.rstrip("\n"))
                self._said.notify_all()
        with self._said:
            self._ended = True
            self._said.notify_all()

    def find(self, pattern: str) -> re.Match[str]:
        """Wait for a line with this pattern."""

        def found() -> re.Match[str] | None:
            return next(filter(None, (re.search(pattern, line) for line in self.lines)), None)

        with self._said:
            self._said.wait_for(lambda: found() or self._ended, PATIENCE_SECONDS)
            match = found()
        assert match, f"no {pattern!r} in {self.lines}"
        return match

    def stop(self) -> int:
        """Send SIGTERM; return the exit code. What it says until then goes to `lines`."""
        self.process.terminate()
        code = self.process.wait(PATIENCE_SECONDS)
        self._listener.join(PATIENCE_SECONDS)
        return code


@contextmanager
def started(command: list[str], environ: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Start any command, and make sure that it ends."""
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
        env={**os.environ, **(environ or {})},
    ) as process:
        try:
            yield Running(process)
        finally:
            process.kill()


def running(
    *arguments: str, environ: Mapping[str, str] | None = None
) -> AbstractContextManager[Running]:
    """Start a command of the program, and make sure that it ends."""
    return started(command(*arguments), {"PYTHONUNBUFFERED": "1", **(environ or {})})


@contextmanager
def exporter(*arguments: str) -> Iterator[tuple[str, Running]]:
    """Start the exporter on a free port; give its URL."""
    with running(*arguments, "--web.listen-address=127.0.0.1:0") as program:
        port = program.find(r"msg=listening address=127\.0\.0\.1:(\d+)")[1]
        yield f"http://127.0.0.1:{port}", program


def get(url: str, **headers: str) -> requests.Response:
    """Fetch a page of a local server."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, headers=headers, timeout=PATIENCE_SECONDS, allow_redirects=False)


def post(url: str) -> requests.Response:
    """Post nothing to a local server."""
    with requests.Session() as session:
        session.trust_env = False
        return session.post(url, timeout=PATIENCE_SECONDS, allow_redirects=False)


def values(text: str) -> dict[str, float]:
    """The samples of an exposition, by the whole series."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return {series: float(value) for series, _, value in (line.rpartition(" ") for line in lines)}


def eventually_address(pid: int) -> str:
    """Wait until a process listens on a port of 127.0.0.1; return its URL. For one that can say nothing."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert " Z " not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8"), "it has ended"
        with suppress(FileNotFoundError):  # a file that was closed meanwhile
            links = [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()]
            for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
                _, local, _, state, *_, inode = line.split()[:10]
                if state == "0A" and f"socket:[{inode}]" in links:
                    return f"http://127.0.0.1:{int(local.partition(':')[2], 16)}"
        time.sleep(0.01)
    raise TimeoutError(f"process {pid} listens on no port")


def signal_mask(pid: int, kind: str) -> set[int]:
    """Which signals a process ignores (SigIgn) or holds (SigBlk)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (found,) = re.findall(rf"^{kind}:\s+([0-9a-f]+)$", status, re.MULTILINE)
    return {number for number in range(1, 65) if int(found, 16) >> (number - 1) & 1}
