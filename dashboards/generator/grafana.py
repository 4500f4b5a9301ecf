"""Building blocks of the dashboards: what Grafana reads, as plain dictionaries.

The shapes are those of Grafana 11's dashboard schema; nothing here knows a metric.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Json = dict[str, Any]

SCHEMA_VERSION = 39  # Grafana 11.0; later ones raise it themselves
PLUGIN_VERSION = "11.0.0"
COLUMNS = 24
TAG = "sma-exporter"

DATA_SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}

YELLOW, ORANGE, RED = "yellow", "orange", "red"
GREEN, BLUE, PURPLE, GREY = "green", "blue", "purple", "#8e8e8e"

#: Shown where a device has no value.
ASLEEP = "asleep"


@dataclass(frozen=True, kw_only=True)
class Query:
    """A query of a panel. What it says of looks overrides the panel's own.

    `legend` is Grafana's, with {{label}}; in a table the head of the value's column.
    """

    expr: str
    legend: str
    unit: str | None = None
    decimals: int | None = None
    color: str | None = None
    #: On an axis of its own, at the right.
    right: bool = False
    #: Drawn as a plain line, where the panel's others are filled.
    line: bool = False
    #: Drawn as a line with steps, over the bars of the others.
    steps: bool = False
    states: Mapping[str, tuple[str, str]] | None = None


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A panel: what Grafana shows, and how much room it takes (24 columns, rows of 30 pixels)."""

    type: str
    title: str
    description: str
    unit: str
    queries: Sequence[Query]
    width: int = COLUMNS
    height: int = 8
    instant: bool = False
    table: bool = False
    decimals: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    no_value: str | None = None
    #: Time of its own: "now/d" is since midnight.
    since: str | None = None
    interval: str | None = None
    #: Into how many steps Grafana cuts the time at most; else so many as the panel has pixels.
    steps: int | None = None
    thresholds: Sequence[tuple[float | None, str]] = ((None, GREEN),)
    mappings: Sequence[Json] = ()
    color: str = "palette-classic"
    custom: Json | None = None
    options: Json | None = None
    transformations: Sequence[Json] = ()
    links: Sequence[Json] = ()
    overrides: Sequence[Json] = ()


@dataclass(frozen=True, kw_only=True)
class Row:
    """Panels under a headline, from left to right as they fit; closed until somebody opens it."""

    title: str
    panels: Sequence[Panel]
    closed: bool = False


# --- kinds of panels ---

_REDUCED: Json = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def stat(**properties: Any) -> Panel:
    """Return a panel of large numbers: the values of now."""
    return Panel(
        type="stat",
        instant=True,
        color=properties.pop("color", "thresholds"),
        options={
            "colorMode": "value",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "percentChangeColorMode": "standard",
            "reduceOptions": _REDUCED,
            "showPercentChange": False,
            "textMode": "value_and_name",
            "wideLayout": False,
        },
        **properties,
    )


def bars(**properties: Any) -> Panel:
    """Return a panel of horizontal bars: the values of now."""
    return Panel(
        type="bargauge",
        instant=True,
        color="fixed",
        options={
            "displayMode": "basic",
            "maxVizHeight": 300,
            "minVizHeight": 16,
            "minVizWidth": 8,
            "namePlacement": "left",
            "orientation": "horizontal",
            "reduceOptions": _REDUCED,
            "showUnfilled": True,
            "sizing": "auto",
            "valueMode": "color",
            "legend": {
                "calcs": [],
                "displayMode": "list",
                "placement": "bottom",
                "showLegend": False,
            },
        },
        **properties,
    )


def _axes(draw: Json) -> Json:
    return {
        "axisBorderShow": False,
        "axisCenteredZero": False,
        "axisColorMode": "text",
        "axisLabel": "",
        "axisPlacement": "auto",
        "barAlignment": 0,
        "drawStyle": "line",
        "fillOpacity": 0,
        "gradientMode": "none",
        "hideFrom": {"legend": False, "tooltip": False, "viz": False},
        "insertNulls": False,
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "pointSize": 5,
        "scaleDistribution": {"type": "linear"},
        "showPoints": "auto",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "none"},
        "thresholdsStyle": {"mode": "off"},
        **draw,
    }


