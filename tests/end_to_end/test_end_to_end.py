"""The real command against simulated devices over real HTTP."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from support.needs import require_tool
from support.programs import Running, exporter, get, post, run, running, values

from sma_exporter.simulator import PASSWORD, Simulator, faults


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    with exporter("--demo", "--log.level=debug") as (url, _):
        yield url


def write_config(folder: Path, *devices: str) -> str:
    path = folder / "sma.yml"
    path.write_text("devices:\n" + "\n".join(devices), encoding="utf-8")
    return f"--config.file={path}"


def device(name: str, simulator: Simulator, **keys: str) -> str:
    others = "".join(f", {key}: {value}" for key, value in keys.items())
    return f'  - {{name: {name}, url: "{simulator.url}", password: "{PASSWORD}"{others}}}'


class TestDemo:
    def test_four_devices_and_250_samples(self, demo: str) -> None:
        found = values(get(f"{demo}/metrics").text)

        assert {s: v for s, v in found.items() if s.startswith("sma_up")} == {
            'sma_up{device="hybrid"}': 1,
            'sma_up{device="roof"}': 1,
            'sma_up{device="garage"}': 1,
            'sma_up{device="barn"}': 1,
        }
        assert len(found) >= 250

    def test_its_sun_shines_at_any_hour(self, demo: str) -> None:
        found = values(get(f"{demo}/metrics").text)

        assert found['sma_pv_power_watts{device="roof"}'] > 0

    def test_two_devices_are_on_one_meter(self, demo: str) -> None:
        text = get(f"{demo}/metrics").text
        serials = dict(re.findall(r'sma_meter_info{device="(\w+)",serial="(\d+)"}', text))

        assert serials["hybrid"] == serials["roof"]

    def test_promtool_has_nothing_to_say(self, demo: str) -> None:
        text = get(f"{demo}/metrics").content

        check = subprocess.run(
            [require_tool("promtool"), "check", "metrics"],
            input=text,
            capture_output=True,
            check=False,
        )

        assert (check.returncode, check.stdout, check.stderr) == (0, b"", b"")

    @pytest.mark.parametrize("path", ["/metrics", "/metrics/exporter", "/probe?target=roof"])
    def test_openmetrics_and_gzip_are_negotiated(self, demo: str, path: str) -> None:
        accept = "application/openmetrics-text;version=1.0.0"

        response = get(demo + path, **{"Accept": accept, "Accept-Encoding": "gzip"})

        assert response.headers["Content-Type"].startswith("application/openmetrics-text")
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.text.endswith("# EOF\n")

    @pytest.mark.parametrize("accept", ["text/plain; version=foo", ";;,=", 'a/b; version="1'])
    def test_an_accept_header_that_makes_no_sense_gets_the_text_format(
        self, demo: str, accept: str
    ) -> None:
        response = get(f"{demo}/metrics", Accept=accept)

        assert response.status_code == 200
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"

    def test_names_restrict_the_answer(self, demo: str) -> None:
        text = get(f"{demo}/metrics?name[]=sma_up&name[]=process_open_fds").text

        assert set(re.findall(r"^(\w+)", text, re.MULTILINE)) == {"sma_up", "process_open_fds"}

    def test_a_probe_is_one_device_and_nothing_else(self, demo: str) -> None:
        found = values(get(f"{demo}/probe?target=garage").text)

        assert found['sma_up{device="garage"}'] == 1
        assert all('device="garage"' in series for series in found)
        assert not any(series.startswith(("sma_logins", "sma_scrape_errors")) for series in found)

    def test_the_exporters_own_metrics_read_no_device(self, demo: str) -> None:
        before = values(get(f"{demo}/metrics/exporter").text)
        after = values(get(f"{demo}/metrics/exporter").text)

        logins = 'sma_logins_total{device="roof"}'
        assert after[logins] == before[logins]
        assert any(series.startswith("sma_exporter_build_info{") for series in after)
        assert after["sma_exporter_config_last_reload_successful"] == 1
        assert "process_resident_memory_bytes" in after
        assert not any(series.startswith("sma_up") for series in after)

    @pytest.mark.parametrize("query", ["", "?target=", "?target=attic", "?target=roof&target=roof"])
    def test_a_probe_of_nothing_configured_is_refused(self, demo: str, query: str) -> None:
        response = get(f"{demo}/probe{query}")

        assert response.status_code == 400
        assert response.text.strip()

    @pytest.mark.parametrize("path", ["/nope", "/metrics/", "/sd/", "/-/reload/", "/metrics/nope"])
    def test_anything_else_is_not_found(self, demo: str, path: str) -> None:
        assert get(demo + path).status_code == 404

    @pytest.mark.parametrize("path", ["/-/healthy", "/-/ready"])
    def test_health(self, demo: str, path: str) -> None:
        assert get(demo + path).status_code == 200


def test_a_stopped_device_is_down_and_the_others_stay(tmp_path: Path) -> None:
    with Simulator("sb-3.6") as roof, Simulator("sb-1.5") as garage:
        config = write_config(
            tmp_path,
            device("roof", roof, min_interval="0s"),
            device("garage", garage, min_interval="0s"),
        )
        with exporter(config) as (url, _):
            before = values(get(f"{url}/metrics").text)
            garage.stop()
            after = values(get(f"{url}/metrics").text)

    up = {
        name: [found[f'sma_up{{device="{name}"}}'] for found in (before, after)]
        for name in ("roof", "garage")
    }
    assert up == {"roof": [1, 1], "garage": [1, 0]}
    assert after['sma_scrape_failing{device="garage",reason="connection"}'] == 1
    assert 'sma_yield_joules_total{device="roof"}' in after
    assert 'sma_yield_joules_total{device="garage"}' not in after
    identity = [s for s in after if s.startswith('sma_device_info{device="garage"')]
    assert len(identity) == 1
    assert 'model="Sunny Boy 1.5"' in identity[0]


def test_it_starts_and_serves_with_every_device_off(tmp_path: Path) -> None:
    with Simulator() as simulator:
        off = device("roof", simulator)
    with exporter(write_config(tmp_path, off)) as (url, program):
        found = values(get(f"{url}/metrics").text)
        page = get(f"{url}/")

        assert program.stop() == 0

    assert found['sma_up{device="roof"}'] == 0
    assert found['sma_scrape_failing{device="roof",reason="connection"}'] == 1
    assert (page.status_code, "roof" in page.text) == (200, True)


def test_sixty_scrapes_at_once_open_one_session_and_leave_none(tmp_path: Path) -> None:
    with Simulator(latency=0.1) as simulator:
        with exporter(write_config(tmp_path, device("roof", simulator))) as (url, program):
            with ThreadPoolExecutor(60) as pool:
                answers = list(pool.map(lambda _: get(f"{url}/metrics"), range(60)))
            program.stop()

        assert [answer.status_code for answer in answers] == [200] * 60
        assert all('sma_up{device="roof"} 1.0' in answer.text for answer in answers)
        assert (simulator.logins, simulator.sessions) == (1, 0)


def test_the_answer_comes_within_prometheus_timeout(tmp_path: Path) -> None:
    with Simulator() as slow, Simulator("sb-1.5") as good:
        slow.faults.add(faults.Fault(faults.hang(), path="getAllOnlValues"))
        config = write_config(tmp_path, device("slow", slow), device("good", good))
        with exporter(config) as (url, _):
            begin = time.monotonic()
            response = get(f"{url}/metrics", **{"X-Prometheus-Scrape-Timeout-Seconds": "2"})
            seconds = time.monotonic() - begin

    found = values(response.text)
    assert seconds < 5
    assert found['sma_up{device="slow"}'] == 0
    assert found['sma_scrape_failing{device="slow",reason="timeout"}'] == 1
    assert found['sma_up{device="good"}'] == 1


def test_from_sensors_to_values_by_pasting_what_it_printed(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text(f"{PASSWORD}\n", encoding="utf-8")
    with Simulator("stp-10-se", tls=True) as simulator:
        first = run("sensors", f"--sma.url={simulator.url}", f"--sma.password-file={password}")
        printed = first.stdout[first.stdout.index("devices:") :]
        (tmp_path / "sma.yml").write_text(printed, encoding="utf-8")
        second = run("sensors", f"--config.file={tmp_path / 'sma.yml'}")
        with exporter(f"--config.file={tmp_path / 'sma.yml'}") as (url, program):
            found = values(get(f"{url}/metrics").text)
            program.stop()

        assert first.returncode == 1
        assert simulator.fingerprint is not None
        assert simulator.fingerprint in first.stdout
        assert second.returncode == 0, second.stdout
        assert found['sma_up{device="127.0.0.1"}'] == 1
        assert 'sma_battery_state_of_charge_ratio{device="127.0.0.1"}' in found
        assert simulator.sessions == 0


def test_a_wrong_password_is_tried_once_and_never_shown(tmp_path: Path) -> None:
    wrong = "Wrong-98765"
    with Simulator() as simulator:
        settings = (
            f'  - {{name: roof, url: "{simulator.url}", password: "{wrong}", min_interval: 0s}}'
        )
        with exporter(write_config(tmp_path, settings), "--log.level=debug") as (url, program):
            answers = [get(f"{url}/metrics").text for _ in range(5)]
            page = get(f"{url}/").text
            program.stop()

        assert simulator.login_attempts == 1
        found = values(answers[-1])
        assert found['sma_scrape_failing{device="roof",reason="authentication"}'] == 1
        assert found['sma_scrape_errors_total{device="roof",reason="authentication"}'] == 1
        assert found['sma_sessions_free{device="roof"}'] == 4
        assert "user" in "".join(line for line in program.lines if "refused" in line)
        assert wrong not in "".join([*answers, page, *program.lines])


def test_one_device_without_a_file(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text(PASSWORD, encoding="utf-8")
    with (
        Simulator() as simulator,
        exporter(
            f"--sma.url={simulator.url}", f"--sma.password-file={password}", "--sma.device=roof"
        ) as (url, _),
    ):
        assert values(get(f"{url}/metrics").text)['sma_up{device="roof"}'] == 1


def test_one_device_from_the_environment() -> None:
    with Simulator() as simulator:
        environ = {"SMA_URL": simulator.url, "SMA_PASSWORD": PASSWORD, "SMA_DEVICE": "roof"}
        arguments = ("--web.listen-address=127.0.0.1:0", "--web.telemetry-path=/m")
        with running(*arguments, environ=environ) as program:
            port = program.find(r"address=127\.0\.0\.1:(\d+) path=/m")[1]
            found = values(get(f"http://127.0.0.1:{port}/m").text)
            gone = get(f"http://127.0.0.1:{port}/metrics").status_code

    assert found['sma_up{device="roof"}'] == 1
    assert gone == 404


def test_anonymous_dashboard_values(tmp_path: Path) -> None:
    with Simulator() as simulator:
        config = write_config(tmp_path, f'  - {{name: roof, url: "{simulator.url}"}}')
        with exporter(config) as (url, _):
            text = get(f"{url}/metrics").text

    assert values(text)['sma_up{device="roof"}'] == 1
    assert 'model="Sunny Boy 3.6"' in text
    assert simulator.logins == 0


def stopping_logs_out(program: Running, simulator: Simulator) -> None:
    assert program.stop() == 0
    assert simulator.sessions == 0


def test_sigterm_logs_out_of_a_kept_session(tmp_path: Path) -> None:
    with Simulator() as simulator:
        config = write_config(
            tmp_path, device("roof", simulator, session="keep", min_interval="0s")
        )
        with exporter(config) as (url, program):
            for _ in range(3):
                get(f"{url}/metrics")

            assert (simulator.logins, simulator.sessions) == (1, 1)
            stopping_logs_out(program, simulator)


class TestReload:
    LOADED = "sma_exporter_config_last_reload_successful"

    def test_by_sighup(self, tmp_path: Path) -> None:
        with Simulator() as roof, Simulator("sb-1.5") as garage:
            config = write_config(tmp_path, device("roof", roof, session="keep"))
            with exporter(config) as (url, program):
                get(f"{url}/metrics")
                write_config(
                    tmp_path, device("roof", roof, session="keep"), device("garage", garage)
                )
                program.process.send_signal(signal.SIGHUP)
                program.find("configuration reloaded")
                both = values(get(f"{url}/metrics").text)

                write_config(tmp_path, device("garage", garage))
                program.process.send_signal(signal.SIGHUP)
                program.find("leaves the configuration")
                one = values(get(f"{url}/metrics").text)
                stopping_logs_out(program, roof)

        assert [s for s in both if s.startswith("sma_up")] == [
            'sma_up{device="roof"}',
            'sma_up{device="garage"}',
        ]
        assert [s for s in one if s.startswith("sma_up")] == ['sma_up{device="garage"}']
        assert roof.logins == 1
        assert one[self.LOADED] == 1

    def test_a_broken_file_changes_nothing(self, tmp_path: Path) -> None:
        with Simulator() as roof:
            config = write_config(tmp_path, device("roof", roof))
            with exporter(config, "--web.enable-lifecycle") as (url, program):
                write_config(tmp_path, device("roof", roof, nonsense="1"))
                program.process.send_signal(signal.SIGHUP)
                line = program.find("the old one stays.*nonsense")[0]
                answer = post(f"{url}/-/reload")
                found = values(get(f"{url}/metrics").text)
                write_config(tmp_path, device("roof", roof))
                mended = post(f"{url}/-/reload")
                after = values(get(f"{url}/metrics").text)
                program.stop()

        assert (answer.status_code, mended.status_code) == (500, 200)
        assert "devices[0].nonsense" in line
        assert "devices[0].nonsense" in answer.text
        assert PASSWORD not in answer.text + line
        assert (found[self.LOADED], after[self.LOADED]) == (0, 1)
        assert found['sma_up{device="roof"}'] == 1
        assert not any("Traceback" in line for line in program.lines)


def test_simulate_replays_a_dump(tmp_path: Path) -> None:
    with Simulator("stp-10-se") as simulator:
        config = write_config(tmp_path, device("roof", simulator))
        dumped = run("dump", "roof", config)
    document = tmp_path / "dump.json"
    document.write_text(dumped.stdout, encoding="utf-8")

    with running("simulate", f"--replay={document}") as replay:
        url = replay.find(r"url: (http://127\.0\.0\.1:\d+)")[1]
        report = run(
            "sensors",
            f"--sma.url={url}",
            "--sma.device=again",
            "--format=json",
            environ={"SMA_PASSWORD": PASSWORD},
        )
        assert replay.stop() == 0

    (found,) = json.loads(report.stdout)
    assert found["ok"], report.stdout
    assert any(line["sensor"] == "battery_soc_total" for line in found["values"])


def test_simulate_says_how_to_log_in_to_a_device_with_ennexos(tmp_path: Path) -> None:
    document = tmp_path / "dump.json"
    document.write_text('{"protocol": "ennexos", "measurements/live": []}', encoding="utf-8")

    for choice in ("--model=stp-x-15", f"--replay={document}"):
        with running("simulate", choice) as program:
            url = program.find(r"url: (http://127\.0\.0\.1:\d+)")[1]
            form = {
                "grant_type": "password",
                "username": program.find("username: (.*)")[1],
                "password": program.find("password: (.*)")[1],
            }
            logged_in = requests.post(f"{url}/api/v1/token", data=form, timeout=10)
            assert program.stop() == 0

        assert logged_in.status_code == 200


def test_health_tells_a_listening_exporter_from_none(demo: str) -> None:
    address = demo.removeprefix("http://")
    with Simulator() as simulator:
        nobody = f"127.0.0.1:{simulator.port}"

    healthy = run("health", f"--web.listen-address={address}")
    unhealthy = run("health", f"--web.listen-address={nobody}")

    assert (healthy.returncode, healthy.stderr) == (0, "")
    assert unhealthy.returncode == 1
    assert "no answer" in unhealthy.stderr
