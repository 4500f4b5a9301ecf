"""SMA devices over WebConnect: a synchronous counterpart of PySMA, on requests.

It knows nothing of Prometheus and can be used alone::

    from sma_exporter.webconnect import SMA, make_session

    sma = SMA(make_session(), "192.0.2.10", "password")
    try:
        for sensor in (sensors := sma.get_sensors()):
            ...
        sma.read(sensors)
    finally:
        sma.close_session()

`decode` turns a whole reply into readings in base units; `definitions` holds the sensors.
"""

from ..sma.connections import Session, make_session
from ..sma.exceptions import (
    SmaAuthenticationException,
    SmaConnectionException,
    SmaException,
    SmaNoLoggerException,
    SmaNotWebConnectException,
    SmaPinException,
    SmaReadException,
    SmaSessionLimitException,
    SmaSeveralDevicesException,
    SmaTimeoutException,
    SmaTlsException,
)
from . import definitions
from .client import SMA, SessionCheck, version_int_to_string
from .readings import Readings, Value, decode
from .sensor import Sensor, Sensors

__all__ = [
    "SMA",
    "Readings",
    "Sensor",
    "Sensors",
    "Session",
    "SessionCheck",
    "SmaAuthenticationException",
    "SmaConnectionException",
    "SmaException",
    "SmaNoLoggerException",
    "SmaNotWebConnectException",
    "SmaPinException",
    "SmaReadException",
    "SmaSessionLimitException",
    "SmaSeveralDevicesException",
    "SmaTimeoutException",
    "SmaTlsException",
    "Value",
    "decode",
    "definitions",
    "make_session",
    "version_int_to_string",
]
