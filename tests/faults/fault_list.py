"""The faults of one device, a row each. What replies may look like, on every model, is in fault_shapes."""

from fault_bench import PASSWORDS, SICK
from fault_case import PARAMETER_READ, READ, Case, clear
from fault_doings import (
    at,
    authority,
    back_to_http,
    both,
    browsers_log_in,
    browsers_log_out,
    by_name,
    elsewhere,
    fingerprints,
    forget,
    front_of,
    healed,
    itself_again,
    itself_again_and_read,
    itself_again_for_good,
    name_service_hangs,
    nameless,
    nothing,
    off,
    on,
    once_it_strikes,
    other_server,
    password_file,
    password_file_says,
    replaced_by,
    secure,
    somebody_guesses,
    the_other_server_goes,
    time_passes,
    wall_clock_moves,
)
from other_servers import banner, continues, endless_body, endless_header
from support.devices import STATUS, TOTAL, sending

from sma_exporter import config
from sma_exporter.simulator import faults
from sma_exporter.simulator.faults import SendReply
from sma_exporter.simulator.http_server import HTML, JSON, SimulatedReply

_SLOW = 2.0  # longer than a request may take
_HANGS = 1.5  # what Prometheus waits where nothing else would end the scrape
_LOST = 10.0  # the pause after a login without an answer
_NO_LOGIN = {"pause": 0.0}  # a kept session: a read was lost, not a login
_DAY = 86_400.0
_YEAR = 365 * _DAY
_YIELD = frozenset({"sma_yield_joules_total"})

_NAMELESS = 'sma_device_info{device="roof",manufacturer="",model="",name="",plant="",serial="",sw_version=""}'
_REPLACED = (
    'sma_device_info{device="roof",manufacturer="SMA",model="Sunny Boy 3.6",'
    'name="SB3.6-1AV-41 001",plant="",serial="3004711001",sw_version="4.0.55.R"}'
)
_ENNEXOS = b"<!DOCTYPE html><html><title>Sunny Tripower X</title></html>"
_MANY_HEADERS = SimulatedReply(200, b"{}", JSON, tuple((f"X-{n}", "x") for n in range(200)))


def _total(value: object, fault: str) -> Case:
    return Case(fault, at(READ, faults.mutate(sending({TOTAL: value}))), lost=_YIELD)


CONNECTIONS = (
    Case("It is switched off", off, "connection", heal=on),
    Case(
        "It loses power while it is read, and has forgotten its sessions when it is back",
        at(READ, faults.delay(_SLOW), times=1),
        "connection",
        during=once_it_strikes(off),
        heal=both(forget, on),
    ),
    Case(
        "The network is lost during a read; its session is still open afterwards",
        at(READ, faults.delay(_SLOW), times=1),
        "connection",
        during=once_it_strikes(off),
        heal=on,
    ),
    Case("It takes the connection and never answers", at(READ, faults.hang()), "timeout"),
    Case("It never answers, but does when asked again", at(READ, faults.hang(), times=1)),
    Case("It closes the connection without an answer", at(READ, faults.drop()), "connection"),
    Case("It closes the connection once", at(READ, faults.drop(), times=1)),
    Case(
        "It does the work, and closes the connection without an answer",
        at(READ, faults.drop_after()),
        "connection",
    ),
    Case(
        "The connection is reset in the middle of the answer",
        at(READ, faults.reset()),
        "connection",
    ),
    Case(
        "The connection ends in the middle of the answer",
        at(READ, faults.truncate(0.5)),
        "connection",
    ),
    Case(
        "It announces fewer bytes than it sends",
        at(READ, faults.wrong_content_length()),
        "protocol",
    ),
    Case(
        "It announces more bytes than it sends, and waits", at(READ, faults.withhold()), "timeout"
    ),
    Case("It sends its answer byte by byte", at(READ, faults.drip(0.05)), "timeout"),
    Case(
        "It sends the body of its answer byte by byte",
        at(READ, faults.drip(0.02, part="body")),
        "timeout",
    ),
    Case("It sends its answers in small pieces", at(None, faults.drip(0, chunk=50))),
    Case("It takes a fifth of a second for everything", at(None, faults.delay(0.2))),
    Case("It sends 200 header lines", at(READ, SendReply(_MANY_HEADERS)), "connection"),
    Case(
        "Another kind of server answers at its address",
        other_server(banner),
        "connection",
        heal=the_other_server_goes,
        login=True,
        pause=_LOST,
        kept=_NO_LOGIN,
    ),
    Case(
        "A header line without end",
        other_server(endless_header),
        "connection",
        heal=the_other_server_goes,
        login=True,
        pause=_LOST,
        kept=_NO_LOGIN,
    ),
    Case(
        "A body without end",
        other_server(endless_body),
        "protocol",
        heal=the_other_server_goes,
        login=True,
        pause=_LOST,
        kept=_NO_LOGIN,
    ),
    Case(
        "It says “100 Continue” without end",
        other_server(continues),
        "protocol",
        heal=the_other_server_goes,
        login=True,
        pause=_LOST,
        kept=_NO_LOGIN,
        seconds=_HANGS,
    ),
)

