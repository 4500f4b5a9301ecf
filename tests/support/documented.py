"""What is documented of SMA's objects, in the folder "shared": for tests of more than one package."""

import csv
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

Row = dict[str, str]

#: One of a unit in its base unit: the metadata's units, and PySMA's.
BASE: Mapping[str, Fraction] = {
    **dict.fromkeys(
        ("", "W", "var", "VA", "V", "A", "Hz", "Ohm", "°C", "s", "W/m²", "m/s"), Fraction(1)
    ),
    "mA": Fraction(1, 1000),
    "%": Fraction(1, 100),
    "kOhm": Fraction(1000),
    "Wh": Fraction(3600),
    "kWh": Fraction(3_600_000),
    "Ah": Fraction(3600),
}

#: Unit and scale of parameters (webconnect.md, section g).
_PARAMETERS = {
    "6800_008AA200": ("", "1"),
    "6800_00894800": ("Wh", "1"),
    "6800_0092D700": ("W", "1"),
    "6800_0092D800": ("%", "1"),
    "6802_00832B00": ("W", "1"),
    "6802_00924200": ("W", "1"),
    "6802_00924300": ("%", "1"),
}


def pysma_sensors(shared: Path) -> list[Row]:
    """PySMA's sensors, beside the metadata of their objects."""
    return _rows(shared, "pysma_vs_metadata")


def online_values(shared: Path) -> dict[str, Row]:
    """Every object of SMA's metadata that is no parameter, by its key."""
    return {row["key"]: row for row in _rows(shared, "online_values")}


def ennexos_tags(shared: Path) -> dict[int, Row]:
    """Every tag that ennexOS is known to use, by its number."""
    return {int(row["tag"]): row for row in _rows(shared, "ennexos_tags")}


def ennexos_channels(shared: Path) -> list[Row]:
    """Every channel of ennexOS that is known."""
    return _rows(shared, "ennexos_channels")


def ennexos_parameters(shared: Path) -> list[Row]:
    """Every parameter of ennexOS that was recorded."""
    return _rows(shared, "ennexos_parameters")


def units_and_scales(shared: Path) -> dict[str, tuple[str, str]]:
    """Unit and scale of each object of which they are documented; empty for states and texts."""
    return (
        {r["key"]: (r["metadata_unit"], r["metadata_scale"]) for r in pysma_sensors(shared)}
        | {key: (row["unit"], row["scale"]) for key, row in online_values(shared).items()}
        | _PARAMETERS
    )


def _rows(shared: Path, name: str) -> list[Row]:
    with (shared / "domain" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
