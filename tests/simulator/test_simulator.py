"""The simulated devices, over real HTTP wherever the protocol is the point."""

import hashlib
import json
import math
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
import trustme

from sma_exporter.simulator import MODELS, Plant, Simulator, demo_devices, faults, replay_profile
from sma_exporter.simulator.plant import COMMISSIONED, UNITS
from sma_exporter.simulator.year import DAY, YEAR, Battery, String, Unit

CAPTURES = Path(__file__).resolve().parents[3] / "shared" / "captures"
RECORDINGS = ("sb-1.5", "sb-3.6", "stp-10.0-se", "stp-10.0-se-energy-meter")

NOON = datetime(2025, 6, 14, 11, tzinfo=UTC).timestamp()  # by the sun of the default plant
NIGHT = datetime(2025, 6, 14, 21, 30, tzinfo=UTC).timestamp()
HOME = Plant(seed=3)
PV_MODELS = ("sb-1.5", "sb-3.6", "stp-10")


class Clock:
    """A clock that stands until it is set."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Client:
    """Speaks to one device."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False

    def post(self, call: str, body: object = None, sid: str | None = None) -> requests.Response:
        return self.session.post(
            f"{self.url}/dyn/{call}.json",
            params={} if sid is None else {"sid": sid},
            json={} if body is None else body,
            timeout=10,
        )

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.url + path, timeout=10, allow_redirects=False)

    def ask(self, call: str, body: object = None, sid: str | None = None) -> Any:
        return self.post(call, body, sid).json()

    def login(self, password: object = "Sunny-1234", right: str = "usr") -> Any:
        return self.ask("login", {"right": right, "pass": password})

    def sid(self, right: str = "usr") -> str:
        password = {"usr": "Sunny-1234", "istl": "Sunny-9876"}[right]
        sid = self.login(password, right)["result"]["sid"]
        assert isinstance(sid, str)
        return sid

    def result(self, call: str, body: object = None, right: str = "usr") -> Any:
        """What a call says of the device, in a session of its own."""
        sid = self.sid(right)
        (result,) = self.ask(call, body or {"destDev": []}, sid)["result"].values()
        self.ask("logout", sid=sid)
        return result

    def log(self, logger: int, start: float, end: float) -> Any:
        body = {"destDev": [], "key": logger, "tStart": int(start), "tEnd": int(end)}
        return self.result("getLogger", body)


@pytest.fixture
def connect() -> Iterator[Callable[[Simulator], Client]]:
    """Start a simulator and return a client for it; both are gone afterwards."""
    opened: list[tuple[Simulator, Client]] = []

    def start(simulator: Simulator) -> Client:
        simulator.start()
        client = Client(simulator.url)
        opened.append((simulator, client))
        return client

    yield start
    for simulator, client in opened:
        client.session.close()
        simulator.stop()


Connect = Callable[[Simulator], Client]


def online(simulator: Simulator, group: str = "istl") -> dict[str, Any]:
    """Every online value as the list of its `val`s, whatever the shape."""
    (values,) = simulator.online_values(group)["result"].values()
    return {key: vals(value) for key, value in values.items()}


def vals(value: Any) -> list[Any]:
    """The `val`s of one value in either shape."""
    if isinstance(value, dict) and "val" not in value:
        (value,) = value.values()
    return [member["val"] for member in (value if isinstance(value, list) else [value])]


def one(simulator: Simulator, key: str) -> Any:
    """The only value of a key."""
    (value,) = online(simulator)[key]
    return value


# Sessions


def test_a_session_from_login_to_logout(connect: Connect) -> None:
    simulator = Simulator("sb-3.6", clock=Clock())
    client = connect(simulator)
    response = client.post("login", {"right": "usr", "pass": "Sunny-1234"})
    assert response.headers["Content-Type"] == "application/json;"
    sid = response.json()["result"]["sid"]
    assert len(sid) == 16
    assert set(sid) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    assert client.ask("getAllOnlValues", {"destDev": []}, sid) == simulator.online_values()
    assert simulator.sessions == 1
    assert client.ask("logout", {}, sid) == {"result": {"isLogin": False}}
    assert client.ask("getAllOnlValues", {"destDev": []}, sid) == {"err": 401}
    assert client.ask("logout", {}, sid) == {"err": 401}
    assert (simulator.sessions, simulator.logins, simulator.logouts) == (0, 1, 1)


@pytest.mark.parametrize("password", ["wrong", "", 1234, None, "Sunny-9876"])
def test_a_wrong_password_gives_no_session(connect: Connect, password: object) -> None:
    simulator = Simulator()
    assert connect(simulator).login(password) == {"result": {"sid": None}}
    assert (simulator.logins, simulator.login_attempts) == (0, 1)


def test_some_firmware_refuses_with_an_error(connect: Connect) -> None:
    client = connect(Simulator(refusal="err"))
    assert client.login("wrong") == {"err": 401}
    assert client.login("Sunny-1234", right="svc") == {"err": 401}


def test_sessions_are_few_until_a_logout(connect: Connect) -> None:
    simulator = Simulator(max_sessions=2)
    client = connect(simulator)
    sids = [client.sid(), client.sid("istl")]
    assert client.login() == {"err": 503}
    assert client.ask("sessionCheck")["result"]["cntFreeSess"] == 0
    client.ask("logout", {}, sids[0])
    assert client.ask("sessionCheck")["result"]["cntFreeSess"] == 1
    assert client.sid()
    assert simulator.logins == 3


def test_idle_sessions_expire_and_used_ones_do_not(connect: Connect) -> None:
    uptime = Clock(0)
    simulator = Simulator(monotonic=uptime, session_idle=100)
    client = connect(simulator)
    sid, idle = client.sid(), client.sid()
    for _ in range(3):
        uptime.now += 60
        assert "result" in client.ask("getTime", {"destDev": []}, sid)
    assert client.ask("getTime", {"destDev": []}, idle) == {"err": 401}
    assert simulator.sessions == 1
    simulator.expire_sessions()
    assert client.ask("getTime", {"destDev": []}, sid) == {"err": 401}


