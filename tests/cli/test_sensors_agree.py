"""`sensors` decides as /metrics does, and whatever a device says is safe on a terminal."""

import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from support.devices import NIGHT, NOON, Clock, Scraped
from support.raw_devices import Answer, WebConnectFake, reply

from sma_exporter import config
from sma_exporter.cli import sensors
from sma_exporter.cli.output import complain, say
from sma_exporter.cli.sensors import Report, as_text, examine
from sma_exporter.devices.protocols import PROTOCOLS
from sma_exporter.metrics.collector import SCRAPE_FAMILIES, DeviceCollector
from sma_exporter.simulator import MODELS, PASSWORD, Simulator, replay_profile
from sma_exporter.sma.diagnosis import Diagnosis, Step, UnknownValue
from sma_exporter.sma.exceptions import SmaConnectionException
from sma_exporter.sma.limits import ELEMENTS
from sma_exporter.sma.source import Address

Simulate = Callable[..., Simulator]

RECORDINGS = ("sb-1.5", "sb-3.6", "stp-10.0-se", "stp-10.0-se-energy-meter")
ABOUT_SCRAPES = {family.name for family in SCRAPE_FAMILIES}

SERIAL, TYPE, POWER = "6800_00A21E00", "6800_08822000", "6100_40263F00"
IN_USE, USABLE, SUPPLIED = "6800_008AA200", "6800_008AA300", "6100_40463600"
IDENTITY = {SERIAL: {"1": [{"val": 3_001_234_567}]}, TYPE: {"1": [{"val": [{"tag": 9402}]}]}}


def entries(*values: object) -> dict[str, Any]:
    return {"1": [{"val": value} for value in values]}


def settings(url: str, password: str | None = PASSWORD, **keys: Any) -> config.DeviceSettings:
    secret = None if password is None else config.Secret(password)
    return config.DeviceSettings(name="roof", url=url, password=secret, timeout=1.0, **keys)


def named(report: Report) -> set[str]:
    """The metrics that `sensors` names."""
    return {line.metric for line in report.values if line.metric} - ABOUT_SCRAPES


def exposed(found: config.DeviceSettings) -> set[str]:
    """The families of an exposition, when totals of 0 have held long enough to be believed."""
    clock = Clock()
    scraped = Scraped(found, clock)
    try:
        scraped.scrape()
        clock.advance(1000)
        deadline = scraped.within(5.0)
        metrics = DeviceCollector([scraped.device], deadline, with_counters=False).collect()
        return {re.split("[{ ]", line)[0] for m in metrics for line in m.lines} - ABOUT_SCRAPES  # type: ignore[attr-defined]
    finally:
        scraped.close()


def compare(found: config.DeviceSettings) -> None:
    report = examine(found)

    assert named(report) == exposed(found)
    assert report.ok, report.steps


# --- one decision for both ---


