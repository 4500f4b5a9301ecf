"""The configuration: what it becomes, and that everything wrong with it is said at once, with its path."""

import json
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from sma_exporter.config import (
    CaFile,
    Config,
    ConfigError,
    CustomSensor,
    DeviceSettings,
    PasswordFileError,
    ProtocolKeys,
    Secret,
    TlsSettings,
    file_permissions,
    load,
    parse,
    parse_duration,
    password_warnings,
    single_device,
)
from sma_exporter.config.file_permissions import is_open_to_all
from sma_exporter.config.model import UNITS

HERE = Path("etc")
PROTOCOLS = {"webconnect": ProtocolKeys()}
HEX = "0123456789abcdef" * 4
COLONS = ":".join(re.findall("..", HEX.upper()))

SENSOR = {
    "key": "6400_00652700",
    "metric": "sma_custom_released_joules_total",
    "unit": "Wh",
    "type": "counter",
    "help": "Energy released.",
}


def device(**keys: Any) -> dict[str, Any]:
    return {"name": "roof", "url": "https://192.0.2.10"} | keys


def written(*devices: Any, **more: Any) -> str:
    """A configuration as YAML, of which JSON is a part."""
    return json.dumps({"devices": devices} | more)


def read(text: str, **environ: str) -> Config:
    return parse(text, environ, PROTOCOLS, folder=HERE)


def read_device(**keys: Any) -> DeviceSettings:
    [made] = read(written(device(**keys))).devices
    return made


def read_sensor(**keys: Any) -> CustomSensor:
    [made] = read_device(sensors=[SENSOR | keys]).sensors
    return made


