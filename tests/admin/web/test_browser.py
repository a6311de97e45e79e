"""A person at the console, in a real browser without a screen: from the log-in to a confirmed access profile.

Screenshots are kept in the folder of :mod:`tests.screenshots`.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.serving import make_server

from admin.life_cycle import OrderState
from admin.web.certificate import own_certificate
from admin.web.serve import context
from tests import screenshots
from tests.admin.bureau import GATEWAY, NOW, Bureau
from tests.admin.passwords import PASSWORD
from tests.admin.web.desk import Place, furnished
from tests.browser import CHROMIUM, DRIVER, as_screen, opened, told

pytest.importorskip("selenium.webdriver", reason="selenium is not installed (pip install selenium)")
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

pytestmark = [
    pytest.mark.token,
    pytest.mark.peer,
    pytest.mark.skipif(
        CHROMIUM is None or DRIVER is None, reason="Chromium is not installed (apt install chromium chromium-driver)"
    ),
]

PATIENCE = 180.0
MOST_CLICKS, MOST_FIELDS = 5, 2
"""Of a person who gives a grid operator its series: log in, gateway, access, read, issue. A click is two seconds and a
field ten for somebody who reads: far below two minutes."""


@dataclass
class Hand:
    """A person's hand and eyes: counts what it does."""

    browser: WebDriver
    clicks: int = 0
    fields: int = 0

    def see(self, wanted: str) -> str:
        """Wait until the page says so."""
        return self.until(lambda: text if wanted in (text := self.text()) else "", wanted)

    def text(self) -> str:
        return str(self.browser.execute_script("return document.body ? document.body.innerText : ''"))

    def until(self, found: Callable[[], str], what: str) -> str:
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            if text := found():
                return text
            time.sleep(0.1)
        pytest.fail(f"not seen: {what}; the page says: {self.text()[:2000]}")

    def click(self, text: str) -> None:
        self.clicks += 1
        self.thing(f"//*[self::a or self::button or self::summary or self::label][contains(., '{text}')]").click()

    def enter(self, field: str, text: str) -> None:
        self.fields += 1
        self.thing(f"//*[@id='{field}']").send_keys(text)

    def thing(self, path: str) -> WebElement:
        return self.browser.find_element(By.XPATH, path)

    def keep(self, name: str) -> None:
        screenshots.keep(self.browser, "console", name)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with furnished(Bureau(tmp_path_factory.mktemp("bureau"))) as made:
        made.house()
        yield made


@pytest.fixture(scope="module")
def address(place: Place) -> Iterator[str]:
    """The console over TLS with its own certificate."""
    files = own_certificate(place.bureau.folder, "127.0.0.1", NOW)
    server = make_server("127.0.0.1", 0, place.app, threaded=True, ssl_context=context(*files))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://localhost:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    """One browser for all tests of this file."""

    def trusting(options: Any) -> None:
        options.accept_insecure_certs = True  # of its own making: nobody compares the fingerprint here

    with opened(tmp_path_factory.mktemp("chromium"), "en", trusting) as started:
        yield started


@pytest.fixture
def hand(browser: WebDriver) -> Hand:
    return Hand(browser)


@pytest.fixture
def gateway(place: Place) -> Iterator[None]:
    """The server and the gateway, played: whatever is woken is signed, delivered and done, with a breath in between.

    Nobody waits for its tunnel any longer then: only who is woken anew is seen here.
    """
    stopping = threading.Event()

    def play() -> None:
        while not stopping.wait(0.2):
            for order in place.office.orders.open(GATEWAY):
                if order.state is OrderState.WOKEN:
                    stopping.wait(1.0)
                    place.in_vain()
                    place.confirm(order.number)

    thread = threading.Thread(target=play)
    thread.start()
    yield
    stopping.set()
    thread.join()


def logged_in(hand: Hand, address: str) -> Hand:
    """Whatever was played before on this browser."""
    hand.browser.get(address)
    if hand.browser.current_url == f"{address}/login":
        hand.enter("name", "otto")
        hand.enter("password", PASSWORD)
        hand.click("Log in")
        hand.see("Last contact")
    return hand


def an_access_profile_takes_a_handful_of_clicks(hand: Hand, address: str, place: Place) -> None:
    hand.browser.delete_all_cookies()
    hand.browser.get(address)
    hand.enter("name", "otto")
    hand.enter("password", PASSWORD)
    hand.keep("1-log-in")
    hand.click("Log in")
    hand.see("Last contact")
    hand.keep("2-gateways")
    hand.click(GATEWAY.text)
    hand.see("Installed profiles")
    hand.keep("3-gateway")
    hand.click("Give access to values")
    hand.see("Who gets it?")
    hand.keep("4-choose")
    hand.click("Read what it means")
    told = hand.see("Checked: this fits to everything that the gateway has.")
    assert "Netz gets one reading per quarter-hour of meter 1ISK0012345678 (energy drawn 1-0:1.8.0)" in told
    assert "sent once a day, from 2026-01-15 until the end of 2026-11-11, for running the grid." in told
    hand.keep("5-read")
    hand.click("Issue now")
    hand.see("Confirmed by the gateway")
    hand.keep("6-issued")
    hand.see("confirmed")
    hand.keep("7-confirmed")
    assert hand.clicks <= MOST_CLICKS
    assert hand.fields <= MOST_FIELDS
    (held,) = [one for (kind, _), one in place.office.orders.holding(GATEWAY).profiles.items() if kind == "evaluation"]
    assert (held.id, held.version) == ("netz-series-12345678", 1)
    last = [(one.action, one.by) for one in place.office.audit.entries() if one.action == "order-queued"][-1]
    assert last == ("order-queued", "otto")


