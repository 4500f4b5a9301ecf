"""Exporter: whether the scrapes work, and if not, why."""

from . import variables
from .grafana import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    Json,
    Query,
    Row,
    dashboard,
    graph,
    stat,
    table,
    timeline,
)
from .promql import CHOSEN_BY_EXPORTER

#: A job may hold the exporter alone, where the devices are scraped by another.
JOBS = 'label_values({__name__=~"sma_up|sma_exporter_build_info"}, job)'
EXPORTERS = 'label_values(sma_exporter_build_info{job=~"$job"}, instance)'
DEVICES = 'label_values(sma_up{job=~"$job"}, device)'


def exporter() -> Json:
    """Return the dashboard."""
    return dashboard(
        uid="sma-exporter",
        title="SMA / Exporter",
        description="Whether the inverters are read, why not, and how the exporter does.",
        variables=(
            variables.DATA_SOURCES,
            variables.labels("job", "Job", JOBS),
            variables.labels("instance", "Exporter", EXPORTERS),
            variables.labels("device", "Device", DEVICES),
        ),
        rows=ROWS,
        start="now-24h",
        refresh="1m",
    )


def device(family: str, *matchers: str) -> str:
    """Return the selector of a family about devices."""
    return f"{family}{{{', '.join((CHOSEN_BY_EXPORTER, *matchers))}}}"


OURS = 'job=~"$job", instance=~"$instance"'


def of_exporter(family: str, *labels: str) -> str:
    """Return a family about the exporter, for a table: without its name, by which lines would differ."""
    return f"max by ({', '.join(('job', 'instance', *labels))}) ({family}{{{OURS}}})"


def of_process(value: str) -> str:
    """Return a value about the exporter's process: other programs of the job have it too."""
    return f"{value}\nand on (job, instance) sma_exporter_build_info{{{OURS}}}"


def increase(family: str, by: str) -> str:
    """Return what a counter rose by, over Grafana's step."""
    return f"sum by ({by}) (increase({device(family)}[$__rate_interval]))"


#: Bars on top of each other; a quiet day is not drawn as if it went up to 100.
STACKED: Json = {
    "axisSoftMax": 1,
    "drawStyle": "bars",
    "fillOpacity": 60,
    "stacking": {"group": "A", "mode": "normal"},
}

UP = {"1": ("answers", GREEN), "0": ("no answer", ORANGE)}

NOW = (
    stat(
        title="Devices",
        description="Whether the last read of each device brought values. No answer at night is normal for PV inverters.",
        unit="none",
        width=8,
        height=6,
        queries=[Query(expr=device("sma_up"), legend="{{device}}", states=UP)],
    ),
    table(
        title="Why not",
        description="Reasons why devices have no values now. README tells for each what to do.",
        unit="none",
        width=8,
        height=6,
        no_value="all are read",
        columns={"device": "Device", "reason": "Reason"},
        queries=[Query(expr=f"{device('sma_scrape_failing')} == 1", legend="")],
    ),
    table(
        title="Reads",
        description="Time since the last good read, how long the last one took, and how many lifetime totals are held back.",
        unit="s",
        width=8,
        height=6,
        columns={"device": "Device"},
        queries=[
            Query(
                expr=f"time() - max by (job, device) ({device('sma_last_successful_scrape_timestamp_seconds')})",
                legend="Last good read",
            ),
            Query(
                expr=f"max by (job, device) ({device('sma_scrape_duration_seconds')})",
                legend="Took",
            ),
            Query(
                expr=f"max by (job, device) ({device('sma_counters_withheld')})",
                legend="Held back",
                unit="none",
            ),
        ],
    ),
    timeline(
        title="Read or not",
        description="Whether each device was read. Orange by night is normal for PV inverters.",
        unit="none",
        height=6,
        color="thresholds",
        queries=[Query(expr=device("sma_up"), legend="{{device}}", states=UP)],
        thresholds=((None, ORANGE), (1, GREEN)),
    ),
)

