"""HTTP statuses, one by one, through the WSGI application in memory."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import Client, TestResponse

from datacenter.errors import RefusalReason
from datacenter.refusals import Refusals
from datacenter.server import FINAL, FORBIDDEN, STATUS, TEMPORARY, create_app
from datacenter.tls import DirectPeer
from tests.datacenter.world import NOW, World, pem
from wire.cosem_xml import MEDIA_TYPE


class Shown:
    """A peer that shows what the test says."""

    def __init__(self, certificate: bytes | None) -> None:
        self._certificate = certificate

    def certificate(self, environ: Mapping[str, Any], at: float) -> bytes | None:
        return self._certificate


def post(world: World, body: bytes, shown: bytes | None) -> TestResponse:
    app = create_app(world.ingest(), peer=Shown(shown), limits=world.limits, clock=lambda: NOW, monotonic=lambda: 0.0)
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
    about_content = {"seal", "unknown", "not", "decryption", "algorithm", "content", "foreign", "conflicting", "future"}
    for reason in RefusalReason:
        final = reason.value.split("-")[0] in about_content | {"too"} and reason not in STATUS
        assert (STATUS.get(reason, FINAL) == FINAL) is final
    assert STATUS[RefusalReason.SIGNER_CERTIFICATE] == FORBIDDEN


def test_without_tls_there_is_no_certificate(world: World) -> None:
    assert DirectPeer(world.limits).certificate({}, 0.0) is None
