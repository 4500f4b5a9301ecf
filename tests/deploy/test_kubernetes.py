"""deploy/kubernetes: what kustomize makes of it is valid, without rights, and in step with the program."""

import functools
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from files import (
    DEPLOY,
    IMAGES,
    ROOT,
    SCRAPE_INTERVAL,
    SCRAPE_TIMEOUT,
    Document,
    arguments_are_accepted,
    copy,
    devices,
    document,
    documents,
    find,
    paths,
    run,
)
from support.needs import require_tool
from support.web_configs import Folder

from sma_exporter.cli.flags import DEFAULT_PORT, parser
from sma_exporter.config.values import parse_duration
from sma_exporter.devices.fleet import STOP_SECONDS
from sma_exporter.web_config import WebConfig

KUBERNETES = DEPLOY / "kubernetes"

#: The oldest and the newest Kubernetes that the manifests are checked for.
VERSIONS = ("1.30", "1.37")

#: An overlay and the components on top of it.
VARIANTS = [
    ("base",),
    ("stand-alone",),
    ("sidecar",),
    ("many",),
    ("base", "probe"),
    ("stand-alone", "network-policy", "web-config"),
    ("base", "probe", "network-policy", "web-config"),
    ("many", "network-policy", "web-config"),
]

#: The kinds of the Prometheus operator, which no schema at hand knows, and what they must have.
OPERATOR = {
    "ServiceMonitor": ("monitoring.coreos.com/v1", {"selector", "endpoints"}),
    "Probe": ("monitoring.coreos.com/v1", {"prober", "targets"}),
    "ScrapeConfig": ("monitoring.coreos.com/v1alpha1", {"httpSDConfigs"}),
}

(UID,) = re.findall(
    r"^USER (\d+):\1$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
)

