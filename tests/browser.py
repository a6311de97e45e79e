"""Debian's Chromium without a screen, driven through Selenium; a test is skipped where it is not installed."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.screenshots import TELEPHONE

if TYPE_CHECKING:
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.webdriver import WebDriver

LONGEST_SECONDS = 120
"""For any script: far more than it takes."""
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
_WORDS = (
    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--no-first-run",
    # A window without tabs and address bar has nothing to draw but the page; and no page has a process of its own.
    "--app=data:,", "--process-per-site", "--renderer-process-limit=1",
    "--disable-features=BackForwardCache,ProactivelySwapBrowsingInstance,RenderDocument,SpareRendererForSitePerProcess",
)  # fmt: skip


@contextmanager
def opened(
    profile: Path, language: str = "en", more: Callable[["Options"], None] | None = None
) -> Iterator["WebDriver"]:
    """A browser with the folder ``profile`` of its own that asks for ``language``; ``more`` adds to its options."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (pip install selenium)")
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("Chromium is not installed (apt install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for word in (*_WORDS, f"--lang={language}", f"--user-data-dir={profile}"):
        options.add_argument(word)
    options.add_experimental_option("prefs", {"intl.accept_languages": language})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if more is not None:
        more(options)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    try:
        browser.set_script_timeout(LONGEST_SECONDS)
        browser.set_window_size(1280, 900)
        yield browser
    finally:
        browser.quit()


def told(browser: "WebDriver") -> list[dict[str, Any]]:
    """What the browser complained of since it was asked last: errors of scripts, refusals of the security policy."""
    found: list[dict[str, Any]] = browser.execute("getLog", {"type": "browser"})["value"]
    return [one for one in found if one["level"] in {"SEVERE", "WARNING"}]


def as_screen(browser: "WebDriver", width: int, scheme: str, height: int = 800) -> None:
    """A screen ``width`` pixels wide, of somebody who wants light or dark pages."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < TELEPHONE},
    )
    # What fades from one colour to the other is neither, and nobody waits for it.
    wanted = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    media = {"features": [{"name": name, "value": value} for name, value in wanted.items()]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
