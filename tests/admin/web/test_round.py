"""From a button to a gateway and back, real but for the gateway's inside: datagram, tunnel, order, reply."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from admin.life_cycle import OrderState
from admin.session import Environment
from admin.users import UserRole
from admin.web.app import create_app
from tests.admin.passwords import PASSWORD
from tests.admin.server_world import BY, GATEWAY, Gateway, clock, until, world
from tests.admin.web.desk import Person, words

pytestmark = pytest.mark.token


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    """An operator at a console whose gateway waits for its wake-up."""
    with world(tmp_path) as here:
        device = Gateway(here, here.keys())
        with device.asleep(here.server().ports[0]) as wake_port:
            here.add(device.keys, wake_port=wake_port)
            here.office.users.add("otto", UserRole.OPERATOR, PASSWORD, BY, clock())
            app = create_app(here.office, Environment(clock, time.monotonic, time.sleep, os.urandom))
            found = Person(app.test_client())
            found.log_in("otto")
            yield found
            app.extensions["console"].errands.stop()


def test_a_self_test_is_confirmed(person: Person) -> None:
    page = person.post(f"/gateways/{GATEWAY}/self-test").headers["Location"]
    until(lambda: words(person.get(f"{page}/progress")).startswith(OrderState.CONFIRMED.value))
    assert "Tunnel open since" in words(person.get(f"/gateways/{GATEWAY}"))
    # The errand looks for the tunnel now and then; the order may be confirmed before it has seen it.
    until(lambda: "It came after" in words(person.get(f"/gateways/{GATEWAY}")))
