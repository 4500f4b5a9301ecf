"""`sma_exporter dump`: nothing in it tells whose device it is, and it can be replayed."""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.raw_devices import Answer, WebConnectFake, reply

from sma_exporter import config
from sma_exporter.cli.dump import dump, run
from sma_exporter.cli.flags import parser
from sma_exporter.simulator import MODELS, PASSWORD, Simulator, faults, replay_profile
from sma_exporter.webconnect import SMA, SmaException, decode, make_session
from sma_exporter.webconnect.dump import REPLACED_SERIAL, REPLACED_TEXT, redacted

CAPTURES = ("sb-3.6", "sb-1.5", "stp-10.0-se", "stp-10.0-se-energy-meter")


def settings(simulator: Simulator, password: str | None = PASSWORD) -> config.DeviceSettings:
    secret = None if password is None else config.Secret(password)
    return config.DeviceSettings(name="roof", url=simulator.url, password=secret)


def leaves(document: Any) -> Iterator[object]:
    if isinstance(document, dict):
        for member in document.values():
            yield from leaves(member)
    elif isinstance(document, list):
        for member in document:
            yield from leaves(member)
    else:
        yield document


@pytest.mark.parametrize("model", MODELS)
def test_serial_name_and_addresses_never_show(
    simulate: Callable[..., Simulator], model: str
) -> None:
    simulator = simulate(model, serial=3001234567, name="Villa Sonnenschein", masked=False)

    text = json.dumps(dump(settings(simulator)))

    assert "3001234567" not in text
    assert f"{3001234567:X}" not in text.upper()
    assert "Sonnenschein" not in text
    assert "192.0.2" not in text
    assert PASSWORD not in text
    assert simulator.sessions == 0


@pytest.mark.parametrize("model", MODELS)
def test_a_dump_is_replayed_with_the_values_that_it_was_taken_from(
    simulate: Callable[..., Simulator], model: str
) -> None:
    simulator = simulate(model, clock=lambda: 1750503600.0)
    document = json.loads(json.dumps(dump(settings(simulator))))

    replayed = Simulator(replay_profile(document))

    assert numbers(replayed.online_values()) == numbers(simulator.online_values())


def numbers(reply: Any) -> dict[str, object]:
    (values,) = reply["result"].values()
    return {n: v for n, v in decode(values).items() if not isinstance(v, str)}


@pytest.mark.parametrize("capture", CAPTURES)
def test_no_text_and_no_serial_of_a_recording_is_left(shared: Path, capture: str) -> None:
    recorded = json.loads((shared / "captures" / f"{capture}.json").read_text(encoding="utf-8"))
    replies = {name: recorded[name] for name in ("getAllOnlValues", "getAllParamValues")}
    (parameters,) = replies["getAllParamValues"]["result"].values()
    serial = decode(parameters)["serial_number"]

    found = redacted(replies)

    assert {leaf for leaf in leaves(found) if isinstance(leaf, str)} <= {"", REPLACED_TEXT}
    assert str(serial) not in json.dumps(found)
    assert all(uid.endswith("-xxxxx000") for reply in found.values() for uid in reply["result"])
    assert "6800_10841E00" not in json.dumps(found)


def test_parts_of_a_serial_number_are_replaced_wherever_they_stand() -> None:
    values = {
        "6800_00A21E00": {"1": [{"val": 1930023194}]},
        "6802_00B12900": {"1": [{"val": 23194}]},
        "6400_00260100": {"1": [{"val": 23195}]},
    }

    found = redacted({"getAllOnlValues": {"result": {"0199-B32F8CCE": values}}})

    (kept,) = found["getAllOnlValues"]["result"].values()
    assert kept == {
        "6800_00A21E00": {"1": [{"val": REPLACED_SERIAL}]},
        "6802_00B12900": {"1": [{"val": REPLACED_SERIAL}]},
        "6400_00260100": {"1": [{"val": 23195}]},
    }


def test_a_call_that_the_device_refuses_is_named(simulate: Callable[..., Simulator]) -> None:
    simulator = simulate("sb-3.6")
    simulator.faults.add(faults.Fault(faults.error(404), path="getAllParamValues"))

    document = dump(settings(simulator))

    assert "404" in document["failed"]["getAllParamValues"]
    assert "getAllOnlValues" in document


POWER, SERIAL = "6100_40263F00", "6800_00A21E00"
VALUES: dict[str, Any] = {
    POWER: {"1": [{"val": 1840}]},
    SERIAL: {"1": [{"val": 3_001_234_567.0}]},
}

FAILURES: Mapping[str, tuple[Answer, str]] = {
    "err": (lambda _: reply({"err": 404}), "protocol: err 404"),
    "status": (lambda _: reply(b"<html>", 500), "protocol: err 500"),
    "serial as err": (lambda _: reply({"err": 3_001_234_567}), "protocol"),
    "no JSON": (lambda _: reply(b'{"result":'), "protocol"),
    "empty": (lambda _: reply(b""), "protocol"),
    "page": (lambda _: reply(b"<html></html>"), "unsupported"),
    "dropped": (lambda _: None, "connection"),
    "redirected": (lambda _: reply(b"", 302, "Location: https://villa.example/x"), "connection"),
    "cut": (lambda _: b"HTTP/1.1 200 X\r\nContent-Length: 99\r\n\r\n{", "timeout"),
    "hung": (lambda _: b"", "timeout"),
}  # fmt: skip