def test_wrong_passwords_block_their_group_for_a_while(connect: Connect) -> None:
    uptime = Clock(1000)
    client = connect(Simulator(monotonic=uptime, lockout_after=3, lockout_seconds=60))
    for _ in range(3):
        assert client.ask("sessionCheck")["result"]["cntDwnLogin"] == {"usr": 0, "istl": 0}
        client.login("wrong")
    assert client.login() == {"result": {"sid": None}}
    assert client.sid("istl")
    uptime.now += 15.5
    assert client.ask("sessionCheck")["result"]["cntDwnLogin"] == {"usr": 45, "istl": 0}
    uptime.now += 44.5
    assert client.sid()


def test_sessions_that_nobody_came_back_to_are_told_apart(connect: Connect) -> None:
    simulator = Simulator()
    client = connect(simulator)
    first, second, lost = client.sid(), client.sid(), client.sid()
    assert simulator.session_ids == [first, second, lost]
    assert (simulator.unclaimed_sessions, simulator.most_sessions_in_use) == (3, 0)
    client.ask("getTime", {"destDev": []}, first)
    client.ask("logout", {}, second)
    assert (simulator.sessions, simulator.unclaimed_sessions) == (2, 1)
    assert simulator.most_sessions_in_use == 2
    simulator.reset_counts()
    assert (simulator.session_ids, simulator.most_sessions_in_use, simulator.sessions) == ([], 0, 2)


def test_a_right_password_forgives_wrong_ones(connect: Connect) -> None:
    client = connect(Simulator(lockout_after=2))
    for _ in range(3):
        client.login("wrong")
        assert client.sid()


def test_session_check_knows_a_valid_session(connect: Connect) -> None:
    client = connect(Simulator())
    sid = client.sid()
    assert client.ask("sessionCheck", {}, sid)["result"] == {
        "cntFreeSess": 3,
        "cntDwnLogin": {"usr": 0, "istl": 0},
        "cntDwnGg": 0,
    }
    assert "cntDwnGg" not in client.ask("sessionCheck", {}, "A" * 16)["result"]
    assert "cntDwnGg" not in client.ask("sessionCheck")["result"]


# Calls


def test_get_values_leaves_out_what_it_does_not_know(connect: Connect) -> None:
    client = connect(Simulator("sb-3.6", clock=Clock()))
    keys = ["6100_40263F00", "6400_FFFFFF00", "6380_40251E00_1", "6800_00A21E00", "6802_00832B00"]
    values = client.result("getValues", {"destDev": [], "keys": keys})
    assert set(values) == {"6100_40263F00", "6380_40251E00", "6800_00A21E00"}
    assert len(values["6380_40251E00"]["1"]) == 2
    assert "6802_00832B00" in client.result("getValues", {"destDev": [], "keys": keys}, "istl")


def test_the_installer_sees_more(connect: Connect) -> None:
    client = connect(Simulator("sb-1.5", clock=Clock()))
    for call in ("getAllOnlValues", "getAllParamValues"):
        user, installer = client.result(call), client.result(call, right="istl")
        hidden = set(installer) - set(user)
        groups = {"6102", "6182", "6322", "6402", "6802"}
        assert hidden == {key for key in installer if key[:4] in groups}
        assert hidden


def test_what_needs_no_login(connect: Connect) -> None:
    simulator = Simulator("stp-10", clock=Clock())
    client = connect(simulator)
    for call in ("getDashValues", "getDashLogger", "getDashTime"):
        answer = client.ask(call, {"destDev": [], "keys": []})
        assert client.get(f"/dyn/{call}.json").json() == answer
        assert len(answer["result"]) == 1
    (dash,) = client.ask("getDashValues")["result"].values()
    assert 15 < len(dash) < 30
    assert dash["6800_00832A00"] == {"1": [{"low": 10000, "high": 10000, "val": 10000}]}
    (loggers,) = client.ask("getDashLogger")["result"].values()
    assert set(loggers) == {"7000", "7020"}
    assert loggers["7000"]["1"][-1]["t"] == NOON
    assert len(loggers["7020"]["1"]) == 32


def test_the_clock_of_the_device(connect: Connect) -> None:
    clock = Clock()
    client = connect(Simulator(clock=clock))
    assert client.result("getTime") == {"tm": int(NOON), "ofs": 2}
    clock.now = datetime(2025, 12, 1, tzinfo=UTC).timestamp()
    assert client.result("getTime")["ofs"] == 1


def test_what_is_not_served(connect: Connect) -> None:
    client = connect(Simulator())
    sid = client.sid()
    assert client.ask("getFirmwareOfTheNeighbour", {}, sid) == {"err": 404}
    assert client.get(f"/dyn/getAllOnlValues.json?sid={sid}").json() == {"err": 404}
    for path in ("/data/l10n/en-US.json", "/data/ObjectMetadata_Istl.json", "/"):
        assert client.get(path).status_code == 404
    gone = client.get(f"/fs/DIAGNOSE/nothing.zip?sid={sid}")
    assert (gone.status_code, gone.headers["Content-Type"]) == (500, "text/html")
    for content in (b"", b"[]", b"{", b"\xff"):
        response = client.session.post(f"{client.url}/dyn/logout.json?sid={sid}", data=content)
        assert response.json() == {"err": 404}
    assert client.ask("getLogger", {"destDev": [], "key": "28672"}, sid) == {"err": 404}


# Shapes


