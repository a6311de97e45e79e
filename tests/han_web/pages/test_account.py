"""One's own password (FIA_UAU.6)."""

import pytest

from han_web.pages.account import changeable
from smgw.han.credentials import Credentials
from smgw.han.passwords import verifier_of
from smgw.han.port import Visitor
from smgw.logs.readers import Interface, Reader, Role
from tests.han_web.pages.caller import Browser, browser
from tests.smgw.han.house import NOW, PASSWORDS, House
from tests.smgw.store.samples import GATEWAY

NEW = "Kerze-Tunnel-Apfel-44"


def test_another_password_ends_every_session_and_holds(house: House) -> None:
    made, elsewhere = (browser(house.port, "flat") for _ in range(2))
    form = {"present": PASSWORDS["flat"], "new": NEW, "again": NEW}
    answer = made.post("/account", form, seen_at="/account")
    assert answer.headers["Location"] == "/login?left=changed"
    assert elsewhere.get("/").status_code == 303
    assert "your new password holds" in made.page("/login?left=changed").text
    assert made.log_in("flat").status_code == 401
    assert made.log_in("flat", NEW).status_code == 303
    # The house is shared: what was before is put back.
    Credentials(house.database).change(
        house.profiles.accounts["account-flat"], verifier_of("flat", GATEWAY.text, PASSWORDS["flat"]), NOW
    )


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"present": "wrong", "new": NEW, "again": NEW}, "Das jetzige Passwort ist ein anderes."),
        (
            {"present": PASSWORDS["house"], "new": NEW, "again": NEW + "x"},
            "Die beiden neuen Passwörter sind verschieden.",
        ),
        ({"present": PASSWORDS["house"], "new": "kurz", "again": "kurz"}, "braucht mindestens 12 Zeichen."),
        ({}, "Das jetzige Passwort ist ein anderes."),
    ],
)
def test_why_it_is_not_changed(house: House, form: dict[str, str], told: str) -> None:
    made = browser(house.port, "house", "de")
    answer = made.post("/account", form, seen_at="/account")
    assert answer.status_code == 422
    assert told in answer.text
    assert made.get("/account").status_code == 200
    assert NEW not in answer.text


def test_she_is_told_that_her_log_in_is_open_to_an_outdated_procedure(house: House) -> None:
    """FIA_UAU.5: while it is, and nobody else is."""
    made, other = browser(house.port, "house", "de"), browser(house.port, "flat", "de")
    told = "HTTP Digest mit MD5"
    with house.open_to_older_clients("house"):
        assert told in made.page("/account").text
        assert told not in other.page("/account").text
    assert told not in made.page("/account").text


def test_who_has_no_password_has_no_form_for_it() -> None:
    reader = Reader(Role.CONSUMER, Interface.CONSUMER, "house")
    assert not changeable(Visitor("house", "account-house", reader, has_password=False))
    assert changeable(Visitor("house", "account-house", reader))


def test_a_technician_has_no_form_for_it(technician: Browser) -> None:
    """His administrator changes it."""
    page = technician.page("/account")
    assert "New password" not in page.text
    assert technician.post("/account", {}, seen_at="/account").status_code == 403
