"""What a device with ennexOS answers: a reply for every request. Knows no sockets."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote

from ..http_server import HTML, SimulatedReply, SimulatedRequest, compact_json
from ..quantities import Site
from .components import Json
from .history import ONE_DAY, STEPS, Query
from .profiles import PLANT, Profile
from .switches import Switches, View
from .tokens import ADMINISTRATOR, Refused, Tokens

JSON = "application/json"
TEXT = "text/plain"
ROOT = "/api/v1/"
DEVICES = f"plants/{PLANT}/devices"
LANDING_PAGE = b"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>SMA</title>
<base href="/webui/"></head><body><app-root></app-root>
<script src="runtime.0123456789abcdef.js" type="module"></script></body></html>
"""
HEADERS = (
    ("Cache-Control", "no-cache,no-store,must-revalidate"),
    ("Access-Control-Allow-Credentials", "true"),
)


class Failed(Exception):
    """A request is answered with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def answer(
    status: int, body: bytes = b"", content_type: str = JSON, *more: tuple[str, str]
) -> SimulatedReply:
    """Return a reply with the headers that all have."""
    return SimulatedReply(status, body, content_type, (*HEADERS, *more))


def as_json(content: object) -> SimulatedReply:
    """Return a reply with status 200."""
    return answer(200, compact_json(content))


@dataclass
class EnnexosDevice:
    """Answers requests. `switches` may be exchanged at any time."""

    profile: Profile
    site: Site
    tokens: Tokens
    clock: Callable[[], float]
    switches: Switches

    def endpoint(self, path: str) -> str | None:
        """Return what stands behind /api/v1/ in a path, None for any other path."""
        name = unquote(path)
        return name.removeprefix(ROOT).rstrip("/") if name.startswith(ROOT) else None

    def handle(self, request: SimulatedRequest) -> SimulatedReply:
        """Return the reply to a request."""
        name = self.endpoint(request.path)
        if name is None:
            known = request.path in ("/", "/webui", "/webui/") or request.path.startswith("/dyn/")
            page = LANDING_PAGE if known else b"<html><body>404 Not Found</body></html>"
            return answer(200 if known else 404, page, HTML)
        try:
            reply = self._api(request, name)
        except Failed as problem:
            reply = answer(problem.status)
        origin = request.headers.get("Origin")
        allowed = (("Access-Control-Allow-Origin", origin),) if origin else ()
        return SimulatedReply(
            reply.status, reply.body, reply.content_type, (*reply.headers, *allowed)
        )

    def _api(self, request: SimulatedRequest, name: str) -> SimulatedReply:
        if (request.method, name) in OPEN:
            return OPEN[request.method, name](self, request)
        scheme, _, token = (request.headers.get("Authorization") or "").partition(" ")
        role = self.tokens.role(token.strip()) if scheme.lower() == "bearer" else None
        if role is None:
            return self._unauthorized()
        if (request.method, name) in CLOSED:
            return CLOSED[request.method, name](self, request, self.view(role))
        if request.method == "GET" and name.startswith(DEVICES + "/"):
            component = name.removeprefix(DEVICES + "/")
            return found(self.profile.device(self.view(role), component))
        raise Failed(404)

    def _unauthorized(self) -> SimulatedReply:
        if self.switches.unauthorized == "json":
            return answer(401, compact_json({"error": "invalid_token"}))
        return answer(401, b"Unauthorized", TEXT)

    def view(self, role: str = ADMINISTRATOR) -> View:
        """Return the site now, as a role sees it."""
        return View(self.site, self.clock(), role, self.switches)

    def of_component(self, found: list[Json] | None) -> list[Json]:
        """Return what there is of a component; of an unknown one nothing, or Failed."""
        if found is not None:
            return found
        unknown = self.switches.unknown_component
        if unknown == "empty":
            return []
        raise Failed(int(unknown))


def found(content: object) -> SimulatedReply:
    """Return a reply with the content; 404 if there is none."""
    if content is None:
        raise Failed(404)
    return as_json(content)


def parsed(request: SimulatedRequest) -> Any:
    """Return the JSON in a body."""
    try:
        return json.loads(request.body)
    except ValueError:
        raise Failed(400) from None


def queried(content: object) -> list[Mapping[str, object]]:
    """Return the items of a query, which all name a component."""
    if not isinstance(content, list):
        raise Failed(400)
    for item in content:
        if not isinstance(item, dict) or not isinstance(item.get("componentId"), str):
            raise Failed(400)
    return content


# Without a login


def token(device: EnnexosDevice, request: SimulatedRequest) -> SimulatedReply:
    """Form of user name and password, or of a refresh token -> a set of tokens."""
    form = {
        name: values[0]
        for name, values in parse_qs(request.body.decode("latin-1"), keep_blank_values=True).items()
    }
    if not form or "json" in request.headers.get("Content-Type", ""):
        return answer(500)
    try:
        match form.get("grant_type"):
            case "password":
                tokens = device.tokens.login(form.get("username"), form.get("password"))
            case "refresh_token":
                tokens = device.tokens.refresh(form.get("refresh_token"))
            case _:
                return answer(400)
    except Refused:
        return answer(400)
    content = {
        "access_token": tokens.access,
        "expires_in": tokens.expires_in,
        "refresh_token": tokens.refresh,
        "token_type": "Bearer",
        "uiIdleTime": 900,
    }
    cookie = f"JSESSIONID={secrets.token_hex(16)}; Path=/; HttpOnly"
    return answer(200, compact_json(content), JSON, ("Set-Cookie", cookie))


def system_info(device: EnnexosDevice, request: SimulatedRequest) -> SimulatedReply:  # noqa: ARG001 - all have one signature
    """Return the product, by its tag."""
    return found(device.profile.system_info(device.view()))


# With a token


def log_out(device: EnnexosDevice, request: SimulatedRequest, view: View) -> SimulatedReply:  # noqa: ARG001
    """End the session of a refresh token."""
    if not device.tokens.logout(request.query.get("refreshToken")):
        raise Failed(404)
    return answer(204)


def plant(device: EnnexosDevice, request: SimulatedRequest, view: View) -> SimulatedReply:  # noqa: ARG001
    """Return the plant."""
    return found(device.profile.plant(view))


def devices(device: EnnexosDevice, request: SimulatedRequest, view: View) -> SimulatedReply:  # noqa: ARG001
    """Return all devices of the plant."""
    return found(device.profile.devices(view))


def navigation(device: EnnexosDevice, request: SimulatedRequest, view: View) -> SimulatedReply:
    """Return the plant, or what is below a component."""
    whole, parent = device.profile.plant(view), request.query.get("parentId")
    if parent is None:
        name = whole.get("name") if whole else PLANT
        return as_json([{"componentId": PLANT, "componentType": "Plant", "name": name}])
    listed = device.profile.devices(view) if parent == PLANT else None
    return as_json(
        [
            {
                "componentId": each.get("deviceId"),
                "componentType": "Device",
                "name": each.get("name"),
            }
            for each in listed or []
        ]
    )


def feature_toggles(device: EnnexosDevice, request: SimulatedRequest, view: View) -> SimulatedReply:  # noqa: ARG001
    """Return no features."""
    return as_json([])


def live(device: EnnexosDevice, request: SimulatedRequest, view: View) -> SimulatedReply:
    """[{"componentId", "channelId"?}, …] -> the newest values."""
    entries: list[Json] = []
    for item in queried(parsed(request)):
        channel = item.get("channelId")
        known = device.of_component(device.profile.live(view, str(item["componentId"])))
        entries += [each for each in known if channel in (None, each["channelId"])]
    return as_json(sorted(entries, key=lambda each: str(each["channelId"])))


def search_parameters(
    device: EnnexosDevice, request: SimulatedRequest, view: View
) -> SimulatedReply:
    """{"queryItems": [{"componentId", "channelId"?}, …]} -> the parameters of each component."""
    content = parsed(request)
    reply = []
    for item in queried(content.get("queryItems") if isinstance(content, dict) else None):
        component, channel = str(item["componentId"]), item.get("channelId")
        values = device.profile.parameters(view, component)
        if values is None:
            device.of_component(None)
            continue
        chosen = [each for each in values if channel in (None, each["channelId"])]
        reply.append({"componentId": component, "values": chosen})
    return as_json(reply)


def search_measurements(
    device: EnnexosDevice, request: SimulatedRequest, view: View
) -> SimulatedReply:
    """See `Query` -> what was measured in each interval."""
    content = parsed(request)
    reply = []
    for item in queried(content.get("queryItems") if isinstance(content, dict) else None):
        component = str(item["componentId"])
        if device.profile.live(view, component) is None:
            device.of_component(None)
            continue
        entry = device.profile.history(view, component, query(content, item))
        if entry is not None:
            reply.append(entry)
    return as_json(reply)


def query(content: Mapping[str, object], item: Mapping[str, object]) -> Query:
    """Return what is asked of the history."""
    resolution, aggregate = item.get("resolution"), item.get("aggregate")
    if resolution not in (*STEPS, ONE_DAY) or aggregate not in ("Avg", "Dif"):
        raise Failed(400)
    begin, end = (moment(content.get(name)) for name in ("dateTimeBegin", "dateTimeEnd"))
    zone = str(item.get("timezone", "UTC"))
    return Query(str(item.get("channelId")), str(resolution), str(aggregate), zone, begin, end)


def moment(text: object) -> float:
    """Return the Unix time of ISO text."""
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        raise Failed(400) from None
    if time.tzinfo is None:
        raise Failed(400)
    return time.timestamp()


OpenHandler = Callable[[EnnexosDevice, SimulatedRequest], SimulatedReply]
ClosedHandler = Callable[[EnnexosDevice, SimulatedRequest, View], SimulatedReply]
OPEN: Mapping[tuple[str, str], OpenHandler] = {
    ("POST", "token"): token,
    ("GET", "system/info"): system_info,
}
CLOSED: Mapping[tuple[str, str], ClosedHandler] = {
    ("DELETE", "refreshtoken"): log_out,
    ("GET", f"plants/{PLANT}"): plant,
    ("GET", DEVICES): devices,
    ("GET", "navigation"): navigation,
    ("GET", "featuretoggles"): feature_toggles,
    ("POST", "measurements/live"): live,
    ("POST", "measurements/search"): search_measurements,
    ("POST", "parameters/search"): search_parameters,
}
