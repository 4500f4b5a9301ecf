"""The client: tokens, what is repeated and what is not, and what every answer means."""

import gc
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from support.devices import NOON, Clock
from support.ennexos_fakes import PASSWORD, SELF, USER, EnnexosFake, form_of, nested, row
from support.raw_devices import Call, RawDevice, reply

from sma_exporter.ennexos import PLANT, EnnexOS, found_at, make_session
from sma_exporter.ennexos.exceptions import SmaNotEnnexOSException
from sma_exporter.ennexos.replies import tokens
from sma_exporter.simulator import EnnexosSimulator, Switches
from sma_exporter.sma.deadline import Deadline
from sma_exporter.sma.exceptions import (
    Pause,
    Reason,
    SmaAuthenticationException,
    SmaConnectionException,
    SmaCredentialsException,
    SmaException,
    SmaPinException,
    SmaReadException,
    SmaTimeoutException,
    SmaTlsException,
)
from sma_exporter.sma.http import HttpReply

LIVE = "measurements/live"
NOTHING: Callable[[Call], bytes | None] = lambda _: None  # noqa: E731 - closes the connection

Open = Callable[..., EnnexOS]


def answering(body: object, status: int = 200, *headers: str) -> Callable[[Call], bytes]:
    return lambda _: reply(body, status, *headers)


def late(seconds: float) -> Callable[[Call], None]:
    return lambda _: time.sleep(seconds)


@pytest.fixture
def fake() -> Iterator[EnnexosFake]:
    with EnnexosFake(row("GridMs.TotW", 1200)) as device:
        yield device


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock) -> Iterator[Open]:
    """Makes a client of a device on a bare socket."""
    with ExitStack() as opened:

        def make(device: RawDevice, **options: Any) -> EnnexOS:
            session = opened.enter_context(make_session())
            given: dict[str, Any] = {"username": USER, "password": PASSWORD, "monotonic": clock}
            given |= options
            return EnnexOS(session, device.url, **given)

        yield make


def live(client: EnnexOS, **options: Any) -> dict[str, Any]:
    """The channels and values of the device that answers."""
    rows = client.measurements([SELF], **options)
    return {str(each["channelId"]): each["values"][0]["value"] for each in rows}  # type: ignore[index]


POWER = {"Measurement.GridMs.TotW": 1200}

# --- the way of a session ---


def test_a_session_over_https_with_a_pinned_certificate() -> None:
    with EnnexosSimulator("stp-x-15", tls=True, clock=lambda: NOON) as simulator:
        assert simulator.fingerprint
        pinned = make_session([simulator.fingerprint])
        with pinned, EnnexOS(pinned, simulator.url, USER, PASSWORD) as ennexos:
            rows = ennexos.measurements([SELF, PLANT])
            assert {each["componentId"] for each in rows} == {SELF, PLANT}
            assert ennexos.device(SELF)["product"] == "Sunny Tripower X 15"
            assert {each["deviceId"] for each in ennexos.devices()} == {SELF}
            assert ennexos.plant()["plantId"] == PLANT
            assert ennexos.navigation()[0]["componentId"] == PLANT
            assert ennexos.navigation(PLANT)[0]["componentId"] == SELF
            assert ennexos.parameters([SELF])[0]["componentId"] == SELF
            assert (simulator.sessions, simulator.logins, ennexos.logged_in) == (1, 1, True)
        assert (simulator.sessions, simulator.logouts, ennexos.logged_in) == (0, 1, False)


def test_another_certificate_than_the_pinned_one_is_told_nothing() -> None:
    with EnnexosSimulator("stp-x-15", tls=True) as simulator, make_session(["ab" * 32]) as session:
        with pytest.raises(SmaPinException):
            EnnexOS(session, simulator.url, USER, PASSWORD).measurements([SELF])
        assert simulator.requests == []


def test_a_certificate_that_nobody_vouches_for_offers_its_fingerprint() -> None:
    with EnnexosSimulator("stp-x-15", tls=True) as simulator, make_session() as session:
        with pytest.raises(SmaTlsException) as caught:
            EnnexOS(session, simulator.url, USER, PASSWORD).measurements([SELF])
        assert caught.value.fingerprint == simulator.fingerprint
        assert str(simulator.fingerprint) in str(caught.value)
        assert simulator.requests == []