LOGINS = (
    Case(
        "It never answers a login, until it is restarted",
        at("login", faults.hang()),
        "timeout",
        heal=both(off, forget, on),
        login=True,
        pause=_LOST,
        seconds=_HANGS,
    ),
    Case(
        "It answers a login so late that the scrape has ended, 20 scrapes in a row",
        at("login", faults.delay(0.9)),
        "timeout",
        scrapes=20,
        login=True,
        keys={"timeout": 0.2},
        seconds=1.2,
        kept=None,  # the first of these logins serves all scrapes
    ),
    Case("It takes longer for a login than for a read", at("login", faults.delay(0.7)), login=True),
    Case(
        "It closes the connection instead of answering a login",
        at("login", faults.drop()),
        "connection",
        login=True,
        pause=_LOST,
    ),
    Case(
        "It opens a session, and the answer is lost",
        at("login", faults.drop_after()),
        "connection",
        login=True,
        pause=_LOST,
        unclaimed=1,
    ),
    Case(
        "It answers a login with an error page (HTTP 500)",
        at("login", faults.status(500)),
        "protocol",
        login=True,
        pause=_LOST,
    ),
    Case(
        "It refuses the password",
        at("login", faults.body(b'{"result":{"sid":null}}')),
        "authentication",
        login=True,
        pause=60.0,
    ),
    Case(
        "It refuses the password, in the words of other firmware (err 401)",
        at("login", faults.error(401)),
        "authentication",
        login=True,
        pause=60.0,
    ),
    Case(
        "Its password is changed, and a minute later the file with it",
        replaced_by(password="Roof-NEW99"),
        "authentication",
        heal=password_file_says("Roof-NEW99"),
        login=True,
        keys={"password_file": password_file},
    ),
    Case(
        "The file with its password cannot be read",
        password_file_says(None),
        "authentication",
        heal=password_file_says(PASSWORDS[SICK]),
        login=True,
        keys={"password_file": password_file},
    ),
    Case(
        "Somebody tries wrong passwords until it locks the account for a quarter of an hour",
        somebody_guesses,
        "authentication",
        heal=nothing,
        login=True,
        pause=900.0,
        options={"lockout_after": 3},
    ),
    Case(
        "It has two sessions only, and browsers hold both",
        browsers_log_in(2),
        "session_limit",
        heal=browsers_log_out,
        login=True,
        pause=10.0,
        options={"max_sessions": 2},
    ),
    Case(
        "It has two sessions only, and a browser holds one",
        browsers_log_in(1),
        heal=browsers_log_out,
        login=True,
        options={"max_sessions": 2},
        browsers=1,
    ),
    Case(
        "It is starting, and does not know its login yet (err 404)",
        at("login", faults.error(404)),
        "connection",
        login=True,
    ),
)

SESSIONS = (
    Case("It forgets the session during the read (err 401)", at(READ, faults.error(401), times=1)),
    Case("The same with err 403", at(READ, faults.error(403), times=1)),
    Case("It forgets every session at once (err 401)", at(READ, faults.error(401)), "protocol"),
    Case(
        "It does not answer logouts, five scrapes in a row", at("logout", faults.drop()), scrapes=5
    ),
    Case("It takes long to answer a logout", at("logout", faults.delay(_SLOW / 4))),
    Case("It refuses logouts (HTTP 500)", at("logout", faults.status(500)), scrapes=5),
)

CALLS = (
    Case("It has an error page for the values (HTTP 500)", at(READ, faults.status(500, _ENNEXOS))),
    Case("It does not know the call for all values (err 404)", at(READ, faults.error(404))),
    Case(
        "It does not know any call for values",
        both(at(READ, faults.error(404)), at(PARAMETER_READ, faults.error(404))),
        "protocol",
    ),
    Case("It cannot give all parameters", at("getAllParamValues", faults.status(500)), first=True),
    Case(
        "It gives no parameters at all",
        at(PARAMETER_READ, faults.error(404)),
        heal=both(clear, time_passes(60.0)),  # they are asked for again after a minute
        first=True,
        lost=frozenset(
            {
                "sma_device_info",
                "sma_grid_connection_power_limit_ratio",
                "sma_grid_connection_power_limit_watts",
                "sma_inverter_system_init",
                "sma_meter_info",
                "sma_rated_power_watts",
            }
        ),
        new=frozenset({_NAMELESS, 'sma_meter_info{device="roof",serial=""}'}),
    ),
    Case(
        "It has become an ennexOS device: a web page",
        at(None, faults.body(_ENNEXOS, HTML)),
        "unsupported",
        login=True,
    ),
    Case(
        "It answers a login with nothing", at("login", faults.body(b"")), "unsupported", login=True
    ),
)

