"""Log lines: one a record whatever is in it, in the words that Prometheus and its exporters use."""

import io
import json
import logging
import re
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sma_exporter.cli.logs import LEVELS, setup

LOG = logging.getLogger("test_logs")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Whatever a test sets up ends with it."""
    loggers = [logging.getLogger(name) for name in (None, "requests", "urllib3")]
    levels = [logger.level for logger in loggers]
    handlers = [*loggers[0].handlers]
    yield
    logging.captureWarnings(capture=False)
    loggers[0].handlers[:] = handlers
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def test_a_line_of_logfmt(stream: io.StringIO) -> None:
    setup("info", "logfmt", stream)
    LOG.warning("login of %s refused", "roof", extra={"device": "roof", "tries": 2})
    assert re.fullmatch(
        r"time=[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z level=warn "
        r'source=test_logs\.py:[0-9]+ msg="login of roof refused" device=roof tries=2\n',
        stream.getvalue(),
    )


def test_a_line_of_json(stream: io.StringIO) -> None:
    setup("info", "json", stream)
    LOG.error("login refused", extra={"device": "roof", "tries": 2, "model": None, "ok": False})
    line = json.loads(stream.getvalue())
    assert list(line) == ["time", "level", "source", "msg", "device", "tries", "model", "ok"]
    assert list(line.values())[3:] == ["login refused", "roof", 2, None, False]
    assert line["level"] == "error"


def test_time_is_utc_in_milliseconds(stream: io.StringIO) -> None:
    setup("info", "logfmt", stream)
    record = LOG.makeRecord("x", logging.INFO, "x.py", 1, "x", (), None)
    record.created = 1_795_411_762.0
    LOG.handle(record)
    assert stream.getvalue() == "time=2026-11-23T05:29:22.000Z level=info source=x.py:1 msg=x\n"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("roof", "roof"),
        ("", '""'),
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ('say "x"', r'"say \"x\""'),
        ("C:\\x", r'"C:\\x"'),
        ("a\nlevel=error", r'"a\nlevel=error"'),
        ("\r\t\x1b[2J\x00", r'"\r\t\u001b[2J\u0000"'),
        ("a\u2028b\x85\u202ec\ud800", r'"a\u2028b\u0085\u202ec\ud800"'),
        ("23 °C", '"23 °C"'),
        ("Dächer", "Dächer"),
        (None, "null"),
        (True, "true"),
        (5, "5"),
        (0.25, "0.25"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (["a"], "['a']"),
        (ValueError("no way"), '"no way"'),
    ],
)
def test_values_are_quoted_where_they_need_it(
    stream: io.StringIO, value: object, written: str
) -> None:
    setup("info", "logfmt", stream)
    LOG.info("x", extra={"value": value})
    assert stream.getvalue().partition(" value=")[2] == written + "\n"


TEXTS = st.text() | st.text(alphabet=' ="\\\n\x1b\u2028am')
PAIR = re.compile(r'([A-Za-z0-9_.]+)=("(?:[^"\\]|\\.)*"|[^ ="\\]+)(?: |$)')


@given(message=TEXTS, key=TEXTS, value=TEXTS)
def test_no_text_forges_a_line(message: str, key: str, value: str) -> None:
    """Whatever a device says, a reader gets it back as one value of one line."""
    stream = io.StringIO()
    setup("info", "logfmt", stream)
    LOG.info("%s", message, extra={"a" + key: value})
    line = stream.getvalue().removesuffix("\n")
    assert line.isprintable()
    pairs = PAIR.findall(line)
    assert PAIR.sub("", line) == ""
    assert [name for name, _ in pairs[:4]] == ["time", "level", "source", "msg"]
    texts = [json.loads(text) if text.startswith('"') else text for _, text in pairs[3:]]
    assert texts == [message, value]


@given(message=TEXTS, key=TEXTS, value=TEXTS | st.floats() | st.integers())
def test_every_line_of_json_is_json(message: str, key: str, value: object) -> None:
    stream = io.StringIO()
    setup("info", "json", stream)
    LOG.info("%s", message, extra={"a" + key: value})
    line = stream.getvalue().removesuffix("\n")
    assert line.isprintable()
    assert json.loads(line)["msg"] == message


def test_a_field_does_not_replace_what_a_line_has(stream: io.StringIO) -> None:
    setup("info", "json", stream)
    LOG.info("x", extra={"level": "error", "source": "y", "device": "roof"})
    line = json.loads(stream.getvalue())
    assert (line["level"], line["source"][:9], line["device"]) == ("info", "test_logs", "roof")


@pytest.mark.parametrize("level", LEVELS)
def test_levels(stream: io.StringIO, level: str) -> None:
    setup(level, "json", stream)
    for number in LEVELS.values():
        LOG.log(number, "x")
    words = [json.loads(line)["level"] for line in stream.getvalue().splitlines()]
    assert words == [*LEVELS][[*LEVELS].index(level) :]


@pytest.mark.parametrize(
    ("number", "word"),
    [(logging.CRITICAL, "error"), (25, "info"), (logging.DEBUG + 1, "debug"), (1, "debug")],
)
def test_levels_of_others(stream: io.StringIO, number: int, word: str) -> None:
    setup("debug", "json", stream)
    logging.getLogger().setLevel(1)
    LOG.log(number, "x")
    assert json.loads(stream.getvalue())["level"] == word


@pytest.mark.parametrize("words", [("warning", "json"), ("INFO", "json"), ("info", "text")])
def test_no_other_words(words: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="must be one of"):
        setup(*words)


def test_set_up_again_replaces(stream: io.StringIO) -> None:
    before = [*logging.getLogger().handlers]
    first = io.StringIO()
    setup("debug", "logfmt", first)
    setup("warn", "json", stream)
    LOG.info("x")
    LOG.warning("y")
    assert first.getvalue() == ""
    assert json.loads(stream.getvalue())["msg"] == "y"
    assert len(logging.getLogger().handlers) == len(before) + 1


def test_standard_error_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    setup("info", "logfmt")
    LOG.info("x")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("msg=x\n")


def log_exception(stream: io.StringIO, level: str) -> Any:
    setup(level, "json", stream)
    try:
        raise ValueError("two\nlines")  # noqa: TRY301 - it is about the log line
    except ValueError:
        LOG.exception("it failed")
    return json.loads(stream.getvalue())


def test_an_exception_is_one_field(stream: io.StringIO) -> None:
    line = log_exception(stream, "info")
    assert line["error"] == "ValueError: two\nlines"
    assert "traceback" not in line


def test_a_traceback_at_debug_is_one_more(stream: io.StringIO) -> None:
    line = log_exception(stream, "debug")
    assert line["traceback"].startswith("Traceback")
    assert len(stream.getvalue().splitlines()) == 1


def test_no_exception_to_show(stream: io.StringIO) -> None:
    setup("info", "json", stream)
    LOG.info("x", exc_info=True)  # noqa: LOG014 - a slip that must not cost the line
    assert "error" not in json.loads(stream.getvalue())


@pytest.mark.parametrize("name", ["urllib3.connectionpool", "urllib3", "requests"])
def test_libraries_that_show_session_ids_are_quiet(stream: io.StringIO, name: str) -> None:
    setup("debug", "logfmt", stream)
    logging.getLogger(name).debug("POST /dyn/getValues.json?sid=x")
    logging.getLogger(name).warning("Failed to parse headers (url=http://a/?sid=x)")
    assert stream.getvalue() == ""


def test_warnings_are_log_lines(stream: io.StringIO) -> None:
    setup("info", "json", stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old way", UserWarning, stacklevel=1)
    line = json.loads(stream.getvalue())
    assert line["level"] == "warn"
    assert "UserWarning: old way" in line["msg"]
