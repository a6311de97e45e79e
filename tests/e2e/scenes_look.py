"""How every page looks, small and dark, large and light: nothing overflows, axe finds nothing serious, and a picture is
kept for people."""

from collections.abc import Collection

import pytest

from tests.e2e.person import Person
from tests.e2e.scenes import Scene
from tests.smgw.han.house import TECHNICIAN

PAGES = (
    ("now", "/"),
    ("history", "/history?by=month&on=2026-10-01"),
    ("costs", "/costs"),
    ("contracts", "/data"),
    ("sent", "/data/sent"),
    ("readings", "/readings?until=2024-11-12"),
    ("log", "/data/log"),
    ("export", "/data/export"),
    ("device", "/device"),
    ("account", "/account"),
    ("nothing", "/nothing/here"),
)
WIDE = ("now", "history", "costs", "contracts", "readings", "device")
"""Pages that are another sight on a wide screen."""
SERIOUS = ("serious", "critical")
_AXE = pytest.importorskip(
    "axe_core_python.selenium", reason="axe is not installed (pip install axe-core-python)"
).Axe()
_RUN = """
const [serious, done] = arguments;
// What is right is not told in full, and no style sheet is fetched once more.
axe.run({resultTypes: ["violations"], preload: false}).then(({violations}) => done(
    violations.filter(one => serious.includes(one.impact)).flatMap(
        one => one.nodes.slice(0, 3).map(node => [one.id, node.target, node.failureSummary || ""]))));
"""


def telephone_in_the_dark(scene: Scene) -> None:
    """360 pixels wide, German."""
    _walk(scene.inside(language="de"), 360, "dark", [name for name, _ in PAGES])


def desk_in_the_light(scene: Scene) -> None:
    """1280 pixels wide, English."""
    _walk(scene.inside(), 1280, "light", WIDE)


def before_the_door_and_behind_the_other(scene: Scene) -> None:
    """The log-in, and what a technician sees."""
    person = scene.person
    person.show(360, "light")
    person.afresh()
    _look(person, "login", 360, "light")
    person.log_in(TECHNICIAN)
    person.until(lambda: person.path == "/service/log")
    _look(person, "technician-log", 360, "light")
    person.show(1280, "dark")
    person.go("/service/device")
    _look(person, "technician-device", 1280, "dark")
    person.quiet()


def _walk(person: Person, width: int, scheme: str, names: Collection[str]) -> None:
    person.show(width, scheme)
    try:
        for name, path in PAGES:
            if name not in names:
                continue
            person.go(path)
            if name == "history":
                person.until(lambda: person.one("#plot").is_displayed())
            _look(person, name, width, scheme)
        person.quiet(refused="nothing" in names)
    finally:
        person.show(1280, "light")


def _look(person: Person, name: str, width: int, scheme: str) -> None:
    """At the page as it is."""
    language = person.one("html").get_attribute("lang")
    assert person.run("return document.documentElement.scrollWidth") <= width, f"{name} is wider than the screen"
    told = person.browser.execute_async_script(_AXE.axe_script + _RUN, SERIOUS)
    person.keep(f"{name}-{language}-{width}-{scheme}")
    assert told == [], f"{name}, {scheme}"


SCENES = (telephone_in_the_dark, desk_in_the_light)
