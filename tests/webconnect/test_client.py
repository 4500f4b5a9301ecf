"""SMA: sessions, reads and what goes wrong with them, against simulated devices over real HTTP."""

import contextlib
import json
import logging
import math
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
import responses
from support.on_ports import OnPorts

from sma_exporter.simulator import MODELS, Simulator, faults
from sma_exporter.simulator.faults import Action, Fault, SendReply
from sma_exporter.simulator.http_server import SimulatedReply
from sma_exporter.sma.deadline import Deadline
from sma_exporter.sma.exceptions import SmaCredentialsException
from sma_exporter.webconnect import (
    SMA,
    Sensor,
    Sensors,
    SessionCheck,
    SmaAuthenticationException,
    SmaConnectionException,
    SmaErrorReplyException,
    SmaException,
    SmaNoLoggerException,
    SmaNotWebConnectException,
    SmaReadException,
    SmaSessionLimitException,
    SmaSeveralDevicesException,
    SmaTimeoutException,
    SmaTlsException,
    definitions,
    make_session,
)
from sma_exporter.webconnect.client import KEYS_A_REQUEST
from sma_exporter.webconnect.decode import ONLINE_KEYS

NOON = 1_749_898_800.0
PASSWORD, INSTALLER_PASSWORD, WRONG = "Sunny-1234", "Sunny-9876", "Cloudy-5678"
POWER, YIELD = "6100_40263F00", "6400_00260100"
SET_BY_INSTALLER = "6802_00832B00"
LOGIN = ("sessionCheck", "login")  # over http, the device may first ask for https
SITE = "http://sma.test"  # a device made of single replies

Simulate = Callable[..., Simulator]
Connect = Callable[..., SMA]


@pytest.fixture
def device(simulate: Simulate) -> Simulator:
    return simulate("sb-3.6", clock=lambda: NOON)


