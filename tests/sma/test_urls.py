"""The URL of a device in its parts, and what a redirect may make of it."""

import pytest

from sma_exporter.sma.exceptions import SmaConnectionException
from sma_exporter.sma.urls import over_https, redirected, split_url


@pytest.mark.parametrize(
    ("url", "host", "port", "rest"),
    [
        ("http://192.0.2.10", "192.0.2.10", 80, ""),
        ("HTTPS://Roof.Example/", "roof.example", 443, "/"),
        ("https://[2001:DB8::10]:8443/sma", "[2001:db8::10]", 8443, "/sma"),
        ("http://[fe80::1%eth0]", "[fe80::1%eth0]", 80, ""),
        ("https://dach_süd.local/a?b#c", "dach_süd.local", 443, "/a?b#c"),
    ],
)
def test_a_url_in_its_parts(url: str, host: str, port: int, rest: str) -> None:
    parts = split_url(url)

    assert (parts.host, parts.port, parts.rest) == (host, port, rest)


@pytest.mark.parametrize(
    "url",
    [
        *("", "roof", "ftp://roof", "//roof", "http://", "http:///x", "http://[1", "http://1]"),
        *(
            "http://a:b@roof",
            "http://@roof",
            "http://roof\\@evil",
            "http://roof/\\",
            "http://ro of",
        ),
        *(
            "http://roof\n",
            "http://roof/\r\nX: y",
            "http://roof\x00",
            "http://roof/\x7f",
            " http://a",
        ),
        *("http://roof:", "http://roof:0", "http://roof:65536", "http://roof:8a", "http://roof:²"),
        *("http://1:2:3", "http://::1", "http://[roof]", "http://<roof>"),
    ],
)
def test_what_parsers_may_read_differently_is_no_url(url: str) -> None:
    with pytest.raises(ValueError, match="no URL of a device"):
        split_url(url)


@pytest.mark.parametrize(
    ("url", "secure"),
    [
        ("http://roof", "https://roof"),
        ("http://roof:80/sma", "https://roof/sma"),
        ("http://[::1]:8080/sma", "https://[::1]:8080/sma"),
    ],
)
def test_the_same_over_https(url: str, secure: str) -> None:
    assert over_https(url) == secure
    assert redirected(url, f"{secure}/login?x#y") == secure


def test_of_a_redirect_elsewhere_little_is_told() -> None:
    with pytest.raises(SmaConnectionException) as caught:
        redirected("http://roof", f"https://{'evil' * 1000}\x85/dyn/getValues.json?sid=K9mX")

    message = str(caught.value)
    assert message.startswith("roof redirects to https://evilevil")
    assert message.endswith("evil, which is not followed")
    assert len(message) < 200
