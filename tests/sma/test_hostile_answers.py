"""Answers that are made to cost time or memory: an exchange ends in time and costs little, whatever comes."""

import gzip
import itertools
import time
import zlib
from collections.abc import Callable, Iterable, Iterator

import exchanges
import pytest
from exchanges import Answering, MakeHttp, ask, failure
from support.raw_devices import tls_context

from sma_exporter.sma.exceptions import SmaConnectionException, SmaReadException

http, answering = exchanges.http, exchanges.answering

OK = b"HTTP/1.1 200 OK\r\n"
JSON = b'{"result":{}}'


def with_length(encoding: str, body: bytes, line: bytes = OK) -> list[bytes]:
    head = f"Content-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n"
    return [line, head.encode(), body]


# Compression: none is asked for, and none is taken


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "identity", "x, gzip", ""])
@pytest.mark.parametrize("body", [JSON, b" \r\n[]", b"<html>", b""])
def test_a_plain_answer_that_is_announced_as_compressed_is_read_as_it_is(
    answering: Answering, http: MakeHttp, encoding: str, body: bytes
) -> None:
    assert ask(http(), answering(with_length(encoding, body))).body == body


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(JSON)),
        ("deflate", zlib.compress(JSON)),
        ("zstd", b"\x28\xb5\x2f\xfd\x20\x0d"),
        ("gzip", gzip.compress(b" " * 9 * 1024 * 1024)),
        ("gzip", b"abcd"),
    ],
    ids=["gzip", "deflate", "zstd", "a lot", "not even gzip"],
)
def test_a_compressed_answer_is_not_unpacked(
    answering: Answering, http: MakeHttp, encoding: str, body: bytes
) -> None:
    error = failure(http(), answering(with_length(encoding, body)))

    assert type(error) is SmaReadException
    assert f"the reply is compressed ({encoding}), which was not asked for" in str(error)


def test_the_name_of_a_compression_is_shown_printable_and_cut(
    answering: Answering, http: MakeHttp
) -> None:
    url = answering(with_length("\x1b]0;title\x07" + "x" * 9000, b"\x1f\x8b"))

    message = str(failure(http(), url))

    assert message.isprintable()
    assert len(message) < 300


def test_a_compressed_error_page_costs_nothing_but_itself(
    answering: Answering, http: MakeHttp
) -> None:
    body = gzip.compress(b"<html>")
    url = answering(with_length("gzip", body, b"HTTP/1.1 503 Service Unavailable\r\n"))

    assert ask(http(), url).status == 503


# Much work in few bytes

CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
_MEMBERS = gzip.compress(b"") * 400_000


def endless(piece: bytes, *before: bytes) -> Callable[[], Iterable[bytes]]:
    return lambda: itertools.chain(before, itertools.repeat(piece))


SINKS: dict[str, Callable[[], Iterable[bytes]]] = {
    "chunks of a byte": endless(b"1\r\nx\r\n" * 2000, CHUNKED),
    "chunks with a long size": endless(b"%060x\r\nx\r\n" % 1 * 500, CHUNKED),
    "chunks with much beside their size": endless(b"1;" + b"a" * 60_000 + b"\r\nx\r\n", CHUNKED),
    "a chunk with endless words beside its size": endless(b"a" * 60_000, CHUNKED, b"1;"),
    "endless trailers": endless(b"A: b\r\n" * 1000, CHUNKED, b"0\r\n"),
    "100 Continue without end": endless(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "100 Continue with endless headers": endless(b"A: b\r\n" * 1000, b"HTTP/1.1 100 Continue\r\n"),
    "99 long headers": lambda: [OK, *[b"A: " + b"b" * 65_000 + b"\r\n"] * 99, b"\r\n{}"],
    "a header without end": endless(b"b" * 60_000, OK, b"A: "),
    "headers without end": endless(b"A: " + b"b" * 65_000 + b"\r\n", OK),
    "a header that is folded without end": endless(b" " + b"b" * 60_000 + b"\r\n", OK, b"A: b\r\n"),
    "a status line without end": endless(b"2" * 60_000, b"HTTP/1.1 "),
    "single bytes": endless(b"x", OK, b"\r\n"),
    "empty gzip members, then the answer": lambda: with_length("gzip", _MEMBERS + JSON),
    "1 MB of empty gzip members": lambda: with_length("gzip", _MEMBERS[:1_000_000] + JSON),
}


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("sink", SINKS)
def test_an_answer_made_to_cost_time_ends_in_time_and_costs_little(
    answering: Answering, http: MakeHttp, sink: str, tls: bool
) -> None:
    url = answering(SINKS[sink](), tls_context() if tls else None)
    started, worked = time.monotonic(), time.thread_time()

    error = failure(http(verify=False), url, seconds=1.0)

    assert time.thread_time() - worked < 2.0
    assert time.monotonic() - started < 8.0
    assert isinstance(error, SmaConnectionException | SmaReadException)


def test_a_long_answer_in_small_chunks_is_whole(answering: Answering, http: MakeHttp) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(3000):
            yield b"20\r\n" + b" " * 32 + b"\r\n"

    url = answering([CHUNKED, *chunks(), b"0\r\n\r\n"])

    assert len(ask(http(), url).body) == 3000 * 32