@pytest.fixture
def secure(simulate: Simulate) -> Simulator:
    return simulate("sb-3.6", clock=lambda: NOON, tls=True)


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Return clients of devices or URLs; their sockets are closed when the test is over."""
    with ExitStack() as stack:

        def start(
            target: Simulator | str,
            password: str | Callable[[], str] | None = PASSWORD,
            *,
            session: requests.Session | None = None,
            **options: Any,
        ) -> SMA:
            url = target if isinstance(target, str) else target.url
            session = stack.enter_context(session or make_session(verify=False))
            return SMA(
                session, url, password, **({"timeout": 10.0, "login_timeout": 10.0} | options)
            )

        yield start


@pytest.fixture
def client(device: Simulator, connect: Connect) -> SMA:
    return connect(device)


@pytest.fixture
def site() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def calls(device: Simulator) -> list[str]:
    """What a device was asked for, in order."""
    return [path.removeprefix("/dyn/").removesuffix(".json") for _, path in device.requests]


def online(device: Simulator) -> Any:
    """Key -> raw value of everything that a device offers."""
    (values,) = device.online_values()["result"].values()
    return values


def misbehave(
    device: Simulator, action: Action, path: str | None = None, times: int | None = None
) -> None:
    device.faults.add(Fault(action, path=path, times=times))


# Who logs in


@pytest.mark.parametrize(
    ("group", "password"), [("user", PASSWORD), ("installer", INSTALLER_PASSWORD)]
)
def test_a_session_of_each_group(
    device: Simulator, connect: Connect, group: str, password: str
) -> None:
    client = connect(device, password, group=group)

    assert client.new_session() is True
    assert client.logged_in
    assert (client.logins, device.logins, device.sessions) == (1, 1, 1)
    assert (SET_BY_INSTALLER in client.read_parameters()) == (group == "installer")


@pytest.mark.parametrize("group", ["usr", "istl", "service", ""])
def test_any_other_group_is_a_key_error(group: str, connect: Connect) -> None:
    with pytest.raises(KeyError, match="user or installer"):
        connect(SITE, group=group)


def test_a_long_password_is_warned_of_but_not_told(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    connect(SITE, "123456789012")
    assert caplog.records == []

    connect(SITE, "1234567890123")

    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "more than 12 characters" in caplog.text
    assert "1234567890123" not in caplog.text


@pytest.mark.parametrize("url", ["ftp://x", "file:///etc/passwd", "://x"])
def test_any_other_scheme_is_a_value_error(connect: Connect, url: str) -> None:
    with pytest.raises(ValueError, match="begins with https:// or http://, or has no scheme"):
        connect(url)


def test_a_password_may_change_between_logins(device: Simulator, connect: Connect) -> None:
    passwords = iter([WRONG, PASSWORD])
    client = connect(device, lambda: next(passwords))

    with pytest.raises(SmaAuthenticationException):
        client.new_session()

    assert client.new_session() is True
    assert client.read_keys([POWER])  # with a session, nobody asks for the password


def test_without_the_password_nothing_is_sent(device: Simulator, connect: Connect) -> None:
    def password() -> str:
        raise SmaCredentialsException("the file is gone")

    with pytest.raises(SmaCredentialsException):
        connect(device, password).read_all()

    assert calls(device) == []


@pytest.mark.parametrize("refusal", ["sid", "err"])
@pytest.mark.parametrize("group", ["user", "installer"])
def test_a_wrong_password_names_the_group_and_is_tried_once(
    simulate: Simulate, connect: Connect, refusal: str, group: str
) -> None:
    device = simulate("sb-3.6", refusal=refusal)
    client = connect(device, WRONG, group=group)

    with pytest.raises(SmaAuthenticationException) as caught:
        client.read_all()

    assert type(caught.value) is SmaAuthenticationException
    assert str(caught.value) == f"the password was refused for the group {group!r}"
    assert not caught.value.login_lost
    assert not client.logged_in
    assert calls(device) == [*LOGIN]


def test_a_device_without_a_free_session_says_so(simulate: Simulate, connect: Connect) -> None:
    device = simulate("sb-3.6", max_sessions=1)
    connect(device).new_session()

    with pytest.raises(SmaSessionLimitException, match="no free session") as caught:
        connect(device).new_session()

    assert isinstance(caught.value, SmaAuthenticationException)
    assert device.login_attempts == 2


REFUSED_LOGINS: dict[bytes | int, tuple[type[SmaException], bool]] = {
    b'{"result":{"sid":null}}': (SmaAuthenticationException, False),
    b'{"result":{"sid":""}}': (SmaAuthenticationException, False),
    b'{"err":401}': (SmaAuthenticationException, False),
    b'{"err":403}': (SmaAuthenticationException, False),
    b'{"err":503}': (SmaSessionLimitException, False),
    b'{"err":404}': (SmaConnectionException, False),
    b'{"err":42}': (SmaErrorReplyException, False),
    b'{"err":[401]}': (SmaErrorReplyException, False),
    b"<!DOCTYPE html>\n<html>": (SmaNotWebConnectException, False),
    b"\r\n <html>": (SmaNotWebConnectException, False),
    b"": (SmaNotWebConnectException, False),
    b" \r\n": (SmaNotWebConnectException, False),
    b"sid=1234": (SmaReadException, True),
    b"[]": (SmaReadException, True),
    404: (SmaNotWebConnectException, False),
    401: (SmaAuthenticationException, False),
    500: (SmaReadException, True),
}


@pytest.mark.parametrize("answer", REFUSED_LOGINS, ids=repr)
def test_a_login_that_brings_no_session(
    device: Simulator, client: SMA, answer: bytes | int
) -> None:
    error, lost = REFUSED_LOGINS[answer]
    action = faults.status(answer) if isinstance(answer, int) else faults.body(answer)
    misbehave(device, action, "login")
    with pytest.raises(SmaException) as caught:
        client.new_session()

    assert type(caught.value) is error
    assert caught.value.login_lost is lost
    assert getattr(caught.value, "err", answer) == answer or not isinstance(answer, int)
    assert not client.logged_in
    assert client.logins == 0
    assert device.login_attempts == 1


@pytest.mark.parametrize(
    ("action", "error", "left_behind"),
    [
        pytest.param(faults.drop(), SmaConnectionException, 0, id="dropped"),
        pytest.param(faults.drop_after(), SmaConnectionException, 1, id="dropped after the work"),
        pytest.param(faults.truncate(0.5), SmaConnectionException, 1, id="cut"),
        pytest.param(faults.hang(), SmaTimeoutException, 0, id="never answered"),
        pytest.param(faults.drip(0.2), SmaTimeoutException, 1, id="answered too slowly"),
    ],
)
def test_a_login_whose_answer_is_lost_is_not_repeated(
    device: Simulator,
    connect: Connect,
    action: Action,
    error: type[SmaException],
    left_behind: int,
) -> None:
    misbehave(device, action, "login")
    client = connect(device, login_timeout=0.5)

    with pytest.raises(SmaConnectionException) as caught:
        client.read_all()

    assert type(caught.value) is error
    assert caught.value.login_lost
    assert not client.logged_in
    assert (device.login_attempts, device.sessions) == (1, left_behind)


def test_a_login_that_was_never_sent_is_not_lost(device: Simulator, client: SMA) -> None:
    device.stop()

    with pytest.raises(SmaConnectionException, match="refuses the connection") as caught:
        client.new_session()

    assert caught.value.refused
    assert not caught.value.sent
    assert not caught.value.login_lost


# Sessions


@pytest.mark.parametrize("failure", [None, ValueError("of the user's own")], ids=["well", "ill"])
def test_with_logs_out_however_it_ends(
    device: Simulator, client: SMA, failure: Exception | None
) -> None:
    with contextlib.suppress(ValueError), client:
        client.read_all()
        if failure:
            raise failure

    assert not client.logged_in
    assert (device.sessions, device.logouts) == (0, 1)


def test_a_logout_that_fails_at_the_end_of_with_is_passed_over(
    device: Simulator, client: SMA
) -> None:
    misbehave(device, faults.drop(), "logout")

    with client:
        client.new_session()

    assert calls(device) == [*LOGIN, "logout"]


def test_a_second_session_replaces_the_first(device: Simulator, client: SMA) -> None:
    client.new_session()
    client.new_session()

    assert (device.sessions, device.logins, client.logins) == (1, 2, 2)
    client.close_session()
    assert device.sessions == 0


def test_without_a_session_there_is_nothing_to_close(device: Simulator, client: SMA) -> None:
    client.close_session()

    assert calls(device) == []


@pytest.mark.parametrize(
    ("action", "error"),
    [
        pytest.param(faults.hang(), SmaTimeoutException, id="never answered"),
        pytest.param(faults.drop(), SmaConnectionException, id="dropped"),
        pytest.param(faults.body(b"<html>"), SmaNotWebConnectException, id="web page"),
    ],
)
def test_a_logout_that_fails_is_tried_once_and_the_session_used_again(
    device: Simulator, client: SMA, action: Action, error: type[SmaException]
) -> None:
    client.new_session()
    misbehave(device, action, "logout", times=1)

    with pytest.raises(error):
        client.close_session(Deadline.after(0.3))
    kept = client.logged_in
    client.read_keys([POWER])
    client.close_session()

    assert kept
    assert calls(device) == [*LOGIN, "logout", "getValues", "logout"]
    assert (device.logins, device.sessions) == (1, 0)


def test_a_logout_that_worked_but_was_not_answered_costs_a_login(
    device: Simulator, client: SMA
) -> None:
    client.new_session()
    misbehave(device, faults.drop_after(), "logout", times=1)

    with pytest.raises(SmaConnectionException):
        client.close_session()
    client.read_keys([POWER])

    assert client.logins == 2
    assert device.sessions == 1


def test_a_new_session_can_be_had_from_a_device_that_refuses_logouts(
    device: Simulator, client: SMA
) -> None:
    misbehave(device, faults.status(500), "logout")

    client.new_session()
    client.new_session()

    assert (client.logged_in, client.logins) == (True, 2)


def test_one_session_serves_many_reads(device: Simulator, client: SMA) -> None:
    for _ in range(3):
        client.read_keys([POWER])

    assert calls(device) == [*LOGIN, "getValues", "getValues", "getValues"]


def test_an_expired_session_is_replaced_within_the_same_read(
    device: Simulator, client: SMA
) -> None:
    before = client.read_all()
    device.expire_sessions()

    assert client.read_all() == before
    assert calls(device).count("getAllOnlValues") == 3
    assert (client.logins, device.logins, device.sessions) == (2, 2, 1)


@pytest.mark.parametrize("number", [401, 403])
def test_a_second_refusal_of_the_session_is_an_error(
    device: Simulator, client: SMA, number: int
) -> None:
    misbehave(device, faults.error(number), "getAllOnlValues")
    with pytest.raises(SmaReadException, match=f"err {number}") as caught:
        client.read_all()

    assert caught.value.err == number
    assert device.login_attempts == 2
    assert calls(device).count("getAllOnlValues") == 2


def test_sessions_that_a_device_denies_do_not_add_up(device: Simulator, client: SMA) -> None:
    misbehave(device, faults.error(401), "getAllOnlValues")
    for _ in range(6):
        with pytest.raises(SmaReadException):
            client.read_all()
        assert device.sessions <= 1
    client.close_session()

    assert device.sessions == 0


def test_a_password_that_was_changed_meanwhile_is_tried_once(
    device: Simulator, client: SMA
) -> None:
    client.new_session()
    device.expire_sessions()
    misbehave(device, faults.body(b'{"result":{"sid":null}}'), "login")

    with pytest.raises(SmaAuthenticationException):
        client.read_all()

    assert device.login_attempts == 2


def test_a_device_that_restarted_is_read_again(device: Simulator, client: SMA) -> None:
    before = client.read_all()
    device.stop()
    device.start()

    assert client.read_all() == before


class OneAnswerEach(BaseHTTPRequestHandler):
    """Gives up a connection just when a second request comes in on it."""

    protocol_version = "HTTP/1.1"
    answered = False

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.close_connection = self.answered
        if not self.answered:
            self.answered = True
            content = b'{"result":{"sid":"1234"}}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Say nothing."""