def problems(text: str, **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read(text, **environ)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def assert_said(problem: str, path: str, words: str) -> None:
    """The problem stands at this path, and its sentence has these words."""
    at, _, sentence = problem.partition(": ")
    assert at == path
    assert words in sentence


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(path)
    return path


# What it becomes ----------------------------------------------------------------------------------


def test_a_device_needs_a_name_and_a_url_only() -> None:
    assert read("devices: [{name: roof, url: 192.0.2.10}]") == Config(
        (DeviceSettings(name="roof", url="192.0.2.10"),)
    )


def test_defaults_of_a_device() -> None:
    made = read_device()
    assert (made.group, made.session, made.plant, made.serial) == ("user", "scrape", "", None)
    assert (made.timeout, made.min_interval, made.counter_reset_delay) == (5, 4, 86400)
    assert made.tls == TlsSettings()
    assert made.sensors == ()
    assert made.anonymous
    assert made.read_password() is None


def test_the_whole_of_it(ca_file: Path) -> None:
    text = f"""
        defaults:
          group: installer
          tls: {{ca_file: {ca_file}}}
        devices:
          - name: roof
            plant: home
            url: HTTPS://Roof.example:8443/sma/
            serial: "0012345678"
            password: "${{ROOF}}"
            session: keep
            timeout: 1m
            min_interval: 0
            counter_reset_delay: 1h30m
            sensors:
              - key: "6400_00652700"
                index: 1
                metric: sma_custom_released_joules_total
                unit: Wh
                scale: 0.1
                type: counter
                labels: {{side: dc, bank: a}}
                help: Energy released.
          - {{name: shed, url: 192.0.2.11, group: user, tls: {{}}}}
    """
    config = read(text, ROOF="s3cret?!")
    roof, shed = config.devices
    assert config.warnings == ()
    assert roof == DeviceSettings(
        name="roof",
        plant="home",
        url="https://Roof.example:8443/sma",
        serial="0012345678",
        group="installer",
        password=Secret("s3cret?!"),
        tls=TlsSettings(ca_file=CaFile(ca_file, ca_file.read_text().strip()), given=True),
        session="keep",
        timeout=60.0,
        min_interval=0.0,
        counter_reset_delay=5400.0,
        sensors=(
            CustomSensor(
                key="6400_00652700",
                index=1,
                metric="sma_custom_released_joules_total",
                unit="Wh",
                scale=0.1,
                type="counter",
                labels={"bank": "a", "side": "dc"},
                help="Energy released.",
            ),
        ),
    )
    assert roof.read_password() == "s3cret?!"
    assert not roof.anonymous
    assert shed == DeviceSettings(name="shed", url="192.0.2.11")
    assert len({roof, shed}) == 2


@pytest.mark.parametrize(
    ("url", "normalised"),
    [
        ("192.0.2.10", "192.0.2.10"),
        ("192.0.2.10/", "192.0.2.10"),
        ("roof", "roof"),
        ("roof:8080", "roof:8080"),
        ("roof:08080/a/b//", "roof:8080/a/b"),
        ("HTTP://Roof.Example/", "http://Roof.Example"),
        ("https://roof_1.example:443/sma/", "https://roof_1.example:443/sma"),
        ("https://[2001:db8::10]:8443", "https://[2001:db8::10]:8443"),
        ("[fe80::1%eth0]", "[fe80::1%eth0]"),
        ("https://dächer.example", "https://dächer.example"),
    ],
)
def test_url(url: str, normalised: str) -> None:
    assert read_device(url=url).url == normalised


@pytest.mark.parametrize(
    ("written_as", "fingerprints"),
    [
        (f"sha256:{COLONS}", (HEX,)),
        (f"SHA256:{HEX}", (HEX,)),
        ([f"sha256:{HEX}", "sha256:" + "0" * 64], (HEX, "0" * 64)),
    ],
)
def test_fingerprint(written_as: Any, fingerprints: tuple[str, ...]) -> None:
    made = read_device(tls={"fingerprint": written_as})
    assert made.tls == TlsSettings(fingerprints=fingerprints, given=True)


@pytest.mark.parametrize(
    ("defaults", "own", "expected"),
    [
        ({"password": "first"}, {}, (Secret("first"), None)),
        ({"password": "first"}, {"password": "own"}, (Secret("own"), None)),
        ({"password": "first"}, {"password_file": "own"}, (None, HERE / "own")),
        ({"password_file": "first"}, {"password": "own"}, (Secret("own"), None)),
        ({"password_file": "/first"}, {}, (None, Path("/first"))),
    ],
)
def test_a_password_of_a_device_replaces_the_default(
    defaults: dict[str, str], own: dict[str, str], expected: object
) -> None:
    [made] = read(written(device(**own), defaults=defaults)).devices
    assert (made.password, made.password_file) == expected


def test_tls_of_a_device_replaces_the_default_whole() -> None:
    pin = {"fingerprint": f"sha256:{HEX}"}
    [made] = read(written(device(tls=pin), defaults={"tls": {"verify": False}})).devices
    assert made.tls == TlsSettings(fingerprints=(HEX,), given=True)


@pytest.mark.parametrize(
    ("password", "expanded"),
    [
        ("${A}", "one"),
        ("x${A}${B}y", "xone${A}y"),
        ("$${A}", "${A}"),
        ("$$$", "$$"),
        ("$A ${ ${} ${1} $", "$A ${ ${} ${1} $"),
    ],
)
def test_the_environment_in_a_password(password: str, expanded: str) -> None:
    [made] = read(written(device(password=password)), A="one", B="${A}").devices
    assert made.read_password() == expanded


def test_the_environment_in_files_and_nowhere_else(ca_file: Path) -> None:
    keys = {"password_file": "${DIR}/pw", "tls": {"ca_file": "${DIR}/ca.pem"}, "plant": "${DIR}"}
    [made] = read(written(device(**keys)), DIR=str(ca_file.parent)).devices
    assert made.password_file == ca_file.parent / "pw"
    assert made.tls.ca_file is not None
    assert made.tls.ca_file.path == ca_file
    assert made.plant == "${DIR}"


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("kind", ["gauge", "counter"])
def test_a_custom_sensor_comes_in_base_units(unit: str, kind: str) -> None:
    base, factor = UNITS[unit]
    words = ["sma_custom_x", base, "total" if kind == "counter" else ""]
    metric = "_".join(filter(None, words))
    made = read_sensor(unit=unit, metric=metric, type=kind, scale=0.5)
    assert made.multiplier == 0.5 * factor
    assert (made.index, made.labels) == (0, {})


def test_one_metric_for_several_sensors_of_several_devices() -> None:
    sensors = [SENSOR | {"labels": {"side": side}} for side in ("ac", "dc")]
    one, two = device(), device(name="shed", url="192.0.2.11")
    config = read(written(one, two, defaults={"sensors": sensors}))
    assert [len(made.sensors) for made in config.devices] == [2, 2]


# What is wrong with it: the text ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the file is empty"),
        ("# nothing but a comment", "the file is empty"),
        ("- name: roof", "the file must be a mapping"),
        ("devices:\n  - name: *roof", "line 2, column 11: this is not valid YAML"),
        ("devices:\n  - name: !roof x", "line 2, column 11: this is not valid YAML"),
        ("name: !a!b", "line 1, column 7: this is not valid YAML"),
        ("a: @b", "line 1, column 4: this is not valid YAML"),
        ("a:\n\t- b", "line 2, column 1: this is not valid YAML"),
        (r'a: "\k"', "line 1, column 6: this is not valid YAML"),
        ("a: b: c", "line 1, column 5: this is not valid YAML"),
        ("a: 1\nb\nc: 2", "line 3, column 1: this is not valid YAML"),
        ("a: 1\n b: 2", "line 2, column 3: this is not valid YAML"),
        ("- a\nb: c", "line 2, column 1: this is not valid YAML"),
        ("a: [b", "line 1, column 6: this is not valid YAML"),
        ("a: 'b", "line 1, column 6: this is not valid YAML"),
        ("a: |b", "line 1, column 5: this is not valid YAML"),
        ("a: 1\n---\nb: 2", "line 2, column 1: this is not valid YAML"),
        ("? [a]\n: b", "line 1, column 3: this is not valid YAML"),
        ("a: }", "line 1, column 4: this is not valid YAML"),
        ("a: 1\nb: \x07", "line 2: there is a control character"),
        ("a: 2026-99-99", "line 1, column 4: this looks like a date or a number"),
        ("a: " + "9" * 5000, "line 1, column 4: this looks like a date or a number"),
        ("a: !!int ''", "line 1, column 4: this looks like a date or a number"),
        ("[" * 5000, "the file is nested too deeply"),
    ],
)
def test_text_that_cannot_be_read(text: str, sentence: str) -> None:
    [problem] = problems(text)
    assert problem.startswith(sentence)


def test_a_key_twice_is_one_of_the_problems() -> None:
    text = "devices:\n- name: roof\n  url: a\n  url: b\n  group: admin\n"
    twice, group = problems(text)
    assert twice == "line 4: this key is in line 3 already; keep one of them"
    assert_said(group, "devices[0].group", "one of user, installer")


