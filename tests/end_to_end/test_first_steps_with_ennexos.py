"""The first steps with a device that has ennexOS, by the real command: each error leads to the next step."""

import re
from pathlib import Path

import pytest
from support.programs import Running, exporter, get, run, running, values

PASSWORD_PLACE = "/path/to/a/file/with/the/password"


def sensors(device: Running, *flags: str, password: str | None = None) -> str:
    url = device.find(r"url: (https://127\.0\.0\.1:\d+)")[1]
    environ = {} if password is None else {"SMA_PASSWORD": password}
    done = run("sensors", f"--sma.url={url}", *flags, environ=environ)
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def told(device: Running, what: str) -> str:
    return device.find(f'{what}: "?([^"]+)')[1]


def written(report: str, folder: Path, password: str) -> str:
    """Write the configuration at the end of a report to a file; return the flag for it."""
    (folder / "password").write_text(password, encoding="utf-8")
    text = "devices:\n" + report.partition("\ndevices:\n")[2]
    path = folder / "sma.yml"
    path.write_text(text.replace(PASSWORD_PLACE, "password"), encoding="utf-8")
    return f"--config.file={path}"


@pytest.mark.parametrize(("model", "devices"), [("stp-x-15", 1), ("data-manager", 4)])
def test_from_an_address_to_metrics(tmp_path: Path, model: str, devices: int) -> None:
    with running("simulate", f"--model={model}", "--tls") as device:
        user, password = told(device, "username"), told(device, "password")

        untrusted = sensors(device)
        pin = re.findall(r"sha256:[0-9A-F:]{95}", untrusted)[0]
        flags = [f"--sma.tls-fingerprint={pin}"]
        nameless = sensors(device, *flags)
        without = sensors(device, *flags, f"--sma.username={user}")
        refused = sensors(device, *flags, f"--sma.username={user}", password="Wrong-1234")
        report = sensors(device, *flags, f"--sma.username={user}", password=password)

        assert "--sma.tls-fingerprint" in untrusted
        assert "--sma.username NAME" in nameless
        assert "--sma.password-file" in without
        assert f"tried as '{user}'" in " ".join(refused.split())
        assert pin == told(device, "fingerprint")

        with exporter(written(report, tmp_path, password)) as (url, program):
            found = values(get(f"{url}/metrics").text)
            assert program.stop() == 0

    up = {series: value for series, value in found.items() if series.startswith("sma_up{")}
    assert len(up) == devices
    assert up['sma_up{device="127.0.0.1"}'] == 1
    # At night one of the devices behind the Data Manager sleeps.
    assert sum(up.values()) >= devices - 1
    # If that one is read first it logs out, as nobody else uses the session yet.
    logins = sum(value for series, value in found.items() if series.startswith("sma_logins_"))
    assert 1 <= logins <= 2
    assert not any("Traceback" in line or password in line for line in program.lines)