SCRAPES = (
    graph(
        title="Failed reads by reason",
        description="Reads that brought nothing. Connection and timeout by night are normal for PV inverters.",
        unit="short",
        width=12,
        minimum=0,
        queries=[
            Query(expr=increase("sma_scrape_errors_total", "job, reason"), legend="{{reason}}")
        ],
        draw=STACKED,
    ),
    graph(
        title="Failed reads by device",
        description="Reads that brought nothing, of each device.",
        unit="short",
        width=12,
        minimum=0,
        queries=[
            Query(expr=increase("sma_scrape_errors_total", "job, device"), legend="{{device}}")
        ],
        draw=STACKED,
    ),
    graph(
        title="Time of a read",
        description="How long the read of each device took. From near the scrape's timeout on, values go missing.",
        unit="s",
        width=12,
        minimum=0,
        queries=[Query(expr=device("sma_scrape_duration_seconds"), legend="{{device}}")],
    ),
    graph(
        title="Logins",
        description="Sessions opened on each device: one a scrape, unless the session is kept. Devices have few of them.",
        unit="short",
        width=12,
        minimum=0,
        queries=[Query(expr=increase("sma_logins_total", "job, device"), legend="{{device}}")],
    ),
    graph(
        title="Free sessions",
        description="Sessions that a device had left, as it tells when it has refused a login; nothing while logins work.",
        unit="none",
        width=12,
        minimum=0,
        no_value="no login was refused",
        queries=[Query(expr=device("sma_sessions_free"), legend="{{device}}")],
    ),
    graph(
        title="Totals held back",
        description="Lifetime totals that are not shown because the device sends less than before, or more than it can have "
        "produced. For a while in the morning that is normal; for days it is not.",
        unit="none",
        width=12,
        minimum=0,
        queries=[Query(expr=device("sma_counters_withheld"), legend="{{device}}")],
        draw={"axisSoftMax": 1},
    ),
)

PROCESS = (
    table(
        title="Exporter",
        description="Version of the exporter and of Python, when it was started, and whether its configuration was loaded.",
        unit="none",
        height=5,
        columns={"instance": "Exporter", "version": "Version", "pythonversion": "Python"},
        queries=[
            Query(
                expr=of_exporter("sma_exporter_build_info", "version", "pythonversion"), legend=""
            ),
            Query(
                expr=of_process(f"{of_exporter('process_start_time_seconds')} * 1000"),
                legend="Started",
                unit="dateTimeFromNow",
            ),
            Query(
                expr=of_exporter("sma_exporter_config_last_reload_successful"),
                legend="Configuration",
                states={"1": ("loaded", GREEN), "0": ("refused, the old one holds", RED)},
            ),
            Query(
                expr=of_exporter("sma_exporter_config_last_reload_success_timestamp_seconds")
                + " * 1000",
                legend="Loaded",
                unit="dateTimeFromNow",
            ),
        ],
    ),
    graph(
        title="Scrapes by Prometheus",
        description="Whether Prometheus reaches the exporter: 1, or 0. All targets of the chosen jobs.",
        unit="none",
        width=8,
        minimum=0,
        maximum=1,
        queries=[Query(expr='up{job=~"$job"}', legend="{{instance}}")],
    ),
    graph(
        title="Processor",
        description="Share of one processor core that the exporter takes.",
        unit="percentunit",
        width=8,
        minimum=0,
        queries=[
            Query(
                expr=of_process(f"rate(process_cpu_seconds_total{{{OURS}}}[$__rate_interval])"),
                legend="{{instance}}",
                color=BLUE,
            )
        ],
    ),
    graph(
        title="Memory",
        description="Memory that the exporter takes.",
        unit="bytes",
        width=8,
        minimum=0,
        queries=[
            Query(
                expr=of_process(f"process_resident_memory_bytes{{{OURS}}}"),
                legend="{{instance}}",
                color=GREY,
            )
        ],
    ),
)

ROWS = (
    Row(title="Now", panels=NOW),
    Row(title="Scrapes", panels=SCRAPES),
    Row(title="The exporter itself", panels=PROCESS),
)
