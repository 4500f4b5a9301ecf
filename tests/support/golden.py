"""One exposition a simulated model, as it should be: `python tests/support/golden.py` writes them anew.

Read the difference before it is committed: these names and values are what users build on.
"""

from datetime import UTC, datetime
from pathlib import Path

from sma_exporter import config
from sma_exporter.devices.device import Device
from sma_exporter.metrics.collector import DeviceCollector
from sma_exporter.metrics.exposition import exposition
from sma_exporter.simulator import MODELS, Simulator
from sma_exporter.sma.deadline import Deadline

FOLDER = Path(__file__).parents[1] / "golden"

NOON = datetime(2026, 6, 21, 11, 0, tzinfo=UTC).timestamp()
MIDNIGHT = datetime(2026, 6, 21, 23, 0, tzinfo=UTC).timestamp()

#: File name -> model, moment, and what else is particular about the device.
CASES: dict[str, tuple[str, float, dict[str, bool]]] = {
    **{model: (model, NOON, {}) for model in MODELS},
    "sb-3.6-night": ("sb-3.6", MIDNIGHT, {}),
    "stp-10-se-night": ("stp-10-se", MIDNIGHT, {}),
    "stp-10-se-without-battery-and-meter": ("stp-10-se", NOON, {"battery": False, "meter": False}),
}

_VOLATILE = ("sma_scrape_duration_seconds", "sma_last_successful_scrape_timestamp_seconds")


def shown(case: str) -> str:
    """Return what the exporter shows of a simulated device, without what differs from run to run."""
    model, moment, options = CASES[case]
    with Simulator(model, clock=lambda: moment, **options) as simulator:  # type: ignore[arg-type]
        settings = config.DeviceSettings(
            name="roof", url=simulator.url, password=config.Secret("Sunny-9876"), group="installer"
        )
        device = Device(settings)
        collector = DeviceCollector([device], Deadline.after(30))
        text = exposition([collector], accept="").text
        device.close(Deadline.after(10))
    lines = (line for line in text.splitlines() if not any(name in line for name in _VOLATILE))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for name in CASES:
        (FOLDER / f"{name}.prom").write_text(shown(name), encoding="utf-8")
