"""Coming in, being kept out, going: the door of the customer's page as a person meets it."""

import ssl
from contextlib import closing
from datetime import timedelta
from http.client import HTTPSConnection
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from smgw.han.lock_out import FREE_ATTEMPTS
from smgw.han.sessions import IDLE_SECONDS
from tests.e2e.scenes import Scene
from tests.smgw.han.house import PASSWORDS, TECHNICIAN

NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME: the certificate is of the household's time, and the machine has another."""
WRONG = "Name oder Passwort ist falsch"


def nobody_is_in_yet(scene: Scene) -> None:
    """Every address leads to the log-in, in the language that the browser asks for; a wrong password says nothing."""
    person = scene.person
    person.go("/data/sent")
    assert person.path == "/login"
    person.see("Anmelden")
    person.show(360, "light")
    person.keep("login-de-360-light")
    person.show(1280, "light")
    for name in ("house", "nobody"):
        person.log_in(name, "a wrong one")
        person.see(WRONG)
    person.keep("login-wrong-de-1280-light")
    person.log_in("house")
    person.see("Leistung jetzt")
    person.quiet(refused=True)


def too_many_attempts(scene: Scene) -> None:
    """FIA_AFL.1: locked with a reason and an end, the right password too, and nobody else."""
    person, household = scene.person, scene.household
    person.afresh()
    for _ in range(FREE_ATTEMPTS):
        person.log_in("flat", "a wrong one")
        person.see(WRONG)
    person.log_in("flat")
    told = person.see("Anmeldung ist gesperrt")
    assert "Unter diesem Namen gab es mehrere falsche Versuche" in told
    assert "13:08:00" in told
    person.show(360, "dark")
    person.keep("locked-de-360-dark")
    person.show(1280, "light")
    person.log_in("house")
    person.see("Leistung jetzt")
    person.quiet(refused=True)
    household.now += timedelta(seconds=61)
    person.afresh()
    person.log_in("flat")
    person.see("Leistung jetzt")
    assert person.one(".who .name").text == "flat"
    person.quiet()


def by_the_browsers_own_window(scene: Scene) -> None:
    """HKS2, FIA_UAU.5: the browser answers the challenge by itself, and from then on there is a session."""
    person = scene.person
    with person.another_browser():
        host = person.address.removeprefix("https://")
        person.browser.get(f"https://house:{PASSWORDS['house']}@{host}/login/digest")
        person.see("Leistung jetzt")
        person.go("/device")
        person.see("Selbsttest")


def by_certificate(scene: Scene) -> None:
    """HKS1, FIA_UAU.5: the pinned certificate is enough; any other is none."""
    household = scene.household
    file = Path(household.folder) / "client.pem"
    for holder, status in ((household.client, 200), (household.stranger, 303)):
        private = holder.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(private + holder.certificate.public_bytes(Encoding.PEM))
        context = ssl.create_default_context(cafile=str(household.certificate))
        context.verify_flags |= NO_CHECK_TIME
        context.load_cert_chain(file)
        with closing(HTTPSConnection("127.0.0.1", household.https_port, context=context, timeout=30)) as asked:
            asked.request("GET", "/", headers={"Accept-Language": "en"})
            answer = asked.getresponse()
            said = answer.read()
        assert (answer.status, b"Power now" in said) == (status, status == 200), said


def with_keys_only(scene: Scene) -> None:
    """Log in, look at another resolution and log out with Tab and Enter; what has the focus is seen to have it."""
    from selenium.webdriver.common.keys import Keys  # noqa: PLC0415 - it may be missing

    person = scene.person

    def tab_to(words: str) -> None:
        for _ in range(60):
            person.keyed(Keys.TAB)
            held = person.run(
                "const e = document.activeElement, s = getComputedStyle(e); return [e.name || e.innerText || '',"
                " e === document.body || s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0"
                " || s.boxShadow !== 'none' || e.classList.contains('skip')]"
            )
            assert held[1], f"nobody sees that {held[0]} has the focus"
            if words in held[0]:
                return
        raise AssertionError(f"{words} is not reached with Tab on {person.path}")

    person.afresh()
    tab_to("name")
    person.keyed("house", Keys.TAB, PASSWORDS["house"], Keys.ENTER)
    person.see("Leistung jetzt")
    tab_to("Verlauf")
    person.keyed(Keys.ENTER)
    person.until(lambda: person.path == "/history")
    tab_to("Monat")
    person.keyed(Keys.ENTER)
    person.until(lambda: "by=month" in person.path)
    person.see("Oktober 2026")
    tab_to("Abmelden")
    person.keyed(Keys.ENTER)
    person.see("Sie sind abgemeldet")


