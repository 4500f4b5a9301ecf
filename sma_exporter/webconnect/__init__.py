"""SMA devices over WebConnect: a synchronous counterpart of PySMA, on requests.

It knows nothing of Prometheus and can be used alone::

    from sma_exporter.webconnect import SMA, make_session

    with SMA(make_session(), "192.0.2.10", "password") as sma:
        sensors = sma.get_sensors()
        sma.read(sensors)
        for sensor in sensors:
            print(sensor.name, sensor.value, sensor.unit)

`decode` turns a whole reply into readings in base units, in which states are tag numbers:
`tag_text` says what they mean. `definitions` holds the sensors, `LOGGERS` what `SMA.read_logger`
can be asked for.

What goes wrong with a device is an `SmaException`. It and its sub-classes can be imported from here
too; `help(sma_exporter.sma.exceptions)` tells them apart.
"""

from ..sma.connections import make_session  # noqa: I001 - each alias would get a statement of its own
from ..sma.deadline import Deadline
from ..sma.exceptions import (
    SmaAuthenticationException as SmaAuthenticationException,
    SmaConnectionException as SmaConnectionException,
    SmaCredentialsException as SmaCredentialsException,
    SmaException as SmaException,
    SmaPinException as SmaPinException,
    SmaReadException as SmaReadException,
    SmaSessionLimitException as SmaSessionLimitException,
    SmaTimeoutException as SmaTimeoutException,
    SmaTlsException as SmaTlsException,
    SmaUnsupportedException as SmaUnsupportedException,
)
from ..sma.source import Readings, Value
from ..sma.tags import text as tag_text
from . import definitions
from .client import SMA, LogEntry as LogEntry, SessionCheck
from .data_logger import LOGGERS, DataLogger as DataLogger
from .decode import decode, version_int_to_string
from .exceptions import (
    SmaErrorReplyException as SmaErrorReplyException,
    SmaNoLoggerException as SmaNoLoggerException,
    SmaNotWebConnectException as SmaNotWebConnectException,
    SmaSeveralDevicesException as SmaSeveralDevicesException,
)
from .sensor import Sensor, Sensors, SensorValue

#: Without the exceptions and the types of data loggers: `help` would show all that they inherit, a
#: hundred lines each.
__all__ = [
    "LOGGERS",
    "SMA",
    "Deadline",
    "Readings",
    "Sensor",
    "SensorValue",
    "Sensors",
    "SessionCheck",
    "Value",
    "decode",
    "definitions",
    "make_session",
    "tag_text",
    "version_int_to_string",
]
