"""Sessions of simulated devices, over real HTTP."""

import pytest
from support import simulated_webconnect
from support.simulated_webconnect import Connect, SetClock

from sma_exporter.simulator import faults

connect = simulated_webconnect.connect


def test_a_session_from_login_to_logout(connect: Connect) -> None:
    client = connect("sb-3.6")
    simulator = client.simulator
    response = client.post("login", {"right": "usr", "pass": "Sunny-1234"})
    assert response.headers["Content-Type"] == "application/json;"
    sid = response.json()["result"]["sid"]
    assert len(sid) == 16
    assert set(sid) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    assert client.ask("getAllOnlValues", sid=sid) == simulator.online_values()
    assert simulator.sessions == 1
    assert client.ask("logout", {}, sid) == {"result": {"isLogin": False}}
    assert client.ask("getAllOnlValues", sid=sid) == {"err": 401}
    assert client.ask("logout", {}, sid) == {"err": 401}
    assert (simulator.sessions, simulator.logins, simulator.logouts) == (0, 1, 1)


@pytest.mark.parametrize("password", ["wrong", "", 1234, None, "Sunny-9876"])
def test_a_wrong_password_gives_no_session(connect: Connect, password: object) -> None:
    client = connect()
    assert client.login(password) == {"result": {"sid": None}}
    assert (client.simulator.logins, client.simulator.login_attempts) == (0, 1)


def test_some_firmware_refuses_with_an_error(connect: Connect) -> None:
    client = connect(refusal="err")
    assert client.login("wrong") == {"err": 401}
    assert client.login(right="svc") == {"err": 401}


def test_the_number_of_sessions_is_limited(connect: Connect) -> None:
    client = connect(max_sessions=2)
    sids = [client.sid(), client.sid("istl")]
    assert client.login() == {"err": 503}
    assert client.ask("sessionCheck")["result"]["cntFreeSess"] == 0
    client.ask("logout", {}, sids[0])
    assert client.ask("sessionCheck")["result"]["cntFreeSess"] == 1
    assert client.sid()
    assert client.simulator.logins == 3


def test_idle_sessions_expire_and_used_ones_do_not(connect: Connect) -> None:
    uptime = SetClock(0)
    client = connect(monotonic=uptime, session_idle=100)
    sid, idle = client.sid(), client.sid()
    for _ in range(3):
        uptime.now += 60
        assert "result" in client.ask("getTime", sid=sid)
    assert client.ask("getTime", sid=idle) == {"err": 401}
    assert client.simulator.sessions == 1
    client.simulator.expire_sessions()
    assert client.ask("getTime", sid=sid) == {"err": 401}


def test_wrong_passwords_block_their_group_for_a_while(connect: Connect) -> None:
    uptime = SetClock(1000)
    client = connect(monotonic=uptime, lockout_after=3, lockout_seconds=60)
    for _ in range(3):
        assert client.ask("sessionCheck")["result"]["cntDwnLogin"] == {"usr": 0, "istl": 0}
        client.login("wrong")
    assert client.login() == {"result": {"sid": None}}
    assert client.sid("istl")
    uptime.now += 15.5
    assert client.ask("sessionCheck")["result"]["cntDwnLogin"] == {"usr": 45, "istl": 0}
    uptime.now += 44.5
    assert client.sid()


def test_a_right_password_resets_the_count_of_wrong_ones(connect: Connect) -> None:
    client = connect(lockout_after=2)
    for _ in range(3):
        client.login("wrong")
        assert client.sid()


def test_sessions_and_their_counts(connect: Connect) -> None:
    client = connect()
    simulator = client.simulator
    first, second, lost = client.sid(), client.sid(), client.sid()
    assert simulator.session_ids == [first, second, lost]
    assert (simulator.unclaimed_sessions, simulator.most_sessions_in_use) == (3, 0)
    client.ask("getTime", sid=first)
    client.ask("logout", {}, second)
    assert (simulator.sessions, simulator.unclaimed_sessions) == (2, 1)
    assert simulator.most_sessions_in_use == 2
    assert (simulator.logins, simulator.logouts, simulator.login_attempts) == (3, 1, 3)
    simulator.reset_counts()
    assert (simulator.session_ids, simulator.most_sessions_in_use, simulator.sessions) == ([], 0, 2)
    assert (simulator.logins, simulator.logouts, simulator.login_attempts) == (0, 0, 0)


def test_session_check_knows_a_valid_session(connect: Connect) -> None:
    client = connect()
    assert client.ask("sessionCheck", {}, client.sid())["result"] == {
        "cntFreeSess": 3,
        "cntDwnLogin": {"usr": 0, "istl": 0},
        "cntDwnGg": 0,
    }
    assert "cntDwnGg" not in client.ask("sessionCheck", {}, "A" * 16)["result"]
    assert "cntDwnGg" not in client.ask("sessionCheck")["result"]


def test_a_full_device(connect: Connect) -> None:
    client = connect()
    client.simulator.faults.add(faults.Fault(faults.full()))
    assert client.login() == {"err": 503}
    assert client.ask("sessionCheck")["result"]["cntFreeSess"] == 0
    assert "result" in client.ask("getDashTime")
    assert (client.simulator.sessions, client.simulator.login_attempts) == (0, 1)