REDIRECTS = (
    Case(
        "It sends everybody to https",
        nothing,
        first=True,
        options={"tls": lambda bench: bench.certificates.good},
        keys={"url": front_of, "tls": config.TlsSettings(verify=False)},
    ),
    Case("It sends everybody to another host", elsewhere, "connection", unasked=True),
    Case(
        "It sends everybody to https, and that back",
        back_to_http,
        "connection",
        login=True,
        options={"tls": lambda bench: bench.certificates.good},
        keys={"url": front_of, "tls": config.TlsSettings(verify=False)},
    ),
)

VALUES = (
    _total(0, "A lifetime total is 0 for a while"),
    _total(None, "A lifetime total is null for a while"),
    _total(-5, "A lifetime total is negative"),
    _total(1, "A lifetime total falls"),
    _total(10**15, "A lifetime total leaps"),
    _total("12345", "A lifetime total is a text"),
    Case(
        "A state that nobody knows",
        at(READ, faults.mutate(sending({STATUS: [{"tag": 4711}]}))),
        changed=frozenset({"sma_status"}),
        new=frozenset({'sma_status{device="roof",sma_status="tag_4711"}'}),
    ),
)

CERTIFICATES = (
    *(
        Case(
            fault,
            replaced_by(tls=tls),
            "tls",
            heal=itself_again,
            login=True,
            unasked=True,
            options={"tls": lambda bench: bench.certificates.good},
            keys={"tls": secure(ca_file=authority)},
        )
        for fault, tls in {
            "Its certificate has expired": lambda bench: bench.certificates.expired,
            "Its certificate is for another name": lambda bench: bench.certificates.other_name,
            "Its certificate is signed by somebody else": lambda bench: bench.certificates.unknown,
            "It speaks plain http where https is configured": None,
        }.items()
    ),
    Case(
        "Its certificate is another one than the pinned one",
        replaced_by(tls=lambda bench: bench.certificates.renewed),
        "certificate_pin",
        heal=itself_again,
        login=True,
        unasked=True,
        options={"tls": lambda bench: bench.certificates.good},
        keys={"tls": secure(fingerprints=fingerprints)},
    ),
    Case(
        "It never answers the TLS handshake",
        other_server(tuple),
        "timeout",
        heal=the_other_server_goes,
        login=True,
        seconds=_HANGS,
        options={"tls": lambda bench: bench.certificates.good},
        keys={"tls": secure(fingerprints=fingerprints)},
    ),
    Case(
        "It speaks TLS where http is configured",
        replaced_by(tls=lambda bench: bench.certificates.good),
        "connection",
        heal=itself_again,
        login=True,
        pause=_LOST,
        kept=_NO_LOGIN,
    ),
)

IDENTITIES = (
    Case(
        "Another device answers at its address, and its serial number is configured",
        replaced_by(serial=3_004_711_001),
        "identity",
        heal=itself_again,
        keys={"serial": lambda bench: str(bench.sick.serial)},
        login=True,
    ),
    Case(
        "Another device answers at its address, and no serial number is configured",
        replaced_by(serial=3_004_711_001),
        heal=itself_again_and_read,
        scrapes=2,  # a serial number that is told once may be wrong
        lost=frozenset({"sma_device_info"}),
        new=frozenset({_REPLACED}),
        login=True,
        kept={"heal": itself_again_for_good},
    ),
)

MACHINE = (
    Case(
        "Its name cannot be resolved",
        nameless,
        "connection",
        heal=healed,
        login=True,
        keys={"url": by_name},
    ),
    Case(
        "The name service does not answer",
        name_service_hangs,
        "timeout",
        heal=healed,
        login=True,
        keys={"url": by_name},
        seconds=_HANGS,
    ),
    Case(
        "The exporter's clock is put ahead by a year",
        wall_clock_moves(_YEAR),
        heal=wall_clock_moves(-_YEAR),
    ),
    Case(
        "The exporter's clock is put back by a year",
        wall_clock_moves(-_YEAR),
        heal=wall_clock_moves(_YEAR),
    ),
    Case("The exporter's machine sleeps for a day", time_passes(_DAY)),
)

CASES = (
    *CONNECTIONS,
    *LOGINS,
    *SESSIONS,
    *CALLS,
    *REDIRECTS,
    *CERTIFICATES,
    *IDENTITIES,
    *VALUES,
    *MACHINE,
)
