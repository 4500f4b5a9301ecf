"""A real Prometheus, started for a test on a free port of the loopback address."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import requests
import yaml
from support.needs import require_tool
from support.programs import PATIENCE_SECONDS, Running, started

_T = TypeVar("_T")


class Prometheus:
    """A running server, asked over its HTTP API."""

    def __init__(self, url: str, program: Running) -> None:
        self.url = url
        self.program = program
        self._session = requests.Session()
        self._session.trust_env = False

    def get(self, path: str, **parameters: Any) -> Any:
        """The data of an API call; AssertionError with Prometheus' own words when it refuses."""
        answer = self._session.get(
            f"{self.url}/api/v1/{path}", params=parameters, timeout=PATIENCE_SECONDS
        ).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str, at: float | None = None) -> list[tuple[dict[str, str], float]]:
        """The labels and values of an instant query, now or at a unix time."""
        when = {} if at is None else {"time": at}
        found = self.get("query", query=expression, **when)["result"]
        return [(row["metric"], float(row["value"][1])) for row in found]

    def series(self, selector: str) -> list[dict[str, str]]:
        """The labels of all series that a selector finds."""
        return [*self.get("series", **{"match[]": selector})]

    def targets(self) -> list[dict[str, Any]]:
        """What it scrapes."""
        return [*self.get("targets", state="active")["activeTargets"]]

    def wait_for(self, question: Callable[["Prometheus"], _T]) -> _T:
        """Ask until the answer is not empty, and return it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (answer := question(self)):
            assert time.monotonic() < deadline, self.program.lines[-20:]
            time.sleep(0.1)
        return answer


@contextmanager
def prometheus(
    configuration: dict[str, Any], folder: Path, *flags: str, command: str | None = None
) -> Iterator[Prometheus]:
    """Start a server with this configuration; its data is in the folder `data` there, and stays.

    `command`: another prometheus than the machine's own.
    """
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    arguments = [
        command or require_tool("prometheus"),
        f"--config.file={path}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.listen-address=127.0.0.1:0",
        *flags,
    ]
    with started(arguments) as program:
        port = program.find(r'msg="Listening on".* address=127\.0\.0\.1:(\d+)')[1]
        program.find("Server is ready to receive web requests")
        yield Prometheus(f"http://127.0.0.1:{port}", program)
