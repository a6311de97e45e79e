"""The customer's visit, at the real page over real TLS; the whole, with gateway and store, is in tests/e2e."""

import random
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from werkzeug.serving import WSGIRequestHandler, make_server

from han_web.app import create_app
from smgw.han.certificate import build, grouped_fingerprint, pem_of
from testbed.demo.page import (
    Browser,
    Minute,
    PageError,
    compared,
    last_minute,
    look_at_page,
    others_contract,
    own_contract,
    secrecy,
)
from testbed.demo.scene import Scene
from tests.smgw.han.house import FIRST, FLAT, NOW, PASSWORDS, House
from tests.smgw.store.samples import GATEWAY

ROW = (FIRST.text, 1_790_000_000, 4711, "ab" * 64)
MINUTE = Minute(datetime(2026, 10, 29, tzinfo=UTC), frozenset({FIRST.text}), frozenset({ROW}), genuine=True)


class Served(NamedTuple):
    """Where the page is, and by what it is known."""

    address: str
    fingerprint: str


class _Silent(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Who asks what is not told."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The page over the house of the gateway's own tests, with a certificate as the gateway makes it."""
    folder = tmp_path_factory.mktemp("page")
    names = [x509.IPAddress(IPv4Address("127.0.0.1"))]
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = build(GATEWAY, names, key, datetime.now(UTC), bytes(range(16)))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "page.pem").write_bytes(pem_of(certificate) + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "page.pem")
    with closing(House(folder)) as house:
        app = create_app(house.port, random.Random(8).randbytes)
        server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=context, request_handler=_Silent)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Served(f"https://127.0.0.1:{server.server_port}/", grouped_fingerprint(certificate))
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A plan whose contracts have the names of the house's."""
    scene = Scene(tmp_path / "state")
    scene.plan["meters"] = [{"meter": FIRST.text, "consumer": "house"}, {"meter": FLAT.text, "consumer": "flat"}]
    scene.plan["evaluations"] = [
        {"id": "house-stages", "party": "supplier", "meters": [FIRST.text]},
        {"id": "flat-series", "party": "grid", "meters": [FLAT.text]},
    ]
    return scene


def test_another_certificate_than_the_gateways_is_not_believed(served: Served) -> None:
    other = ":".join(["00"] * 32)
    with pytest.raises(PageError, match="that the gateway does not name"), Browser(served.address, other):
        pytest.fail("connected")


def test_a_wrong_password_opens_nothing(served: Served) -> None:
    with Browser(served.address, served.fingerprint) as browser:
        with pytest.raises(PageError, match=r"house is not let in \(401\)"):
            browser.log_in("house", "k7mp-2xhd-v9rt-e4nc")
        with pytest.raises(PageError, match="answered with 401"):
            browser.json("/meters")


def test_a_consumer_looks_and_nothing_of_others_is_shown_to_her(served: Served, scene: Scene) -> None:
    """FDP_ACF.1: what is somebody else's is answered as what does not exist."""
    with Browser(served.address, served.fingerprint) as browser:
        assert browser.version == "TLSv1.3"
        browser.log_in("house", PASSWORDS["house"])
        assert browser.ask("/")[0] == 200
        (told,) = secrecy(scene, browser, "house")
        assert (told.good, "404 for flat-series" in told.line) == (True, True)
        (told,) = secrecy(scene, browser, "flat")
        assert not told.good, "she has that contract: it is not hidden"
        seen = last_minute(browser, NOW + timedelta(seconds=1))
    assert FIRST.text in seen.meters
    assert FLAT.text not in seen.meters


def test_what_is_shown_has_to_be_what_is_stored() -> None:
    other = (*ROW[:2], 1, ROW[3])
    more, nothing = replace(MINUTE, rows=frozenset({ROW, other})), replace(MINUTE, rows=frozenset())
    assert compared(MINUTE, {ROW}, MINUTE).good
    assert not compared(MINUTE, {ROW, other}, MINUTE).good
    assert not compared(more, {ROW}, more).good
    assert not compared(MINUTE, {ROW}, replace(MINUTE, genuine=False)).good
    assert not compared(replace(MINUTE, genuine=False), {ROW}, MINUTE).good
    assert not compared(nothing, set(), nothing).good, "nothing was read"


def test_what_is_stored_while_somebody_looks_may_be_shown_only_afterwards() -> None:
    late = (*ROW[:2], 1, ROW[3])
    more = replace(MINUTE, rows=frozenset({ROW, late}))
    assert compared(MINUTE, {ROW}, more).good, "stored after the store was read"
    assert compared(MINUTE, {ROW, late}, more).good, "stored before"
    assert not compared(more, {ROW, late}, MINUTE).good, "shown and gone again"


def test_contracts_are_found_by_whose_meters_they_name(scene: Scene) -> None:
    assert (own_contract(scene, "house"), others_contract(scene, "house")) == ("house-stages", "flat-series")
    scene.plan["meters"].pop()
    assert others_contract(scene, "house") is None


def test_without_a_gateway_no_page_is_seen(scene: Scene, tmp_path: Path) -> None:
    (told,) = look_at_page(scene, tmp_path)
    assert not told.good
    assert told.line.startswith("page for consumers: StatusError")
