"""The metric table, and what it makes of readings."""

import re
import subprocess
from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.parser import text_string_to_metric_families
from support import golden
from support.needs import require_tool

from sma_exporter.devices.snapshot import CustomReading
from sma_exporter.metrics.collector import SCRAPE_FAMILIES, ScrapeFamily
from sma_exporter.metrics.exposition import exposition
from sma_exporter.metrics.families import (
    ALL_FAMILIES,
    BIT_NAMES,
    COUNTER,
    GAUGE,
    STATE_SET,
    DeviceReadings,
    Family,
    custom_families,
    families,
)
from sma_exporter.metrics.table import BITS
from sma_exporter.sma.sensors import IDENTITY, SENSORS, Kind
from sma_exporter.sma.source import Readings
from tools import metric_table

Samples = dict[str, dict[tuple[str, ...], float]]


class _Fixed:
    def __init__(self, *found: Metric) -> None:
        self._found = found

    def collect(self) -> tuple[Metric, ...]:
        return self._found

    describe = collect


EVERY_FAMILY: list[Family | ScrapeFamily] = [*ALL_FAMILIES, *SCRAPE_FAMILIES]


def samples(*sources: DeviceReadings) -> Samples:
    """Name -> values of the labels beside `device` -> value; only for one device or distinct labels."""
    found: Samples = {}
    for metric in families(sources):
        for sample in metric.samples:
            labels = tuple(v for k, v in sample.labels.items() if k != "device")
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def of(readings: Readings, unknown: Mapping[str, tuple[int, ...]] | None = None) -> Samples:
    return samples(DeviceReadings("roof", readings, unknown or {}))


@pytest.mark.parametrize("case", golden.CASES)
def test_the_exposition_of_each_model_is_the_golden_one(case: str) -> None:
    expected = (golden.FOLDER / f"{case}.prom").read_text(encoding="utf-8")

    assert golden.shown(case) == expected


@pytest.mark.parametrize("case", golden.CASES)
def test_promtool_has_nothing_to_say_about_the_golden_expositions(case: str) -> None:
    promtool = require_tool("promtool")
    text = (golden.FOLDER / f"{case}.prom").read_bytes()

    check = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, check=False
    )

    assert (check.returncode, check.stdout, check.stderr) == (0, b"", b"")


def every_family() -> str:
    """An exposition with each family once."""
    return exposition([_Fixed(*map(metric_table.example, ALL_FAMILIES))], accept="").text


def test_every_family_can_be_read_back() -> None:
    found = {s.name for f in text_string_to_metric_families(every_family()) for s in f.samples}

    assert found == {family.name for family in ALL_FAMILIES}


def test_promtool_has_nothing_to_say_about_any_family() -> None:
    promtool = require_tool("promtool")

    check = subprocess.run(
        [promtool, "check", "metrics"],
        input=every_family().encode(),
        capture_output=True,
        check=False,
    )

    assert (check.returncode, check.stdout, check.stderr) == (0, b"", b"")