def graph(*, draw: Json | None = None, calcs: Sequence[str] = (), **properties: Any) -> Panel:
    """Return a panel of lines over time. `draw`: what differs from thin lines; `calcs`: in the legend."""
    return Panel(
        type="timeseries",
        custom=_axes(draw or {}),
        options={
            "legend": {
                "calcs": [*calcs],
                "displayMode": "list",
                "placement": "bottom",
                "showLegend": True,
            },
            "tooltip": {"maxHeight": 600, "mode": "multi", "sort": "none"},
        },
        **properties,
    )


def timeline(**properties: Any) -> Panel:
    """Return a panel of states over time, a line for each series."""
    return Panel(
        type="state-timeline",
        custom={
            "fillOpacity": 80,
            "hideFrom": {"legend": False, "tooltip": False, "viz": False},
            "lineWidth": 0,
        },
        options={
            "alignValue": "left",
            "legend": {
                "calcs": [],
                "displayMode": "list",
                "placement": "bottom",
                "showLegend": False,
            },
            "mergeValues": True,
            "rowHeight": 0.8,
            "showValue": "never",
            "tooltip": {"maxHeight": 600, "mode": "single", "sort": "none"},
        },
        **properties,
    )


def table(*, columns: Mapping[str, str], unit: str, **properties: Any) -> Panel:
    """Return a table with a line a device or part. `columns`: labels to show, and their heads.

    Each query with a legend gives one more column, with the legend as its head and `unit`, if it has
    none. The labels have no unit: Grafana takes a serial number for a number.
    """
    queries = [replace(query, unit=query.unit or unit) for query in properties.pop("queries")]
    values = {f"Value #{ref}": query.legend for ref, query in _named(queries) if query.legend}
    if len(queries) == 1:
        values = dict.fromkeys(["Value"] * len(values), queries[0].legend)
    shown = {**columns, **values}
    keep = "|".join(f"^{name}$" for name in shown)
    return Panel(
        type="table",
        instant=True,
        table=True,
        unit="string",
        queries=queries,
        custom={"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False},
        options={
            "cellHeight": "sm",
            "frameIndex": 0,
            "showHeader": True,
        },
        transformations=[
            {"id": "merge", "options": {}},
            {"id": "filterFieldsByName", "options": {"include": {"pattern": keep}}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": {},
                    "includeByName": {},
                    "indexByName": {name: index for index, name in enumerate(shown)},
                    "renameByName": shown,
                },
            },
        ],
        **properties,
    )


# --- values ---


def texts(values: Mapping[str, tuple[str, str]]) -> Json:
    """Return a mapping of values to a text and a color."""
    options = {
        value: {"color": color, "index": index, "text": text}
        for index, (value, (text, color)) in enumerate(values.items())
    }
    return {"type": "value", "options": options}


def absent(text: str) -> Json:
    """Return a mapping of what is no number to a text."""
    return {
        "type": "special",
        "options": {"match": "null+nan", "result": {"color": GREY, "index": 0, "text": text}},
    }


# --- the JSON ---


