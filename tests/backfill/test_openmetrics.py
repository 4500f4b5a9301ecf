"""The file: the very series of the live exposition, and how a file that was cut short is continued."""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.core import Metric
from support.backfills import parsed

from sma_exporter.backfill.errors import HistoryUsageError
from sma_exporter.backfill.openmetrics import Output, Position, Series, metric_of, new_series
from sma_exporter.metrics import families as metrics
from sma_exporter.metrics.exposition import registry_of
from sma_exporter.sma.history import HistoryError
from sma_exporter.webconnect.data_logger import LOGGERS

SENSORS = sorted({logger.sensor for logger in LOGGERS if logger.sensor})
YIELD = new_series("total_yield", "roof", {"job": "sma", "instance": "x"}, "Made by a test.")
DRAW = new_series(
    "metering_total_absorbed", "roof", {"job": "sma", "instance": "x"}, "Made by a test."
)


class _Live:
    """What the exporter exposes of one reading."""

    def __init__(self, sensor: str, device: str) -> None:
        self._source = metrics.DeviceReadings(device, {sensor: 1.0}, {})

    def collect(self) -> Iterable[Metric]:
        return [*metrics.families([self._source])]

    def describe(self) -> Iterable[Metric]:
        return []


class TestSeries:
    @pytest.mark.parametrize("device", ["roof", 'a "b" \\ c', "Süddach"])
    @pytest.mark.parametrize("sensor", SENSORS)
    def test_it_is_the_live_one(self, sensor: str, device: str) -> None:
        exposed = generate_latest(registry_of(_Live(sensor, device))).decode().splitlines()
        (live,) = [line for line in exposed if line.startswith(metric_of(sensor) + "{")]

        assert f"{new_series(sensor, device, {}, '').prefix} 1.0" == live

    @pytest.mark.parametrize("sensor", SENSORS)
    def test_a_file_of_it_is_openmetrics(self, sensor: str) -> None:
        made = new_series(sensor, "roof", {"job": 's"m\\a\n'}, "Made by a test.")
        text = f"{made.header.decode()}{made.prefix} 17 1700000000\n# EOF\n"

        (family,) = parsed(text)

        (sample,) = family.samples
        assert sample.labels == {"device": "roof", "job": 's"m\\a\n'}
        assert (sample.value, float(sample.timestamp)) == (17.0, 1_700_000_000.0)
        assert family.documentation.endswith("Made by a test.")
        assert sample.name == made.name == metric_of(sensor)
        assert (family.type == "counter") is made.is_counter

    def test_meter_readings_are_counters_and_the_state_of_charge_is_none(self) -> None:
        gauges = [sensor for sensor in SENSORS if not new_series(sensor, "x", {}, "").is_counter]

        assert gauges == ["battery_soc_total"]


def lines(series: Series, *stamps: int) -> list[str]:
    return [f"{series.prefix} {stamp * 2} {stamp}\n" for stamp in stamps]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "roof.om"


@pytest.fixture
def whole(path: Path) -> bytes:
    """A file of two series, whole but for its end."""
    with closing(Output.create(path)) as output:
        output.write(YIELD, lines(YIELD, 100, 200))
        output.write(YIELD, [])
        output.write(YIELD, lines(YIELD, 300))
        output.write(DRAW, lines(DRAW, 100, 200))
    return path.read_bytes()


