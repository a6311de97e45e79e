"""A person before the customer's page: eyes, hands, a browser with windows that know nothing of each other."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests import screenshots
from tests.browser import as_screen, told
from tests.smgw.han.house import PASSWORDS

with suppress(ImportError):
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.common.action_chains import ActionChains
if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver
    from selenium.webdriver.remote.webelement import WebElement

PATIENCE = 120.0
REFUSALS = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
"""What a browser says of every page with such a status."""


@dataclass
class Person:
    """Whoever sits there."""

    browser: "WebDriver"
    address: str
    downloads: Path
    first: str = field(init=False)
    """The window that was there from the beginning."""

    def __post_init__(self) -> None:
        self.first = self.browser.current_window_handle
        self.browser.execute_cdp_cmd(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(self.downloads)}
        )

    def go(self, path: str) -> None:
        """Type an address."""
        self.browser.get(self.address + path)

    @property
    def path(self) -> str:
        return self.browser.current_url.removeprefix(self.address)

    def text(self) -> str:
        """What stands on the page, as a reader sees it: one space where there is some."""
        found = self.browser.execute_script("return document.body ? document.body.innerText : ''")
        return " ".join(str(found).split())

    def see(self, *wanted: str) -> str:
        """Wait until the page says all of it."""
        return cast("str", self.until(lambda: text if all(one in (text := self.text()) for one in wanted) else ""))

    def until(self, found: Callable[[], Any]) -> Any:
        """Wait for something."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            # A page on its way has no parts, or those of the page before.
            with suppress(WebDriverException):
                if some := found():
                    return some
            time.sleep(0.02)
        pytest.fail(f"not seen; {self.browser.current_url} says: {self.text()[:2000]}")

    def one(self, selector: str) -> "WebElement":
        return self.browser.find_element("css selector", selector)

    def all(self, selector: str) -> "list[WebElement]":
        return self.browser.find_elements("css selector", selector)

    def click(self, text: str) -> None:
        """Press what is called so."""
        path = f"//*[self::a or self::button or self::summary or self::label][contains(., '{text}')]"
        thing = self.browser.find_element("xpath", path)
        self.run("arguments[0].scrollIntoView({block: 'center'})", thing)
        thing.click()

    def run(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)

    def source(self, path: str) -> str:
        """What the server sends for an address, with this window's cookies."""
        script = "const [path, done] = arguments; fetch(path).then((got) => got.text()).then(done)"
        return str(self.browser.execute_async_script(script, path))

    def fill(self, **fields: str) -> None:
        for name, text in fields.items():
            self.run("arguments[0].value = ''", thing := self.one(f"[name='{name}']"))
            thing.send_keys(text)

    def choose(self, thing: "WebElement", **fields: str) -> None:
        """Put values into fields of a form, however the browser would have them typed."""
        for name, text in fields.items():
            self.run("arguments[0].value = arguments[1]", thing.find_element("name", name), text)

    def log_in(self, name: str, password: str = "") -> None:
        """By the form, and Enter."""
        if not self.all("[name='password']"):
            self.go("/login")
        self.fill(name=name, password=(password or PASSWORDS[name]) + "\n")

    def afresh(self) -> None:
        """In this window too nobody is logged in, and nothing was chosen."""
        self.browser.delete_all_cookies()
        self.go("/login")

    def keyed(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        ActionChains(self.browser).send_keys(*keys).perform()

    def speak(self, language: str) -> None:
        """Have the page in a language, by its own button."""
        if self.one("html").get_attribute("lang") != language:
            self.click(language.upper())
            self.until(lambda: self.one("html").get_attribute("lang") == language)

    def show(self, width: int, scheme: str) -> None:
        as_screen(self.browser, width, scheme)

    def keep(self, name: str) -> None:
        screenshots.keep(self.browser, "customer", name)

    def quiet(self, *, refused: bool = False) -> None:
        """The browser complained of nothing; of statuses only where the page ``refused`` something."""
        said = [one["message"] for one in told(self.browser)]
        bad = [one for one in said if not (refused and REFUSALS.search(one))]
        assert bad == [], bad

    def downloaded(self, act: Callable[[], None]) -> Path:
        """The file that ``act`` leads to."""
        before = set(self.downloads.iterdir())
        act()

        def there() -> Path | None:
            new = [one for one in set(self.downloads.iterdir()) - before if one.suffix != ".crdownload"]
            return new[0] if new and not new[0].name.startswith(".") else None

        return cast("Path", self.until(there))

    @contextmanager
    def another_browser(self) -> Iterator[None]:
        """A window with cookies, passwords and storage of its own, until the block ends."""
        here = self.browser.current_window_handle
        context = self.browser.browser.create_user_context()
        self.browser.switch_to.window(self.browser.browsing_context.create(type="tab", user_context=context))
        try:
            yield
        finally:
            self.browser.switch_to.window(here)
            self.browser.browser.remove_user_context(context)

    @contextmanager
    def without_scripts(self) -> Iterator[None]:
        self.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        try:
            yield
        finally:
            self.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