def test_a_login_is_a_form_and_the_token_goes_along_with_reads(
    fake: EnnexosFake, client: Open
) -> None:
    assert live(client(fake)) == POWER
    assert fake.paths() == ["system/info", "login", LIVE]
    login, read = fake.calls[1:]
    assert form_of(login) == {"grant_type": "password", "username": USER, "password": PASSWORD}
    assert b"application/x-www-form-urlencoded" in login.head
    assert b"Authorization" not in login.head
    assert read.payload == [{"componentId": SELF}]


def test_any_character_may_be_in_a_user_name_and_a_password(client: Open) -> None:
    user, password = "a+b &c=ü", "p=ä&%41+ ;#€"
    fields: list[dict[str, str]] = []

    def answer(call: Call) -> bytes:
        fields.append(dict(item.split("=") for item in call.body.decode("ascii").split("&")))
        return reply(b"", 400)

    with EnnexosFake() as fake:
        fake.answers["login"] = answer
        with suppress(SmaAuthenticationException):
            live(client(fake, username=user, password=password))
    assert fields[0]["username"] == "a%2Bb+%26c%3D%C3%BC"
    assert fields[0]["password"] == "p%3D%C3%A4%26%2541%2B+%3B%23%E2%82%AC"


def test_the_password_is_asked_for_at_each_login(fake: EnnexosFake, client: Open) -> None:
    passwords = iter([PASSWORD, "Moony-1234"])
    ennexos = client(fake, password=lambda: next(passwords))
    live(ennexos)
    live(ennexos)
    fake.password = "Moony-1234"
    fake.restart()
    assert live(ennexos) == POWER
    assert fake.logins == 2


def test_a_password_that_cannot_be_had_is_not_sent(fake: EnnexosFake, client: Open) -> None:
    def unreadable() -> str:
        raise SmaCredentialsException("no such file")

    with pytest.raises(SmaCredentialsException):
        live(client(fake, password=unreadable))
    assert fake.paths() == []


# --- tokens ---


@pytest.mark.parametrize(("seconds", "refreshes"), [(2879, 0), (2881, 1), (3700, 1)])
def test_a_token_is_renewed_after_four_fifths_of_its_life(
    fake: EnnexosFake, client: Open, clock: Clock, seconds: float, refreshes: int
) -> None:
    ennexos = client(fake)
    live(ennexos)
    clock.advance(seconds)
    assert live(ennexos) == POWER
    assert (fake.refreshes, fake.logins) == (refreshes, 1)


def test_a_renewal_is_a_form_without_the_token(
    fake: EnnexosFake, client: Open, clock: Clock
) -> None:
    ennexos = client(fake)
    live(ennexos)
    clock.advance(2900)
    live(ennexos)
    (renewal,) = (call for call, path in zip(fake.calls, fake.paths()) if path == "refresh")  # noqa: B905
    assert form_of(renewal) == {"grant_type": "refresh_token", "refresh_token": "refresh/1+="}
    assert b"Authorization" not in renewal.head


def test_twelve_hours_of_scrapes_are_one_login(
    fake: EnnexosFake, client: Open, clock: Clock
) -> None:
    ennexos = client(fake)
    for _ in range(12 * 60):
        assert live(ennexos) == POWER
        clock.advance(60)
    assert fake.logins == 1
    assert 12 <= fake.refreshes <= 16


def test_a_token_that_is_refused_is_renewed_inside_the_same_read(
    fake: EnnexosFake, client: Open
) -> None:
    ennexos = client(fake)
    live(ennexos)
    fake.expire()
    assert live(ennexos) == POWER
    assert fake.paths()[3:] == [LIVE, "refresh", LIVE]
    assert (fake.refreshes, fake.logins) == (1, 1)


def test_a_session_that_the_device_has_forgotten_is_one_login_inside_the_same_read(
    fake: EnnexosFake, client: Open
) -> None:
    ennexos = client(fake)
    live(ennexos)
    fake.restart()
    assert live(ennexos) == POWER
    assert fake.paths()[3:] == [LIVE, "refresh", "login", LIVE]


@pytest.mark.parametrize(
    "answer",
    [
        answering(b"", 400),
        answering(b"", 401),
        answering(b"", 404),
        answering(b"", 500),
        answering(b"<html></html>"),
        answering(b'{"access_token": "a'),
    ],
    ids=["400", "401", "404", "500", "html", "cut"],
)
def test_a_renewal_that_brings_no_token_is_one_login(
    fake: EnnexosFake, client: Open, clock: Clock, answer: Callable[[Call], bytes]
) -> None:
    ennexos = client(fake)
    live(ennexos)
    fake.answers["refresh"] = answer
    clock.advance(3000)
    assert live(ennexos) == POWER
    assert fake.count("refresh") == 1
    assert fake.logins == 2