def test_a_login_has_a_connection_of_its_own(connect: Connect) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), OneAnswerEach) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        client = connect(f"http://127.0.0.1:{server.server_port}")
        client.session_check()

        opened = client.new_session()

        server.shutdown()
        thread.join(10)
    assert opened is True


def test_the_free_sessions_are_told_without_a_login(device: Simulator, connect: Connect) -> None:
    assert connect(device).session_check() == SessionCheck(free=4, locked_for=0.0)

    connect(device).new_session()

    assert connect(device, None).session_check() == SessionCheck(free=3, locked_for=0.0)


def test_the_lockout_after_wrong_passwords_is_told_for_the_group(
    simulate: Simulate, connect: Connect
) -> None:
    device = simulate("sb-3.6", lockout_after=2, lockout_seconds=600, monotonic=lambda: 0.0)
    client = connect(device, WRONG)

    for _ in range(2):
        with pytest.raises(SmaAuthenticationException):
            client.new_session()

    assert client.session_check().locked_for == 600.0
    assert connect(device, group="installer").session_check().locked_for == 0.0
    with pytest.raises(SmaAuthenticationException):
        connect(device).new_session()


@pytest.mark.parametrize(
    "content",
    [
        b'{"result":{}}',
        b'{"result":null}',
        b'{"err":404}',
        b'{"result":{"cntFreeSess":null,"cntDwnLogin":null}}',
        b'{"result":{"cntFreeSess":"4","cntDwnLogin":{"usr":"9"}}}',
        b'{"result":{"cntFreeSess":1e999,"cntDwnLogin":{"usr":-1e999}}}',
        b'{"result":{"cntFreeSess":true,"cntDwnLogin":[1]}}',
    ],
)
def test_a_device_that_does_not_tell_its_sessions(
    device: Simulator, client: SMA, content: bytes
) -> None:
    misbehave(device, faults.body(content), "sessionCheck")

    assert client.session_check() == SessionCheck(free=None, locked_for=0.0)


