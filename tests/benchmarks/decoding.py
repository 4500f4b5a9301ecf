"""Decoding one device's full reply, from JSON text to readings, beside PySMA's decoding of the same text.

`python -m tests.benchmarks.decoding REPETITIONS` prints JSON: milliseconds of CPU a reply, by repetition.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence

from pysma import definitions
from pysma.const import GENERIC_SENSORS
from pysma.sensor import Sensors

from sma_exporter.sma.http import HttpReply
from sma_exporter.sma.tags import L10N
from sma_exporter.webconnect import decode
from sma_exporter.webconnect.replies import parsed

from .farm import MODELS, recorded

ROUNDS = 200


def ours(body: bytes) -> int:
    """Decode a reply; return the number of readings."""
    (values,) = parsed(HttpReply(200, "", body), "getAllOnlValues")["result"].values()
    return len(decode(values))


def theirs(body: bytes, sensors: Sensors) -> int:
    """Decode a reply as PySMA's `read` does; return the number of values."""
    (values,) = json.loads(body)["result"].values()
    for sensor in sensors:
        sensor.extract_value(values, L10N)
    return sum(sensor.value is not None for sensor in sensors)


def sensors_in(body: bytes) -> Sensors:
    """Return PySMA's sensors whose keys the reply has, as its `get_sensors` finds them."""
    (values,) = json.loads(body)["result"].values()
    found = [s for s in definitions.sensor_map[GENERIC_SENSORS] if s.key in values]
    return Sensors([s for s in found if s.key_idx < len(next(iter(values[s.key].values())))])


def milliseconds(decode_all: Callable[[], None]) -> float:
    """Return what one reply takes, of all models' replies in turn."""
    start = time.process_time()
    for _ in range(ROUNDS):
        decode_all()
    return (time.process_time() - start) / ROUNDS / len(MODELS) * 1000


def measured(repetitions: int) -> dict[str, Sequence[float]]:
    """Return milliseconds a reply, ours and PySMA's, by repetition."""
    bodies = [
        json.dumps(recorded(model).online, separators=(",", ":")).encode() for model in MODELS
    ]
    with_sensors = [(body, sensors_in(body)) for body in bodies]
    for body, sensors in with_sensors:  # warm, and right
        if not ours(body) >= theirs(body, sensors) > len(sensors) / 2:
            raise SystemExit("the replies were not decoded")

    def we() -> None:
        for body in bodies:
            ours(body)

    def they() -> None:
        for body, sensors in with_sensors:
            theirs(body, sensors)

    pairs = [(milliseconds(we), milliseconds(they)) for _ in range(repetitions)]
    return {"ours": [pair[0] for pair in pairs], "theirs": [pair[1] for pair in pairs]}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measured(int(sys.argv[1]))) + "\n")