def test_a_session_that_an_error_of_the_device_may_have_left_is_ended_before_the_login(
    fake: EnnexosFake, client: Open, clock: Clock
) -> None:
    ennexos = client(fake)
    live(ennexos)
    fake.answers["refresh"] = answering(b"", 503)
    clock.advance(3000)
    live(ennexos)
    assert fake.paths()[3:] == ["refresh", "refreshtoken", "login", LIVE]


@pytest.mark.parametrize("answer", [NOTHING, late(0.6)], ids=["drops", "hangs"])
def test_a_renewal_that_is_lost_is_no_login(
    fake: EnnexosFake, client: Open, clock: Clock, answer: Callable[[Call], bytes | None]
) -> None:
    ennexos = client(fake, timeout=0.3)
    live(ennexos)
    fake.answers["refresh"] = answer
    clock.advance(3000)
    with pytest.raises(SmaConnectionException) as caught:
        live(ennexos)
    assert caught.value.pause is None
    assert (fake.count("login"), fake.count("refresh")) == (1, 1)
    fake.answers.clear()
    assert live(ennexos) == POWER
    assert fake.logins == 1


def test_a_token_that_is_refused_twice_is_a_matter_of_authentication(
    fake: EnnexosFake, client: Open
) -> None:
    fake.answers[LIVE] = answering(b"Unauthorized", 401)
    with pytest.raises(SmaAuthenticationException, match="measurements/live"):
        live(client(fake))
    assert fake.paths() == ["system/info", "login", LIVE, "refresh", LIVE]


def test_a_path_that_a_user_may_not_read_is_a_failure_of_that_path_only(
    fake: EnnexosFake, client: Open
) -> None:
    fake.answers["parameters/search"] = answering(b"", 403)
    ennexos = client(fake)
    with pytest.raises(SmaReadException, match=USER) as caught:
        ennexos.parameters([SELF])
    assert (caught.value.err, caught.value.pause) == (403, None)
    assert live(ennexos) == POWER
    assert fake.logins == 1


@pytest.mark.parametrize(
    ("life", "seconds"),
    [
        (60, 60),
        ("60", 60),
        (0.5, 0.5),
        (None, 3600),
        ("soon", 3600),
        (True, 3600),
        (0, 3600),
        (-5, 3600),
        ([60], 3600),
        (10**400, 3600),
        (1e308, 3600),
    ],
    ids=str,
)
def test_how_long_a_token_is_valid(life: object, seconds: float) -> None:
    body = reply_body(access_token="a", refresh_token="r", expires_in=life)
    found = tokens(HttpReply(200, "", body))
    assert found is not None
    assert found.expires_in == seconds


@pytest.mark.parametrize(
    "token", [None, "", " ", "a b", "a\r\nX-Evil: 1", "ü", 5, ["a"], {}, True, "x" * 8193], ids=repr
)
@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_a_token_that_cannot_be_sent_is_none(name: str, token: object) -> None:
    good = {"access_token": "a", "refresh_token": "r"}
    assert tokens(HttpReply(200, "", reply_body(**good))) is not None
    assert tokens(HttpReply(200, "", reply_body(**good | {name: token}))) is None


def reply_body(**members: object) -> bytes:
    return reply(members).partition(b"\r\n\r\n")[2]


# --- answers to a login ---


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_login_names_the_user_and_what_ennexos_wants(
    fake: EnnexosFake, client: Open, status: int
) -> None:
    fake.answers["login"] = answering(b"", status)
    with pytest.raises(SmaAuthenticationException, match="Sunny Portal") as caught:
        live(client(fake))
    assert repr(USER) in str(caught.value)
    assert caught.value.pause is Pause.REFUSED
    assert fake.count("login") == 1