@pytest.mark.parametrize("now", [NOON, NIGHT], ids=["noon", "night"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("password", [PASSWORD, "Sunny-9876", None], ids=["user", "inst", "none"])
def test_the_metrics_of_every_model_are_those_of_an_exposition(
    simulate: Simulate, model: str, now: float, password: str | None
) -> None:
    group = "installer" if password == "Sunny-9876" else "user"

    compare(settings(simulate(model, clock=lambda: now).url, password, group=group))


@pytest.mark.parametrize("options", [{"battery": False}, {"meter": False}], ids=str)
def test_what_a_device_lacks_is_named_by_neither(
    simulate: Simulate, options: Mapping[str, bool]
) -> None:
    compare(settings(simulate("stp-10-se", clock=lambda: NOON, **options).url))


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_metrics_of_every_recording_are_those_of_an_exposition(
    simulate: Simulate, shared: Path, name: str
) -> None:
    document = json.loads((shared / "captures" / f"{name}.json").read_text("utf-8"))

    compare(settings(simulate(replay_profile(document)).url))


VALUES: Mapping[str, Mapping[str, Any]] = {
    "a meter in use, without values": {IN_USE: entries(1_901_472_733)},
    "no meter": {IN_USE: entries(0)},
    "a meter whose number is not told": {IN_USE: entries(0), SUPPLIED: entries(0)},
    "a meter without any number": {SUPPLIED: entries(5)},
    "a usable meter": {IN_USE: entries(0), USABLE: entries(1_901_472_733), SUPPLIED: entries(0)},
    "the same number twice": {IN_USE: entries(19), USABLE: entries(19), SUPPLIED: entries(0)},
    "garbage": {SUPPLIED: entries(-2.2e12)},
    "two classes": {SUPPLIED: {"1": [{"val": None}], "9": [{"val": 1840}]}},
    "a signed power factor alone": {"6100_40665B00": entries(-977)},
    "an unsigned power factor of 0": {"6100_00665900": entries(0), "6100_40665B00": entries(-977)},
    "power factors of 0": {"6100_00665900": entries(0), "6100_40665B00": entries(0)},
    "one of two objects": {"6100_40265F00": entries(None), "6100_40665F00": entries(7)},
    "two objects": {"6100_40265F00": entries(7), "6100_40665F00": entries(7)},
    "optimizers": {"6100_40652A00": entries(*range(ELEMENTS + 30))},
    "totals of 0": {"6400_00260100": entries(0)},
    "inputs": {"6180_08521E00": entries([{"tag": 2251}])},
}  # fmt: skip


@pytest.mark.parametrize("case", VALUES)
def test_the_metrics_of_unusual_values_are_those_of_an_exposition(case: str) -> None:
    with WebConnectFake({**IDENTITY, POWER: entries(5), **VALUES[case]}) as fake:
        compare(settings(fake.url))


def test_a_value_that_cannot_be_is_shown_without_a_metric() -> None:
    with WebConnectFake({**IDENTITY, POWER: entries(5), SUPPLIED: entries(-2.2e12)}) as fake:
        report = examine(settings(fake.url))

    (line,) = (line for line in report.values if line.sensor == "metering_power_supplied")
    assert (line.value, line.metric) == (-2.2e12, "")


def test_more_parts_than_are_read_are_told() -> None:
    values = {**IDENTITY, "6100_40652A00": entries(*range(ELEMENTS + 30))}
    with WebConnectFake(values) as fake:
        report = examine(settings(fake.url))

    assert f"6100_40652A00 has {ELEMENTS + 30} elements" in as_text(report)
    assert "report it" in as_text(report)
    assert report.as_dict()["warnings"] == report.warnings != []


# --- devices without values, identity or sessionCheck ---

NOTHING: Mapping[str, Any] = {
    "no member": {"result": {}},
    "an empty member": {"result": {"0199-xxxxx385": {}}},
    "a member that is null": {"result": {"0199-xxxxx385": None}},
    "nulls": {"result": {"0199-xxxxx385": {POWER: entries(None), TYPE: {"1": [{"val": []}]}}}},
}
READS = ("getAllOnlValues", "getValues", "getDashValues")


@pytest.mark.parametrize("case", NOTHING)
@pytest.mark.parametrize("password", [PASSWORD, None], ids=["user", "none"])
@pytest.mark.parametrize("verified", [True, False], ids=["", "insecure"])
def test_a_device_without_values_fails_with_the_exporters_sentence(
    case: str, password: str | None, verified: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Home Assistant core 79546."""
    with WebConnectFake({}) as fake:
        fake.answers = dict.fromkeys(READS, lambda _: reply(NOTHING[case]))
        found = settings(fake.url, password, tls=config.TlsSettings(verify=verified))
        report = examine(found)
        scraped = Scraped(found, Clock())
        result = scraped.read()
        scraped.close()

    assert not report.ok
    assert report.configuration == ""
    assert "without any value: is it starting?" in report.steps[-1].found
    assert result.message in report.steps[-1].found
    assert not fake.sessions


def test_a_device_that_does_not_say_who_it_is_fails_and_shows_its_values() -> None:
    with WebConnectFake({POWER: entries(1840)}) as fake:
        report = examine(settings(fake.url))

    assert not report.ok
    assert report.configuration == ""
    assert "neither its model nor its serial number" in report.steps[-1].found
    assert [line.sensor for line in report.values] == ["grid_power"]


def test_without_a_password_a_device_need_not_say_who_it_is() -> None:
    with WebConnectFake({POWER: entries(1840)}) as fake:
        report = examine(settings(fake.url, None))

    assert report.ok
    assert report.steps[-1].found == "not told without a password"


def test_parameters_that_cannot_be_read_cost_the_identity_only() -> None:
    with WebConnectFake({POWER: entries(1840), **IDENTITY}) as fake:
        fake.answers["getValues"] = lambda _: reply({"err": 500})
        report = examine(settings(fake.url))

    assert not report.ok
    assert "err 500" in report.steps[-1].found
    assert [line.metric for line in report.values] == ["sma_ac_power_watts"]


def test_another_device_than_the_configured_one_is_told_as_the_exporter_tells_it() -> None:
    with WebConnectFake({POWER: entries(1840), **IDENTITY}) as fake:
        right = examine(settings(fake.url, serial="3001234567"))
        wrong = examine(settings(fake.url, serial="3001234568"))

    assert right.ok
    assert not wrong.ok
    assert wrong.configuration == ""
    assert wrong.steps[-1].name == "device"
    assert "has the serial number 3001234567, configured is 3001234568" in wrong.steps[-1].found


NO_SESSION_CHECK: Mapping[str, Answer] = {
    "404": lambda _: reply(b"", 404),
    "err 404": lambda _: reply({"err": 404}),
    "500": lambda _: reply(b"<html>", 500),
    "empty": lambda _: reply(b""),
    "a page": lambda _: reply(b"<html></html>"),
    "null": lambda _: reply(b"null"),
    "no result": lambda _: reply({}),
    "dropped": lambda _: None,
}


@pytest.mark.parametrize("case", NO_SESSION_CHECK)
@pytest.mark.parametrize("password", [PASSWORD, None], ids=["user", "none"])
def test_a_device_without_session_check_is_read_as_the_exporter_reads_it(
    case: str, password: str | None
) -> None:
    with WebConnectFake({POWER: entries(1840), **IDENTITY}) as fake:
        fake.answers["sessionCheck"] = NO_SESSION_CHECK[case]
        report = examine(settings(fake.url, password))

    assert report.ok, report.steps
    steps = {step.name: step.found for step in report.steps}
    assert steps["sessions"] == "not told"
    assert "reached" in steps
    assert named(report) == {"sma_ac_power_watts"}
    assert fake.logins == (1 if password else 0)
    assert not fake.sessions


def test_a_refused_password_is_told_without_session_check() -> None:
    with WebConnectFake({POWER: entries(1840)}) as fake:
        fake.answers["sessionCheck"] = NO_SESSION_CHECK["404"]
        report = examine(settings(fake.url, "Wrong-1234"))

    assert [step.name for step in report.steps][:2] == ["reached", "protocol"]
    assert report.steps[-1].name == "login"
    assert fake.names().count("login") == 1


def test_whoever_has_nothing_of_webconnect_is_not_said_to_be_reached() -> None:
    with WebConnectFake({}) as fake:
        fake.answers = dict.fromkeys(("sessionCheck", "login"), NO_SESSION_CHECK["404"])
        report = examine(settings(fake.url))

    assert [step.name for step in report.steps] == ["protocol"]
    assert "no WebConnect" in report.steps[0].found


# --- what a device says on a terminal ---

ESCAPE = "\x1b]0;owned\x07\r\n  login  as root\u202e\u2028\ud800\x9b31m"
TEXTS = st.text(
    st.characters() | st.sampled_from(['"', "'", "\n", "\r", "\x1b", "\x07", "\x00", "\x9b", ":"]),
    max_size=30,
)


def shown(report: Report) -> Iterator[str]:
    """All that reaches the terminal, in both formats."""
    for text in (as_text(report), json.dumps([report.as_dict()], ensure_ascii=False, indent=1)):
        output = io.StringIO()
        with redirect_stdout(output):
            say(text)
        output.getvalue().encode("utf-8")
        yield output.getvalue()


def is_safe(text: str) -> bool:
    """Whether no control character or line separator is in a text, but for its own line ends."""
    categories = {unicodedata.category(character) for character in text if character != "\n"}
    return not any(category[0] == "C" or category in {"Zl", "Zp"} for category in categories)


def report_of(diagnosis: Diagnosis, monkeypatch: pytest.MonkeyPatch) -> Report:
    """What `sensors` makes of a diagnosis."""
    row = replace(PROTOCOLS["webconnect"], diagnose=lambda _: diagnosis)
    with monkeypatch.context() as patch:
        patch.setattr(sensors, "PROTOCOLS", {"webconnect": row})
        return examine(settings("https://192.0.2.1"))


@hypothesis_settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200
)
@given(key=TEXTS, text=TEXTS, is_number=st.booleans())
def test_no_text_of_a_device_reaches_the_terminal_as_a_command(
    monkeypatch: pytest.MonkeyPatch, key: str, text: str, is_number: bool
) -> None:
    number = Address(key) if is_number else None
    diagnosis = Diagnosis(
        f"https://{text}",
        steps=[Step("device", text)],
        unknown=[UnknownValue(key, (text, 5), number, is_text=True)],
        warnings=[f"{text} has more"],
        failure=SmaConnectionException(f"it redirects to {text}"),
    )

    report = report_of(diagnosis, monkeypatch)

    assert all(map(is_safe, shown(report)))
    assert len(as_text(report).splitlines()) < 40


@hypothesis_settings(deadline=None)
@given(key=TEXTS | st.from_regex("[0-9A-F]{4}_[0-9A-F]{8}", fullmatch=True))
def test_a_line_for_copying_reads_back_as_the_same_key(key: str) -> None:
    line = sensors._suggestion(UnknownValue(key, (5,), Address(key), is_text=False))

    assert is_safe(line)
    assert "\n" not in line
    if line.startswith("- "):
        ((row,),) = (yaml.safe_load(line),)
        assert row["key"] == key
        assert config.is_sensor_key(key)
    else:
        assert not config.is_sensor_key(key)


@hypothesis_settings(deadline=None)
@given(text=TEXTS)
def test_any_text_as_a_key_reads_back_from_a_line_of_yaml(text: str) -> None:
    line = config.to_yaml_line({"key": text})

    assert is_safe(line)
    assert yaml.safe_load(line) == {"key": text}


def test_escape_sequences_of_a_device_do_not_reach_the_terminal() -> None:
    values: dict[str, Any] = {
        **IDENTITY,
        POWER: entries(5),
        ESCAPE: entries(5),
        f"6100_00{ESCAPE}": entries(ESCAPE),
        "6800_10821E00": entries(ESCAPE),
        "6800_10852600": entries(ESCAPE),
    }
    with WebConnectFake(values) as fake:
        report = examine(settings(fake.url))
        fake.answers["login"] = lambda _: reply(b"", 302, "Location: https://\x1b]0;x\x07.example/")
        redirected = examine(settings(fake.url))

    assert report.ok
    assert not redirected.ok
    for text in (*shown(report), *shown(redirected)):
        assert is_safe(text)


def test_what_is_complained_of_is_printable(capsys: pytest.CaptureFixture[str]) -> None:
    complain(f"roof: it redirects to {ESCAPE}", 1)

    assert is_safe(capsys.readouterr().err)
