"""What can be chosen at the top of a dashboard."""

from .grafana import DATA_SOURCE, Json

#: What is chosen at first: everything, also what comes later.
_ALL: Json = {"selected": True, "text": ["All"], "value": ["$__all"]}

DATA_SOURCES: Json = {
    "hide": 0,
    "includeAll": False,
    "label": "Data source",
    "multi": False,
    "name": "datasource",
    "options": [],
    "query": "prometheus",
    "refresh": 1,
    "regex": "",
    "skipUrlSync": False,
    "type": "datasource",
}


def labels(name: str, label: str, values: str, *, all_at_first: bool = True) -> Json:
    """Return a choice among a label's values, several at once; `values` is Grafana's query for them."""
    everything = {"allValue": ".+", "current": _ALL} if all_at_first else {}
    return {
        **everything,
        "datasource": DATA_SOURCE,
        "hide": 0,
        "includeAll": all_at_first,
        "label": label,
        "multi": True,
        "name": name,
        "options": [],
        "query": {"qryType": 1, "query": values, "refId": f"Variable-{name}"},
        "refresh": 2,
        "regex": "",
        "skipUrlSync": False,
        "sort": 1,
        "type": "query",
    }


def text(name: str, label: str, value: str) -> Json:
    """Return a box for a text or a number."""
    chosen = {"selected": True, "text": value, "value": value}
    return {
        "current": chosen,
        "hide": 0,
        "label": label,
        "name": name,
        "options": [chosen],
        "query": value,
        "skipUrlSync": False,
        "type": "textbox",
    }


def devices(*, all_at_first: bool = True) -> tuple[Json, ...]:
    """Return the choice of devices, and of where their numbers come from."""
    instance = 'label_values(sma_up{job=~"$job"}, instance)'
    device = 'label_values(sma_up{job=~"$job", instance=~"$instance"}, device)'
    return (
        DATA_SOURCES,
        labels("job", "Job", "label_values(sma_up, job)"),
        labels("instance", "Instance", instance),
        labels("device", "Device", device, all_at_first=all_at_first),
    )