def test_a_login_that_is_not_there_is_asked_for_with_the_other_scheme(
    fake: EnnexosFake, client: Open
) -> None:
    fake.answers["login"] = answering(b"", 404)
    with pytest.raises(SmaNotEnnexOSException, match="https://") as caught:
        live(client(fake))
    assert (caught.value.reason, caught.value.pause) == (Reason.UNSUPPORTED, None)


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (answering(b"", 500), "HTTP 500"),
        (answering(b"", 503), "HTTP 503"),
        (answering(b"", 301, "Location: http://127.0.0.1:1/token"), "HTTP 301"),
        (answering(b"<!doctype html>"), "without a token"),
        (answering(b'{"access_token": "a", '), "without a token"),
        (answering([]), "without a token"),
        (answering({"access_token": "a", "refresh_token": "b\n"}), "without a token"),
        (answering(nested(100_000)), "without a token"),
        (answering(b" " * (1024 * 1024 + 1)), "larger than"),
    ],
    ids=["500", "503", "redirect", "html", "cut", "list", "line-end", "deep", "large"],
)
def test_an_answer_without_a_session_may_have_left_one(
    fake: EnnexosFake, client: Open, answer: Callable[[Call], bytes], match: str
) -> None:
    fake.answers["login"] = answer
    with pytest.raises(SmaReadException, match=match) as caught:
        live(client(fake))
    assert caught.value.pause is Pause.LOST_LOGIN
    assert fake.count("login") == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (NOTHING, SmaConnectionException),
        (late(1), SmaTimeoutException),
        (lambda _: reply({"a": 1})[:-3], SmaConnectionException),
    ],
    ids=["drops", "hangs", "cut off"],
)
def test_a_login_without_an_answer_is_marked_and_not_repeated(
    fake: EnnexosFake, client: Open, answer: Any, error: type[SmaException]
) -> None:
    fake.answers["login"] = answer
    with pytest.raises(error) as caught:
        live(client(fake, login_timeout=0.5))
    assert caught.value.login_lost
    assert fake.count("login") == 1


def test_a_login_gets_more_time_than_a_read(fake: EnnexosFake, client: Open) -> None:
    def slow(call: Call) -> bytes | None:
        time.sleep(0.6)
        return fake.usual(call)

    fake.answers["login"] = slow
    ennexos = client(fake, timeout=0.3)
    with pytest.raises(
        SmaTimeoutException, match="no time left"
    ):  # the session is kept for the next
        live(ennexos, deadline=Deadline.after(0.4))
    assert live(ennexos) == POWER
    assert fake.logins == 1


# --- where the device is ---


@pytest.mark.parametrize(
    "answer",
    [answering(b"<html></html>"), answering({"err": 404}), answering([]), answering(b"", 404)],
    ids=["html", "json", "list", "404"],
)
def test_what_is_no_ennexos_is_not_sent_a_password(
    fake: EnnexosFake, client: Open, answer: Callable[[Call], bytes]
) -> None:
    fake.answers["system/info"] = answer
    with pytest.raises(SmaNotEnnexOSException, match="something else"):
        live(client(fake))
    assert fake.paths() == ["system/info"]


def test_a_redirect_is_not_followed(fake: EnnexosFake, client: Open) -> None:
    with EnnexosFake() as other:
        fake.answers["system/info"] = answering(b"", 302, f"Location: {other.url}/api/v1/")
        with pytest.raises(SmaNotEnnexOSException):
            live(client(fake))
        fake.answers.clear()
        ennexos = client(fake)
        live(ennexos)
        fake.answers[LIVE] = answering(b"", 307, f"Location: {other.url}/api/v1/{LIVE}")
        with pytest.raises(SmaReadException, match="HTTP 307"):
            live(ennexos)
        assert other.calls == []


def test_a_device_that_cannot_answer_now_is_no_other_device(
    fake: EnnexosFake, client: Open
) -> None:
    fake.answers["system/info"] = answering(b"", 503)
    with pytest.raises(SmaReadException) as caught:
        live(client(fake))
    assert (caught.value.reason, caught.value.err) == (Reason.PROTOCOL, 503)
    assert fake.paths() == ["system/info"]


def test_without_a_scheme_http_is_asked_only_where_nobody_listens_for_https() -> None:
    with EnnexosSimulator(tls=True) as simulator, make_session(verify=False) as session:
        where = simulator.url.removeprefix("https://")
        assert found_at(session, where, Deadline.after(5)) == simulator.url
    with EnnexosFake() as fake, make_session() as session:
        where = fake.url.removeprefix("http://")
        with pytest.raises(SmaTimeoutException):  # somebody listens, and says nothing to TLS
            found_at(session, where, Deadline.after(0.5))
        assert fake.calls == []


