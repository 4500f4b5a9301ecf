"""A WebConnect device as the exporter reads it: failures by reason, parameters, certificates, schemes."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
import trustme
from support import devices
from support.devices import (
    NAME,
    NIGHT,
    NOON,
    PASSWORD,
    POWER,
    SERIAL,
    Clock,
    Connect,
    Scraped,
    calls,
    count,
    eventually,
    reader_threads,
)
from support.raw_devices import WebConnectFake, reply
from urllib3.exceptions import NewConnectionError

from sma_exporter import config
from sma_exporter.simulator import Simulator, faults
from sma_exporter.simulator.faults import Action, Fault
from sma_exporter.sma.deadline import Deadline
from sma_exporter.sma.exceptions import Reason, SmaTimeoutException
from sma_exporter.webconnect.source import WebConnectSettings, WebConnectSource

clock, sim, connect = devices.clock, devices.sim, devices.connect

READ, PARAMETERS = "getAllOnlValues", "getValues"
Simulate = Callable[..., Simulator]


def answered_with(result: Any) -> Action:
    return faults.mutate(lambda _: {"result": result})


def twice(reply: Any) -> Any:
    """The values of a device under two names."""
    ((uid, values),) = reply["result"].items()
    return {"result": {uid: values, "0199-xxxxx000": values}}


# --- what goes wrong, by reason, and what comes after ---

HTML = faults.body(b"<!DOCTYPE html><html></html>", "text/html")


#: One of each reason; what else a device can do to its replies stands in the matrix of faults.
@pytest.mark.parametrize(
    ("action", "path", "reason"),
    [
        (faults.drop(), "login", "connection"),
        (faults.error(404), None, "connection"),
        (faults.hang(), READ, "timeout"),
        (faults.body(b"{}"), READ, "protocol"),
        (faults.mutate(twice), READ, "unsupported"),
        (HTML, READ, "unsupported"),
        (faults.status(404), "login", "unsupported"),
    ],
    ids=["drops", "is-starting", "hangs", "no-result", "several-devices", "html", "no-such-page"],
)
def test_a_device_that_does_not_do_its_duty_costs_a_reason_and_is_back_with_the_next_scrape(
    connect: Connect, sim: Simulator, action: Action, path: str | None, reason: str
) -> None:
    roof = connect(sim, timeout=0.3)
    sim.faults.add(Fault(action, path=path))

    failed = roof.scrape()
    # A drop after the work of a login, and it alone, leaves something to wait for.
    sim.faults.clear()
    roof.clock.advance(10)
    recovered = roof.scrape()

    assert failed.result is not None
    assert failed.result.reason == reason
    assert failed.result.message
    assert failed.result.readings == {}
    assert failed.errors == dict.fromkeys(Reason, 0) | {reason: 1}
    assert recovered.up
    assert recovered.errors == failed.errors


@pytest.mark.parametrize(
    "action",
    [faults.hang(), faults.drop(), faults.truncate(0.5), faults.body(b"{}"), HTML],
    ids=["hang", "drop", "truncated", "no-result", "html"],
)
def test_a_read_that_failed_leaves_no_session(
    connect: Connect, sim: Simulator, action: Action
) -> None:
    roof = connect(sim, timeout=0.3)
    sim.faults.add(Fault(action, path=READ))

    assert roof.read().reason is not None
    assert eventually(lambda: sim.logouts == 1)
    assert sim.sessions == 0


@pytest.mark.parametrize(
    ("action", "seconds"),
    [(faults.drop(), 5.0), (faults.truncate(0.5), 5.0), (faults.hang(), 0.3)],
    ids=["dropped", "truncated", "timed-out"],
)
def test_a_read_that_was_lost_once_is_repeated(
    connect: Connect, sim: Simulator, action: Action, seconds: float
) -> None:
    roof = connect(sim, timeout=seconds)
    sim.faults.add(Fault(action, path=READ, times=1))

    outcome = roof.read()

    assert outcome.reason is None
    assert count(sim)[READ] == 2
    assert count(sim)["login"] == 1


def test_a_read_is_repeated_once_only(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim)
    sim.faults.add(Fault(faults.drop(), path=READ))

    assert roof.read().reason == "connection"
    assert count(sim)[READ] == 2


def test_a_device_that_is_off_at_start_is_there_when_it_comes_on(
    connect: Connect, sim: Simulator
) -> None:
    sim.stop()
    roof = connect(sim)

    off = [roof.read_later(5).reason for _ in range(3)]
    sim.start()
    on = roof.read_later(5)

    assert off == ["connection"] * 3
    assert on.reason is None


def test_a_device_that_answers_at_night_with_nulls_and_totals_is_up(
    connect: Connect, simulate: Simulate
) -> None:
    roof = connect(simulate("sb-3.6", clock=lambda: NIGHT))

    shown = roof.scrape()

    assert shown.up
    assert "total_yield" in shown.readings
    assert "grid_power" not in shown.readings


@pytest.mark.parametrize(
    "result", [{}, {"0199-xxxxx000": {}}, {"0199-xxxxx000": None}], ids=["", "uid", "null"]
)
def test_an_empty_result_is_followed_by_asking_for_every_key(
    connect: Connect, sim: Simulator, result: object
) -> None:
    roof = connect(sim)
    sim.faults.add(Fault(answered_with(result), path=READ))

    outcome = roof.read()

    assert outcome.reason is None
    assert {"grid_power", "total_yield"} <= outcome.readings.keys()


def test_a_device_that_refuses_to_name_its_values_is_asked_for_every_key(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim)
    sim.faults.add(Fault(faults.error(404), path=READ))

    assert {"grid_power", "total_yield"} <= roof.read().readings.keys()


@pytest.mark.parametrize(
    "change",
    [
        lambda reply: {"result": {}},
        lambda reply: {"result": {uid: {POWER: {"1": [{"val": None}]}} for uid in reply["result"]}},
    ],
    ids=["no-keys", "only-nulls"],
)
def test_a_device_without_any_value_is_not_up(
    connect: Connect, sim: Simulator, change: Callable[[Any], object]
) -> None:
    roof = connect(sim)
    sim.faults.add(Fault(faults.mutate(change), path=READ))
    sim.faults.add(Fault(faults.mutate(change), path=PARAMETERS))

    outcome = roof.read()

    assert outcome.reason == "protocol"
    assert "without any value" in outcome.message


def test_a_mistake_of_ours_is_a_reason_and_tells_nothing_but_its_kind(
    sim: Simulator, clock: Clock
) -> None:
    class Broken(config.DeviceSettings):
        def read_password(self) -> str | None:
            raise ZeroDivisionError(PASSWORD)

    roof = Scraped(Broken(name="roof", url=sim.url, password=config.Secret(PASSWORD)), clock)

    outcome = roof.read()

    assert outcome.reason == "internal"
    assert "ZeroDivisionError" in outcome.message
    assert PASSWORD not in outcome.message


# --- parameters ---


def test_parameters_are_read_on_first_contact_and_every_hour(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim)

    asked = []
    for seconds in (0, 5, 3500, 100, 5):
        roof.read_later(seconds)
        asked.append(count(sim)[PARAMETERS])

    assert asked == [1, 1, 1, 2, 2]
    assert roof.device.last().state.identity.serial == str(sim.serial)


@pytest.mark.parametrize("has_serial", [True, False])
def test_a_device_that_is_slower_than_every_scrape_still_tells_who_it_is(
    connect: Connect, sim: Simulator, has_serial: bool
) -> None:
    sim.faults.add(Fault(faults.delay(0.3)))
    roof = connect(sim, serial=str(sim.serial) if has_serial else None)

    early = roof.scrape(within=0.5)
    assert eventually(lambda: not reader_threads())
    later = roof.device.last()

    assert not early.up
    assert later.up
    assert later.state.identity.serial == str(sim.serial)


def test_parameters_are_read_when_the_device_is_back(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim)
    roof.scrape()
    sim.stop()
    roof.read_later(5)
    sim.start()

    roof.read_later(5)
    roof.read_later(5)

    assert count(sim)[PARAMETERS] == 2


def test_what_the_parameters_told_is_kept_while_the_device_sleeps(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim)
    awake = roof.scrape()
    sim.stop()

    roof.clock.advance(5)
    asleep = roof.scrape()

    assert asleep.state.identity == awake.state.identity
    assert asleep.state.identity.serial == str(sim.serial)
    assert asleep.state.identity.name == sim.name
    assert asleep.readings["inverter_power_limit"] == 3680
    assert "inverter_system_init" in awake.readings
    assert "inverter_system_init" not in asleep.readings
    assert "grid_power" not in asleep.readings


@pytest.mark.parametrize(
    "action",
    [
        faults.error(404),
        faults.drop(),
        faults.truncate(0.5),
        faults.body(b"[]"),
        faults.mutate(twice),
        HTML,
    ],
    ids=["err-404", "dropped", "truncated", "no-object", "several-devices", "html"],
)
def test_parameters_that_fail_cost_the_parameters_only_and_are_retried_after_a_minute(
    connect: Connect, sim: Simulator, action: Action
) -> None:
    roof = connect(sim)
    sim.faults.add(Fault(action, path=PARAMETERS))

    without = roof.scrape()
    sim.faults.clear()
    sim.reset_counts()
    roof.read_later(50)
    too_soon = count(sim)[PARAMETERS]
    roof.read_later(11)
    later = roof.scrape()

    assert without.up
    assert "grid_power" in without.readings
    assert without.state.identity.serial == ""
    assert sum(without.errors.values()) == 0
    assert too_soon == 0
    assert count(sim)[PARAMETERS] == 1
    assert later.state.identity.serial == str(sim.serial)


def test_a_hanging_parameter_request_does_not_make_the_scrape_late(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim, timeout=10.0)
    sim.faults.add(Fault(faults.hang(), path=PARAMETERS))

    shown = roof.scrape(within=1.0)
    sim.stop()

    assert shown.up
    assert "grid_power" in shown.readings
    assert shown.errors[Reason.TIMEOUT] == 0


def test_a_login_that_is_lost_while_parameters_are_read_fails_the_read_and_is_waited_for(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim)
    sim.faults.add(Fault(faults.error(401), path=PARAMETERS))
    sim.faults.add(Fault(faults.delay(0), path="login", times=1))
    sim.faults.add(Fault(faults.drop_after(), path="login"))

    first = roof.read()
    attempts = sim.login_attempts
    roof.read_later(5)

    assert first.reason == "connection"  # its values would be shown again during the whole pause
    assert attempts == 2
    assert sim.login_attempts == 2


def test_without_a_password_the_public_values_are_read_and_nobody_logs_in(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim, password=None)

    shown = roof.scrape()

    assert {"grid_power", "total_yield"} <= shown.readings.keys()
    assert shown.state.identity.name == sim.name
    assert set(calls(sim)) == {"getDashValues"}
    assert shown.logins == 0


# --- who answers, and which meter ---


def val(value: object) -> dict[str, object]:
    return {"1": [{"val": value}]}


FIRST, SECOND = 3007401854, 3004711001
METERED_POWER, METER_SERIAL = "6100_40463700", "6800_008AA200"
FAKE_VALUES = {POWER: val(1840), SERIAL: val(FIRST), NAME: val("Roof")}


@pytest.fixture
def fake() -> Iterator[WebConnectFake]:
    with WebConnectFake(FAKE_VALUES) as device:
        yield device


def keys_asked_for(fake: WebConnectFake) -> list[list[str]]:
    """The keys of each getValues so far, which are forgotten."""
    asked = [call.payload["keys"] for call in fake.calls if call.name == PARAMETERS]
    fake.calls.clear()
    return asked


@pytest.mark.parametrize("session", ["scrape", "keep"])
def test_a_configured_serial_number_is_checked_with_each_session_before_values_are_shown(
    connect: Connect, fake: WebConnectFake, session: str
) -> None:
    """The device in its place has the same masked key."""
    roof = connect(fake, serial=str(FIRST), session=session)
    own = roof.read()
    fake.values |= {SERIAL: val(SECOND), POWER: val(777)}
    fake.sessions.clear()

    other = roof.read_later(5)
    fake.values |= FAKE_VALUES
    back = roof.read_later(5)

    assert own.reason is back.reason is None
    assert other.reason == "identity"
    assert other.readings == {}
    assert str(SECOND) in other.message


def test_the_serial_number_is_one_key_once_a_session(
    connect: Connect, fake: WebConnectFake
) -> None:
    roof = connect(fake, serial=str(FIRST))
    roof.read()
    keys_asked_for(fake)

    roof.read_later(5)
    scraped = keys_asked_for(fake)
    kept = connect(fake, name="kept", serial=str(FIRST), session="keep")
    kept.read()
    keys_asked_for(fake)
    kept.read_later(5)

    assert scraped == [[SERIAL]]
    assert keys_asked_for(fake) == []


def test_without_a_configured_serial_number_no_session_asks_for_it(
    connect: Connect, fake: WebConnectFake
) -> None:
    roof = connect(fake)
    roof.read()
    keys_asked_for(fake)

    roof.read_later(5)

    assert keys_asked_for(fake) == []


def test_a_session_that_is_replaced_within_a_read_is_checked_too(
    connect: Connect, fake: WebConnectFake
) -> None:
    roof = connect(fake, serial=str(FIRST), session="keep")
    roof.read()
    fake.sessions.clear()
    fake.values[SERIAL] = val(SECOND)

    assert roof.read_later(5).reason == "identity"


def test_values_are_not_shown_while_a_session_does_not_tell_the_serial_number(
    connect: Connect, fake: WebConnectFake
) -> None:
    roof = connect(fake, serial=str(FIRST))
    roof.read()
    fake.answers[PARAMETERS] = lambda _: reply({"err": 404})
    failed = roof.read_later(5)
    fake.answers.clear()

    assert failed.reason == "protocol"
    assert failed.readings == {}
    assert roof.read_later(5).reason is None


def test_another_serial_number_than_before_is_asked_for_again_with_the_next_read(
    fake: WebConnectFake, clock: Clock
) -> None:
    """What is told once, while a device starts, may be wrong."""
    source = WebConnectSource(
        WebConnectSettings(name="roof", url=fake.url, password=lambda: PASSWORD), clock
    )

    def serials() -> list[str | None]:
        told = source.read(Deadline.after(5, clock), (), identify=False)
        return [m.identity.serial if m.identity else None for m in told]

    first = serials()
    clock.advance(3601)
    fake.values[SERIAL] = val(0)
    for_a_moment = serials()
    fake.values[SERIAL] = val(FIRST)
    healed = [serials() for _ in range(3)]
    keys_asked_for(fake)
    clock.advance(3601)
    fake.values[SERIAL] = val(SECOND)
    replaced = [serials() for _ in range(3)]

    assert first == [None, str(FIRST)]
    assert for_a_moment == [str(FIRST), ""]
    assert healed == [[None, str(FIRST)], [str(FIRST)], [str(FIRST)]]
    assert replaced == [[str(FIRST), str(SECOND)], [None, str(SECOND)], [str(SECOND)]]
    source.release(Deadline.after(2, clock))


def test_the_serial_number_of_a_meter_that_comes_later_is_asked_for_soon(
    connect: Connect, fake: WebConnectFake
) -> None:
    fake.values |= {METER_SERIAL: val(0), "6800_008AA300": [], METERED_POWER: val(None)}
    roof = connect(fake, session="keep")
    roof.read()
    without = roof.read_later(300)
    keys_asked_for(fake)
    fake.values[METERED_POWER] = val(500)

    found = roof.read_later(5)
    at_once = len(keys_asked_for(fake))
    fake.values[METER_SERIAL] = val(1901472733)
    roof.read_later(60)
    too_soon = len(keys_asked_for(fake))
    told = roof.read_later(61)
    soon = len(keys_asked_for(fake))
    roof.read_later(3000)

    assert "meter_serial" not in without.readings
    assert found.readings["meter_serial"] == ""
    assert (at_once, too_soon, soon) == (1, 0, 1)
    assert told.readings["meter_serial"] == "1901472733"
    assert keys_asked_for(fake) == []


def test_a_meter_that_never_tells_its_serial_number_is_asked_ever_more_seldom(
    connect: Connect, fake: WebConnectFake
) -> None:
    fake.values[METERED_POWER] = val(500)
    roof = connect(fake, session="keep")
    asked = []

    for minute in range(4 * 60):
        roof.read_later(60)
        if keys_asked_for(fake):
            asked.append(minute)

    assert asked[:7] == [0, 1, 3, 7, 15, 31, 63]
    assert len(asked) <= 10  # then once an hour


# --- certificates and schemes ---


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate and its key, in files."""
    leaf = trustme.CA().issue_cert("127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    for blob in leaf.cert_chain_pems:
        blob.write_to_path(chain, append=True)
    leaf.private_key_pem.write_to_path(key)
    return chain, key


def pinned(sim: Simulator, *, given: bool = True) -> config.TlsSettings:
    assert sim.fingerprint is not None
    digest = sim.fingerprint.removeprefix("sha256:").replace(":", "").lower()
    return config.TlsSettings(fingerprints=(digest,), given=given)


def test_a_replaced_certificate_is_refused_until_the_pinned_one_is_back(
    connect: Connect, simulate: Simulate, certificate: tuple[Path, Path]
) -> None:
    sim = simulate(clock=lambda: NOON, tls=certificate)
    roof = connect(sim, tls=pinned(sim))

    good = roof.read()
    assert eventually(lambda: sim.sessions == 0)
    sim.replace_certificate()
    asked = len(sim.requests)
    replaced = roof.read_later(5)
    sim.stop()
    back = simulate(clock=lambda: NOON, tls=certificate, port=sim.port)
    recovered = roof.read_later(5)

    assert good.reason is None
    assert replaced.reason == "certificate_pin"
    assert sim.fingerprint is not None
    assert sim.fingerprint in replaced.message
    assert len(sim.requests) == asked
    assert recovered.reason is None
    assert back.logins == 1


def test_a_certificate_that_cannot_be_verified_is_offered_for_pinning(
    connect: Connect, simulate: Simulate
) -> None:
    sim = simulate(tls=True)
    roof = connect(sim)

    outcome = roof.read()

    assert outcome.reason == "tls"
    assert f'fingerprint: "{sim.fingerprint}"' in outcome.message
    assert sim.requests == []


def test_a_ca_file_makes_a_certificate_good(connect: Connect, simulate: Simulate) -> None:
    sim = simulate(tls=True)
    assert sim.issuer is not None

    roof = connect(
        sim,
        tls=config.TlsSettings(
            ca_file=config.CaFile(Path("ca.pem"), sim.issuer.decode()), given=True
        ),
    )

    assert roof.read().reason is None


def test_https_that_was_found_is_not_looked_for_again_also_when_the_login_is_refused(
    connect: Connect, simulate: Simulate, clock: Clock
) -> None:
    sim = simulate(monotonic=clock, tls=True)
    url = sim.url.removeprefix("https://")
    roof = connect(sim, url=url, tls=pinned(sim, given=False), password="Wrong-1234")
    roof.scrape()
    first = calls(sim)
    sim.reset_counts()

    roof.read_later(61)

    assert first == ["sessionCheck", "login", "sessionCheck"]
    assert calls(sim) == ["login", "sessionCheck"]


@pytest.fixture
def plain() -> Iterator[responses.RequestsMock]:
    """An old device: nobody listens on 443, and there is plain HTTP on 80."""
    refused = NewConnectionError(None, "refused")  # type: ignore[arg-type]
    refused.__cause__ = ConnectionRefusedError()
    values = {"result": {"012F-xxxxx000": {POWER: {"val": 5}}}}
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(re.compile("https://roof/.*"), body=requests.ConnectionError(refused))
        mock.post("http://roof/dyn/sessionCheck.json", json={"result": {"cntFreeSess": 1}})
        mock.post("http://roof/dyn/login.json", json={"result": {"sid": "0123456789abcdef"}})
        mock.post("http://roof/dyn/logout.json", json={"result": {"isLogin": False}})
        mock.post(f"http://roof/dyn/{READ}.json", json=values)
        mock.post(f"http://roof/dyn/{PARAMETERS}.json", json={"result": {}})
        yield mock


def test_plain_http_is_warned_of_once_and_https_looked_for_again_after_a_failure(
    connect: Connect,
    sim: Simulator,
    plain: responses.RequestsMock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def asked_for_https() -> int:
        return len([call for call in plain.calls if str(call.request.url).startswith("https://")])

    roof = connect(sim, url="roof")

    good = [roof.read_later(5).reason for _ in range(3)]
    first = asked_for_https()
    plain.replace("POST", f"http://roof/dyn/{READ}.json", json={})
    bad = roof.read_later(5).reason
    assert eventually(lambda: not reader_threads())
    roof.read_later(5)
    roof.close()

    assert good == [None] * 3
    assert first == 1
    assert caplog.text.count("the password travels in clear") == 2
    assert bad == "protocol"
    assert asked_for_https() == 2


def test_a_device_that_moves_to_https_is_found_there(
    connect: Connect, sim: Simulator, plain: responses.RequestsMock
) -> None:
    roof = connect(sim, url="roof", session="keep")
    before = roof.read()
    refused = NewConnectionError(None, "refused")  # type: ignore[arg-type]
    refused.__cause__ = ConnectionRefusedError()
    plain.upsert("POST", re.compile("http://roof/.*"), body=requests.ConnectionError(refused))
    values = {"result": {"012F-xxxxx000": {POWER: {"val": 6}}}}
    plain.remove("POST", re.compile("https://roof/.*"))
    plain.post(re.compile("https://roof/dyn/(?!login).*"), json=values)
    plain.post("https://roof/dyn/login.json", json={"result": {"sid": "fedcba9876543210"}})
    for call in ("sessionCheck", "login", "logout", READ, PARAMETERS):
        plain.remove("POST", f"http://roof/dyn/{call}.json")

    updating = roof.read_later(5)
    after = roof.read_later(5)

    assert before.readings["grid_power"] == 5
    assert updating.reason == "connection"
    assert after.readings["grid_power"] == 6
    assert roof.device.last().logins == 2


def test_a_device_whose_certificate_is_configured_is_never_asked_without_tls(
    connect: Connect, sim: Simulator, plain: responses.RequestsMock
) -> None:
    roof = connect(sim, url="roof", tls=config.TlsSettings(fingerprints=("ab" * 32,), given=True))

    outcome = roof.read()

    assert outcome.reason == "connection"
    assert all(str(call.request.url).startswith("https://") for call in plain.calls)


# --- stopping ---


@pytest.mark.parametrize("logged_in", [False, True], ids=["before-the-login", "logged-in"])
def test_a_source_that_is_cancelled_brings_nothing_and_leaves_no_session(
    sim: Simulator, logged_in: bool
) -> None:
    source = WebConnectSource(
        WebConnectSettings(name="roof", url=sim.url, password=lambda: PASSWORD)
    )
    if logged_in:
        assert [*source.read(Deadline.after(5), (), identify=False)]
    source.cancel()

    with pytest.raises(SmaTimeoutException, match="stopping"):
        next(source.read(Deadline.after(5), (), identify=False))
    source.release(Deadline.after(2))

    assert sim.sessions == 0