@pytest.mark.parametrize(
    ("model", "uid", "classes", "keys", "parameters"),
    [
        ("sb-1.5", "012F", {None}, 89, 100),
        ("sb-3.6", "0199", {"1"}, 122, 110),
        ("stp-10", "017A", {"1"}, 123, 110),
        ("stp-10-se", "01B8", {"9", "1"}, 133, 105),
        ("sbs-3.7", "0156", {"7"}, 131, 99),
        ("emeter-20", "015D", {"65"}, 40, 63),
    ],
)
def test_the_shape_of_each_model(
    connect: Connect, model: str, uid: str, classes: set[str], keys: int, parameters: int
) -> None:
    simulator = Simulator(model, clock=Clock(), serial=3_001_234_567)
    client = connect(simulator)
    answer = client.ask("getAllOnlValues", {"destDev": []}, client.sid("istl"))
    assert list(answer["result"]) == [f"{uid}-xxxxx{3_001_234_567 % 4096:03X}"]
    (values,) = answer["result"].values()
    found = {None if "val" in v or isinstance(v, list) else next(iter(v)) for v in values.values()}
    assert found == classes
    assert len(values) == keys
    identity = client.result("getAllParamValues", right="istl")
    assert len(identity) == parameters
    assert vals(identity["6800_00A21E00"]) == [3_001_234_567]
    assert vals(identity["6800_10821E00"]) == [simulator.name]
    assert vals(identity["6800_08822B00"]) == [[{"tag": 461}]]
    assert vals(identity["6800_08838D00"]) == [[{"tag": 9578}]]
    assert (identity["6800_10841E00"]) in ({"0": [{"val": ""}]}, {"val": ""})


def test_old_and_new_shape_side_by_side() -> None:
    old, new = Simulator("sb-1.5", clock=Clock()), Simulator("sb-3.6", clock=Clock())
    flat: Any
    classed: Any
    (flat,) = old.online_values()["result"].values()
    (classed,) = new.online_values()["result"].values()
    assert set(flat["6100_40263F00"]) == {"val"}
    assert [set(string) for string in flat["6380_40251E00"]] == [{"str", "val"}]
    assert flat["6180_00522700"] == {"val": None, "min": 0, "max": 11000}
    assert classed["6180_00522700"] == {"1": [{"low": 0, "high": 11000, "val": None}]}
    assert flat["6180_08214800"] == {"val": [{"tag": 307}]}
    assert classed["6180_08214800"] == {"1": [{"val": [{"tag": 307}]}]}


def test_the_uid_is_masked_or_not() -> None:
    assert list(Simulator(serial=0xB2DBD245).online_values()["result"]) == ["0199-xxxxx245"]
    full = Simulator(serial=0xB2DBD245, masked=False).online_values()
    assert list(full["result"]) == ["0199-B2DBD245"]


def test_type_and_firmware_parameters(connect: Connect) -> None:
    parameters = connect(Simulator("stp-10-se", clock=Clock())).result("getAllParamValues")
    assert parameters["6800_08822000"] == {
        "9": [{"validVals": [19048, 19049, 19050, 19051], "val": [{"tag": 19051}]}]
    }
    assert vals(parameters["6800_00823400"]) == [0x03051D04]  # 3.5.29.R
    assert parameters["6800_000EA900"] == {"188": []}
    assert vals(parameters["6800_008AA200"]) == [Plant().meter_serial]


def test_battery_packs_that_are_not_fitted(connect: Connect) -> None:
    values = online(Simulator("sbs-3.7", clock=Clock()))
    for key in ("6100_00498F00", "6100_00495C00", "6400_00499500", "6100_40495D00"):
        assert values[key][0] is not None
        assert values[key][1:] == [None, None]
    assert values["6180_08414D00"] == [
        [{"tag": 307}],
        [{"tag": 16777213}],
        [{"tag": 16777213}],
    ]


def test_a_battery_inverter_alone_has_a_roof_beside_it() -> None:
    simulator = Simulator("sbs-3.7", clock=Clock())
    assert one(simulator, "6400_00496700") > one(simulator, "6400_00496800") > 0
    assert one(simulator, "6400_00260100") > 0


def test_optimizers_and_empty_slots(connect: Connect) -> None:
    simulator = Simulator("stp-10", clock=Clock())
    values = online(simulator)
    powers = values["6100_40652A00"]
    assert [power is None for power in powers] == [False] * 12 + [True] * 4
    assert sum(powers[:12]) == pytest.approx(values["6380_40251E00"][1], rel=0.05)
    serials = vals(connect(simulator).result("getAllParamValues")["6800_10852600"])
    assert len(set(serials)) == 13
    assert serials[12:] == [""] * 4
    none = connect(Simulator("sb-3.6", clock=Clock())).result("getAllParamValues")
    assert vals(none["6800_10852600"]) == [""] * 16


# Values


@pytest.mark.parametrize("model", list(MODELS))
def test_same_model_seed_and_time_give_the_same(model: str) -> None:
    first, second = (Simulator(model, plant=Plant(seed=3), clock=Clock()) for _ in range(2))
    assert first.online_values("istl") == second.online_values("istl")
    other = Simulator(model, plant=Plant(seed=4), clock=Clock())
    assert first.online_values("istl") != other.online_values("istl")


@pytest.mark.parametrize("model", [*PV_MODELS, "stp-10-se"])
def test_the_sums_of_an_inverter(model: str) -> None:
    simulator = Simulator(model, plant=HOME, clock=Clock())
    values = online(simulator)
    ac, dc = one(simulator, "6100_40263F00"), sum(values["6380_40251E00"])
    assert one(simulator, "6100_0046C200") == pytest.approx(0.97 * dc, abs=2)
    phases = [values[f"6100_4046{n}00"][0] for n in ("40", "41", "42")]
    assert sum(power for power in phases if power is not None) == ac
    for power, volts, amperes in zip(
        values["6380_40251E00"], values["6380_40451F00"], values["6380_40452100"], strict=True
    ):
        assert power == pytest.approx(volts / 100 * amperes / 1000, abs=3)
    (var,) = values["6100_40265F00" if model == "stp-10-se" else "6100_40665F00"]
    assert one(simulator, "6100_40666700") == pytest.approx(math.hypot(ac, var), abs=1)
    volts, amperes = one(simulator, "6100_00464800"), one(simulator, "6100_40465300")
    apparent = one(simulator, "6100_40666800")
    assert volts / 100 * amperes / 1000 == pytest.approx(apparent, abs=2)
    assert 22_000 < volts < 24_000
    assert 4_990 < one(simulator, "6100_00465700") < 5_010
    if model == "stp-10-se":
        assert ac == pytest.approx(
            0.97 * dc - one(simulator, "6100_00496900") + one(simulator, "6100_00496A00") - 10,
            abs=3,
        )
        assert one(simulator, "6100_00665900") == 0
    else:
        assert ac == pytest.approx(0.97 * dc, abs=2)
        assert 900 < one(simulator, "6100_00665900") <= 1000