@pytest.mark.parametrize(("given", "searches"), [("", 2), ("http://", 1)], ids=["found", "given"])
def test_https_is_looked_for_again_at_each_login_where_http_was_found(
    fake: EnnexosFake, client: Open, monkeypatch: pytest.MonkeyPatch, given: str, searches: int
) -> None:
    found: list[str] = []

    def found_there(_: object, url: str, __: Deadline) -> str:
        found.append(url)
        return fake.url

    monkeypatch.setattr("sma_exporter.ennexos.client.found_at", found_there)
    ennexos = client(fake)
    ennexos.url = ennexos._given_url = fake.url.replace("http://", given)
    live(ennexos)
    fake.restart()
    live(ennexos)
    assert len(found) == searches


def test_404_on_http_hints_at_https() -> None:
    with EnnexosSimulator("stp-x-15", switches=Switches(plain_http="404")) as simulator:
        with make_session() as session, pytest.raises(SmaNotEnnexOSException):
            EnnexOS(session, simulator.url, USER, PASSWORD).measurements([SELF])
        assert simulator.login_attempts == 0


# --- reads ---


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (answering(b"<!doctype html><html></html>"), "a web page"),
        (answering(b""), "no JSON"),
        (answering(b'[{"channelId": '), "no JSON"),
        (answering({"rows": []}), "not the list"),
        (answering(nested(200_000)), "no JSON"),
        (answering(b"[" + b" " * (1024 * 1024) + b"]"), "larger than"),
        (answering(b"", 500), "HTTP 500"),
    ],
    ids=["html", "empty", "cut", "object", "deep", "large", "500"],
)
def test_an_answer_that_is_none_is_a_failure_of_the_protocol(
    fake: EnnexosFake, client: Open, answer: Callable[[Call], bytes], match: str
) -> None:
    fake.answers[LIVE] = answer
    ennexos = client(fake)
    with pytest.raises(SmaReadException, match=match) as caught:
        live(ennexos)
    assert caught.value.reason is Reason.PROTOCOL
    assert fake.count(LIVE) == 1
    fake.answers.clear()
    assert live(ennexos) == POWER


def test_what_is_no_object_in_a_list_is_left_out(fake: EnnexosFake, client: Open) -> None:
    fake.answers[LIVE] = answering([None, 5, "text", [], row("GridMs.TotW", 1200)])
    assert live(client(fake)) == POWER


@pytest.mark.parametrize("first", [NOTHING, late(0.6)], ids=["dropped", "timed-out"])
def test_a_read_that_was_lost_is_repeated_once(fake: EnnexosFake, client: Open, first: Any) -> None:
    def once(call: Call) -> bytes | None:
        del fake.answers[LIVE]
        answer: bytes | None = first(call)
        return answer

    ennexos = client(fake, timeout=0.3)
    fake.answers[LIVE] = once
    assert live(ennexos) == POWER
    assert (fake.count(LIVE), fake.logins) == (2, 1)
    fake.answers[LIVE] = NOTHING
    with pytest.raises(SmaConnectionException):
        live(ennexos)
    assert fake.count(LIVE) == 4


def test_no_request_outlasts_its_deadline(fake: EnnexosFake, client: Open) -> None:
    def dripping(_: Call) -> bytes | None:
        time.sleep(2)
        return None

    ennexos = client(fake)
    live(ennexos)
    fake.answers[LIVE] = dripping
    begun = time.monotonic()
    with pytest.raises(SmaTimeoutException):
        live(ennexos, deadline=Deadline.after(0.3))
    assert time.monotonic() - begun < 1.5


def test_a_read_without_time_left_asks_nothing(fake: EnnexosFake, client: Open) -> None:
    with pytest.raises(SmaTimeoutException):
        live(client(fake), deadline=Deadline.after(0))
    assert fake.calls == []


def test_a_stopped_client_reads_no_more_and_logs_out(fake: EnnexosFake, client: Open) -> None:
    ennexos = client(fake)
    live(ennexos)
    ennexos.stop()
    with pytest.raises(SmaTimeoutException, match="stopping"):
        live(ennexos)
    ennexos.close_session()
    assert fake.logouts == 1


def test_a_name_of_a_component_is_no_path(fake: EnnexosFake, client: Open) -> None:
    with pytest.raises(SmaReadException):
        client(fake).device("../../token?x=1")
    assert fake.calls[-1].target == "/api/v1/plants/Plant:1/devices/..%2F..%2Ftoken%3Fx%3D1"


