"""HTTP statuses, one by one, through the WSGI application in memory."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import Client, TestResponse

from datacenter import schema
from datacenter.errors import RefusalReason
from datacenter.refusals import Refusals
from datacenter.server import BAD_SEAL, FINAL, FORBIDDEN, STATUS, TEMPORARY, create_app
from datacenter.tls import DirectPeer
from pki.certificates import Purpose, Role
from tests.datacenter.world import GATEWAY, NOW, World, pem
from wire.cosem_xml import MEDIA_TYPE


class Shown:
    """A peer that shows what the test says."""

    def __init__(self, certificate: bytes | None) -> None:
        self._certificate = certificate

    def certificate(self, environ: Mapping[str, Any], at: float) -> bytes | None:
        return self._certificate


def post(world: World, body: bytes, shown: bytes | None, at: datetime = NOW) -> TestResponse:
    app = create_app(world.ingest(), peer=Shown(shown), limits=world.limits, clock=lambda: at, monotonic=lambda: 0.0)
    return Client(app).post("/deliveries", data=body, headers={"Content-Type": MEDIA_TYPE})


def valid(world: World) -> tuple[bytes, bytes]:
    return world.seal(world.gateway.content()), pem(world.gateway.tunnel.certificate)


def test_stored(world: World) -> None:
    answer = post(world, *valid(world))
    assert (answer.status_code, answer.json) == (200, {"result": "stored"})


@pytest.mark.parametrize(("shown", "detail"), [(None, "missing"), (b"no certificate", "malformed")])
def test_no_certificate(world: World, shown: bytes | None, detail: str) -> None:
    answer = post(world, valid(world)[0], shown)
    assert (answer.status_code, answer.json) == (403, {"reason": "tunnel-certificate"})
    assert [(each.reason, each.detail, each.times) for each in Refusals(world.engine).all()] == [
        ("tunnel-certificate", detail, 1)
    ]


def test_too_large_is_counted_once(world: World) -> None:
    answer = post(world, b"x" * (world.limits.body_bytes + 1), valid(world)[1])
    assert answer.status_code == 413
    assert [(each.reason, each.times) for each in Refusals(world.engine).all()] == [("too-large", 1)]


def test_our_own_stale_revocation_lists_are_temporary(world: World) -> None:
    world.publish_crls(at=NOW - timedelta(days=8))
    assert post(world, *valid(world)).status_code == TEMPORARY


def test_a_full_disk_is_temporary_and_ends(world: World) -> None:
    """SQLite itself says that the disk is full; when there is room again, the same delivery is stored."""
    limits: dict[str, int] = {}

    def limited(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count={limits['pages']}")

    with world.engine.connect() as connection:
        limits["pages"] = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    world.engine.dispose()
    sa.event.listen(world.engine, "connect", limited)
    ingest_body = world.seal(world.gateway.content(count=500)), valid(world)[1]
    assert post(world, *ingest_body).status_code == TEMPORARY
    limits["pages"] = 1_000_000
    world.engine.dispose()
    assert post(world, *ingest_body).json == {"result": "stored"}


def test_every_reason_has_the_status_that_the_gateway_must_act_on() -> None:
    assert set(STATUS) == set(RefusalReason)
    assert {reason for reason, status in STATUS.items() if status == FINAL} == {
        RefusalReason.CONTENT,
        RefusalReason.FOREIGN_GATEWAY,
        RefusalReason.TOO_OLD,
        RefusalReason.CONFLICTING_DELIVERY,
        RefusalReason.CONFLICTING_READING,
    }


def test_a_clock_ahead_of_ours_is_temporary_and_ends(world: World) -> None:
    """A minute and a second ahead: nothing is set aside, and a second later the very same delivery is stored."""
    body = world.seal(world.gateway.content(until=NOW + timedelta(seconds=61)))
    shown = pem(world.gateway.tunnel.certificate)
    answer = post(world, body, shown)
    assert (answer.status_code, answer.json) == (TEMPORARY, {"reason": "future"})
    assert world.count(schema.delivery) == 0
    assert post(world, body, shown, at=NOW + timedelta(seconds=1)).json == {"result": "stored"}


def test_a_signature_certificate_renewed_before_it_is_registered(world: World) -> None:
    renewed = world.new_gateway(GATEWAY)
    body, shown = world.seal(renewed.content(), signer=renewed.signature), pem(world.gateway.tunnel.certificate)
    answer = post(world, body, shown)
    assert (answer.status_code, answer.json) == (FORBIDDEN, {"reason": "unknown-signer"})
    world.register(f"{GATEWAY}.SIG.2.pem", renewed.signature.certificate)
    assert post(world, body, shown).json == {"result": "stored"}


def test_sealed_for_our_former_key(world: World) -> None:
    former = world.pki.holder(Role.EMT, Purpose.ENC, "Netz")
    content, shown = world.gateway.content(), pem(world.gateway.tunnel.certificate)
    answer = post(world, world.seal(content, recipient=former), shown)
    assert (answer.status_code, answer.json) == (FORBIDDEN, {"reason": "not-for-us"})
    assert post(world, world.seal(content), shown).json == {"result": "stored"}


def test_a_seal_that_was_damaged_says_nothing_against_the_content(world: World) -> None:
    body, shown = valid(world)
    for damaged in (body[:-1], body[:-1] + bytes([body[-1] ^ 1])):
        assert post(world, damaged, shown).status_code == BAD_SEAL
    assert post(world, body, shown).json == {"result": "stored"}


def test_what_no_waiting_makes_good_is_final(world: World) -> None:
    body, shown = valid(world)
    assert post(world, body, shown).status_code == 200
    other = world.seal(world.gateway.content(count=3))
    assert (post(world, other, shown).status_code, post(world, world.seal(b"<xml/>"), shown).status_code) == (422, 422)


def test_without_tls_there_is_no_certificate(world: World) -> None:
    assert DirectPeer(world.limits).certificate({}, 0.0) is None