# Reads


def test_all_values_come_in_one_request(device: Simulator, client: SMA) -> None:
    values = client.read_all()

    assert values == online(device)
    assert calls(device) == [*LOGIN, "getAllOnlValues"]


def test_a_key_with_an_index_is_answered_with_the_whole_array(
    device: Simulator, client: SMA
) -> None:
    values = client.read_keys(["6380_40251E00_1", "9999_00000000"])

    assert values == {"6380_40251E00": online(device)["6380_40251E00"]}


def test_reading_sensors_fills_in_the_enabled_ones(device: Simulator, client: SMA) -> None:
    sensors = Sensors([definitions.grid_power, definitions.frequency, definitions.status])
    sensors.add(Sensor("9999_00000000", "unheard_of"))

    found = client.read(sensors)

    (power,) = online(device)[POWER]["1"]
    assert found is True
    assert sensors["grid_power"].value == power["val"]
    assert sensors["status"].value == "Ok"
    assert sensors["frequency"].value is None
    assert sensors["unheard_of"].value is None


def test_reading_tells_that_nothing_came(device: Simulator, client: SMA) -> None:
    sensors = Sensors(definitions.grid_power)
    sensors["grid_power"].value = 5
    misbehave(device, faults.body(b'{"result":{}}'), "getValues")

    assert client.read(sensors) is False
    assert sensors["grid_power"].value is None


def test_keys_are_asked_for_in_portions(connect: Connect, site: responses.RequestsMock) -> None:
    asked: list[list[str]] = []

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        keys = json.loads(request.body)["keys"]
        asked.append(keys)
        return 200, {}, json.dumps({"result": {"0199-x": {key: {"val": 1} for key in keys}}})

    site.post(f"{SITE}/dyn/login.json", json={"result": {"sid": "1234"}})
    site.add_callback(responses.POST, f"{SITE}/dyn/getValues.json", answer)
    keys = [f"6100_{number:08X}" for number in range(2 * KEYS_A_REQUEST + 1)]

    values = connect(SITE).read_keys(keys)

    assert [len(portion) for portion in asked] == [KEYS_A_REQUEST, KEYS_A_REQUEST, 1]
    assert list(values) == keys


PORTIONS = math.ceil(len(ONLINE_KEYS) / KEYS_A_REQUEST)


@pytest.mark.parametrize(
    "action",
    [
        pytest.param(faults.error(404), id="not served"),
        pytest.param(faults.status(500), id="HTTP 500"),
        pytest.param(faults.body(b'{"result":{"0199-x":{}}}'), id="empty"),
        pytest.param(faults.body(b'{"result":{}}'), id="no member"),
    ],
)
def test_a_device_that_does_not_tell_what_it_offers_is_asked_for_what_is_known(
    device: Simulator, client: SMA, action: Action
) -> None:
    misbehave(device, action, "getAllOnlValues")

    values = client.read_all()

    assert values == {k: v for k, v in online(device).items() if k in ONLINE_KEYS}
    assert calls(device) == [*LOGIN, "getAllOnlValues", *["getValues"] * PORTIONS]


def test_without_a_password_the_dashboard_is_read(device: Simulator, connect: Connect) -> None:
    client = connect(device, None)
    sensors = Sensors([definitions.grid_power, definitions.current_total])

    assert client.new_session() is False
    assert client.read(sensors) is True
    assert client.read_parameters() == {}

    assert sensors["grid_power"].value is not None
    assert sensors["current_total"].value is None
    assert calls(device) == ["getDashValues"]
    assert device.sessions == 0


def renamed(reply: Any) -> Any:
    (values,) = reply["result"].values()
    return {"result": {"0199-B33F4711": values}}


def test_the_member_of_a_result_may_be_called_anything(device: Simulator, connect: Connect) -> None:
    client = connect(device, uid="0199-xxxxx385")
    before = client.read_all()
    misbehave(device, faults.mutate(renamed))

    assert client.read_all() == before


def doubled(reply: Any) -> Any:
    return {"result": {**reply["result"], "0199-B33F4711": {POWER: {"1": [{"val": 4711}]}}}}


def test_a_reply_for_several_devices_is_refused(device: Simulator, client: SMA) -> None:
    misbehave(device, faults.mutate(doubled), "getAllOnlValues")

    with pytest.raises(SmaSeveralDevicesException, match="2 devices"):
        client.read_all()

    assert "getValues" not in calls(device)


