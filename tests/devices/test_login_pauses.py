"""How long a device is left alone after a login, and with which password it is asked again."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import devices
from support.devices import (
    NOON,
    PASSWORD,
    Clock,
    Connect,
    calls,
    eventually,
    pauses,
    reader_threads,
    visitor,
)
from support.raw_devices import WebConnectFake, reply

from sma_exporter.config import model
from sma_exporter.simulator import Simulator, faults
from sma_exporter.simulator.faults import Action, Fault
from sma_exporter.sma.exceptions import Reason

clock, sim, connect = devices.clock, devices.sim, devices.connect

READ = "getAllOnlValues"
HOUR = 3600.0
Simulate = Callable[..., Simulator]


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
    sim = simulate(monotonic=clock, lockout_after=2, lockout_seconds=800)
    roof = connect(sim, password="Wrong-1234")

    roof.scrape_for(1.5 * HOUR, every=5)

    first, second, *_ = pauses(sim)
    assert 60 <= first <= 70
    assert 800 <= second <= 810


@pytest.mark.parametrize("seconds", [65535, 2**32 - 2])
def test_no_device_is_believed_to_refuse_logins_for_more_than_a_quarter_of_an_hour(
    connect: Connect, seconds: int, caplog: pytest.LogCaptureFixture
) -> None:
    check = reply({"result": {"cntFreeSess": 4, "cntDwnLogin": {"usr": seconds, "istl": 0}}})
    with WebConnectFake({}) as fake:
        fake.answers["sessionCheck"] = lambda _: check
        roof = connect(fake, password="Wrong-1234")
        roof.scrape()
        roof.read_later(890)
        too_soon = fake.names().count("login")
        roof.read_later(11)

        assert too_soon == 1
        assert fake.names().count("login") == 2
    (line,) = (line for line in caplog.messages if "refuses logins" in line)
    assert f"{seconds} s" in line
    assert "900 s" in line


@pytest.mark.parametrize("told", [-1, float("nan"), float("inf"), "65535", True, None, [9], {}])
def test_what_is_no_number_of_seconds_is_nothing_to_wait_for(
    connect: Connect, told: object
) -> None:
    check = reply({"result": {"cntFreeSess": 4, "cntDwnLogin": {"usr": told}}})
    with WebConnectFake({}) as fake:
        fake.answers["sessionCheck"] = lambda _: check
        roof = connect(fake, password="Wrong-1234")
        roof.scrape()
        roof.read_later(61)

        assert fake.names().count("login") == 2


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


def test_a_password_file_on_a_mount_that_hangs_holds_up_no_scrape(
    connect: Connect, sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = threading.Event()

    def hanging(path: Path) -> bytes:
        may_go_on.wait(10)
        return PASSWORD.encode()

    monkeypatch.setattr(model, "read_bytes", hanging)
    roof = connect(sim, password_file=tmp_path / "password", min_interval=0.0)

    began = time.monotonic()
    late = roof.device.finish(roof.device.begin(), roof.within(0.2))
    again = roof.device.finish(roof.device.begin(), roof.within(0.2))
    roof.device.last()
    seconds = time.monotonic() - began
    may_go_on.set()

    assert seconds < 2
    assert late.result is not None
    assert again.result is not None
    assert late.result.reason is again.result.reason is Reason.TIMEOUT
    assert roof.read().reason is None


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


def test_a_kept_session_is_renewed_with_the_password_as_it_is_by_then(
    connect: Connect, simulate: Simulate, clock: Clock, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    sim = simulate(monotonic=clock, clock=lambda: NOON)
    roof = connect(sim, password_file=file, session="keep")
    assert roof.read().reason is None
    sim.stop()
    other = simulate(monotonic=clock, clock=lambda: NOON, port=sim.port, password="Moony-1234")

    file.unlink()
    without = roof.read_later(5)
    file.write_text("Moony-1234")
    outcome = roof.read_later(60)

    assert without.reason is Reason.AUTHENTICATION
    assert str(file) in without.message
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
        (faults.body(b"<!DOCTYPE html><html></html>", "text/html"), "login"),
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
