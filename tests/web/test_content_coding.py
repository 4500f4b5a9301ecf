"""Which Accept-Encoding headers get gzip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sma_exporter.web.content_coding import accepts_gzip


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("gzip", True),
        ("GZip", True),
        ("x-gzip", True),
        ("gzip;q=1", True),
        ("gzip;q=1.000", True),
        ("gzip ; q=0.001", True),
        ("gzip;Q=0.5", True),
        ("deflate, gzip, br, zstd", True),
        ("identity, gzip", True),
        ("*;q=0, gzip", True),
        ("gzip,", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0.", False),
        ("gzip;q=0, gzip", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("*", False),
        ("identity", False),
        ("identity;q=0", False),
        ("", False),
        (",;,", False),
        ("notgzip", False),
        ("gzip2", False),
        ("gzip q=1", False),
        ("gzip;q", False),
        ("gzip;q=", False),
        ("gzip;q=2", False),
        ("gzip;q=-1", False),
        ("gzip;q=1.001", False),
        ("gzip;q=nan", False),
        ("gzip;q=1;q=0", False),
        ("gzip;level=9", False),
        ("deflate;gzip", False),
    ],
)
def test_gzip_goes_to_those_who_name_it_and_do_not_refuse_it(header: str, expected: bool) -> None:
    assert accepts_gzip(header) is expected


@given(st.text())
def test_no_header_is_too_odd(header: str) -> None:
    accepts_gzip(header)
