"""A fake device with ennexOS on a bare socket: it shares no code with the client or with the simulator."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from .raw_devices import Answer, Call, RawDevice, reply

SELF, PLANT = "IGULD:SELF", "Plant:1"
USER, PASSWORD = "owner", "Sunny-1234"
SERIAL = "3010000001"

Row = dict[str, Any]


def row(channel: str, value: object, component: str = SELF, time: str | None = None) -> Row:
    """A channel in a reply to measurements/live; a list makes an array."""
    is_array = isinstance(value, list)
    entry = {"time": time or "2025-06-14T11:00:00.000Z", "values" if is_array else "value": value}
    name = f"Measurement.{channel}" + ("[]" if is_array else "")
    return {"channelId": name, "componentId": component, "values": [entry]}


def parameter(name: str, value: object) -> Row:
    """A parameter in a reply to parameters/search; a list makes an array."""
    content = {"values": value} if isinstance(value, list) else {"value": value}
    return {"channelId": f"Parameter.{name}", "editable": False, "state": "Confirmed", **content}


class EnnexosFake(RawDevice):
    """A device with the channels `rows`, the `devices` of its plant, and `parameters`, by component.

    `answers` replaces what some paths behind /api/v1/ answer (a function of the call; its bytes, or None
    to close). `tokens` are the access tokens that it takes, `refresh_tokens` those that bring new ones.
    """

    def __init__(self, *rows: Row, password: str = PASSWORD, **options: Any) -> None:
        self.rows: list[Row] = list(rows or [row("GridMs.TotW", 1200)])
        self.devices: dict[str, Any] = {SELF: {"deviceId": SELF, "serial": SERIAL}}
        self.parameters: dict[str, list[Row]] = {}
        self.password = password
        self.life: object = 3600
        self.tokens: set[str] = set()
        self.refresh_tokens: set[str] = set()
        self.logins = self.refreshes = self.logouts = 0
        self.answers: dict[str, Answer] = {}
        super().__init__(self._as_asked, **options)

    def paths(self) -> list[str]:
        """What was asked so far, without /api/v1/; a login is "login", a renewal "refresh"."""
        return [self._named(call) for call in self.calls]

    def count(self, path: str) -> int:
        return self.paths().count(path)

    def bodies(self, path: str) -> list[Any]:
        """The JSON that was sent to a path."""
        return [call.payload for call in self.calls if path_of(call) == path]

    def token_reply(self) -> dict[str, object]:
        """New tokens, as `token` answers them."""
        number = self.logins + self.refreshes
        access, refresh = f"access/{number}+=", f"refresh/{number}+="
        self.tokens.add(access)
        self.refresh_tokens.add(refresh)
        tokens = {"access_token": access, "refresh_token": refresh, "token_type": "Bearer"}
        return tokens | {"expires_in": self.life, "uiIdleTime": 900}

    def expire(self) -> None:
        """Forget all access tokens."""
        self.tokens.clear()

    def restart(self) -> None:
        """Forget all tokens."""
        self.tokens.clear()
        self.refresh_tokens.clear()

    def usual(self, call: Call) -> bytes | None:
        """What a healthy device answers."""
        path = path_of(call)
        if path == "system/info":
            return reply({"productFriendlyNameTagId": 9491})
        if path == "token":
            return self._token(form_of(call))
        head = call.head.decode("latin-1").splitlines()
        bearers = [line[22:] for line in head if line.startswith("Authorization: Bearer ")]
        if not self.tokens & {*bearers}:
            return reply(b"Unauthorized", 401)
        if path == "refreshtoken":
            self.logouts += 1
            self.restart()
            return reply(b"", 204)
        if path == "plants/Plant:1/devices":
            return reply([*self.devices.values()])
        if path.startswith("plants/Plant:1/devices/"):
            found = self.devices.get(path.removeprefix("plants/Plant:1/devices/"))
            return reply(b"", 404) if found is None else reply(found)
        if path == "measurements/live":
            asked = {item["componentId"] for item in call.payload}
            return reply([each for each in self.rows if each["componentId"] in asked])
        if path == "parameters/search":
            asked = {item["componentId"] for item in call.payload["queryItems"]}
            groups = self.parameters.items()
            return reply([{"componentId": c, "values": v} for c, v in groups if c in asked])
        return reply(b"", 404)

    def _as_asked(self, call: Call) -> bytes | None:
        for name in (self._named(call), path_of(call)):
            if name in self.answers:
                return self.answers[name](call)
        return self.usual(call)

    def _named(self, call: Call) -> str:
        path = path_of(call)
        if path != "token":
            return path
        return {"password": "login"}.get(form_of(call).get("grant_type", ""), "refresh")

    def _token(self, form: Mapping[str, str]) -> bytes:
        if form.get("grant_type") == "password":
            if (form["username"], form["password"]) != (USER, self.password):
                return reply(b"", 400)
            self.logins += 1
        else:
            if form.get("refresh_token") not in self.refresh_tokens:
                return reply(b"", 400)
            self.refresh_tokens.discard(form["refresh_token"])
            self.refreshes += 1
        return reply(self.token_reply())


def path_of(call: Call) -> str:
    return unquote(urlsplit(call.target).path).removeprefix("/api/v1/")


def form_of(call: Call) -> dict[str, str]:
    text = call.body.decode("latin-1")
    return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}


def nested(depth: int) -> bytes:
    """Lists in lists."""
    return b"[" * depth + json.dumps(1).encode() + b"]" * depth
