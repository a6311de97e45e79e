"""Pictures of pages that tests keep for people: one folder, and one page that shows them all.

The folder is ``artefacts/screenshots`` at the top of the project, or the one that the environment variable
SMGW_SCREENSHOTS names. A picture of an earlier run stays until one of its name is kept.
"""

import base64
import html
import os
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

VARIABLE = "SMGW_SCREENSHOTS"
TELEPHONE = 500
"""Pixels of width that only a telephone has less of."""
ROOT = Path(__file__).parents[1]
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Screenshots</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem; background: #e9edeb; color: #16201d; }}
div {{ display: flex; flex-wrap: wrap; gap: 2rem; align-items: flex-start; }}
figure {{ margin: 0; }} figcaption {{ padding: .4rem 0; }}
img {{ max-height: 36rem; max-width: 44rem; border: 1px solid #b8c2be; border-radius: .5rem; }}
</style></head><body><h1>Screenshots of the last run</h1>
{parts}</body></html>
"""


def folder() -> Path:
    """Where they are, or will be."""
    return Path(os.environ.get(VARIABLE) or ROOT / "artefacts" / "screenshots")


def keep(browser: "WebDriver", part: str, name: str) -> None:
    """The page as it is now, also what lies below the screen; ``part`` is the site that it belongs to."""
    wide, seen, high = browser.execute_script(
        "return [innerWidth, innerHeight, Math.min(document.documentElement.scrollHeight, 6000)]"
    )
    screen = {"width": wide, "height": max(seen, high), "deviceScaleFactor": 1, "mobile": wide < TELEPHONE}
    # On a screen as high as the page, so that what sticks to the screen's end stands at the end.
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"optimizeForSpeed": True})
    folder().mkdir(parents=True, exist_ok=True)
    (folder() / f"{part}-{name}.png").write_bytes(base64.b64decode(shot["data"]))
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**screen, "height": seen})


def index(since: float) -> Path | None:
    """Write the page that shows them all; None where none was kept after ``since`` (seconds of the machine's clock)."""
    pictures = sorted(folder().glob("*.png"))
    if max((one.stat().st_mtime for one in pictures), default=0.0) < since:
        return None
    parts = []
    for part, ones in groupby(pictures, lambda one: one.name.partition("-")[0]):
        shown = "".join(
            f'<figure><a href="{html.escape(one.name)}"><img src="{html.escape(one.name)}" alt="" loading="lazy"></a>'
            f"<figcaption>{html.escape(one.stem.partition('-')[2])}</figcaption></figure>\n"
            for one in ones
        )
        parts.append(f"<h2>{html.escape(part)}</h2>\n<div>{shown}</div>\n")
    page = folder() / "index.html"
    page.write_text(_PAGE.format(parts="".join(parts)))
    return page
