"""`sma_exporter sensors`: the first ten minutes with a device, and every doubt after that.

First the way to the device, a line a step, and at the first step that fails what to do. Then what it
answers now, and which metric that becomes. Last the YAML for it, without the password.
"""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .. import config
from ..config.values import METRIC_PREFIX
from ..devices.clients import one_session
from ..devices.snapshot import Identity
from ..metrics import families as metrics
from ..sma import tags
from ..sma.connections import format_fingerprint
from ..sma.http import presented_fingerprint
from ..webconnect import (
    SMA,
    SmaAuthenticationException,
    SmaException,
    SmaNotWebConnectException,
    SmaPinException,
    SmaReadException,
    SmaSessionLimitException,
    SmaTlsException,
    decode,
    definitions,
    version_int_to_string,
)
from ..webconnect.definitions import NUMBERED, SUBSTITUTES
from ..webconnect.presence import IDENTITY
from ..webconnect.readings import PARAMETER_KEYS, has_value, names
from ..webconnect.sensor import Sensor, elements, number
from ..webconnect.sensor import tags as tags_of

WIDTH = 100
#: Sensor and value share so many columns, the widest metric has the rest.
_UNIT_AT = 45

_ORDER = {family.name: index for index, family in enumerate(metrics.ALL_FAMILIES)}
_METRIC_OF = {name: f.name for f in metrics.ALL_FAMILIES for name in f.sensors}
_METRIC_OF |= dict.fromkeys(IDENTITY.values(), "sma_device_info")
_SENSOR_OF = {sensor.key: sensor for sensor in definitions.SENSORS.values()}


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the way to a device: what was found, or at the last one what to do about it."""

    name: str
    found: str
    ok: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """A value that the device answers.

    Where no definition knows it, `sensor` is the key, and `configuration` the line that makes a metric
    of it, or why there is none.
    """

    sensor: str
    value: str
    unit: str = ""
    metric: str = ""
    configuration: str = ""


@dataclass(slots=True)
class Report:
    """What was found out about one device."""

    device: str
    steps: list[Step] = field(default_factory=list)
    values: list[Line] = field(default_factory=list)
    unknown: list[Line] = field(default_factory=list)
    needs_installer: int = 0
    configuration: str = ""

    @property
    def ok(self) -> bool:
        """Whether every step went well."""
        return all(step.ok for step in self.steps)

    def as_dict(self) -> dict[str, Any]:
        """Return the report for a program."""
        return asdict(self) | {"ok": self.ok}


def examine(settings: config.DeviceSettings) -> Report:
    """Go to a device, step by step, with a session of its own, and log out."""
    report = Report(settings.name)
    url, shown = settings.url, None
    try:
        with one_session(settings) as client:
            try:
                shown = _reach(report, client, settings)
                _examine_values(report, client, settings)
            finally:
                url = client.url
    except (SmaException, config.PasswordFileError) as error:
        step = next(name for kind, name in _FAILED_STEP.items() if isinstance(error, kind))
        advice = _advice(error, settings)
        report.steps.append(Step(step, f"failed: {error}\n{advice}".rstrip(), ok=False))
        shown = error.fingerprint if isinstance(error, SmaTlsException) else None
        if shown and "://" not in url:
            url = f"https://{url}"
    if report.ok or shown:  # nothing is offered that may belong to another device
        report.configuration = _yaml(settings, url, shown)
    return report


def _reach(report: Report, client: SMA, settings: config.DeviceSettings) -> str | None:
    """Add the steps up to the login; return the fingerprint of a certificate that nobody verified."""
    check = client.session_check()
    scheme = client.url.partition("://")[0]
    report.steps += [Step("reached", f"{client.url} over {scheme}"), Step("protocol", "WebConnect")]
    fingerprint = None
    if scheme == "https":
        fingerprint = presented_fingerprint(client.url, settings.timeout)
        report.steps.append(
            Step("certificate", f"{_trust(settings)}; {fingerprint or 'not shown'}")
        )
    else:
        report.steps.append(Step("certificate", "none: the password travels in clear"))
    free = "not told" if check.free is None else str(check.free)
    report.steps.append(Step("sessions", f"{free} free"))
    if settings.anonymous:
        report.steps.append(Step("login", "none: without a password, the public dashboard values"))
    else:
        client.new_session()
        report.steps.append(Step("login", f"as {settings.group}"))
    return None if settings.tls.verify else fingerprint


def _trust(settings: config.DeviceSettings) -> str:
    if settings.tls.fingerprints:
        return "the pinned one"
    return "verified" if settings.tls.verify else "not verified"


def _examine_values(report: Report, client: SMA, settings: config.DeviceSettings) -> None:
    values = client.read_all()
    if not settings.anonymous:
        values |= client.read_keys(PARAMETER_KEYS)
    identity = Identity.of(decode(values))
    model, firmware = identity.title or "unknown model", identity.sw_version or "unknown"
    report.steps.append(
        Step("device", f"{model}, firmware {firmware}, serial {identity.serial or '?'}")
    )
    metric_of = _metrics_of(values)
    for key, raw in values.items():
        if known := names(key):
            report.values += _lines(key, raw, known, metric_of)
        else:
            report.unknown += _unknown_line(key, raw)
    report.values.sort(key=lambda line: _ORDER.get(line.metric, len(_ORDER)))
    if settings.group == "user" and definitions.grid_power.key in values:  # it is an inverter
        has_battery = definitions.battery_status_operating_mode.key in values
        report.needs_installer = len(
            {
                sensor.key
                for sensor in definitions.SENSORS.values()
                if sensor.key[3] == "2" and sensor.key not in values
                if has_battery or not sensor.name.startswith("battery_")
            }
        )


def _metrics_of(values: Mapping[str, object]) -> dict[str, str]:
    """Return which sensor becomes which metric; those whose value is not shown are left out."""
    shown = [*metrics.as_shown(decode(values)), *IDENTITY.values()]
    found = {name: _METRIC_OF[name] for name in shown if name in _METRIC_OF}
    for name, substitute in SUBSTITUTES.items():
        key = definitions.SENSORS[name].key
        if name in found and not has_value({key: values.get(key)}):
            found[substitute] = found[name]
    return found


def _lines(
    key: str, raw: object, known: tuple[str, ...], metric_of: Mapping[str, str]
) -> Iterator[Line]:
    for name, val in zip(known, elements(raw), strict=False):
        value, unit = _shown(val, _SENSOR_OF[key])
        # A power factor of 0 is none: hybrids always send it, and the metric takes the signed one.
        is_none = name == "grid_power_factor" and value == "0"
        metric = "" if is_none else metric_of.get(name, "")
        is_empty_slot = not metric and name.startswith(NUMBERED)
        if value and not is_empty_slot:
            yield Line(name, metrics.clean(value), unit, metric)


def _unknown_line(key: str, raw: object) -> Iterator[Line]:
    """Yield one line for all elements of a key, if any has a value."""
    values = elements(raw)
    found = [value for value, _ in (_shown(val, None) for val in values) if value]
    if found:
        same = len(found) > 1 and len(set(found)) == 1
        text = f"{len(found)} x {found[0]}" if same else ", ".join(found)
        yield Line(key, metrics.clean(text), configuration=_suggestion(key, values))


def _suggestion(key: str, values: list[object]) -> str:
    """Return the line that makes a metric of an unknown key, to be completed; or why there is none."""
    numbers = [index for index, val in enumerate(values) if number(val) is not None]
    if not numbers:
        return "a text: no metric" if any(isinstance(v, str) for v in values) else _NO_STATES
    index = f"index: {numbers[0]}, " if len(values) > 1 else ""
    metric = f"{METRIC_PREFIX}{key[5:].lower()}"  # a name of its own, to be replaced
    return f'- {{key: "{key}", {index}metric: {metric}, unit: "", type: gauge, help: "?"}}'


_NO_STATES = "a state: please report it, with a dump; own metrics are numbers"


def _shown(val: object, sensor: Sensor | None) -> tuple[str, str]:
    """Return a value as people read it, in SMA's unit, and that unit; "" for no value."""
    if isinstance(val, str):
        return val, ""
    if isinstance(val, list):
        return ", ".join(tags.text(tag) for tag in tags_of(val)), ""
    raw = number(val)
    if raw is None:
        return "", ""
    if sensor is definitions.device_sw_version:
        return version_int_to_string(int(raw)), ""
    factor = sensor.factor if sensor else None
    return f"{raw / factor:.12g}" if factor else str(raw), (sensor.unit or "") if sensor else ""


