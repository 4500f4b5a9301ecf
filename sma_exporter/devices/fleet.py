"""The configured devices as they are now: from the configuration at the start through every reload of it.

A device whose name and url stay is kept as it is, with its guard, pauses and session. One that
leaves ends its read and logs out, and only then does whoever takes its name or its host read.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from .. import config
from ..sma.deadline import Deadline
from ..sma.sharing import Sharing
from .device import LEAVE_SECONDS, LOGOUT_SECONDS, Device
from .in_parallel import in_parallel
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
        self.devices: tuple[Device, ...] = tuple(map(self._new, loaded.devices))
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
        deadline = Deadline.after(seconds, self.monotonic)
        with self._lock:
            self._is_closed = True
            devices = [*self.devices, *self._leaving]
        for device in devices:
            device.cancel()  # all of them, before the first is waited for
        own_thread = threading.current_thread()

        def leave(device: Device) -> None:
            is_own = threading.current_thread() is own_thread  # then others have to wait
            device.leave(deadline.at_most(LOGOUT_SECONDS) if is_own else deadline)

        # Where threads are few: who reads logs out by itself afterwards.
        devices.sort(key=lambda device: device.is_reading)
        for thread in in_parallel(leave, devices):
            thread.join(deadline.left())
        for device in devices:
            if not device.closed:
                device.give_up("stopped before the device answered")

    def _take_over(self, wanted: Sequence[config.DeviceSettings]) -> None:
        now = {(device.name, device.settings.url): device for device in self.devices}
        # New ones are made before the lock is taken: that takes a while with many.
        devices = [
            now.pop(key) if (key := (settings.name, settings.url)) in now else self._new(settings)
            for settings in wanted
        ]
        left = [*now.values()]
        with self._lock:
            if self._is_closed:
                return
            self._leaving = [device for device in self._leaving if not device.closed] + left
            leaving = _Leaving(self._leaving)
            before = {*self.devices}
            for device, settings in zip(devices, wanted, strict=True):
                if device in before:
                    device.reconfigure(settings)
                else:
                    device.wait_for(leaving.that_may_be(settings))
            self.devices = tuple(devices)
        for device in left:
            _LOGGER.info("the device leaves the configuration", extra={"device": device.name})
        deadline = Deadline.after(LEAVE_SECONDS, self.monotonic)
        in_parallel(lambda device: device.leave(deadline), left)

    def _new(self, settings: config.DeviceSettings) -> Device:
        return Device(
            settings,
            protocols=self._protocols,
            sharing=self._sharing,
            clock=self._clock,
            monotonic=self.monotonic,
        )


class _Leaving:
    """Devices that leave, by what tells that a new entry may mean the same device: name or host."""

    def __init__(self, devices: Iterable[Device]) -> None:
        self._by_name: dict[str, list[Device]] = defaultdict(list)
        self._by_host: dict[str, list[Device]] = defaultdict(list)
        for device in devices:
            self._by_name[device.name].append(device)
            self._by_host[_host(device.settings)].append(device)

    def that_may_be(self, settings: config.DeviceSettings) -> tuple[Sequence[Device], ...]:
        """Return the groups of devices that an entry may mean; a host's group is one for all its entries."""
        return self._by_name.get(settings.name, []), self._by_host.get(_host(settings), [])


def _host(settings: config.DeviceSettings) -> str:
    return config.host_of(settings.url).lower()


def _warn(loaded: config.Config) -> None:
    for warning in loaded.warnings:
        _LOGGER.warning("configuration: %s", warning)
