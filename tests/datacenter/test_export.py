"""Nothing leaves without the gateway's word on it; what leaves is exact."""

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from datacenter import database, export, queries, schema
from datacenter.errors import InnerSignatureError
from datacenter.export import Verifier
from datacenter.queries import Selection, StoredReading
from pki.certificates import TrustStore
from pki.inner import sign_reading
from tests.datacenter.world import GATEWAY, IMPORT, NOW, RASTER, World
from tests.wire.documents import PSEUDONYM, pseudonymous
from wire.reading import DeviceId, Reading, Register, Unit


def written(world: World, at: datetime = NOW) -> str:
    target = io.StringIO()
    with database.reading(world.engine) as connection:
        verifier = Verifier(world.trust().current(), at)
        export.write_csv(queries.readings(connection, Selection()), verifier.require, target)
    return target.getvalue()


def test_exact_lines(world: World) -> None:
    signed = world.gateway.reading(1_234_567, NOW, status=0x8000_0000_0000_0001)
    world.deliver(world.ingest(), world.seal(world.gateway.content_of([signed])))
    assert written(world) == (
        "gateway,device,obis,profile,captured_at,value,unit,status,scaler,signature\n"
        f"{GATEWAY},1ISK0012345678,1-0:1.8.0*255,,2026-01-15T12:00:00Z,123456.7,Wh,8000000000000001,-1,"
        f"{signed.signature.hex()}\n"
    )


def test_a_pseudonymous_row_leaves_without_a_signature_and_is_not_called_verified(world: World) -> None:
    administrator, ingest = world.add_administrator(), world.ingest()
    world.deliver(ingest, world.seal(world.gateway.content()))
    aliased = pseudonymous(world.gateway.content_of([world.gateway.reading(1_234_567, NOW)]))
    body = world.seal(aliased, signer=administrator.signature)
    world.deliver(ingest, body, tunnel=administrator.tunnel)
    with database.reading(world.engine) as connection:
        verifier, target = Verifier(world.trust().current(), NOW), io.StringIO()
        assert export.write_csv(queries.readings(connection, Selection()), verifier.require, target) == 3
    assert (verifier.verified, verifier.unsigned) == (2, 1)
    alias = PSEUDONYM.text
    line = f"{alias},{alias},1-0:1.8.0*255,{alias},2026-01-15T12:00:00Z,123456.7,Wh,0000000000000000,-1,"
    assert line in target.getvalue().splitlines()


def test_a_row_of_a_gateway_that_lost_its_signature_does_not_leave(world: World) -> None:
    world.deliver(world.ingest(), world.seal(world.gateway.content()))
    with world.engine.begin() as connection:
        connection.execute(schema.reading.update().values(signature=b""))
    with pytest.raises(InnerSignatureError, match="no inner signature"):
        written(world)


def test_a_pseudonymous_row_with_a_signature_does_not_leave(world: World) -> None:
    administrator = world.add_administrator()
    body = world.seal(pseudonymous(world.gateway.content()), signer=administrator.signature)
    world.deliver(world.ingest(), body, tunnel=administrator.tunnel)
    with world.engine.begin() as connection:
        connection.execute(schema.reading.update().values(signature=bytes(64)))
    with pytest.raises(InnerSignatureError, match="registered"):
        written(world)


def test_a_reader_can_tell_two_sums_apart(world: World, any_database: sa.URL) -> None:
    world.url = any_database
    gateway, ingest = world.gateway, world.ingest()
    for profile, value in (("house", 100), ("heat-pump", 40)):
        reading = Reading(DeviceId(GATEWAY), IMPORT, Register(value, 0, Unit.WH), NOW)
        sums = [sign_reading(reading, DeviceId(GATEWAY), gateway.signature.key), gateway.reading(1, NOW)]
        world.deliver(ingest, world.seal(gateway.content_of(sums, profile=profile)))
    lines = [line.split(",") for line in written(world).splitlines()[1:]]
    assert sorted((line[1], line[3], line[5]) for line in lines) == [
        ("1ISK0012345678", "", "0.1"),
        (GATEWAY, "heat-pump", "40"),
        (GATEWAY, "house", "100"),
    ]


@pytest.mark.parametrize(
    ("value", "scaler", "text"),
    [(5, 3, "5000"), (0, -3, "0.000"), (-1, -12, "-0.000000000001"), (2**63 - 1, 0, "9223372036854775807")],
)
def test_exact_decimals(value: int, scaler: int, text: str) -> None:
    reading = Reading(DeviceId("1ISK0012345678"), IMPORT, Register(value, scaler, Unit.WH), NOW)
    assert export.exact_decimal(reading) == text


