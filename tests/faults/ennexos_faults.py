"""The faults of a device with ennexOS: those of fault_list that apply, and its own.

It is configured as most are: the session outlasts the scrape.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from fault_bench import Bench
from fault_case import PARAMETER_READ, READ, Case, Do, clear
from fault_doings import at, both, forget, itself_again_for_good, time_passes
from fault_list import CASES
from support.devices import NOON

from sma_exporter.simulator import EnnexosSimulator, faults
from sma_exporter.simulator.http_server import HTML

MODEL = "stp-x-15"
TOTAL, STATUS = "Measurement.Metering.TotWhOut", "Measurement.Operation.Health"
BEHIND, METER = "SD2P:0303-3023950529", "SD2P:0349-3037461517"

_PAGE = b"<!DOCTYPE html><html><title>Sunny Boy</title></html>"

#: What differs of a case, by its sentence; None where there is no such thing with ennexOS.
Differences = Mapping[str, Mapping[str, Any] | None]

#: The first login of all: later ones begin by renewing the session.
_AT_FIRST = {"first": True, "login": False}
#: A session was to be renewed, and no login was lost.
_RENEWAL = {"pause": 0.0}


def sends(channel: str, *entry: object) -> Do:
    """Have a channel of the device itself say something else; nothing where there is no entry."""

    def change(reply: Any) -> Any:
        for row in reply:
            if row["channelId"] == channel and row["componentId"] == "IGULD:SELF":
                row["values"] = [{**row["values"][0], "value": value} for value in entry]
        return reply

    return at(READ, faults.mutate(change))


def switched(**switches: object) -> Do:
    """Change the device's switches."""

    def do(bench: Bench) -> None:
        assert isinstance(bench.sick, EnnexosSimulator)
        bench.sick.switches = replace(bench.sick.switches, **switches)  # type: ignore[arg-type]

    return do


DIFFERENCES: Differences = {
    "Another kind of server answers at its address": _RENEWAL,
    "A header line without end": _RENEWAL,
    "A body without end": _RENEWAL,
    "It says “100 Continue” without end": _RENEWAL,
    "It never answers a login, until it is restarted": _AT_FIRST,
    "It answers a login so late that the scrape has ended, 20 scrapes in a row": None,
    "It takes longer for a login than for a read": _AT_FIRST,
    "It closes the connection instead of answering a login": _AT_FIRST,
    "It opens a session, and the answer is lost": _AT_FIRST,
    "It answers a login with an error page (HTTP 500)": _AT_FIRST,
    "It refuses the password": {"inflict": at("login", faults.status(400, b""))},
    "It refuses the password, in the words of other firmware (err 401)": None,
    "Somebody tries wrong passwords until it locks the account for a quarter of an hour": None,
    "It has two sessions only, and browsers hold both": None,
    "It has two sessions only, and a browser holds one": None,
    "It is starting, and does not know its login yet (err 404)": None,
    "It forgets the session during the read (err 401)": {
        "inflict": at(READ, faults.status(401), times=1)
    },
    "The same with err 403": {"inflict": at(READ, faults.status(403), times=1)},
    "It forgets every session at once (err 401)": {
        "inflict": at(READ, faults.status(401)),
        "reason": "authentication",
        "pause": 60.0,
    },
    "It has an error page for the values (HTTP 500)": {"reason": "protocol"},
    "It does not know the call for all values (err 404)": {
        "inflict": at(READ, faults.status(404)),
        "reason": "protocol",
    },
    "It does not know any call for values": None,
    "It gives no parameters at all": {
        "inflict": at(PARAMETER_READ, faults.status(404)),
        "lost": frozenset(),
        "new": frozenset(),
    },
    "It has become an ennexOS device: a web page": None,
    "It answers a login with nothing": {**_AT_FIRST, "reason": "protocol", "pause": 10.0},
    "It sends everybody to https": None,
    "It sends everybody to another host": {"reason": "protocol"},
    "It sends everybody to https, and that back": None,
    "It speaks TLS where http is configured": _RENEWAL,
    "Another device answers at its address, and no serial number is configured": {
        "heal": itself_again_for_good,
        "lost": frozenset(),  # who it is, is asked hourly
        "new": frozenset(),
    },
    "A lifetime total is 0 for a while": {"inflict": sends(TOTAL, 0)},
    "A lifetime total is null for a while": {"inflict": sends(TOTAL, None)},
    "A lifetime total is negative": {"inflict": sends(TOTAL, -5)},
    "A lifetime total falls": {"inflict": sends(TOTAL, 1)},
    "A lifetime total leaps": {"inflict": sends(TOTAL, 10**15)},
    "A lifetime total is a text": {"inflict": sends(TOTAL, "12345")},
    "A state that nobody knows": {"inflict": sends(STATUS, 4711)},
}

