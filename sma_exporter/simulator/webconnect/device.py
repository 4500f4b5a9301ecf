"""What a device with WebConnect answers: a reply for every request. Knows no sockets."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..http_server import HTML, SimulatedReply, SimulatedRequest, compact_json
from ..localtime import utc_offset
from .profiles import Profile, Values, WebConnectSite
from .sessions import INSTALLER, USER, AllSessionsTaken, Sessions, WrongPassword

NO_SESSION, NOT_SERVED, ALL_SESSIONS_TAKEN = 401, 404, 503


def as_json(content: object) -> SimulatedReply:
    """Return a reply with status 200, which the devices send with errors too."""
    return SimulatedReply(200, compact_json(content))


def error_reply(number: int) -> SimulatedReply:
    """Return an application error."""
    return as_json({"err": number})


def error_page(status: int, title: str) -> SimulatedReply:
    """Return an error page of the web server itself."""
    html = f"<html><head><title>{status} {title}</title></head><body><h1>{title}</h1></body></html>"
    return SimulatedReply(status, html.encode(), HTML)


@dataclass(frozen=True)
class Call:
    """What a call is told: the session's id, its group, and the body."""

    sid: str | None
    group: str | None
    body: Mapping[str, object]


@dataclass(frozen=True)
class WebConnectDevice:
    """Answers requests. `refusal`: the body for a wrong password, which depends on the firmware."""

    profile: Profile
    site: WebConnectSite
    sessions: Sessions
    clock: Callable[[], float]
    refusal: Mapping[str, object]

    def endpoint(self, path: str) -> str | None:
        """Return the name of a /dyn call, None for any other path."""
        name = path.removeprefix("/dyn/").removesuffix(".json")
        return name if path == f"/dyn/{name}.json" else None

    def handle(self, request: SimulatedRequest) -> SimulatedReply:
        """Return the reply to a request."""
        name = self.endpoint(request.path)
        if name is None:
            return missing(request.path)
        if request.method == "GET" and name in OPEN_TO_GET:
            return OPEN_TO_GET[name](self, Call(None, None, {}))
        body = parsed(request.body)
        if request.method != "POST" or body is None:
            return error_reply(NOT_SERVED)
        sid = request.query.get("sid")
        if name in OPEN:
            return OPEN[name](self, Call(sid, None, body))
        if name not in CLOSED:
            return error_reply(NOT_SERVED)
        group = self.sessions.group(sid)
        if group is None:
            return error_reply(NO_SESSION)
        return CLOSED[name](self, Call(sid, group, body))

    @property
    def uid(self) -> str:
        """The name of the device in a result."""
        return self.profile.uid(self.site)

    def result(self, content: Callable[[Profile], object]) -> SimulatedReply:
        """Return a reply with something about this device, and about those that answer with it."""
        profiles = (self.profile, *self.profile.others)
        return as_json({"result": {each.uid(self.site): content(each) for each in profiles}})

    def online_values(self, group: str = USER, profile: Profile | None = None) -> Values:
        """All online values that a group may see."""
        profile = profile or self.profile
        return self._visible(profile.online(self.site, self.clock()), group)

    def parameters(self, group: str = USER, profile: Profile | None = None) -> Values:
        """All parameters that a group may see."""
        profile = profile or self.profile
        return self._visible(profile.parameters(self.site, self.clock()), group)

    def _visible(self, values: Values, group: str) -> Values:
        if group == INSTALLER:
            return values
        hidden = self.profile.installer_groups
        return {key: value for key, value in values.items() if key[:4] not in hidden}


def missing(path: str) -> SimulatedReply:
    """Files are missing: newer firmware does not serve its language and metadata files either."""
    if path.startswith("/fs/"):
        return error_page(500, "Internal Server Error")
    return error_page(404, "Not Found")


def parsed(content: bytes) -> Mapping[str, object] | None:
    """Return the JSON object in a body; None if there is anything else, or nothing."""
    try:
        body = json.loads(content)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def plain_key(key: str) -> str:
    """Return a key without PySMA's index: "6380_40251E00_1" asks for all of "6380_40251E00"."""
    return "_".join(key.split("_")[:2])