def test_merged_keys_are_not_twice() -> None:
    text = """
        devices:
          - &roof {name: roof, url: a, group: installer}
          - &shed {<<: *roof, name: shed, url: b}
          - {<<: *shed, name: barn, url: c}
    """
    assert [made.group for made in read(text).devices] == ["installer"] * 3


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yml"
    latin.write_bytes("devices: [ä]".encode("latin-1"))
    for path, words in [(tmp_path / "none.yml", "No such file"), (latin, "is not UTF-8")]:
        with pytest.raises(ConfigError, match=words) as caught:
            load(path, {}, PROTOCOLS)
        assert str(path) in str(caught.value)


def test_load_looks_for_files_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("s3cret\n", encoding="utf-8")
    file = tmp_path / "sma.yml"
    file.write_text("\ufeff" + written(device(password_file="pw")), encoding="utf-8")
    [made] = load(file, {}, PROTOCOLS).devices
    assert made.read_password() == "s3cret"


# What is wrong with it: the keys ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "path", "words"),
    [
        ({}, "devices", "is missing"),
        ({"devices": []}, "devices", "at least one device"),
        ({"devices": None}, "devices", "must be a list"),
        ({"devices": {"name": "roof"}}, "devices", "must be a list"),
        ({"devices": ["roof"]}, "devices[0]", "must be a mapping with keys such as name and url"),
        ({"devices": [device()], "device": 1}, "device", "did you mean `devices`?"),
        ({"devices": [device()], "default": {}}, "default", "did you mean `defaults`?"),
        ({"devices": [device()], "defaults": 3}, "defaults", "must be a mapping"),
        ({"devices": [device()], "defaults": {"url": "a"}}, "defaults.url", "each device"),
        ({"devices": [device()], "defaults": {"group": 1}}, "defaults.group", "installer"),
        (
            {"devices": [device()], "defaults": {"password": "a", "password_file": "b"}},
            "defaults.password_file",
            "keep one",
        ),
        (
            {"devices": [device()], "defaults": {"tls": {"verify": 1}}},
            "defaults.tls.verify",
            "must be true or false",
        ),
    ],
)
def test_faults_of_the_file(raw: object, path: str, words: str) -> None:
    [problem] = problems(json.dumps(raw))
    assert_said(problem, path, words)


@pytest.mark.parametrize(
    ("keys", "path", "words"),
    [
        ({"name": None}, "name", "is empty"),
        ({"name": " "}, "name", "is empty"),
        ({"name": 7}, "name", 'put it in quotes: name: "…"'),
        ({"name": "a\nb"}, "name", "one line"),
        ({"name": "\x1b[2J"}, "name", "control characters"),
        ({"name": "\ud800"}, "name", "control characters"),
        ({"name": "x" * 129}, "name", "at most 128"),
        ({"plant": True}, "plant", 'put it in quotes: plant: "…"'),
        ({"plant": ""}, "plant", "leave it out"),
        ({"serial": 3001234567}, "serial", 'put it in quotes: serial: "…"'),
        ({"serial": "12-34"}, "serial", 'serial: "3001234567"'),
        ({"serial": "٣٠", "password": "a"}, "serial", "must be the digits"),
        ({"serial": "30"}, "serial", "cannot be checked without a password"),
        ({"group": "admin"}, "group", "one of user, installer"),
        ({"group": ["user"]}, "group", "one of user, installer"),
        ({"session": True}, "session", "one of scrape, keep"),
        ({"password": 12345678}, "password", 'put it in quotes: password: "…"'),
        ({"password": True}, "password", 'put it in quotes: password: "…"'),
        ({"password": ["a"]}, "password", 'put it in quotes: password: "…"'),
        ({"password": ""}, "password", "is empty"),
        ({"password": None}, "password", "is empty"),
        ({"password": "${EMPTY}"}, "password", "is empty"),
        ({"password": "${LINES}"}, "password", "one line"),
        ({"password": "${UNSET}"}, "password", "environment variable that is not set"),
        ({"password": "a\n"}, "password", "one line"),
        ({"password_file": 1}, "password_file", 'put it in quotes: password_file: "…"'),
        ({"password_file": "${UNSET}"}, "password_file", "write `$${` for `${`"),
        ({"password": "a", "password_file": "b"}, "password_file", "keep one"),
        ({"timeout": 5}, "timeout", "with its unit: timeout: 5s"),
        ({"timeout": 0.5}, "timeout", "with its unit: timeout: 5s"),
        ({"timeout": True}, "timeout", "with its unit"),
        ({"timeout": None}, "timeout", "with its unit"),
        ({"timeout": "5"}, "timeout", "such as 5s"),
        ({"timeout": 0}, "timeout", "from 1ms to 60s"),
        ({"timeout": "61s"}, "timeout", "from 1ms to 60s"),
        ({"min_interval": False}, "min_interval", "with its unit"),
        ({"min_interval": "1h1s"}, "min_interval", "from 0 to 1h"),
        ({"counter_reset_delay": "59m"}, "counter_reset_delay", "from 1h to 30d"),
        ({"counter_reset_delay": "5w"}, "counter_reset_delay", "from 1h to 30d"),
        ({"tls": True}, "tls", "must be a mapping with keys such as fingerprint"),
        ({"tls": None}, "tls", "must be a mapping"),
        ({"tls": {"verify": "false"}}, "tls.verify", "without quotes"),
        ({"tls": {"verify": 0}}, "tls.verify", "must be true or false"),
        ({"tls": {"given": True}}, "tls.given", "known are fingerprint, ca_file, verify"),
        ({"tls": {"fingerprints": []}}, "tls.fingerprints", "did you mean `fingerprint`?"),
        ({"tls": {"fingerprint": []}}, "tls.fingerprint", "at least one"),
        ({"tls": {"fingerprint": HEX}}, "tls.fingerprint", '"sha256:" and 32 bytes'),
        ({"tls": {"fingerprint": f"sha1:{HEX[:40]}"}}, "tls.fingerprint", "no other algorithm"),
        ({"tls": {"fingerprint": f"sha256:{HEX}00"}}, "tls.fingerprint", "32 bytes"),
        ({"tls": {"fingerprint": 5}}, "tls.fingerprint", 'fingerprint: "…"'),
        ({"tls": {"fingerprint": [f"sha256:{HEX}", "x"]}}, "tls.fingerprint[1]", "32 bytes"),
        (
            {"tls": {"fingerprint": f"sha256:{HEX}", "verify": False}},
            "tls.verify",
            "no effect beside `tls.fingerprint`",
        ),
        ({"tls": {"ca_file": "none.pem"}}, "tls.ca_file", "etc/none.pem cannot be read by uid"),
        ({"tls": {"ca_file": __file__}}, "tls.ca_file", "no certificate in PEM"),
        ({"url": "http://a", "tls": {"verify": True}}, "tls", "`url` begins with http://"),
        ({"sensors": {}}, "sensors", "must be a list"),
        ({"sensors": [None]}, "sensors[0]", "must be a mapping"),
        ({"pasword": "a"}, "pasword", "did you mean `password`?"),
        ({"colour": "red"}, "colour", "known are name, url, plant"),
    ],
)
def test_faults_of_a_device(keys: dict[str, Any], path: str, words: str) -> None:
    [problem] = problems(written(device(**keys)), EMPTY="", LINES="a\nb")
    assert_said(problem, f"devices[0].{path}", words)