OWN = (
    Case(
        "A lifetime total has no value for a while",
        sends(TOTAL),
        lost=frozenset({"sma_yield_joules_total"}),
    ),
    Case(
        "It does not know its login (HTTP 404)",
        at("login", faults.status(404)),
        "unsupported",
        first=True,
    ),
    Case(
        "It never answers when the session is to be renewed",
        at("login", faults.hang()),
        "timeout",
        login=True,
        seconds=1.5,
    ),
    Case(
        "It takes longer to renew a session than for a read",
        at("login", faults.delay(0.7)),
        "timeout",
        login=True,
    ),
    Case(
        "It closes the connection instead of renewing the session",
        at("login", faults.drop()),
        "connection",
        login=True,
    ),
    Case(
        "It renews the session, and the answer is lost",
        both(time_passes(3000.0), at("login", faults.drop_after(), times=1)),
        "connection",
        unclaimed=1,
    ),
    Case(
        "It does not renew the session (HTTP 400)",
        at("login", faults.status(400, b""), times=1),
        login=True,
    ),
    Case(
        "It answers with an error page when the session is to be renewed (HTTP 500)",
        at("login", faults.status(500), times=1),
        login=True,
    ),
    Case(
        "It answers everything with a web page",
        at(None, faults.body(_PAGE, HTML)),
        "protocol",
        heal=both(clear, forget),
        login=True,
    ),
    Case(
        "It is starting, and answers everything with HTTP 503",
        at(None, faults.status(503)),
        "protocol",
    ),
    Case(
        "A device behind a Data Manager is off, and says nothing",
        switched(offline_since=NOON - 60),
        "connection",
        heal=switched(offline_since=None),
        model="data-manager",
        keys={"component": BEHIND},
    ),
    Case(
        "The same, and its channels have no value",
        switched(offline_since=NOON - 60, offline="without value"),
        "protocol",
        heal=switched(offline_since=None),
        model="data-manager",
        keys={"component": BEHIND},
    ),
)


def with_ennexos(cases: tuple[Case, ...], differences: Differences, session: str) -> Iterator[Case]:
    """Yield the same faults of a device with ennexOS."""
    for case in cases:
        different = differences.get(case.fault, {})
        if different is not None:
            keys = {**case.keys, "session": session}
            yield replace(case, **{"model": MODEL, "keys": keys, **different})


ENNEXOS_CASES = (
    *with_ennexos(CASES, DIFFERENCES, "keep"),
    *(
        replace(
            case,
            model=case.model if "component" in case.keys else MODEL,
            keys={**case.keys, "session": "keep"},
        )
        for case in OWN
    ),
)

#: With `session: scrape` there is always a login, which may be lost, and never a renewal.
SCRAPED_CASES = (
    *with_ennexos(
        CASES,
        {
            **{fault: {} if d is _RENEWAL else d for fault, d in DIFFERENCES.items()},
            "It sends everybody to another host": {"reason": "protocol", "pause": 10.0},
        },
        "scrape",
    ),
)