def test_the_uid_picks_one_of_several_devices(device: Simulator, connect: Connect) -> None:
    misbehave(device, faults.mutate(doubled), "getAllOnlValues")

    assert connect(device, uid="0199-B33F4711").read_all() == {POWER: {"1": [{"val": 4711}]}}


NO_OBJECT = "not the JSON object"
UNUSABLE: dict[str, tuple[Action, int | None, str]] = {
    "web page": (faults.body(b"<html>"), None, "ennexOS"),
    "empty": (faults.body(b""), None, NO_OBJECT),
    "no JSON": (faults.body(b'{"result":'), None, NO_OBJECT),
    "no object": (faults.body(b"[1]"), None, NO_OBJECT),
    "deep lists": (faults.body(b"[" * 200_000), None, NO_OBJECT),
    "deep objects": (faults.body(b'{"a":' * 200_000), None, NO_OBJECT),
    "number without end": (faults.body(b'{"result":' + b"9" * 100_000 + b"}"), None, NO_OBJECT),
    "cut": (faults.wrong_content_length(), None, NO_OBJECT),
    "HTTP 500": (faults.status(500), 500, "HTTP 500"),
    "HTTP 404": (faults.status(404), 404, "HTTP 404"),
    "err 42": (faults.error(42), 42, "err 42"),
    "err 503": (faults.error(503), 503, "err 503"),
    "err that is an object": (faults.body(b'{"err":{}}'), None, "err None"),
    "err without end": (faults.body(b'{"err":1e999}'), None, "err None"),
    "no result": (faults.body(b"{}"), None, "no result"),
    "result null": (faults.body(b'{"result":null}'), None, "no result"),
    "result that is a list": (faults.body(b'{"result":[]}'), None, "no result"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_answer_that_cannot_be_used(device: Simulator, client: SMA, kind: str) -> None:
    action, number, words = UNUSABLE[kind]
    misbehave(device, action, "getValues")
    with pytest.raises(SmaReadException, match=words) as caught:
        client.read_keys([POWER])

    assert isinstance(caught.value, SmaNotWebConnectException) == (kind == "web page")
    assert caught.value.err == number
    assert calls(device) == [*LOGIN, "getValues"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b'\xef\xbb\xbf{"result":{"x":{"k":1}}}', {"k": 1}, id="byte order mark"),
        pytest.param(b'{"result":{"x":{"k":NaN}}}', {"k": None}, id="NaN"),
        pytest.param(b'{"result":{"x":{"k":-Infinity}}}', {"k": None}, id="infinite"),
        pytest.param(b'{"result":{"x":{"k":"S\xfcd"}}}', {"k": "S\ufffdd"}, id="Latin-1"),
        pytest.param(b'{"result":{"x":null}}', {}, id="null"),
        pytest.param(b'{"result":{"x":[]}}', {}, id="list"),
    ],
)
def test_odd_answers_that_are_good_enough(
    device: Simulator, client: SMA, content: bytes, expected: dict[str, object]
) -> None:
    misbehave(device, faults.body(content), "getValues")

    assert client.read_keys(["k"]) == expected


# Failing connections


@pytest.mark.parametrize(
    "action",
    [
        pytest.param(faults.drop(), id="dropped"),
        pytest.param(faults.drop_after(), id="dropped after the work"),
        pytest.param(faults.truncate(0.5), id="cut"),
        pytest.param(faults.hang(), id="never answered"),
    ],
)
def test_a_read_is_repeated_once(device: Simulator, connect: Connect, action: Action) -> None:
    client = connect(device, timeout=0.5)
    misbehave(device, action, "getValues", times=1)

    values = client.read_keys([POWER])

    assert values == {POWER: online(device)[POWER]}
    assert calls(device) == [*LOGIN, "getValues", "getValues"]


@pytest.mark.parametrize(
    ("action", "error"),
    [
        pytest.param(faults.drop(), SmaConnectionException, id="dropped"),
        pytest.param(faults.hang(), SmaTimeoutException, id="never answered"),
    ],
)
def test_a_read_is_not_repeated_twice(
    device: Simulator, connect: Connect, action: Action, error: type[SmaException]
) -> None:
    client = connect(device, timeout=0.3)
    misbehave(device, action, "getValues")

    with pytest.raises(SmaConnectionException) as caught:
        client.read_keys([POWER])

    assert type(caught.value) is error
    assert not caught.value.login_lost
    assert calls(device) == [*LOGIN, "getValues", "getValues"]


def test_a_deadline_that_has_passed_costs_no_request(device: Simulator, client: SMA) -> None:
    with pytest.raises(SmaTimeoutException, match="no time left"):
        client.read_all(deadline=Deadline.after(-1))

    assert calls(device) == []


@pytest.mark.parametrize(("left", "asked"), [(1.0, True), (0.0, False)])
def test_deadlines_are_by_the_clock_that_was_given(
    device: Simulator, connect: Connect, left: float, asked: bool
) -> None:
    now = 1e9  # no machine has been running for so long
    client = connect(device, monotonic=lambda: now)
    client.new_session()

    with contextlib.nullcontext() if asked else pytest.raises(SmaTimeoutException):
        client.read_keys([POWER], deadline=Deadline(now + left, lambda: now))

    assert ("getValues" in calls(device)) == asked