@pytest.mark.parametrize("missing", ["name", "url"])
def test_a_device_lacks_a_key(missing: str) -> None:
    keys = {key: value for key, value in device().items() if key != missing}
    [problem] = problems(written(keys))
    assert_said(problem, f"devices[0].{missing}", "is missing")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (5, "put it in quotes"),
        ("", "is empty"),
        ("ftp://a", "https:// or http://"),
        ("://a", "https:// or http://"),
        ("https://", "must name a host"),
        ("https:///path", "must name a host"),
        ("https:/a", "port from 1 to 65535"),
        ("https//192.0.2.10", "must be an address such as"),
        ("https://a..b", "must name a host"),
        ("https://-a", "must name a host"),
        ("https://192.0.2.300", "must name a host"),
        ("https://[192.0.2.1]", "must name a host"),
        ("https://[::1", "must be an address such as"),
        ("2001:db8::1", "IPv6 address in brackets"),
        ("a:0", "port from 1 to 65535"),
        ("a:65536", "port from 1 to 65535"),
        ("a:", "port from 1 to 65535"),
        ("a:b", "port from 1 to 65535"),
        ("a:٣", "port from 1 to 65535"),
        ("https://a?x=1", "no query, fragment or space"),
        ("https://a#x", "no query, fragment or space"),
        ("https://a b", "no query, fragment or space"),
        ("https://${HOST}", "no query, fragment or space"),
        ("https://usr:zebra77@a", "password belongs into `password_file`"),
        ("https://usr:zebra/77@a", "password belongs into `password_file`"),
    ],
)
def test_faults_of_a_url(url: object, words: str) -> None:
    [problem] = problems(written(device(url=url)))
    assert_said(problem, "devices[0].url", words)
    assert "zebra" not in problem


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("https://a", "https://a:443/"),
        ("http://a:80", "HTTP://A"),
        ("https://a/sma", "https://A/sma/"),
        ("a:8080", "A:8080"),
    ],
)
def test_one_address_twice(one: str, two: str) -> None:
    [problem] = problems(written(device(url=one), device(name="shed", url=two)))
    assert_said(problem, "devices[1].url", "the same as that of devices[0]")


@pytest.mark.parametrize(
    ("one", "two"),
    [("http://a", "https://a"), ("a", "https://a"), ("a", "a:443"), ("a/x", "a/X")],
)
def test_two_addresses(one: str, two: str) -> None:
    assert len(read(written(device(url=one), device(name="shed", url=two))).devices) == 2


def test_tls_makes_an_address_https() -> None:
    tls = {"fingerprint": f"sha256:{HEX}"}
    [problem] = problems(written(device(url="https://a"), device(name="b", url="a", tls=tls)))
    assert_said(problem, "devices[1].url", "the same as that of devices[0]")


