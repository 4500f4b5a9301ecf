"""The page for people: what each device said last. Plain HTML, every text of a device escaped."""

from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import quote

from ..devices.snapshot import Snapshot
from ..sma import tags
from ..sma.text import clean
from .paths import FixedPath

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; margin: 0; } h1 small { font-weight: normal; opacity: .7; }
nav a { margin-right: 1rem; }
section { border: 1px solid #8886; border-radius: .5rem; padding: .75rem 1rem; margin: 1rem 0; }
h2 { font-size: 1.1rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
.up, .down, .new { padding: 0 .5rem; border-radius: 1rem; font-size: .85rem; color: #fff; }
.up { background: #1a7f37; } .down { background: #b42318; } .new { background: #57606a; }
dl { display: grid; gap: .5rem; margin: .5rem 0; }
dl { grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); }
dl div { min-width: 0; } dt { font-size: .8rem; opacity: .75; } dd { margin: 0; overflow-wrap: anywhere; }
p { margin: .25rem 0; overflow-wrap: anywhere; }
"""

_JOULES_A_KWH = 3.6e6

#: What is shown of a device: label, sensor, unit, divisor, decimals.
_VALUES = (
    ("AC power", "grid_power", "W", 1, 0),
    ("PV power", "pv_power", "W", 1, 0),
    ("Today", "daily_yield", "kWh", _JOULES_A_KWH, 2),
    ("Total yield", "total_yield", "kWh", _JOULES_A_KWH, 0),
    ("Battery", "battery_soc_total", "%", 0.01, 0),
    ("Charging", "battery_power_charge_total", "W", 1, 0),
    ("Discharging", "battery_power_discharge_total", "W", 1, 0),
    ("Vehicles", "charging_power", "W", 1, 0),
    ("Charged in total", "charging_total", "kWh", _JOULES_A_KWH, 0),
    ("Into the grid", "metering_power_supplied", "W", 1, 0),
    ("From the grid", "metering_power_absorbed", "W", 1, 0),
)


def render(snapshots: Sequence[Snapshot], version: str, telemetry_path: str, now: float) -> str:
    """Return the page. `now` is unix time. Links are relative, so that a proxy needs no setting."""
    links = {
        _relative(telemetry_path): "all metrics",
        _relative(FixedPath.EXPORTER_METRICS): "the exporter's own",
        _relative(FixedPath.HEALTHY): "health",
    }
    nav = " ".join(f'<a href="{escape(href)}">{text}</a>' for href, text in links.items())
    devices = "\n".join(_device(snapshot, now) for snapshot in snapshots)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>sma_exporter</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>sma_exporter <small>{escape(version)}</small></h1>
<nav>{nav}</nav>
<p>What each device said when it was last read. This page reads none: Prometheus does.</p>
{devices}
</body>
</html>
"""


def _relative(path: str) -> str:
    return path.lstrip("/")


def _device(snapshot: Snapshot, now: float) -> str:
    identity = snapshot.state.identity
    probe = f"{_relative(FixedPath.PROBE)}?target=" + quote(
        snapshot.name, safe="", errors="replace"
    )
    what = f"{identity.title} {identity.sw_version}"
    return f"""<section>
<h2>{escape(clean(snapshot.name))} {_badge(snapshot)}</h2>
<p>{escape(clean(what))}</p>
<p>{escape(_last_read(snapshot, now))}</p>
<dl>{"".join(_values(snapshot))}</dl>
<p><a href="{escape(probe)}">metrics of this device</a> (reads it)</p>
</section>"""


def _badge(snapshot: Snapshot) -> str:
    if snapshot.result is None:
        return '<span class="new">not read yet</span>'
    if snapshot.up:
        return '<span class="up">up</span>'
    return f'<span class="down">{escape(snapshot.result.reason or "")}</span>'


def _last_read(snapshot: Snapshot, now: float) -> str:
    if snapshot.result is None:
        return "No read yet: it will be read when Prometheus first scrapes."
    if not snapshot.up:
        return _sentence(snapshot.result.message)
    ago = max(now - (snapshot.last_success or now), 0.0)
    return f"Read {ago:.0f} s ago, in {snapshot.result.seconds:.2f} s."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _values(snapshot: Snapshot) -> Iterable[str]:
    readings = snapshot.readings
    status = readings.get("status")
    if isinstance(status, tuple):
        yield _item("Status", ", ".join(tags.text(tag) for tag in status))
    for label, sensor, unit, divisor, decimals in _VALUES:
        value = readings.get(sensor)
        if isinstance(value, int | float):
            yield _item(label, f"{value / divisor:,.{decimals}f} {unit}")


def _item(label: str, value: str) -> str:
    return f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>"
