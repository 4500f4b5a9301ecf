"""What real devices sent, decoded by the library, and once more here from the JSON and the documents."""

import json
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from support.documented import Row, ennexos_channels
from support.needs import require_path

from sma_exporter.ennexos.client import PLANT, SELF
from sma_exporter.ennexos.component import Description, Taken, channels, readings
from sma_exporter.ennexos.decode import parameters_of
from sma_exporter.metrics.families import DeviceReadings, families
from sma_exporter.sma.source import Identity, Readings
from sma_exporter.sma.tags import name, slug

#: A recording, and whether a charging station sent it.
RECORDINGS: Mapping[str, bool] = {
    "stp-x15-measurements": False,
    "evc22-measurements-plant-2022-12": True,
    "evc22-measurements-self-2023-01": True,
    "evc22-measurements-self-2024-09": True,
    "evc22-measurements-self-2024-11": True,
}

#: A family's name, and the values of its labels but the device.
Series = tuple[str, frozenset[str]]

Reply = list[dict[str, Any]]

SAYS_NOTHING = {302, 937, 973, 16_777_213}

#: Families of which a value is one of very many, so that its name is a label.
ONE_OF_MANY = {"sma_country_standard_info", "sma_grid_type_info"}


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return require_path(shared / "captures" / "ennexos", "the recordings of ennexOS")


@pytest.fixture(scope="module")
def documented(shared: Path) -> dict[str, Row]:
    return {row["channel"]: row for row in ennexos_channels(shared)}


def recorded(folder: Path, recording: str) -> Any:
    return json.loads((folder / f"{recording}.json").read_text("utf-8"))


# --- from the raw JSON ---


def elements(entry: Mapping[str, Any]) -> list[Any]:
    """What is recorded of a channel; nothing for the shapes of "no value"."""
    newest = entry["values"][-1] if entry["values"] else {}
    found = newest.get("values", [newest["value"]] if "value" in newest else [])
    return [None if each == "NaN" else each for each in found]


def documented_families(row: Row, count: int, *, charger: bool) -> list[tuple[str, str]]:
    """The families of a channel on this kind of device, with the label that tells parts apart."""
    said = row["family"]
    if "EVC: " in said:
        said = said.partition("EVC: ")[2] if charger else said.partition(";")[0]
    single, _, several = said.partition("; array of more than one: ")
    found = re.findall(r"\b(sma_\w+)(\{[^}]*\})?", several if several and count > 1 else single)
    return [(family, "".join(re.findall(r'="(\w+)"', labels))) for family, labels in found]


def expected_of(
    entry: Mapping[str, Any], row: Row, *, charger: bool
) -> Iterator[tuple[Series, float]]:
    """The series that a recorded channel is, by its documented unit, scale and family."""
    raw = elements(entry)
    said = documented_families(row, len(raw), charger=charger)
    for letter, value in zip("abcdefgh", raw, strict=False):
        part = {letter} if len(raw) > 1 or "{sender}" in row["family"] else set()
        if value is None:
            continue
        if row["kind"] == "tag":
            (family, label), tag = said[0], int(value)
            if tag in SAYS_NOTHING and not (tag == 302 and "302" in row["note"]):
                continue
            text = name(tag) if family in ONE_OF_MANY else slug(tag)
            yield (family, frozenset({text, *filter(None, [label]), *part})), 1.0
        elif row["unit"] == "bits":
            for bit in range(8):
                yield (said[0][0], frozenset({f"d{bit + 1}"})), float(int(value) >> bit & 1)
        elif "max(-x,0)" in row["family"]:
            (feed, phase), (draw, _) = said
            yield (feed, frozenset({phase})), max(value, 0)
            yield (draw, frozenset({phase})), max(-value, 0)
        else:
            family, label = said[0]
            scaled = Fraction(value) * Fraction(row["scale_to_base"])
            yield (family, frozenset({*filter(None, [label]), *part})), float(scaled)


def is_substitute(channel: str, channels: set[str]) -> bool:
    """Whether another channel of the recording says the same, and counts."""
    preferred = {
        "Measurement.GridMs.TotW.Pv": "Measurement.PvGen.PvW",
        "Measurement.Metering.TotWhOut.Pv": "Measurement.PvGen.PvWh",
        "Measurement.Metering.GridMs.TotWIn": "Measurement.Metering.GridMs.TotWIn.ChaSta",
        "Measurement.Metering.GridMs.TotWhIn": "Measurement.Metering.GridMs.TotWhIn.ChaSta",
    }
    return preferred.get(channel) in channels