def dashboard(
    *,
    uid: str,
    title: str,
    description: str,
    variables: Sequence[Json],
    rows: Sequence[Row],
    start: str,
    refresh: str,
) -> Json:
    """Return a dashboard as Grafana's file provisioning takes it."""
    return {
        "annotations": {"list": []},
        "description": description,
        "editable": False,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "id": None,
        "links": [_LINKS],
        "panels": [*_laid_out(rows)],
        "refresh": refresh,
        "schemaVersion": SCHEMA_VERSION,
        "tags": [TAG],
        "templating": {"list": [*variables]},
        "time": {"from": start, "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "title": title,
        "uid": uid,
        "version": 1,
        "weekStart": "",
    }


#: The three dashboards by their tag: that works wherever Grafana's root is.
_LINKS: Json = {
    "asDropdown": False,
    "icon": "external link",
    "includeVars": True,
    "keepTime": False,
    "tags": [TAG],
    "targetBlank": False,
    "title": "SMA",
    "tooltip": "",
    "type": "dashboards",
    "url": "",
}


def _laid_out(rows: Iterable[Row]) -> Iterator[Json]:
    """Yield the panels with their places: a line is full when the next panel would not fit."""
    number, top = 1, 0
    for row in rows:
        place = {"h": 1, "w": COLUMNS, "x": 0, "y": top}
        headline = _row(row, number, place)
        yield headline
        number, top, left, high = number + 1, top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                left, top, high = 0, top + high, 0
            place = {"h": panel.height, "w": panel.width, "x": left, "y": top}
            made = _panel(panel, number, place)
            if row.closed:
                headline["panels"].append(made)
            else:
                yield made
            number, left, high = number + 1, left + panel.width, max(high, panel.height)
        top += high


def _row(row: Row, number: int, place: Json) -> Json:
    return {
        "collapsed": row.closed,
        "gridPos": place,
        "id": number,
        "panels": [],
        "title": row.title,
        "type": "row",
    }


def _panel(panel: Panel, number: int, place: Json) -> Json:
    optional = {
        "interval": panel.interval,
        "maxDataPoints": panel.steps,
        "timeFrom": panel.since,
        "options": panel.options,
        "links": [*panel.links] or None,
        "transformations": [*panel.transformations] or None,
    }
    return {
        "datasource": DATA_SOURCE,
        "description": panel.description,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": [*_overrides(panel)]},
        "gridPos": place,
        "id": number,
        "pluginVersion": PLUGIN_VERSION,
        "targets": [_target(panel, ref, query) for ref, query in _named(panel.queries)],
        "title": panel.title,
        "type": panel.type,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _named(queries: Iterable[Query]) -> Iterator[tuple[str, Query]]:
    return zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", queries, strict=False)


def _target(panel: Panel, ref: str, query: Query) -> Json:
    return {
        "datasource": DATA_SOURCE,
        "editorMode": "code",
        "expr": query.expr,
        "format": "table" if panel.table else "time_series",
        "instant": panel.instant,
        "legendFormat": query.legend,
        "range": not panel.instant,
        "refId": ref,
    }


def _defaults(panel: Panel) -> Json:
    optional = {
        "custom": panel.custom,
        "decimals": panel.decimals,
        "max": panel.maximum,
        "min": panel.minimum,
        "noValue": panel.no_value,
    }
    return {
        "color": {"mode": panel.color},
        "mappings": [*panel.mappings],
        "thresholds": {
            "mode": "absolute",
            "steps": [{"color": color, "value": value} for value, color in panel.thresholds],
        },
        "unit": panel.unit,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _overrides(panel: Panel) -> Iterator[Json]:
    for ref, query in _named(panel.queries):
        properties = [*_differences(query)]
        if properties and not (panel.table and not query.legend):
            if panel.table:
                matcher = {"id": "byName", "options": query.legend}
            else:
                matcher = {"id": "byFrameRefID", "options": ref}
            yield {"matcher": matcher, "properties": properties}
    yield from panel.overrides


def _differences(query: Query) -> Iterator[Json]:
    if query.unit is not None:
        yield {"id": "unit", "value": query.unit}
    if query.decimals is not None:
        yield {"id": "decimals", "value": query.decimals}
    if query.color is not None:
        yield {"id": "color", "value": {"fixedColor": query.color, "mode": "fixed"}}
    if query.right:
        yield {"id": "custom.axisPlacement", "value": "right"}
    if query.line or query.steps:
        yield {"id": "custom.fillOpacity", "value": 0}
        yield {"id": "custom.lineWidth", "value": 2}
    if query.steps:
        yield {"id": "custom.drawStyle", "value": "line"}
        yield {"id": "custom.lineInterpolation", "value": "stepAfter"}
    if query.states is not None:
        yield {"id": "mappings", "value": [texts(query.states)]}
