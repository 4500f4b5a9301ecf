"""`sma_exporter sensors`: the first ten minutes with a device, and every question after that.

First the way to the device, a line a step, and at the first step that fails what to do. Then what it
answers now, and which metric that becomes. Last the YAML for it, without the password.
"""

import argparse
import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .. import config
from ..devices.evaluation import Evaluation
from ..devices.protocols import PROTOCOLS
from ..metrics.table import ALL_FAMILIES
from ..sma.connections import format_fingerprint
from ..sma.diagnosis import Diagnosis, UnknownValue
from ..sma.exceptions import (
    Reason,
    SmaCredentialsException,
    SmaException,
    SmaIdentityException,
    SmaTlsException,
)
from ..sma.sensors import IDENTITY, out_of_bounds
from ..sma.source import Measurements
from ..sma.text import clean, printable
from .chosen import devices
from .output import FAILED, OK, say

WIDTH = 100
#: Sensor and value share so many columns, the widest metric has the rest.
_UNIT_AT = 45

_ORDER = {family.name: index for index, family in enumerate(ALL_FAMILIES)}
_METRIC_OF = {name: family.name for family in ALL_FAMILIES for name in family.sensors}
_METRIC_OF |= dict.fromkeys(IDENTITY, "sma_device_info")


@dataclass(frozen=True, slots=True)
class Finding:
    """One step on the way to a device: what was found, or at the last one what to do about it."""

    name: str
    found: str
    ok: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """A value that the device answers.

    Where no table knows it, `sensor` is the key, and `configuration` the line that makes a metric
    of it, or why there is none.
    """

    sensor: str
    value: int | float | str
    unit: str = ""
    metric: str = ""
    configuration: str = ""


