"""Who gets an account in the demonstration, and what is told of it."""

from pathlib import Path

import pytest

from admin.accounts import new_password
from admin.letter import Access, Language, letter
from smgw.config import Configuration
from testbed.demo.people import LANGUAGE, Person, address_of, password_of, people, told
from testbed.demo.scene import Scene, softhsm_module
from testbed.demo.templates import GATEWAY, PAGE
from tests.wire.profiles.examples import ACCOUNT

PASSWORD = new_password(lambda size: bytes(range(size)))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path / "state")
    scene.gateway.mkdir(parents=True)
    text = GATEWAY.format(id=scene.gateway_id, module=softhsm_module(), wake_up=4059)
    scene.gateway_configuration.write_text(text + PAGE.format(page=8443))
    scene.letter("house").parent.mkdir(parents=True)
    return scene


def test_every_consumer_of_the_plan_and_the_technician(scene: Scene) -> None:
    assert people(scene) == [Person("flat", "flat"), Person("house", "house"), Person("service", None)]
    assert [one.words for one in people(scene)][1:] == [("--consumer", "house"), ("--technician",)]
    del scene.plan["technician"]
    assert people(scene)[-1].consumer is not None


def test_the_password_stands_in_the_letter_and_nowhere_else(scene: Scene) -> None:
    assert password_of(scene, "house") == ""
    text = letter(Access(scene.gateway_id, ACCOUNT, PASSWORD), Language(LANGUAGE))
    scene.letter("house").write_text(text)
    assert password_of(scene, "house") == PASSWORD


def test_what_is_typed_into_a_browser_is_where_the_page_is(scene: Scene) -> None:
    page = Configuration.load(scene.gateway_configuration).han
    assert page is not None
    assert address_of(scene) == f"https://{page.addresses[0]}:{page.port}/"


def test_whoever_runs_it_is_told_everything_to_log_in_with(scene: Scene) -> None:
    scene.letter("house").write_text(f"\n  Password    {PASSWORD}\n")
    pairs = [f"{number:02X}" for number in range(32)]
    lines = "\n".join(told(scene, {"sha256": ":".join(pairs)}))
    assert "the customer's page answers: https://127.0.0.1:8443/" in lines
    assert f"user name house    password {PASSWORD}" in lines
    assert "user name service" in lines
    assert "The browser will warn you" in lines
    assert f"  {':'.join(pairs[:16])}\n  {':'.join(pairs[16:])}" in lines
