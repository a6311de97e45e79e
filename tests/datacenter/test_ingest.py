"""Steps 1 to 9: everything valid is stored once; each deviation is refused with its reason and writes nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec

from datacenter import schema
from datacenter.config import Limits
from datacenter.errors import ConfigError, RefusalReason, RefusedError
from datacenter.readings import StoreResult
from pki.certificates import Purpose, Role
from testbed.small_pki import Holder, SmallPki
from tests.datacenter.world import GATEWAY, IMPORT, NOW, RASTER, World, altered
from wire.cosem_xml import MEDIA_TYPE
from wire.reading import DeviceId

OTHER = "EXYZ0087654321"


def refusal(world: World, reason: RefusalReason, body: bytes, detail: str = "", tunnel: Holder | None = None) -> None:
    """``body`` is refused with ``reason``, the refusal is stored, and no reading is."""
    before = world.count(schema.reading), world.count(schema.delivery)
    with pytest.raises(RefusedError) as caught:
        world.deliver(world.ingest(), body, tunnel=tunnel)
    assert (caught.value.reason, caught.value.detail) == (reason, detail)
    assert (world.count(schema.reading), world.count(schema.delivery)) == before
    with world.engine.connect() as connection:
        rows = connection.execute(sa.select(schema.refusal.c.reason, schema.refusal.c.detail)).all()
    assert (reason.value, detail) in [tuple(row) for row in rows]


def test_valid_delivery_is_stored_and_again_acknowledged(world: World, any_database: sa.URL) -> None:
    world.url = any_database
    ingest = world.ingest()
    body = world.seal(world.gateway.content(count=3))
    assert world.deliver(ingest, body).result is StoreResult.STORED
    receipt = world.deliver(ingest, body)
    assert (receipt.result, receipt.gateway, receipt.sequence, receipt.readings) == (
        StoreResult.DUPLICATE,
        GATEWAY,
        1,
        3,
    )
    assert world.count(schema.reading) == 3
    assert world.count(schema.delivery) == 1


def test_sealed_again_after_a_crash_is_the_same_delivery(world: World) -> None:
    ingest, content = world.ingest(), world.gateway.content()
    assert world.seal(content) != world.seal(content)
    assert world.deliver(ingest, world.seal(content)).result is StoreResult.STORED
    assert world.deliver(ingest, world.seal(content)).result is StoreResult.DUPLICATE


# Step 1: the tunnel's certificate


def tunnel_refusal(world: World, detail: str, tunnel: Holder) -> None:
    refusal(world, RefusalReason.TUNNEL_CERTIFICATE, world.seal(world.gateway.content()), detail, tunnel)


def test_tunnel_of_an_unregistered_gateway(world: World) -> None:
    tunnel_refusal(world, "not-pinned", world.new_gateway(OTHER).tunnel)


def test_two_gateways_with_the_same_identity(world: World) -> None:
    """A second device certified under the same name is not the one that was registered."""
    twin = world.new_gateway(GATEWAY)
    tunnel_refusal(world, "not-pinned", twin.tunnel)
    refusal(world, RefusalReason.UNKNOWN_SIGNER, world.seal(world.gateway.content(), signer=twin.signature))


def test_twins_that_are_both_registered_cannot_overwrite_each_other(world: World) -> None:
    """With both certificates pinned, the second's first delivery takes a number that was used for other content."""
    twin = world.new_gateway(GATEWAY)
    world.register(f"{GATEWAY}.TLS.2.pem", twin.tunnel.certificate)
    world.register(f"{GATEWAY}.SIG.2.pem", twin.signature.certificate)
    world.deliver(world.ingest(), world.seal(world.gateway.content(count=1)))
    body = world.seal(twin.content(count=2), signer=twin.signature)
    refusal(world, RefusalReason.CONFLICTING_DELIVERY, body, tunnel=twin.tunnel)


