"""What README claims holds: its commands, files, flags, metrics, queries, outputs and figures."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import fields
from itertools import chain
from pathlib import Path

import pytest
import requests
import yaml
from support import readme
from support.needs import require_tool
from support.programs import PATIENCE_SECONDS, exporter, get, post, run, running

from sma_exporter import __version__, config
from sma_exporter.backfill import time_ranges as spans
from sma_exporter.cli.flags import COMMANDS, DEFAULT_PORT, SERVE, Command, flags_of, parser
from sma_exporter.config.model import UNITS
from sma_exporter.config.values import parse_duration
from sma_exporter.devices import counter_guard as guard
from sma_exporter.devices import device
from sma_exporter.devices.protocols import PROTOCOL_KEYS
from sma_exporter.metrics import families as metrics
from sma_exporter.metrics.collector import SCRAPE_FAMILIES
from sma_exporter.server import DEFAULT_LIMITS as LIMITS
from sma_exporter.simulator import ENNEXOS_MODELS, MODELS, Simulator
from sma_exporter.sma.exceptions import Pause, Reason
from sma_exporter.web import app as web
from sma_exporter.web_config import load as web_config
from sma_exporter.web_config import tls as tls_config
from sma_exporter.webconnect import client
from tools import metric_table

ROOT = readme.ROOT
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

#: Noon in June, so that the simulated sun shines.
NOON = 1_750_000_000.0
ADDRESS = "192.0.2.10"
FINGERPRINT = re.compile(r"sha256:(?:[0-9A-F]{2}:){31}[0-9A-F]{2}")


def flat(text: str) -> str:
    return " ".join(text.split())


# --- commands ---


class TestCommands:
    def test_the_demonstration_installs_the_plain_package(self) -> None:
        venv, pip, demo = readme.command("--demo").split(" && ")

        assert venv == "python3 -m venv .venv"
        assert pip == ".venv/bin/pip install ."
        assert demo == ".venv/bin/sma_exporter --demo"
        assert PROJECT["scripts"] == {"sma_exporter": "sma_exporter.cli:main"}

    def test_the_tests_need_the_extra_dev_and_nothing_else(self) -> None:
        venv, pip, pytest_ = readme.command("pytest").split(" && ")

        assert venv == "python3 -m venv .venv"
        assert pip == ".venv/bin/pip install -e '.[dev]'"
        assert pytest_ == ".venv/bin/pytest"
        assert any(need.startswith("pytest") for need in PROJECT["optional-dependencies"]["dev"])

    def test_every_extra_exists(self) -> None:
        named = chain.from_iterable(
            extras.split(",") for extras in re.findall(r"'\.\[(.+?)\]'", readme.TEXT)
        )

        assert {*named} <= PROJECT["optional-dependencies"].keys()

    @pytest.mark.parametrize("last_word", ["--demo", "pytest", "tests.benchmarks"])
    def test_ci_reads_them_from_here(self, last_word: str) -> None:
        printed = subprocess.run(
            [sys.executable, ROOT / "tests" / "support" / "readme.py", last_word],
            capture_output=True,
            text=True,
            check=True,
        )

        assert printed.stdout.rstrip("\n") == readme.command(last_word)
        assert f"python3 tests/support/readme.py {last_word})" in CI
        assert "pip install -e" not in CI

    def test_the_python_that_is_named_is_the_oldest_that_will_do(self) -> None:
        (named,) = {*re.findall(r"Python (3\.\d+)", readme.section("Try it without an inverter"))}

        assert PROJECT["requires-python"] == f">={named}"

    def test_ci_is_a_sound_script(self) -> None:
        path = ROOT / ".ci" / "run"

        assert path.stat().st_mode & 0o111 == 0o111
        subprocess.run([require_tool("bash"), "-n", path], check=True)


# --- the demonstration, and the paths ---


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    arguments = shlex.split(readme.command("--demo").split(" && ")[-1])[1:]
    with exporter(*arguments) as (url, _):
        yield url


def paths() -> list[str]:
    return [row[0].strip("`") for row in readme.table("HTTP", "path")]


class TestPaths:
    @pytest.mark.parametrize("path", paths())
    def test_every_path_answers(self, demo: str, path: str) -> None:
        ask, expected = (post, 403) if path == "/-/reload" else (get, 200)

        assert ask(demo + path.replace("NAME", "roof")).status_code == expected

    def test_what_is_said_of_others(self, demo: str) -> None:
        assert get(f"{demo}/probe?target=cellar").status_code == 400
        assert get(f"{demo}/probe").status_code == 400
        assert get(f"{demo}/nothing").status_code == 404

    def test_every_local_address_in_the_text_answers(self, demo: str) -> None:
        named = {*re.findall(rf"localhost:{DEFAULT_PORT}(/[a-z/]*)", readme.TEXT)}

        assert named == {"/", "/metrics", "/sd"}
        assert {get(demo + path).status_code for path in named} == {200}

    def test_the_exporter_s_own_process_is_there(self, demo: str) -> None:
        text = get(f"{demo}/metrics").text

        assert re.search("^process_cpu_seconds_total ", text, re.MULTILINE)
        assert re.search("^python_info", text, re.MULTILINE)

    def test_no_other_path_is_named(self) -> None:
        named = {*re.findall(r"`(/(?:-/)?[a-z]+(?:/[a-z]+)?)[`?]", readme.prose())}

        assert named <= {path.partition("?")[0] for path in paths()}

    def test_the_port_is_the_same_everywhere(self) -> None:
        ports = {*re.findall(r"(?:localhost|\d|\s|`|\"):(\d{4,5})\b", readme.TEXT)}
        simulated = {*re.findall(r"127\.0\.0\.1:(\d+)\npassword:", readme.TEXT)}
        neighbours = {"9090", "3000"}  # Prometheus and Grafana

        assert ports - simulated - neighbours == {str(DEFAULT_PORT)}
        assert f"| `:{DEFAULT_PORT}` |" in readme.section("Command line")


# --- outputs ---


def shape(text: str) -> str:
    """An output without what differs from run to run, and without where its lines were broken."""
    text = re.sub(r"127\.0\.0\.1:\d+|192\.0\.2\.10", "HOST", FINGERPRINT.sub("PIN", text))
    return flat(re.sub(r"-?\d+(\.\d+)?\b", "N", text))


def quoted(command: str) -> tuple[list[str], str]:
    """The arguments of the one quoted command that begins so, and what it is said to print."""
    code = [block.code.partition("\n") for block in readme.blocks("console")]
    ((line, _, output),) = [part for part in code if part[0].startswith(f"$ {command}")]
    return shlex.split(line)[2:], output


def programs_output(folder: Path, arguments: list[str], simulator: Simulator) -> str:
    """What the program prints for these arguments, with the simulator in place of the inverter."""
    (folder / "roof.password").write_text("Sunny-1234\n", encoding="utf-8")
    text = readme.blocks("yaml")[0].code.replace(f"https://{ADDRESS}", simulator.url)
    text = FINGERPRINT.sub(str(simulator.fingerprint), text)
    (folder / "sma.yml").write_text(text, encoding="utf-8")
    places = {f"https://{ADDRESS}": simulator.url}
    places |= {name: str(folder / name) for name in ("roof.password", "sma.yml")}
    done = run(*(places.get(argument, argument) for argument in arguments))
    return done.stdout.replace(f"{folder}/", "") + done.stderr


class TestOutputs:
    def test_nothing_else_is_quoted(self) -> None:
        commands = [block.code.partition("\n")[0] for block in readme.blocks("console")]

        assert [command.split()[1] for command in commands] == [
            "curl",
            *[".venv/bin/sma_exporter"] * 5,
        ]

    def test_of_the_demonstration(self, demo: str) -> None:
        arguments, output = quoted("curl")
        lines = get(f"{demo}/metrics").text.splitlines()

        printed = [line for line in lines if re.match(arguments[-1], line)]

        assert shape("\n".join(printed)) == shape(output)

    @pytest.mark.parametrize(
        "command",
        [
            ".venv/bin/sma_exporter sensors --sma.url",
            ".venv/bin/sma_exporter --config.file sma.yml --config.check",
            ".venv/bin/sma_exporter sensors --config.file",
        ],
    )
    def test_of_the_first_steps(
        self, simulate: Callable[..., Simulator], tmp_path: Path, command: str
    ) -> None:
        arguments, output = quoted(command)

        printed = programs_output(
            tmp_path, arguments, simulate("sb-3.6", tls=True, clock=lambda: NOON)
        )

        assert shape(printed).startswith(shape(output))

    def test_of_the_list_of_loggers(
        self, simulate: Callable[..., Simulator], tmp_path: Path
    ) -> None:
        arguments, output = quoted(".venv/bin/sma_exporter backfill")

        printed = programs_output(tmp_path, arguments, simulate("sb-3.6", tls=True))

        assert shape(printed).startswith(shape(output))

    def test_the_file_is_the_one_that_is_printed(self) -> None:
        _, output = quoted(".venv/bin/sma_exporter sensors --sma.url")

        assert output.endswith(readme.blocks("yaml")[0].code)

    def test_of_the_simulator(self) -> None:
        arguments, output = quoted(".venv/bin/sma_exporter simulate")

        with running(*arguments) as program:
            program.find(output.splitlines()[-1].partition(":")[0])

        assert shape("\n".join(program.lines) + "\n") == shape(output)


# --- files ---


def exporter_files() -> list[str]:
    return [block.code for block in readme.blocks("yaml") if "devices:" in block.code]


def web_files() -> list[str]:
    return [block.code for block in readme.blocks("yaml") if "tls_server_config:" in block.code]


def prometheus_files() -> list[str]:
    return [block.code for block in readme.blocks("yaml") if "scrape_configs:" in block.code]


class TestFiles:
    def test_every_yaml_block_is_known(self) -> None:
        known = exporter_files() + web_files() + prometheus_files()

        assert sorted(known) == sorted(block.code for block in readme.blocks("yaml"))

    @pytest.mark.parametrize("text", exporter_files())
    def test_configurations_are_accepted_without_a_warning(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "roof.password").write_text("Sunny-1234\n", encoding="utf-8")
        environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}

        loaded = config.parse(text, environ, PROTOCOL_KEYS, folder=tmp_path)

        assert [found.name for found in loaded.devices] == ["roof"]
        assert loaded.warnings == ()
        assert loaded.devices[0].read_password() == "Sunny-1234"

    @pytest.mark.parametrize("text", prometheus_files())
    def test_prometheus_accepts_the_scrape_configurations(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "prometheus.yml"
        path.write_text(text, encoding="utf-8")

        promtool("check", "config", str(path))

    def test_the_probe_configuration_asks_for_names(self) -> None:
        (probe,) = (text for text in prometheus_files() if "/probe" in text)
        job = yaml.safe_load(probe)["scrape_configs"][0]

        assert job["metrics_path"] == "/probe"
        assert job["static_configs"][0]["targets"] == ["roof", "garage"]


class TestPort:
    """The steps to a login and TLS, one after the other, as they are written."""

    SECTION = "A login and TLS for the port"

    def test_they_lead_to_a_scrape(
        self, simulate: Callable[..., Simulator], tmp_path: Path
    ) -> None:
        make_certificate, make_hash, start = self.commands()
        require_tool("openssl")
        subprocess.run(
            [
                require_tool("bash"),
                "-c",
                make_certificate.replace("DNS:pi.example", "DNS:localhost"),
            ],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )
        (hashed,) = re.findall(r"\$2b\$\S+", readme.section(self.SECTION))
        (web,) = web_files()
        (tmp_path / "web.yml").write_text(web.replace(hashed, self.hash_by(make_hash, "made up")))
        simulator = simulate("sb-3.6", clock=lambda: NOON)
        (tmp_path / "sma.yml").write_text(
            f'devices: [{{name: roof, url: "{simulator.url}", password: "Sunny-1234"}}]\n'
        )
        words = shlex.split(start)[1:]
        flags = [str(tmp_path / word) if word.endswith(".yml") else word for word in words]
        with running(*flags, "--web.listen-address=127.0.0.1:0") as program:
            port = program.find(r"msg=listening address=127\.0\.0\.1:(\d+)")[1]
            job = yaml.safe_load(self.scrape())["scrape_configs"][0]
            url = f"{job['scheme']}://localhost:{port}/metrics"
            with requests.Session() as session:
                session.trust_env = False
                session.verify = str(tmp_path / job["tls_config"]["ca_file"])
                session.auth = (job["basic_auth"]["username"], "made up")
                answer = session.get(url, timeout=PATIENCE_SECONDS)

        assert answer.status_code == 200
        assert 'sma_up{device="roof"} 1.0' in answer.text

    def commands(self) -> list[str]:
        code = "".join(b.code for b in readme.blocks("sh", text=readme.section(self.SECTION)))
        return code.replace("\\\n", "").splitlines()

    def scrape(self) -> str:
        (found,) = (text for text in prometheus_files() if "basic_auth" in text)
        return found

    def hash_by(self, command: str, password: str) -> str:
        """Answer the question as one would; without a terminal it is read from standard input."""
        program, *arguments = shlex.split(command)
        assert program == ".venv/bin/python"
        done = subprocess.run(
            [sys.executable, *arguments],
            input=f"{password}\n",
            capture_output=True,
            text=True,
            check=True,
            start_new_session=True,
        )
        return done.stdout.strip()


def promtool(*arguments: str) -> str:
    done = subprocess.run(
        [require_tool("promtool"), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# --- flags, keys, variables ---


#: The commands, of serving by the empty name.
ALL = {"": SERVE, **COMMANDS}


def flags(command: Command) -> set[str]:
    own = {flag.name for flag in flags_of(command) if flag.name.startswith("--")}
    return own | {"--help"} | ({"--version"} if command is SERVE else set())


#: Flags of other programs.
FOREIGN = {
    "--rm",
    "--name",
    "--restart",
    "--read-only",
    "--upgrade",
    "--now",
    "--from-file",
    "--max-block-duration",
    "--storage.tsdb.path",
    "--storage.tsdb.retention.time",
}


class TestFlags:
    def test_every_flag_in_the_text_exists(self) -> None:
        named = {*re.findall(r"(?<![\w<-])--[a-z][a-z.-]*[a-z](?!\.…|[\w-])", readme.TEXT)}
        known = set(chain.from_iterable(flags(command) for command in ALL.values()))

        assert named - FOREIGN <= known
        assert known <= named

    def test_the_table_has_every_flag_of_serving(self) -> None:
        cells = (row[0] for row in readme.table("Command line", "flag"))
        named = set(chain.from_iterable(re.findall(r"`(--.+?)`", cell) for cell in cells))

        assert named == flags(SERVE)

    def test_defaults(self) -> None:
        arguments = parser().parse_args([])
        defaults = {row[0].strip("`"): row[2].strip("`") for row in flag_rows()}

        assert defaults["--web.telemetry-path"] == arguments.telemetry_path
        assert defaults["--scrape.timeout-offset"] == f"{arguments.timeout_offset}s"
        assert defaults["--log.level"] == arguments.log_level
        assert defaults["--log.format"] == arguments.log_format
        assert defaults["--sma.group"] == config.DeviceSettings(name="roof").group

    def test_the_table_has_every_sub_command(self) -> None:
        named = {
            row[0].strip("`").split()[0] for row in readme.table("Command line", "sub-command")
        }

        assert named == COMMANDS.keys()

    def test_the_table_has_every_flag_of_backfill(self) -> None:
        rows = readme.table("Command line", "flag of `backfill`")
        named = {row[0].strip("`") for row in rows}
        (own,) = (
            group
            for title, group in COMMANDS["backfill"].groups.items()
            if title.startswith("the history")
        )

        assert named == {flag.name for flag in own}
        defaults = {row[0].strip("`"): row[1].strip("`") for row in rows}
        (interval,) = (flag for flag in own if flag.name == "--interval")
        assert defaults["--interval"] == interval.options["default"]

    def test_variables(self) -> None:
        named = {*re.findall(r"`(SMA_[A-Z_]+)`", readme.section("Command line"))}
        known = {*re.findall(r"SMA_[A-Z_]+", " ".join(config.FLAGS.values()))}

        assert named == known

    def test_models(self) -> None:
        text = readme.section("The simulator")

        assert {*re.findall(r"`([a-z]+-[a-z0-9.-]+)`", text)} == {*MODELS, *ENNEXOS_MODELS}


def flag_rows() -> list[tuple[str, ...]]:
    return readme.table("Command line", "flag")


def keys(heading: str, first_column: str) -> dict[str, str]:
    """The keys of a table, and what it says are their defaults."""
    rows = readme.table(heading, first_column)
    return {row[0].strip("`"): row[1].strip("`") for row in rows}


def quotes(text: str) -> list[str]:
    return re.findall(r"`(.+?)`", text)


def names(model: type) -> set[str]:
    return {field.name for field in fields(model)}


class TestKeys:
    def test_of_a_device(self) -> None:
        tls = {"tls.fingerprint", "tls.ca_file", "tls.verify"}

        assert keys("Configuration file", "key").keys() == names(config.DeviceSettings) - {
            "tls",
            "options",
        } | tls | {"username", "component"}
        assert names(config.TlsSettings) - {"given"} == {"fingerprints", "ca_file", "verify"}

    def test_of_a_sensor(self) -> None:
        assert keys("Configuration file", "key of a sensor").keys() == names(config.CustomSensor)

    def test_defaults(self) -> None:
        said = keys("Configuration file", "key")
        made = config.DeviceSettings(name="roof", url=ADDRESS)

        assert said["group"] == made.group
        assert said["session"] == "scrape`, with ennexOS `keep"
        sessions = {name: keys.session for name, keys in PROTOCOL_KEYS.items()}
        assert sessions == {"": "", "webconnect": "scrape", "ennexos": "keep"}
        assert parse_duration(said["timeout"]) == made.timeout
        assert parse_duration(said["min_interval"]) == made.min_interval
        assert parse_duration(said["counter_reset_delay"]) == made.counter_reset_delay
        assert json.loads(said["tls.verify"]) is made.tls.verify

    def test_of_the_web_configuration(self) -> None:
        rows = keys("Web configuration file", "key")
        http = {"http_server_config.http2", "http_server_config.headers"}
        others = http | {"basic_auth_users", "rate_limit.interval", "rate_limit.burst"}

        assert (
            rows.keys()
            == {f"tls_server_config.{name}" for name in names(tls_config.ServerTls)} | others
        )

    def test_defaults_of_the_web_configuration(self) -> None:
        rows = keys("Web configuration file", "key")
        tls, limit = tls_config.ServerTls(), web_config.RateLimit()

        for name in ("client_auth_type", "min_version", "max_version"):
            assert rows[f"tls_server_config.{name}"] == getattr(tls, name)
        assert json.loads(rows["tls_server_config.prefer_server_cipher_suites"]) is True
        assert (float(rows["rate_limit.interval"]), int(rows["rate_limit.burst"])) == (
            limit.interval,
            limit.burst,
        )

    def test_values_of_the_web_configuration(self) -> None:
        rows = {row[0].strip("`"): row[2] for row in readme.table("Web configuration file", "key")}
        headers = chain(web_config.HEADERS, *web_config.HEADERS.values())

        assert quotes(rows["tls_server_config.min_version"]) == [*tls_config.VERSIONS]
        assert quotes(rows["tls_server_config.curve_preferences"]) == [*tls_config.CURVES]
        assert {*quotes(rows["http_server_config.headers"])} == {*headers}
        assert f"at most {web_config.HIGHEST_COST}" in rows["basic_auth_users"]
        named = quotes(rows["tls_server_config.client_auth_type"])
        assert named == [
            "RequireAndVerifyClientCert",
            "VerifyClientCertIfGiven",
            *tls_config.UNVERIFIED_CLIENT_AUTH[:2],
        ]

    def test_units_are_known(self) -> None:
        rows = {
            row[0].strip("`"): row for row in readme.table("Configuration file", "key of a sensor")
        }
        listed = re.findall(r"unit: (.+?) and so on", rows["unit"][2])[0].split(", ")

        assert {*listed} <= UNITS.keys()


# --- metrics and queries ---


def known_metrics() -> set[str]:
    device = {family.name for family in metrics.ALL_FAMILIES}
    scrape = {family.name for family in SCRAPE_FAMILIES}
    own = metric_table.exporter_metrics()
    return device | scrape | {sample.name for metric in own for sample in metric.samples}


class TestMetrics:
    def test_the_table_is_what_the_code_says(self) -> None:
        assert metric_table.replaced(readme.TEXT) == readme.TEXT, "python -m tools.metric_table"
        reference = metric_table.REFERENCE.read_text(encoding="utf-8")
        assert metric_table.reference() == reference, "python -m tools.metric_table"

    def test_the_reference_names_every_metric(self) -> None:
        reference = metric_table.REFERENCE.read_text(encoding="utf-8")

        assert {*re.findall(r"`(sma_\w+)`", reference)} == known_metrics()

    def test_every_metric_in_the_text_exists(self) -> None:
        text = re.sub(r"sma_exporter(?:\.[a-z]+)?\b(?!_)|sma_custom_\w*", "", readme.TEXT)
        named = {*re.findall(r"(?<![\w{/:])sma_\w+", text)}  # not what is recorded

        assert named <= known_metrics()
        assert named >= {*metric_table.MAIN}

    def test_the_state_that_is_shown_exists(self, demo: str) -> None:
        (state,) = re.findall(r"`(sma_status\{.+?\}) 1`", readme.TEXT)
        label = state.partition("{")[2]

        assert f",{label} 1.0" in get(f"{demo}/metrics").text


def queries() -> list[str]:
    return [block.code for block in readme.blocks("promql")]


class TestQueries:
    def test_they_parse(self, tmp_path: Path) -> None:
        rules = [{"record": f"readme:{n}", "expr": query} for n, query in enumerate(queries())]
        path = tmp_path / "rules.yml"
        path.write_text(yaml.safe_dump({"groups": [{"name": "readme", "rules": rules}]}))

        printed = promtool("check", "rules", str(path))

        assert f"SUCCESS: {len(queries())} rules found" in printed

    @pytest.mark.parametrize(
        ("said", "expected"),
        [
            ("Lifetime yield", 10.0 + 20.0 + 30.0),
            ("Yield of a day", 4.8 + 4.8 + 4.8),
            ("PV energy", 15.0 + 20.0 + 30.0),
            ("drawn from the grid", 700.0 + 50.0),
            ("house consumes", 1200.0 + 1256.0 - 900.0 + 700.0 + 50.0),
            ("gone for a day", 0.0),
        ],
    )
    def test_they_say_what_they_are_said_to_say(
        self, tmp_path: Path, said: str, expected: float
    ) -> None:
        """A hybrid and a roof on one meter, and a garage on another that is asleep but for its totals."""
        check(tmp_path, said, series(), expected)

    @pytest.mark.parametrize(
        ("serials", "expected"),
        [
            ({"hybrid a": "1", "roof a": "1", "garage a": "2"}, 700 + 50),
            ({"hybrid a": "1", "roof a": ""}, 700),
            ({"hybrid a": "", "roof a": ""}, 700),
            ({"hybrid a": ""}, 700),
            ({"hybrid a": "1", "roof a": "", "garage a": "2"}, 700 + 50),
            ({"hybrid a": "1", "roof a": "", "garage b": ""}, 700 + 50),
        ],
        ids=["all tell", "one tells", "none tells", "alone", "two meters", "another plant's"],
    )
    @pytest.mark.parametrize("said", ["drawn from the grid", "house consumes"])
    def test_a_meter_counts_once_whoever_tells_its_serial_number(
        self, tmp_path: Path, said: str, serials: dict[str, str], expected: float
    ) -> None:
        found: dict[str, str] = {}
        for of_plant, serial in serials.items():
            name, plant = of_plant.split()
            where = f'job="sma",instance="{name}",device="{name}",plant="{plant}"'
            watts = 50 if name == "garage" else 700
            found |= {
                f"sma_up{{{where}}}": "1x47",
                f"sma_meter_import_power_watts{{{where}}}": f"{watts}x47",
                f"sma_meter_export_power_watts{{{where}}}": "0x47",
                f'sma_meter_info{{{where},serial="{serial}"}}': "1x47",
            }

        check(tmp_path, said, found, expected)


def check(folder: Path, said: str, found: dict[str, str], expected: float) -> None:
    """The query behind a sentence, on what Prometheus has found in 47 hours."""
    (query,) = (code for text, code in with_sentences() if said in text)
    case = {
        "interval": "1h",
        "input_series": [{"series": s, "values": v} for s, v in found.items()],
        "promql_expr_test": [
            {
                "expr": f"sum({query})",
                "eval_time": "47h",
                "exp_samples": [{"labels": "{}", "value": expected}],
            }
        ],
    }
    path = folder / "test.yml"
    path.write_text(yaml.safe_dump({"rule_files": [], "tests": [case]}), encoding="utf-8")

    promtool("test", "rules", str(path))


def with_sentences() -> list[tuple[str, str]]:
    parts = re.findall(r"(.+?)```promql\n(.+?)```", readme.section("Queries"), re.DOTALL)
    return [(flat(sentence), code) for sentence, code in parts]


def series() -> dict[str, str]:
    def of(device: str, **values: str) -> dict[str, str]:
        where = f'job="sma",instance="x",device="{device}"'
        return {f"{name}{{{where}}}": value for name, value in values.items()}

    def yields(kwh: float) -> str:
        """200 Wh an hour, so that it is these kWh in the 48th hour."""
        return f"{(kwh - 47 * 0.2) * 3.6e6:.0f}+{0.2 * 3.6e6:.0f}x47"

    def meter(device: str, serial: str) -> dict[str, str]:
        return {
            f'sma_meter_info{{job="sma",instance="x",device="{device}",serial="{serial}"}}': "1x47"
        }

    hybrid = of(
        "hybrid",
        sma_up="1x47",
        sma_pv_power_watts="1200x47",
        sma_battery_charge_power_watts="900x47",
        sma_battery_discharge_power_watts="0x47",
        sma_yield_joules_total=yields(10),
        sma_pv_generation_joules_total=yields(15),
        sma_battery_discharge_joules_total="3600000x47",
        sma_meter_import_power_watts="700x47",
        sma_meter_export_power_watts="0x47",
    )
    roof = of(
        "roof",
        sma_up="1x47",
        sma_pv_power_watts="1256x47",
        sma_yield_joules_total=yields(20),
        sma_meter_import_power_watts="700x47",
        sma_meter_export_power_watts="0x47",
    )
    garage = of(
        "garage",
        sma_up="0x47",
        sma_yield_joules_total=yields(30),
        sma_meter_import_power_watts="50x47",
    )
    meters = meter("hybrid", "1") | meter("roof", "1") | meter("garage", "2")
    return hybrid | roof | garage | meters


# --- reasons, figures, links ---


def test_every_reason_has_its_entry() -> None:
    entries = re.findall(r"^### `(\w+)`$", readme.section("When it does not work"), re.MULTILINE)

    assert tuple(entries) == tuple(Reason)


def test_messages_that_are_quoted_exist() -> None:
    sources = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "sma_exporter").rglob("*.py")
    )
    text = flat(readme.section("When it does not work")).lower()

    for message in ("closed the connection without an answer", "does not speak tls"):
        assert message in text
        assert message in sources.lower()


def pause(cause: Pause) -> tuple[float, str]:
    """The first pause in seconds and the longest one in minutes."""
    first, longest = cause.value
    return first, f"{longest / 60:.0f} min"


REFUSED, FULL = pause(Pause.REFUSED), pause(Pause.FULL)
DEVICE = config.DeviceSettings(name="roof", url=ADDRESS)


@pytest.mark.parametrize(
    "claim",
    [
        f"`timeout` ({DEVICE.timeout:.0f}s), a whole read three times as long",
        f"a read may take three times as long, the answer to a login {client.LOGIN_TIMEOUT:.0f} s",
        "waits {:.0f} s before the next try, then longer, up to {};".format(*REFUSED),
        "again after {:.0f} s, then after longer, up to {}.".format(*FULL),
        f"what leaps is believed when it has held for {guard.HOLD_SECONDS / 60:.0f} minutes",
        f"a reset after {DEVICE.counter_reset_delay / 3600:.0f} h (`counter_reset_delay`)",
        f"gets {web.DEFAULT_SCRAPE_SECONDS:.0f} s, and none gets more than {web.MAX_SCRAPE_SECONDS:.0f} s",
        "**The last three hours are left out**",
        f"{LIMITS.clients} connections at a time",
        f"may have {LIMITS.head_bytes // 1024} KiB and take {LIMITS.head_seconds:.0f} s",
        f"taken for {LIMITS.answer_seconds:.0f} s",
        f"is kept for {LIMITS.keep_seconds:.0f} s",
        f"`min_interval` ({DEVICE.min_interval:.0f}s) share a read",
        "keeps the first 12 characters of a password",
        "half a second before",
    ],
)
def test_figures(claim: str) -> None:
    assert claim in flat(readme.TEXT)


def test_figures_behind_words() -> None:
    assert device.READ_REQUESTS == 3
    assert parser().parse_args([]).timeout_offset == 0.5
    assert spans.TOO_YOUNG_SECONDS == 3 * 3600


def slug(heading: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)]+)\)", text)


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_links_lead_somewhere(name: str) -> None:
    anchors = {slug(heading) for heading in readme.headings()}

    for link in links((ROOT / name).read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        assert ":" not in link, "nothing is published, so there is nothing to link to"
        assert not path or (ROOT / path).is_file(), link
        assert not anchor or anchor in anchors, link


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "Dockerfile", ".ci/run"])
def test_no_address_but_examples_and_the_own_machine(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    hosts = {*re.findall(r"https?://([\w.-]+)", text)}

    assert hosts <= {"localhost", "127.0.0.1", ADDRESS, "sma.example"}


def test_the_contents_are_the_sections() -> None:
    contents = links(flat(readme.TEXT).partition("Contents:")[2].partition(" ## ")[0])
    sections = re.findall(r"^## (.+)$", readme.prose(), re.MULTILINE)

    assert contents == [f"#{slug(name)}" for name in sections if name != "License"]


def test_the_changelog_begins_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entries = [line for line in text.splitlines() if line.startswith("*")]

    assert re.findall(r"^## (\S+) / ", text, re.MULTILINE)[0] == __version__
    assert all(
        re.match(r"\* \[(CHANGE|FEATURE|ENHANCEMENT|BUGFIX|SECURITY)\] ", line) for line in entries
    )


def test_the_licence_is_the_one_that_is_declared() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")

    assert text.startswith("MIT License\n\nCopyright (c) 2026 sma_exporter contributors\n")
    assert PROJECT["license"] == "MIT"
    assert PROJECT["license-files"] == ["LICENSE"]


# --- the library ---


def test_the_library_example_runs(
    simulate: Callable[..., Simulator], capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = readme.blocks("python")
    simulator = simulate("sb-3.6", tls=True, clock=lambda: NOON)
    code = re.sub("sha256:[0-9A-F:]+", str(simulator.fingerprint), example.code)
    code = code.replace(f"https://{ADDRESS}", simulator.url).replace('"password"', '"Sunny-1234"')

    exec(compile(code, "README.md", "exec"), {})

    printed = capsys.readouterr().out
    assert "'serial': 3007401854" in printed
    assert re.search(r"^total_yield [\d.]+ kWh$", printed, re.MULTILINE)
    assert simulator.sessions == 0