#: Which step a failure belongs to; the first match counts.
_FAILED_STEP: Mapping[type[Exception], str] = {
    SmaTlsException: "certificate",
    SmaSessionLimitException: "sessions",
    SmaAuthenticationException: "login",
    config.PasswordFileError: "login",
    SmaNotWebConnectException: "protocol",
    SmaReadException: "values",
    SmaException: "reached",
}

#: What to do about a failure; the first match counts.
_ADVICE: Mapping[type[Exception], str] = {
    SmaPinException: (
        "If the device got a new certificate (a firmware update, a reset), look at it in a browser and "
        "pin the new fingerprint; if not, something else answers at this address."
    ),
    SmaTlsException: "",  # the message says it all
    SmaSessionLimitException: (
        "Log out of the device's web page and stop other programs that read it, or wait some minutes; a "
        "running exporter and this command each take one session."
    ),
    SmaAuthenticationException: (
        "Try it in the device's own web page with the same group. The page cuts passwords after 12 "
        "characters: then the first 12 are the password."
    ),
    SmaNotWebConnectException: "Is it the address of the inverter itself?",
    SmaReadException: "The device answers, but not as expected: try again; if it stays, report it.",
    config.PasswordFileError: "Make it readable for the user that runs this.",
    SmaException: (
        "Is the address right, the device switched on and in the same network? PV inverters may be off "
        "at night."
    ),
}