# --- logging out ---


def test_a_logout_names_the_session_and_closes_the_connection(
    fake: EnnexosFake, client: Open
) -> None:
    ennexos = client(fake)
    ennexos.close_session()
    assert fake.calls == []
    live(ennexos)
    ennexos.close_session()
    ennexos.close_session()
    assert fake.paths()[3:] == ["refreshtoken"]
    assert fake.calls[-1].method == "DELETE"
    assert fake.calls[-1].target == "/api/v1/refreshtoken?refreshToken=refresh%2F1%2B%3D"
    assert b"Authorization: Bearer access/1+=" in fake.calls[-1].head
    assert not ennexos.logged_in


@pytest.mark.parametrize("answer", [NOTHING, answering(b"", 503)], ids=["drops", "503"])
def test_a_session_that_may_still_be_open_is_used_again(
    fake: EnnexosFake, client: Open, answer: Any
) -> None:
    ennexos = client(fake)
    live(ennexos)
    fake.answers["refreshtoken"] = answer
    with suppress(SmaConnectionException):
        ennexos.close_session()
    assert ennexos.logged_in
    fake.answers.clear()
    assert live(ennexos) == POWER
    assert fake.paths()[3:] == ["refreshtoken", LIVE]
    ennexos.close_session()
    assert fake.logins == 1
    assert fake.tokens == set()


def test_a_device_that_never_answers_a_logout_is_read_with_one_login(
    fake: EnnexosFake, client: Open
) -> None:
    ennexos = client(fake)
    fake.answers["refreshtoken"] = late(3)
    for _ in range(3):
        assert live(ennexos) == POWER
        with pytest.raises(SmaTimeoutException):
            ennexos.close_session(Deadline.after(0.2))
    assert fake.logins == 1


def test_a_session_that_a_lost_logout_did_end_costs_a_login(
    fake: EnnexosFake, client: Open
) -> None:
    ennexos = client(fake)
    live(ennexos)
    fake.answers["refreshtoken"] = NOTHING
    with pytest.raises(SmaConnectionException):
        ennexos.close_session()
    fake.restart()
    assert live(ennexos) == POWER
    assert fake.logins == 2


@pytest.mark.parametrize("status", [200, 204, 401, 404])
def test_whatever_the_device_says_to_a_logout_the_session_is_over(
    fake: EnnexosFake, client: Open, status: int
) -> None:
    ennexos = client(fake)
    live(ennexos)
    fake.answers["refreshtoken"] = answering(b"", status)
    ennexos.close_session()
    assert not ennexos.logged_in


def test_the_end_of_a_with_statement_raises_nothing(fake: EnnexosFake, client: Open) -> None:
    with client(fake) as ennexos:
        live(ennexos)
        fake.answers["refreshtoken"] = NOTHING
    assert fake.count("refreshtoken") == 1


# --- what is kept secret ---


def test_no_password_and_no_token_is_said_or_logged(
    fake: EnnexosFake, client: Open, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ennexos = client(fake, timeout=0.3, login_timeout=0.5)
    said = [repr(ennexos)]

    def attempt() -> None:
        try:
            live(ennexos)
        except SmaException as error:
            said.extend((str(error), repr(error), repr(error.__cause__), repr(error.__context__)))

    attempt()
    clock.advance(3000)
    attempt()
    for path in ("refreshtoken", LIVE, "refresh", "login"):
        for answer in (NOTHING, late(0.7), answering(b"", 500), answering(b"", 401)):
            fake.answers[path] = answer
            attempt()
            with suppress(SmaException):
                ennexos.close_session()
        fake.answers.clear()
        attempt()
    text = "\n".join([*said, caplog.text])
    assert "HTTP 500" in text
    secrets = [PASSWORD, "access/", "refresh/", "access%2F", "refresh%2F", "refreshToken="]
    assert [secret for secret in secrets if secret in text] == []


def test_an_exception_that_is_kept_holds_no_secret(fake: EnnexosFake, client: Open) -> None:
    ennexos = client(fake, password="Wrong-1234")
    with pytest.raises(SmaAuthenticationException) as caught:
        live(ennexos)
    gc.collect()
    assert "Wrong-1234" not in f"{caught.value!r} {caught.value.__dict__}"
