"""The peer: PySMA behind an exporter as somebody who knows asyncio would write it.

All devices are gathered; sessions, connections and sensors are made once; the values go out by
prometheus_client. `python -m tests.benchmarks.peer URL…` prints its own URL and serves /metrics.
"""

import argparse
import asyncio
import gzip
import signal
import sys
from collections.abc import Iterator, Sequence

from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from pysma import SMA
from pysma.sensor import Sensors

from sma_exporter.simulator import PASSWORD


class Device:
    """A device, and whether its last read went well."""

    def __init__(self, http: ClientSession, url: str, *, keep: bool) -> None:
        self.name = url.rpartition(":")[2]
        self.sma = SMA(http, url, PASSWORD)
        self.sensors = Sensors()
        self.up = False
        self._keep = keep

    async def find_sensors(self) -> None:
        """Ask once what there is, and want all of it."""
        self.sensors = await self.sma.get_sensors()
        for sensor in self.sensors:
            sensor.enabled = True
        if not self._keep:
            await self.sma.close_session()

    async def read(self) -> None:
        """Log in, read, log out; or only read."""
        if not self._keep or self.sma._sid is None:
            await self.sma.new_session()
        self.up = await self.sma.read(self.sensors)
        if not self._keep:
            await self.sma.close_session()


class Collector:
    """The values of the last reads, a family a sensor."""

    def __init__(self, devices: Sequence[Device]) -> None:
        self._devices = devices

    def describe(self) -> list[Metric]:
        """Nothing is to be read to register this."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield each family once."""
        up = GaugeMetricFamily("sma_up", "Whether the read went well.", labels=["device"])
        found: dict[str, GaugeMetricFamily] = {}
        for device in self._devices:
            up.add_metric([device.name], device.up)
            for sensor in device.sensors:
                value = sensor.value
                if value is None:
                    continue
                is_text = isinstance(value, str)
                family = found.get(sensor.name)
                if family is None:
                    labels = ["device", "value"] if is_text else ["device"]
                    help_text = f"{sensor.name} ({sensor.key}), {sensor.unit}"
                    family = GaugeMetricFamily(f"sma_{sensor.name}", help_text, labels=labels)
                    found[sensor.name] = family
                if is_text:
                    family.add_metric([device.name, value], 1)
                else:
                    family.add_metric([device.name], value)
        yield up
        yield from found.values()


async def serve(urls: Sequence[str], *, keep: bool) -> None:
    """Serve until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    connector = TCPConnector(limit=0, ssl=False)
    async with ClientSession(connector=connector, cookie_jar=DummyCookieJar()) as http:
        devices = [Device(http, url, keep=keep) for url in urls]
        await asyncio.gather(*(device.find_sensors() for device in devices))
        registry = CollectorRegistry()
        registry.register(Collector(devices))

        async def metrics(request: web.Request) -> web.Response:
            await asyncio.gather(*(device.read() for device in devices))
            encoder, content_type = choose_encoder(request.headers.get("Accept", ""))
            body = gzip.compress(encoder(registry))
            headers = {"Content-Type": content_type, "Content-Encoding": "gzip"}
            return web.Response(body=body, headers=headers)

        app = web.Application()
        app.router.add_get("/metrics", metrics)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        sys.stdout.write(f"http://{host}:{port}\n")
        sys.stdout.flush()
        await ended.wait()
        await asyncio.gather(*(device.sma.close_session() for device in devices))
        await runner.cleanup()


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("urls", nargs="+")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.urls, keep=arguments.keep))


if __name__ == "__main__":
    main()