def _advice(error: Exception, settings: config.DeviceSettings) -> str:
    if isinstance(error, SmaAuthenticationException) and settings.group == "installer":
        return "Is it the installer's password? Without it, use group: user."
    if isinstance(error, SmaTlsException) and error.fingerprint:
        return "Then the configuration below is the right one."
    return next(advice for kind, advice in _ADVICE.items() if isinstance(error, kind))


def _yaml(settings: config.DeviceSettings, url: str, shown: str | None) -> str:
    """Return the device's entry; `shown` is the fingerprint of the certificate that it showed."""
    lines = ["devices:", f"  - name: {settings.name}", f"    url: {url}"]
    if settings.group != "user":
        lines.append(f"    group: {settings.group}")
    if not settings.anonymous:
        path = settings.password_file or "/path/to/a/file/with/the/password"
        lines.append(f"    password_file: {path}")
    if trust := _tls_key(settings.tls, shown):
        lines += ["    tls:", f"      {trust}"]
    return "\n".join(lines) + "\n"


def _tls_key(tls: config.TlsSettings, shown: str | None) -> str | None:
    if tls.fingerprints:
        pins = ", ".join(f'"{format_fingerprint(pin)}"' for pin in tls.fingerprints)
        return f"fingerprint: {pins}" if len(tls.fingerprints) == 1 else f"fingerprint: [{pins}]"
    if tls.ca_file:
        return f"ca_file: {tls.ca_file}"
    if not tls.verify and shown:
        return f'fingerprint: "{shown}"  # compare it with what a browser shows'
    return f'fingerprint: "{shown}"' if shown else None


def as_text(report: Report) -> str:
    """Return a report for people, in at most WIDTH columns but for fingerprints."""
    return "\n".join(_text_lines(report)) + "\n"


def _text_lines(report: Report) -> Iterator[str]:
    yield f"{report.device}:"
    for step in report.steps:
        for position, paragraph in enumerate(step.found.splitlines()):
            head = f"  {'' if position else step.name:<12} "
            yield from textwrap.wrap(
                paragraph,
                WIDTH,
                initial_indent=head,
                subsequent_indent=" " * len(head),
                break_long_words=False,
                break_on_hyphens=False,
            )
    if report.values:
        yield ""
        yield from _table([Line("sensor", "value", "unit", "metric"), *report.values])
    if report.unknown:
        yield f"\n{len(report.unknown)} values that no definition knows:"
        for line in report.unknown:
            yield f"{line.sensor}  {line.value}"[:WIDTH]
            yield f"  {line.configuration}"
        if any(line.configuration.startswith("- ") for line in report.unknown):
            yield (
                "Such a line, put under `sensors:` of the device, makes a metric of the number. Name, unit, "
                "scale\nand help are for you to say; the device's own web page may tell what it is."
            )
    if report.needs_installer:
        yield f"\n{report.needs_installer} more values: most devices show them to the group installer only."
    if report.configuration:
        yield "\nThe configuration for this device:\n"
        yield report.configuration.rstrip()


def _table(lines: Iterable[Line]) -> Iterator[str]:
    for line in lines:
        value = f"{line.value:>{_UNIT_AT - len(line.sensor)}}"
        yield f"{line.sensor} {value} {line.unit:<4} {line.metric}"[:WIDTH].rstrip()
