"""Step 6: names come from gateways, pseudonyms from administrators, and neither brings the other's."""

import sqlalchemy as sa

from datacenter.errors import RefusalReason
from datacenter.queries import Selection, readings
from datacenter.readings import StoreResult
from pki.certificates import Purpose, Role
from tests.datacenter.test_ingest import OTHER, refusal, tunnel_refusal
from tests.datacenter.world import World
from tests.wire.documents import PSEUDONYM, pseudonymous
from wire.cosem_xml import Content


def aliased(world: World, sequence: int = 1, count: int = 2) -> Content:
    return pseudonymous(world.gateway.content(sequence, count=count))


def test_a_pseudonymous_delivery_of_an_administrator_is_stored_under_its_alias(
    world: World, any_database: sa.URL
) -> None:
    world.url = any_database
    administrator = world.add_administrator()
    ingest = world.ingest()
    body = world.seal(aliased(world, count=3), signer=administrator.signature)
    receipt = world.deliver(ingest, body, tunnel=administrator.tunnel)
    assert (receipt.result, receipt.gateway, receipt.profile, receipt.readings) == (
        StoreResult.STORED,
        PSEUDONYM.text,
        PSEUDONYM.text,
        3,
    )
    again = world.seal(aliased(world, count=3), signer=administrator.signature)
    assert world.deliver(ingest, again, tunnel=administrator.tunnel).result is StoreResult.DUPLICATE
    with world.engine.connect() as connection:
        stored = list(readings(connection, Selection()))
    assert {(one.gateway, one.signed.reading.device, one.profile, one.signed.signature) for one in stored} == {
        (PSEUDONYM, PSEUDONYM, PSEUDONYM.text, b"")
    }
    assert tuple(one.signed for one in stored) == aliased(world, count=3).readings


def test_a_number_of_an_alias_that_was_used_for_other_content(world: World) -> None:
    administrator = world.add_administrator()
    first = world.seal(aliased(world), signer=administrator.signature)
    world.deliver(world.ingest(), first, tunnel=administrator.tunnel)
    other = world.seal(aliased(world, count=3), signer=administrator.signature)
    refusal(world, RefusalReason.CONFLICTING_DELIVERY, other, tunnel=administrator.tunnel)


def test_a_gateway_does_not_hide(world: World) -> None:
    world.add_administrator()
    refusal(world, RefusalReason.PSEUDONYM, world.seal(aliased(world)))


def test_an_administrator_does_not_speak_for_a_gateway(world: World) -> None:
    administrator = world.add_administrator()
    body = world.seal(world.gateway.content(), signer=administrator.signature)
    refusal(world, RefusalReason.PSEUDONYM, body, tunnel=administrator.tunnel)


def test_an_administrator_brings_only_what_he_signed(world: World) -> None:
    administrator = world.add_administrator()
    refusal(world, RefusalReason.UNKNOWN_SIGNER, world.seal(aliased(world)), tunnel=administrator.tunnel)
    named = world.seal(world.gateway.content())
    refusal(world, RefusalReason.UNKNOWN_SIGNER, named, tunnel=administrator.tunnel)


def test_a_gateway_does_not_bring_what_an_administrator_signed(world: World) -> None:
    administrator = world.add_administrator()
    refusal(world, RefusalReason.UNKNOWN_SIGNER, world.seal(aliased(world), signer=administrator.signature))


def test_one_administrator_does_not_bring_what_another_signed(world: World) -> None:
    administrator, other = world.add_administrator(), world.add_administrator("Andere")
    body = world.seal(aliased(world), signer=other.signature)
    refusal(world, RefusalReason.UNKNOWN_SIGNER, body, tunnel=administrator.tunnel)


def test_without_a_folder_of_administrators_nobody_is_one(world: World) -> None:
    tunnel = world.pki.holder(Role.GWA, Purpose.TLS, "Admin")
    tunnel_refusal(world, "not-pinned", tunnel)


def test_an_administrator_who_is_not_registered(world: World) -> None:
    world.add_administrator()
    tunnel_refusal(world, "not-pinned", world.pki.holder(Role.GWA, Purpose.TLS, "Admin"))


def test_a_certificate_of_a_gateway_makes_no_administrator(world: World) -> None:
    world.add_administrator()
    gateway = world.new_gateway(OTHER)
    world.register("Schein.TLS.pem", gateway.tunnel.certificate, "administrators")
    tunnel_refusal(world, "wrong-role", gateway.tunnel)


def test_a_certificate_of_an_administrator_makes_no_gateway(world: World) -> None:
    tunnel = world.pki.holder(Role.GWA, Purpose.TLS, "Admin")
    world.register(f"{OTHER}.TLS.pem", tunnel.certificate)
    tunnel_refusal(world, "wrong-role", tunnel)


def test_a_revoked_administrator_brings_nothing(world: World) -> None:
    administrator = world.add_administrator()
    world.publish_crls(administrator.signature.certificate)
    body = world.seal(aliased(world), signer=administrator.signature)
    refusal(world, RefusalReason.SIGNER_CERTIFICATE, body, "revoked", administrator.tunnel)
    world.publish_crls(administrator.tunnel.certificate)
    tunnel_refusal(world, "revoked", administrator.tunnel)
