"""A device whose protocol the configuration does not name: it is found out, and again after it was gone.

So a firmware update from one protocol to another needs no restart: names and labels stay.
"""

import logging
from collections.abc import Callable, Collection, Generator
from contextlib import suppress

from ..sma.deadline import Deadline
from ..sma.exceptions import SmaException
from ..sma.source import Address, Measurements, Source

_LOGGER = logging.getLogger(__name__)

_LOGOUT_SECONDS = 2.0

#: The protocol of a device that has no answer to what others ask, or closes the connection: most do.
USUAL = "webconnect"


class DetectingSource:
    """Implements `sma.source.Source` by the source of whatever protocol the device speaks.

    `detect`: asks the device, and returns the protocol's name, None where its answer does not tell: then
    it is the one of before, at first `USUAL`. `open`: makes a source of that protocol.
    `url`: for messages, until something has answered.
    """

    def __init__(
        self,
        device: str,
        url: str,
        detect: Callable[[Deadline], str | None],
        open_: Callable[[str], Source],
    ) -> None:
        self._device = device
        self._url = url
        self._detect = detect
        self._open = open_
        self._protocol = ""
        self._source: Source | None = None
        self._is_certain = False
        self._is_cancelled = False
        self._earlier_logins = 0

    @property
    def url(self) -> str:
        """Where the device is, as far as that is known by now."""
        return self._url if self._source is None else self._source.url

    @property
    def logins(self) -> int:
        """How many sessions were opened so far."""
        return self._earlier_logins + (0 if self._source is None else self._source.logins)

    @property
    def usual_session(self) -> str:
        """What `session` is where the configuration does not say."""
        return "scrape" if self._source is None else self._source.usual_session

    def read(
        self, deadline: Deadline, custom: Collection[Address], *, identify: bool
    ) -> Generator[Measurements]:
        """Read the device, over the protocol that it speaks now."""
        source = self._source
        if source is None or not self._is_certain:
            source = self._found(deadline)
        try:
            yield from source.read(deadline, custom, identify=identify)
        except (SmaException, GeneratorExit):
            self._is_certain = False
            raise

    def release(self, deadline: Deadline) -> None:
        """Log out, in one attempt."""
        if self._source is not None:
            self._source.release(deadline)

    def cancel(self) -> None:
        """Make the read under way, and all later ones, end soon. From any thread."""
        self._is_cancelled = True
        source = self._source
        if source is not None:
            source.cancel()

    def _found(self, deadline: Deadline) -> Source:
        protocol = self._detect(deadline) or self._protocol or USUAL
        source = self._source
        if source is None or protocol != self._protocol:
            if source is not None:
                extra = {"device": self._device, "before": self._protocol, "now": protocol}
                _LOGGER.warning("the device speaks another protocol now", extra=extra)
                with suppress(SmaException):
                    source.release(deadline.at_most(_LOGOUT_SECONDS))
                self._earlier_logins += source.logins
            self._protocol = protocol
            source = self._source = self._open(protocol)
            if self._is_cancelled:
                source.cancel()
        self._is_certain = True
        return source
