"""What a consumer looks at and does on her pages, once she is in."""

import json
import re
from base64 import b64decode
from datetime import timedelta

from click.testing import CliRunner

from proof.__main__ import Exit
from proof.__main__ import main as verify
from tests.e2e.person import Person
from tests.e2e.scenes import Scene

_PAINTED = """
const canvas = document.querySelector("#plot canvas");
if (!canvas || document.querySelector("#plot").hidden) return "";
const blank = Object.assign(document.createElement("canvas"), {width: canvas.width, height: canvas.height});
return canvas.toDataURL() === blank.toDataURL() ? "" : canvas.toDataURL();
"""
"""The picture; nothing where nothing is drawn."""
POWER = "#live .big"


def charts_are_drawn_and_zoomed(scene: Scene) -> None:
    """The chart is a picture, looks closer and back, by pointer, button and key; on the odd day it has 25 hours."""
    person = scene.inside("/history?by=day&on=2026-10-25")
    person.see("This day has 25 hours", "02:00 A", "02:00 B")
    day = person.until(lambda: person.run(_PAINTED))
    assert len(person.all("tbody tr")) == 100
    person.click("Year")
    person.see("2026", "January", "by days")
    year = person.until(lambda: person.run(_PAINTED))
    assert year != day
    before = year
    for act in ("nearer", "nearer", "farther", "back"):
        person.one(f"[data-act={act}]").click()
        before = _another_picture(person, before)
    assert before == year
    person.one(".plot").send_keys("+")
    assert _another_picture(person, year)
    person.quiet()


def live_figures_change_by_themselves(scene: Scene) -> None:
    """A new reading is seen without loading the page again."""
    person = scene.inside()
    shown = person.one(POWER).text
    person.run("window.mark = 1")
    scene.household.read_out(2345, timedelta(minutes=1))
    # What happens every ten seconds happens too when somebody comes back to the page.
    person.run("document.dispatchEvent(new Event('visibilitychange'))")
    person.until(lambda: person.one(POWER).text != shown)
    assert person.run("return window.mark") == 1
    person.quiet()


def without_scripts(scene: Scene) -> None:
    """The same figures stand in tables and drawings that need none."""
    person = scene.inside()
    with person.without_scripts():
        person.go("/")
        assert "kWh" in person.one("#live .figure").text
        assert len(person.all("#live svg .bar")) > 40
        person.go("/history?by=month&on=2026-10-01")
        assert len(person.all("#drawn svg .bar")) == 29
        assert len(person.all("tbody tr")) == 29
        assert person.one("#drawn").is_displayed()
        assert not person.one("#plot").is_displayed()
        assert person.one("tfoot td").text.endswith("kWh")
        person.keep("history-no-scripts-en-1280-light")
    person.go("/")
    person.quiet()


def in_either_language(scene: Scene) -> None:
    """By choice, kept, and back on the same page."""
    person = scene.inside("/history?by=month&on=2026-10-01")
    person.see("October 2026")
    for language, words in (("de", "Oktober 2026"), ("en", "October 2026")):
        person.speak(language)
        person.see(words)
        assert person.path == "/history?by=month&on=2026-10-01"
    person.quiet()


def what_it_costs(scene: Scene) -> None:
    """She enters her prices, and the gateway calculates; a price that is none changes nothing."""
    person = scene.inside("/costs", language="de")
    form = person.one("form:has(input[value='house-sum']):has([name=base])")
    person.choose(form, **{"since": "2026-10-01", "base": "12,50", "stage-0": "thirty"})
    form.submit()
    person.see("Einer der Preise ist keine Zahl")
    form = person.one("form:has(input[value='house-sum']):has([name=base])")
    person.choose(form, **{"since": "2026-10-01", "base": "12,50", "stage-0": "31,20"})
    form.submit()
    person.until(lambda: person.path == "/costs#house-sum")
    told = person.one("#house-sum article").text
    drawn, cost = (
        int(re.sub(r"\D", "", found.group(1))) if (found := re.search(pattern, told)) else 0
        for pattern in (r"([\d.]+,\d)\s?kWh", r"Energie[^€]*?([\d.]+,\d\d)\s?€")
    )
    # A tenth of a kilowatt hour at 31.20 ct is 3.12 ct; what is shown is rounded.
    assert abs(cost - drawn * 312 / 100) < 4, told
    person.quiet(refused=True)