@pytest.mark.parametrize(
    ("keys", "path", "words"),
    [
        ({"key": "6400_0065270"}, "key", "four and eight hex digits"),
        ({"key": "6400_00abcdef"}, "key", 'upper case: key: "6400_00ABCDEF"'),
        ({"key": 640000652700}, "key", 'put it in quotes: key: "…"'),
        ({"index": -1}, "index", "from 0"),
        ({"index": "0"}, "index", "without quotes"),
        ({"index": True}, "index", "whole number"),
        ({"index": 1.0}, "index", "whole number"),
        ({"scale": "1"}, "scale", "such as 0.1 or 1.0e-3"),
        ({"scale": True}, "scale", "must be a number"),
        ({"scale": 0}, "scale", "other than 0"),
        ({"scale": float("inf")}, "scale", "must be a number"),  # JSON's word is text to YAML
        ({"scale": 10**400}, "scale", "finite"),
        ({"scale": -1}, "scale", "a counter never falls"),
        ({"unit": "Watt"}, "unit", "one of W, kW, Wh"),
        ({"unit": 1}, "unit", "in quotes where it is 1"),
        ({"type": "histogram"}, "type", "one of gauge, counter"),
        ({"metric": "sma_yield_joules_total"}, "metric", "must be sma_custom_ and then"),
        ({"metric": "sma_custom_ä_joules_total"}, "metric", "letters, digits and underscores"),
        ({"metric": "sma_custom_released_total"}, "metric", "must end in _joules_total"),
        ({"metric": "sma_custom_released_joules"}, "metric", "must end in _joules_total"),
        ({"type": "gauge"}, "metric", "must end in _joules, for a gauge"),
        ({"unit": ""} | {"metric": "sma_custom_x"}, "metric", "must end in _total"),
        ({"unit": "", "type": "gauge"}, "metric", "must not end in _total"),
        ({"help": ""}, "help", "is empty"),
        ({"help": "a\nb"}, "help", "one line"),
        ({"labels": ["side"]}, "labels", "mapping of label names"),
        ({"labels": {"device": "a"}}, "labels.device", "set by the exporter"),
        ({"labels": {"__name__": "a"}}, "labels", "names of letters"),
        ({"labels": {"a-b": "a"}}, "labels", "names of letters"),
        ({"labels": {"side": 1}}, "labels.side", 'put it in quotes: side: "…"'),
        ({"labels": {"side": ""}}, "labels.side", "is empty"),
        ({"scales": 1}, "scales", "did you mean `scale`?"),
    ],
)
def test_faults_of_a_custom_sensor(keys: dict[str, Any], path: str, words: str) -> None:
    [problem] = problems(written(device(sensors=[SENSOR | keys])))
    assert_said(problem, f"devices[0].sensors[0].{path}", words)


@pytest.mark.parametrize("number", [".inf", ".nan", "1e999", "-.inf"])
def test_a_scale_is_finite(number: str) -> None:
    text = written(device(sensors=[SENSOR | {"scale": "@"}])).replace('"@"', number)
    assert problems(text)[0].startswith("devices[0].sensors[0].scale: must be a")


def test_no_scale_makes_a_value_infinite() -> None:
    text = written(device(sensors=[SENSOR | {"scale": "@"}])).replace('"@"', "1.0e+300")
    (problem,) = problems(text)
    assert_said(problem, "devices[0].sensors[0].scale", "infinite")


@pytest.mark.parametrize(
    "changed",
    [
        {"help": "Something else."},
        {"labels": {"side": "dc", "bank": "a"}},
        {"labels": {}},
        {"type": "gauge", "metric": "sma_custom_released_joules"},  # one family in OpenMetrics
    ],
)
def test_one_metric_with_two_meanings(changed: dict[str, Any]) -> None:
    first = SENSOR | {"labels": {"side": "dc"}}
    one = device(sensors=[first])
    two = device(name="shed", url="192.0.2.11", sensors=[first, first | changed])
    [problem] = problems(written(one, two))
    assert_said(problem, "devices[1].sensors[1].metric", "is in devices[0].sensors[0] with another")


def test_one_series_twice() -> None:
    [problem] = problems(written(device(sensors=[SENSOR, SENSOR | {"index": 1}])))
    assert_said(problem, "devices[0].sensors[1].metric", "same labels twice")


def test_everything_wrong_is_said_at_once() -> None:
    text = """
        defaults: {group: usr, name: x, tls: {verify: no way}}
        devices:
          - {name: roof, url: "ftp://a", password: 1234, timeot: 5s}
          - roof
          - name: roof
            url: https://b
            serial: 1
            tls: {verify: 1, fingerprint: [md5, 2], ca: x}
            sensors:
              - {key: x, metric: y, unit: z, type: t, labels: {device: a, b: 1}, help: ""}
              - {index: 1}
          - {name: shed, url: "https://b:443/"}
    """
    assert [problem.partition(": ")[0] for problem in problems(text)] == [
        "defaults.name",
        "defaults.group",
        "defaults.tls.verify",
        "devices[0].url",
        "devices[0].password",
        "devices[0].timeot",
        "devices[1]",
        "devices[2].serial",
        "devices[2].tls.fingerprint[0]",
        "devices[2].tls.fingerprint[1]",
        "devices[2].tls.verify",
        "devices[2].tls.ca",
        "devices[2].sensors[0].key",
        "devices[2].sensors[0].metric",
        "devices[2].sensors[0].unit",
        "devices[2].sensors[0].type",
        "devices[2].sensors[0].labels.device",
        "devices[2].sensors[0].labels.b",
        "devices[2].sensors[0].help",
        "devices[2].sensors[1].key",
        "devices[2].sensors[1].metric",
        "devices[2].sensors[1].unit",
        "devices[2].sensors[1].type",
        "devices[2].sensors[1].help",
        "devices[2].name",
        "devices[3].url",
    ]


@pytest.mark.parametrize(
    "value",
    [
        "${zebra}",
        "ab${zebra}cd",
        "ab,zebra",
        '"zebra',
        "zebra: a",
        "@zebra",
        "%zebra",
        "`zebra`",
        "*zebra",
        "&zebra",
        "!zebra a",
        "!!int zebra",
        "[zebra]",
        "{zebra: a}",
        "{zebra}",
        "? zebra",
        "zebra\x07",
        "zebra\ta: b",
        "| zebra",
        "ab, zebra, password",
    ],
)
@pytest.mark.parametrize("form", ["flow", "block"])
def test_no_message_shows_a_part_of_a_password(value: str, form: str) -> None:
    text = {
        "flow": f"devices: [{{name: roof, url: a, password: {value}}}]",
        "block": f"devices:\n  - name: roof\n    url: a\n    colour: x\n    password: {value}\n",
    }[form]

    assert "zebra" not in " ".join(problems(text))


