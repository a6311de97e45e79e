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

    def inside(self, path: str = "/", name: str = "house", language: str = "en") -> Person:
        """The person, logged in as ``name`` and at ``path``, on a wide screen, whatever was played before."""
        person = self.person
        person.show(1280, "light")
        if [one.text for one in person.all(".who .name")] != [name]:
            person.afresh()
            person.log_in(name)
            person.until(lambda: person.path != "/login")
        person.go(path)
        assert person.path == path, "she was thrown out in between"
        person.speak(language)
        person.quiet()
        return person
