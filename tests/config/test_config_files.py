"""Configuration files: whatever a path names, reading it ends; messages name the file and the line."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.devices import PASSWORD
from support.needs import require_path
from support.programs import PATIENCE_SECONDS, command, exporter, get, values

from sma_exporter import config
from sma_exporter.config.files import LARGEST_BYTES, read_text
from sma_exporter.config.reader import ValidationError
from sma_exporter.devices.fleet import Fleet
from sma_exporter.devices.protocols import PROTOCOL_KEYS
from sma_exporter.metrics.collector import DeviceCollector
from sma_exporter.metrics.exposition import exposition
from sma_exporter.simulator import Simulator
from sma_exporter.sma.deadline import Deadline

GOOD = "devices:\n  - {name: roof, url: 192.0.2.1, password: Sunny-1234}\n"


def fifo(folder: Path) -> Path:
    os.mkfifo(folder / "fifo")
    return folder / "fifo"


def huge(folder: Path) -> Path:
    with (folder / "huge").open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    return folder / "huge"


def binary(folder: Path) -> Path:
    (folder / "binary").write_bytes(b"\xff\xfe\x00")
    return folder / "binary"


#: What a path may name instead of a file, and what is said of it.
UNUSABLE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a pipe that nobody writes to": (fifo, "is no regular file"),
    "an endless device": (lambda _: Path("/dev/zero"), "is no regular file"),
    "a folder": (lambda folder: folder, "cannot be read by uid"),
    "nothing": (lambda folder: folder / "none", "cannot be read by uid"),
    "a huge file": (huge, "is larger than 1024 KiB"),
    "no text": (binary, "is not UTF-8 text"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_is_no_file_is_named_with_the_reason(kind: str, tmp_path: Path) -> None:
    make, sentence = UNUSABLE[kind]
    path = make(tmp_path)

    with pytest.raises(ValidationError, match=sentence) as caught:
        read_text(path)

    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("kind", UNUSABLE)
def test_no_file_stays_open(kind: str, tmp_path: Path) -> None:
    """A password file is read at each login, for years."""
    path = UNUSABLE[kind][0](tmp_path)
    folder = require_path(Path("/proc/self/fd"), "/proc")
    before = len([*folder.iterdir()])

    for _ in range(50):
        with pytest.raises(ValidationError):
            read_text(path)

    assert len([*folder.iterdir()]) < before + 25  # other threads may open some, too


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3_000_000_000)


#: What a password file may become while the exporter runs.
BECOME: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "3 GB": sparse,
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
    "nothing": lambda _: None,
    "a link to itself": lambda path: path.symlink_to(path),
}


@pytest.mark.parametrize("kind", BECOME)
def test_a_password_file_that_becomes_something_else_is_an_error_of_this_device(
    kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "roof.password"
    path.write_text(PASSWORD)
    with Simulator() as simulator, Simulator() as other:
        fleet = Fleet(
            config.Config(
                (
                    config.DeviceSettings(
                        name="roof", url=simulator.url, password_file=path, min_interval=0
                    ),
                    config.DeviceSettings(
                        name="shed",
                        url=other.url,
                        password=config.Secret(PASSWORD),
                        min_interval=0,
                    ),
                )
            )
        )
        try:
            before = scrape(fleet)
            path.unlink()
            BECOME[kind](path)
            begin = time.monotonic()
            found = [scrape(fleet) for _ in range(3)]
            seconds = time.monotonic() - begin
        finally:
            fleet.close()

    assert before['sma_up{device="roof"}'] == before['sma_up{device="shed"}'] == 1
    for shown in found:
        assert shown['sma_scrape_failing{device="roof",reason="authentication"}'] == 1
        assert shown['sma_up{device="shed"}'] == 1
    assert seconds < 15
    (roof, _) = fleet.devices
    assert str(path) in roof.last().result.message  # type: ignore[union-attr]


def scrape(fleet: Fleet) -> dict[str, float]:
    collector = DeviceCollector(fleet.devices, Deadline.after(5))
    return values(exposition([collector], "").text)


#: Where a path stands: what is configured with it, by its YAML.
PLACES = {
    "the configuration": "",
    "the authority": "devices: [{name: roof, url: 192.0.2.1, tls: {ca_file: %s}}]",
    "the web configuration": "",
    "the port's certificate": "tls_server_config: {cert_file: %s, key_file: %s}",
    "the password": "devices: [{name: roof, url: 192.0.2.1, password_file: %s}]",
}


@pytest.mark.parametrize("kind", [*UNUSABLE][:4])
@pytest.mark.parametrize("place", PLACES)
def test_the_check_ends_whatever_is_configured(place: str, kind: str, tmp_path: Path) -> None:
    make, sentence = UNUSABLE[kind]
    path, file, web = make(tmp_path), tmp_path / "sma.yml", tmp_path / "web.yml"
    file.write_text(GOOD)
    web.write_text("{}")
    match place:
        case "the configuration":
            file = path
        case "the web configuration":
            web = path
        case "the port's certificate":
            web.write_text(PLACES[place].replace("%s", str(path)))
        case _:
            file.write_text(PLACES[place] % path)

    begin = time.monotonic()
    checked = subprocess.run(
        command("--config.check", f"--config.file={file}", f"--web.config.file={web}"),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )

    assert time.monotonic() - begin < 10
    assert checked.returncode == (0 if place == "the password" else 2)
    assert f"{path} {sentence}" in checked.stderr
    assert "Traceback" not in checked.stderr


def test_a_password_that_cannot_be_read_holds_up_no_other_device(tmp_path: Path) -> None:
    with Simulator() as simulator:
        (tmp_path / "sma.yml").write_text(
            f"devices:\n  - {{name: roof, url: '{simulator.url}', password_file: {fifo(tmp_path)}}}\n"
            f"  - {{name: shed, url: '{simulator.url}', password: {PASSWORD}}}\n".replace(
                "127.0.0.1", "localhost", 1
            )
        )
        with exporter(f"--config.file={tmp_path / 'sma.yml'}") as (url, program):
            metrics = get(f"{url}/metrics").text
            assert program.stop() == 0

    assert 'sma_up{device="shed"} 1.0' in metrics
    assert 'sma_scrape_failing{device="roof",reason="authentication"} 1.0' in metrics


# --- messages ---


def problems(folder: Path, text: str) -> list[str]:
    path = folder / "sma.yml"
    path.write_text(dedent(text))
    with pytest.raises(config.ConfigError) as caught:
        config.load(path, {}, PROTOCOL_KEYS)
    return [problem.replace(str(path), "sma.yml") for problem in caught.value.problems]


def test_messages_name_the_file_the_line_and_the_device(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """\
        defaults:
          timeout: soon
        devices:
          - name: roof
            url: 192.0.2.1
            tls:
              fingerprint: md5
          - url: 192.0.2.2
          - {name: shed, url: 192.0.2.1,
             group: admin}
          - name: garage
            ulr: 192.0.2.4
            sensors:
              - key: "6400_00463100"
        """,
    )

    assert [problem.partition(": ")[0] for problem in found] == [
        "sma.yml:2",
        "sma.yml:7 (roof)",
        "sma.yml:8",
        "sma.yml:10 (shed)",
        "sma.yml:11 (garage)",
        *["sma.yml:14 (garage)"] * 4,
        "sma.yml:12 (garage)",
    ]


def test_a_name_that_is_no_line_is_not_shown(tmp_path: Path) -> None:
    (problem, *_) = problems(tmp_path, 'devices: [{name: "a\\nb", url: 192.0.2.1, group: x}]\n')

    assert problem.startswith("sma.yml:1: devices[0].name: ")


def test_warnings_have_their_line_too(tmp_path: Path) -> None:
    path = tmp_path / "sma.yml"
    path.write_text(f"devices:\n  - name: roof\n    url: 192.0.2.1\n    password: {'x' * 13}\n")

    (warning,) = config.load(path, {}, PROTOCOL_KEYS).warnings

    assert warning.startswith(f"{path}:4 (roof): devices[0].password: ")


# --- YAML that we write ---

PLAIN = st.recursive(
    st.one_of(
        st.text(),
        st.sampled_from(["\x85", "a\u2028b", "\r", " a\n"]),
        st.integers(),
        st.booleans(),
        st.floats(allow_nan=False),
        st.none(),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(PLAIN)
def test_what_is_written_as_yaml_is_read_as_the_same(value: object) -> None:
    assert yaml.safe_load(config.to_yaml({"value": value})) == {"value": value}


@pytest.mark.parametrize(
    "name",
    ["Roof #2", "yes", "no: 1", "0x1F", "1e3", "- a", "2024-12-31", "ü", "a\x07b", "\x85", "null"],
)
def test_a_name_in_a_line_is_read_as_the_same(name: str) -> None:
    line = config.to_yaml_line({"name": name, "help": f"Of {name}."})

    assert "\n" not in line.strip()
    assert yaml.safe_load(line) == {"name": name, "help": f"Of {name}."}