def test_a_read_ends_with_its_deadline_and_is_not_repeated_after_it(
    device: Simulator, connect: Connect
) -> None:
    client = connect(device, timeout=60.0)
    client.new_session()
    misbehave(device, faults.hang(), "getAllOnlValues")
    start = time.monotonic()

    with pytest.raises(SmaTimeoutException, match="gave no complete answer"):
        client.read_all(deadline=Deadline.after(0.3))

    assert time.monotonic() - start < 10
    assert calls(device) == [*LOGIN, "getAllOnlValues"]


def test_a_deadline_is_for_all_portions_together(device: Simulator, connect: Connect) -> None:
    client = connect(device, timeout=60.0)
    client.new_session()
    misbehave(device, faults.delay(0.4), "getValues")

    with pytest.raises(SmaTimeoutException):
        client.read_keys(ONLINE_KEYS, deadline=Deadline.after(0.6))

    assert 1 <= calls(device).count("getValues") < PORTIONS


def test_a_login_is_not_cut_by_the_deadline(device: Simulator, client: SMA) -> None:
    misbehave(device, faults.delay(0.5), "login")
    with pytest.raises(SmaTimeoutException, match="no time left"):
        client.read_all(deadline=Deadline.after(0.2))

    assert client.logged_in
    assert calls(device) == [*LOGIN]


def test_a_stopped_client_reads_no_more_but_logs_out(device: Simulator, client: SMA) -> None:
    client.new_session()

    client.stop()
    with pytest.raises(SmaTimeoutException, match="stopping"):
        client.read_all()
    client.close_session()

    assert calls(device) == [*LOGIN, "logout"]


# Finding the scheme


@pytest.mark.parametrize("url", [SITE, f"{SITE}:80"])
def test_err_404_over_http_leads_to_https_on_the_same_host(
    connect: Connect, site: responses.RequestsMock, url: str
) -> None:
    site.post(f"{url}/dyn/sessionCheck.json", json={"err": 404})
    site.post("https://sma.test/dyn/login.json", json={"result": {"sid": "1234"}})
    client = connect(url)

    client.new_session()

    assert client.url == "https://sma.test"
    first, second = (call.request for call in site.calls)
    assert first.body == b"{}"
    assert second.body == b'{"right":"usr","pass":"Sunny-1234"}'


def test_err_404_on_a_port_of_ones_own_does_not(client: SMA, device: Simulator) -> None:
    misbehave(device, faults.error(404))

    with pytest.raises(SmaConnectionException, match="err 404"):
        client.new_session()

    assert calls(device) == [*LOGIN]


def test_some_firmware_has_no_session_check_and_is_asked_once(
    device: Simulator, client: SMA
) -> None:
    misbehave(device, faults.drop(), "sessionCheck")
    client.new_session()
    client.new_session()

    assert calls(device) == [*LOGIN, "logout", "login"]


def test_no_login_follows_a_session_check_without_an_answer(
    device: Simulator, connect: Connect
) -> None:
    misbehave(device, faults.hang(), "sessionCheck")

    with pytest.raises(SmaTimeoutException) as caught:
        connect(device, login_timeout=0.3).new_session()

    assert not caught.value.login_lost
    assert calls(device) == ["sessionCheck"]


@pytest.fixture
def closed_port(simulate: Simulate) -> int:
    device = simulate("sb-3.6")
    device.stop()
    return device.port


def test_https_is_tried_first(device: Simulator, secure: Simulator, connect: Connect) -> None:
    session = make_session(verify=False)
    OnPorts(session, http=device.port, https=secure.port)
    client = connect("127.0.0.1", session=session)

    client.new_session()

    assert client.url == "https://127.0.0.1"
    assert calls(secure) == [*LOGIN]
    assert calls(device) == []


def test_http_is_taken_where_nobody_listens_for_https(
    device: Simulator, connect: Connect, closed_port: int
) -> None:
    session = make_session()
    OnPorts(session, http=device.port, https=closed_port)
    client = connect("127.0.0.1", session=session)

    client.new_session()
    client.read_all()

    assert client.url == "http://127.0.0.1"
    assert calls(device) == [*LOGIN, "getAllOnlValues"]


def test_firmware_on_http_that_closes_session_check_is_found_without_a_scheme(
    device: Simulator, connect: Connect, closed_port: int
) -> None:
    session = make_session()
    OnPorts(session, http=device.port, https=closed_port)
    misbehave(device, faults.drop(), "sessionCheck")
    client = connect("127.0.0.1", session=session)

    client.read_all()

    assert client.url == "http://127.0.0.1"


@pytest.mark.parametrize("password", [PASSWORD, None])
def test_a_device_on_http_that_closes_every_connection_is_of_another_kind(
    device: Simulator, connect: Connect, closed_port: int, password: str | None
) -> None:
    session = make_session()
    OnPorts(session, http=device.port, https=closed_port)
    misbehave(device, faults.drop())
    client = connect("127.0.0.1", password, session=session)

    with pytest.raises(SmaNotWebConnectException, match=r"https://.* Sunny WebBox .* Speedwire"):
        client.read_all()