@pytest.mark.parametrize("word", ["urls", "passwords", "component", "timeout1"])
def test_a_part_of_a_password_that_looks_like_a_key_is_not_shown(word: str) -> None:
    """YAML takes a comma in a password without quotes for the end of it."""
    (problem,) = problems(f"devices: [{{name: roof, url: a, password: ab,{word}}}]")

    assert word not in problem
    assert "put every password in quotes" in problem


# Warnings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "path", "words"),
    [
        ({"password": "x" * 13}, "password", "keeps the first 12"),
        ({"password": "grün"}, "password", "does not take"),
        ({"password": "a b"}, "password", "does not take"),
        ({"password": "abcd "}, "password", "ends with a blank"),
        ({"password": " abcdefghijkl"}, "password", "begins with a blank"),
        ({"password": " abcd "}, "password", "begins and ends with a blank"),
        ({"tls": {"verify": False}}, "tls.verify", "gets the password"),
    ],
)
def test_warnings(keys: dict[str, Any], path: str, words: str) -> None:
    [warning] = read(written(device(**keys))).warnings
    assert_said(warning, f"devices[0].{path}", words)


def test_no_warning_for_what_devices_take() -> None:
    assert read(written(device(password="Abc-123_?!.x"))).warnings == ()


def test_a_warning_for_one_serial_under_two_names() -> None:
    devices = [
        device(name=name, url=name, serial="123", password="Sunny-1234") for name in ("a", "b")
    ]
    [warning] = read(written(*devices)).warnings
    assert_said(warning, "devices[1].serial", "devices[0]")


# Password files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"s3cret", "s3cret"),
        (b"s3cret\n", "s3cret"),
        (b"s3cret\r\n", "s3cret"),
        (b"s3cret\r", "s3cret"),
        (b"s3cret\n\n", "s3cret"),
        (b"s3cret\r\n\r\n", "s3cret"),
        (b"\xef\xbb\xbfs3cret\r\n", "s3cret"),
        (b"\xef\xbb\xbfs3cret", "s3cret"),
        (b" s3cret \n", " s3cret "),
        (b"\ts3cret\t", "\ts3cret\t"),
        (b"s3\ncret", "s3\ncret"),
        ("grün\n".encode(), "grün"),
    ],
)
def test_a_password_file_without_byte_order_mark_and_line_ends(
    tmp_path: Path, content: bytes, password: str
) -> None:
    path = tmp_path / "pw"
    path.write_bytes(content)
    assert DeviceSettings(name="roof", url="a", password_file=path).read_password() == password


def test_a_password_file_is_read_each_time(tmp_path: Path) -> None:
    path = tmp_path / "pw"
    made = DeviceSettings(name="roof", url="a", password_file=path)
    for password in ("first", "second"):
        path.write_text(password, encoding="utf-8")
        assert made.read_password() == password


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read by uid [0-9]+: No such file"),
        (b"", "is empty"),
        (b"\r\n", "is empty"),
        (b"\xef\xbb\xbf\n", "is empty"),
        (b"zebra\xff", "is not UTF-8"),
    ],
)
def test_a_password_file_without_password(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "pw"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PasswordFileError, match=words) as caught:
        DeviceSettings(name="roof", url="a", password_file=path).read_password()
    assert str(path) in str(caught.value)
    assert "uid" in str(caught.value)
    assert "zebra" not in repr(caught.value)


def test_a_blank_is_not_blamed_on_the_form_of_the_device() -> None:
    assert [*password_warnings("abcdefghijkl ")] == [
        "ends with a blank, which is sent, too; remove it unless it is meant"
    ]


# Files that everybody can read --------------------------------------------------------------------


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that every user can reach."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        if not all(parent.stat().st_mode & 0o001 for parent in folder.resolve().parents):
            pytest.skip("needs a folder for temporary files that every user can reach")
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("mode", "warns"), [(0o644, True), (0o604, True), (0o640, False), (0o600, False)]
)
@pytest.mark.parametrize(
    ("password", "holds"),
    [("Sunny-1234", True), ("x${A}", True), ("${A}", False), ("${A}${A}", False), (None, False)],
)
@pytest.mark.parametrize("place", ["device", "defaults"])
def test_a_configuration_with_a_password_that_everybody_can_read(
    reachable: Path, mode: int, warns: bool, password: str | None, holds: bool, place: str
) -> None:
    keys = {} if password is None else {"password": password}
    path = reachable / "sma.yml"
    text = (
        written(device(**keys))
        if place == "device"
        else written(device(), defaults=keys | {"group": "user"})
    )
    path.write_text(text)
    path.chmod(mode)

    warnings = load(path, {"A": "b"}, PROTOCOLS).warnings

    assert len(warnings) == (warns and holds)
    for warning in warnings:
        assert warning.endswith(f"chmod o= {path}")
        assert "holds a password" in warning
        assert "Sunny" not in warning


@pytest.mark.parametrize(
    ("mode", "warns"), [(0o644, True), (0o604, True), (0o640, False), (0o400, False)]
)
def test_a_password_file_that_everybody_can_read_is_named_once(
    reachable: Path, mode: int, warns: bool
) -> None:
    path = reachable / "a password"
    path.write_text("Sunny-1234")
    path.chmod(mode)
    devices = [device(name=name, url=name, password_file=str(path)) for name in ("a", "b")]

    warnings = read(written(*devices)).warnings
    by_flags = single_device(protocols=PROTOCOLS, url="a", password_file=path, environ={}).warnings

    assert len(warnings) == len(by_flags) == warns
    for warning in warnings:
        assert_said(warning, "devices[0].password_file", f"chmod o= '{path}'")
    for warning in by_flags:
        assert warning.startswith("--sma.password-file (SMA_PASSWORD_FILE): can be read by")