class TestTable:
    def test_names_are_unique(self) -> None:
        names = [family.name for family in EVERY_FAMILY]

        assert len(names) == len(set(names))

    def test_every_sensor_is_in_one_family(self) -> None:
        in_table = [sensor for family in ALL_FAMILIES for sensor in family.sensors]

        assert len(in_table) == len(set(in_table))

    def test_every_sensor_has_a_family_or_is_made_into_one_that_has(self) -> None:
        in_table = {sensor for family in ALL_FAMILIES for sensor in family.sensors}
        parts = {part for sensor in SENSORS.values() for part in sensor.made_of}

        assert SENSORS.keys() - in_table == parts | {*IDENTITY}

    def test_every_sensor_of_the_table_exists(self) -> None:
        in_table = {sensor for family in ALL_FAMILIES for sensor in family.sensors}

        assert in_table <= SENSORS.keys()

    def test_counters_are_exactly_the_guarded_totals(self) -> None:
        counters = {s for f in ALL_FAMILIES if f.kind == COUNTER for s in f.sensors}

        assert counters == {n for n, sensor in SENSORS.items() if sensor.kind is Kind.TOTAL}

    def test_a_unit_at_the_end_of_a_name_is_that_of_the_sensor(self) -> None:
        for family in ALL_FAMILIES:
            (unit,) = {SENSORS[sensor].unit for sensor in family.sensors}
            name = family.name.removesuffix("_total")
            assert not unit or name.endswith(f"_{unit}"), family.name

    def test_counters_end_in_total_and_gauges_do_not(self) -> None:
        for family in EVERY_FAMILY:
            assert family.name.endswith("_total") == (family.kind == COUNTER), family.name

    def test_numbers_end_in_a_base_unit_or_are_counts(self) -> None:
        units = (
            "watts|volts|amperes|hertz|celsius|ohms|seconds|ratio|joules|vars|voltamperes|coulombs|"
            "bytes_per_second|watts_per_square_meter|meters_per_second"
        )
        numbers = [family.name for family in ALL_FAMILIES if family.kind in {GAUGE, COUNTER}]

        assert [name for name in numbers if not re.search(rf"_({units})(_total)?$", name)] == [
            "sma_battery_cycles_total",
            "sma_battery_full_charges_total",
            "sma_battery_events_total",
            "sma_optimizers_found",
            "sma_optimizer_gateways_found",
            "sma_plant_inverters",
            "sma_charging_stations_active",
            "sma_grid_connections_total",
            "sma_dc_disconnects_total",
            "sma_arc_faults_total",
            "sma_events_total",
            "sma_event_number",
            "sma_error_code",
        ]

    def test_no_name_is_made_from_a_key_or_a_type(self) -> None:
        for family in EVERY_FAMILY:
            assert not re.search("[0-9][0-9a-f]{3}|gauge|counter$", family.name), family.name

    def test_a_label_tells_parts_apart_and_nothing_else_does(self) -> None:
        for family in ALL_FAMILIES:
            parts = [*family.sensors.values()]
            assert bool(family.label) == any(parts) or family.kind == BITS, family.name
            if family.label and family.kind != BITS:
                assert len(set(parts)) == len(parts), family.name

    def test_all_series_of_a_family_have_the_same_label_names(self) -> None:
        for case in golden.CASES:
            text = (golden.FOLDER / f"{case}.prom").read_text(encoding="utf-8")
            for family in text_string_to_metric_families(text):
                assert len({frozenset(sample.labels) for sample in family.samples}) == 1

    def test_help_is_one_sentence_that_names_the_keys_and_channels(self) -> None:
        for family in ALL_FAMILIES:
            places = [place for each in family.places.values() for place in each]
            assert places, family.name
            assert family.help.endswith(f"({', '.join(places)}).")
            assert "\n" not in family.help
            assert family.help[0].isupper() or family.help[0] == "1"

    def test_only_inputs_and_outputs_are_bits(self) -> None:
        for family in ALL_FAMILIES:
            for sensor in family.sensors:
                assert bool(SENSORS[sensor].bits) == (family.kind == BITS), sensor
                assert SENSORS[sensor].bits <= len(BIT_NAMES), sensor

    def test_every_state_set_has_its_states(self) -> None:
        for family in ALL_FAMILIES:
            if family.kind == STATE_SET:
                assert all(SENSORS[sensor].states for sensor in family.sensors)

    def test_a_family_of_two_objects_says_which_counts(self) -> None:
        reactive = next(f for f in ALL_FAMILIES if f.name == "sma_ac_reactive_power_vars")

        assert reactive.help.endswith(
            "; from the first key or channel that has a value (6100_40265F00, 6100_40665F00, "
            "Measurement.GridMs.TotVAr, Measurement.GridMs.TotVAr.Pv)."
        )

    def test_a_key_whose_group_ends_in_2_needs_the_installer(self) -> None:
        needing = {family.name for family in ALL_FAMILIES if family.installer}

        assert needing == {
            "sma_pv_isolation_resistance_ohms",
            "sma_insulation_residual_current_amperes",
            "sma_pv_string_start_voltage_volts",
            "sma_pv_string_start_delay_seconds",
            "sma_pv_string_constant_voltage_volts",
            "sma_battery_pack_end_of_charge_voltage_volts",
            "sma_battery_pack_end_of_discharge_voltage_volts",
            "sma_battery_pack_charge_limit_amperes",
            "sma_battery_pack_discharge_limit_amperes",
            "sma_battery_available_charge_power_watts",
            "sma_battery_available_discharge_power_watts",
            "sma_battery_lowest_cell_voltage_volts",
            "sma_battery_highest_cell_voltage_volts",
            "sma_battery_full_charges_total",
            "sma_battery_operating_seconds_total",
            "sma_battery_application_area",
            "sma_battery_pack_management_status",
            "sma_battery_pack_management_command",
            "sma_battery_pack_charge_control_available",
            "sma_configured_power_limit_watts",
            "sma_manual_power_limit_watts",
            "sma_manual_power_limit_ratio",
            "sma_inverter_temperature_celsius",
            "sma_transformer_temperature_celsius",
            "sma_internal_temperature_celsius",
            "sma_external_temperature_celsius",
            "sma_multifunction_relay_status",
            "sma_grid_connections_total",
            "sma_link_duplex",
        }


