"""``smgw-admin retention``, ``event``, ``request``, ``restart`` and the like: each queues exactly its command."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from admin.exit import Exit
from tests.admin.bureau import GATEWAY
from tests.admin.commands.desk import Desk
from wire.orders import (
    Command,
    InstallRevocationLists,
    RaiseEvent,
    RequestValues,
    Restart,
    RunSelfTest,
    SetRetention,
    SynchroniseClock,
)

pytestmark = pytest.mark.token


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (("retention", "--readings-days", "730", "--system-log-days", "365"), SetRetention(730, 365)),
        (("self-test",), RunSelfTest()),
        (("clock",), SynchroniseClock(accept_any_deviation=False)),
        (("clock", "--accept-any-deviation"), SynchroniseClock(accept_any_deviation=True)),
        (("restart",), Restart()),
        (("event", GATEWAY.text, "surplus", "on"), RaiseEvent("surplus", active=True)),
        (("event", GATEWAY.text, "surplus", "off"), RaiseEvent("surplus", active=False)),
        (("request", GATEWAY.text, "daily-values"), RequestValues("daily-values")),
    ],
)
def test_what_is_ordered(desk: Desk, arguments: tuple[str, ...], command: Command) -> None:
    here = () if GATEWAY.text in arguments else (GATEWAY.text,)
    assert queued(desk, *arguments, *here) == command


def test_all_lists_of_our_trust_folder_or_those_named(desk: Desk) -> None:
    paths = sorted((desk.bureau.folder / "trust").glob("*.crl"))
    everything = tuple(x509.load_pem_x509_crl(path.read_bytes()).public_bytes(Encoding.DER) for path in paths)
    assert queued(desk, "crl", GATEWAY.text) == InstallRevocationLists(everything)
    file = desk.bureau.folder / "one.crl"
    file.write_bytes(everything[1])
    assert queued(desk, "crl", GATEWAY.text, str(file)) == InstallRevocationLists(everything[1:])


def test_lists_that_are_none(desk: Desk) -> None:
    file = desk.bureau.folder / "one.crl"
    file.write_text("no list")
    assert "is no revocation list" in desk("crl", GATEWAY.text, str(file), code=Exit.CONFIGURATION).stderr
    for path in (desk.bureau.folder / "trust").glob("*.crl"):
        path.unlink()
    assert "name them" in desk("crl", GATEWAY.text, code=Exit.CONFIGURATION).stderr
    assert desk.lines("orders", "list") == []


def test_what_no_order_can_say_is_refused_here(desk: Desk) -> None:
    assert "name" in desk("event", GATEWAY.text, "two words", "on", code=Exit.REFUSED).stderr
    arguments = ("retention", GATEWAY.text, "--readings-days", "0", "--system-log-days", "1")
    assert "readings_days" in desk(*arguments, code=Exit.REFUSED).stderr


def queued(desk: Desk, *arguments: str) -> Command:
    number = desk.one(*arguments, "--no-wait")["order"]
    with desk.bureau.open() as office:
        return office.orders.get(number).command