@dataclass(slots=True)
class Report:
    """What was found out about one device."""

    device: str
    steps: list[Finding] = field(default_factory=list)
    values: list[Line] = field(default_factory=list)
    unknown: list[Line] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    needs_installer: int = 0
    configuration: str = ""
    devices: int = 1

    @property
    def ok(self) -> bool:
        """Whether every step went well."""
        return all(step.ok for step in self.steps)

    def as_dict(self) -> dict[str, Any]:
        """Return the report for a program."""
        return asdict(self) | {"ok": self.ok}


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Examine devices and print the reports; return the exit code. UsageError, ConfigError."""
    reports = [examine(device) for device in devices(arguments, environ)]
    if arguments.format == "json":
        say(json.dumps([report.as_dict() for report in reports], indent=1, ensure_ascii=False))
    else:
        say("\n".join(as_text(report) for report in reports).rstrip())
    return OK if all(report.ok for report in reports) else FAILED


def examine(settings: config.DeviceSettings) -> Report:
    """Go to a device, step by step, with a session of its own."""
    diagnosis = PROTOCOLS[settings.protocol].diagnose(settings)
    failure = diagnosis.failure or _other_device(settings, diagnosis)
    report = Report(
        settings.name,
        steps=[Finding(step.name, printable(step.found)) for step in diagnosis.steps],
        values=sorted(_lines(diagnosis), key=_order),
        unknown=[*map(_unknown_line, diagnosis.unknown)],
        warnings=[*map(printable, diagnosis.warnings)],
        needs_installer=diagnosis.needs_installer,
        devices=1 + len(diagnosis.others),
    )
    if failure is not None:
        report.steps.append(_failed(failure, settings, diagnosis))
    is_only_untrusted = isinstance(failure, SmaTlsException) and failure.fingerprint
    if report.ok or is_only_untrusted:  # nothing is offered that may belong to another device
        report.configuration = _yaml(settings, diagnosis)
    return report


def _other_device(
    settings: config.DeviceSettings, diagnosis: Diagnosis
) -> SmaIdentityException | None:
    """Return why the exporter refuses a device that answers; None where it does not."""
    try:
        who = Measurements({}, diagnosis.identity)
        Evaluation(settings.name).evaluate(who, settings, diagnosis.url, 0.0)
    except SmaIdentityException as error:
        return error
    return None


def _order(line: Line) -> int:
    return _ORDER.get(line.metric, len(_ORDER))


def _lines(diagnosis: Diagnosis) -> Iterator[Line]:
    """Yield what the device answers, and what becomes a metric without being an answer by itself."""
    readings = diagnosis.readings
    metrics = {name: _METRIC_OF.get(name, "") for name in readings.keys() - out_of_bounds(readings)}
    for known in diagnosis.values:
        yield Line(known.sensor, _shown(known.value), known.unit, metrics.get(known.reading, ""))
    for name in sorted(metrics.keys() - {known.reading for known in diagnosis.values}):
        value = readings[name]
        if metrics[name] and not isinstance(value, tuple):
            yield Line(name, _shown(value), metric=metrics[name])


def _shown(value: float | str) -> float | str:
    return clean(value) if isinstance(value, str) else value


def _unknown_line(unknown: UnknownValue) -> Line:
    """Return one line for all elements of a key."""
    same = len(unknown.values) > 1 and len(set(unknown.values)) == 1
    shown = [f"{len(unknown.values)} x {unknown.values[0]}"] if same else map(str, unknown.values)
    return Line(clean(unknown.key), clean(", ".join(shown)), configuration=_suggestion(unknown))


def _suggestion(unknown: UnknownValue) -> str:
    """Return the line that makes a metric of an unknown key, to be completed; or why there is none."""
    if unknown.number is None:
        return "a text: no metric" if unknown.is_text else _NO_STATES
    if not config.is_sensor_key(unknown.key):
        return _NO_KEY
    place = {"index": unknown.number.element} if len(unknown.values) > 1 else {}
    row = {
        "key": unknown.key,
        **place,
        "metric": _own_metric(unknown.key),
        "unit": "",
        "type": "gauge",
        "help": "?",
    }
    return f"- {config.to_yaml_line(row)}"


def _own_metric(key: str) -> str:
    """Return a name of its own for a metric, to be replaced: of a key's last part, or a channel's words."""
    words = re.sub(r"^[0-9A-F]{4}_|^Measurement\.", "", key)
    return config.METRIC_PREFIX + words.replace(".", "_").lower()


_NO_KEY = "not named as SMA's objects are: please report it, with a dump"
_NO_STATES = "a state: please report it, with a dump; own metrics are numbers"

#: Which step a failure belongs to.
_FAILED_STEP: Mapping[Reason, str] = {
    Reason.CONNECTION: "reached",
    Reason.TIMEOUT: "reached",
    Reason.TLS: "certificate",
    Reason.CERTIFICATE_PIN: "certificate",
    Reason.AUTHENTICATION: "login",
    Reason.SESSION_LIMIT: "sessions",
    Reason.IDENTITY: "device",
    Reason.UNSUPPORTED: "protocol",
    Reason.PROTOCOL: "values",
}

_UNREACHED = (
    "Is the address right, the device switched on and in the same network? PV inverters may be off "
    "at night."
)

#: What to do about a failure.
_ADVICE: Mapping[Reason, str] = {
    Reason.CONNECTION: _UNREACHED,
    Reason.TIMEOUT: _UNREACHED,
    Reason.CERTIFICATE_PIN: (
        "If the device got a new certificate (a firmware update, a reset), look at it in a browser and "
        "pin the new fingerprint; if not, something else answers at this address."
    ),
    Reason.AUTHENTICATION: (
        "Try it in the device's own web page with the same group. The page cuts passwords after 12 "
        "characters: then the first 12 are the password."
    ),
    Reason.SESSION_LIMIT: (
        "Log out of the device's web page and stop other programs that read it, or wait some minutes; a "
        "running exporter and this command each take one session."
    ),
    Reason.UNSUPPORTED: "Is it the address of the inverter itself?",
    Reason.PROTOCOL: "The device answers, but not as expected: try again; if it stays, report it.",
}


_WITH_FLAGS = "Without a file these are --sma.username NAME and --sma.password-file FILE."


def _failed(error: SmaException, settings: config.DeviceSettings, diagnosis: Diagnosis) -> Finding:
    found = f"failed: {printable(str(error))}\n{_advice(error, settings, diagnosis)}".rstrip()
    name = _FAILED_STEP.get(error.reason, "reached")
    done = {step.name for step in diagnosis.steps}
    if name == "reached" and name in done:
        name = "values" if "login" in done else "login"
    return Finding(name, found, ok=False)


def _advice(error: SmaException, settings: config.DeviceSettings, diagnosis: Diagnosis) -> str:
    if diagnosis.advice:
        return diagnosis.advice
    if isinstance(error, SmaCredentialsException):
        if settings.anonymous or not all(diagnosis.own_keys.values()):
            return _WITH_FLAGS if diagnosis.own_keys else ""
        return "Make it readable for the user that runs this."
    if error.reason is Reason.AUTHENTICATION and settings.group == "installer":
        return "Is it the installer's password? Without it, use group: user."
    if isinstance(error, SmaTlsException) and error.fingerprint:
        return "Then the configuration below is the right one; without a file it is --sma.tls-fingerprint."
    return _ADVICE.get(error.reason, "")


def _yaml(settings: config.DeviceSettings, diagnosis: Diagnosis) -> str:
    """Return the device's entry."""
    url = diagnosis.url
    if diagnosis.fingerprint and "://" not in url:
        url = f"https://{url}"
    rest: dict[str, object] = {}
    if settings.group != "user":
        rest["group"] = settings.group
    if not settings.anonymous:
        path = settings.password_file or "/path/to/a/file/with/the/password"
        rest["password_file"] = str(path)
    if trust := _trust(settings.tls, diagnosis.fingerprint):
        rest["tls"] = trust
    named = [(settings.name, diagnosis.own_keys), *_names(settings.name, diagnosis)]
    entries = [{"name": name, "url": url, **own_keys, **rest} for name, own_keys in named]
    return config.to_yaml({"devices": entries})