def series_of(
    entry: Mapping[str, Any], rows: Mapping[str, Row], *, charger: bool
) -> Iterator[tuple[Series, float]]:
    row = rows[entry["channelId"]]
    if row["family"].startswith("sma_") and not row["family"].startswith(LEFT_OUT):
        yield from expected_of(entry, row, charger=charger)


def expected(reply: Reply, rows: Mapping[str, Row], *, charger: bool) -> dict[Series, float]:
    channels = {entry["channelId"] for entry in reply}
    counting = [each for each in reply if not is_substitute(each["channelId"], channels)]
    return dict(pair for each in counting for pair in series_of(each, rows, charger=charger))


#: What has a proposed name and is no sensor all the same: what it says is not established.
LEFT_OUT = ("sma_standby_status",)


# --- from the library ---


def decoded(reply: Reply, *, charger: bool) -> Readings:
    about = {"productGroupTagId": 8008 if charger else 8001}
    alone = Description(about, has_sums=True)
    return readings(channels(reply, SELF), alone, Taken())


def shown(found: Readings) -> dict[Series, float]:
    """The series of an exposition; of the states those that are so."""
    series: dict[Series, float] = {}
    for family in families([DeviceReadings("roof", found, {})]):
        for sample in family.samples:
            is_state = family.name in sample.labels
            if not is_state or sample.value:
                labels = {value for label, value in sample.labels.items() if label != "device"}
                series[sample.name, frozenset(labels)] = sample.value
    return series


@pytest.mark.parametrize("recording", RECORDINGS)
def test_every_recorded_value_is_shown_as_it_is_documented(
    recording: str, folder: Path, documented: dict[str, Row]
) -> None:
    charger = RECORDINGS[recording]
    reply = recorded(folder, recording)
    wanted = expected(reply, documented, charger=charger)

    found = shown(decoded(reply, charger=charger))

    found = {series: value for series, value in found.items() if "meter_info" not in series[0]}
    assert found == wanted
    assert len(wanted) > 20


def test_every_measurement_of_the_tripower_that_has_a_family_gives_series(
    folder: Path, documented: dict[str, Row]
) -> None:
    reply = [
        entry
        for entry in recorded(folder, "stp-x15-measurements")
        if entry["channelId"].startswith("Measurement.")
    ]
    assert len(reply) == 75

    found = shown(decoded(reply, charger=False)).keys()

    silent = {
        entry["channelId"]
        for entry in reply
        if not {key for key, _ in series_of(entry, documented, charger=False)} & found
    }
    assert silent == {
        "Measurement.Inverter.VArModCfg.PFCtlVolCfg.Stt",  # has no family
        "Measurement.Operation.StandbyStt",  # nor this: what it says is not established
        "Measurement.Operation.RstrLokStt",  # says that it has no information
    }


# --- who they are ---

MODELS: Mapping[str, tuple[str, str]] = {
    "stp-x15": ("Sunny Tripower X 15", "03.06.15.R"),
    "evc22": ("EVC22-3AC-10", "1.2.23.R"),
}


@pytest.mark.parametrize(
    ("model", "parameters"),
    [("stp-x15", "stp-x15-parameters"), ("evc22", "evc22-parameters-2022-12")],
)
def test_the_parameters_tell_who_a_device_is(folder: Path, model: str, parameters: str) -> None:
    found = Description(parameters=parameters_of(recorded(folder, parameters), SELF)).identity

    assert (found.model, found.sw_version) == MODELS[model]
    assert re.fullmatch(r"\d{10}", found.serial)
    assert found.manufacturer == "SMA"


def test_the_description_tells_who_a_device_is(folder: Path) -> None:
    found = Description(recorded(folder, "stp-x15-deviceinfo")).identity

    assert found == Identity("3016259999", "PV X15", "Sunny Tripower X 15", "SMA", "03.06.15.R")


def test_the_meter_values_of_a_plant_are_those_of_the_charging_station_that_answers(
    folder: Path,
) -> None:
    reply = recorded(folder, "evc22-measurements-plant-2022-12")
    assert {entry["componentId"] for entry in reply} == {PLANT}

    found = decoded(reply, charger=True)

    assert found["metering_power_absorbed"] == pytest.approx(3936.6)
    assert found["charging_total"] == 3_993_417 * 3600
