"""Who may come in now: users, certificates, headers, and files that change while it serves."""

import base64
import logging
import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from threading import Event
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import trustme
from support.devices import eventually
from support.needs import require_tool
from support.programs import PATIENCE_SECONDS, Running, run, running
from support.web_configs import MUTUAL, TLS, Folder, hashed

from sma_exporter.config import ConfigError
from sma_exporter.config.files import read_text
from sma_exporter.config.reader import ValidationError
from sma_exporter.server import ConnectionSettings, ListenAddress, Server
from sma_exporter.web_config import WebConfig, watched_files
from sma_exporter.web_config.turns import MAX_WAITING

PASSWORD = "Sunny-1234"
HASH = hashed(PASSWORD)
EXPIRED = datetime(2001, 1, 1)  # noqa: DTZ001 - trustme's way
USERS = f"basic_auth_users:\n  prometheus: {HASH}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder with certificates of a server and a client, and their authority's."""
    made = Folder(tmp_path)
    made.issue()
    made.issue("client", "prometheus.example", "192.0.2.7")
    made.issue_ca()
    return made


def hello(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    found = environ["PATH_INFO"] != "/nothing"
    start_response("200 OK" if found else "404 Not Found", [("X-Frame-Options", "sameorigin")])
    return [b"hello"]


Opened = Callable[[str], str]


@pytest.fixture
def opened(folder: Folder) -> Iterator[Opened]:
    """Serve with this web configuration, and look at its files all the time; give the host and port."""
    with ExitStack() as stack:

        def start(text: str) -> str:
            web_config = WebConfig(folder.write(text))
            guarded = web_config.guarded(hello)

            def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
                web_config.look()
                return guarded(environ, start_response)

            def settings() -> ConnectionSettings:
                web_config.look()
                return web_config.connection_settings()

            server = Server(app, [ListenAddress("127.0.0.1", 0)], settings)
            server.start()
            stack.callback(server.stop)
            return str(server.addresses[0])

        yield start


def authorization(user: str, password: str = PASSWORD) -> dict[str, str]:
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


KNOWN = authorization("prometheus")


@contextmanager
def over(address: str, client: ssl.SSLContext | None = None) -> Iterator[HTTPConnection]:
    """A connection, by TLS if the client is said."""
    connection = (
        HTTPConnection(address, timeout=PATIENCE_SECONDS)
        if client is None
        else HTTPSConnection(address, timeout=PATIENCE_SECONDS, context=client)
    )
    with closing(connection):
        yield connection


def ask(
    connection: HTTPConnection, path: str = "/", headers: Mapping[str, str] | None = None
) -> HTTPResponse:
    """Ask on a connection, which stays open."""
    connection.request("GET", path, headers=headers or {})
    response = connection.getresponse()
    response.read()
    return response


def answer(
    address: str,
    client: ssl.SSLContext | None = None,
    path: str = "/",
    headers: Mapping[str, str] | None = None,
) -> HTTPResponse:
    """Ask on a connection of its own."""
    with over(address, client) as connection:
        return ask(connection, path, headers)


def status(
    address: str,
    client: ssl.SSLContext | None = None,
    path: str = "/",
    headers: Mapping[str, str] | None = None,
) -> int:
    return answer(address, client, path, headers).status


def shown(address: str) -> str:
    """What tells the server's certificates apart."""
    host, _, port = address.partition(":")
    return ssl.get_server_certificate((host, int(port)))


# --- users and headers ---


class TestUsers:
    def test_without_a_file_everybody_may_come_in(self) -> None:
        web_config = WebConfig()

        assert web_config.connection_settings().tls is None
        assert web_config.warnings == ()

    @pytest.mark.parametrize("path", ["/", "/-/healthy", "/nothing", "/metrics"])
    def test_no_path_is_open(self, opened: Opened, path: str) -> None:
        address = opened(USERS)

        refused = answer(address, path=path)

        assert refused.status == 401
        assert refused.headers["WWW-Authenticate"] == 'Basic realm="sma_exporter", charset="UTF-8"'
        assert status(address, path=path, headers=KNOWN) == (404 if path == "/nothing" else 200)

    @pytest.mark.parametrize(
        "headers",
        [
            authorization("prometheus", "wrong"),
            authorization("nobody"),
            authorization("prometheus", PASSWORD * 10),
            authorization("prometheus", PASSWORD + "\0"),
            authorization("", ""),
            {"Authorization": "Basic"},
            {"Authorization": "Basic \xff\xfe"},
            {"Authorization": "Basic " + "QUFB" * 6000},
            {"Authorization": f"Bearer {PASSWORD}"},
        ],
    )
    def test_anybody_else_is_refused(self, opened: Opened, headers: dict[str, str]) -> None:
        assert status(opened(USERS), headers=headers) == 401

    def test_guessing_does_not_keep_out_who_logs_in_for_the_first_time(
        self, opened: Opened
    ) -> None:
        address = opened(f"basic_auth_users:\n  prometheus: {hashed(PASSWORD, 10)}\n")
        with ThreadPoolExecutor(20) as pool:
            guesses = [
                pool.submit(status, address, headers=authorization("prometheus", f"{number}"))
                for number in range(60)
            ]
            assert guesses[0].result() == 401

            assert status(address, headers=KNOWN) == 200
            assert not guesses[-1].done()
            assert status(address, headers=KNOWN) == 200
            found = {guess.result() for guess in guesses}

        assert found == {401}

    def test_more_than_may_wait_are_told_to_come_back(self, opened: Opened) -> None:
        address = opened(f"basic_auth_users:\n  prometheus: {hashed(PASSWORD, 10)}\n")
        with ThreadPoolExecutor(2 * MAX_WAITING) as pool:
            found = {
                *pool.map(
                    lambda number: status(address, headers=authorization("me", f"{number}")),
                    range(2 * MAX_WAITING),
                )
            }

        assert found == {401, 429}

    def test_names_and_passwords_are_utf_8(self, opened: Opened) -> None:
        address = opened(f"basic_auth_users:\n  jürgen: {hashed('schön')}\n")

        assert status(address, headers=authorization("jürgen", "schön")) == 200

    def test_a_changed_user_counts_from_the_next_request(
        self, opened: Opened, folder: Folder
    ) -> None:
        with over(opened(USERS)) as kept:
            assert ask(kept, headers=KNOWN).status == 200

            folder.write(USERS.replace(HASH, hashed("new")))

            assert ask(kept, headers=KNOWN).status == 401
            assert ask(kept, headers=authorization("prometheus", "new")).status == 200

    def test_headers_are_on_every_answer_in_place_of_the_application_s(
        self, opened: Opened
    ) -> None:
        headers = "http_server_config: {headers: {X-Frame-Options: deny, X-XSS-Protection: '0'}}\n"
        address = opened(USERS + headers)

        answers = [
            answer(address),
            answer(address, headers=KNOWN),
            answer(address, path="/nothing", headers=KNOWN),
        ]
        for response in answers:
            assert response.headers.get_all("X-Frame-Options") == ["deny"]
            assert response.headers.get_all("X-XSS-Protection") == ["0"]

    def test_a_rate_limit(self, opened: Opened) -> None:
        address = opened("rate_limit: {interval: 1h, burst: 3}\n")

        found = [status(address) for _ in range(5)]

        assert found == [200, 200, 200, 429, 429]

    def test_a_rate_limit_lets_in_again(self, opened: Opened) -> None:
        address = opened("rate_limit: {interval: 100ms, burst: 1}\n")
        assert status(address) == 200

        time.sleep(0.15)

        assert status(address) == 200


# --- certificates ---


class TestCertificates:
    def test_a_client_needs_one_of_the_authority_s(self, opened: Opened, folder: Folder) -> None:
        address = opened(MUTUAL)
        unknown = Folder(folder.path, trustme.CA())
        unknown.issue("unknown")

        assert status(address, folder.client("client")) == 200
        with pytest.raises(OSError, match="CERTIFICATE_REQUIRED"):
            status(address, folder.client())
        with pytest.raises(OSError, match="UNKNOWN_CA"):
            status(address, folder.client("unknown"))

    def test_a_client_may_have_one(self, opened: Opened, folder: Folder) -> None:
        address = opened(MUTUAL.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven"))
        unknown = Folder(folder.path, trustme.CA())
        unknown.issue("unknown")

        assert status(address, folder.client("client")) == 200
        assert status(address, folder.client()) == 200
        with pytest.raises(OSError, match="UNKNOWN_CA"):
            status(address, folder.client("unknown"))

    @pytest.mark.parametrize(
        ("names", "expected"),
        [
            ("prometheus.example", 200),
            ("192.0.2.7", 200),
            ("another.example, prometheus.example", 200),
            ("another.example", 403),
            ("prometheus", 403),
        ],
    )
    def test_names_that_are_allowed(
        self, opened: Opened, folder: Folder, names: str, expected: int
    ) -> None:
        address = opened(f"{MUTUAL}  client_allowed_sans: [{names}]\n")

        assert status(address, folder.client("client")) == expected

    def test_versions(self, opened: Opened, folder: Folder) -> None:
        address = opened(f"{TLS}  max_version: TLS12\n")
        client = folder.client()
        client.minimum_version = ssl.TLSVersion.TLSv1_3

        assert status(address, folder.client()) == 200
        with pytest.raises(OSError, match="PROTOCOL_VERSION"):
            status(address, client)

    def test_a_changed_certificate_serves_the_next_handshake(
        self, opened: Opened, folder: Folder
    ) -> None:
        address = opened(TLS)
        with over(address, folder.client()) as kept:
            assert not ask(kept).will_close
            before = shown(address)

            folder.issue()

            assert shown(address) != before
            assert ask(kept).will_close

    def test_a_changed_authority_too(self, opened: Opened, folder: Folder) -> None:
        address = opened(MUTUAL)
        assert status(address, folder.client("client")) == 200

        Folder(folder.path, trustme.CA()).issue_ca()

        with pytest.raises(OSError, match="UNKNOWN_CA"):
            status(address, folder.client("client"))

    def test_tls_can_be_switched_on(self, opened: Opened, folder: Folder) -> None:
        address = opened(USERS)
        assert status(address, headers=KNOWN) == 200

        folder.write(TLS + USERS)

        assert status(address, folder.client(), headers=KNOWN) == 200
        assert status(address, headers=KNOWN) == 400

    def test_a_secret_that_kubernetes_replaces(self, opened: Opened, folder: Folder) -> None:
        """The folder of a secret: every file is a link through ..data, which is turned over as a whole."""
        first, second = folder.path / "..1", folder.path / "..2"
        for version in (first, second):
            version.mkdir()
            folder.issue()
            for name in ("server.crt", "server.key"):
                shutil.move(folder.path / name, version / name)
        (folder.path / "..data").symlink_to(first.name)
        for name in ("server.crt", "server.key"):
            (folder.path / name).symlink_to(f"..data/{name}")
        address = opened(TLS)
        before = shown(address)

        (folder.path / "..data_tmp").symlink_to(second.name)
        (folder.path / "..data_tmp").rename(folder.path / "..data")
        shutil.rmtree(first)

        assert shown(address) != before
        assert status(address, folder.client()) == 200


# --- a file that became bad ---


def break_yaml(folder: Folder) -> None:
    folder.write("tls_server_config: [")


def empty(folder: Folder) -> None:
    folder.write("")


def remove(folder: Folder) -> None:
    folder.web.unlink()


def remove_key(folder: Folder) -> None:
    (folder.path / "server.key").unlink()


def swap_key(folder: Folder) -> None:
    shutil.copy(folder.path / "client.key", folder.path / "server.key")


class TestBadFiles:
    def test_none_to_begin_with(self, folder: Folder) -> None:
        with pytest.raises(ConfigError, match="basic_auth_users"):
            WebConfig(folder.write("basic_auth_users: {}\n"))

    @pytest.mark.parametrize("damage", [break_yaml, empty, remove, remove_key, swap_key])
    def test_the_last_good_one_stays_until_it_is_mended(
        self,
        opened: Opened,
        folder: Folder,
        caplog: pytest.LogCaptureFixture,
        damage: Callable[[Folder], None],
    ) -> None:
        caplog.set_level(logging.INFO)
        text = TLS + USERS
        address = opened(text)
        good = (folder.path / "server.key").read_bytes()
        with over(address, folder.client()) as kept:
            ask(kept, headers=KNOWN)

            damage(folder)
            found = [status(address, folder.client(), headers=KNOWN) for _ in range(5)]
            broken = [(record.levelname, record.message) for record in caplog.records]
            folder.write(text)
            (folder.path / "server.key").write_bytes(good)
            found += [status(address, folder.client(), headers=KNOWN) for _ in range(5)]

            assert not ask(kept, headers=KNOWN).will_close  # nothing changed for those who are in
        assert found == [200] * 10
        assert status(address, folder.client()) == 401
        assert broken == [("ERROR", "web configuration unusable, the last good one stays")]
        assert [(record.levelname, record.message) for record in caplog.records[1:]] == [
            ("INFO", "web configuration usable again")
        ]
        assert HASH not in caplog.text + repr([vars(record) for record in caplog.records])

    def test_another_fault_is_another_line(
        self, opened: Opened, folder: Folder, caplog: pytest.LogCaptureFixture
    ) -> None:
        address = opened(USERS)
        for text in ("a: [", "b: 1", "b: 1\n"):
            folder.write(text)
            assert status(address, headers=KNOWN) == 200

        assert len(caplog.records) == 2

    def test_what_comes_after_it_is_taken(
        self, opened: Opened, folder: Folder, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        address = opened(USERS)
        folder.write("rubbish")
        assert status(address, headers=KNOWN) == 200

        folder.write(USERS.replace("prometheus", "other"))

        assert status(address, headers=KNOWN) == 401
        assert status(address, headers=authorization("other")) == 200
        assert [record.message for record in caplog.records][1:] == ["web configuration read again"]

    def test_a_read_that_fails_once_is_tried_again_though_no_file_changes(
        self, opened: Opened, folder: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        failures = [ValidationError("an error of the disk")]

        def failing_once(path: Path) -> str:
            if failures:
                raise failures.pop()
            return read_text(path)

        address = opened(USERS)
        monkeypatch.setattr(watched_files, "read_text", failing_once)
        folder.write(USERS.replace("prometheus", "other"))
        assert status(address, headers=KNOWN) == 200  # the old one is still in force
        assert failures == []

        assert eventually(lambda: status(address, headers=KNOWN) == 401)
        assert status(address, headers=authorization("other")) == 200

    @pytest.mark.parametrize("step", ["_signature", "read_text"])
    def test_a_mount_that_hangs_holds_up_no_request(
        self, folder: Folder, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        web_config = WebConfig(folder.write(TLS + USERS))
        may_go_on, hangs, original = Event(), Event(), getattr(watched_files, step)

        def hanging(path: Path) -> object:
            hangs.set()
            may_go_on.wait(PATIENCE_SECONDS)
            return original(path)

        monkeypatch.setattr(watched_files, step, hanging)
        folder.write(TLS + USERS.replace("prometheus", "other"))
        server = Server(
            web_config.guarded(hello),
            [ListenAddress("127.0.0.1", 0)],
            web_config.connection_settings,
        )
        server.start()
        try:
            web_config.watch(every=0.01)
            assert hangs.wait(PATIENCE_SECONDS)
            address = str(server.addresses[0])
            begin = time.monotonic()
            for _ in range(3):
                assert status(address, folder.client(), headers=KNOWN) == 200
            assert time.monotonic() - begin < PATIENCE_SECONDS / 2

            may_go_on.set()
            assert eventually(lambda: status(address, folder.client(), headers=KNOWN) == 401)
        finally:
            may_go_on.set()
            web_config.close()
            server.stop()

    @pytest.mark.parametrize("name", ["web.yml", "server.key"])
    @pytest.mark.parametrize("kind", ["a pipe", "a folder", "3 GB", "a device"])
    def test_a_file_that_becomes_something_else_is_a_fault_of_this_file(
        self,
        opened: Opened,
        folder: Folder,
        caplog: pytest.LogCaptureFixture,
        kind: str,
        name: str,
    ) -> None:
        address = opened(TLS + USERS)
        path = folder.path / name
        path.unlink()
        match kind:
            case "a pipe":
                os.mkfifo(path)
            case "a folder":
                path.mkdir()
            case "3 GB":
                with path.open("wb") as file:
                    file.truncate(3_000_000_000)
            case _:
                path.symlink_to("/dev/zero")

        assert status(address, folder.client(), headers=KNOWN) == 200
        (record,) = caplog.records
        assert str(path) in vars(record)["error"]

    def test_a_file_written_anew_with_the_same_content_changes_nothing(
        self, opened: Opened, folder: Folder, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        address = opened(TLS)
        with over(address, folder.client()) as kept:
            ask(kept)

            folder.write(TLS)
            (folder.path / "server.key").touch()

            assert not ask(kept).will_close
        assert caplog.records == []


# --- the program ---


@pytest.fixture
def program(folder: Folder) -> Iterator[Callable[[str], tuple[str, Running]]]:
    """Start the demonstration behind this web configuration; give host and port, and the process."""
    with ExitStack() as stack:

        def start(text: str) -> tuple[str, Running]:
            started = stack.enter_context(
                running(
                    "--demo",
                    "--web.listen-address=127.0.0.1:0",
                    f"--web.config.file={folder.write(text)}",
                    "--log.level=debug",
                )
            )
            return started.find(r"msg=listening address=(127\.0\.0\.1:\d+)")[1], started

        yield start


Start = Callable[[str], tuple[str, Running]]


def curl(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [require_tool("curl"), "--silent", "--show-error", "--noproxy", "*", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


class TestProgram:
    def test_curl_by_mutual_tls_and_with_a_password(self, program: Start, folder: Folder) -> None:
        address, started = program(MUTUAL + USERS)
        url = f"https://{address}/metrics"
        trust = ["--cacert", f"{folder.path}/ca.crt"]
        own = ["--cert", f"{folder.path}/client.crt", "--key", f"{folder.path}/client.key"]

        good = curl(url, *trust, *own, "--user", f"prometheus:{PASSWORD}")
        refused = curl(url, *trust, *own, "--user", "prometheus:wrong", "--include")
        unknown = curl(url, *trust, "--user", f"prometheus:{PASSWORD}")
        started.stop()

        assert (good.returncode, good.stderr) == (0, "")
        assert len(re.findall(r"^sma_up\{.*\} 1\.0$", good.stdout, re.MULTILINE)) == 4
        assert refused.stdout.startswith("HTTP/1.1 401 ")
        assert unknown.returncode != 0
        assert "certificate required" in unknown.stderr
        said = "\n".join(started.lines)
        assert (
            "tls=true client_auth=RequireAndVerifyClientCert users=1 certificate_expires=" in said
        )
        assert PASSWORD not in said
        assert HASH not in said
        assert "Traceback" not in said

    def test_a_metric_says_whether_it_can_be_used_as_it_is(
        self, program: Start, folder: Folder
    ) -> None:
        address, _ = program(USERS)

        def usable() -> str:
            shown = curl(
                f"http://{address}/metrics/exporter", "--user", f"prometheus:{PASSWORD}"
            ).stdout
            (value,) = re.findall(
                r"^sma_exporter_web_config_last_reload_successful (\S+)$", shown, re.MULTILINE
            )
            return str(value)

        assert usable() == "1.0"
        folder.write("rubbish")
        assert eventually(lambda: usable() == "0.0")
        folder.write(USERS)
        assert eventually(lambda: usable() == "1.0")

    def test_a_changed_file_is_in_force_within_two_seconds(
        self, program: Start, folder: Folder
    ) -> None:
        """Without any request in between."""
        address, _ = program(USERS)
        assert status(address, headers=KNOWN) == 200

        folder.write(USERS.replace(HASH, hashed("new")))
        time.sleep(2)

        assert status(address, headers=KNOWN) == 401
        assert status(address, headers=authorization("prometheus", "new")) == 200

    @pytest.mark.parametrize(
        "text", [TLS, TLS + USERS, USERS, MUTUAL, f"{MUTUAL}  max_version: TLS12\n"]
    )
    def test_health_gets_along_with_it(self, program: Start, text: str) -> None:
        address, _ = program(text)

        checked = run("health", f"--web.listen-address={address}")

        assert (checked.returncode, checked.stderr) == (0, "")

    def test_the_check_says_what_is_wrong_in_both_files(self, folder: Folder) -> None:
        devices = folder.path / "sma.yml"
        devices.write_text("devices: []\n")
        web = folder.write("basic_auth_users: {prometheus: Sunny-1234, other: Sunny-5678}\n")

        checked = run(f"--config.file={devices}", f"--web.config.file={web}", "--config.check")

        assert checked.returncode == 2
        said = checked.stderr.splitlines()
        expected = [
            f"sma_exporter: {web}:1: basic_auth_users.prometheus: must be a bcrypt hash",
            f"sma_exporter: {web}:1: basic_auth_users.other: must be a bcrypt hash",
            f"sma_exporter: {devices}:1: devices: must hold at least one device",
        ]
        assert [line[: len(words)] for line, words in zip(said, expected, strict=True)] == expected
        assert "Sunny" not in checked.stderr

    def test_the_check_warns(self, folder: Folder) -> None:
        folder.issue(not_after=EXPIRED)
        devices = folder.path / "sma.yml"
        devices.write_text("devices: [{name: roof, url: 192.0.2.1, password: 'Sunny-1234'}]\n")

        checked = run(
            f"--config.file={devices}", f"--web.config.file={folder.write(TLS)}", "--config.check"
        )

        assert checked.returncode == 0
        assert (
            f"warning: {folder.path}/web.yml:2: tls_server_config.cert_file: has expired"
            in checked.stderr
        )

    def test_it_does_not_start_with_a_bad_file(self, folder: Folder) -> None:
        started = run("--demo", f"--web.config.file={folder.write('tls_server_config: {}')}")

        assert started.returncode == 2
        assert "tls_server_config.cert_file: is missing" in started.stderr
        assert "tls_server_config.key_file: is missing" in started.stderr
        assert "Traceback" not in started.stderr