class TestNewFile:
    def test_a_header_stands_before_the_first_line_of_a_series_only(self, whole: bytes) -> None:
        text = whole.decode()

        assert text == "".join(
            [
                YIELD.header.decode(),
                *lines(YIELD, 100, 200, 300),
                DRAW.header.decode(),
                *lines(DRAW, 100, 200),
            ]
        )

    def test_a_series_without_a_line_leaves_no_trace(self, path: Path) -> None:
        with closing(Output.create(path)) as output:
            output.write(DRAW, [])
            output.write(YIELD, lines(YIELD, 100))
            output.finish()

        assert path.read_text() == f"{YIELD.header.decode()}{lines(YIELD, 100)[0]}# EOF\n"

    def test_one_that_is_there_is_not_touched(self, path: Path, whole: bytes) -> None:
        with pytest.raises(HistoryUsageError, match="--resume"):
            Output.create(path)

        assert path.read_bytes() == whole

    def test_an_empty_one_goes(self, path: Path) -> None:
        Output.create(path).close()

        assert not path.exists()

    def test_a_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        with pytest.raises(HistoryError, match="No such file"):
            Output.create(tmp_path / "nowhere" / "roof.om")
        with pytest.raises(HistoryError, match="directory"):
            Output.create(tmp_path)
        with pytest.raises(HistoryError, match="directory"):
            Output.resume(tmp_path)

    def test_a_full_disk(self) -> None:
        with (
            closing(Output.create(Path("/dev/full"))) as output,
            pytest.raises(HistoryError, match="No space left"),
        ):
            output.write(YIELD, lines(YIELD, 100))


class TestResume:
    def test_a_file_that_is_not_there_is_begun(self, path: Path) -> None:
        with closing(Output.resume(path)) as output:
            output.write(YIELD, lines(YIELD, 100))

            assert output.begun.position is None
        assert path.read_bytes().startswith(YIELD.header)

    def test_it_goes_on_behind_the_last_line(self, path: Path, whole: bytes) -> None:
        with closing(Output.resume(path)) as output:
            assert output.begun.position == Position(DRAW.prefix, 400.0, 200)
            assert output.begun.head == whole
            output.write(DRAW, lines(DRAW, 300))
            output.finish()

        assert path.read_bytes() == whole + lines(DRAW, 300)[0].encode() + b"# EOF\n"

    def test_a_file_with_its_end_is_complete(self, path: Path, whole: bytes) -> None:
        path.write_bytes(whole + b"# EOF\n")

        with closing(Output.resume(path)) as output:
            assert output.begun.is_complete

        assert path.read_bytes() == whole + b"# EOF\n"

    def test_wherever_it_was_cut_it_becomes_the_same(self, path: Path, whole: bytes) -> None:
        """After a kill or a full disk a file may end anywhere: in a header, a line, its end."""
        complete = whole + b"# EOF\n"
        everything = [*((YIELD, t) for t in (100, 200, 300)), *((DRAW, t) for t in (100, 200))]
        for length in range(len(complete)):
            path.write_bytes(complete[:length])
            with closing(Output.resume(path)) as output:
                position = output.begun.position
                done = 0
                if position is not None:
                    done = [(s.prefix, t) for s, t in everything].index(
                        (position.prefix, position.stamp)
                    ) + 1
                for made, stamp in everything[done:]:
                    output.write(made, lines(made, stamp))
                output.finish()

            assert path.read_bytes() == complete, length

    def test_a_long_tail_of_rubbish_is_cut_off(self, path: Path, whole: bytes) -> None:
        """As a power cut may leave it: the file has its length, and zeros instead of the last lines."""
        path.write_bytes(whole + bytes(500_000))

        with closing(Output.resume(path)) as output:
            assert output.begun.position == Position(DRAW.prefix, 400.0, 200)

        assert path.read_bytes() == whole

    def test_the_end_is_found_without_reading_all(self, path: Path) -> None:
        many = lines(YIELD, *range(100, 20_000))
        with closing(Output.create(path)) as output:
            output.write(YIELD, many)
        assert path.stat().st_size > 1_000_000

        with closing(Output.resume(path)) as output:
            assert output.begun.position == Position(YIELD.prefix, 39_998.0, 19_999)
            assert len(output.begun.head) == 65_536

    @pytest.mark.parametrize(
        "text",
        [
            "devices:\n  - name: roof\n",
            "no line end",
            "# HELP other\n",
            "\n",
            f"{YIELD.header.decode()}what is this\n",
            f"{YIELD.header.decode()}{YIELD.prefix} 1.0\n",
        ],
    )
    def test_another_file_is_not_touched(self, path: Path, text: str) -> None:
        path.write_text(text)

        with pytest.raises(HistoryUsageError, match="not what backfill has written"):
            Output.resume(path)

        assert path.read_text() == text
