"""`sma_exporter dump`: nothing in it tells whose device it is, and it can be replayed."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sma_exporter import config
from sma_exporter.cli.dump import dump
from sma_exporter.simulator import MODELS, PASSWORD, Simulator, faults, replay_profile
from sma_exporter.webconnect import SmaException, decode
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
