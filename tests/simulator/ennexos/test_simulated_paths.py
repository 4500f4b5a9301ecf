"""Paths and lists of simulated devices with ennexOS, over real HTTP."""

from typing import Any

import pytest
import requests
from support import simulated_ennexos
from support.simulated_ennexos import PLANT, SELF, Meet

meet = simulated_ennexos.meet


@pytest.mark.parametrize(
    ("model", "tag"),
    [("stp-x-15", 9491), ("sb-smart-energy", 19130), ("data-manager", 9397), ("evc-22", 9484)],
)
def test_the_product_is_told_without_a_login(meet: Meet, model: str, tag: int) -> None:
    client = meet(model, user=None)
    for path in ("system/info", "system/info/"):
        info = client.request("GET", path).json()
        assert (info["productFriendlyNameTagId"], info["productTagId"]) == (tag, tag)


def test_what_is_no_api_is_html_or_missing(meet: Meet) -> None:
    client = meet(user=None)
    url = client.simulator.url
    for response in (
        requests.get(url, timeout=10),
        requests.get(url + "/webui/", timeout=10),
        requests.post(url + "/dyn/login.json", json={"right": "usr"}, timeout=10),
    ):
        assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html")
        assert 'type="module"' in response.text
    assert requests.get(url + "/data/l10n/en-US.json", timeout=10).status_code == 404


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_slash_at_the_end_makes_no_difference(meet: Meet, slash: str) -> None:
    client = meet("stp-x-15")
    query = {"queryItems": [{"componentId": SELF}]}
    for method, path, body in (
        ("GET", f"plants/{PLANT}", None),
        ("GET", f"plants/{PLANT}/devices", None),
        ("GET", f"plants/{PLANT}/devices/{SELF}", None),
        ("GET", "navigation", None),
        ("POST", "measurements/live", [{"componentId": SELF}]),
        ("POST", "parameters/search", query),
    ):
        response = client.request(method, path + slash, json=body)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "application/json"
        assert response.json()


def test_an_unknown_path_or_method_is_404_and_asks_for_a_token_first(meet: Meet) -> None:
    client = meet()
    assert client.request("GET", "widgets/unknown").status_code == 404
    assert client.request("GET", "measurements/live").status_code == 404
    client.access = None
    assert client.request("GET", "widgets/unknown").status_code == 401


def test_the_origin_of_a_request_is_allowed(meet: Meet) -> None:
    client = meet(user=None)
    reply = client.request("GET", "system/info", headers={"Origin": "https://192.0.2.9"})
    assert reply.headers["Access-Control-Allow-Origin"] == "https://192.0.2.9"
    assert reply.headers["Access-Control-Allow-Credentials"] == "true"


def test_a_device_says_what_it_is(meet: Meet) -> None:
    client = meet("stp-x-15", serial=3_020_001_234, name="Barn")
    assert client.request("GET", f"plants/{PLANT}").json()["plantId"] == PLANT
    (listed,) = client.request("GET", f"plants/{PLANT}/devices").json()
    assert listed["deviceId"] == SELF
    about = client.request("GET", f"plants/{PLANT}/devices/{SELF}").json()
    assert about["serial"] == "3020001234"
    assert about["name"] == "Barn"
    assert (about["productTagId"], about["productGroupTagId"]) == (9491, 8001)
    assert (about["firmwareVersion"], about["generatorPower"]) == ("03.14.22.R", 15000)
    client.switch(firmware="old")
    about = client.request("GET", f"plants/{PLANT}/devices/{SELF}").json()
    assert about["firmwareVersion"] == "03.06.15.R"


def test_a_manager_lists_the_devices_behind_it(meet: Meet) -> None:
    client = meet("data-manager")
    listed = [each["deviceId"] for each in client.request("GET", f"plants/{PLANT}/devices").json()]
    assert listed[0] == SELF
    assert len(listed) == 4
    about: dict[str, Any] = {}
    for device in listed:
        response = client.request("GET", f"plants/{PLANT}/devices/{device}")
        about[device] = response.json() if response.status_code == 200 else response.status_code
    itself, inverter, meter, old = about.values()
    assert (itself["product"], inverter["productTagId"]) == ("EDMM-10", 9348)
    assert inverter["deviceId"] == f"SD2P:0378-{inverter['serial']}"
    assert meter["productTagId"] == 9307
    assert not {"firmwareVersion", "ipAddress", "generatorPower"} & set(meter)
    assert old == 404
    for device in listed[1:]:
        assert client.values(device)

    (root,) = client.request("GET", "navigation").json()
    assert (root["componentId"], root["componentType"]) == (PLANT, "Plant")
    below = client.request("GET", "navigation", params={"parentId": PLANT}).json()
    assert [each["componentId"] for each in below] == listed
    assert client.request("GET", "navigation?parentId=IGULD:SELF").json() == []


def test_a_query_may_name_several_components_and_single_channels(meet: Meet) -> None:
    client = meet("stp-x-15")
    reply = client.live({"componentId": PLANT}, {"componentId": SELF}).json()
    channels = [each["channelId"] for each in reply]
    assert channels == sorted(channels)
    assert {each["componentId"] for each in reply} == {SELF, PLANT}
    assert channels.count("Measurement.Operation.Health") == 2

    chosen = client.live(
        {"componentId": SELF, "channelId": "Measurement.DcMs.Watt[]"},
        {"componentId": SELF, "channelId": "Measurement.GridMs.TotW"},
        {"componentId": SELF, "channelId": "Measurement.No.Such"},
    ).json()
    assert [each["channelId"] for each in chosen] == [
        *("Measurement.DcMs.Watt[]", "Measurement.GridMs.TotW")
    ]


@pytest.mark.parametrize(("switch", "status"), [("empty", 200), ("400", 400), ("404", 404)])
def test_an_unknown_component_is_nothing_or_an_error(meet: Meet, switch: str, status: int) -> None:
    client = meet("stp-x-15")
    client.switch(unknown_component=switch)
    query = {"queryItems": [{"componentId": "SD2P:0001-1"}]}
    for path, body in (
        ("measurements/live", [{"componentId": "SD2P:0001-1"}]),
        ("parameters/search", query),
        ("measurements/search", query),
    ):
        response = client.request("POST", path, json=body)
        assert response.status_code == status
        if status == 200:
            assert response.json() == []
    assert client.request("GET", f"plants/{PLANT}/devices/SD2P:0001-1").status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"[1]", b'[{"componentId":5}]', b"null"])
def test_a_query_that_is_none_is_400(meet: Meet, body: bytes) -> None:
    client = meet()
    for path in ("measurements/live", "parameters/search", "measurements/search"):
        assert client.request("POST", path, data=body).status_code == 400
