"""Reading a device: its failures by reason, its pauses, its parameters, its honest totals."""

import logging
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
    RATED,
    SERIAL,
    STATUS,
    TOTAL,
    Clock,
    Connect,
    Scraped,
    calls,
    count,
    eventually,
    pauses,
    reader_threads,
    sending,
    visitor,
)
from urllib3.exceptions import NewConnectionError

from sma_exporter import config
from sma_exporter.devices.evaluation import MAX_UNKNOWN_STATES
from sma_exporter.devices.snapshot import CustomReading
from sma_exporter.simulator import Simulator, faults
from sma_exporter.simulator.faults import Action, Fault
from sma_exporter.sma.deadline import Deadline
from sma_exporter.sma.exceptions import Reason, SmaTimeoutException
from sma_exporter.webconnect.source import WebConnectSettings, WebConnectSource

clock, sim, connect = devices.clock, devices.sim, devices.connect

READ, PARAMETERS = "getAllOnlValues", "getValues"
TIME, EVENTS = "6400_00462E00", "6400_00618C00"
HOUR = 3600.0
Simulate = Callable[..., Simulator]


def answered_with(result: Any) -> Action:
    return faults.mutate(lambda _: {"result": result})


def twice(reply: Any) -> Any:
    """The values of a device under two names."""
    ((uid, values),) = reply["result"].items()
    return {"result": {uid: values, "0199-xxxxx000": values}}


# --- what goes wrong, by reason, and what comes after ---

HTML = faults.body(b"<!DOCTYPE html><html></html>", "text/html")