def login(device: WebConnectDevice, call: Call) -> SimulatedReply:
    """{"right", "pass"} -> {"sid"}."""
    try:
        sid = device.sessions.login(call.body.get("right"), call.body.get("pass"))
    except WrongPassword:
        return as_json(device.refusal)
    except AllSessionsTaken:
        return error_reply(ALL_SESSIONS_TAKEN)
    return as_json({"result": {"sid": sid}})


def logout(device: WebConnectDevice, call: Call) -> SimulatedReply:
    """{} -> {"isLogin": false}."""
    known = device.sessions.logout(call.sid)
    return as_json({"result": {"isLogin": False}}) if known else error_reply(NO_SESSION)


def session_check(device: WebConnectDevice, call: Call) -> SimulatedReply:
    """{} -> free sessions, seconds of a blocked login, and for a valid sid the Grid Guard's."""
    content: dict[str, object] = {
        "cntFreeSess": device.sessions.free(),
        "cntDwnLogin": device.sessions.countdown(),
    }
    if device.sessions.group(call.sid) is not None:
        content["cntDwnGg"] = 0
    return as_json({"result": content})


def get_values(device: WebConnectDevice, call: Call) -> SimulatedReply:
    """{"keys"} -> those of them that the device knows."""
    wanted = call.body.get("keys")
    asked = {plain_key(str(key)) for key in wanted} if isinstance(wanted, list) else set()
    group = call.group or USER

    def content(profile: Profile) -> Values:
        known = {**device.parameters(group, profile), **device.online_values(group, profile)}
        return {key: value for key, value in known.items() if key in asked}

    return device.result(content)


def get_all_online_values(device: WebConnectDevice, call: Call) -> SimulatedReply:
    """{} -> every online value."""
    return device.result(lambda profile: device.online_values(call.group or USER, profile))


def get_all_parameters(device: WebConnectDevice, call: Call) -> SimulatedReply:
    """{} -> every parameter."""
    return device.result(lambda profile: device.parameters(call.group or USER, profile))


def get_logger(device: WebConnectDevice, call: Call) -> SimulatedReply:
    """{"key", "tStart", "tEnd"} -> a list of {"t", "v"}, or no list for an unknown logger."""
    numbers = [call.body.get(name) for name in ("key", "tStart", "tEnd")]
    if not all(isinstance(number, int) for number in numbers):
        return error_reply(NOT_SERVED)
    logger, start, end = (int(str(number)) for number in numbers)

    def content(profile: Profile) -> object:
        entries = profile.logger(device.site, logger, start, end, device.clock())
        return {} if entries is None else entries

    return device.result(content)


def get_time(device: WebConnectDevice, call: Call) -> SimulatedReply:  # noqa: ARG001 - all have one signature
    """{} -> Unix time and hours ahead of UTC."""
    now = device.clock()
    return device.result(lambda _: {"tm": int(now), "ofs": utc_offset(now) // 3600})


def get_dash_values(device: WebConnectDevice, call: Call) -> SimulatedReply:  # noqa: ARG001
    """{} -> the values of the dashboard, whatever keys are asked for."""
    return device.result(lambda profile: profile.dashboard(device.site, device.clock()))


def get_dash_logger(device: WebConnectDevice, call: Call) -> SimulatedReply:  # noqa: ARG001
    """{} -> loggers by the hex of their id."""
    return device.result(lambda profile: profile.dash_logger(device.site, device.clock()))


CallHandler = Callable[[WebConnectDevice, Call], SimulatedReply]
OPEN_TO_GET: Mapping[str, CallHandler] = {
    "getDashValues": get_dash_values,
    "getDashLogger": get_dash_logger,
    "getDashTime": get_time,
}
OPEN: Mapping[str, CallHandler] = {
    **OPEN_TO_GET,
    "login": login,
    "logout": logout,
    "sessionCheck": session_check,
}
CLOSED: Mapping[str, CallHandler] = {
    "getValues": get_values,
    "getAllOnlValues": get_all_online_values,
    "getAllParamValues": get_all_parameters,
    "getLogger": get_logger,
    "getTime": get_time,
}