def without_scripts_the_page_loads_itself_anew(inside: Hand, address: str) -> None:
    inside.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        inside.browser.get(f"{address}/gateways/{GATEWAY}")
        inside.click("Self-test")
        seen = inside.until(
            lambda: "yes" if inside.browser.find_elements(By.CSS_SELECTOR, "#order-state .confirmed") else "",
            "confirmed",
        )
        assert seen
    finally:
        inside.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def a_contradiction_is_told_before_anything_is_sent(inside: Hand, address: str, place: Place) -> None:
    before = len(place.office.orders.all())
    inside.browser.get(f"{address}/drafts/access?gateway={GATEWAY}")
    inside.click("More: purpose")
    Select(inside.thing("//*[@id='purpose']")).select_by_value("billing")
    inside.click("Read what it means")
    told = inside.see("nothing can be sent like this")
    assert "the party netz may not be given values for this purpose; choose another purpose" in told
    assert not inside.browser.find_elements(By.ID, "issue")
    inside.keep("8-contradiction")
    assert len(place.office.orders.all()) == before


PAGES = (
    "/",
    f"/gateways/{GATEWAY}",
    f"/gateways/{GATEWAY}/logs/system",
    "/gateways/new",
    f"/drafts/access?gateway={GATEWAY}",
    "/drafts",
    "/drafts/meter",
    "/drafts/party",
    "/drafts/text",
    "/orders",
    "/orders/1",
    "/audit/proof",
    "/notifications",
    "/account",
)
_NAMELESS = """
return [...document.querySelectorAll("input:not([type=hidden]), select, textarea, button")]
  .filter(one => !(one.labels && one.labels.length) && !one.getAttribute("aria-label"))
  .filter(one => !(one.tagName === "BUTTON" && one.textContent.trim()))
  .map(one => one.outerHTML)
"""
_FAINT = """
const bright = text => { const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map(v => v / 255)
  .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const behind = one => { for (; one; one = one.parentElement) { const c = getComputedStyle(one).backgroundColor;
  if (!/, 0\\)$/.test(c)) return c; } return "rgb(255, 255, 255)"; };
return [...document.querySelectorAll("body *")].filter(one => one.innerText && one.children.length === 0
  && one.getClientRects().length && !one.classList.contains("skip")).map(one => {
    const [a, b] = [bright(getComputedStyle(one).color), bright(behind(one))].sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), one.outerHTML]; }).filter(([ratio]) => ratio < 4.5)
"""


def every_page_fits_can_be_read_and_names_its_fields(inside: Hand, address: str, width: int, scheme: str) -> None:
    as_screen(inside.browser, width, scheme)
    told(inside.browser)
    try:
        for path in PAGES:
            inside.browser.get(f"{address}{path}")
            wide = inside.browser.execute_script("return document.documentElement.scrollWidth")
            assert wide <= width, f"{path} is wider than the screen"
            assert inside.browser.execute_script(_NAMELESS) == [], path
            assert inside.browser.execute_script(_FAINT) == [], f"contrast below 4.5 (WCAG 1.4.3) on {path}"
            inside.keep(f"page-{width}-{path.strip('/').replace('/', '-').split('?')[0] or 'gateways'}")
        assert told(inside.browser) == []
    finally:
        inside.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        inside.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def the_way_out(inside: Hand, address: str) -> None:
    inside.browser.get(address)
    inside.click("Log out")
    inside.see("Password")
    inside.browser.back()
    inside.browser.get(f"{address}/orders")
    assert inside.browser.current_url == f"{address}/login"


@pytest.mark.usefixtures("gateway")
def test_a_person_at_the_console(hand: Hand, address: str, place: Place, subtests: pytest.Subtests) -> None:
    """One test, so that one browser is started: a worker that has nothing to do would take over half of several."""
    with subtests.test("an access profile"):
        an_access_profile_takes_a_handful_of_clicks(hand, address, place)
    with subtests.test("without scripts"):
        without_scripts_the_page_loads_itself_anew(logged_in(hand, address), address)
    with subtests.test("a contradiction"):
        a_contradiction_is_told_before_anything_is_sent(logged_in(hand, address), address, place)
    for width, scheme in ((360, "light"), (1280, "dark")):
        with subtests.test("every page", width=width):
            every_page_fits_can_be_read_and_names_its_fields(logged_in(hand, address), address, width, scheme)
    with subtests.test("the way out"):
        the_way_out(logged_in(hand, address), address)
