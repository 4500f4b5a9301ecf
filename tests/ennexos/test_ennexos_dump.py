"""A dump of ennexOS tells nobody's name, address, network or serial number, and can be replayed."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_replies import CHANNEL_IDS, JSON
from support.documented import Row, ennexos_parameters
from support.ennexos_fakes import (
    PASSWORD,
    PLANT,
    SELF,
    SERIAL,
    USER,
    EnnexosFake,
    nested,
    parameter,
    row,
)
from support.raw_devices import reply

from sma_exporter.ennexos.dump import REPLACED_SERIAL, REPLACED_TEXT, dump, redacted
from sma_exporter.ennexos.source import EnnexOSSettings, EnnexOSSource
from sma_exporter.simulator import ENNEXOS_MODELS, EnnexosSimulator, Switches, replayed
from sma_exporter.sma.deadline import Deadline
from sma_exporter.sma.exceptions import SmaAuthenticationException, SmaReadException

SECRET = "Villa Sonnenschein"
BEHIND = f"SD2P:0378-{SERIAL}"


def settings(device: Any, component: str = SELF, password: str = PASSWORD) -> EnnexOSSettings:
    return EnnexOSSettings(
        name="roof",
        url=device.url,
        username=USER,
        component=component,
        password=lambda: password,
        timeout=2.0,
    )


@pytest.fixture
def fake() -> Iterator[EnnexosFake]:
    with EnnexosFake(row("GridMs.TotW", 1200)) as device:
        device.devices[SELF] |= {"name": SECRET, "product": "STP X", "firmwareVersion": "3.6.R"}
        yield device


def live(**members: Any) -> dict[str, Any]:
    return {"measurements/live": [dict(row("GridMs.TotW", 5)) | members]}


def group(*parameters: Any) -> dict[str, Any]:
    return {"parameters/search": [{"componentId": SELF, "values": [*parameters]}]}


def shown(replies: Any) -> str:
    return json.dumps(redacted(replies))


# --- nothing private ---

PLACES: Mapping[str, Callable[[str], Any]] = {
    "member of system/info": lambda secret: {"system/info": {"name": secret}},
    "name of a member": lambda secret: {"system/info": {secret: 5}},
    "name of a device": lambda secret: {"plants/Plant:1/devices": [{"name": secret}]},
    "address": lambda secret: {"devices": {SELF: {"ipAddress": secret, "wifiIpAddress": secret}}},
    "link": lambda secret: {"devices": {SELF: {"_links": {"x": [secret], secret: secret}}}},
    "component": lambda secret: {"devices": {secret: {"deviceId": secret}}},
    "plant": lambda secret: {"devices": {SELF: {"plantId": secret}}},
    "state": lambda secret: {"devices": {SELF: {"state": secret, "clusterType": secret}}},
    "firmware": lambda secret: {"devices": {SELF: {"firmwareVersion": secret}}},
    "channel": lambda secret: live(channelId=secret),
    "end of a channel": lambda secret: live(channelId=f"Measurement.GridMs.{secret}"),
    "component of a channel": lambda secret: live(componentId=secret),
    "time": lambda secret: live(values=[{"time": secret, "value": 5}]),
    "value": lambda secret: live(values=[{"value": secret}]),
    "element": lambda secret: live(values=[{"values": [5, secret]}]),
    "values": lambda secret: live(values=secret),
    "object in a value": lambda secret: live(values=[{"value": {"value": {"x": secret}}}]),
    "deep": lambda secret: live(values=[[[[[[[[[[[[[[secret]]]]]]]]]]]]]]),
    "very deep": lambda secret: live(
        values=json.loads("[" * 900 + json.dumps(secret) + "]" * 900)
    ),
    "parameter": lambda secret: group(parameter("Inverter.WLim", secret)),
    "elements of a parameter": lambda secret: group(parameter("Inverter.WLim", [secret])),
    "limits": lambda secret: group(parameter("X", 5) | {"min": secret, "possibleValues": [secret]}),
    "network": lambda secret: group(parameter("Wl.Sec.Ssid", secret)),
    "networks": lambda secret: group(parameter("Wl.ExsNetw", [secret, secret])),
    "state of a parameter": lambda secret: group(parameter("X", 5) | {"state": secret}),
    "model": lambda secret: group(parameter("Nameplate.ModelStr", f"<{secret}>")),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "secret", [SECRET, "192.168.1.17", "3010000001", "AA:BB:CC:00:11:22", "+49 561 9522-0"]
)
def test_a_secret_at_any_place_is_replaced(place: str, secret: str) -> None:
    described = {"plants/Plant:1/devices": [{"deviceId": SELF, "serial": SERIAL}]}
    text = shown({**described, **PLACES[place](secret)})
    assert secret not in text


@given(channel=CHANNEL_IDS, value=JSON, names=st.lists(st.text(max_size=4), max_size=2))
def test_a_secret_in_any_json_is_replaced(channel: str, value: Any, names: list[str]) -> None:
    entry: dict[str, Any] = {
        "channelId": channel,
        "componentId": SELF,
        "values": [value, SECRET, {SECRET: value}],
    }
    entry |= {name: [SECRET, value] for name in names}
    assert SECRET not in json.dumps(redacted({"measurements/live": [entry]}), allow_nan=False)


@pytest.mark.parametrize(
    "text",
    [SERIAL, int(SERIAL), float(SERIAL), SERIAL[-5:], SERIAL[-8:], int(SERIAL[-9:]), -int(SERIAL)],
    ids=repr,
)
def test_a_serial_number_and_its_end_show_nowhere(text: Any) -> None:
    described = {"devices": {SELF: {"deviceId": SELF, "serial": SERIAL}}}
    for replies in (
        live(values=[{"value": text}]),
        live(values=[{"values": [text]}]),
        live(channelId=f"Measurement.X{text}"),
        live(componentId=f"SD2P:0378-{text}"),
        {"system/info": {"productTagId": text}},
        {"system/info": {f"n{text}": 5}},
        group(parameter("X", text)),
        {"plants/Plant:1/devices": [{"product": f"STP {text}"}]},
    ):
        found = redacted(described | replies)
        left = json.dumps(found).replace(REPLACED_SERIAL, "").replace("0000-0000", "")
        assert str(text).strip("-").removesuffix(".0") not in left


def test_a_component_is_masked_alike_everywhere() -> None:
    found = redacted(
        {
            "plants/Plant:1/devices": [{"deviceId": SELF}, {"deviceId": BEHIND}],
            "devices": {BEHIND: {"deviceId": BEHIND, "serial": SERIAL}},
            **live(componentId=BEHIND),
        }
    )
    (masked,) = found["devices"]
    assert masked.startswith("SD2P:")
    assert SERIAL not in masked
    names = {
        found["plants/Plant:1/devices"][1]["deviceId"],
        found["devices"][masked]["deviceId"],
        found["measurements/live"][0]["componentId"],
    }
    assert names == {masked}
    assert found["plants/Plant:1/devices"][0]["deviceId"] == SELF


@pytest.mark.parametrize("value", ["1234", 1234, 12.5, "x", ["x", "12"], [12], {"value": 1234}])
def test_whatever_a_private_parameter_holds_is_replaced(value: Any, shared: Any) -> None:
    private = [each for each in ennexos_parameters(shared) if each["private"] == "y"]
    assert len(private) > 20
    for each in private:
        name = each["channel"].removeprefix("Parameter.").removesuffix("[]")
        (found,) = redacted(group(parameter(name, value)))["parameters/search"][0]["values"]
        text = json.dumps([found.get("value"), found.get("values")])
        assert re.fullmatch(r"[\[\]{}, :]*", re.sub(r'null|"value"|"\(text\)"', "", text)), text


def test_what_the_device_has_masked_itself_stays() -> None:
    (found,) = redacted(group(parameter("Wl.Sec.Psk", "****")))["parameters/search"][0]["values"]
    assert found["value"] == "****"


def test_of_recorded_parameters_nothing_private_is_left(shared: Any) -> None:
    rows: list[Row] = ennexos_parameters(shared)
    private = {each["channel"] for each in rows if each["private"] == "y"}
    for name in ("stp-x15-parameters", "evc22-parameters-2022-12"):
        path = shared / "captures" / "ennexos" / f"{name}.json"
        recorded = json.loads(path.read_text("utf-8"))
        found = redacted({"parameters/search": recorded})["parameters/search"]
        (before,), (after,) = recorded, found
        assert len(before["values"]) == len(after["values"])
        for each, seen in zip(before["values"], after["values"], strict=True):
            assert each["channelId"] == seen["channelId"]
            if each["channelId"] in private:
                values = [seen.get("value"), *(seen.get("values") or [])]
                assert {*values} <= {None, "", "****", REPLACED_TEXT}


def test_numbers_tags_and_names_of_channels_stay() -> None:
    replies = {
        **live(values=[{"time": "2025-06-14T11:00:00.000Z", "values": [1.5, "NaN", 307, None]}]),
        **group(parameter("Inverter.WLim", "15000"), parameter("Nameplate.ModelStr", "STP X 15")),
        "system/info": {"productFriendlyNameTagId": 9491},
    }
    assert redacted(replies) == replies


def test_numbers_that_json_has_no_word_for_are_no_value() -> None:
    found = redacted(live(values=[{"value": float("inf")}, {"value": 10**400}, {"value": True}]))
    values = [each["value"] for each in found["measurements/live"][0]["values"]]
    assert values == [None, None, True]


# --- the document ---


def test_a_dump_names_no_address_and_no_user(fake: EnnexosFake) -> None:
    fake.answers["parameters/search"] = lambda _: reply(b"", 403)
    fake.answers["plants/Plant:1/devices"] = lambda _: None
    found = dump(settings(fake))
    assert found["failed"] == {
        "plants/Plant:1/devices": "connection",
        "devices": "connection",
        "parameters/search": "protocol: err 403",
    }
    text = json.dumps(found)
    assert USER not in text
    assert "127.0.0.1" not in text
    assert PASSWORD not in text
    assert "access/" not in text
    assert found["measurements/live"] == fake.rows


def test_a_dump_says_which_model_and_nobodys_name(fake: EnnexosFake) -> None:
    found = dump(settings(fake))
    assert (found["protocol"], found["model"], found["firmware"]) == ("ennexos", "STP X", "3.6.R")
    assert found["failed"] == {}
    assert SECRET not in json.dumps(found)
    assert SERIAL not in json.dumps(found)
    assert fake.logouts == 1


def test_a_model_that_is_no_name_of_one_is_not_told(fake: EnnexosFake) -> None:
    fake.devices[SELF] |= {"product": f"<{SECRET}>", "firmwareVersion": SECRET}
    text = json.dumps(dump(settings(fake)))
    assert SECRET not in text


def test_a_wrong_password_is_an_error_and_no_document(fake: EnnexosFake) -> None:
    with pytest.raises(SmaAuthenticationException):
        dump(settings(fake, password="Wrong-1234"))
    assert fake.count("login") == 1


def test_a_dump_of_nothing_is_an_error(fake: EnnexosFake) -> None:
    for path in ("plants/Plant:1/devices", f"plants/Plant:1/devices/{SELF}", "measurements/live"):
        fake.answers[path] = lambda _: reply(nested(50_000))
    fake.answers["parameters/search"] = lambda _: reply(b"<html>")
    calls = iter(range(10))
    usual = fake.usual
    fake.answers["system/info"] = lambda call: usual(call) if next(calls) == 0 else reply(b"", 500)
    with pytest.raises(SmaReadException):
        dump(settings(fake))


@pytest.mark.parametrize("model", ENNEXOS_MODELS)
def test_a_dump_is_replayed_with_the_values_that_it_was_taken_from(model: str) -> None:
    switches = Switches(plain_http="serve")
    with EnnexosSimulator(model, clock=lambda: 1750503600.0, switches=switches) as simulator:
        document = json.loads(json.dumps(dump(settings(simulator))))
        again = simulated_values(simulator)
        assert f"{simulator.serial}" not in json.dumps(document)
        assert simulator.name not in json.dumps(document)
        assert simulator.sessions == 0

    with replayed(document) as replay:
        assert simulated_values(replay) == again
    assert PLANT in {each["componentId"] for each in document["measurements/live"]}


def simulated_values(simulator: Any) -> Any:
    """What the exporter would show of a device, but who it is."""
    source = EnnexOSSource(settings(simulator))
    *_, last = source.read(Deadline.after(10), (), identify=False)
    source.release(Deadline.after(2))
    return {name: value for name, value in last.readings.items() if name != "meter_serial"}