def test_a_folder_that_others_cannot_reach_is_enough(reachable: Path) -> None:
    path = reachable / "password"
    path.write_text("Sunny-1234")
    path.chmod(0o644)
    reachable.chmod(0o700)

    assert read(written(device(password_file=str(path)))).warnings == ()


def test_a_link_is_followed_to_the_file(reachable: Path, tmp_path: Path) -> None:
    path = reachable / "password"
    path.write_text("Sunny-1234")
    path.chmod(0o644)
    (tmp_path / "link").symlink_to(path)
    (tmp_path / "circle").symlink_to(tmp_path / "circle")

    assert read(written(device(password_file=str(tmp_path / "link")))).warnings
    for nothing in ("circle", "none"):
        assert not read(written(device(password_file=str(tmp_path / nothing)))).warnings


@pytest.mark.parametrize(("flags", "warns"), [(0, True), (os.ST_RDONLY, False)])
def test_nothing_is_said_where_nobody_can_change_it(
    reachable: Path, monkeypatch: pytest.MonkeyPatch, flags: int, warns: bool
) -> None:
    """Secrets of containers lie on read-only mounts, often with mode 644."""
    path = reachable / "password"
    path.touch(0o644)
    path.chmod(0o644)
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=flags))

    assert is_open_to_all(path) is warns


def test_a_mount_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    may_go_on = threading.Event()
    monkeypatch.setattr(file_permissions, "is_open_to_all", lambda _: may_go_on.wait(30))
    monkeypatch.setattr(file_permissions, "LOOK_SECONDS", 0.05)
    begin = time.monotonic()

    assert read(written(device(password_file="a"))).warnings == ()

    may_go_on.set()
    assert time.monotonic() - begin < 15


# One device by flags ------------------------------------------------------------------------------


def test_one_device_by_its_url() -> None:
    [made] = single_device(
        protocols=PROTOCOLS, url="https://Roof.example:8443/x/", environ={}
    ).devices
    assert made == DeviceSettings(name="Roof.example", url="https://Roof.example:8443/x")


def test_the_name_of_an_ipv6_address() -> None:
    [made] = single_device(protocols=PROTOCOLS, url="[2001:db8::10]:443", environ={}).devices
    assert made.name == "2001:db8::10"


ENVIRONMENT = {
    "SMA_PASSWORD_FILE": "pw",
    "SMA_GROUP": "installer",
    "SMA_DEVICE": "roof",
    "SMA_TLS_FINGERPRINT": f"sha256:{COLONS}",
}


def test_one_device_by_the_environment() -> None:
    [made] = single_device(protocols=PROTOCOLS, url="a", environ=ENVIRONMENT).devices
    assert made == DeviceSettings(
        name="roof",
        url="a",
        group="installer",
        password_file=Path("pw"),
        tls=TlsSettings(fingerprints=(HEX,), given=True),
    )


def test_flags_go_before_the_environment(ca_file: Path) -> None:
    [made] = single_device(
        protocols=PROTOCOLS,
        url="a",
        environ=ENVIRONMENT | {"SMA_PASSWORD": "x", "SMA_TLS_FINGERPRINT": f"sha256:{HEX}"},
        password_file=Path("other"),
        group="user",
        name="shed",
        fingerprint="sha256:" + "0" * 64,
    ).devices
    assert made == DeviceSettings(
        name="shed",
        url="a",
        password_file=Path("other"),
        tls=TlsSettings(fingerprints=("0" * 64,), given=True),
    )
    [made] = single_device(
        protocols=PROTOCOLS, url="a", environ={"SMA_TLS_CA_FILE": str(ca_file)}
    ).devices
    assert made.tls == TlsSettings(ca_file=CaFile(ca_file, ca_file.read_text().strip()), given=True)


def test_a_dollar_in_the_environment_is_a_dollar() -> None:
    [made] = single_device(protocols=PROTOCOLS, url="a", environ={"SMA_PASSWORD": "$$${A}"}).devices
    assert made.read_password() == "$$${A}"


