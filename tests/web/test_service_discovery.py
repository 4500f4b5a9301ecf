"""What Prometheus is told of where to scrape."""

import pytest

from sma_exporter import config
from sma_exporter.web.service_discovery import Base, base_of, target_groups


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:10126", Base("http", "localhost:10126", "")),
        ("https://sma.example", Base("https", "sma.example:443", "")),
        ("http://192.0.2.7", Base("http", "192.0.2.7:80", "")),
        ("http://[::1]:10126", Base("http", "[::1]:10126", "")),
        ("HTTPS://sma.example/solar/", Base("https", "sma.example:443", "/solar")),
        ("https://sma.example:8443/a/b", Base("https", "sma.example:8443", "/a/b")),
    ],
)
def test_where_the_exporter_is_reached(url: str, expected: Base) -> None:
    assert base_of(url) == expected


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sma.example", "must begin with https:// or http://"),
        ("ftp://sma.example", "must begin with https:// or http://$"),
        ("https://", "must name a host"),
        ("https://user:secret@sma.example", "must not hold a user name or password"),
        ("https://sma.example/?a=b", "no query"),
        ("https://sma.example:99999", "port from 1 to 65535"),
        ("https://::1:10126", "brackets"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        base_of(url)


def test_one_entry_a_device_and_one_for_the_exporter_itself() -> None:
    devices = [
        config.DeviceSettings(name="roof", url="https://192.0.2.10", plant="home"),
        config.DeviceSettings(name="Dach Süd", url="https://192.0.2.11"),
    ]

    assert target_groups(Base("https", "sma.example:443", "/solar"), devices) == [
        {
            "targets": ["sma.example:443"],
            "labels": {
                "__scheme__": "https",
                "__metrics_path__": "/solar/probe",
                "__param_target": "roof",
                "instance": "roof",
                "plant": "home",
            },
        },
        {
            "targets": ["sma.example:443"],
            "labels": {
                "__scheme__": "https",
                "__metrics_path__": "/solar/probe",
                "__param_target": "Dach Süd",
                "instance": "Dach Süd",
            },
        },
        {
            "targets": ["sma.example:443"],
            "labels": {"__scheme__": "https", "__metrics_path__": "/solar/metrics/exporter"},
        },
    ]
