"""The calls of simulated devices, over real HTTP."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from support import simulated_webconnect
from support.devices import NOON
from support.simulated_webconnect import HOME, Connect, one

from sma_exporter.simulator.plant import COMMISSIONED
from sma_exporter.simulator.year import DAY

connect = simulated_webconnect.connect


def test_get_values_leaves_out_unknown_keys(connect: Connect) -> None:
    client = connect("sb-3.6")
    keys = ["6100_40263F00", "6400_FFFFFF00", "6380_40251E00_1", "6800_00A21E00", "6802_00832B00"]
    values = client.result("getValues", {"destDev": [], "keys": keys})
    assert set(values) == {"6100_40263F00", "6380_40251E00", "6800_00A21E00"}
    assert len(values["6380_40251E00"]["1"]) == 2
    assert "6802_00832B00" in client.result("getValues", {"destDev": [], "keys": keys}, "istl")


def test_the_installer_sees_more(connect: Connect) -> None:
    client = connect("sb-1.5")
    for call in ("getAllOnlValues", "getAllParamValues"):
        user, installer = client.result(call), client.result(call, right="istl")
        hidden = set(installer) - set(user)
        groups = {"6102", "6182", "6322", "6402", "6802"}
        assert hidden == {key for key in installer if key[:4] in groups}
        assert hidden


def test_calls_without_a_login(connect: Connect) -> None:
    client = connect("stp-10")
    for call in ("getDashValues", "getDashLogger", "getDashTime"):
        reply = client.ask(call, {"destDev": [], "keys": []})
        assert client.get(f"/dyn/{call}.json").json() == reply
        assert len(reply["result"]) == 1
    (dash,) = client.ask("getDashValues")["result"].values()
    assert 15 < len(dash) < 30
    assert dash["6800_00832A00"] == {"1": [{"low": 10000, "high": 10000, "val": 10000}]}
    (loggers,) = client.ask("getDashLogger")["result"].values()
    assert set(loggers) == {"7000", "7020"}
    assert loggers["7000"]["1"][-1]["t"] == NOON
    assert len(loggers["7020"]["1"]) == 32


def test_the_clock_of_the_device(connect: Connect) -> None:
    winter = datetime(2025, 12, 1, tzinfo=UTC).timestamp()
    for now, hours in ((NOON, 2), (winter, 1)):
        assert connect(now=now).result("getTime") == {"tm": int(now), "ofs": hours}


def test_what_is_not_served(connect: Connect) -> None:
    client = connect()
    sid = client.sid()
    assert client.ask("getFirmwareOfTheNeighbour", {}, sid) == {"err": 404}
    assert client.get(f"/dyn/getAllOnlValues.json?sid={sid}").json() == {"err": 404}
    for path in ("/data/l10n/en-US.json", "/data/ObjectMetadata_Istl.json", "/"):
        assert client.get(path).status_code == 404
    missing = client.get(f"/fs/DIAGNOSE/nothing.zip?sid={sid}")
    assert (missing.status_code, missing.headers["Content-Type"]) == (500, "text/html")
    url = f"{client.simulator.url}/dyn/logout.json?sid={sid}"
    for content in (b"", b"[]", b"{", b"\xff"):
        assert client.session.post(url, data=content).json() == {"err": 404}
    assert client.ask("getLogger", {"destDev": [], "key": "28672"}, sid) == {"err": 404}


# Data loggers


def test_five_minute_loggers(connect: Connect) -> None:
    client = connect("stp-10-se", plant=HOME)
    log = client.log(28672, NOON - DAY, NOON)
    assert len(log) == 289
    assert [entry["t"] for entry in log] == list(range(int(NOON) - DAY, int(NOON) + 1, 300))
    assert all(a["v"] <= b["v"] for a, b in pairwise(log))
    assert log[-1]["v"] == one(client.simulator, "6400_00260100")
    assert len(client.log(28672, NOON, NOON)) == 1
    assert len(client.log(28672, NOON - 299, NOON - 1)) == 0
    assert all(0 <= entry["v"] <= 100 for entry in client.log(28816, NOON - DAY, NOON))


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
def test_loggers_record_what_the_device_shows(connect: Connect, logger: int, key: str) -> None:
    client = connect("stp-10-se", plant=HOME)
    shown = one(client.simulator, key)
    assert client.log(logger, NOON, NOON) == [{"t": int(NOON), "v": shown}]


@pytest.mark.parametrize("logger", [28704, 28752, 28768, 28800])
def test_daily_loggers_at_local_midnight(connect: Connect, logger: int) -> None:
    client = connect("stp-10-se", plant=HOME)
    zone = ZoneInfo("Europe/Berlin")
    for year, month in ((2025, 3), (2024, 10)):
        first = datetime(year, month, 20, tzinfo=zone)
        log = client.log(logger, first.timestamp(), first.timestamp() + 15 * DAY + 3600)
        stamps = [datetime.fromtimestamp(entry["t"], zone) for entry in log]
        assert [(stamp.hour, stamp.minute) for stamp in stamps] == [(0, 0)] * 16
        assert stamps[0] == first
        assert all(a["v"] <= b["v"] for a, b in pairwise(log))


def test_loggers_have_no_future_and_nothing_before_commissioning(connect: Connect) -> None:
    client = connect("stp-10")
    assert client.log(28672, NOON, NOON + DAY)[-1]["t"] == NOON
    assert client.log(28704, 0, NOON)[0]["t"] >= COMMISSIONED
    assert client.log(28704, NOON - DAY, 10**18)[-1]["t"] < NOON
    for logger in (28672, 28704):
        assert client.log(logger, 10**18, 10**18) == []


def test_loggers_that_a_device_does_not_have(connect: Connect) -> None:
    for logger in (12345, 28816):
        assert connect("sb-3.6").log(logger, NOON - 600, NOON) == {}
    assert connect("sb-3.6", meter=False).log(28720, NOON - 600, NOON) == {}


def test_loggers_at_night(connect: Connect) -> None:
    full, gaps = (connect("sb-3.6", plant=HOME, night_gaps=gaps) for gaps in (False, True))
    complete = full.log(28672, NOON - DAY, NOON)
    broken = gaps.log(28672, NOON - DAY, NOON)
    assert 150 < len(broken) < len(complete)
    assert all(entry in complete for entry in broken)
    assert full.log(28832, NOON - DAY / 2, NOON - DAY / 2) == [{"t": NOON - DAY / 2, "v": None}]
