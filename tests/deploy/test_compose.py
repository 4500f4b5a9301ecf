"""deploy/compose: the specification accepts it, it is closed to the outside, and its parts meet."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from files import (
    DEPLOY,
    IMAGES,
    ROOT,
    SCRAPE_INTERVAL,
    Document,
    arguments_are_accepted,
    document,
    find,
    run,
)

from sma_exporter.cli.flags import DEFAULT_PORT, parser
from sma_exporter.config.values import parse_duration
from sma_exporter.devices.fleet import STOP_SECONDS

FOLDER = DEPLOY / "compose"
COMPOSE = document(FOLDER / "compose.yaml")
DEMO = document(FOLDER / "compose.demo.yaml")
SERVICES: dict[str, Document] = COMPOSE["services"]

(DATASOURCE,) = document(FOLDER / "grafana" / "datasource.yml")["datasources"]
(PROVIDER,) = document(FOLDER / "grafana" / "dashboards.yml")["providers"]


def mounts(service: str) -> dict[str, tuple[str, str]]:
    """What is mounted, by where: its source and its mode."""
    parts = (f"{volume}:rw".split(":")[:3] for volume in SERVICES[service]["volumes"])
    return {target: (source, mode) for source, target, mode in parts}


# --- the files ---


@pytest.mark.parametrize("name", ["compose.yaml", "compose.demo.yaml"])
def test_the_specification_accepts_it(name: str) -> None:
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", FOLDER / name)


def test_a_misspelled_key_would_be_found(tmp_path: Path) -> None:
    path = tmp_path / "compose.yaml"
    path.write_text(yaml.safe_dump(COMPOSE | {"service": {}}), encoding="utf-8")

    with pytest.raises(AssertionError, match="service"):
        run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", path)


def test_images_are_pinned() -> None:
    assert {service["image"] for service in SERVICES.values()} == IMAGES
    assert [name for name, service in SERVICES.items() if "build" in service] == ["sma-exporter"]


def test_the_exporter_is_built_from_this_project() -> None:
    folder = (FOLDER / SERVICES["sma-exporter"]["build"]).resolve()

    assert folder == ROOT
    assert (folder / "Dockerfile").is_file()


def test_all_that_is_mounted_is_there() -> None:
    for service in SERVICES:
        for source, mode in mounts(service).values():
            if source.startswith("."):
                assert (FOLDER / source).exists(), source
                assert mode == "ro"
            else:
                assert source in COMPOSE["volumes"]


# --- rights ---


@pytest.mark.parametrize("service", SERVICES)
def test_of_every_service(service: str) -> None:
    found = SERVICES[service]

    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert found["restart"] == "unless-stopped"
    assert "privileged" not in found
    assert "network_mode" not in found


@pytest.mark.parametrize("service", SERVICES)
def test_only_this_machine_reaches_it(service: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[service]["ports"])


@pytest.mark.parametrize("service", SERVICES)
def test_health_is_looked_at(service: str) -> None:
    if service == "sma-exporter":  # by its image
        dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
        assert re.search("^HEALTHCHECK ", dockerfile, re.MULTILINE)
    else:
        assert SERVICES[service]["healthcheck"]["test"][0] == "CMD"


def test_what_is_secret_is_a_file_that_git_does_not_take() -> None:
    (secret,) = COMPOSE["secrets"].values()
    ignored = (FOLDER / ".gitignore").read_text(encoding="utf-8").splitlines()
    of_users = (FOLDER / "config" / ".gitignore").read_text(encoding="utf-8").splitlines()

    assert secret["file"] == "./grafana.password"
    assert "grafana.password" in ignored
    assert of_users[-2:] == ["*", "!.gitignore"]
    assert SERVICES["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD__FILE"] == (
        f"/run/secrets/{SERVICES['grafana']['secrets'][0]}"
    )


# --- the parts meet ---


@pytest.mark.parametrize("compose", [COMPOSE, DEMO], ids=["compose", "demo"])
def test_the_exporter_s_command_line(compose: Document) -> None:
    arguments_are_accepted(compose["services"]["sma-exporter"]["command"])


def test_the_exporter_reads_what_users_put_there() -> None:
    arguments = parser().parse_args(SERVICES["sma-exporter"]["command"])

    assert mounts("sma-exporter") == {str(arguments.config_file.parent): ("./config", "ro")}


def test_the_exporter_has_the_time_to_log_out() -> None:
    assert parse_duration(SERVICES["sma-exporter"]["stop_grace_period"]) > STOP_SECONDS


@pytest.mark.parametrize(
    ("service", "port"), [("sma-exporter", DEFAULT_PORT), ("prometheus", 9090), ("grafana", 3000)]
)  # fmt: skip
def test_ports(service: str, port: int) -> None:
    assert SERVICES[service]["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_prometheus_finds_the_exporter() -> None:
    (url,) = find(document(FOLDER / "prometheus.yml"), "url")

    assert urlsplit(url).hostname == "sma-exporter"
    assert "sma-exporter" in SERVICES


def test_prometheus_finds_the_rules() -> None:
    (config,) = (t for t, (source, _) in mounts("prometheus").items() if "prometheus.yml" in source)
    (pattern,) = document(FOLDER / "prometheus.yml")["rule_files"]
    source, _ = mounts("prometheus")[str(Path(config).parent / Path(pattern).parent)]

    assert f"--config.file={config}" in SERVICES["prometheus"]["command"]
    assert (FOLDER / source).resolve() == ROOT / "dashboards" / "rules"


def test_prometheus_keeps_ten_years_where_nothing_is_lost() -> None:
    command = SERVICES["prometheus"]["command"]

    assert "--storage.tsdb.retention.time=10y" in command
    assert mounts("prometheus")["/prometheus"] == ("prometheus", "rw")
    assert "--storage.tsdb.path=/prometheus" in command


def test_grafana_finds_prometheus() -> None:
    address = urlsplit(DATASOURCE["url"])

    assert DATASOURCE["type"] == "prometheus"
    assert DATASOURCE["uid"] == "prometheus"
    assert (address.hostname, address.port) == ("prometheus", 9090)
    assert DATASOURCE["jsonData"]["timeInterval"] == SCRAPE_INTERVAL


def test_grafana_finds_the_dashboards() -> None:
    source, _ = mounts("grafana")[PROVIDER["options"]["path"]]

    assert PROVIDER["type"] == "file"
    assert (FOLDER / source).resolve() == ROOT / "dashboards"


@pytest.mark.parametrize("name", ["datasource.yml", "dashboards.yml"])
def test_grafana_reads_what_it_is_given(name: str) -> None:
    by_source = {source: target for target, (source, _) in mounts("grafana").items()}
    kind = {"datasource.yml": "datasources", "dashboards.yml": "dashboards"}[name]

    assert by_source[f"./grafana/{name}"].startswith(f"/etc/grafana/provisioning/{kind}/")
    assert document(FOLDER / "grafana" / name)["apiVersion"] == 1


# --- the demonstration ---


class TestDemo:
    def test_it_changes_services_that_there_are(self) -> None:
        assert DEMO["services"].keys() <= SERVICES.keys()

    def test_it_never_shares_a_volume_with_real_numbers(self) -> None:
        assert DEMO["name"] != COMPOSE["name"]

    def test_it_needs_no_file_of_the_user(self) -> None:
        assert DEMO["services"]["sma-exporter"]["command"] == ["--demo"]
        assert DEMO["secrets"].keys() == COMPOSE["secrets"].keys()
        assert all((FOLDER / secret["file"]).is_file() for secret in DEMO["secrets"].values())

    def test_nobody_has_an_account_with_a_known_password(self) -> None:
        environment = DEMO["services"]["grafana"]["environment"]

        assert environment["GF_SECURITY_ADMIN_PASSWORD__FILE"] == ""
        assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
        assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
