"""Replayed recordings."""

import json
from pathlib import Path
from typing import Any

import pytest
from support import simulated_webconnect
from support.simulated_webconnect import Connect, vals

from sma_exporter.simulator import replay_profile

connect = simulated_webconnect.connect

UID = "0199-xxxxx001"


def document(**members: object) -> dict[str, object]:
    reply = {"result": {UID: {"6100_40263F00": {"1": [{"val": 5}]}}}}
    return {"model": "test", "getAllOnlValues": reply, "getAllParamValues": reply, **members}


@pytest.mark.parametrize("name", ["sb-1.5", "sb-3.6", "stp-10.0-se", "stp-10.0-se-energy-meter"])
def test_replayed_recordings(connect: Connect, shared: Path, name: str) -> None:
    recorded = json.loads((shared / "captures" / f"{name}.json").read_text())
    client = connect(replay_profile(recorded))
    sid = client.sid()
    for call in ("getAllOnlValues", "getAllParamValues"):
        assert client.ask(call, sid=sid) == recorded[call]
    ((uid, online),) = recorded["getAllOnlValues"]["result"].items()
    (parameters,) = recorded["getAllParamValues"]["result"].values()
    union = {**online, **parameters}
    reply = client.ask("getValues", {"destDev": [], "keys": [*union, "6100_FFFFFF00"]}, sid)
    assert reply["result"] == {uid: union}
    assert vals(parameters["6800_00A21E00"]) == [client.simulator.serial]
    (dash,) = client.ask("getDashValues")["result"].values()
    assert set() < set(dash) < set(union)


def test_a_recording_with_everything(connect: Connect) -> None:
    dash = {"result": {UID: {"6400_00260100": {"1": [{"val": 7}]}}}}
    loggers = {"result": {UID: {"7000": {"1": [{"t": 300, "v": 1}]}}}}
    log = [{"t": 300, "v": 1}, {"t": 600, "v": None}, {"t": 900, "v": 3}]
    recorded = document(getDashValues=dash, getDashLogger=loggers, getLogger={"28672": log})
    client = connect(replay_profile(recorded))
    assert client.ask("getDashValues") == dash
    assert client.ask("getDashLogger") == loggers
    assert client.log(28672, 300, 600) == log[:2]
    assert client.log(28704, 300, 600) == {}


def test_a_recording_of_several_devices_behind_one_address(connect: Connect) -> None:
    power, name = {"6100_40263F00": {"1": [{"val": 5}]}}, {"6800_10821E00": {"1": [{"val": "x"}]}}
    online = {"result": {"0199-xxxxx000": power, "0199-xxxxx001": {}}}
    parameters = {"result": {"0199-xxxxx000": {}, "0199-xxxxx001": name}}
    client = connect(replay_profile(document(getAllOnlValues=online, getAllParamValues=parameters)))
    sid = client.sid()

    assert client.ask("getAllOnlValues", sid=sid) == online
    assert client.ask("getAllParamValues", sid=sid) == parameters
    both = client.ask("getValues", {"destDev": [], "keys": [*power, *name]}, sid)
    assert both == {"result": {"0199-xxxxx000": power, "0199-xxxxx001": name}}


@pytest.mark.parametrize("call", ["getAllOnlValues", "getAllParamValues", "getDashValues"])
def test_a_recording_of_one_call(connect: Connect, call: str) -> None:
    """The others have failed."""
    reply = document()["getAllOnlValues"]
    client = connect(replay_profile({"model": "test", "failed": {"x": "timeout"}, call: reply}))

    assert client.ask(call, sid=client.sid()) == reply


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        document(getAllOnlValues={"err": 401}),
        {"model": "test", "failed": {"getAllOnlValues": "timeout"}},
        document(getAllParamValues={"result": [{}]}),
        document(getAllParamValues={"result": {"a": []}}),
        document(getLogger=[]),
        document(getLogger={"28672": {}}),
        document(getLogger={"7000h": []}),
        document(getLogger={"28672": [{"t": 1}]}),
    ],
)
def test_documents_that_are_no_recording(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"\w+ .*\w+"):
        replay_profile(wrong)