def fake_settings(fake: WebConnectFake, **keys: Any) -> config.DeviceSettings:
    secret = config.Secret(fake.password)
    return config.DeviceSettings(name="roof", url=fake.url, password=secret, timeout=0.5, **keys)


@pytest.mark.parametrize("call", ["getAllOnlValues", "getAllParamValues", "getDashLogger"])
@pytest.mark.parametrize("case", FAILURES)
def test_a_call_that_fails_in_any_way_costs_only_itself(case: str, call: str) -> None:
    """Home Assistant core 125346."""
    answer, reason = FAILURES[case]
    with WebConnectFake(VALUES) as fake:
        fake.answers[call] = answer
        document = dump(fake_settings(fake))

    assert document["failed"] == {call: reason}
    calls = {"getAllOnlValues", "getAllParamValues", "getDashValues", "getDashLogger"}
    assert calls & document.keys() == calls - {call}
    assert not fake.sessions
    text = json.dumps(document)
    assert "villa" not in text
    assert "127.0.0.1" not in text
    assert "3001234567" not in text
    replay_profile(json.loads(text))


def arguments(url: str) -> argparse.Namespace:
    return parser().parse_args(["dump", f"--sma.url={url}"])


def test_a_dump_of_some_calls_is_a_success(capsys: pytest.CaptureFixture[str]) -> None:
    with WebConnectFake(VALUES) as fake:
        fake.answers["getAllParamValues"] = lambda _: None
        code = run(arguments(fake.url), {"SMA_PASSWORD": fake.password})

    assert code == 0
    assert json.loads(capsys.readouterr().out)["failed"] == {"getAllParamValues": "connection"}


def test_a_dump_of_no_call_is_a_failure_in_the_exporters_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with WebConnectFake(VALUES) as fake:
        names = ("getAllOnlValues", "getAllParamValues", "getDashValues", "getDashLogger")
        fake.answers = dict.fromkeys(names, lambda _: reply({"err": 500}))
        code = run(arguments(fake.url), {"SMA_PASSWORD": fake.password})

    assert code == 1
    assert "the device answered getAllOnlValues with err 500" in capsys.readouterr().err


def test_a_refused_login_is_a_failure_although_the_dashboard_is_open(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with WebConnectFake(VALUES) as fake:
        code = run(arguments(fake.url), {"SMA_PASSWORD": "Wrong-1234"})

    assert code == 1
    assert "the password was refused" in capsys.readouterr().err
    assert fake.names().count("login") == 1


def test_two_members_stay_two_and_can_be_replayed(simulate: Callable[..., Simulator]) -> None:
    members = {
        "0199-xxxxx385": {POWER: {"1": [{"val": 1}]}},
        "0199-xxxxx386": {POWER: {"1": [{"val": 2}]}},
    }
    with WebConnectFake({}) as fake:
        calls = ("getAllOnlValues", "getAllParamValues", "getDashValues")
        fake.answers = dict.fromkeys(calls, lambda _: reply({"result": members}))
        # The other way round, as a device may send them.
        turned = dict(reversed(members.items()))
        fake.answers["getDashValues"] = lambda _: reply({"result": turned})
        document = json.loads(json.dumps(dump(fake_settings(fake))))

    masked = {
        "0199-xxxxx000": {POWER: {"1": [{"val": 1}]}},
        "0199-xxxxx001": {POWER: {"1": [{"val": 2}]}},
    }
    for call in calls:
        assert document[call] == {"result": masked}
    replayed = simulate(replay_profile(document))
    with make_session() as http, SMA(http, replayed.url, PASSWORD) as client:
        assert client.reply("getAllOnlValues", {"destDev": []}) == {"result": masked}


def test_the_model_is_told_although_its_numbers_are_floats() -> None:
    values = {**VALUES, "6800_08822000": {"1": [{"val": [{"tag": 9402.0}]}]}}
    with WebConnectFake({**values, "6800_00823400": {"1": [{"val": 50_466_052.0}]}}) as fake:
        document = dump(fake_settings(fake))

    assert (document["model"], document["firmware"]) == ("Sunny Boy 3.6", "3.2.13.R")


def test_without_a_password_the_public_values_are_taken(
    simulate: Callable[..., Simulator],
) -> None:
    simulator = simulate("sb-3.6")

    document = dump(settings(simulator, None))

    assert "getDashValues" in document
    assert "getAllOnlValues" not in document
    assert simulator.logins == 0


def test_a_device_that_does_not_answer_is_an_error(simulate: Callable[..., Simulator]) -> None:
    simulator = simulate("sb-3.6")
    refused = settings(simulator)
    simulator.stop()

    with pytest.raises(SmaException, match="refuses"):
        dump(refused)
