"""What the scenes at the customer's page share: the house, its gateway, and a person."""

from dataclasses import dataclass

from smgw.composed import Composed
from tests.e2e.household import Household
from tests.e2e.person import Person


@dataclass
class Scene:
    """The place."""

    household: Household
    gateway: Composed
    person: Person

    def inside(self, name: str = "house", language: str = "en") -> Person:
        """The person, logged in as ``name`` on a wide screen, whatever was played before."""
        person = self.person
        person.show(1280, "light")
        person.go("/")
        if person.path != "/" or person.one(".who .name").text != name:
            person.browser.delete_all_cookies()
            person.go("/login")
            person.log_in(name)
            person.until(lambda: person.path == "/")
        person.speak(language)
        person.quiet()
        return person
