"""SMA devices over WebConnect: a synchronous counterpart of PySMA, on requests.

It knows nothing of Prometheus and can be used alone::

    from sma_exporter.webconnect import SMA, make_session

    with SMA(make_session(), "192.0.2.10", "password") as sma:
        sensors = sma.get_sensors()
        sma.read(sensors)
        for sensor in sensors:
            print(sensor.name, sensor.value, sensor.unit)

`decode` turns a whole reply into readings in base units, in which states are tag numbers:
`tag_text` says what they mean. `definitions` holds the sensors.
"""

from ..sma.connections import make_session
from ..sma.deadline import Deadline
from ..sma.exceptions import (
    SmaAuthenticationException,
    SmaConnectionException,
    SmaException,
    SmaPinException,
    SmaReadException,
    SmaSessionLimitException,
    SmaTimeoutException,
    SmaTlsException,
    SmaUnsupportedException,
)
from ..sma.source import Readings, Value
from ..sma.tags import text as tag_text
from . import definitions
from .client import SMA, SessionCheck
from .decode import decode, version_int_to_string
from .exceptions import (
    SmaNoLoggerException,
    SmaNotWebConnectException,
    SmaSeveralDevicesException,
)
from .sensor import Sensor, Sensors, SensorValue

__all__ = [
    "SMA",
    "Deadline",
    "Readings",
    "Sensor",
    "SensorValue",
    "Sensors",
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
    "SmaUnsupportedException",
    "Value",
    "decode",
    "definitions",
    "make_session",
    "tag_text",
    "version_int_to_string",
]
