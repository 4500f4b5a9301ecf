"""Variables and files of the exporter's environment that lead elsewhere: the real command must not care."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from fault_bench import by_device
from fault_case import Row
from other_servers import OtherServer, banner, certificates
from support.devices import NOON
from support.programs import get, running, values

from sma_exporter.simulator import PASSWORD, Simulator

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


def _hostile(folder: Path, proxy: str) -> Mapping[str, str]:
    nonsense = folder / "nonsense.pem"
    nonsense.write_text("no certificate\n", encoding="utf-8")
    netrc = folder / ".netrc"
    netrc.write_text("machine 127.0.0.1 login admin password From-netrc\n", encoding="utf-8")
    netrc.chmod(0o600)
    return {
        **{name: proxy for word in _PROXIES for name in (word, word.lower())},
        "NO_PROXY": "",
        "no_proxy": "",
        **dict.fromkeys(_BUNDLES, str(nonsense)),
        "NETRC": str(netrc),
        "HOME": str(folder),
    }


def _config(devices: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    yield "devices:"
    for name, (url, tls) in devices.items():
        yield f'  - {{name: {name}, url: "{url}", password: "{PASSWORD}", timeout: 1s, tls: {tls}}}'


def _shown(config: Path, environ: Mapping[str, str]) -> dict[str, Mapping[str, float]]:
    """Return what one scrape of the real command shows of its devices."""
    arguments = (f"--config.file={config}", "--web.listen-address=127.0.0.1:0", "--log.level=debug")
    with running(*arguments, environ=environ) as program:
        port = program.find(r"msg=listening address=127\.0\.0\.1:(\d+)")[1]
        found = values(get(f"http://127.0.0.1:{port}/metrics").text)
        assert program.stop() == 0
    assert PASSWORD not in "\n".join(program.lines)
    return by_device(found)


def observe(fault: str) -> Row:
    """Scrape in a usual and in a hostile environment, and compare."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        made = certificates(folder)
        plain, pinned, signed = map(
            stack.enter_context,
            (
                Simulator("sb-3.6", clock=lambda: NOON),
                Simulator("sb-1.5", clock=lambda: NOON, tls=True),
                Simulator("stp-10", clock=lambda: NOON, tls=made.good),
            ),
        )
        proxy, recorder = (
            stack.enter_context(OtherServer()),
            stack.enter_context(OtherServer(banner)),
        )
        config = folder / "sma.yml"
        devices = {
            "plain": (plain.url, "{}"),
            "pinned": (pinned.url, f'{{fingerprint: "{pinned.fingerprint}"}}'),
            "signed": (signed.url, f"{{ca_file: {made.authority}}}"),
            "recorder": (
                f"http://127.0.0.1:{recorder.port}",
                "{}",
            ),  # it records what is sent to devices
        }
        config.write_text("\n".join(_config(devices)), encoding="utf-8")

        usual = _shown(config, {})
        odd = _shown(config, _hostile(folder, f"http://127.0.0.1:{proxy.port}"))

        assert all(len(usual[name]) > 20 for name in ("plain", "pinned", "signed"))
        assert proxy.connections == 0
        assert PASSWORD.encode() in recorder.heard
        assert b"authorization" not in recorder.heard.lower()
        left = sum(simulator.sessions for simulator in (plain, pinned, signed))
    return Row(
        fault,
        "values" if odd["plain"] == usual["plain"] else "values missing",
        "all values" if odd == usual else "values missing",
        str(left),
        "was never away",
    )