def _names(first: str, diagnosis: Diagnosis) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield a name of its own for each further device behind the same address, and its keys."""
    taken = {first}
    for place, other in enumerate(diagnosis.others, start=2):
        name = clean(other.identity.name or other.identity.model)
        if not name or name in taken:
            name = f"{first} {place}"
        taken.add(name)
        yield name, {**diagnosis.own_keys, **other.own_keys}


def _trust(tls: config.TlsSettings, shown: str | None) -> dict[str, object]:
    """Return the keys below `tls:`; `shown` is the fingerprint of the certificate that the device showed."""
    if tls.fingerprints:
        pins = [format_fingerprint(pin) for pin in tls.fingerprints]
        return {"fingerprint": pins[0] if len(pins) == 1 else pins}
    if tls.ca_file:
        return {"ca_file": str(tls.ca_file.path)}
    return {"fingerprint": shown} if shown else {}


def as_text(report: Report) -> str:
    """Return a report for people, in at most WIDTH columns but for fingerprints."""
    return "\n".join(_text_lines(report)) + "\n"


def _text_lines(report: Report) -> Iterator[str]:
    yield f"{report.device}:"
    for step in report.steps:
        yield from _step_lines(step)
    head = Line("sensor", "value", "unit", "metric")
    metrics = [line for line in report.values if line.metric]
    if metrics:
        yield ""
        yield from _table([head, *metrics])
    others = [line for line in report.values if not line.metric]
    if others:
        why = "another of the same meaning counts, or it cannot be right"
        yield f"\nValues that are no metric: {why}:"
        yield from _table(others)
    for warning in report.warnings:
        yield f"\n{warning}:\nplease report it, with a dump."
    if report.unknown:
        yield f"\n{len(report.unknown)} values that no table knows:"
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
        behind = " and those behind it" if report.devices > 1 else ""
        yield f"\nThe configuration for this device{behind}:\n"
        yield report.configuration.rstrip()


def _step_lines(step: Finding) -> Iterator[str]:
    for position, paragraph in enumerate(step.found.splitlines()):
        margin = f"  {'' if position else step.name:<12} "
        yield from textwrap.wrap(
            paragraph,
            WIDTH,
            initial_indent=margin,
            subsequent_indent=" " * len(margin),
            break_long_words=False,
            break_on_hyphens=False,
        )


def _table(lines: Iterable[Line]) -> Iterator[str]:
    for line in lines:
        value = line.value if isinstance(line.value, str) else f"{line.value:.12g}"
        yield f"{line.sensor} {value:>{_UNIT_AT - len(line.sensor)}} {line.unit:<4} {line.metric}"[
            :WIDTH
        ].rstrip()
