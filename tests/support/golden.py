"""One exposition a simulated model, as it should be: `python tests/support/golden.py` writes them anew.

Read the difference before it is committed: these names and values are what users build on.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sma_exporter import config
from sma_exporter.devices.fleet import Fleet
from sma_exporter.ennexos.client import SELF, EnnexOS
from sma_exporter.metrics.collector import DeviceCollector
from sma_exporter.metrics.exposition import exposition
from sma_exporter.simulator import (
    ENNEXOS_MODELS,
    MODELS,
    EnnexosSimulator,
    Simulator,
    Switches,
)
from sma_exporter.simulator.ennexos.simulator import ADMINISTRATOR_NAME, ADMINISTRATOR_PASSWORD
from sma_exporter.sma.connections import make_session
from sma_exporter.sma.deadline import Deadline

FOLDER = Path(__file__).parents[1] / "golden"

NOON = datetime(2026, 6, 21, 11, 0, tzinfo=UTC).timestamp()
MIDNIGHT = datetime(2026, 6, 21, 23, 0, tzinfo=UTC).timestamp()

#: File name -> model, moment, and what else is particular about the device.
CASES: dict[str, tuple[str, float, dict[str, bool]]] = {
    **{model: (model, NOON, {}) for model in (*MODELS, *ENNEXOS_MODELS)},
    "sb-3.6-night": ("sb-3.6", MIDNIGHT, {}),
    "stp-10-se-night": ("stp-10-se", MIDNIGHT, {}),
    "stp-x-15-night": ("stp-x-15", MIDNIGHT, {}),
    "stp-10-se-without-battery-and-meter": ("stp-10-se", NOON, {"battery": False, "meter": False}),
}

_VOLATILE = ("sma_scrape_duration_seconds", "sma_last_successful_scrape_timestamp_seconds")


def shown(case: str) -> str:
    """Return what the exporter shows of a simulated device, without what differs from run to run.

    And of those behind it, if there are any.
    """
    model, moment, options = CASES[case]
    if model in MODELS:
        with Simulator(model, clock=lambda: moment, **options) as simulator:  # type: ignore[arg-type]
            text = _exposition([_webconnect(simulator)])
    else:
        switches = Switches(plain_http="serve")
        with EnnexosSimulator(model, clock=lambda: moment, switches=switches) as ennexos:
            text = _exposition([*_ennexos(ennexos)])
    lines = (line for line in text.splitlines() if not any(name in line for name in _VOLATILE))
    return "\n".join(lines) + "\n"


def _exposition(devices: Iterable[config.DeviceSettings]) -> str:
    settings = tuple(replace(device, min_interval=60.0) for device in devices)
    fleet = Fleet(config.Config(settings))
    for device in fleet.devices:  # one after the other: the first one logs in
        device.finish(device.begin(), Deadline.after(30))
    collector = DeviceCollector(fleet.devices, Deadline.after(30))
    text = exposition([collector], accept="").text
    fleet.close()
    return text


def _webconnect(simulator: Simulator) -> config.DeviceSettings:
    return config.DeviceSettings(
        name="roof", url=simulator.url, password=config.Secret("Sunny-9876"), group="installer"
    )


def _ennexos(simulator: EnnexosSimulator) -> Iterator[config.DeviceSettings]:
    account = (ADMINISTRATOR_NAME, ADMINISTRATOR_PASSWORD)
    with make_session() as session, EnnexOS(session, simulator.url, *account) as client:
        behind = [str(each["deviceId"]) for each in client.devices()]
    for component in dict.fromkeys([SELF, *behind]):
        yield config.DeviceSettings(
            name="roof" if component == SELF else component,
            url=simulator.url,
            protocol="ennexos",
            session="keep",
            password=config.Secret(ADMINISTRATOR_PASSWORD),
            options={"username": ADMINISTRATOR_NAME, "component": component},
        )


if __name__ == "__main__":
    for name in CASES:
        (FOLDER / f"{name}.prom").write_text(shown(name), encoding="utf-8")
