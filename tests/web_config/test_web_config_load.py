"""The web configuration file: what is taken, and what is refused with which sentence."""

import os
import re
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from support.web_configs import MUTUAL, TLS, Folder, hashed

from sma_exporter.config import ConfigError
from sma_exporter.config.files import LARGEST_BYTES
from sma_exporter.config.reader import ValidationError
from sma_exporter.web_config.load import HEADERS, HIGHEST_COST, RateLimit, Web, load
from sma_exporter.web_config.tls import CIPHER_SUITES, CURVES, TLS13_SUITES, VERSIONS
from sma_exporter.web_config.watched_files import WatchedFiles

HASH = hashed("Sunny-1234")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder with a server's certificate and key, and an authority's."""
    made = Folder(tmp_path)
    made.issue()
    made.issue_ca()
    return made


def loaded(folder: Folder, text: str) -> Web:
    return load(folder.write(text), WatchedFiles())


def problems(folder: Folder, text: str) -> list[str]:
    """What is wrong with a file, less its own name, which begins each line."""
    with pytest.raises(ConfigError) as refused:
        loaded(folder, text)
    found = [re.fullmatch(f"{folder.web}(:[0-9]+)?: (.*)", each) for each in refused.value.problems]
    assert all(found)
    return [match[2] for match in found if match]


def problem(folder: Folder, text: str) -> str:
    (only,) = problems(folder, text)
    return only


def tls(**keys: str) -> str:
    """A file with TLS and further keys of it."""
    return TLS + "".join(f"  {key}: {value}\n" for key, value in keys.items())


# --- what is taken ---


class TestTaken:
    def test_a_certificate_and_its_key(self, folder: Folder) -> None:
        web = loaded(folder, TLS)

        assert web.context is not None
        assert web.context.verify_mode is ssl.CERT_NONE
        assert web.context.minimum_version is ssl.TLSVersion.TLSv1_2
        assert web.context.maximum_version is ssl.TLSVersion.TLSv1_3
        assert web.expires == datetime(3000, 1, 1, tzinfo=UTC)
        assert (web.users, web.headers, web.warnings) == ({}, (), ())

    def test_inline(self, folder: Folder) -> None:
        def indented(name: str) -> str:
            return (folder.path / name).read_text().replace("\n", "\n    ")

        web = loaded(
            folder,
            f"tls_server_config:\n  cert: |\n    {indented('server.crt')}\n"
            f"  key: |\n    {indented('server.key')}\n  client_ca: |\n    {indented('ca.crt')}\n"
            "  client_auth_type: VerifyClientCertIfGiven\n",
        )

        assert web.context is not None
        assert web.context.verify_mode is ssl.CERT_OPTIONAL

    def test_absolute_paths(self, folder: Folder) -> None:
        text = TLS.replace("server.", f"{folder.path}/server.")

        assert loaded(folder, text).context is not None

    def test_client_certificates(self, folder: Folder) -> None:
        web = loaded(folder, f"{MUTUAL}  client_allowed_sans: [prometheus, 2001:DB8:0::1]\n")

        assert web.context is not None
        assert web.context.verify_mode is ssl.CERT_REQUIRED
        assert web.allowed_sans == {"prometheus", "2001:db8::1"}

    def test_nobody_is_asked_for_a_certificate_by_that_name_too(self, folder: Folder) -> None:
        web = loaded(folder, tls(client_auth_type="NoClientCert"))

        assert web.context is not None
        assert web.context.verify_mode is ssl.CERT_NONE

    @pytest.mark.parametrize("version", VERSIONS)
    def test_each_version_alone(self, folder: Folder, version: str) -> None:
        web = loaded(folder, tls(min_version=version, max_version=version))

        assert web.context is not None
        assert web.context.minimum_version is VERSIONS[version]
        assert web.context.maximum_version is VERSIONS[version]

    def test_cipher_suites_in_their_order(self, folder: Folder) -> None:
        names = [
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        ]
        web = loaded(folder, tls(cipher_suites=f"[{', '.join(names)}]"))

        assert web.context is not None
        offered = [cipher["name"] for cipher in web.context.get_ciphers()]
        below = [name for name in offered if not name.startswith("TLS_")]
        assert below == [CIPHER_SUITES[name] for name in names]

    @pytest.mark.parametrize(("said", "prefers"), [("true", True), ("false", False)])
    def test_whose_order_of_ciphers_counts(self, folder: Folder, said: str, prefers: bool) -> None:
        web = loaded(folder, tls(prefer_server_cipher_suites=said))

        assert web.context is not None
        assert bool(web.context.options & ssl.OP_CIPHER_SERVER_PREFERENCE) is prefers

    @pytest.mark.parametrize("curve", CURVES)
    def test_one_curve(self, folder: Folder, curve: str) -> None:
        assert loaded(folder, tls(curve_preferences=f"[{curve}]")).context is not None

    def test_every_cipher_suite_is_one_of_openssl_s(self) -> None:
        for name in CIPHER_SUITES.values():
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers(name)

    def test_headers(self, folder: Folder) -> None:
        values = {
            "Content-Security-Policy": "default-src 'self'",
            "Strict-Transport-Security": "max-age=1",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "sameorigin",
            "X-XSS-Protection": "",
        }
        lines = "".join(f'    {name}: "{value}"\n' for name, value in values.items())

        web = loaded(folder, f"http_server_config:\n  http2: false\n  headers:\n{lines}")

        assert values.keys() == HEADERS.keys()
        assert web.headers == tuple((name, value) for name, value in values.items() if value)
        assert web.context is None

    @pytest.mark.parametrize("kind", ["2a", "2b", "2y"])
    def test_users(self, folder: Folder, kind: str) -> None:
        text = HASH.replace("2b", kind)

        web = loaded(folder, f"basic_auth_users:\n  prometheus: {text}\n  jürgen: '{text}'\n")

        assert web.users == {b"prometheus": text.encode(), "jürgen".encode(): text.encode()}
        assert text not in repr(web)

    @pytest.mark.parametrize(
        ("said", "expected"),
        [
            ("{interval: 1s, burst: 5}", RateLimit(1.0, 5)),
            ("{interval: 100ms, burst: 1}", RateLimit(0.1, 1)),
            ("{interval: 0, burst: 0}", RateLimit(0.0, 0)),
            ("{interval: 0s}", RateLimit(0.0, 0)),
            ("{}", RateLimit()),
        ],
    )
    def test_rate_limit(self, folder: Folder, said: str, expected: RateLimit) -> None:
        assert loaded(folder, f"rate_limit: {said}\n").rate_limit == expected


# --- what is refused ---


SUITE = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
PEM = "|\n    -----BEGIN"


class TestRefused:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", "the file is empty; without protection leave the flag out"),
            ("# nothing\n", "the file is empty; without protection leave the flag out"),
            ("[]", "the file must be a mapping with keys such as tls_server_config and http"),
            ("tls_server_config: [", "line 1, column 21: this is not valid YAML"),
            (f"{TLS}{TLS}", "line 4: this key is in line 1 already; keep one of them"),
            ("tls_server: {}", "tls_server: is not a known key; did you mean `tls_server_config`?"),
            ("basic_auth_users: {}", "basic_auth_users: names nobody"),
            ("basic_auth_users:", "basic_auth_users: must be a mapping"),
            ("basic_auth_users: {1: x}", "basic_auth_users: is not text to YAML"),
            (f'basic_auth_users: {{"a:b": "{HASH}"}}', "basic_auth_users: has a user whose name"),
            ("rate_limit: {interval: 1s}", "rate_limit.burst: must be at least 1"),
            ("rate_limit: {interval: 5, burst: 1}", "rate_limit.interval: must be a duration"),
            ("rate_limit: {burst: -1}", "rate_limit.burst: must be a whole number from 0"),
        ],
    )
    def test_in_the_file(self, folder: Folder, text: str, expected: str) -> None:
        assert problem(folder, text).startswith(expected)

    @pytest.mark.parametrize(
        ("keys", "at", "expected"),
        [
            ({"min_version": "TLS14"}, "min_version", "must be one of TLS12, TLS13"),
            ({"min_version": "1.2"}, "min_version", "must be one of"),
            ({"min_version": "TLS13", "max_version": "TLS12"}, "max_version", "is below `min_v"),
            ({"client_auth_type": "Maybe"}, "client_auth_type", "must be one of NoClientCert, V"),
            ({"client_auth_type": "RequireAndVerifyClientCert"}, "client_auth_type", "needs `cl"),
            ({"client_auth_type": "VerifyClientCertIfGiven"}, "client_auth_type", "needs `clien"),
            ({"client_ca_file": "ca.crt"}, "client_ca_file", "has no effect without `client_aut"),
            ({"client_allowed_sans": "[a]"}, "client_allowed_sans", "needs `client_auth_type: R"),
            ({"cipher_suites": "[TLS_RSA_WITH_RC4_128_SHA]"}, "cipher_suites[0]", "must be one o"),
            ({"cipher_suites": "[]"}, "cipher_suites", "must be a list"),
            ({"cipher_suites": "[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]"}, "cipher_suites",
             "leaves no way to serve TLS12 with this certificate: no shared cipher"),
            ({"min_version": "TLS13", "cipher_suites": f"[{SUITE}]"}, "cipher_suites", "has no e"),
            ({"curve_preferences": "[CurveP256, X25519]"}, "curve_preferences", "must hold one c"),
            ({"curve_preferences": "[brainpool]"}, "curve_preferences[0]", "must be one of Curve"),
            ({"prefer_server_cipher_suites": "1"}, "prefer_server_cipher_suites", "must be true"),
        ],
    )  # fmt: skip
    def test_in_tls(self, folder: Folder, keys: dict[str, str], at: str, expected: str) -> None:
        assert problem(folder, tls(**keys)).startswith(f"tls_server_config.{at}: {expected}")

    @pytest.mark.parametrize(
        ("text", "at", "expected"),
        [
            ("x", "", "must be a mapping with keys such as"),
            ("{cert_file: server.crt}", ".key_file", "is missing"),
            ("{key_file: server.key}", ".cert_file", "is missing"),
            ("{cert: x, key_file: server.key}", ".cert", "must be text in PEM format"),
        ],
    )
    def test_in_the_certificate(self, folder: Folder, text: str, at: str, expected: str) -> None:
        found = problem(folder, f"tls_server_config: {text}")

        assert found.startswith(f"tls_server_config{at}: {expected}")

    @pytest.mark.parametrize(
        ("key", "at", "expected"),
        [
            ("client_allowed_sans: []", "client_allowed_sans", "must be a list"),
            (f"client_ca: {PEM}", "client_ca", "stands beside `client_ca_file`"),
            (f"key: {PEM}", "key", "stands beside `key_file`; keep one of them"),
        ],
    )
    def test_twice_or_not_at_all(self, folder: Folder, key: str, at: str, expected: str) -> None:
        found = problem(folder, f"{MUTUAL}  {key}\n")

        assert found.startswith(f"tls_server_config.{at}: {expected}")

    @pytest.mark.parametrize(
        ("keys", "at", "expected"),
        [
            ("http2: true", "http2", "must be false or left out"),
            ("headers: [a]", "headers", "must be a mapping of names to texts"),
            ("headers: {Server: x}", "headers.Server", "is no header that may be set; these are"),
            ("headers: {X-Frame-Options: DENY}", "headers.X-Frame-Options", "must be one of deny"),
            ('headers: {X-Frame-Options: ""}', "headers.X-Frame-Options", "must be one of deny"),
            ('headers: {X-XSS-Protection: "a\\nb"}', "headers.X-XSS-Protection", "must be one li"),
            ('headers: {X-XSS-Protection: "ü"}', "headers.X-XSS-Protection", "must be of ASCII"),
        ],
    )
    def test_in_http(self, folder: Folder, keys: str, at: str, expected: str) -> None:
        found = problem(folder, f"http_server_config: {{{keys}}}")

        assert found.startswith(f"http_server_config.{at}: {expected}")

    @pytest.mark.parametrize("name", TLS13_SUITES)
    def test_suites_that_nobody_can_choose(self, folder: Folder, name: str) -> None:
        found = problem(folder, tls(cipher_suites=f"[{SUITE}, {name}]"))

        assert found.startswith("tls_server_config.cipher_suites[1]: belongs to TLS 1.3")

    @pytest.mark.parametrize(
        "name", ["RequestClientCert", "RequireAnyClientCert", "RequireClientCert"]
    )
    def test_certificates_that_nobody_vouches_for(self, folder: Folder, name: str) -> None:
        found = problem(folder, tls(client_auth_type=name))

        assert found.startswith(
            "tls_server_config.client_auth_type: would take certificates that nobody"
        )
        assert found.endswith("write RequireAndVerifyClientCert")

    @pytest.mark.parametrize(
        "text",
        [
            "plain-password",
            "''",
            "$2b$10$short",
            HASH.replace("2b", "2x"),
            f"'{HASH} '",
            f"{HASH}a",
            "12345678",
            "[]",
        ],
    )
    def test_what_is_no_bcrypt_hash(self, folder: Folder, text: str) -> None:
        found = problem(folder, f"basic_auth_users:\n  prometheus: {text}\n")

        assert found.startswith("basic_auth_users.prometheus: must be a bcrypt hash: 60 characters")
        assert "plain-password" not in found

    @pytest.mark.parametrize("cost", [3, HIGHEST_COST + 1, 31, 99])
    def test_a_cost_that_nobody_can_pay(self, folder: Folder, cost: int) -> None:
        text = re.sub(r"\$\d\d\$", f"${cost:02}$", HASH, count=1)

        found = problem(folder, f"basic_auth_users:\n  prometheus: {text}\n")

        assert found.startswith(
            f"basic_auth_users.prometheus: has a cost of {cost}; it must be from 4 to 14"
        )

    def test_a_hash_in_the_place_of_a_name_is_not_shown(self, folder: Folder) -> None:
        found = problem(folder, f"basic_auth_users:\n  {HASH}: prometheus\n")

        assert found.startswith("basic_auth_users: must be a bcrypt hash")
        assert HASH[:10] not in found

    def test_everything_at_once(self, folder: Folder) -> None:
        text = (
            f"{tls(min_version='x', cert='y')}"
            "http_server_config: {http2: true, headers: {A: b, X-Frame-Options: c}}\n"
            "basic_auth_users: {a: b, c: d}\nrate_limit: {burst: x}\nother: 1\n"
        )

        found = [line.partition(":")[0] for line in problems(folder, text)]

        assert sorted(found) == sorted(
            [
                "tls_server_config.min_version",
                "tls_server_config.cert",
                "tls_server_config.cert",
                "http_server_config.http2",
                "http_server_config.headers.A",
                "http_server_config.headers.X-Frame-Options",
                "basic_auth_users.a",
                "basic_auth_users.c",
                "rate_limit.burst",
                "other",
            ]
        )


# --- files ---


def encrypted(key: bytes) -> bytes:
    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"Sunny-1234"),
    )


def rubbish(_: bytes) -> bytes:
    return b"rubbish"


def nothing(_: bytes) -> bytes:
    return b""


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


Change = Callable[[bytes], bytes]


class TestFiles:
    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(
            ConfigError, match=r"web.yml cannot be read by uid \d+: No such file or directory"
        ):
            load(tmp_path / "web.yml", WatchedFiles())

    @pytest.mark.parametrize("key", ["cert_file", "key_file"])
    def test_a_file_that_is_named_and_not_there(self, folder: Folder, key: str) -> None:
        text = re.sub(f"{key}: .*", f"{key}: gone.pem", TLS)

        found = problem(folder, text)

        assert re.fullmatch(
            rf"tls_server_config\.{key}: \S+/gone\.pem cannot be read by uid \d+: .+", found
        )

    def test_both_at_once(self, folder: Folder) -> None:
        assert len(problems(folder, TLS.replace("server.", "gone."))) == 2

    @pytest.mark.parametrize("change", [rubbish, nothing, half], ids=lambda change: change.__name__)
    @pytest.mark.parametrize(
        ("name", "at", "expected"),
        [
            ("server.crt", "cert_file", "holds no certificate in PEM format, or a damaged one"),
            ("server.key", "key_file", "holds no private key in PEM format"),
            ("ca.crt", "client_ca_file", "holds no certificate in PEM format, or a damaged one"),
        ],
    )
    def test_a_file_without_what_it_should_hold(
        self, folder: Folder, name: str, change: Change, at: str, expected: str
    ) -> None:
        path = folder.path / name
        path.write_bytes(change(path.read_bytes()))

        assert problem(folder, MUTUAL) == f"tls_server_config.{at}: {expected}"

    def test_all_that_is_wrong_with_files(self, folder: Folder) -> None:
        (folder.path / "server.key").write_text("rubbish")
        (folder.path / "ca.crt").write_text("rubbish")

        found = [line.partition(":")[0] for line in problems(folder, MUTUAL)]

        assert found == ["tls_server_config.key_file", "tls_server_config.client_ca_file"]

    def test_an_encrypted_key(self, folder: Folder) -> None:
        path = folder.path / "server.key"
        path.write_bytes(encrypted(path.read_bytes()))

        found = problem(folder, TLS)

        assert found.startswith("tls_server_config.key_file: is encrypted; write it without a pass")

    @pytest.mark.parametrize(
        ("content", "expected"),
        [(b"\xff\xfe", "is not UTF-8 text"), (bytes(LARGEST_BYTES + 1), "is larger than 1024 KiB")],
    )
    def test_what_cannot_be_a_key(self, folder: Folder, content: bytes, expected: str) -> None:
        (folder.path / "server.key").write_bytes(content)

        assert f"server.key {expected}" in problem(folder, TLS)

    def test_a_key_of_another_certificate(self, folder: Folder) -> None:
        folder.issue("other")

        found = problem(folder, TLS.replace("server.key", "other.key"))

        assert (
            found
            == "tls_server_config.key_file: is not the key of the first certificate in `cert_file`"
        )

    def test_a_folder(self, folder: Folder) -> None:
        (folder.path / "server.key").unlink()
        (folder.path / "server.key").mkdir()

        assert "Is a directory" in problem(folder, TLS)

    def test_certificate_and_key_in_one_file(self, folder: Folder) -> None:
        both = b"".join((folder.path / f"server.{end}").read_bytes() for end in ("key", "crt"))
        (folder.path / "both.pem").write_bytes(both)

        assert loaded(
            folder, "tls_server_config: {cert_file: both.pem, key_file: both.pem}"
        ).context

    def test_an_expired_certificate_is_taken_with_a_warning(self, folder: Folder) -> None:
        folder.issue(not_after=datetime(2001, 1, 1))  # noqa: DTZ001 - trustme's way

        web = loaded(folder, TLS)

        assert web.context is not None
        (warning,) = web.warnings
        assert warning.startswith(
            f"{folder.path}/web.yml:2: tls_server_config.cert_file: has expired"
        )

    def test_no_key_shows(self, folder: Folder) -> None:
        key = (folder.path / "server.key").read_text()
        folder.issue("other")

        with pytest.raises(ConfigError) as refused:
            loaded(folder, TLS.replace("server.key", "other.key"))

        assert key.splitlines()[1] not in repr(refused.value)
        assert key.splitlines()[1] not in repr(loaded(folder, TLS))


class TestWatching:
    def test_what_was_read_is_seen_to_change(self, tmp_path: Path) -> None:
        path, files = tmp_path / "a", WatchedFiles()
        path.write_text("1")
        files.read(path)
        assert not files.changed()

        path.write_text("22")

        assert files.changed()

    def test_what_came_is_seen(self, tmp_path: Path) -> None:
        path, files = tmp_path / "a", WatchedFiles()
        with pytest.raises(ValidationError):
            files.read(path)
        assert not files.changed()

        path.write_text("1")

        assert files.changed()

    def test_what_went_is_seen(self, tmp_path: Path) -> None:
        path, files = tmp_path / "a", WatchedFiles()
        path.write_text("1")
        files.read(path)

        path.unlink()

        assert files.changed()

    def test_a_link_that_turns_is_seen(self, tmp_path: Path) -> None:
        """Kubernetes: a file is a link through the link ..data, which is replaced as a whole."""
        for version in ("..1", "..2"):
            (tmp_path / version).mkdir()
            (tmp_path / version / "a").write_text("1")
        (tmp_path / "..data").symlink_to("..1")
        (tmp_path / "a").symlink_to("..data/a")
        files = WatchedFiles()
        files.read(tmp_path / "a")

        (tmp_path / "..data_tmp").symlink_to("..2")
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")

        assert files.changed()

    def test_a_pipe_holds_up_nobody(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "a")

        with pytest.raises(ValidationError, match="no regular file"):
            WatchedFiles().read(tmp_path / "a")