@pytest.mark.parametrize(
    ("flags", "environ", "sentence"),
    [
        ({"url": "ftp://a"}, {}, "--sma.url (SMA_URL): must begin with https"),
        ({"url": "usr:zebra@a"}, {}, "--sma.url (SMA_URL): must not hold a user name"),
        ({"group": "admin"}, {}, "--sma.group (SMA_GROUP): must be one of user, installer"),
        ({}, {"SMA_GROUP": ""}, "--sma.group (SMA_GROUP): must be one of user, installer"),
        ({"name": "a\nb"}, {}, "--sma.device (SMA_DEVICE): must be one line"),
        ({}, {"SMA_PASSWORD": ""}, "SMA_PASSWORD: is empty"),
        (
            {},
            {"SMA_PASSWORD": "zebra", "SMA_PASSWORD_FILE": "pw"},
            "--sma.password-file (SMA_PASSWORD_FILE): stands beside SMA_PASSWORD; keep one",
        ),
        ({"fingerprint": "md5:00"}, {}, "--sma.tls-fingerprint (SMA_TLS_FINGERPRINT): must be the"),
        ({"ca_file": "none.pem"}, {}, "--sma.tls-ca-file (SMA_TLS_CA_FILE): none.pem cannot be"),
        (
            {"insecure": True, "fingerprint": f"sha256:{HEX}"},
            {},
            "--sma.tls-insecure: has no effect beside --sma.tls-fingerprint",
        ),
        ({"url": "http://a", "insecure": True}, {}, "--sma.tls-fingerprint, --sma.tls-ca-file or"),
    ],
)
def test_faults_of_flags(flags: dict[str, Any], environ: Mapping[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        single_device(protocols=PROTOCOLS, **{"url": "a"} | flags, environ=environ)
    [problem] = caught.value.problems
    assert problem.startswith(sentence)
    assert "zebra" not in problem


def test_warnings_of_flags() -> None:
    config = single_device(
        protocols=PROTOCOLS, url="a", environ={"SMA_PASSWORD": "x" * 13}, insecure=True
    )
    assert [warning.partition(": ")[0] for warning in config.warnings] == [
        "--sma.tls-insecure",
        "SMA_PASSWORD",
    ]


# Durations ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("500ms", 0.5),
        ("5s", 5),
        ("1m30s", 90),
        ("90m", 5400),
        ("24h", 86400),
        ("1d", 86400),
        ("1w", 604800),
        ("1y", 31536000),
        ("1y1w1d1h1m1s1ms", 32230861.001),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "5",
        "-5s",
        "5 s",
        "s",
        "1.5s",
        "1s1m",
        "1s1s",
        "1ms1s",
        "5S",
        "5s\n",
        "٣s",
        "9" * 400 + "s",
    ],
)
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="such as 5s, 1m30s or 500ms"):
        parse_duration(text)


# Never a crash, never a password ------------------------------------------------------------------

KEYS = [
    *(
        "defaults",
        "devices",
        "name",
        "url",
        "plant",
        "serial",
        "group",
        "password",
        "password_file",
    ),
    *("tls", "fingerprint", "ca_file", "verify", "session", "timeout", "min_interval", "sensors"),
    *("counter_reset_delay", "key", "index", "metric", "unit", "scale", "type", "labels", "help"),
]
WORDS = [
    "a",
    "https://a",
    "sha256:00",
    "5s",
    "${A}",
    "gauge",
    "Wh",
    "sma_custom_a_joules",
    "",
    "=",
    "<<",
]
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner),
)
DEVICES = st.dictionaries(st.sampled_from(KEYS), VALUES)
FILES = st.fixed_dictionaries({"devices": st.lists(DEVICES)}, optional={"defaults": DEVICES})
YAML_TEXTS = st.text(alphabet="ab:-?[]{},&*!|>'\"%@`#~=<0.1e \n\t\\_\x00\ufeff\u2028") | st.text()


def read_or_refuse(text: str) -> None:
    try:
        read(text)
    except ConfigError as error:
        refusal = error
    else:
        return
    assert refusal.problems
    assert all(problem.splitlines() == [problem] for problem in refusal.problems)


@given(YAML_TEXTS)
def test_no_text_crashes(text: str) -> None:
    read_or_refuse(text)
    read_or_refuse("devices:\n  - name: a\n    url: b\n    password: " + text)


@given(FILES | VALUES)
def test_no_values_crash(values: object) -> None:
    read_or_refuse(json.dumps(values))


@pytest.mark.parametrize(
    "text", ["&a [*a]", "devices: &a [*a]", "&a {devices: [*a], defaults: *a}"]
)
def test_no_loop_crashes(text: str) -> None:
    read_or_refuse(text)


# No sentence of ours has three of these in a row.
PASSWORDS = st.text(alphabet="zqxj789ZQXJ .,'\"*&!%@{}[]|>\\#-`?~", min_size=4, max_size=20)


@given(
    PASSWORDS,
    st.sampled_from(
        [
            "devices: [{{name: roof, url: a, password: {quoted}}}]",
            "devices: [{{name: roof, url: a, pasword: {quoted}, group: x}}]",
            "defaults: {{password: {quoted}, group: x}}\ndevices: []",
            "devices: [{{name: roof, url: {url}}}]",
            "devices: [{{name: roof, url: a, password: {plain}}}]",
            "devices: [{{name: roof, password:{plain}}}]",
            "devices:\n  - name: roof\n    password: {plain}\n    url: a\n    group: x\n",
            "devices:\n  - name: roof\n    password:{plain}\n    url: a\n",
            "devices:\n  - name: roof\n    url: a\n    password: {plain}\n    password: {plain}\n",
            "devices:\n  - name: roof\n    url: a\n    password:\n      {plain}: {plain}\n",
        ]
    ),
)
def test_no_message_shows_a_password(password: str, template: str) -> None:
    quoted, url = json.dumps(password), json.dumps(f"https://usr:{password}@a")
    text = template.format(quoted=quoted, url=url, plain=password)
    try:
        config = read(text)
        shown = f"{config!r} {config} {config.warnings}"
    except ConfigError as error:
        shown = f"{error!r} {error} {error.problems} {error.__context__!r} {error.__cause__!r}"
    for part in re.findall("[zqxj789ZQXJ]{3,}", password):
        assert part not in shown


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret("zebra")
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>10}",
        repr(DeviceSettings(name="a", password=secret)),
    ]
    assert all("zebra" not in text and "<secret>" in text for text in shown)
    assert secret.reveal() == "zebra"
    assert {secret} == {Secret("zebra")}
    assert secret != Secret("horse")
    assert secret != "zebra"
