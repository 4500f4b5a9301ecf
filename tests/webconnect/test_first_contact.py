"""What else answers at the address of a device: the reason, and a sentence that names the kind of device."""

import pytest
from support import devices
from support.devices import POWER, Connect
from support.raw_devices import RawDevice, WebConnectFake, reply

clock, connect = devices.clock, devices.connect

PAGE = b"<!DOCTYPE html><html><title>Sunny Tripower X</title></html>"
PROBLEM = {"timestamp": "2025-06-14T11:00:00Z", "status": 400, "error": "Bad Request"}
VALUES = {POWER: {"1": [{"val": 1840}]}}


def redirect(location: str) -> bytes:
    return reply(b"", 302, f"Location: {location}")


#: What devices with ennexOS answer to a call of WebConnect.
ENNEXOS: dict[str, bytes] = {
    "a page": reply(PAGE),
    "HTTP 403 and a page": reply(PAGE, 403),
    "HTTP 404 and a page": reply(PAGE, 404),
    "HTTP 405 and a page": reply(PAGE, 405),
    "HTTP 405 and nothing": reply(b"", 405),
    "HTTP 400 and JSON": reply(PROBLEM, 400),
    "HTTP 400 and a list": reply([], 400),
    "the way to its login": redirect("/webui/login"),
    "the way to its plant": redirect("/webui/Playground/dashboard"),
    "the way to its login, with the address": redirect("https://192.0.2.1/webui/login"),
    "the way to its pages": redirect("/webui"),
}


@pytest.mark.parametrize("password", ["Sunny-1234", None], ids=["password", "public"])
@pytest.mark.parametrize("way", ENNEXOS)
def test_a_device_with_ennexos_is_found_whatever_it_answers(
    connect: Connect, way: str, password: str | None
) -> None:
    with RawDevice(lambda _: ENNEXOS[way]) as device:
        outcome = connect(device, password=password).read()

    assert outcome.reason == "unsupported"
    assert "ennexOS" in outcome.message


def test_the_password_is_not_sent_after_a_redirect_to_the_pages_of_ennexos(
    connect: Connect,
) -> None:
    with RawDevice(lambda _: redirect("/webui/login")) as device:
        connect(device).read()

        assert set(device.names()) == {"sessionCheck"}


def test_an_empty_reply_to_everything_is_a_webbox(connect: Connect) -> None:
    with RawDevice(lambda _: reply(b"")) as device:
        outcomes = [connect(device, password=password).read() for password in ("Sunny-1234", None)]

    assert [outcome.reason for outcome in outcomes] == ["unsupported"] * 2
    for outcome in outcomes:
        assert "Sunny WebBox" in outcome.message
        assert "Speedwire" in outcome.message


@pytest.mark.parametrize("password", ["Sunny-1234", None], ids=["password", "public"])
def test_a_closed_connection_to_everything_may_be_a_webbox_or_want_tls(
    connect: Connect, password: str | None
) -> None:
    with RawDevice(lambda _: None) as device:
        outcome = connect(device, password=password).read()

    assert outcome.reason == "unsupported"
    assert "https://" in outcome.message
    assert "Sunny WebBox" in outcome.message
    assert "Speedwire" in outcome.message


def test_a_login_that_is_closed_is_waited_for_also_where_nobody_knows_who_answers(
    connect: Connect,
) -> None:
    """Some firmware closes sessionCheck too, and may have opened a session."""
    with RawDevice(lambda _: None) as device:
        roof = connect(device)
        roof.read()
        roof.read_later(5)
        waiting = device.names().count("login")
        roof.read_later(6)

        assert waiting == 1
        assert device.names().count("login") == 2


def test_a_device_that_was_read_before_is_not_taken_for_another_kind(connect: Connect) -> None:
    with WebConnectFake(VALUES) as fake:
        roof = connect(fake)
        before = roof.read()
        fake.answer = lambda _: None
        after = roof.read_later(5)

    assert before.reason is None
    assert after.reason == "connection"


def test_firmware_that_closes_session_check_is_read(connect: Connect) -> None:
    with WebConnectFake(VALUES) as fake:
        fake.answers["sessionCheck"] = lambda _: None

        assert connect(fake).read().reason is None


# --- the page before the login ---

SWITCHED_OFF: dict[str, bytes] = {
    **{f"err {number}": reply({"err": number}) for number in (401, 403, 404)},
    **{f"HTTP {number}": reply(b"", number) for number in (401, 403, 404)},
    **{f"HTTP {number} and a page": reply(PAGE, number) for number in (401, 403, 404)},
    "HTTP 404 and err 404": reply({"err": 404}, 404),
}


@pytest.mark.parametrize("way", SWITCHED_OFF)
def test_without_a_password_a_page_that_is_switched_off_asks_for_one(
    connect: Connect, way: str
) -> None:
    with WebConnectFake(VALUES) as fake:
        fake.answers["getDashValues"] = lambda _: SWITCHED_OFF[way]
        roof = connect(fake, password=None)
        off = roof.read()
        fake.answers.clear()
        on = roof.read_later(5)

    assert off.reason == "authentication"
    assert "switch" in off.message
    assert "password" in off.message
    assert on.reason is None  # no login was refused, so there is nothing to wait for


@pytest.mark.parametrize("status", [404, 500])
def test_no_page_is_asked_for_where_nothing_is_webconnect(connect: Connect, status: int) -> None:
    with RawDevice(lambda _: reply(b"", status)) as device:
        outcome = connect(device, password=None).read()

    assert outcome.reason == ("unsupported" if status == 404 else "protocol")
    assert "password" not in outcome.message