def test_no_unit_ever_exceeds_its_rating() -> None:
    year = HOME.at(COMMISSIONED).year
    for unit in UNITS:
        powers = year.units[unit.name].power if unit.battery else None
        for knot, light in enumerate(zip(year.sun.power, year.slant.power, strict=True)):
            power = unit.generated(*light) if powers is None else powers[knot]
            assert power <= unit.rated


@pytest.mark.parametrize("model", PV_MODELS)
def test_a_pv_inverter_at_night(model: str) -> None:
    clock = Clock()
    simulator = Simulator(model, plant=HOME, clock=clock)
    day = online(simulator)
    clock.now = NIGHT
    night = online(simulator)
    assert set(night) == set(day)
    for key, values in night.items():
        if key[:4] in {"6100", "6380", "6102"}:
            assert set(values) == {None}
        if key.startswith("6400"):
            assert all(value >= before for value, before in zip(values, day[key], strict=True))
    assert night["6180_08214800"] == [[{"tag": 307}]]
    if model != "sb-1.5":
        assert day["6180_08412800"] == [[{"tag": 295}]]
        assert night["6180_08412800"] == [[{"tag": 16777213}]]


@pytest.mark.parametrize("model", ["stp-10-se", "sbs-3.7"])
def test_a_battery_works_at_night(model: str) -> None:
    simulator = Simulator(model, plant=HOME, clock=Clock(NIGHT))
    values = online(simulator)
    assert values["6180_08495E00"] == [[{"tag": 2293}]]
    assert one(simulator, "6100_00496A00") > 0
    assert one(simulator, "6100_00496900") == 0
    assert values["6100_40495D00"][0] > 0
    assert one(simulator, "6100_40263F00") > 0
    assert values["6100_00464800"] != [None]


