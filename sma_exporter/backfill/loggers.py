"""The loggers of WebConnect devices: what each keeps, how often, and whose past that is.

Numbers and objects are from SMA's metadata: 28672 is 7000 in hex, the group of the object
7000_00261E00. Which of them a device keeps, and for how long, differs, so it is asked. A sensor stands
where the metadata has the very object that is read live, and the object is a meter reading (or the
state of charge): the past of the other numbers may be averages or count a day, which is not known.
"""

from dataclasses import dataclass

FIVE_MINUTES, DAY = 300, 86_400


@dataclass(frozen=True, slots=True)
class Logger:
    """A row of the table.

    `every`: seconds between entries, None where nobody has established it. `sensor`: the reading
    whose past this is, empty where it becomes no metric.
    """

    number: int
    title: str
    every: int | None = None
    sensor: str = ""
    unit: str = "Wh"

    @property
    def is_for_installer(self) -> bool:
        """Whether its group ends in 2: those of the live objects are shown to the installer only."""
        return self.number & 0xF == 2

    @property
    def is_battery(self) -> bool:
        """Whether it is about the battery."""
        return self.sensor.startswith("battery_")

    @property
    def scale(self) -> tuple[int, int]:
        """What one of its unit is in the base unit of the metric, as a fraction."""
        return {"Wh": (3600, 1), "%": (1, 100)}[self.unit]


# fmt: off
LOGGERS: tuple[Logger, ...] = (
    # Asked for by several programs; 28720 is taken for the five-minute twin of 28752.
    Logger(28672, "total yield", FIVE_MINUTES, "total_yield"),
    Logger(28704, "total yield", DAY, "total_yield"),
    Logger(29056, "PV generation", None, "pv_gen_meter"),
    Logger(28720, "grid feed-in", FIVE_MINUTES, "metering_total_yield"),
    Logger(28752, "grid feed-in", DAY, "metering_total_yield"),
    Logger(28736, "grid draw", FIVE_MINUTES, "metering_total_absorbed"),
    Logger(28768, "grid draw", DAY, "metering_total_absorbed"),
    Logger(29328, "total consumption", None, "metering_total_consumption"),
    Logger(28816, "battery state of charge", FIVE_MINUTES, "battery_soc_total", "%"),
    Logger(29344, "battery charge, total", None, "battery_charge_total"),
    Logger(29360, "battery discharge, total", None, "battery_discharge_total"),
    Logger(28784, "absorbed energy of the device", FIVE_MINUTES, "total_absorbed"),
    Logger(28800, "absorbed energy of the device", DAY, "total_absorbed"),
    # Shown by --list, no more.
    Logger(10016, "PV power"),
    Logger(28832, "grid voltage L1"),
    Logger(28848, "grid voltage L2"),
    Logger(28864, "grid voltage L3"),
    Logger(28880, "DC voltage"),
    Logger(28896, "grid frequency"),
    Logger(28930, "battery voltage"),
    Logger(28946, "battery voltage"),
    Logger(28962, "battery voltage"),
    Logger(28978, "battery current"),
    Logger(28994, "battery temperature"),
    Logger(29010, "battery temperature"),
    Logger(29026, "battery temperature"),
    Logger(29042, "battery capacity"),
    Logger(29072, "total consumption (of the day?)"),
    Logger(29088, "self-consumption"),
    Logger(29104, "direct consumption"),
    Logger(29120, "battery charge (of the day?)"),
    Logger(29136, "battery discharge (of the day?)"),
    Logger(29168, "self-supply"),
    Logger(29184, "power"),
    Logger(29200, "grid voltage L1"),
    Logger(29216, "grid current L1"),
    Logger(29232, "DC power"),
    Logger(29248, "DC voltage"),
    Logger(29264, "DC current"),
    Logger(29280, "insulation resistance"),
    Logger(29296, "residual current"),
    Logger(29424, "discharge of the present battery"),
    Logger(29440, "charge of the present battery"),
    Logger(29458, "available charging power"),
    Logger(29474, "available discharging power"),
    Logger(29488, "ambient temperature of the battery"),
    Logger(29616, "DC power, string B"),
    Logger(29632, "DC voltage, string B"),
    Logger(29648, "DC current, string B"),
)
# fmt: on


def candidates(every: int) -> list[Logger]:
    """Return the loggers with a metric that keep it at this interval, or may."""
    return [logger for logger in LOGGERS if logger.sensor and logger.every in (every, None)]
