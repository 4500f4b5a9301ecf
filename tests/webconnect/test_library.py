"""What a user of the library finds in the package."""

import pydoc

import pytest

from sma_exporter import webconnect
from sma_exporter.sma import exceptions
from sma_exporter.webconnect import exceptions as own


def test_help_is_short_and_about_the_library() -> None:
    text = pydoc.plain(pydoc.render_doc(webconnect))

    assert len(text.splitlines()) < 500
    assert "class SMA(" in text
    assert "class Session(" not in text


@pytest.mark.parametrize(
    "name",
    [
        name
        for module in (exceptions, own)
        for name in vars(module)
        if name.startswith("Sma") and name != "SmaIdentityException"  # its callers'
    ],
)
def test_what_the_library_raises_can_be_imported_from_the_package(name: str) -> None:
    assert getattr(webconnect, name).__name__ == name
