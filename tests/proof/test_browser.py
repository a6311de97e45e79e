"""The page in a real browser, opened from the disk, comes to the verdict to which the command comes.

Screenshots are kept in the folder of :mod:`tests.screenshots`.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from proof.bundle import BundleError, Series
from proof.errors import LogIntegrityError
from proof.verify import verify
from testbed.small_pki import NOW
from tests import screenshots
from tests.proof.sample import IMPORT, METER, STATUS, Sample, cases, series_of
from wire.reading import Reading, Register, Unit

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (pip install selenium)")
from selenium.webdriver.chrome.webdriver import WebDriver  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(
        CHROMIUM is None or DRIVER is None, reason="Chromium is not installed (apt install chromium chromium-driver)"
    ),
]

PAGE = Path(__file__).parents[2] / "proof" / "page" / "verify.html"
PATIENCE = 300.0
"""Seconds for a verdict: on a machine that does much else, a few."""
MANY = 600
"""Readings, which are more than one worker gets at a time."""


@dataclass
class Desk:
    """Somebody with the page, two files and patience."""

    browser: WebDriver
    folder: Path
    files: int = 0
    root: bytes = b""

    def put(self, name: str, data: bytes) -> str:
        # A file that is written anew is no longer the one that was chosen.
        self.files += 1
        path = self.folder / f"{self.files}-{name}"
        path.write_bytes(data)
        return str(path)

    def check(self, data: bytes, root: bytes) -> Any:
        self.browser.find_element(By.ID, "export").send_keys(self.put("proof.json", data))
        if root != self.root:
            self.root = root
            self.browser.find_element(By.ID, "root").send_keys(self.put("root.pem", root))
        self.browser.execute_script("window.verdict = undefined; document.getElementById('check').click()")
        return self.until(lambda: self.browser.execute_script("return window.verdict"))

    def until(self, found: Callable[[], Any]) -> Any:
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            if some := found():
                return some
            time.sleep(0.02)
        pytest.fail(f"nothing came; the page says: {self.text()[:2000]}")

    def text(self) -> str:
        return str(self.browser.execute_script("return document.body.innerText"))

    def keep(self, name: str) -> None:
        screenshots.keep(self.browser, "proof", name)

    def german(self, *, wanted: bool) -> None:
        tongue = self.browser.find_element(By.TAG_NAME, "html").get_attribute("lang")
        if (tongue == "de") is not wanted:
            self.browser.find_element(By.ID, "language").click()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return Sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def files(sample: Sample) -> dict[str, tuple[bytes, bytes]]:
    return cases(sample)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One browser with the page, as it is opened from a disk: ``file:``, no server, no network."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    words = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--lang=en")
    for word in (*words, "--proxy-server=127.0.0.1:9", f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=str(DRIVER)))
    try:
        started.set_window_size(1100, 1300)
        started.get(PAGE.as_uri())
        yield Desk(started, tmp_path_factory.mktemp("desk"))
        complaints = started.get_log("browser")
    finally:
        started.quit()
    assert complaints == []


def by_command(data: bytes, root: bytes) -> Any:
    try:
        return verify(data, x509.load_pem_x509_certificates(root)).to_json()
    except (BundleError, LogIntegrityError):
        return {"refused": "form"}


def test_both_verifiers_come_to_the_same_verdict(desk: Desk, files: dict[str, tuple[bytes, bytes]]) -> None:
    """FCO_NRO.2, FAU_STG.2; PTB-A 50.8, inner signature: the whole report is the same, for every hand laid on it."""
    different = []
    for name, (data, root) in files.items():
        if desk.check(data, root) != by_command(data, root):
            different.append(name)
    assert different == []


def test_a_good_proof_is_seen_to_be_good(desk: Desk, sample: Sample) -> None:
    desk.german(wanted=False)
    # A root in DER is as good as one in PEM.
    desk.check(sample.bundle.to_bytes(), sample.pki.hierarchy.root.certificate.public_bytes(Encoding.DER))
    assert "Everything that is signed in this file is genuine." in desk.text()
    assert "Values checked: 27." in desk.text()
    desk.keep("good")
    desk.browser.find_element(By.TAG_NAME, "summary").click()
    rows = desk.until(lambda: desk.browser.find_elements(By.CSS_SELECTOR, "tbody tr"))
    assert len(rows) == 13
    # Exact, beyond what a script's numbers hold.
    assert "10,000,000,000,000.0000 kWh" in rows[0].text
    desk.german(wanted=True)
    assert "Alles, was in dieser Datei signiert ist, ist echt." in desk.text()


def test_what_does_not_hold_is_seen(desk: Desk, files: dict[str, tuple[bytes, bytes]]) -> None:
    desk.german(wanted=True)
    desk.check(*files["value"])
    assert "Nicht alles in dieser Datei ist echt." in desk.text()
    assert "Zähler 1ISK0012345678, Register 1-0:2.8.0*255" in desk.text()
    assert "Die Signatur passt nicht" in desk.text()
    desk.keep("altered")
    desk.check(*files["white space"])
    assert "öffnen Sie sie vorher nirgends" in desk.text()
    desk.check(files["nothing"][0], b"no certificate")
    assert "Das Wurzelzertifikat fehlt oder ist keines." in desk.text()


def test_many_readings_are_spread_over_workers(desk: Desk, sample: Sample) -> None:
    """Whatever a worker was asked is counted: the one that was altered is found where it lies."""
    times = (NOW.replace(minute=number // 60, second=number % 60) for number in range(MANY))
    some = (Reading(METER, IMPORT, Register(5, 0, Unit.WH), at, STATUS) for at in times)
    long: Series = series_of([sample.signed(reading, sample.holder) for reading in some])
    rows = list(long.rows)
    rows[444] = rows[444]._replace(value=rows[444].value + 1)
    bundle = replace(sample.bundle, measured=(replace(long, rows=tuple(rows)),))
    verdict = desk.check(bundle.to_bytes(), sample.root)
    assert verdict == json.loads(json.dumps(by_command(bundle.to_bytes(), sample.root)))
    assert [each["at"] for each in verdict["measured"][0]["failures"]] == ["2026-01-15T12:07:24Z"]


def test_both_files_may_be_dropped(desk: Desk, sample: Sample) -> None:
    """Told apart by what is in them, and checked at once."""
    script = """
        window.verdict = undefined;
        const files = new DataTransfer();
        files.items.add(new File([arguments[0]], "root.pem"));
        files.items.add(new File([arguments[1]], "proof.json"));
        document.dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }));
    """
    desk.root = b""
    desk.browser.execute_script(script, sample.root.decode(), sample.bundle.to_bytes().decode())
    assert desk.until(lambda: desk.browser.execute_script("return window.verdict"))["genuine"] is True


def test_it_can_be_used_without_a_mouse_and_on_a_telephone(desk: Desk) -> None:
    browser = desk.browser
    for field in browser.find_elements(By.CSS_SELECTOR, "input, button"):
        name = "return arguments[0].labels?.length ? arguments[0].labels[0].innerText : arguments[0].innerText"
        assert not field.is_displayed() or browser.execute_script(name, field)
    browser.set_window_size(500, 900)
    width = browser.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    desk.keep("telephone")
    browser.set_window_size(1100, 1300)
    assert width[0] <= width[1]
