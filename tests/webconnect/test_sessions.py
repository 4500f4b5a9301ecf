"""Sessions that a device has forgotten, or cannot close: every one is replaced, and none adds up."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, repeat

import pytest
from support import devices
from support.devices import POWER, SERIAL, Connect, Scraped, eventually, reader_threads
from support.raw_devices import Answer, Call, WebConnectFake, reply

from sma_exporter.sma.exceptions import (
    Pause,
    SmaConnectionException,
    SmaException,
    SmaReadException,
)
from sma_exporter.webconnect import SMA, make_session

clock, connect = devices.clock, devices.connect

READ = "getAllOnlValues"
SERIAL_NUMBER = 3007401854
VALUES = {POWER: {"1": [{"val": 1840}]}, SERIAL: {"1": [{"val": SERIAL_NUMBER}]}}
LOGIN_PAGE = b"<!DOCTYPE html><html><title>Login</title></html>"


@pytest.fixture
def fake() -> Iterator[WebConnectFake]:
    with WebConnectFake(VALUES) as device:
        yield device


def read(roof: Scraped, seconds: float = 5) -> str | None:
    """Why a scrape that comes so much later fails; whoever reads has logged out or given up by then."""
    reason = roof.read_later(seconds).reason
    assert eventually(lambda: not reader_threads())
    return reason


#: What devices answer to calls with a session that they do not know, and whether that tells it.
FORGOTTEN: dict[str, tuple[bytes | None, bool]] = {
    "err 401": (reply({"err": 401}), True),
    "err 403": (reply({"err": 403}), True),
    "HTTP 401": (reply(b"", 401), True),
    "HTTP 403": (reply(b"", 403), True),
    "HTTP 401 and the login page": (reply(LOGIN_PAGE, 401), True),
    "HTTP 403 and err 403": (reply({"err": 403}, 403), True),
    "HTTP 500": (reply(LOGIN_PAGE, 500), False),
    "HTTP 503": (reply(b"", 503), False),
    "nothing": (reply(b""), False),
    "the login page": (reply(LOGIN_PAGE), False),
    "a redirect to the login page": (reply(b"", 302, "Location: /#/login"), False),
    "a closed connection": (None, False),
    "err 400": (reply({"err": 400}), False),
    "err 404": (reply({"err": 404}), False),
    "err 503": (reply({"err": 503}), False),
    "no error number": (reply({"err": None}), False),
    "no result": (reply({"result": None}), False),
    "an empty result": (reply({"result": {}}), False),
    "null for each value": (reply({"result": {"x": {POWER: {"1": [{"val": None}]}}}}), False),
    "another reply": (reply({}), False),
}


@pytest.mark.parametrize("keys", [{"session": "keep"}, {"session": "scrape"}], ids=str)
@pytest.mark.parametrize("way", FORGOTTEN)
def test_a_session_that_the_device_forgot_is_replaced_whatever_it_answers(
    connect: Connect, fake: WebConnectFake, way: str, keys: dict[str, str]
) -> None:
    fake.unknown_session, is_told = FORGOTTEN[way]
    roof = connect(fake, **keys)
    if keys["session"] == "scrape":  # then a session outlasts its scrape where the logout failed
        fake.answers["logout"] = once(None, fake)
    assert read(roof) is None
    fake.sessions.clear()

    during = read(roof)
    after = [read(roof) for _ in range(2)]

    assert (during is None) == is_told
    assert after == [None, None]
    assert fake.logins <= 4
    roof.close()
    assert fake.sessions == set()


def once(answer: bytes | None, fake: WebConnectFake) -> Answer:
    """Answer so the first time, then as usual."""
    first: Answer = lambda _: answer  # noqa: E731
    answers = chain([first], repeat(fake.usual))
    return lambda call: next(answers)(call)  # noqa: PLW0108 - another one each time


def test_a_session_that_still_lives_is_logged_out_after_a_read_that_failed(
    connect: Connect, fake: WebConnectFake
) -> None:
    roof = connect(fake, session="keep")
    fake.answers[READ] = lambda _: reply(b"")

    reasons = [read(roof) for _ in range(3)]
    during = len(fake.sessions)
    fake.answers.clear()

    assert reasons == ["protocol"] * 3
    assert during == 0
    assert read(roof) is None
    assert (fake.logins, len(fake.sessions)) == (4, 1)


def test_a_scrape_that_waits_already_does_not_take_over_a_session_whose_read_failed(
    connect: Connect, fake: WebConnectFake
) -> None:
    roof = connect(fake, session="keep", min_interval=0.0)
    failing: list[object] = []

    def fail(_: Call) -> bytes:
        failing.append(None)
        return reply(b"")

    fake.answers[READ] = fail
    for _ in range(4):  # one after the other, without a moment between them
        roof.device.finish(roof.device.begin(), roof.within(5))
    assert eventually(lambda: not reader_threads())

    names = [name for name in fake.names() if name in {"login", "logout"}]
    assert names == ["login", "logout"] * len(failing)


def test_a_session_whose_logout_was_lost_is_closed_before_the_next_login(
    connect: Connect, fake: WebConnectFake
) -> None:
    roof = connect(fake, session="keep")
    fake.answers[READ] = once(reply(b""), fake)
    fake.answers["logout"] = once(None, fake)

    failed, good = read(roof), read(roof)

    assert (failed, good) == ("protocol", None)
    assert [call.name for call in fake.calls if call.name in {"login", "logout"}] == [
        *("login", "logout"),
        *("logout", "login"),
    ]
    assert len(fake.sessions) == 1


def test_no_login_is_sent_while_a_doubted_session_cannot_be_closed_for_want_of_an_answer(
    connect: Connect, fake: WebConnectFake
) -> None:
    """It would be one session more, or a lost login with a pause of its own."""
    roof = connect(fake, session="keep")
    assert read(roof) is None
    port = fake.port
    fake.close()

    off = [read(roof) for _ in range(3)]
    with WebConnectFake(VALUES, port=port) as again:
        again.sessions |= fake.sessions
        on = read(roof)

        assert off == ["connection"] * 3
        assert on is None
        assert again.logins == 1
        assert len(again.sessions) == 1


def silent(_: Call) -> bytes:
    """Never a byte of an answer, as far as these tests wait."""
    time.sleep(1.5)
    return b""


def test_a_device_that_answers_nothing_gets_no_login_and_keeps_its_session_in_doubt(
    connect: Connect, fake: WebConnectFake
) -> None:
    roof = connect(fake, session="keep", timeout=0.3)
    assert read(roof) is None
    fake.answers |= dict.fromkeys((READ, "getValues", "logout", "sessionCheck", "login"), silent)

    failed = [read(roof) for _ in range(2)]
    logins = fake.names().count("login")
    fake.answers.clear()

    assert failed == ["timeout"] * 2
    assert logins == 1
    assert read(roof) is None
    assert (fake.logins, len(fake.sessions)) == (2, 1)


def test_a_device_that_answers_everything_but_logouts_heals(
    connect: Connect, fake: WebConnectFake
) -> None:
    fake.unknown_session = reply({"err": 500})
    roof = connect(fake, session="keep", timeout=1.0)
    assert read(roof) is None
    fake.sessions.clear()
    fake.answers["logout"] = silent

    assert read(roof) == "protocol"
    assert read(roof) is None
    assert fake.logins == 2
    fake.answers.clear()


def test_a_device_that_answers_nothing_to_a_session_that_it_forgot_heals(
    connect: Connect, fake: WebConnectFake
) -> None:
    """The first read after the failed one may spend all its time on that session."""

    def forgotten(call: Call) -> bytes | None:
        return fake.usual(call) if call.sid in fake.sessions else silent(call)

    fake.answers |= dict.fromkeys((READ, "getValues", "logout"), forgotten)
    roof = connect(fake, session="keep", timeout=0.5)
    assert read(roof) is None
    fake.sessions.clear()

    reasons = [read(roof) for _ in range(4)]

    assert reasons[0] == "timeout"
    assert reasons[-1] is None
    assert fake.logins == 2


def test_a_session_that_cannot_be_closed_but_lives_is_used_again(
    connect: Connect, fake: WebConnectFake
) -> None:
    """A new one beside it would be one too many."""
    roof = connect(fake, session="keep")
    fake.answers |= {READ: once(reply(b""), fake), "logout": lambda _: reply(b"", 500)}

    reasons = [read(roof) for _ in range(3)]

    assert reasons == ["protocol", None, None]
    assert (fake.logins, len(fake.sessions)) == (1, 1)
    assert fake.names().count("logout") == 2
    fake.answers.clear()


def test_a_password_that_is_refused_to_a_doubted_session_is_tried_once(
    connect: Connect, fake: WebConnectFake
) -> None:
    roof = connect(fake, session="keep")
    fake.answers |= {READ: once(reply(b""), fake), "logout": lambda _: None}
    assert read(roof) == "protocol"
    fake.sessions.clear()
    fake.password = "Changed-99"

    assert read(roof) == "authentication"
    assert fake.names().count("login") == 2


def test_sessions_that_cannot_be_closed_add_up_ever_more_slowly_and_not_without_bound(
    connect: Connect, fake: WebConnectFake
) -> None:
    """Where neither values nor logouts are answered, each new session may be left behind."""
    fake.answers |= {READ: lambda _: reply(b"", 500), "getValues": lambda _: reply(b"", 500)}
    fake.answers["logout"] = lambda _: None
    roof = connect(fake, session="keep")

    for _ in range(360):
        roof.scrape()
        roof.clock.advance(10)

    assert fake.logins <= 20  # in an hour


def test_a_failed_read_that_left_a_session_is_waited_for_as_a_lost_login_is(
    connect: Connect, fake: WebConnectFake
) -> None:
    roof = connect(fake, session="keep")
    assert read(roof) is None
    fake.answers |= {READ: lambda _: reply({"err": 401}), "logout": lambda _: None}

    assert read(roof) == "protocol"
    logins = fake.logins
    assert read(roof, Pause.LOST_LOGIN.value[0] / 2) == "protocol"

    assert fake.logins == logins


#: Session ids that no query parameter carries, or that are none.
UNUSABLE = ["A\ud800B", "a b", " ", "a\r\nX: y", "\x00", "\x7f", "ä", "s" * 129, "s" * 100_000, 7]


@pytest.mark.parametrize("sid", UNUSABLE, ids=lambda sid: ascii(sid)[:20])
def test_a_session_id_that_cannot_be_sent_is_none(fake: WebConnectFake, sid: object) -> None:
    body = json.dumps({"result": {"sid": sid}}).encode()
    fake.answers["login"] = once(reply(body), fake)
    client = SMA(make_session(), fake.url, "Sunny-1234")

    with pytest.raises(SmaReadException, match="session id") as caught:
        client.read_all()
    logged_in = client.logged_in

    assert caught.value.login_lost  # it opened a session that nobody can close
    assert not logged_in
    assert POWER in client.read_all()


@pytest.mark.parametrize("sid", ["-0HTNnFTAhZT9k1m", "a&b=c#d%e+f?", "s" * 128])
def test_any_other_session_id_is_sent_as_it_came(fake: WebConnectFake, sid: str) -> None:
    fake.answers["login"] = lambda _: reply({"result": {"sid": sid}})
    fake.sessions.add(sid)
    client = SMA(make_session(), fake.url, "Sunny-1234")

    client.read_all()

    assert fake.calls[-1].sid == sid


#: How a login is refused, by body or by HTTP status: the reason, and whether it may have opened a session.
REFUSALS: dict[str, tuple[bytes, str, bool]] = {
    "err 503": (reply({"err": 503}), "session_limit", False),
    "HTTP 503": (reply(b"", 503), "session_limit", False),
    "HTTP 503 and a page": (reply(LOGIN_PAGE, 503), "session_limit", False),
    "HTTP 503 and err 503": (reply({"err": 503}, 503), "session_limit", False),
    "err 401": (reply({"err": 401}), "authentication", False),
    "HTTP 401": (reply(b"", 401), "authentication", False),
    "HTTP 401 and a page": (reply(LOGIN_PAGE, 401), "authentication", False),
    "HTTP 403": (reply(b"", 403), "authentication", False),
    "HTTP 403 and a page": (reply(LOGIN_PAGE, 403), "authentication", False),
    "HTTP 403 and err 401": (reply({"err": 401}, 403), "authentication", False),
    "HTTP 401 and err 503": (reply({"err": 503}, 401), "session_limit", False),
    "HTTP 500": (reply(b"", 500), "protocol", True),
    "HTTP 502 and a page": (reply(LOGIN_PAGE, 502), "protocol", True),
    "HTTP 500 and err 500": (reply({"err": 500}, 500), "protocol", False),
}


@pytest.mark.parametrize("way", REFUSALS)
def test_a_refused_login_means_the_same_in_the_body_and_as_http_status(
    fake: WebConnectFake, way: str
) -> None:
    answer, reason, lost = REFUSALS[way]
    fake.answers["login"] = lambda _: answer
    client = SMA(make_session(), fake.url, "Sunny-1234")

    with pytest.raises(SmaException) as caught:
        client.new_session()

    assert caught.value.reason == reason
    assert caught.value.login_lost is lost


@pytest.mark.parametrize(
    "answer",
    [{"err": 401}, {"err": 403}, 401, 403],
    ids=["err 401", "err 403", "HTTP 401", "HTTP 403"],
)
def test_a_logout_of_a_session_that_is_over_is_a_good_one(
    fake: WebConnectFake, answer: dict[str, int] | int
) -> None:
    content = reply(b"", answer) if isinstance(answer, int) else reply(answer)
    fake.answers["logout"] = lambda _: content
    client = SMA(make_session(), fake.url, "Sunny-1234")
    client.new_session()

    client.close_session()

    assert not client.logged_in
    assert client.lost_sessions == 0


@pytest.mark.parametrize(
    "answer",
    [reply(b"", 404), reply(b"", 500), reply(b""), reply({"err": 404}), None],
    ids=["HTTP 404", "HTTP 500", "empty", "err 404", "closed"],
)
def test_a_device_without_session_check_does_not_tell_its_sessions(
    fake: WebConnectFake, answer: bytes | None
) -> None:
    fake.answers["sessionCheck"] = lambda _: answer
    client = SMA(make_session(), fake.url, "Sunny-1234")

    assert client.session_check() == (None, 0.0)
    assert POWER in client.read_all()


def test_a_device_that_does_not_answer_does_not_count_as_one_without_session_check() -> None:
    with WebConnectFake(VALUES) as fake:
        client = SMA(make_session(), fake.url, "Sunny-1234")

    with suppress(OSError), pytest.raises(SmaConnectionException):
        client.session_check()