def test_daily_yield_is_counted_from_local_midnight() -> None:
    clock = Clock()
    simulator = Simulator("sb-3.6", plant=HOME, clock=clock)
    total, today = one(simulator, "6400_00260100"), one(simulator, "6400_00262200")
    clock.now = datetime(2025, 6, 14, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    assert one(simulator, "6400_00262200") == 0
    assert total - one(simulator, "6400_00260100") == today > 0


COUNTERS = {
    "sb-1.5": (
        "6400_00260100",
        "6400_00462E00",
        "6400_00462F00",
        "6400_00543A00",
        "6402_00618D00",
        "6402_00666F00",
    ),
    "stp-10": ("6400_00260100", "6400_0046C300", "6400_00462E00", "6400_00618C00"),
    "stp-10-se": ("6400_00260100", "6400_0046C300", "6400_00496700", "6400_00496800"),
    "sbs-3.7": (
        "6400_00260100",
        "6400_00499500",
        "6400_00499600",
        "6400_00462E00",
        "6402_00666F00",
    ),
    "emeter-20": ("6400_00462400", "6400_00462500"),
}


@pytest.mark.parametrize("model", list(COUNTERS))
def test_counters_only_grow(model: str) -> None:
    clock = Clock(COMMISSIONED - DAY)
    simulator = Simulator(model, plant=HOME, clock=clock)
    before = dict.fromkeys(COUNTERS[model], 0)
    # Minutes around the turn of the plant's year, then ever longer steps.
    wrap = COMMISSIONED - HOME.solar_offset + 2 * YEAR
    times = [wrap + minute * 60 for minute in range(-20, 20)]
    times += [wrap + 1200 + 1.2**step for step in range(100)]
    for clock.now in times:
        values = online(simulator)
        now = {key: values[key][0] for key in COUNTERS[model]}
        assert all(now[key] >= before[key] for key in now)
        before = now


def test_events_are_rare_and_a_roof_connects_every_morning() -> None:
    clock = Clock()
    roof, storage = (Simulator(m, plant=HOME, clock=clock) for m in ("sb-1.5", "sbs-3.7"))
    keys = ("6400_00618C00", "6402_00618D00", "6402_00666F00")
    before = [[one(device, key) for key in keys] for device in (roof, storage)]
    clock.now += 120 * DAY

    after = [[one(device, key) for key in keys] for device in (roof, storage)]

    grown = [
        [b - a for a, b in zip(*pair, strict=True)] for pair in zip(before, after, strict=True)
    ]
    assert grown == [[20, 23, 120], [20, 23, pytest.approx(6, abs=1)]]


def test_line_voltages_go_with_the_phase_voltages() -> None:
    values = online(Simulator("stp-10", plant=HOME, clock=Clock()))
    phases = [values[f"6100_0046{n}00"][0] for n in ("48", "49", "4A")]
    lines = [values[f"6100_0046{n}00"][0] for n in ("4B", "4C", "4D")]

    for line in lines:
        assert line == pytest.approx(math.sqrt(3) * sum(phases) / 3, rel=0.01)


def test_the_electronics_of_modules_show_where_they_are_fitted() -> None:
    fitted, bare = (online(Simulator(m, plant=HOME, clock=Clock())) for m in ("stp-10", "sb-3.6"))
    ok, off = [{"tag": 307}], [{"tag": 303}]

    assert fitted["6180_08652600"] == [ok, off, off, off]
    assert bare["6180_08652600"] == [off] * 4
    assert (fitted["6180_08652500"], bare["6180_08652500"]) == ([ok], [off])
    strengths = fitted["6100_00652C00"]
    assert all(40 < strength <= 100 for strength in strengths[:12])
    assert strengths[12:] == [None] * 4


def test_a_hybrid_tells_its_battery_what_it_does() -> None:
    told = {2292: 2289, 2293: 2290}  # charging: charge, discharging: discharge
    clock = Clock()
    hybrid = Simulator("stp-10-se", plant=HOME, clock=clock)

    seen = set()
    for _ in range(48):
        clock.now += 1800
        values = online(hybrid)
        mode, command = (values[key][0][0]["tag"] for key in ("6180_08495E00", "6182_08498A00"))
        assert command == told.get(mode, 303)
        assert values["6102_00493700"][0] >= abs(values["6100_40495D00"][0])
        seen.add(mode)
    assert seen >= set(told)


def test_totals_are_the_integral_of_the_powers() -> None:
    hybrid, roof = HOME.unit("stp-10-se"), HOME.unit("stp-10")
    step = 20
    start = NOON - 4 * 3600
    states = [HOME.at(start + second) for second in range(0, DAY + 1, step)]
    first, last = states[0], states[-1]
    year = first.year
    pairs: list[tuple[Callable[[Any], float], Callable[[Any], float]]] = [
        (lambda s: s.ac_power(roof), lambda s: s.delivered(roof)),
        (lambda s: max(0, s.ac_power(hybrid)), lambda s: s.delivered(hybrid)),
        (lambda s: max(0, -s.ac_power(hybrid)), lambda s: s.absorbed(hybrid)),
        (lambda s: max(0, s.power(year.grid)), lambda s: s.forward(year.grid)),
        (lambda s: max(0, -s.power(year.grid)), lambda s: s.backward(year.grid)),
        (lambda s: max(0, s.power(year.battery)), lambda s: s.forward(year.battery)),
        (lambda s: max(0, -s.power(year.battery)), lambda s: s.backward(year.battery)),
        (lambda s: s.power(year.load), lambda s: s.forward(year.load)),
    ]
    for power, energy in pairs:
        summed = math.fsum(map(power, states)) - (power(first) + power(last)) / 2
        assert energy(last) - energy(first) == pytest.approx(summed * step / 3600, rel=1e-3, abs=1)


def test_the_meter_balances_the_house() -> None:
    for hour in range(0, 24 * 30, 7):
        state = HOME.at(NOON + hour * 3600)
        given = sum(state.ac_power(unit) for unit in HOME.units)
        exchange = given - state.power(state.year.load)
        assert state.power(state.year.grid) == pytest.approx(exchange, abs=1e-6)


@pytest.mark.parametrize("now", [NOON, NIGHT, NOON + 6 * 3600, NOON + 183 * DAY])
def test_the_meter_flows_one_way(now: float) -> None:
    simulator = Simulator("emeter-20", plant=HOME, clock=Clock(now))
    values = online(simulator)
    fed, drawn = values["6100_40463600"][0], values["6100_40463700"][0]
    assert 0 in (fed, drawn)
    feeds = sum(values[f"6100_0046{n}00"][0] for n in ("E8", "E9", "EA"))
    draws = sum(values[f"6100_0046{n}00"][0] for n in ("EB", "EC", "ED"))
    assert feeds - draws == pytest.approx(fed - drawn, abs=3)
    assert values["6400_00462400"] == values["6400_00469100"]


def test_devices_of_a_plant_share_the_meter(connect: Connect) -> None:
    devices = [Simulator(model, plant=HOME, clock=Clock()) for model in ("stp-10", "stp-10-se")]
    for key in ("6100_40463600", "6100_40463700", "6400_00462400", "6400_00462500"):
        assert one(devices[0], key) == one(devices[1], key)
    serials = [
        vals(connect(device).result("getAllParamValues")["6800_008AA200"]) for device in devices
    ]
    assert serials == [[HOME.meter_serial]] * 2
    assert HOME.meter_serial != Plant(seed=4).meter_serial


def test_without_a_meter(connect: Connect) -> None:
    simulator = Simulator("sb-3.6", clock=Clock(), meter=False)
    values = online(simulator)
    for key in ("6100_40463600", "6100_40463700", "6400_00462400", "6100_0046E500"):
        assert values[key] == [None]
    assert values["6180_084AAA00"] == [[{"tag": 1719}]]
    client = connect(simulator)
    assert vals(client.result("getAllParamValues")["6800_008AA300"]) == [None]
    assert client.log(28720, NOON - 600, NOON) == {}


def test_a_hybrid_without_a_battery() -> None:
    simulator = Simulator("stp-10-se", clock=Clock(NIGHT), battery=False)
    values = online(simulator)
    for key in (
        "6100_00295A00",
        "6100_00495C00",
        "6100_40495D00",
        "6100_00496900",
        "6400_00496700",
    ):
        assert values[key] == [0]
    assert values["6180_08495E00"] == values["6180_08414D00"] == [[{"tag": 303}]]
    assert values["6100_40263F00"] == [0]
    assert values["6100_00464800"] != [None]


def test_the_battery_stays_within_its_limits() -> None:
    small = Plant(units=(Unit("roof", 9000, 3, (String(9000),), Battery(4000, 6000)),))
    year = small.at(0).year
    assert year.stored[0] == pytest.approx(year.stored[-1], abs=1e-6)
    seconds = range(int(NOON), int(NOON) + 5 * DAY, 97)
    contents = [small.at(second).stored() for second in seconds]
    assert min(contents) >= 0
    assert max(contents) <= 4000
    assert max(contents) - min(contents) > 3000
    assert min(year.stored) >= 0
    assert max(year.stored) <= 4000
    assert max(map(abs, year.battery.power)) <= 6000


def test_the_sun_follows_the_solar_offset() -> None:
    there = Plant(seed=3, solar_offset=HOME.solar_offset + 6 * 3600)
    unit = HOME.unit("sb-3.6")
    assert there.at(NOON - 6 * 3600).ac_power(unit) == HOME.at(NOON).ac_power(unit) > 0
    assert there.at(NOON + 6 * 3600).ac_power(unit) == 0


def test_summers_are_brighter_than_winters() -> None:
    unit = HOME.unit("stp-10")

    def month(start: float) -> float:
        return HOME.at(start + 30 * DAY).delivered(unit) - HOME.at(start).delivered(unit)

    assert month(NOON) > 3 * month(NOON + 183 * DAY)


# Loggers


def test_five_minute_loggers(connect: Connect) -> None:
    simulator = Simulator("stp-10-se", plant=HOME, clock=Clock())
    client = connect(simulator)
    log = client.log(28672, NOON - DAY, NOON)
    assert len(log) == 289
    assert [entry["t"] for entry in log] == list(range(int(NOON) - DAY, int(NOON) + 1, 300))
    assert all(a["v"] <= b["v"] for a, b in pairwise(log))
    assert log[-1]["v"] == one(simulator, "6400_00260100")
    assert len(client.log(28672, NOON, NOON)) == 1
    assert len(client.log(28672, NOON - 299, NOON - 1)) == 0
    soc = client.log(28816, NOON - DAY, NOON)
    assert all(0 <= entry["v"] <= 100 for entry in soc)


@pytest.mark.parametrize(
    ("logger", "key"),
    [
        (28720, "6400_00462400"),
        (28736, "6400_00462500"),
        (29344, "6400_00496700"),
        (29360, "6400_00496800"),
        (29184, "6100_40263F00"),
        (10016, "6100_0046C200"),
    ],
)
def test_loggers_keep_what_the_device_shows(connect: Connect, logger: int, key: str) -> None:
    simulator = Simulator("stp-10-se", plant=HOME, clock=Clock())
    assert connect(simulator).log(logger, NOON, NOON) == [
        {"t": int(NOON), "v": one(simulator, key)}
    ]


@pytest.mark.parametrize("logger", [28704, 28752, 28768, 28800])
def test_daily_loggers_at_local_midnight(connect: Connect, logger: int) -> None:
    client = connect(Simulator("stp-10-se", plant=HOME, clock=Clock()))
    zone = ZoneInfo("Europe/Berlin")
    for year, month in ((2025, 3), (2024, 10)):
        first = datetime(year, month, 20, tzinfo=zone)
        log = client.log(logger, first.timestamp(), first.timestamp() + 15 * DAY + 3600)
        stamps = [datetime.fromtimestamp(entry["t"], zone) for entry in log]
        assert [(stamp.hour, stamp.minute) for stamp in stamps] == [(0, 0)] * len(log)
        assert stamps[0] == first
        assert len(log) == 16
        assert all(a["v"] <= b["v"] for a, b in pairwise(log))


def test_loggers_know_neither_the_future_nor_the_time_before(connect: Connect) -> None:
    client = connect(Simulator("stp-10", clock=Clock()))
    assert client.log(28672, NOON, NOON + DAY)[-1]["t"] == NOON
    assert client.log(28704, 0, NOON)[0]["t"] >= COMMISSIONED
    assert client.log(28704, NOON - DAY, 10**18)[-1]["t"] < NOON
    assert client.log(28672, 10**18, 10**18) == []
    assert client.log(28704, 10**18, 10**18) == []


def test_loggers_that_a_model_does_not_have(connect: Connect) -> None:
    client = connect(Simulator("sb-3.6", clock=Clock()))
    assert client.log(12345, NOON - 600, NOON) == {}
    assert client.log(28816, NOON - 600, NOON) == {}


def test_loggers_at_night(connect: Connect) -> None:
    full = connect(Simulator("sb-3.6", plant=HOME, clock=Clock()))
    gaps = connect(Simulator("sb-3.6", plant=HOME, clock=Clock(), night_gaps=True))
    complete = full.log(28672, NOON - DAY, NOON)
    broken = gaps.log(28672, NOON - DAY, NOON)
    assert 150 < len(broken) < len(complete)
    assert all(entry in complete for entry in broken)
    assert full.log(28832, NOON - DAY / 2, NOON - DAY / 2) == [{"t": NOON - DAY / 2, "v": None}]


# TLS


def served(simulator: Simulator) -> str:
    """The fingerprint of the certificate that the port really shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", simulator.port)) as plain,
        context.wrap_socket(plain) as secure,
    ):
        certificate = secure.getpeercert(binary_form=True)
    assert certificate
    return "sha256:" + hashlib.sha256(certificate).digest().hex(":").upper()


def test_tls_with_a_certificate_of_its_own(connect: Connect, tmp_path: Path) -> None:
    simulator = Simulator(tls=True)
    client = connect(simulator)
    assert simulator.url.startswith("https://")
    with pytest.raises(requests.exceptions.SSLError):
        client.login()
    assert served(simulator) == simulator.fingerprint
    issuer = tmp_path / "ca.pem"
    issuer.write_bytes(simulator.issuer or b"")
    client.session.verify = str(issuer)
    assert client.sid()
    before = simulator.fingerprint
    simulator.replace_certificate()
    assert simulator.fingerprint != before
    assert served(simulator) == simulator.fingerprint


def test_tls_with_a_certificate_from_files(tmp_path: Path) -> None:
    leaf = trustme.CA().issue_cert("127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(leaf.cert_chain_pems[0].bytes())
    key.write_bytes(leaf.private_key_pem.bytes())
    with Simulator(tls=(chain, key)) as simulator:
        assert served(simulator) == simulator.fingerprint


def test_a_silent_tls_client_blocks_nobody() -> None:
    with (
        Simulator(tls=True) as simulator,
        socket.create_connection(("127.0.0.1", simulator.port)),
    ):
        assert served(simulator) == simulator.fingerprint


def test_without_tls_there_is_no_certificate() -> None:
    simulator = Simulator()
    assert simulator.fingerprint is None
    assert simulator.issuer is None
    with pytest.raises(RuntimeError, match="TLS"):
        simulator.replace_certificate()


# Faults


def test_a_fault_strikes_where_and_as_often_as_it_is_set(connect: Connect) -> None:
    simulator = Simulator()
    client = connect(simulator)
    simulator.faults.add(faults.Fault(faults.error(503), path="getDashTime", times=2))
    simulator.faults.add(faults.Fault(faults.status(502)))
    assert len(simulator.faults) == 2
    assert [client.post("getDashTime").status_code for _ in range(3)] == [200, 200, 502]
    assert client.post("login").status_code == 502
    assert [fault.action for fault in simulator.faults] == [faults.status(502)]
    simulator.faults.clear()
    assert client.sid()


@pytest.mark.parametrize("action", [faults.delay(0.01), faults.drip(0, chunk=20)])
@pytest.mark.parametrize("tls", [None, True])
def test_slow_answers_are_whole(
    connect: Connect, action: faults.Action, tls: Any, tmp_path: Path
) -> None:
    simulator = Simulator(tls=tls, latency=0.01)
    client = connect(simulator)
    issuer = tmp_path / "ca.pem"
    issuer.write_bytes(simulator.issuer or b"")
    client.session.verify = str(issuer)
    simulator.faults.add(faults.Fault(action))
    assert [client.ask("getTime", {}, "A" * 16) for _ in range(2)] == [{"err": 401}] * 2


def test_answers_that_are_not_the_devices_own(connect: Connect) -> None:
    simulator = Simulator()
    client = connect(simulator)
    for action in (
        faults.error(404),
        faults.status(500, b"<html>", "text/html"),
        faults.redirect("https://127.0.0.1/"),
        faults.body(b"not json", "text/plain"),
    ):
        simulator.faults.add(faults.Fault(action, path="getDashTime", times=1))
    answers = [client.get("/dyn/getDashTime.json") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 500, 301, 200]
    assert answers[0].json() == {"err": 404}
    assert answers[1].text == "<html>"
    assert answers[2].headers["Location"] == "https://127.0.0.1/"
    assert answers[3].content == b"not json"
    assert answers[3].headers["Content-Type"] == "text/plain"


def test_altered_answers(connect: Connect) -> None:
    simulator = Simulator()
    client = connect(simulator)
    simulator.faults.add(faults.Fault(faults.mutate(lambda reply: {"was": reply}), "login", 1))
    assert set(client.login()["was"]["result"]) == {"sid"}
    simulator.faults.add(faults.Fault(faults.mutate(lambda _: b"{"), "login", 1))
    assert client.post("login", {"right": "usr", "pass": "Sunny-1234"}).content == b"{"
    assert simulator.sessions == 2


def test_a_full_device(connect: Connect) -> None:
    simulator = Simulator()
    client = connect(simulator)
    simulator.faults.add(faults.Fault(faults.full()))
    assert client.login() == {"err": 503}
    assert client.ask("sessionCheck")["result"]["cntFreeSess"] == 0
    assert "result" in client.ask("getDashTime")
    assert simulator.sessions == 0


@pytest.mark.parametrize(("action", "sessions"), [(faults.drop(), 0), (faults.drop_after(), 1)])
def test_dropped_connections(connect: Connect, action: faults.Action, sessions: int) -> None:
    simulator = Simulator()
    client = connect(simulator)
    simulator.faults.add(faults.Fault(action, path="login"))
    with pytest.raises(requests.ConnectionError):
        client.login()
    assert (simulator.sessions, simulator.login_attempts) == (sessions, 1)


@pytest.mark.parametrize("action", [faults.truncate(0.5), faults.truncate(0)])
def test_truncated_answers(connect: Connect, action: faults.Action) -> None:
    simulator = Simulator()
    client = connect(simulator)
    simulator.faults.add(faults.Fault(action))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.post("getDashTime")


def test_a_wrong_content_length(connect: Connect) -> None:
    simulator = Simulator()
    client = connect(simulator)
    simulator.faults.add(faults.Fault(faults.wrong_content_length()))
    with pytest.raises(requests.exceptions.JSONDecodeError):
        client.ask("getDashTime")


def test_a_late_answer_ends_with_the_device(connect: Connect) -> None:
    simulator = Simulator()
    client = connect(simulator)
    simulator.faults.add(faults.Fault(faults.delay(3600)))
    with ThreadPoolExecutor(1) as pool:
        login = pool.submit(client.login)
        while not simulator.requests:
            time.sleep(0.001)
        simulator.stop()
        with pytest.raises(requests.ConnectionError):
            login.result()
    assert simulator.logins == 0


def test_a_reset_connection(connect: Connect) -> None:
    simulator = Simulator()
    connect(simulator)
    simulator.faults.add(faults.Fault(faults.reset()))
    with socket.create_connection(("127.0.0.1", simulator.port)) as client:
        client.sendall(b"GET /dyn/getDashTime.json HTTP/1.1\r\nHost: device\r\n\r\n")
        with client.makefile("rb") as answer, pytest.raises(ConnectionResetError):
            answer.read()


def test_a_body_that_does_not_end(connect: Connect) -> None:
    simulator = Simulator()
    client = connect(simulator)
    simulator.faults.add(faults.Fault(faults.withhold()))
    with pytest.raises(requests.exceptions.ConnectionError, match="timed out"):
        client.session.get(f"{simulator.url}/dyn/getDashTime.json", timeout=0.2)


@pytest.mark.parametrize("part", ["all", "body"])
def test_a_dripping_answer_ends_with_the_device(part: Any) -> None:
    simulator = Simulator()
    simulator.start()
    simulator.faults.add(faults.Fault(faults.drip(3600, part=part)))
    with socket.create_connection(("127.0.0.1", simulator.port)) as client:
        client.sendall(b"GET /dyn/getDashTime.json HTTP/1.1\r\nHost: device\r\n\r\n")
        first = client.recv(4096)
        assert first == b"H" if part == "all" else first.startswith(b"HTTP/1.1 200 OK\r\n")
        simulator.stop()
        while client.recv(4096):
            pass


def test_a_hanging_answer_ends_with_the_client_or_the_device() -> None:
    simulator = Simulator()
    simulator.start()
    simulator.faults.add(faults.Fault(faults.hang()))
    request = b"GET /dyn/getDashTime.json HTTP/1.1\r\nHost: device\r\n\r\n"
    with socket.create_connection(("127.0.0.1", simulator.port)) as client:
        client.sendall(request)
    with socket.create_connection(("127.0.0.1", simulator.port)) as client:
        client.sendall(request)
        while len(simulator.requests) < 2:
            time.sleep(0.001)
        simulator.stop()
        assert client.recv(1) == b""


# Replay


def document(**members: object) -> dict[str, object]:
    reply = {"result": {"0199-xxxxx001": {"6100_40263F00": {"1": [{"val": 5}]}}}}
    return {"model": "test", "getAllOnlValues": reply, "getAllParamValues": reply, **members}


@pytest.mark.parametrize("name", RECORDINGS)
def test_replayed_recordings(connect: Connect, name: str) -> None:
    path = CAPTURES / f"{name}.json"
    if not path.exists() and os.environ.get("CI") != "true":
        pytest.skip(f"{path} is not there")
    recorded = json.loads(path.read_text())
    simulator = Simulator(replay_profile(recorded))
    client = connect(simulator)
    sid = client.sid()
    for call in ("getAllOnlValues", "getAllParamValues"):
        assert client.ask(call, {"destDev": []}, sid) == recorded[call]
    (online_values,) = recorded["getAllOnlValues"]["result"].values()
    (parameters,) = recorded["getAllParamValues"]["result"].values()
    union = {**online_values, **parameters}
    answer = client.ask("getValues", {"destDev": [], "keys": [*union, "6100_FFFFFF00"]}, sid)
    assert answer["result"] == {next(iter(recorded["getAllOnlValues"]["result"])): union}
    assert vals(parameters["6800_00A21E00"]) == [simulator.serial]
    (dash,) = client.ask("getDashValues")["result"].values()
    assert dash
    assert set(dash) < set(union)


def test_a_recording_with_everything(connect: Connect) -> None:
    uid = "0199-xxxxx001"
    dash = {"result": {uid: {"6400_00260100": {"1": [{"val": 7}]}}}}
    loggers = {"result": {uid: {"7000": {"1": [{"t": 300, "v": 1}]}}}}
    log = [{"t": 300, "v": 1}, {"t": 600, "v": None}, {"t": 900, "v": 3}]
    recorded = document(getDashValues=dash, getDashLogger=loggers, getLogger={"28672": log})
    client = connect(Simulator(replay_profile(recorded)))
    assert client.ask("getDashValues") == dash
    assert client.ask("getDashLogger") == loggers
    assert client.log(28672, 300, 600) == log[:2]
    assert client.log(28704, 300, 600) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        document(getAllOnlValues={"err": 401}),
        document(getAllParamValues={"result": {"a": {}, "b": {}}}),
        document(getAllParamValues={"result": {"a": []}}),
        document(getLogger=[]),
        document(getLogger={"28672": {}}),
        document(getLogger={"7000h": []}),
        document(getLogger={"28672": [{"t": 1}]}),
    ],
)
def test_documents_that_do_not_fit(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"\w+ .*\w+"):
        replay_profile(wrong)


# Start and stop


def test_start_and_stop_leave_nothing_behind() -> None:
    before = threading.active_count()
    simulator = Simulator(clock=Clock())
    simulator.stop()
    with simulator:
        port = simulator.port
        client = Client(simulator.url)
        assert client.sid()
        assert threading.active_count() > before
        with pytest.raises(RuntimeError, match="running"):
            simulator.start()
    assert threading.active_count() == before
    with pytest.raises(requests.ConnectionError):
        client.login()
    with simulator:
        assert simulator.port == port
        assert client.sid()
    client.session.close()
    assert threading.active_count() == before


def test_a_port_that_is_taken() -> None:
    with Simulator() as simulator, pytest.raises(OSError, match=r"[Aa]ddress already in use"):
        Simulator(port=simulator.port).start()


def test_the_requests_are_counted(connect: Connect) -> None:
    uptime = Clock(5)
    simulator = Simulator(monotonic=uptime)
    client = connect(simulator)
    sid = client.sid()
    uptime.now = 6
    client.ask("logout", {}, sid)
    client.get("/")
    assert simulator.requests == [(5, "/dyn/login.json"), (6, "/dyn/logout.json"), (6, "/")]
    simulator.reset_counts()
    assert simulator.requests == []
    assert (simulator.logins, simulator.logouts, simulator.login_attempts) == (0, 0, 0)


def test_one_connection_carries_many_requests(connect: Connect) -> None:
    simulator = Simulator()
    connect(simulator)
    with socket.create_connection(("127.0.0.1", simulator.port)) as client:
        stream = client.makefile("rb")
        for _ in range(3):
            client.sendall(b"GET /dyn/getDashTime.json HTTP/1.1\r\nHost: device\r\n\r\n")
            assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
            length = 0
            while (line := stream.readline()) != b"\r\n":
                name, _, value = line.partition(b": ")
                length = int(value) if name == b"Content-Length" else length
            assert json.loads(stream.read(length))
        stream.close()


def test_devices_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="there is no model 'sb-99'"):
        Simulator("sb-99")
    with pytest.raises(ValueError, match="the plant has no unit 'stp-10'"):
        Simulator("stp-10", plant=Plant(units=(UNITS[0],)))
    with pytest.raises(ValueError, match="has a battery"):
        Simulator("stp-10-se", plant=HOME, battery=False)


def test_a_model_of_ones_own() -> None:
    profile = replace(MODELS["sb-3.6"], susyid=0x019D, device_class=9)
    (uid,) = Simulator(profile, serial=0xABC).online_values()["result"]
    assert uid == "019D-xxxxxABC"


# The demonstration


@pytest.mark.parametrize("hour", range(0, 24, 5))
def test_the_demonstration_stands_in_the_morning(hour: int) -> None:
    clock = Clock(NOON + hour * 3600)
    devices = {device.name: device.simulator for device in demo_devices(clock)}
    assert list(devices) == ["hybrid", "roof", "garage"]
    for simulator in devices.values():
        assert sum(online(simulator)["6380_40251E00"]) > 100
    assert one(devices["hybrid"], "6400_00462500") == one(devices["roof"], "6400_00462500")
    assert online(devices["hybrid"])["6180_08414D00"] == [[{"tag": 307}]]
    assert len({simulator.serial for simulator in devices.values()}) == 3