Render = Callable[..., list[Document]]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy to put further overlays beside."""
    return copy(KUBERNETES, tmp_path_factory.mktemp("kubernetes") / "kubernetes")


def kustomize(tree: Path, overlay: str, *components: str) -> subprocess.CompletedProcess[str]:
    """Have kubectl print an overlay with components, as `kubectl apply -k` would apply it."""
    folder = tree / "-".join(("variant", overlay, *components))
    folder.mkdir(exist_ok=True)
    wanted = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [f"../{overlay}"],
        "components": [f"../components/{name}" for name in components],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(wanted), encoding="utf-8")
    return subprocess.run(
        [require_tool("kubectl"), "kustomize", folder],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(scope="module")
def render(tree: Path) -> Render:
    """Return the objects of an overlay with components, which the caller may change."""

    @functools.cache
    def text(*names: str) -> str:
        done = kustomize(tree, *names)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rendered(overlay: str, *components: str) -> list[Document]:
        return [*yaml.safe_load_all(text(overlay, *components))]

    return rendered


@pytest.fixture(params=VARIANTS, ids="+".join)
def objects(request: pytest.FixtureRequest, render: Render) -> list[Document]:
    """The objects of each variant."""
    return render(*request.param)


def of_kind(objects: list[Document], *kinds: str) -> list[Document]:
    return [found for found in objects if found["kind"] in kinds]


def workload(objects: list[Document]) -> Document:
    """The one thing that runs pods."""
    (found,) = of_kind(objects, "Deployment", "StatefulSet")
    return found


def pod(objects: list[Document]) -> Document:
    specification: Document = workload(objects)["spec"]["template"]["spec"]
    return specification


def containers(objects: list[Document]) -> dict[str, Document]:
    return {found["name"]: found for found in pod(objects)["containers"]}


def config_map(objects: list[Document], volume: str) -> dict[str, str]:
    """The files in a volume of the pod that a ConfigMap fills."""
    (name,) = (v["configMap"]["name"] for v in pod(objects)["volumes"] if v["name"] == volume)
    (found,) = (o for o in of_kind(objects, "ConfigMap") if o["metadata"]["name"] == name)
    data: dict[str, str] = found["data"]
    return data


def mounted(container: Document, volume: str) -> Path:
    (found,) = (m for m in container["volumeMounts"] if m["name"] == volume)
    assert found["readOnly"] is True
    return Path(found["mountPath"])


# --- as Kubernetes and the operator see it ---


class TestSchemas:
    def validate(self, path: Path) -> str:
        versions = [word for version in VERSIONS for word in ("-k", version)]
        return run("kubernetes-validate", "--strict", "--no-warn", *versions, path)

    def test_every_object_is_valid(self, objects: list[Document], tmp_path: Path) -> None:
        path = tmp_path / "objects.yaml"
        path.write_text(yaml.safe_dump_all(objects), encoding="utf-8")

        said = self.validate(path)

        core = [found for found in objects if found["kind"] not in OPERATOR]
        for found in core:
            name = f"{found['kind'].lower()}/{found['metadata']['name']}"
            for version in VERSIONS:
                assert f"passed for resource {name} against version {version}" in said

    @pytest.mark.parametrize("path", sorted(KUBERNETES.rglob("*.example.yaml")), ids=str)
    def test_every_example_is_valid(self, path: Path) -> None:
        said = self.validate(path)

        assert said.count("passed for resource secret/") == len(VERSIONS) * len(documents(path))

    def test_a_misspelled_key_would_be_found(self, render: Render, tmp_path: Path) -> None:
        deployment = workload(render("base"))
        deployment["spec"]["replica"] = deployment["spec"].pop("replicas")
        path = tmp_path / "misspelled.yaml"
        path.write_text(yaml.safe_dump(deployment), encoding="utf-8")

        with pytest.raises(AssertionError, match="replica"):
            self.validate(path)

    def test_kinds_of_the_operator(self, objects: list[Document]) -> None:
        for found in of_kind(objects, *OPERATOR):
            api, required = OPERATOR[found["kind"]]
            assert found["apiVersion"] == api
            assert required <= found["spec"].keys()

    def test_no_other_kinds(self, objects: list[Document]) -> None:
        core = {
            "Namespace",
            "ConfigMap",
            "Service",
            "Deployment",
            "StatefulSet",
            "NetworkPolicy",
        }

        assert {found["kind"] for found in objects} <= core | OPERATOR.keys()

    def test_everything_is_in_the_one_namespace(self, objects: list[Document]) -> None:
        (namespace,) = of_kind(objects, "Namespace")
        others = [found for found in objects if found is not namespace]

        assert {o["metadata"]["namespace"] for o in others} == {namespace["metadata"]["name"]}


# --- rights ---


class TestRights:
    def test_of_the_pod(self, objects: list[Document]) -> None:
        context = pod(objects)["securityContext"]

        assert context["runAsNonRoot"] is True
        assert {context["runAsUser"], context["runAsGroup"], context["fsGroup"]} == {int(UID)}
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod(objects)["automountServiceAccountToken"] is False
        assert not pod(objects).keys() & {"hostNetwork", "hostPID", "hostIPC", "initContainers"}

    def test_of_every_container(self, objects: list[Document]) -> None:
        for container in containers(objects).values():
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }

    def test_the_namespace_enforces_them(self, objects: list[Document]) -> None:
        (namespace,) = of_kind(objects, "Namespace")
        label = "pod-security.kubernetes.io/enforce"

        assert namespace["metadata"]["labels"][label] == "restricted"

    def test_passwords_are_files_for_this_group_alone(self, objects: list[Document]) -> None:
        secrets = [v for v in pod(objects)["volumes"] if v.keys() & {"secret", "projected"}]

        assert "passwords" in {volume["name"] for volume in secrets}
        assert {mode for volume in secrets for mode in find(volume, "defaultMode")} == {0o440}
        assert [*find(pods(objects), "secretKeyRef")] == []

    def test_nothing_is_written_but_into_a_volume_for_it(self, objects: list[Document]) -> None:
        writable = {
            mount["name"]
            for container in pods(objects)
            for mount in container["volumeMounts"]
            if not mount.get("readOnly")
        }
        volumes = {v["name"] for v in pod(objects)["volumes"] if "emptyDir" in v}

        assert writable == volumes

    def test_no_secret_is_applied(self, objects: list[Document]) -> None:
        assert of_kind(objects, "Secret") == []


def pods(objects: list[Document]) -> list[Document]:
    return [*containers(objects).values()]


# --- one process for a device ---


class TestOneProcess:
    def test_a_deployment_never_runs_two(self, objects: list[Document]) -> None:
        for found in of_kind(objects, "Deployment"):
            assert found["spec"]["replicas"] == 1
            assert found["spec"]["strategy"] == {"type": "Recreate"}

    def test_it_has_the_time_to_log_out(self, objects: list[Document]) -> None:
        assert pod(objects)["terminationGracePeriodSeconds"] > STOP_SECONDS

    @pytest.mark.parametrize("probe", ["readinessProbe", "livenessProbe"])
    def test_health_is_asked_through_the_program(self, objects: list[Document], probe: str) -> None:
        found = containers(objects)["sma-exporter"][probe]
        program, *arguments = found["exec"]["command"]

        assert program == "sma_exporter"
        assert parser().parse_args(arguments).command == "health"
        assert found["timeoutSeconds"] > 2 * 3  # http, then https, 3 s each

    def test_resources(self, objects: list[Document]) -> None:
        for container in pods(objects):
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert container["resources"]["limits"].keys() == {"memory"}


# --- in step with the program ---


class TestProgram:
    def test_images_are_pinned(self, objects: list[Document]) -> None:
        assert {container["image"] for container in pods(objects)} <= IMAGES

    def test_the_port(self, objects: list[Document]) -> None:
        exporter = containers(objects)["sma-exporter"]

        assert exporter["ports"] == [{"name": "http", "containerPort": DEFAULT_PORT}]
        for service in of_kind(objects, "Service"):
            (port,) = service["spec"]["ports"]
            assert port == {"name": "http", "port": DEFAULT_PORT, "targetPort": "http"}

    def test_the_command_line(self, objects: list[Document]) -> None:
        arguments_are_accepted(containers(objects)["sma-exporter"]["args"])

    def test_the_configuration_is_where_it_is_looked_for(self, objects: list[Document]) -> None:
        exporter = containers(objects)["sma-exporter"]
        flag, _, path = exporter["args"][0].partition("=")
        numbers = range(workload(objects)["spec"]["replicas"])
        names = {Path(path.replace("$(POD_NAME)", f"sma-exporter-{number}")) for number in numbers}

        assert flag == "--config.file"
        assert names == {mounted(exporter, "config") / name for name in configurations(objects)}

    def test_the_configuration_is_accepted(self, objects: list[Document], tmp_path: Path) -> None:
        exporter = containers(objects)["sma-exporter"]
        secret = document(KUBERNETES / "base" / "passwords.example.yaml")

        for text in configurations(objects).values():
            assert devices(text, tmp_path)
            for path in map(Path, re.findall(r"password_file: (.+)", text)):
                assert path.parent == mounted(exporter, "passwords")

        (volume,) = (v for v in pod(objects)["volumes"] if v["name"] == "passwords")
        assert volume["secret"]["secretName"] == secret["metadata"]["name"]

    def test_services_and_policies_meet_the_pods(self, objects: list[Document]) -> None:
        labels = workload(objects)["spec"]["template"]["metadata"]["labels"]
        services = of_kind(objects, "Service")

        assert workload(objects)["spec"]["selector"]["matchLabels"] == labels
        assert [s["spec"]["selector"] for s in services] == [labels] * len(services)
        for policy in of_kind(objects, "NetworkPolicy"):
            assert policy["spec"]["podSelector"]["matchLabels"] == labels
        for monitor in of_kind(objects, "ServiceMonitor"):
            assert monitor["spec"]["selector"]["matchLabels"] == services[0]["metadata"]["labels"]


def configurations(objects: list[Document]) -> dict[str, str]:
    return config_map(objects, "config")


# --- how Prometheus finds it ---


def urls(objects: list[Document]) -> Iterator[str]:
    """Every address of the exporter that a monitor names."""
    for probe in of_kind(objects, "Probe"):
        yield f"http://{probe['spec']['prober']['url']}{probe['spec']['prober']['path']}"
    for scrape in of_kind(objects, "ScrapeConfig"):
        yield from (found["url"] for found in scrape["spec"]["httpSDConfigs"])


class TestScrapes:
    def test_a_read_has_more_time_than_prometheus_gives_by_itself(
        self, objects: list[Document]
    ) -> None:
        readers = [
            *(m["spec"]["endpoints"][0] for m in of_kind(objects, "ServiceMonitor")),
            *(probe["spec"] for probe in of_kind(objects, "Probe")),
            *(
                {"interval": s["spec"]["scrapeInterval"], **s["spec"]}
                for s in of_kind(objects, "ScrapeConfig")
            ),
        ]

        for found in readers:
            assert found["interval"] == SCRAPE_INTERVAL
            if found.get("path") != "/metrics/exporter":
                assert found["scrapeTimeout"] == SCRAPE_TIMEOUT
        assert parse_duration(SCRAPE_TIMEOUT) < parse_duration(SCRAPE_INTERVAL)

    def test_addresses(self, objects: list[Document]) -> None:
        (namespace,) = {o["metadata"].get("namespace") for o in objects} - {None}

        for parts in map(urlsplit, urls(objects)):
            assert parts.port == DEFAULT_PORT
            assert parts.path in paths()
            assert (parts.hostname or "").endswith(f"sma-exporter.{namespace}.svc")

    def test_paths_of_monitors(self, objects: list[Document]) -> None:
        for monitor in of_kind(objects, "ServiceMonitor"):
            (endpoint,) = monitor["spec"]["endpoints"]
            assert endpoint["path"] in paths()
            assert endpoint["port"] == "http"

    def test_series_outlive_the_pod(self, objects: list[Document]) -> None:
        for monitor in of_kind(objects, "ServiceMonitor"):
            (endpoint,) = monitor["spec"]["endpoints"]
            drop, *replaced = endpoint["relabelings"]

            assert drop == {"action": "labeldrop", "regex": "pod|container|endpoint"}
            assert {r["targetLabel"]: r["replacement"] for r in replaced} == {
                "instance": "sma-exporter",
                "job": "sma",
            }

    def test_the_job_is_called_the_same(self, objects: list[Document]) -> None:
        for found in of_kind(objects, "Probe", "ScrapeConfig"):
            assert found["spec"]["jobName"] == "sma"

    def test_the_probe_asks_for_every_device_by_its_name(
        self, render: Render, tmp_path: Path
    ) -> None:
        objects = render("base", "probe")
        (probe,) = of_kind(objects, "Probe")
        (text,) = configurations(objects).values()

        names = [found.name for found in devices(text, tmp_path)]

        assert probe["spec"]["targets"]["staticConfig"]["static"] == names

    def test_the_exporter_s_own_metrics_come_beside_the_probe(self, render: Render) -> None:
        (monitor,) = of_kind(render("base", "probe"), "ServiceMonitor")

        assert monitor["spec"]["endpoints"][0]["path"] == "/metrics/exporter"

    @pytest.mark.parametrize("both", [("service-monitor", "probe"), ("probe", "service-monitor")])
    def test_nobody_gets_both_ways_at_once(self, tree: Path, both: tuple[str, str]) -> None:
        done = kustomize(tree, "base", *both)

        assert done.returncode != 0
        assert "ServiceMonitor" in done.stderr

    def test_both_ways_one_after_the_other_are_one_object(self, render: Render) -> None:
        monitors = [
            of_kind(render("base", way), "ServiceMonitor") for way in ("service-monitor", "probe")
        ]

        assert [m["metadata"]["name"] for (m,) in monitors] == ["sma-exporter"] * 2

    def test_a_login_for_the_port_is_used_by_whoever_asks(self, render: Render) -> None:
        objects = render("base", "probe", "web-config")
        (monitor,), (probe,) = of_kind(objects, "ServiceMonitor"), of_kind(objects, "Probe")
        example = documents(KUBERNETES / "components" / "web-config" / "secrets.example.yaml")
        keys = {found["metadata"]["name"]: found["stringData"].keys() for found in example}

        assert monitor["spec"]["endpoints"][0]["scheme"] == "https"
        assert probe["spec"]["prober"]["scheme"] == "https"
        for login in find([monitor, probe], "basicAuth"):
            assert all(part["key"] in keys[part["name"]] for part in login.values())
        assert len([*find([monitor, probe], "basicAuth")]) == 2

    def test_the_web_configuration_can_be_used(self, tmp_path: Path) -> None:
        example, _ = documents(KUBERNETES / "components" / "web-config" / "secrets.example.yaml")
        folder = Folder(tmp_path)
        folder.issue("tls")
        path = folder.write(example["stringData"]["web.yml"])

        assert WebConfig(path).warnings == ()

    def test_the_web_configuration_is_where_it_is_looked_for(self, render: Render) -> None:
        for overlay in ("base", "many"):
            objects = render(overlay, "web-config")
            exporter = containers(objects)["sma-exporter"]
            (flag,) = (a for a in exporter["args"] if a.startswith("--web.config.file="))
            path = Path(flag.partition("=")[2])
            (volume,) = (v for v in pod(objects)["volumes"] if v["name"] == "web")
            example, _ = documents(
                KUBERNETES / "components" / "web-config" / "secrets.example.yaml"
            )

            assert path.parent == mounted(exporter, "web")
            assert path.name in example["stringData"]
            assert example["metadata"]["name"] in {
                source["secret"]["name"] for source in volume["projected"]["sources"]
            }


# --- the sidecar ---


class TestSidecar:
    def test_nobody_but_the_agent_reaches_the_exporter(self, render: Render) -> None:
        objects = render("sidecar")
        arguments = parser().parse_args(containers(objects)["sma-exporter"]["args"])

        assert of_kind(objects, "Service") == []
        assert [str(a) for a in arguments.listen] == [f"127.0.0.1:{DEFAULT_PORT}"]

    def test_the_agent_reads_its_configuration(self, render: Render) -> None:
        objects = render("sidecar")
        agent = containers(objects)["prometheus"]
        flags = dict(argument.partition("=")[::2] for argument in agent["args"])
        path = Path(flags["--config.file"])

        assert "--agent" in flags
        assert path.parent == mounted(agent, "agent-config")
        assert config_map(objects, "agent-config").keys() == {path.name}
        assert {m["mountPath"] for m in agent["volumeMounts"] if not m.get("readOnly")} == {
            flags["--storage.agent.path"]
        }

    def test_the_password_for_sending_is_where_it_is_looked_for(self, render: Render) -> None:
        objects = render("sidecar")
        (text,) = config_map(objects, "agent-config").values()
        (path,) = map(Path, find(yaml.safe_load(text), "password_file"))
        source = (KUBERNETES / "sidecar" / "agent.yaml").read_text(encoding="utf-8")

        assert path.parent == mounted(containers(objects)["prometheus"], "remote-write")
        assert f"create secret generic sma-exporter-remote-write --from-file={path.name}=" in source


# --- many ---


class TestMany:
    def test_no_device_is_read_by_two(self, render: Render, tmp_path: Path) -> None:
        read = [
            (found.name, found.url)
            for text in configurations(render("many")).values()
            for found in devices(text, tmp_path)
        ]

        assert len(read) > 1
        assert len({name for name, _ in read}) == len({url for _, url in read}) == len(read)

    def test_each_has_a_number_and_an_address_of_its_own(self, render: Render) -> None:
        objects = render("many")
        (service,) = of_kind(objects, "Service")

        assert workload(objects)["kind"] == "StatefulSet"
        assert workload(objects)["spec"]["serviceName"] == service["metadata"]["name"]
        assert workload(objects)["spec"]["podManagementPolicy"] == "Parallel"
        assert service["spec"]["clusterIP"] == "None"

    def test_prometheus_asks_each_of_them(self, render: Render) -> None:
        objects = render("many")
        name = workload(objects)["metadata"]["name"]
        (service,) = of_kind(objects, "Service")
        domain = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc"

        expected = [
            f"http://{name}-{number}.{domain}:{DEFAULT_PORT}/sd"
            for number in range(workload(objects)["spec"]["replicas"])
        ]
        plain = find(document(KUBERNETES / "many" / "prometheus.yml"), "url")

        assert [*urls(objects)] == expected
        assert [*plain] == expected

    def test_the_pod_is_the_one_of_the_deployment(self, render: Render) -> None:
        one, several = (pod(render(name)) for name in ("base", "many"))
        (container,) = several["containers"]
        container["args"] = one["containers"][0]["args"]
        del container["env"]
        name = {volume["name"]: volume for volume in one["volumes"]}["config"]["configMap"]["name"]
        {volume["name"]: volume for volume in several["volumes"]}["config"]["configMap"]["name"] = (
            name
        )

        assert several == one
