"""A backfill of readings of every five minutes, beside the time that the simulated device needs itself."""

import subprocess
import tempfile
import time
from pathlib import Path

from sma_exporter.simulator import PASSWORD

from .processes import module, started
from .scrapes import WrongAnswerError

#: The last day of the span; simulated devices remember more than ten years before it.
LAST = "2024-12-31"


def seconds(years: int) -> tuple[float, float]:
    """Return the seconds that a backfill of so many years takes, and the simulated device's own (of CPU)."""
    simulator = module("sma_exporter", "simulate", "--model", "sb-3.6")
    with started(simulator, r"url: (\S+)") as device, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "past.om"
        span = [f"--from={2025 - years}-01-01", f"--to={LAST}", "--interval=5m"]
        before, start = device.cpu, time.perf_counter()
        subprocess.run(
            module("sma_exporter", "backfill", f"--sma.url={device.said}", *span, f"-o={path}"),
            check=True,
            env={"SMA_PASSWORD": PASSWORD, "TZ": "Europe/Berlin"},
            stderr=subprocess.DEVNULL,
        )
        wall, own = time.perf_counter() - start, device.cpu - before
        with path.open("rb") as file:
            lines = sum(1 for _ in file)
    if lines < years * 365 * 288:  # one series at the least, by day and by night
        raise WrongAnswerError(f"{lines} lines of {years} years")
    return wall, own