def test_http_is_never_taken_with_https_only(
    device: Simulator, connect: Connect, closed_port: int
) -> None:
    session = make_session()
    OnPorts(session, http=device.port, https=closed_port)
    client = connect("127.0.0.1", session=session, https_only=True)

    with pytest.raises(SmaConnectionException, match="refuses the connection") as caught:
        client.new_session()

    assert not caught.value.login_lost
    assert calls(device) == []


def test_http_is_not_taken_because_a_certificate_displeases(
    device: Simulator, secure: Simulator, connect: Connect
) -> None:
    session = make_session()
    OnPorts(session, http=device.port, https=secure.port)

    with pytest.raises(SmaTlsException, match="cannot be verified"):
        connect("127.0.0.1", session=session).new_session()

    assert calls(device) == calls(secure) == []


def test_http_is_not_taken_because_https_is_slow(
    device: Simulator, secure: Simulator, connect: Connect
) -> None:
    misbehave(secure, faults.hang())
    session = make_session(verify=False)
    OnPorts(session, http=device.port, https=secure.port)

    with pytest.raises(SmaTimeoutException) as caught:
        connect("127.0.0.1", session=session, login_timeout=0.3).new_session()

    assert not caught.value.login_lost
    assert calls(secure) == ["sessionCheck"]
    assert calls(device) == []


def test_a_slow_device_behind_http_is_a_time_out_and_not_a_refusal(
    device: Simulator, connect: Connect, closed_port: int
) -> None:
    misbehave(device, faults.hang())
    session = make_session()
    OnPorts(session, http=device.port, https=closed_port)

    with pytest.raises(SmaTimeoutException) as caught:
        connect("127.0.0.1", session=session, login_timeout=0.3).new_session()

    assert not caught.value.refused
    assert not caught.value.login_lost


def test_a_read_that_was_refused_is_not_repeated(connect: Connect, closed_port: int) -> None:
    session = make_session()
    ports = OnPorts(session, http=closed_port)

    with pytest.raises(SmaConnectionException, match="refuses the connection"):
        connect("http://127.0.0.1", None, session=session).read_all()

    assert ports.tried == ["http"]


# What a device is and has


DEVICES: dict[str, tuple[str | None, str, str]] = {
    "sb-1.5": (None, "Sunny Boy 1.5", "2.5.6.R"),
    "sb-3.6": ("1", "Sunny Boy 3.6", "4.0.55.R"),
    "stp-10": ("1", "SUNNY TRIPOWER 10.0", "3.11.11.R"),
    "stp-10-se": ("9", "SUNNY TRIPOWER 10.0 SE", "3.5.29.R"),
    "sbs-3.7": ("7", "SBS3.7-10", "3.12.33.R"),
    "emeter-20": ("65", "SMA Energy Meter", "2.3.4.R"),
}


def test_every_simulated_model_is_covered() -> None:
    assert DEVICES.keys() == MODELS.keys()


@pytest.mark.parametrize("model", DEVICES)
def test_device_info(simulate: Simulate, connect: Connect, model: str) -> None:
    device = simulate(model)

    info = connect(device).device_info()

    _, kind, version = DEVICES[model]
    assert info == {
        "serial": device.serial,
        "name": device.name,
        "type": kind,
        "manufacturer": "SMA",
        "sw_version": version,
    }


def test_device_info_of_a_device_that_says_nothing(device: Simulator, client: SMA) -> None:
    misbehave(device, faults.body(b'{"result":{"0199-x":{}}}'), "getValues")

    info = client.device_info()

    assert list(info) == ["serial", "name", "type", "manufacturer", "sw_version"]
    assert set(info.values()) == {""}


@pytest.mark.parametrize("model", DEVICES)
def test_device_class(simulate: Simulate, connect: Connect, model: str) -> None:
    client = connect(simulate(model))
    expected, *_ = DEVICES[model]

    assert client.get_devclass() == expected
    assert client.get_devclass(client.read_keys(["6180_08214800"])) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"a": {"val": 1}, "b": [{"str": 1, "val": 1}], "c": None}, None),
        ({"a": {"val": 1}, "b": {}, "c": {"9": []}}, "9"),
    ],
    ids=["flat", "some flat"],
)
def test_device_class_of_a_result(
    connect: Connect, body: dict[str, object], expected: str | None
) -> None:
    assert connect(SITE).get_devclass(body) == expected


def test_two_device_classes_in_one_value_are_a_key_error(connect: Connect) -> None:
    with pytest.raises(KeyError, match="several device classes"):
        connect(SITE).get_devclass({POWER: {"1": [], "9": []}})


def found_by(client: SMA) -> set[str]:
    return {sensor.name for sensor in client.get_sensors()}


SENSORS_OF_ALL = {"status", "grid_power", "total_yield"}
METER = {"metering_power_supplied", "metering_total_absorbed", "energy_meter"}
BATTERY = {"battery_soc_total", "battery_voltage_a", "battery_status_operating_mode"}
PHASE, OTHER_PHASES = {"power_l1", "voltage_l1"}, {"power_l2", "voltage_l3", "current_l2"}
OPTIMIZERS = {"optimizer_serial_0", "optimizer_power_11"}
STRINGS = {"pv_power_a", "pv_voltage_b"}


