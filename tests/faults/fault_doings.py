"""What may happen to the sick device, its network and its exporter, and how it ends."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import requests
from fault_bench import PASSWORDS, SICK, Bench
from fault_case import PARAMETER_READ, READ, Do, clear
from other_servers import Speech
from support.devices import eventually

from sma_exporter import config
from sma_exporter.simulator import EnnexosSimulator, faults
from sma_exporter.simulator.faults import Action, Fault
from sma_exporter.webconnect import SMA, make_session

#: What is asked for the same at a device with ennexOS.
ENNEXOS_ENDPOINTS = {
    READ: "measurements/live",
    PARAMETER_READ: "parameters/search",
    "getAllParamValues": "parameters/search",
    "login": "token",
    "logout": "refreshtoken",
}


def at(path: str | None, action: Action, times: int | None = None) -> Do:
    """Set a fault at one endpoint, or at all. Endpoints are named as WebConnect's."""

    def do(bench: Bench) -> None:
        is_ennexos = isinstance(bench.sick, EnnexosSimulator)
        endpoint = ENNEXOS_ENDPOINTS.get(path, path) if is_ennexos and path else path
        bench.sick.faults.add(Fault(action, path=endpoint, times=times))

    return do


def both(*things: Do) -> Do:
    """Do several things in their order."""

    def do(bench: Bench) -> None:
        for thing in things:
            thing(bench)

    return do


def nothing(bench: Bench) -> None:
    """Time heals."""


# --- power and sessions ---


def off(bench: Bench) -> None:
    bench.sick.stop()


def on(bench: Bench) -> None:
    clear(bench)
    bench.sick.start()


def forget(bench: Bench) -> None:
    bench.sick.expire_sessions()


def once_it_strikes(do: Do) -> Do:
    """Do something while the device works on the request that meets its only fault."""

    def during(bench: Bench) -> None:
        assert eventually(lambda: not bench.sick.faults)
        do(bench)

    return during


def browsers_log_in(number: int) -> Do:
    def inflict(bench: Bench) -> None:
        for _ in range(number):
            bench.browsers.append(SMA(make_session(), bench.sick.url, PASSWORDS[SICK]))
            bench.browsers[-1].new_session()

    return inflict


def browsers_log_out(bench: Bench) -> None:
    while bench.browsers:
        bench.browsers.pop().close_session()


def somebody_guesses(bench: Bench) -> None:
    """Try three wrong passwords."""
    for guess in ("1111", "0000", "sma"):
        login = {"right": "usr", "pass": guess}
        requests.post(f"{bench.sick.url}/dyn/login.json", json=login, timeout=5)


# --- somebody else at its address ---


def replaced_by(**options: Any) -> Do:
    """Have another device answer there; `options` are Simulator's, functions of them get the bench."""

    def inflict(bench: Bench) -> None:
        asked = {"password": PASSWORDS[SICK]} | bench.asked(options)
        bench.sick.stop()
        bench.simulate(bench.models[SICK], port=bench.sick.port, **asked)

    return inflict


def itself_again(bench: Bench) -> None:
    bench.simulators[-1].stop()
    bench.sick.start()


def itself_again_and_read(bench: Bench) -> None:
    """It has told its serial number once."""
    itself_again(bench)
    bench.scrape()
    bench.settle()


def itself_again_for_good(bench: Bench) -> None:
    """The other device is switched off, and its sessions with it."""
    bench.simulators[-1].expire_sessions()
    itself_again_and_read(bench)


def other_server(speech: Speech) -> Do:
    """Have a listener of another kind answer there."""

    def inflict(bench: Bench) -> None:
        bench.sick.stop()
        bench.other_server(speech, bench.sick.port)

    return inflict


def the_other_server_goes(bench: Bench) -> None:
    bench.other_servers[-1].close()
    bench.sick.start()


# --- redirects ---


def elsewhere(bench: Bench) -> None:
    """Redirect every call to another host, which listens."""
    url = f"https://localhost:{bench.other_server().port}/dyn/login.json"
    at(None, faults.redirect(url))(bench)


def front_of(bench: Bench) -> str:
    """Return the URL of a port that sends everybody from http to https, and there is the sick device."""
    return f"http://127.0.0.1:{bench.https_front().port}"


def back_to_http(bench: Bench) -> None:
    """Redirect every call to http, from where it comes."""
    at(None, faults.redirect("http://127.0.0.1/dyn/login.json"))(bench)


# --- the exporter's own machine ---


def by_name(bench: Bench) -> str:
    return bench.sick.url.replace("127.0.0.1", "localhost")


@contextmanager
def _resolving(resolve: Callable[[], object]) -> Iterator[None]:
    """Have `resolve` called first when the sick device's name is looked up."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        if host == "localhost":
            resolve()
        return real(host, *args, **options)

    with mock.patch.object(socket, "getaddrinfo", getaddrinfo):
        yield


def nameless(bench: Bench) -> None:
    """No simulator can do this: the name service is the machine's."""

    def unknown() -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    bench.until_healed(_resolving(unknown))


def name_service_hangs(bench: Bench) -> None:
    answers = threading.Event()
    bench.until_healed(_resolving(lambda: answers.wait(30)))
    bench.healing.callback(answers.set)


def healed(bench: Bench) -> None:
    """End what `until_healed` began."""
    bench.healing.close()


def password_file(bench: Bench) -> Any:
    path = bench.folder / "password"
    path.write_text(PASSWORDS[SICK], encoding="utf-8")
    return path


def password_file_says(content: str | None) -> Do:
    def do(bench: Bench) -> None:
        path = bench.folder / "password"
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_text(content, encoding="utf-8")

    return do


def wall_clock_moves(seconds: float) -> Do:
    def do(bench: Bench) -> None:
        bench.wall += seconds

    return do


def time_passes(seconds: float) -> Do:
    return lambda bench: bench.clock.advance(seconds)


# --- certificates ---


def secure(**tls: Any) -> Callable[[Bench], config.TlsSettings]:
    """Return `tls:` of the configuration."""
    return lambda bench: config.TlsSettings(given=True, **bench.asked(tls))


def authority(bench: Bench) -> config.CaFile:
    path = bench.certificates.authority
    return config.CaFile(path, path.read_text(encoding="ascii"))


def fingerprints(bench: Bench) -> tuple[str, ...]:
    assert bench.sick.fingerprint is not None
    return (bench.sick.fingerprint.removeprefix("sha256:").replace(":", "").lower(),)
