"""Prometheus exporter for SMA inverters that speak WebConnect."""

__version__ = "0.1.0"
