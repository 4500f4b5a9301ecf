"""The page for people, in a real browser: on a phone, in the dark, and with hostile names."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from support.needs import require_tool
from support.programs import exporter, get

from sma_exporter.simulator import Simulator

PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
DESK = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}

#: Contrast that WCAG 2.1 asks of text, AA.
READABLE = 4.5

#: What is drawn behind an element, and its own colour, as [r, g, b] 0 to 255; transparent is the page's.
COLOURS = """
const rgb = text => text.match(/[\\d.]+/g).map(Number);
let behind = arguments[0];
while (behind && rgb(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
const dark = matchMedia('(prefers-color-scheme: dark)').matches;
const page = dark ? [18, 18, 18] : [255, 255, 255];
return [rgb(getComputedStyle(arguments[0]).color),
        behind ? rgb(getComputedStyle(behind).backgroundColor) : page];
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = require_tool("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--no-proxy-server",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={tmp_path_factory.mktemp('browser')}",
    ):
        options.add_argument(flag)
    driver = Chrome(options, Service(require_tool("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    with exporter("--demo") as (url, _):
        get(f"{url}/metrics")
        yield url


def look(browser: Chrome, url: str, screen: dict[str, Any], scheme: str = "light") -> None:
    """Open a page on a screen of this size."""
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    preference = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", preference)
    browser.get(url)


def contrast(browser: Chrome, element: Any) -> float:
    """How well a text stands out, by WCAG's formula."""
    bright, dim = sorted(map(_luminance, browser.execute_script(COLOURS, element)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: list[float]) -> float:
    shares = [value / 255 for value in colour[:3]]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_style_is_applied_and_nothing_is_blocked(browser: Chrome, demo: str) -> None:
    look(browser, f"{demo}/", DESK)
    badges = browser.find_elements(By.CLASS_NAME, "up")

    assert [badge.text for badge in badges] == ["up"] * 4
    assert badges[0].value_of_css_property("background-color") == "rgba(26, 127, 55, 1)"
    refused = [e["message"] for e in browser.get_log("browser") if "Content" in e["message"]]
    assert refused == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [PHONE, DESK], ids=["phone", "desk"])
def test_it_is_readable(browser: Chrome, demo: str, screen: dict[str, Any], scheme: str) -> None:
    look(browser, f"{demo}/", screen, scheme)
    wide, visible = browser.execute_script(
        "const e = document.documentElement; return [e.scrollWidth, e.clientWidth]"
    )

    assert wide <= visible
    texts = browser.find_elements(By.CSS_SELECTOR, "h1, h2, p, dd, a, .up")
    assert len(texts) > 20
    assert min(contrast(browser, element) for element in texts) >= READABLE
    assert browser.find_element(By.TAG_NAME, "p").value_of_css_property("font-size") == "16px"


def test_its_links_lead_to_metrics(browser: Chrome, demo: str) -> None:
    look(browser, f"{demo}/", PHONE)
    targets = [a.get_attribute("href") for a in browser.find_elements(By.TAG_NAME, "a")]

    assert len(targets) == 7
    assert [get(str(target)).status_code for target in targets] == [200] * len(targets)


def test_a_hostile_name_is_only_a_text(browser: Chrome, tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>" + "w" * 90
    with Simulator() as simulator:
        path = tmp_path / "sma.yml"
        text = f"devices:\n  - {{name: '{evil}', url: '{simulator.url}', password: wrong-1}}\n"
        path.write_text(text, encoding="utf-8")
        with exporter(f"--config.file={path}") as (url, _):
            get(f"{url}/metrics")
            look(browser, f"{url}/", PHONE)
            title = browser.find_element(By.TAG_NAME, "h2").text
            wide = browser.execute_script("return document.documentElement.scrollWidth")
            images = browser.find_elements(By.TAG_NAME, "img")

    assert evil in title
    assert "authentication" in title
    assert images == []
    assert wide == PHONE["width"]