@pytest.mark.parametrize(
    ("action", "path", "reason"),
    [
        (faults.drop(), None, "connection"),
        (faults.hang(), READ, "timeout"),
        (faults.drip(0.02), READ, "timeout"),
        (faults.drip(0.02, part="body"), READ, "timeout"),
        (faults.drop(), READ, "connection"),
        (faults.drop_after(), READ, "connection"),
        (faults.truncate(0.5), READ, "connection"),
        (faults.wrong_content_length(), READ, "protocol"),
        (faults.body(b""), READ, "protocol"),
        (faults.body(b"[]"), READ, "protocol"),
        (faults.body(b"{}"), READ, "protocol"),
        (faults.body(b"\xff\xfe"), READ, "protocol"),
        (faults.error(404), None, "connection"),
        (faults.error(401), READ, "protocol"),
        (faults.redirect("http://192.0.2.1/"), READ, "connection"),
        (faults.mutate(twice), READ, "unsupported"),
        (HTML, READ, "unsupported"),
        (HTML, "login", "unsupported"),
        (faults.body(b""), "login", "unsupported"),
        (faults.status(404), "login", "unsupported"),
        (faults.error(500), "login", "protocol"),
    ],
    ids=[
        "drops-everything",
        "hangs",
        "drips",
        "drips-after-the-head",
        "drops",
        "drops-after-the-work",
        "truncated",
        "wrong-length",
        "empty",
        "no-object",
        "no-result",
        "no-text",
        "err-404-everywhere",
        "err-401-again-and-again",
        "redirects-elsewhere",
        "several-devices",
        "html",
        "html-at-login",
        "empty-at-login",
        "http-404-at-login",
        "err-500-at-login",
    ],
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


# --- the wrong password ---


@pytest.mark.parametrize("refusal", ["sid", "err"])
def test_a_refused_password_is_tried_once_a_minute_at_most_and_ever_more_seldom(
    connect: Connect, simulate: Simulate, clock: Clock, refusal: str
) -> None:
    sim = simulate(clock=lambda: NOON, monotonic=clock, refusal=refusal)
    roof = connect(sim, password="Wrong-1234")

    roof.scrape_for(3500, every=5)
    shown = roof.scrape()

    assert sim.login_attempts == 7
    for pause, least in zip(pauses(sim), [60, 120, 240, 480, 900, 900], strict=True):
        assert least <= pause <= least + 10
    assert shown.result is not None
    assert shown.result.reason == "authentication"
    assert shown.errors == dict.fromkeys(Reason, 0) | {"authentication": 7}
    assert sim.sessions == 0


def test_no_login_before_the_seconds_that_the_device_names_have_passed(
    connect: Connect, simulate: Simulate, clock: Clock
) -> None:
    sim = simulate(monotonic=clock, lockout_after=2, lockout_seconds=3000)
    roof = connect(sim, password="Wrong-1234")

    roof.scrape_for(1.5 * HOUR, every=5)

    first, second, *_ = pauses(sim)
    assert 60 <= first <= 70
    assert 3000 <= second <= 3010


def test_the_seconds_that_the_device_names_count_from_its_answer(
    connect: Connect, simulate: Simulate, clock: Clock
) -> None:
    sim = simulate(monotonic=clock, lockout_after=1, lockout_seconds=100)
    sim.faults.add(Fault(faults.delay(1.1), path="sessionCheck", times=1))
    roof = connect(sim, password="Wrong-1234")
    started = clock()

    roof.scrape()
    roof.clock.advance(started + 99.5 - clock())
    roof.scrape()

    assert sim.login_attempts == 1


@pytest.mark.parametrize("others", [0, 3])
def test_a_refused_login_tells_the_free_sessions(
    connect: Connect, sim: Simulator, others: int
) -> None:
    for _ in range(others):
        visitor(sim)
    roof = connect(sim, password="Wrong-1234")

    assert roof.read().free_sessions == 4 - others


def test_a_device_that_tells_nothing_about_its_sessions_is_refused_all_the_same(
    connect: Connect, sim: Simulator
) -> None:
    sim.faults.add(Fault(faults.drop(), path="sessionCheck"))
    roof = connect(sim, password="Wrong-1234")

    outcome = roof.read()

    assert outcome.reason == "authentication"
    assert outcome.free_sessions is None


def test_a_changed_password_file_ends_the_pause_at_once(
    connect: Connect, sim: Simulator, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("Wrong-1234\n")
    roof = connect(sim, password_file=file)
    roof.scrape()

    file.write_text("Wrong-1234\n")
    unchanged = roof.read_later(5)
    attempts = sim.login_attempts
    file.write_text(f"{PASSWORD}\n")
    changed = roof.read_later(5)

    assert unchanged.reason == "authentication"
    assert attempts == 1
    assert changed.reason is None
    assert sim.login_attempts == 2


def test_a_password_file_that_goes_away_does_not_end_the_pause(
    connect: Connect, sim: Simulator, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("Wrong-1234\n")
    roof = connect(sim, password_file=file)
    roof.scrape()

    file.unlink()
    roof.read_later(5)

    assert sim.login_attempts == 1


def test_a_changed_but_wrong_password_pauses_anew(
    connect: Connect, sim: Simulator, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("Wrong-1234")
    roof = connect(sim, password_file=file)
    roof.scrape()

    file.write_text("Wrong-5678")
    attempts = []
    for seconds in (5, 50, 15, 100, 25):
        roof.read_later(seconds)
        attempts.append(sim.login_attempts)

    assert attempts == [2, 2, 3, 3, 4]


def test_a_password_file_that_cannot_be_read_is_named_and_no_login_is_tried(
    connect: Connect, sim: Simulator, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    roof = connect(sim, password_file=file)

    missing = roof.read()
    asked = calls(sim)
    file.write_text(PASSWORD)
    there = roof.read_later(5)

    assert missing.reason == "authentication"
    assert str(file) in missing.message
    assert asked == []
    assert there.reason is None


def test_a_password_file_is_read_at_each_login(
    connect: Connect, simulate: Simulate, clock: Clock, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    sim = simulate(monotonic=clock, clock=lambda: NOON)
    roof = connect(sim, password_file=file)
    assert roof.read().reason is None
    sim.stop()
    other = simulate(monotonic=clock, clock=lambda: NOON, port=sim.port, password="Moony-1234")

    file.write_text("Moony-1234")
    outcome = roof.read_later(5)

    assert outcome.reason is None
    assert other.login_attempts == 1


@pytest.mark.parametrize("content", ["Moony-1234", None], ids=["changed", "gone"])
def test_a_kept_session_is_renewed_with_the_password_as_it_is_by_then(
    connect: Connect, simulate: Simulate, clock: Clock, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    sim = simulate(monotonic=clock, clock=lambda: NOON)
    roof = connect(sim, password_file=file, session="keep")
    assert roof.read().reason is None
    sim.stop()
    password = content or PASSWORD
    other = simulate(monotonic=clock, clock=lambda: NOON, port=sim.port, password=password)

    file.unlink()
    if content is not None:
        file.write_text(content)
    outcome = roof.read_later(5)

    assert outcome.reason is None
    assert other.login_attempts == 1


# --- the full device ---


def test_a_full_device_is_asked_ever_more_seldom_and_tells_its_free_sessions(
    connect: Connect, simulate: Simulate, clock: Clock
) -> None:
    sim = simulate(clock=lambda: NOON, monotonic=clock, max_sessions=1, session_idle=1e9)
    somebody = visitor(sim)
    sim.reset_counts()
    roof = connect(sim)

    roof.scrape_for(HOUR / 4, every=2)
    full = roof.read()
    paused = pauses(sim)
    somebody.close_session()
    still_waiting = roof.read()
    free = roof.read_later(120)

    assert full.reason == "session_limit"
    assert full.free_sessions == 0
    for pause, least in zip(paused, [10, 20, 40, 80, *[120] * len(paused)], strict=False):
        assert least <= pause <= least + 4
    assert still_waiting is full
    assert free.reason is None
    assert free.free_sessions is None


def test_a_pause_starts_from_its_first_length_after_a_good_login(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim)
    sim.faults.add(Fault(faults.full(), times=6))

    for _ in range(3):
        roof.read_later(121)
    good = roof.read_later(121)
    sim.faults.add(Fault(faults.full(), times=2))
    full = roof.read_later(5)
    again = roof.read_later(11)

    assert [good.reason, full.reason, again.reason] == [None, "session_limit", None]


# --- the lost login ---


@pytest.mark.parametrize(
    ("action", "reason"),
    [(faults.drop_after(), "connection"), (faults.truncate(0.5), "connection")],
    ids=["dropped", "cut"],
)
def test_a_login_whose_answer_is_lost_is_not_repeated_but_waits(
    connect: Connect, simulate: Simulate, clock: Clock, action: Action, reason: str
) -> None:
    sim = simulate(clock=lambda: NOON, monotonic=clock, max_sessions=1000)
    sim.faults.add(Fault(action, path="login"))
    roof = connect(sim)

    roof.scrape_for(0.5 * HOUR, every=5)
    lost = roof.read()
    paused = pauses(sim)
    sim.faults.clear()
    found = roof.read_later(300)

    assert lost.reason == reason
    for pause, least in zip(paused, [10, 20, 40, 80, 160, 300, 300], strict=False):
        assert least <= pause <= least + 10
    assert len(paused) >= 6
    assert found.reason is None


def test_a_login_that_never_reached_the_device_is_nothing_to_wait_for(
    connect: Connect, sim: Simulator
) -> None:
    sim.stop()
    roof = connect(sim)
    roof.scrape()

    sim.start()

    assert roof.read_later(5).reason is None


@pytest.mark.parametrize(
    ("action", "path"),
    [
        (HTML, "login"),
        (faults.error(404), "login"),
        (faults.error(500), "login"),
        (faults.drop(), READ),
        (faults.body(b"{}"), READ),
    ],
    ids=["html", "err-404", "err-500", "dropped-read", "no-result"],
)
def test_nothing_else_is_waited_for(
    connect: Connect, sim: Simulator, action: Action, path: str
) -> None:
    sim.faults.add(Fault(action, path=path))
    roof = connect(sim)

    roof.scrape_for(100, every=5)

    assert sim.login_attempts == 20


# --- a session that the device forgot ---


def test_a_session_that_the_device_forgot_is_renewed_once_within_the_scrape(
    connect: Connect, sim: Simulator
) -> None:
    def forgotten(_: Any) -> Any:
        sim.expire_sessions()
        return {"err": 401}

    sim.faults.add(Fault(faults.mutate(forgotten), path=READ, times=1))
    roof = connect(sim)

    outcome = roof.read()

    assert outcome.reason is None
    assert sim.login_attempts == 2
    assert eventually(lambda: sim.sessions == 0)
    assert roof.device.last().logins == 2


def test_a_device_that_forgets_every_session_is_not_asked_for_more(
    connect: Connect, sim: Simulator
) -> None:
    sim.faults.add(Fault(faults.error(401), path=READ))
    roof = connect(sim)

    assert roof.read().reason == "protocol"
    assert sim.login_attempts == 2


@pytest.mark.parametrize("lost", [faults.drop(), faults.status(500), faults.error(404)])
def test_a_session_that_could_not_be_closed_is_used_again(
    connect: Connect, sim: Simulator, lost: Action
) -> None:
    sim.faults.add(Fault(lost, path="logout", times=5))
    roof = connect(sim)

    outcomes = []
    for _ in range(6):
        outcomes.append(roof.read_later(5))
        assert eventually(lambda: not reader_threads())

    assert {outcome.reason for outcome in outcomes} == {None}
    assert (sim.logins, sim.sessions) == (1, 0)


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
    assert shown.errors["timeout"] == 0


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


# --- which device it is ---


@pytest.mark.parametrize("serial", [{SERIAL: 3001234567}, {SERIAL: None}], ids=["another", "none"])
def test_another_device_than_the_configured_one_gives_no_values(
    connect: Connect, sim: Simulator, serial: dict[str, Any]
) -> None:
    roof = connect(sim, serial=str(sim.serial))
    sim.faults.add(Fault(faults.mutate(sending(serial)), path=PARAMETERS))

    wrong = roof.scrape()
    sim.faults.clear()
    roof.clock.advance(5)
    right = roof.scrape()

    assert wrong.result is not None
    assert wrong.result.reason == "identity"
    assert str(sim.serial) in wrong.result.message
    assert wrong.readings == {}
    assert wrong.state.identity.serial == ""
    assert right.up
    assert right.state.identity.serial == str(sim.serial)
    assert eventually(lambda: sim.sessions == 0)


def test_nothing_is_shown_of_a_device_before_its_configured_serial_number_was_seen(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim, serial=str(sim.serial))
    sim.faults.add(Fault(faults.error(404), path=PARAMETERS))

    unseen = roof.scrape()
    sim.faults.clear()
    roof.clock.advance(5)
    seen = roof.scrape()
    sim.faults.add(Fault(faults.error(404), path=PARAMETERS))
    roof.clock.advance(3601)
    seen_before = roof.scrape()

    assert unseen.result is not None
    assert unseen.result.reason == "protocol"
    assert unseen.readings == {}
    assert seen.up
    assert seen_before.up


# --- honest totals ---


class Calendar:
    """A device's own clock: its totals grow with it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def test_a_total_that_falls_is_withheld_and_logged_once_until_it_is_back(
    connect: Connect, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    roof = connect(sim)
    before = roof.scrape()
    fallen = Fault(faults.mutate(sending({TOTAL: 17})), path=READ, times=3)

    sim.faults.add(fallen)
    shown = [roof.device.last()]
    for _ in range(4):
        roof.clock.advance(5)
        shown.append(roof.scrape())

    assert [s.state.withheld for s in shown] == [0, 1, 1, 1, 0]
    assert ["total_yield" in s.readings for s in shown] == [True, False, False, False, True]
    assert all(s.up for s in shown)
    assert shown[-1].readings["total_yield"] == before.readings["total_yield"]
    told = [record for record in caplog.records if record.name == "sma_exporter.devices.evaluation"]
    assert [record.levelname for record in told] == ["WARNING", "INFO"]
    assert {vars(record)["sensor"] for record in told} == {"total_yield"}
    assert vars(told[0])["value"] == 17 * 3600


def test_the_rated_power_bounds_what_a_total_can_leap(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim)
    shown = roof.scrape().readings["total_yield"]
    assert isinstance(shown, int)
    most = 2 * 3680 * 24  # Wh a day
    leaps = [shown // 3600 + most + 1000, shown // 3600 + most - 1000]

    found = []
    for leap in leaps:
        sim.faults.add(Fault(faults.mutate(sending({TOTAL: leap})), path=READ, times=1))
        roof.clock.advance(5)
        found.append(roof.scrape().readings.get("total_yield"))

    assert found == [None, leaps[1] * 3600]


def test_a_meter_is_not_bounded_by_the_inverters_rated_power(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim)
    drawn = roof.scrape().readings["metering_total_absorbed"]
    assert isinstance(drawn, int)
    leap = drawn // 3600 + 2 * 3680 * 24 * 10
    sim.faults.add(Fault(faults.mutate(sending({"6400_00462500": leap})), path=READ, times=1))

    roof.clock.advance(5)

    assert roof.scrape().readings["metering_total_absorbed"] == leap * 3600


def test_time_bounds_what_a_time_can_leap(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim)
    shown = roof.scrape().readings["operating_time"]
    assert isinstance(shown, int)
    leaps = [shown + 49 * 3600, shown + 47 * 3600]

    found = []
    for leap in leaps:
        sim.faults.add(Fault(faults.mutate(sending({TIME: leap})), path=READ, times=1))
        roof.clock.advance(5)
        found.append(roof.scrape().readings.get("operating_time"))

    assert found == [None, leaps[1]]


def test_events_do_not_come_by_the_thousand(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim)
    shown = roof.scrape().readings["events_user"]
    assert isinstance(shown, int)
    sim.faults.add(Fault(faults.mutate(sending({EVENTS: shown + 5000})), path=READ, times=1))

    roof.clock.advance(5)

    assert "events_user" not in roof.scrape().readings


def test_a_meter_reading_that_stands_in_is_the_same_total(connect: Connect, sim: Simulator) -> None:
    """When the first object falls silent the counter goes on, and never back."""
    roof = connect(sim)
    first = roof.scrape().readings["metering_total_yield"]
    lower = {"6400_00462400": None, "6400_00469100": 17}
    sim.faults.add(Fault(faults.mutate(sending({"6400_00462400": None})), path=READ, times=1))
    roof.clock.advance(5)
    second = roof.scrape()
    sim.faults.add(Fault(faults.mutate(sending(lower)), path=READ, times=1))
    roof.clock.advance(5)
    third = roof.scrape()

    assert second.readings["metering_total_yield"] >= first  # type: ignore[operator]
    assert second.state.withheld == 0
    assert "metering_total_yield" not in third.readings
    assert third.state.withheld == 1


def swapped(
    connect: Connect, simulate: Simulate, clock: Clock, serial: int
) -> tuple[Any, Any, Simulator]:
    """What is shown before and after a device makes place for one that has produced less."""
    calendar = Calendar()
    old = simulate(clock=calendar, monotonic=clock)
    roof = connect(old)
    before = roof.scrape()
    old.stop()
    clock.advance(5)
    roof.scrape()
    calendar.now -= 100 * 24 * HOUR
    new = simulate(clock=calendar, monotonic=clock, serial=serial or old.serial, port=old.port)
    clock.advance(5)
    return before, roof.scrape(), new


def test_another_serial_number_starts_the_totals_anew(
    connect: Connect, simulate: Simulate, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    before, after, new = swapped(connect, simulate, clock, serial=3_011_111_111)

    assert after.readings["total_yield"] < before.readings["total_yield"]
    assert after.state.withheld == 0
    assert after.state.identity.serial == str(new.serial)
    assert "another device answers at this address" in caplog.text


@pytest.mark.parametrize("serial", [None, "configured"])
def test_another_device_is_noticed_without_a_failed_read_between(
    connect: Connect, sim: Simulator, simulate: Simulate, serial: str | None
) -> None:
    roof = connect(sim, serial=serial and str(sim.serial))
    roof.scrape()
    assert eventually(lambda: sim.sessions == 0)
    sim.stop()
    simulate(clock=lambda: NOON, port=sim.port, serial=3_001_234_567)

    roof.clock.advance(5)
    shown = roof.scrape()

    assert shown.result is not None
    assert shown.result.reason == (serial and "identity")
    assert shown.state.identity.serial == (str(sim.serial) if serial else "3001234567")


def test_nothing_of_the_device_before_is_told_of_another(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim)
    before = roof.scrape()

    def nameless(reply: Any) -> Any:
        return sending({SERIAL: 3_011_111_111, NAME: "", RATED: None})(reply)

    sim.faults.add(Fault(faults.mutate(nameless), path=PARAMETERS))
    roof.clock.advance(3601)
    after = roof.scrape()

    assert before.state.identity.name == sim.name
    assert after.state.identity.serial == "3011111111"
    assert after.state.identity.name == ""
    assert "inverter_power_limit" in before.readings
    assert "inverter_power_limit" not in after.readings


def test_the_same_serial_number_with_less_is_not_believed(
    connect: Connect, simulate: Simulate, clock: Clock
) -> None:
    _, after, _ = swapped(connect, simulate, clock, serial=0)

    assert after.up
    assert "total_yield" not in after.readings
    assert after.state.withheld > 0


def test_the_delay_of_a_reset_comes_from_the_configuration(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim, counter_reset_delay=HOUR)
    roof.scrape()
    meter = iter(range(1000, 2000))

    def reset(reply: Any) -> Any:
        return sending({TOTAL: next(meter)})(reply)

    sim.faults.add(Fault(faults.mutate(reset), path=READ))
    shown = ["total_yield" in roof.scrape().readings]
    for minutes in (5, 54, 7):
        roof.clock.advance(minutes * 60)
        shown.append("total_yield" in roof.scrape().readings)

    assert shown == [True, False, False, True]


# --- states that no table has ---


def tags(*numbers: int) -> list[dict[str, int]]:
    return [{"tag": number} for number in numbers]


def test_an_unknown_state_is_remembered(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim)
    sim.faults.add(Fault(faults.mutate(sending({STATUS: tags(307, 99_999)})), path=READ, times=1))

    seen = roof.scrape()
    roof.clock.advance(5)
    gone = roof.scrape()

    assert seen.readings["status"] == (307, 99_999)
    assert gone.readings["status"] == (307,)
    assert gone.state.unknown_states["status"] == (99_999,)


def test_no_more_than_sixteen_unknown_states_are_remembered(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim)
    for first in (90_000, 91_000):
        many = tags(*range(first, first + 12))
        sim.faults.add(Fault(faults.mutate(sending({STATUS: many})), path=READ, times=1))

    for _ in range(2):
        roof.clock.advance(5)
        last = roof.scrape()

    assert MAX_UNKNOWN_STATES == 16
    found = last.state.unknown_states["status"]
    assert found == (*range(90_000, 90_012), *range(91_000, 91_004))


# --- custom sensors ---


def sensor(**keys: Any) -> config.CustomSensor:
    given = {
        "key": TOTAL,
        "metric": "sma_custom_energy_joules_total",
        "unit": "Wh",
        "type": "counter",
        "help": "Energy.",
        "labels": {"side": "ac"},
    }
    return config.CustomSensor(**given | keys)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        ({}, 1500 * 3600.0),
        ({"scale": 0.1}, 150 * 3600.0),
        ({"key": POWER, "unit": "kW", "type": "gauge"}, -2000.0),
        ({"key": "6380_40251E00", "unit": "W", "index": 1}, 20.0),
    ],
    ids=["unit", "scale", "negative", "index"],
)
def test_a_custom_sensor_is_read_in_its_base_unit(
    connect: Connect, sim: Simulator, keys: dict[str, Any], value: float
) -> None:
    def change(reply: Any) -> Any:
        inputs = {"6380_40251E00": {"1": [{"val": 10}, {"val": 20}]}}
        for result in sending({TOTAL: 1500, POWER: -2})(reply)["result"].values():
            result.update(inputs)
        return reply

    roof = connect(sim, sensors=(sensor(**keys),))
    sim.faults.add(Fault(faults.mutate(change), path=READ))

    assert roof.read().custom == (
        CustomReading(
            "sma_custom_energy_joules_total",
            keys.get("type", "counter"),
            "Energy.",
            {"side": "ac"},
            value,
        ),
    )


def test_a_custom_counter_never_falls(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim, sensors=(sensor(),))
    shown = []
    for raw in (1500, 0, 1400, 1501):
        sim.faults.clear()
        sim.faults.add(Fault(faults.mutate(sending({TOTAL: raw})), path=READ))
        shown.append([row.value for row in roof.read_later(5).custom])

    assert shown == [[1500 * 3600.0], [], [], [1501 * 3600.0]]


def test_a_custom_parameter_is_read_with_the_others_and_kept(
    connect: Connect, sim: Simulator
) -> None:
    row = sensor(key="6800_00832A00", metric="sma_custom_rated_watts", unit="W", type="gauge")
    roof = connect(sim, sensors=(row,))

    shown = [[found.value for found in roof.read_later(5).custom] for _ in range(3)]

    assert shown == [[3680.0]] * 3
    assert calls(sim).count("getValues") == 1


@pytest.mark.parametrize(
    "keys",
    [{"key": "6400_0FFFFF00"}, {"index": 7}, {"key": STATUS}, {"key": POWER}],
    ids=["unknown-key", "index-beyond", "no-number", "null"],
)
def test_a_custom_sensor_without_a_value_gives_none(
    connect: Connect, sim: Simulator, keys: dict[str, Any]
) -> None:
    sim.faults.add(Fault(faults.mutate(sending({POWER: None})), path=READ))
    roof = connect(sim, sensors=(sensor(**keys),))

    outcome = roof.read()

    assert outcome.reason is None
    assert outcome.custom == ()


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


def test_a_ca_file_makes_a_certificate_good(
    connect: Connect, simulate: Simulate, tmp_path: Path
) -> None:
    sim = simulate(tls=True)
    assert sim.issuer is not None
    (tmp_path / "ca.pem").write_bytes(sim.issuer)

    roof = connect(sim, tls=config.TlsSettings(ca_file=tmp_path / "ca.pem", given=True))

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


def test_a_device_that_moves_to_https_keeps_its_session(
    connect: Connect, sim: Simulator, plain: responses.RequestsMock
) -> None:
    roof = connect(sim, url="roof", session="keep")
    before = roof.read()
    refused = NewConnectionError(None, "refused")  # type: ignore[arg-type]
    refused.__cause__ = ConnectionRefusedError()
    plain.upsert("POST", re.compile("http://roof/.*"), body=requests.ConnectionError(refused))
    values = {"result": {"012F-xxxxx000": {POWER: {"val": 6}}}}
    plain.upsert("POST", re.compile("https://roof/.*"), json=values)
    for call in ("sessionCheck", "login", "logout", READ, PARAMETERS):
        plain.remove("POST", f"http://roof/dyn/{call}.json")

    updating = roof.read_later(5)
    after = roof.read_later(5)

    assert before.readings["grid_power"] == 5
    assert updating.reason == "connection"
    assert after.readings["grid_power"] == 6
    assert roof.device.last().logins == 1


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