@pytest.mark.parametrize("column", ["value", "status", "captured_at", "unit", "scaler", "signature"])
def test_a_row_that_was_changed_does_not_leave(world: World, column: str) -> None:
    """FCO_NRO.2: the origin of a value can be verified for as long as it is kept."""
    world.deliver(world.ingest(), world.seal(world.gateway.content(count=1)))
    changed: object = {"signature": b"\1" * 64, "unit": 27}.get(column)
    with world.engine.begin() as connection:
        value = changed if changed is not None else schema.reading.c[column] + 1
        connection.execute(sa.update(schema.reading).values({column: value}))
    with pytest.raises(InnerSignatureError, match="does not hold"):
        written(world)


def test_a_row_moved_to_another_gateway_does_not_leave(world: World) -> None:
    world.deliver(world.ingest(), world.seal(world.gateway.content(count=1)))
    world.add_gateway("EXYZ0087654321")
    with world.engine.begin() as connection:
        connection.execute(sa.update(schema.gateway).values(identification="EXYZ0087654321"))
    with pytest.raises(InnerSignatureError):
        written(world)


LATER = NOW + timedelta(days=1000)
"""Every gateway's certificate of NOW has expired."""


def test_values_outlive_the_certificate_of_their_signer(world: World) -> None:
    world.deliver(world.ingest(), world.seal(world.gateway.content(count=3)))
    world.publish_crls(at=LATER)
    assert len(written(world, LATER).splitlines()) == 4


def test_a_renewed_certificate_takes_over_where_it_began(world: World) -> None:
    """The old one, superseded at the renewal, stands for the values before; the new one for those after."""
    world.deliver(world.ingest(), world.seal(world.gateway.content(count=2, until=NOW - RASTER)))
    renewed = world.new_gateway(GATEWAY)
    world.register(f"{GATEWAY}.SIG.2.pem", renewed.signature.certificate)
    world.deliver(world.ingest(), world.seal(renewed.content(2, count=1), signer=renewed.signature))
    world.publish_crls(world.gateway.signature.certificate, at=LATER, since=NOW, reason="superseded")
    assert len(written(world, LATER).splitlines()) == 4
    for name in ("SIG", "SIG.2"):
        certificate = world.folder / "gateways" / f"{GATEWAY}.{name}.pem"
        kept = certificate.rename(world.folder / "kept")
        with pytest.raises(InnerSignatureError, match=r"does not hold|was revoked"):
            written(world, LATER)
        kept.rename(certificate)


def test_signature_certificate_revoked_before_or_compromised_or_gone(world: World) -> None:
    certificate = world.gateway.signature.certificate
    world.deliver(world.ingest(), world.seal(world.gateway.content(count=1)))
    world.publish_crls(certificate, since=NOW + timedelta(seconds=1), at=LATER)
    assert written(world, LATER)
    for since, reason in ((NOW, "superseded"), (NOW + timedelta(days=9), "key-compromise")):
        world.publish_crls(certificate, at=LATER, since=since, reason=reason)
        with pytest.raises(InnerSignatureError, match="revoked"):
            written(world, LATER)
    world.publish_crls(at=LATER)
    with pytest.raises(InnerSignatureError, match="revocation list"):
        written(world, LATER + timedelta(days=8))
    (world.folder / "gateways" / f"{GATEWAY}.SIG.pem").unlink()
    with pytest.raises(InnerSignatureError, match="no signature certificate is registered"):
        written(world, LATER)


def test_captured_before_the_certificate_was_valid(world: World) -> None:
    early = world.gateway.tunnel.certificate.not_valid_before_utc - timedelta(seconds=1)
    stored = StoredReading(DeviceId(GATEWAY), world.gateway.reading(1, early))
    with pytest.raises(InnerSignatureError, match="begins"):
        Verifier(world.trust().current(), NOW).require(stored)


def test_a_certificate_registered_under_another_gateways_name_proves_nothing(world: World) -> None:
    """The value is truly the other gateway's, but the row says that it is ours."""
    other = world.new_gateway("EXYZ0087654321")
    world.register(f"{GATEWAY}.SIG.2.pem", other.signature.certificate)
    with pytest.raises(InnerSignatureError, match="registered is of EXYZ0087654321"):
        Verifier(world.trust().current(), NOW).require(StoredReading(DeviceId(GATEWAY), other.reading(1, NOW)))


def test_thousands_of_rows_verify_one_chain(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[object] = []
    real = TrustStore._judge_recorded

    def judge(store: TrustStore, path: Any, **moments: datetime) -> Any:
        judged.append(path)
        return real(store, path, **moments)

    monkeypatch.setattr(TrustStore, "_judge_recorded", judge)
    verifier = Verifier(world.trust().current(), NOW)
    stored = StoredReading(DeviceId(GATEWAY), world.gateway.reading(1, NOW))
    for _ in range(50):
        verifier.require(stored)
    assert len(judged) == 1


def test_every_unit_has_a_symbol() -> None:
    assert set(export.SYMBOLS) == set(Unit)
