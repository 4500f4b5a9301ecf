"""Replayed recordings of devices with ennexOS."""

import json
from pathlib import Path
from typing import Any

import pytest
from support import simulated_ennexos
from support.simulated_ennexos import SELF, Meet

from sma_exporter.simulator import EnnexosSimulator, replayed
from sma_exporter.simulator.ennexos.replay import replay_profile

meet = simulated_ennexos.meet

LIVE = [
    {"channelId": "Measurement.GridMs.TotW", "componentId": SELF, "values": [{"value": "NaN"}]},
    {"channelId": "Measurement.Operation.Health", "componentId": "Plant:1", "values": []},
]
PARAMETERS = [{"componentId": SELF, "values": [{"channelId": "Parameter.Nameplate.SerNum"}]}]


def document(**members: object) -> dict[str, object]:
    return {
        "protocol": "ennexos",
        "model": "Sunny Something",
        "firmware": "9.9",
        "failed": {},
        "system/info": {"productFriendlyNameTagId": 9491},
        "plants/Plant:1/devices": [{"deviceId": SELF}, {"deviceId": "SD2P:0001-1"}],
        "devices": {SELF: {"deviceId": SELF, "serial": "1"}},
        "measurements/live": LIVE,
        "parameters/search": PARAMETERS,
        **members,
    }


def test_what_was_recorded_is_answered(meet: Meet) -> None:
    recorded: Any = document()
    client = meet(replay_profile(recorded))
    assert client.request("GET", "system/info").json() == recorded["system/info"]
    listed = client.request("GET", "plants/Plant:1/devices").json()
    assert listed == recorded["plants/Plant:1/devices"]
    about = client.request("GET", f"plants/Plant:1/devices/{SELF}").json()
    assert about == recorded["devices"][SELF]
    assert client.request("GET", "plants/Plant:1/devices/SD2P:0001-1").status_code == 404
    assert client.live({"componentId": SELF}, {"componentId": "Plant:1"}).json() == LIVE
    assert client.parameters() == {"Nameplate.SerNum": PARAMETERS[0]["values"][0]}
    assert client.live({"componentId": "SD2P:0001-1"}).json() == []
    client.switch(unknown_component="404")
    assert client.live({"componentId": "SD2P:0001-1"}).status_code == 200
    assert client.live({"componentId": "SD2P:0001-2"}).status_code == 404
    query = ("GridMs.TotW", "OneDay", "2025-06-13T22:00Z", "2025-06-14T22:00Z")
    assert client.history(*query).json() == []


def test_calls_that_failed_are_missing(meet: Meet) -> None:
    failed = ("system/info", "plants/Plant:1/devices", "devices", "parameters/search")
    recorded = {name: reply for name, reply in document().items() if name not in failed}
    client = meet(replay_profile(recorded))
    for path in ("system/info", "plants/Plant:1/devices", f"plants/Plant:1/devices/{SELF}"):
        assert client.request("GET", path).status_code == 404
    body = {"queryItems": [{"componentId": SELF}]}
    assert client.request("POST", "parameters/search", json=body).json() == []
    assert client.live().json() == LIVE[:1]


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        document(protocol="other"),
        document(**{"measurements/live": None}),
        document(**{"measurements/live": {}}),
        document(**{"measurements/live": [{"channelId": "a"}]}),
        document(**{"system/info": []}),
        document(devices=[]),
        document(devices={SELF: 1}),
        document(**{"parameters/search": [1]}),
        document(**{"plants/Plant:1/devices": [{}]}),
    ],
)
def test_what_is_no_recording_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"recording|is not"):
        replay_profile(wrong)


def test_a_recording_names_its_protocol() -> None:
    assert isinstance(replayed(document()), EnnexosSimulator)
    with pytest.raises(ValueError, match="getAllOnlValues"):
        replayed({"model": "test"})


def test_real_replies(meet: Meet, shared: Path) -> None:
    folder = shared / "captures" / "ennexos"
    live, parameters, about = (
        json.loads((folder / f"stp-x15-{name}.json").read_text(encoding="utf-8"))
        for name in ("measurements", "parameters", "deviceinfo")
    )
    recorded = {
        "protocol": "ennexos",
        "plants/Plant:1/devices": [about],
        "devices": {SELF: about},
        "measurements/live": live,
        "parameters/search": parameters,
    }
    client = meet(replay_profile(recorded))
    assert client.live().json() == live
    assert len(client.parameters()) == len(parameters[0]["values"])
