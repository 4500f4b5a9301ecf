"""The configured devices as they are now: from the configuration at the start through every reload of it.

A device whose name and url stay is kept as it is, with its guard, pauses and session. One that
leaves ends its read and logs out, and only then does whoever takes its name or its host read.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from .. import config
from ..sma.deadline import Deadline
from ..sma.sharing import Sharing
from .device import LEAVE_SECONDS, Device
from .protocols import PROTOCOLS, Protocol

_LOGGER = logging.getLogger(__name__)

#: Seconds for all devices together to end their reads and log out when the exporter stops.
STOP_SECONDS = 8.0


class Loading(NamedTuple):
    """How the last loading of the configuration ended, and the unix time of the last good one."""

    successful: bool
    succeeded_at: float


class Fleet:
    """All devices of one configuration. `load` reads it anew; without it there is nothing to reload.

    `monotonic` is the clock of all reads, and so of the deadlines of those who wait for them.
    """

    def __init__(
        self,
        loaded: config.Config,
        load: Callable[[], config.Config] | None = None,
        *,
        protocols: Mapping[str, Protocol] = PROTOCOLS,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._protocols = protocols
        self._sharing = Sharing()
        self._clock = clock
        self.monotonic = monotonic
        self._reloading = threading.Lock()
        self._lock = threading.Lock()  # guards the devices; held only for moments
        self._is_closed = False
        self._leaving: list[Device] = []
        self.devices: tuple[Device, ...] = tuple(map(self._new_device, loaded.devices))
        self.loading = Loading(successful=True, succeeded_at=clock())
        _warn(loaded)

    def reload(self) -> None:
        """Load the configuration anew.

        ConfigError, and everything stays as it was, if it cannot be used.
        """
        with self._reloading:
            if self._load is None:
                _LOGGER.info("nothing to reload: these devices come from no configuration")
                return
            try:
                loaded = self._load()
            except config.ConfigError as error:
                self.loading = self.loading._replace(successful=False)
                for problem in error.problems:
                    _LOGGER.error("configuration not reloaded, the old one stays: %s", problem)  # noqa: TRY400
                raise
            self._take_over(loaded.devices)
            self.loading = Loading(successful=True, succeeded_at=self._clock())
            _LOGGER.info("configuration reloaded", extra={"devices": len(self.devices)})
            _warn(loaded)

    def close(self, seconds: float = STOP_SECONDS) -> None:
        """Close all devices side by side, in so many seconds altogether."""
        with self._lock:
            self._is_closed = True
            deadline = Deadline.after(seconds, self.monotonic)
            closing = [
                _in_background(device.close, deadline) for device in (*self.devices, *self._leaving)
            ]
        for thread in closing:
            thread.join(deadline.left())

    def _take_over(self, wanted: Sequence[config.DeviceSettings]) -> None:
        with self._lock:
            if not self._is_closed:
                self._replace_devices(wanted)

    def _replace_devices(self, wanted: Sequence[config.DeviceSettings]) -> None:
        now = {(device.name, device.settings.url): device for device in self.devices}
        kept = {key for settings in wanted if (key := (settings.name, settings.url)) in now}
        left = [device for key, device in now.items() if key not in kept]
        self._leaving = [device for device in self._leaving if not device.closed] + left
        self.devices = tuple(
            self._kept_or_new(now.get((settings.name, settings.url)), settings)
            for settings in wanted
        )
        for device in left:
            _LOGGER.info("the device leaves the configuration", extra={"device": device.name})
            _in_background(device.leave, Deadline.after(LEAVE_SECONDS, self.monotonic))

    def _new_device(self, settings: config.DeviceSettings) -> Device:
        return Device(
            settings,
            protocols=self._protocols,
            sharing=self._sharing,
            clock=self._clock,
            monotonic=self.monotonic,
        )

    def _kept_or_new(self, device: Device | None, settings: config.DeviceSettings) -> Device:
        if device is None:
            device = self._new_device(settings)
            device.wait_for(old for old in self._leaving if _may_be_one(old.settings, settings))
        else:
            device.reconfigure(settings)
        return device


def _may_be_one(old: config.DeviceSettings, new: config.DeviceSettings) -> bool:
    """Tell whether two entries may mean one device: then their reads may not meet."""
    hosts = config.host_of(old.url).lower(), config.host_of(new.url).lower()
    return old.name == new.name or hosts[0] == hosts[1]


def _warn(loaded: config.Config) -> None:
    for warning in loaded.warnings:
        _LOGGER.warning("configuration: %s", warning)


def _in_background(do: Callable[[Deadline], None], deadline: Deadline) -> threading.Thread:
    thread = threading.Thread(target=do, args=(deadline,), daemon=True)
    thread.start()
    return thread
