"""The page for people with devices that have ennexOS."""

import re
from collections.abc import Sequence

import pytest
from support.devices import NIGHT, NOON

from sma_exporter import config
from sma_exporter.devices.fleet import Fleet
from sma_exporter.metrics.collector import DeviceCollector
from sma_exporter.metrics.exposition import exposition
from sma_exporter.simulator import EnnexosSimulator, Switches
from sma_exporter.sma.deadline import Deadline
from sma_exporter.web.page import render

#: A Data Manager and three devices behind it.
MANAGED = {
    "manager": "IGULD:SELF",
    "roof": "SD2P:0378-3036644594",
    "grid": "SD2P:0349-3037461517",
    "shed": "SD2P:0303-3023950529",
}


def rows(
    simulator: EnnexosSimulator, components: dict[str, str], protocol: str = "ennexos"
) -> dict[str, str]:
    """Scrape devices once, and return the section of each on the page."""
    account = simulator.credentials
    devices: Sequence[config.DeviceSettings] = [
        config.DeviceSettings(
            name=name,
            url=simulator.url,
            protocol=protocol,
            session="keep",
            password=config.Secret(account["password"]),
            options={"username": account["username"], "component": component},
        )
        for name, component in components.items()
    ]
    fleet = Fleet(config.Config(tuple(devices)))
    exposition([DeviceCollector(fleet.devices, Deadline.after(30))], accept="")
    page = render([device.last() for device in fleet.devices], "1.2.3", "/metrics", 0.0)
    assert simulator.sessions == simulator.most_sessions_in_use == 1
    fleet.close()
    assert simulator.sessions == 0
    sections = re.findall(r"<section>\n<h2>(\w+) (.*?)</section>", page, re.DOTALL)
    return dict(sections)


@pytest.mark.parametrize("protocol", ["ennexos", ""], ids=["named", "found out"])
@pytest.mark.parametrize("now", [NOON, NIGHT], ids=["noon", "night"])
def test_each_device_behind_a_data_manager_is_a_row_and_all_share_a_session(
    now: float, protocol: str
) -> None:
    """From the first scrape on, also where each of them finds out the protocol by itself."""
    switches = Switches(plain_http="serve")
    with EnnexosSimulator("data-manager", clock=lambda: now, switches=switches) as simulator:
        shown = rows(simulator, MANAGED, protocol)

    is_up = {name: '<span class="up">up</span>' in row for name, row in shown.items()}
    assert is_up == {"manager": True, "roof": True, "grid": True, "shed": now == NOON}
    assert "EDMM-10" in shown["manager"]
    assert "STP10.0-3AV-40" in shown["roof"]
    assert "AC power" in shown["roof"]
    assert "AC power" not in shown["grid"]
    assert "From the grid" in shown["grid"]
    if now == NIGHT:
        assert "it is off, or it is not there any more" in shown["shed"]


def test_a_charging_station_shows_what_it_charges() -> None:
    switches = Switches(plain_http="serve")
    with EnnexosSimulator("evc-22", clock=lambda: NOON, switches=switches) as simulator:
        (row,) = rows(simulator, {"carport": "IGULD:SELF"}).values()

    assert "<dt>Vehicles</dt>" in row
    assert "<dt>Charged in total</dt>" in row