def every_reading_with_its_verdict(scene: Scene) -> None:
    """FCO_NRO.2: genuine where the gateway signed it, altered where somebody changed it afterwards."""
    person = scene.inside("/readings?meter=1ISK0000471100&register=1-0:1.8.0*255&until=2026-10-24")
    rows = dict(
        person.run(
            "return [...document.querySelectorAll('tbody tr')].map(one => [one.cells[0].innerText, one.innerText])"
        )
    )
    (altered,) = [at for at, said in rows.items() if "altered" in said]
    assert altered == "24/10/2026, 12:00:00"
    assert sum("genuine" in said for said in rows.values()) == len(rows) - 1
    person.keep("readings-altered-en-1280-light")
    person.quiet()


def who_gets_what_and_got_what(scene: Scene) -> None:
    """Contracts in words, every transmission, the log with its check."""
    person = scene.inside("/data")
    person.see(
        "Netz Nord receives one reading per quarter-hour, once a day.", "It may be used for running the grid only."
    )
    person.go("/data/sent")
    told = person.see("Netz Nord", "received", "not delivered", "on its way")
    assert "100 values" in told, "the day of 25 hours"
    person.go("/data/log")
    person.see("nothing is missing from this log, and nothing in it was altered", "logged in")
    person.quiet()


def the_self_test(scene: Scene) -> None:
    """FPT_TST.1: by her button, and not again at once. Played last: a gateway that fails it serves nobody."""
    person = scene.inside("/device")
    person.click("Start the self-test")
    told = person.see("The gateway has tested itself")
    assert "failed" not in told
    person.keep("self-test-en-1280-light")
    person.go("/device")
    person.click("Start the self-test")
    person.see("The gateway has just tested itself for you", "Again from")
    person.quiet(refused=True)


def the_proof_is_taken_and_checked(scene: Scene) -> None:
    """FCO_NRO.2, FAU_STG.2: by the command, and by the page that the gateway hands out, opened from the disk."""
    person, household = scene.inside("/data/export"), scene.household
    person.choose(person.one("main form"), first="2026-10-25", last="2026-10-25")
    person.click("Proof")
    file = person.downloaded(lambda: person.click("Download"))
    page = person.downloaded(lambda: person.click("Download the page that checks proofs"))
    person.quiet()
    root = str(household.root)
    by_command = CliRunner().invoke(verify, [str(file), "--root", root, "--language", "en", "--json"])
    assert by_command.exit_code == Exit.GENUINE, by_command.output
    # No cookie and nothing else of the gateway's goes to a page on the disk: it needs no window of its own.
    person.browser.get(page.as_uri())
    person.one("#export").send_keys(str(file))
    person.one("#root").send_keys(root)
    person.run("document.getElementById('check').click()")
    assert person.until(lambda: person.run("return window.verdict")) == json.loads(by_command.output)
    person.keep("proof-checked-de-1280-light")
    person.quiet()
    person.browser.back()
    altered = file.with_name("altered.json")
    altered.write_bytes(_altered(file.read_bytes()))
    by_command = CliRunner().invoke(verify, [str(altered), "--root", root])
    assert by_command.exit_code == Exit.NOT_GENUINE, by_command.output


def on_paper(scene: Scene) -> None:
    """PTB-A 50.8, display: the list prints whole, over several sheets, without anything to press."""
    person = scene.inside("/readings", language="de")
    person.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        for selector in ("nav.main", ".who", "form", ".sub"):
            assert not person.one(selector).is_displayed(), selector
        assert person.one("table").is_displayed()
        assert person.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    finally:
        person.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    pdf = b64decode(person.browser.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) > 1
    person.quiet()


def _another_picture(person: Person, before: str) -> str:
    """Once the chart is drawn anew."""

    def drawn() -> str:
        now = str(person.run(_PAINTED))
        return "" if now == before else now

    return str(person.until(drawn))


def _altered(data: bytes) -> bytes:
    """The proof with one value that is a little less."""
    bundle = json.loads(data)
    row = bundle["measured"][0]["rows"][0]
    row[1] = str(int(row[1]) - 1)
    return json.dumps(bundle, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


SCENES = (
    charts_are_drawn_and_zoomed,
    live_figures_change_by_themselves,
    without_scripts,
    in_either_language,
    every_reading_with_its_verdict,
    who_gets_what_and_got_what,
    the_proof_is_taken_and_checked,
    what_it_costs,
    on_paper,
)