def test_renewed_certificates_are_good_beside_the_old_ones(world: World) -> None:
    renewed = world.new_gateway(GATEWAY)
    world.register(f"{GATEWAY}.TLS.2.pem", renewed.tunnel.certificate)
    world.register(f"{GATEWAY}.SIG.2.pem", renewed.signature.certificate)
    ingest = world.ingest()
    assert world.deliver(ingest, world.seal(world.gateway.content(1))).result is StoreResult.STORED
    later = world.seal(world.gateway.content(2), signer=renewed.signature)
    assert world.deliver(ingest, later, tunnel=renewed.tunnel).result is StoreResult.STORED


def test_tunnel_registered_under_another_name(world: World) -> None:
    stranger = world.new_gateway(OTHER)
    world.register(f"{GATEWAY}.TLS.2.pem", stranger.tunnel.certificate)
    tunnel_refusal(world, "wrong-name", stranger.tunnel)


@pytest.mark.parametrize(
    ("role", "purpose", "detail"),
    [
        (Role.EMT, Purpose.TLS, "wrong-role"),
        (Role.GWA, Purpose.TLS, "wrong-role"),
        (Role.SMGW, Purpose.SIG, "wrong-purpose"),
    ],
)
def test_tunnel_of_wrong_role_or_purpose(world: World, role: Role, purpose: Purpose, detail: str) -> None:
    wrong = world.pki.holder(role, purpose, GATEWAY if role is Role.SMGW else "Netz")
    world.register(f"{GATEWAY}.TLS.2.pem", wrong.certificate)
    tunnel_refusal(world, detail, wrong)


def test_tunnel_of_a_foreign_authority(world: World) -> None:
    foreign = SmallPki(seed=99, now=world.pki.now).holder(Role.SMGW, Purpose.TLS, GATEWAY)
    world.register(f"{GATEWAY}.TLS.2.pem", foreign.certificate)
    with pytest.raises(RefusedError) as caught:
        world.ingest().admit(foreign.certificate, at=NOW)
    assert caught.value.detail in ("unknown-issuer", "bad-signature")


def test_expired_tunnel(world: World) -> None:
    late = world.gateway.tunnel.certificate.not_valid_after_utc + timedelta(seconds=1)
    world.publish_crls(at=late - timedelta(days=1))
    with pytest.raises(RefusedError) as caught:
        world.ingest().admit(world.gateway.tunnel.certificate, at=late)
    assert caught.value.detail == "expired"


def test_revocation_takes_effect_without_a_restart(world: World) -> None:
    ingest = world.ingest()
    ingest.admit(world.gateway.tunnel.certificate, at=NOW)
    world.publish_crls(world.gateway.tunnel.certificate)
    with pytest.raises(RefusedError) as caught:
        ingest.admit(world.gateway.tunnel.certificate, at=NOW)
    assert caught.value.detail == "revoked"


@pytest.mark.parametrize("drop", ["sub.crl", "root.crl"])
def test_without_revocation_lists_nobody_is_believed(world: World, drop: str) -> None:
    (world.folder / "trust" / drop).unlink()
    refusal(world, RefusalReason.TRUST_STALE, b"", "crl-missing")


def test_stale_revocation_lists_are_our_trouble_not_the_gateways(world: World) -> None:
    world.publish_crls(at=NOW - timedelta(days=8))
    refusal(world, RefusalReason.TRUST_STALE, b"", "crl-stale")


# Step 2: media type and size


@pytest.mark.parametrize("media_type", ["", "application/xml", MEDIA_TYPE.split(";")[0], MEDIA_TYPE + "; more=1"])
def test_other_media_types(world: World, media_type: str) -> None:
    ingest = world.ingest()
    identity = ingest.admit(world.gateway.tunnel.certificate, at=NOW)
    with pytest.raises(RefusedError, match="media-type"):
        ingest.ingest(world.seal(world.gateway.content()), media_type=media_type, tunnel_identity=identity, at=NOW)