def side_by_side(scene: Scene) -> None:
    """FDP_ACF.1: neither sees a trace of the other, and what is the other's is as if it were nowhere."""
    person = scene.person
    own = {"house": ("1ISK0000471100", "1ISK0000471101", "house-series"), "flat": ("1ISK0000471102", "flat-series")}
    pages = ("/", "/history", "/costs", "/data", "/data/sent", "/readings", "/data/log", "/data/export", "/device")
    person.afresh()
    person.log_in("house")
    person.see("Leistung jetzt")
    house = person.browser.current_window_handle
    with person.another_browser():
        person.log_in("flat")
        person.see("Leistung jetzt")
        windows = {"house": house, "flat": person.browser.current_window_handle}
        for name, other in (("house", "flat"), ("flat", "house")):
            person.browser.switch_to.window(windows[name])
            for path in pages:
                source = person.source(path)
                for word in ("attic", *own[other], f">{other}<", f" {other} "):
                    assert word not in source, f"{word} on {path} of {name}"
        # The last window is that of "flat": what belongs to "house" is as if it were nowhere.
        answers = set()
        for meter in (*own["house"][:2], "1ISK0000999999"):
            answers.add(person.source(f"/readings?meter={meter}").replace(meter, ""))
        assert len(answers) == 1
        person.go(f"/readings?meter={own['house'][0]}")
        person.see("Hier ist nichts")


def the_technician(scene: Scene) -> None:
    """FAU_SAR.1/SYS: the system log and the device, and nothing of anybody's."""
    person = scene.inside("/service/log", TECHNICIAN)
    told = person.see("System log")
    person.keep("technician-log-en-1280-light")
    assert [one.text for one in person.all("nav a")] == ["System log", "Device"]
    # A profile's name and a meter's number are what he has to repair; who is measured and how much is not.
    assert "Technician service logged in" in told
    for word in ("house logged in", "flat logged in", "attic", "kWh"):
        assert word not in told
    person.quiet()
    for path in ("/", "/history", "/costs", "/data", "/readings", "/data/log", "/data/export", "/device"):
        person.go(path)
        told = person.text()
        assert "Power" not in told
        assert "Not for you" in told or person.path.startswith("/service")
    person.quiet(refused=True)


def the_way_out(scene: Scene) -> None:
    """FTA_SSL: after the log-out nothing is shown, not even what the browser had before."""
    person = scene.inside("/device")
    cookie = person.browser.get_cookie("__Host-session")
    assert cookie is not None
    assert cookie["secure"]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    person.click("Log out")
    person.see("You are logged out.")
    person.browser.back()
    person.until(lambda: person.path.startswith("/login"))
    person.browser.add_cookie({"name": cookie["name"], "value": cookie["value"], "secure": True, "path": "/"})
    person.go("/data/log")
    assert person.path == "/login"
    person.quiet()


def ten_idle_minutes(scene: Scene) -> None:
    """FTA_SSL: the open page keeps nobody in, and says that its figures are old."""
    person = scene.inside()
    scene.household.now += timedelta(seconds=IDLE_SECONDS - 5)
    person.run("document.dispatchEvent(new Event('visibilitychange'))")
    scene.household.now += timedelta(seconds=10)
    person.run("document.dispatchEvent(new Event('visibilitychange'))")
    person.see("These figures are no longer fresh")
    person.keep("session-over-en-1280-light")
    person.go("/device")
    assert person.path == "/login"
    person.quiet(refused=True)


SCENES = (
    nobody_is_in_yet,
    too_many_attempts,
    by_the_browsers_own_window,
    by_certificate,
    with_keys_only,
    side_by_side,
)
AFTERWARDS = (the_technician, the_way_out, ten_idle_minutes)
"""Played once somebody came in."""
