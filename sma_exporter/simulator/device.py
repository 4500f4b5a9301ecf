"""The WebConnect behaviour of a device: a reply for every request. Knows no sockets."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .localtime import utc_offset
from .profiles import Profile, Values
from .sessions import INSTALLER, USER, AllSessionsTaken, Sessions, WrongPassword
from .sources import Site

JSON = "application/json;"  # the semicolon is the devices' own
HTML = "text/html"

NO_SESSION, NOT_SERVED, ALL_SESSIONS_TAKEN = 401, 404, 503


@dataclass(frozen=True)
class Reply:
    """An HTTP reply. `headers` are those besides content type and length."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


def as_json(content: object) -> Reply:
    """Return a reply with status 200, as the devices send it for errors too."""
    return Reply(200, json.dumps(content, separators=(",", ":")).encode())


def error(number: int) -> Reply:
    """Return an application error."""
    return as_json({"err": number})


def page(status: int, title: str) -> Reply:
    """Return an error page of the web server itself."""
    html = f"<html><head><title>{status} {title}</title></head><body><h1>{title}</h1></body></html>"
    return Reply(status, html.encode(), HTML)


def endpoint(path: str) -> str | None:
    """Return the name of a /dyn call, None for any other path."""
    name = path.removeprefix("/dyn/").removesuffix(".json")
    return name if path == f"/dyn/{name}.json" else None


@dataclass(frozen=True)
class Request:
    """What a call needs to know: the session's id, its group, and the body."""

    sid: str | None
    group: str | None
    body: Mapping[str, object]


@dataclass(frozen=True)
class Device:
    """Answers requests. `refusal` is the body for a refused password; firmware differs there."""

    profile: Profile
    site: Site
    sessions: Sessions
    clock: Callable[[], float]
    refusal: Mapping[str, object] = field(default_factory=lambda: {"result": {"sid": None}})

    def handle(self, method: str, path: str, sid: str | None, content: bytes) -> Reply:
        """Return the reply to a request."""
        name = endpoint(path)
        if name is None:
            return missing(path)
        if method == "GET" and name in OPEN_TO_GET:
            return OPEN_TO_GET[name](self, Request(None, None, {}))
        body = parsed(content)
        if method != "POST" or body is None:
            return error(NOT_SERVED)
        if name in OPEN:
            return OPEN[name](self, Request(sid, None, body))
        if name not in CLOSED:
            return error(NOT_SERVED)
        group = self.sessions.group(sid)
        if group is None:
            return error(NO_SESSION)
        return CLOSED[name](self, Request(sid, group, body))

    def result(self, content: object) -> Reply:
        """Return a reply with something about this device."""
        return as_json({"result": {self.profile.uid(self.site): content}})

    def online_values(self, group: str = USER) -> Values:
        """All online values that a group may see."""
        return self._visible(self.profile.online(self.site, self.clock()), group)

    def parameters(self, group: str = USER) -> Values:
        """All parameters that a group may see."""
        return self._visible(self.profile.parameters(self.site, self.clock()), group)

    def _visible(self, values: Values, group: str) -> Values:
        if group == INSTALLER:
            return values
        hidden = self.profile.installer_groups
        return {key: value for key, value in values.items() if key[:4] not in hidden}


def missing(path: str) -> Reply:
    """Files are gone: the language and metadata files too, as in newer firmware."""
    if path.startswith("/fs/"):
        return page(500, "Internal Server Error")
    return page(404, "Not Found")


def parsed(content: bytes) -> Mapping[str, object] | None:
    """Return the JSON object in a request's body, None for anything else, as an empty body."""
    try:
        body = json.loads(content)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def plain_key(key: str) -> str:
    """Return a key less PySMA's index: "6380_40251E00_1" asks for all of "6380_40251E00"."""
    return "_".join(key.split("_")[:2])


def login(device: Device, request: Request) -> Reply:
    """{"right", "pass"} -> {"sid"}."""
    try:
        sid = device.sessions.login(request.body.get("right"), request.body.get("pass"))
    except WrongPassword:
        return as_json(device.refusal)
    except AllSessionsTaken:
        return error(ALL_SESSIONS_TAKEN)
    return as_json({"result": {"sid": sid}})


def logout(device: Device, request: Request) -> Reply:
    """{} -> {"isLogin": false}."""
    known = device.sessions.logout(request.sid)
    return as_json({"result": {"isLogin": False}}) if known else error(NO_SESSION)


def session_check(device: Device, request: Request) -> Reply:
    """{} -> free sessions, seconds of a blocked login, and for a valid sid the Grid Guard's."""
    content: dict[str, object] = {
        "cntFreeSess": device.sessions.free(),
        "cntDwnLogin": device.sessions.countdown(),
    }
    if device.sessions.group(request.sid) is not None:
        content["cntDwnGg"] = 0
    return as_json({"result": content})


def get_values(device: Device, request: Request) -> Reply:
    """{"keys"} -> those of them that the device knows."""
    wanted = request.body.get("keys")
    asked = {plain_key(str(key)) for key in wanted} if isinstance(wanted, list) else set()
    group = request.group or USER
    known = {**device.parameters(group), **device.online_values(group)}
    return device.result({key: value for key, value in known.items() if key in asked})


def get_all_online_values(device: Device, request: Request) -> Reply:
    """{} -> every online value."""
    return device.result(device.online_values(request.group or USER))


def get_all_parameters(device: Device, request: Request) -> Reply:
    """{} -> every parameter."""
    return device.result(device.parameters(request.group or USER))


def get_logger(device: Device, request: Request) -> Reply:
    """{"key", "tStart", "tEnd"} -> a list of {"t", "v"}, or no list for an unknown logger."""
    numbers = [request.body.get(name) for name in ("key", "tStart", "tEnd")]
    if not all(isinstance(number, int) for number in numbers):
        return error(NOT_SERVED)
    logger, start, end = (int(str(number)) for number in numbers)
    entries = device.profile.logger(device.site, logger, start, end, device.clock())
    return device.result({} if entries is None else entries)


def get_time(device: Device, request: Request) -> Reply:  # noqa: ARG001 - calls look alike
    """{} -> Unix time and hours ahead of UTC."""
    now = device.clock()
    return device.result({"tm": int(now), "ofs": utc_offset(now) // 3600})


def get_dash_values(device: Device, request: Request) -> Reply:  # noqa: ARG001
    """{} -> the dashboard's selection, whatever keys are asked for."""
    return device.result(device.profile.dashboard(device.site, device.clock()))


def get_dash_logger(device: Device, request: Request) -> Reply:  # noqa: ARG001
    """{} -> loggers by the hex of their id."""
    return device.result(device.profile.dash_logger(device.site, device.clock()))


Call = Callable[[Device, Request], Reply]
OPEN_TO_GET: Mapping[str, Call] = {
    "getDashValues": get_dash_values,
    "getDashLogger": get_dash_logger,
    "getDashTime": get_time,
}
OPEN: Mapping[str, Call] = {
    **OPEN_TO_GET,
    "login": login,
    "logout": logout,
    "sessionCheck": session_check,
}
CLOSED: Mapping[str, Call] = {
    "getValues": get_values,
    "getAllOnlValues": get_all_online_values,
    "getAllParamValues": get_all_parameters,
    "getLogger": get_logger,
    "getTime": get_time,
}