def test_media_type_in_another_spelling(world: World) -> None:
    ingest = world.ingest()
    identity = ingest.admit(world.gateway.tunnel.certificate, at=NOW)
    spelling = MEDIA_TYPE.replace("; ", ";").upper()
    ingest.ingest(world.seal(world.gateway.content()), media_type=spelling, tunnel_identity=identity, at=NOW)


def test_body_beyond_the_limit(make_world: Callable[..., World]) -> None:
    world = make_world(limits=Limits(body_bytes=1000))
    body = world.seal(world.gateway.content(count=20))
    assert len(body) > 1000
    refusal(world, RefusalReason.TOO_LARGE, body)


# Steps 3 and 4: signer and seal


def test_no_signature_certificate_registered(world: World) -> None:
    (world.folder / "gateways" / f"{GATEWAY}.SIG.pem").unlink()
    refusal(world, RefusalReason.SIGNER_CERTIFICATE, world.seal(world.gateway.content()), "not-pinned")


def test_signature_certificate_revoked(world: World) -> None:
    body = world.seal(world.gateway.content())
    world.publish_crls(world.gateway.signature.certificate)
    refusal(world, RefusalReason.SIGNER_CERTIFICATE, body, "revoked")


def test_signed_by_another_registered_gateway(world: World) -> None:
    """FCO_NRO.2: the signer is the gateway that the tunnel names."""
    other = world.add_gateway(OTHER)
    refusal(world, RefusalReason.UNKNOWN_SIGNER, world.seal(world.gateway.content(), signer=other.signature))


def test_sealed_for_somebody_else(world: World) -> None:
    somebody = world.pki.holder(Role.EMT, Purpose.ENC, "Vertrieb")
    refusal(world, RefusalReason.NOT_FOR_US, world.seal(world.gateway.content(), recipient=somebody))


def test_addressed_to_us_but_sealed_for_another_key(world: World) -> None:
    pretender = Holder(world.own_encryption.certificate, ec.generate_private_key(ec.BrainpoolP256R1()))
    ingest = world.ingest()
    ingest._key = pretender.key
    with pytest.raises(RefusedError) as caught:
        world.deliver(ingest, world.seal(world.gateway.content()))
    assert caught.value.reason is RefusalReason.DECRYPTION


def test_altered_anywhere(world: World) -> None:
    ingest, body = world.ingest(), world.seal(world.gateway.content(count=1))
    for position in range(0, len(body), 23):
        broken = bytearray(body)
        broken[position] ^= 0x01
        with pytest.raises(RefusedError):
            world.deliver(ingest, bytes(broken))
    assert world.count(schema.reading) == 0
    assert world.deliver(ingest, body).result is StoreResult.STORED


@pytest.mark.parametrize("body", [b"", b"\x30", b"<xml/>", b"\x30\x84\xff\xff\xff\xff" + b"\0" * 100])
def test_garbage_is_refused(world: World, body: bytes) -> None:
    refusal(world, RefusalReason.SEAL_MALFORMED, body)


# Steps 5 and 6: content and identities

BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
<!ENTITY lol3 "&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;">]><lolz>&lol3;</lolz>"""
FILE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>'


@pytest.mark.parametrize("content", [BOMB, FILE, b"<a>" * 100_000, b"", b"\xff\xfe<\0a\0/\0>\0", b"\0" * 1_200_000])
def test_xml_bombs_through_the_whole_path(world: World, content: bytes) -> None:
    """Properly sealed by a registered gateway, so nothing but step 5 stands between them and the table."""
    refusal(world, RefusalReason.CONTENT, world.seal(content))


def test_content_of_another_gateway(world: World) -> None:
    """A registered gateway signs and carries a document in the name of another one."""
    other = world.add_gateway(OTHER)
    refusal(world, RefusalReason.FOREIGN_GATEWAY, world.seal(other.content()))


def test_message_carried_through_the_tunnel_of_another_gateway(world: World) -> None:
    other = world.add_gateway(OTHER)
    refusal(world, RefusalReason.UNKNOWN_SIGNER, world.seal(world.gateway.content()), tunnel=other.tunnel)


# Step 7: replay and sequence


def test_same_number_for_other_content(world: World, any_database: sa.URL) -> None:
    """FPT_RPL.1: a number is used once."""
    world.url = any_database
    content = world.gateway.content(count=2)
    world.deliver(world.ingest(), world.seal(content))
    later = world.gateway.content(count=1, until=NOW - RASTER * 10)
    refusal(world, RefusalReason.CONFLICTING_DELIVERY, world.seal(later))


def test_numbers_are_per_profile_and_may_leave_gaps(world: World) -> None:
    ingest = world.ingest()
    for sequence, profile in ((1, "grid"), (1, "supplier"), (7, "grid"), (3, "grid")):
        content = world.gateway.content(sequence, profile=profile)
        assert world.deliver(ingest, world.seal(content)).result is StoreResult.STORED


# Step 8: times


@pytest.mark.parametrize(("ahead", "accepted"), [(60, True), (61, False)])
def test_future(world: World, ahead: int, accepted: bool) -> None:
    body = world.seal(world.gateway.content(count=1, until=NOW + timedelta(seconds=ahead)))
    if accepted:
        assert world.deliver(world.ingest(), body).result is StoreResult.STORED
    else:
        refusal(world, RefusalReason.FUTURE, body)


def test_created_in_the_future(world: World) -> None:
    content = replace(world.gateway.content(), created_at=NOW + timedelta(seconds=61))
    refusal(world, RefusalReason.FUTURE, world.seal(content))


def test_older_than_we_keep(make_world: Callable[..., World]) -> None:
    world = make_world(limits=Limits(oldest_days=10))
    refusal(
        world,
        RefusalReason.TOO_OLD,
        world.seal(world.gateway.content(count=1, until=NOW - timedelta(days=10, seconds=1))),
    )


# Step 9: rows


def test_conflicting_reading_refuses_the_whole_delivery(world: World, any_database: sa.URL) -> None:
    world.url = any_database
    world.deliver(world.ingest(), world.seal(world.gateway.content(count=2)))
    readings = (world.gateway.reading(1, NOW - RASTER * 9), world.gateway.reading(4711, NOW))
    body = world.seal(world.gateway.content_of(readings, 2))
    refusal(world, RefusalReason.CONFLICTING_READING, body)


def test_same_readings_under_another_number_are_kept_once(world: World, any_database: sa.URL) -> None:
    """Two profiles may deliver the same register; an inner signature made anew does not make it another value."""
    world.url = any_database
    ingest, content = world.ingest(), world.gateway.content(count=4)
    world.deliver(ingest, world.seal(content))
    again = world.gateway.content(count=5)
    assert {signed.signature for signed in content.readings}.isdisjoint(signed.signature for signed in again.readings)
    assert world.deliver(ingest, world.seal(altered(again, 2))).result is StoreResult.STORED
    assert world.count(schema.reading) == 5


def test_trust_files_that_cannot_be_read_believe_nobody(world: World) -> None:
    ingest = world.ingest()
    (world.folder / "trust" / "sub.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\n")
    with pytest.raises(ConfigError):
        world.deliver(ingest, world.seal(world.gateway.content()))


def test_what_is_stored_is_what_was_measured(world: World, any_database: sa.URL) -> None:
    world.url = any_database
    signed = world.gateway.reading(-(2**63) + 1, NOW, status=2**64 - 1)
    world.deliver(world.ingest(), world.seal(world.gateway.content_of([signed])))
    with world.engine.connect() as connection:
        row = connection.execute(sa.select(schema.reading)).one()
    assert (row.value, row.scaler, row.unit, row.status % 2**64) == (-(2**63) + 1, -1, 30, 2**64 - 1)
    assert (row.captured_at, bytes(row.signature)) == (int(NOW.timestamp()), signed.signature)
    assert (DeviceId(GATEWAY), IMPORT) == (DeviceId(GATEWAY), signed.reading.obis)