@pytest.mark.parametrize(
    ("model", "options", "there", "not_there"),
    [
        ("sb-1.5", {}, METER | PHASE | {"pv_power_a"}, BATTERY | OTHER_PHASES | {"pv_power_b"}),
        ("sb-3.6", {}, METER | PHASE | STRINGS, BATTERY | OTHER_PHASES | OPTIMIZERS),
        ("sb-3.6", {"meter": False}, PHASE | STRINGS, METER),
        ("stp-10", {}, METER | PHASE | OTHER_PHASES | OPTIMIZERS | STRINGS, BATTERY),
        ("stp-10-se", {}, METER | BATTERY | PHASE | OTHER_PHASES | STRINGS, OPTIMIZERS),
        ("stp-10-se", {"battery": False}, METER | STRINGS, BATTERY),
        ("sbs-3.7", {}, METER | BATTERY | PHASE, STRINGS | OTHER_PHASES | {"battery_voltage_b"}),
    ],
    ids=["flat", "one phase", "no meter", "optimizers", "hybrid", "hybrid, no battery", "storage"],
)
def test_the_sensors_of_a_device(
    simulate: Simulate,
    connect: Connect,
    model: str,
    options: dict[str, bool],
    there: set[str],
    not_there: set[str],
) -> None:
    device = simulate(model, clock=lambda: NOON, **options)

    found = found_by(connect(device))

    assert found >= there | SENSORS_OF_ALL
    assert not found & not_there
    assert not found & {"serial_number", "device_name", "device_type"}


@pytest.mark.parametrize("action", [faults.error(404), faults.status(500)], ids=["err", "HTTP"])
def test_sensors_are_found_though_the_parameters_fail(
    device: Simulator, connect: Connect, action: Action
) -> None:
    expected = found_by(connect(device))
    misbehave(device, action, "getAllParamValues")

    assert found_by(connect(device)) == expected


# Loggers


def test_a_logger_is_read_with_both_ends(client: SMA) -> None:
    end = int(NOON) // 300 * 300
    start = end - 3600

    entries = client.read_logger(28_672, start, end)

    assert [entry["t"] for entry in entries] == list(range(start, end + 1, 300))
    assert all(isinstance(entry["v"], int) for entry in entries)


def test_a_logger_may_be_empty(client: SMA) -> None:
    assert client.read_logger(28_672, 10, 20) == []


def test_an_unknown_logger_is_an_error(client: SMA) -> None:
    with pytest.raises(SmaNoLoggerException, match="no logger 12345"):
        client.read_logger(12_345, 0, int(NOON))


@pytest.mark.parametrize("password", [PASSWORD, None], ids=["with password", "without"])
def test_the_dashboards_loggers_need_no_login(
    device: Simulator, connect: Connect, password: str | None
) -> None:
    loggers = connect(device, password).read_dash_logger()

    assert loggers.keys() == {"7000", "7020"}
    assert {"t", "v"} == loggers["7000"]["1"][0].keys()
    assert calls(device) == ["getDashLogger"]


# Discretion


def test_a_client_shows_neither_password_nor_session(device: Simulator, client: SMA) -> None:
    client.new_session()

    assert repr(client) == str(client) == f"SMA('{device.url}', group='user')"


def test_nothing_tells_the_password_or_a_session_id(
    device: Simulator, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sid = "K9mXB2yaaRtaC0y1"
    misbehave(device, faults.body(f'{{"result":{{"sid":"{sid}"}}}}'.encode()), "login")
    client = connect(device, timeout=0.3)
    told: list[str] = []

    def provoke(client: SMA) -> None:
        with pytest.raises(SmaException) as caught:
            client.read_keys([POWER])
        error = caught.value
        assert error.__cause__ is None
        told.extend([str(error), repr(error), repr(client), *traceback.format_exception(error)])

    for action in (
        faults.drop(),
        faults.hang(),
        faults.truncate(0.5),
        faults.error(401),
        faults.error(42),
        faults.status(500),
        faults.body(b"<html>"),
        faults.redirect("http://inverter.invalid/dyn/getValues.json?sid=1"),
        SendReply(SimulatedReply(200, b"{}", headers=(("no header", "at all"),))),
    ):
        misbehave(device, action, "getValues", times=2)
        provoke(client)
    assert client.logged_in
    client.close_session()
    device.faults.clear()
    provoke(connect(device, WRONG))

    text = "\n".join([caplog.text, *told])
    assert "/dyn/getValues.json" in caplog.text  # the lines of the libraries below were looked at
    assert [secret for secret in (PASSWORD, WRONG, sid) if secret in text] == []
    assert "sid=" not in text


# Others


def test_any_requests_session_will_do(device: Simulator, connect: Connect) -> None:
    session = requests.Session()
    session.trust_env = False
    client = connect(device, session=session)

    assert client.read_all() == online(device)
    client.close_session()


@pytest.mark.parametrize("url", ["{0}", "{0}/"], ids=["plain", "with a slash"])
def test_the_address_may_end_in_a_slash(device: Simulator, connect: Connect, url: str) -> None:
    client = connect(url.format(device.url))

    assert client.url == device.url
    assert client.read_all() == online(device)