class TestNumbers:
    def test_a_value_that_is_not_there_gives_no_sample(self) -> None:
        assert of({}) == {}

    def test_zero_is_a_sample(self) -> None:
        assert of({"grid_power": 0}) == {"sma_ac_power_watts": {(): 0}}

    def test_parts_are_told_apart_by_a_label(self) -> None:
        readings: Readings = {"power_l1": 1, "power_l3": 3, "pv_power_a": 5, "pv_power_f": 6}

        assert of(readings) == {
            "sma_ac_phase_power_watts": {("l1",): 1, ("l3",): 3},
            "sma_pv_string_power_watts": {("a",): 5, ("f",): 6},
        }

    def test_times_counts_and_speeds(self) -> None:
        readings: Readings = {
            "operating_time": 60,
            "events_user": 7,
            "events_installer": 9,
            "line_voltage_l3_l1": 400,
            "speedwire_b_speed": 12_500_000,
            "nominal_power_ok": 3680,
        }

        assert of(readings) == {
            "sma_operating_seconds_total": {(): 60},
            "sma_events_total": {("user",): 7, ("installer",): 9},
            "sma_ac_line_voltage_volts": {("l3_l1",): 400},
            "sma_link_speed_bytes_per_second": {("speedwire_b",): 12_500_000},
            "sma_nominal_power_watts": {("ok",): 3680},
        }

    @pytest.mark.parametrize(
        ("number", "active"), [(0, set()), (0b0001, {"d1"}), (0b1010, {"d2", "d4"})]
    )
    def test_the_bits_of_a_number_are_inputs(self, number: int, active: set[str]) -> None:
        found = of({"digital_inputs": number})["sma_digital_input_active"]

        assert {name for (name,), value in found.items() if value} == active
        assert {name for (name,) in found} == {"d1", "d2", "d3", "d4"}

    def test_a_group_of_inputs_or_outputs_has_eight(self) -> None:
        found = of({"digital_input_group": 0b0011_0000, "digital_output_group": 1})

        assert {name for (name,), value in found["sma_digital_input_active"].items() if value} == {
            "d5",
            "d6",
        }
        assert found["sma_digital_output_active"][("d1",)] == 1
        assert {len(found[name]) for name in found} == {8}

    def test_devices_come_in_the_order_in_which_they_were_given(self) -> None:
        sources = [DeviceReadings(name, {"grid_power": 1}, {}) for name in ("b", "a", "c")]

        (family,) = families(sources)

        assert [sample.labels["device"] for sample in family.samples] == ["b", "a", "c"]


class TestStates:
    def test_all_known_states_are_shown_and_the_active_one_is_1(self) -> None:
        assert of({"grid_relay_status": (51,)}) == {
            "sma_grid_relay_status": {("closed",): 1, ("open",): 0}
        }

    def test_several_states_may_be_active(self) -> None:
        found = of({"status": (35, 455)})["sma_status"]

        assert {state for (state,), value in found.items() if value} == {"fault", "warning"}

    def test_two_tags_of_one_state_are_one(self) -> None:
        for tag in (2289, 2292):
            found = of({"battery_status_operating_mode": (tag,)})["sma_battery_operating_mode"]

            assert found[("charging",)] == 1

    def test_an_unknown_tag_is_a_state_by_its_number_and_stays_at_0(self) -> None:
        active = of({"grid_relay_status": (4711,)}, {"grid_relay_status": (4711,)})
        later = of({"grid_relay_status": (51,)}, {"grid_relay_status": (4711,)})

        assert active["sma_grid_relay_status"] == {("closed",): 0, ("open",): 0, ("tag_4711",): 1}
        assert later["sma_grid_relay_status"] == {("closed",): 1, ("open",): 0, ("tag_4711",): 0}

    def test_states_of_several_parts_are_told_apart_by_a_label(self) -> None:
        found = of({"wifi_status": (3426,), "webconnect_status": (307,)})["sma_link_status"]

        assert {labels for labels, value in found.items() if value} == {
            ("wifi", "wps_active"),
            ("webconnect", "ok"),
        }

    def test_an_unknown_tag_of_one_part_is_a_state_of_that_part(self) -> None:
        readings: Readings = {"battery_condition_a": (4711,), "battery_condition_b": (307,)}
        found = of(readings, {"battery_condition_a": (4711,)})["sma_battery_pack_condition"]

        assert found[("a", "tag_4711")] == 1
        assert found[("b", "ok")] == 1
        assert ("b", "tag_4711") not in found

    def test_no_state_gives_no_series(self) -> None:
        assert of({"grid_power": 1}).keys() == {"sma_ac_power_watts"}


class TestInfo:
    def test_the_meter_is_named_by_its_serial_number_or_not_at_all(self) -> None:
        assert of({"meter_serial": "12"}) == {"sma_meter_info": {("12",): 1}}
        assert of({"meter_serial": ""}) == {"sma_meter_info": {("",): 1}}

    def test_one_of_very_many_choices_is_an_info(self) -> None:
        assert of({"country_standard": (7510,), "energy_meter_model": (9327,)}) == {
            "sma_country_standard_info": {("vde_ar_n_4105",): 1},
            "sma_meter_model_info": {("SMA Energy Meter",): 1},
        }
        assert of({"country_standard": (4711,)}) == {
            "sma_country_standard_info": {("tag_4711",): 1}
        }

    def test_optimizers_are_named_by_their_serial_numbers(self) -> None:
        found = of({"optimizer_serial_2": "OPT-3", "optimizer_power_2": 310})

        assert found == {
            "sma_optimizer_power_watts": {("2",): 310},
            "sma_optimizer_info": {("2", "OPT-3"): 1},
        }


class TestCustom:
    ROW = CustomReading(
        "sma_custom_released_joules_total", "counter", "Released.", {"side": "dc"}, 7.0
    )

    def test_a_row_becomes_a_sample_of_its_own_family(self) -> None:
        (family,) = custom_families([("roof", self.ROW)])

        assert (family.type, family.documentation) == ("counter", "Released.")
        (sample,) = family.samples
        assert sample.name == "sma_custom_released_joules_total"
        assert sample.labels == {"device": "roof", "side": "dc"}

    def test_one_family_for_several_devices(self) -> None:
        found = list(custom_families([("roof", self.ROW), ("garage", self.ROW)]))

        assert [len(family.samples) for family in found] == [2]


def test_openmetrics_says_units_and_state_sets() -> None:
    readings: Readings = {"total_yield": 3600, "status": (307,), "meter_serial": "1"}
    registry = CollectorRegistry()
    registry.register(_Fixed(*families([DeviceReadings("roof", readings, {})])))

    text = generate_openmetrics(registry).decode()  # type: ignore[no-untyped-call]

    assert "# TYPE sma_yield_joules counter\n# UNIT sma_yield_joules joules\n" in text
    assert "# TYPE sma_status stateset\n" in text
    assert "# TYPE sma_meter info\n" in text
    assert text.endswith("# EOF\n")
    assert generate_latest(registry)
