"""What is forwarded to whom, what comes back, and that the administrator neither reads nor keeps nor betrays it."""

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from admin.audit import Action
from admin.database import writing
from admin.installed import keep
from admin.inventory import LifeCycle
from admin.relay import MAXIMUM_AT_ONCE, STATUS, Forwarder, RelayReason
from pki import cms
from pki.certificates import Purpose, Role, fingerprint
from pki.errors import SealError, TokenError
from tests.admin.relaying import Relaying, der, evaluation
from tests.admin.server_world import BY, GATEWAY, TIMEOUT, Keys, clock, world
from tests.ports import kept
from tests.smgw.wan.receiver import DUPLICATE, STORED, http
from tests.wire.documents import METER
from wire import canonical_json
from wire.cosem_xml import MEDIA_TYPE, parse
from wire.http_server import Request
from wire.orders import ChangeProfiles, ProfileReference
from wire.reading import DeviceId

pytestmark = pytest.mark.token

OTHER = DeviceId("EABC0012345679")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Relaying]:
    for limit in ("HANDSHAKE_TIMEOUT", "ANSWER_TIMEOUT"):
        monkeypatch.setattr(f"admin.relay.{limit}", TIMEOUT)  # both ends share this process
    with world(tmp_path) as made:
        relaying = Relaying(made)
        with contextlib.closing(relaying.party.receiver):
            yield relaying


def refused(here: Relaying, reason: RelayReason, request: Request, gateway: DeviceId = GATEWAY) -> None:
    """Nobody gets it, the gateway is told why in a way that lets it keep the delivery, and the audit log says so."""
    before = len(here.party.receiver.bodies)
    answer = here.forwarder.deliver(gateway, request, clock())
    assert (answer.status, canonical_json.decode(answer.body)) == (STATUS[reason], {"reason": reason.value})
    assert answer.status not in (200, 422)
    if reason is not RelayReason.PARTY_ANSWER:
        assert len(here.party.receiver.bodies) == before
    last = list(here.world.office.audit.entries())[-1]
    assert (last.action, last.subject, last.parameters["reason"]) == (
        Action.RELAY_REFUSED,
        gateway.text,
        reason.value,
    )


def traces(keys: Keys) -> list[bytes]:
    """Everything by which somebody who sees bytes could tell the gateway: names, serials, fingerprints, keys."""
    found = [name.encode() for text in (GATEWAY.text, METER.text, "haushalt") for name in (text, text.lower())]
    for each in keys.holders.values():
        certificate = each.certificate
        serial = certificate.serial_number
        point = each.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        found += [serial.to_bytes((serial.bit_length() + 7) // 8, "big"), f"{serial:x}".encode(), str(serial).encode()]
        found += [bytes.fromhex(fingerprint(certificate)), fingerprint(certificate).encode(), point[1:33], point[33:]]
    return found


def test_what_is_forwarded_opens_for_the_party_and_says_nothing_of_the_gateway(here: Relaying) -> None:
    request = here.request()
    answer = here.forwarder.deliver(GATEWAY, request, clock())
    assert (answer.status, canonical_json.decode(answer.body)) == (200, {"result": "stored"})
    (body,), (http_request,) = here.party.receiver.bodies, here.party.receiver.requests
    content = here.party.opened(body, here.world)
    assert parse(content) == here.content
    head = b"".join(name + value for name, value in http_request.headers) + http_request.target
    assert dict(http_request.headers)[b"content-type"] == MEDIA_TYPE.encode()
    assert {name for name, _ in http_request.headers} == {b"host", b"content-type", b"content-length"}
    assert [each.serial_number for each in here.party.receiver.clients] == [here.world.tls.certificate.serial_number]
    for trace in traces(here.keys):
        assert trace not in body
        assert trace not in content
        assert trace not in head
    # The search can find: the document that the gateway signed does name its signer.
    serial = here.signer.certificate.serial_number
    assert serial.to_bytes((serial.bit_length() + 7) // 8, "big") in request.body


def test_no_key_of_the_administrator_opens_it(here: Relaying) -> None:
    here.forwarder.deliver(GATEWAY, here.request(), clock())
    (body,) = here.party.receiver.bodies
    keys: list[ec.EllipticCurvePrivateKey] = [here.world.tls.key, here.world.office.signer().key]
    for key in keys:
        with pytest.raises((SealError, TokenError)):
            cms.open_sealed(body, signers=[here.world.signer], recipient=here.party.encryption.certificate, key=key)
    assert here.party.opened(body, here.world)


def test_nothing_of_it_is_kept_and_only_counts_are_written_down(here: Relaying) -> None:
    envelope = here.envelope()
    here.forwarder.deliver(GATEWAY, here.request(here.delivery(envelope).to_bytes()), clock())
    (body,) = here.party.receiver.bodies
    entry = list(here.world.office.audit.entries())[-1]
    assert (entry.action, entry.subject) == (Action.RELAYED, GATEWAY.text)
    assert entry.parameters == {"party": "grid", "octets": len(body), "status": 200}
    for file in here.world.folder.glob("admin.db*"):
        assert envelope[-64:] not in file.read_bytes()


@pytest.mark.parametrize(
    ("said", "status"),
    [(DUPLICATE, 200), (http(422, b'{"reason":"content"}'), 422), (http(403, b"{}"), 403), (http(503, b"{}"), 503)],
)
def test_what_the_party_says_goes_back(here: Relaying, said: bytes, status: int) -> None:
    here.party.answer = said
    answer = here.forwarder.deliver(GATEWAY, here.request(), clock())
    assert answer.status == status
    assert said.endswith(answer.body)


@pytest.mark.parametrize(
    "said",
    [
        None,
        http(302, b"", b"Location: https://example.test/\r\n"),
        http(204, b""),
        http(200, b"x" * 5000),
        b"no HTTP\r\n\r\n",
    ],
)
def test_what_is_no_answer_is_nobodys_word(here: Relaying, said: bytes | None) -> None:
    here.party.answer = said
    refused(here, RelayReason.PARTY_ANSWER, here.request())


def test_an_answer_that_does_not_end_is_none(here: Relaying, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin.relay.ANSWER_TIMEOUT", 0.5)
    here.party.answer = b"no HTTP"
    refused(here, RelayReason.PARTY_ANSWER, here.request())


def test_the_same_delivery_again_is_forwarded_again(here: Relaying) -> None:
    """Whether it is known is for the party to say: the administrator cannot read its number."""
    request = here.request()
    here.forwarder.deliver(GATEWAY, request, clock())
    here.party.answer = DUPLICATE
    assert here.forwarder.deliver(GATEWAY, request, clock()).body == b'{"result":"duplicate"}'
    first, second = (here.party.opened(body, here.world) for body in here.party.receiver.bodies)
    assert first == second


def test_another_media_type(here: Relaying) -> None:
    refused(here, RelayReason.MEDIA_TYPE, here.request(media_type="application/json"))


def test_a_delivery_that_another_gateway_signed(here: Relaying) -> None:
    """A foreign gateway, or a recorded delivery of one: it comes through a tunnel that is not its signer's."""
    other = here.admitted(OTHER)
    refused(here, RelayReason.SIGNATURE, here.request(signer=other.holders[Purpose.SIG]))
    refused(here, RelayReason.SIGNATURE, here.request(), OTHER)


def test_a_signature_by_another_key_of_the_gateway(here: Relaying) -> None:
    refused(here, RelayReason.SIGNATURE, here.request(signer=here.keys.holders[Purpose.TLS]))


def test_a_gateway_that_is_not_in_the_inventory(here: Relaying) -> None:
    refused(here, RelayReason.STATE, here.request(), OTHER)


@pytest.mark.parametrize("state", sorted(set(LifeCycle) - {LifeCycle.OPERATING}))
def test_a_gateway_that_is_not_operating(here: Relaying, state: LifeCycle) -> None:
    keys = here.admitted(OTHER, state)
    here.install(OTHER, here.party.profile(), evaluation(here.party.profile()))
    refused(here, RelayReason.STATE, here.request(signer=keys.holders[Purpose.SIG]), OTHER)


def test_a_gateway_whose_signature_certificate_was_revoked(here: Relaying) -> None:
    here.world.revoke(here.signer.certificate)
    refused(here, RelayReason.SIGNATURE, here.request())


def test_an_altered_document(here: Relaying) -> None:
    request = here.request()
    refused(here, RelayReason.SIGNATURE, replace(request, body=request.body[:-1] + b"\0"))
    refused(here, RelayReason.SIGNATURE, replace(request, body=b""))


def test_a_signed_document_that_is_no_delivery(here: Relaying) -> None:
    refused(here, RelayReason.MALFORMED, here.request(b"{}\nsealed"))


def test_sealed_bytes_that_are_no_envelope(here: Relaying) -> None:
    refused(here, RelayReason.MALFORMED, here.request(here.delivery(b"not sealed").to_bytes()))
    refused(here, RelayReason.MALFORMED, here.request(here.delivery(here.envelope() + b"\0").to_bytes()))


def test_an_envelope_for_somebody_else(here: Relaying) -> None:
    other = here.world.pki.holder(Role.EMT, Purpose.ENC, "Andere")
    refused(here, RelayReason.MALFORMED, here.request(here.delivery(here.envelope(other)).to_bytes()))


@pytest.mark.parametrize("deviation", [{"party": "other"}, {"host": "127.0.0.2"}, {"port": 1}, {"path": "/other"}])
def test_an_address_that_we_did_not_install(here: Relaying, deviation: dict[str, str | int]) -> None:
    document = replace(here.delivery(), **deviation).to_bytes()  # type: ignore[arg-type]
    refused(here, RelayReason.UNKNOWN_PARTY, here.request(document))


def test_another_certificate_than_we_installed(here: Relaying) -> None:
    twin = here.world.pki.holder(Role.EMT, Purpose.TLS)
    document = replace(here.delivery(), tls_certificate=der(twin)).to_bytes()
    refused(here, RelayReason.UNKNOWN_PARTY, here.request(document))


def test_a_party_that_was_installed_at_another_gateway_only(here: Relaying) -> None:
    other = here.admitted(OTHER)
    refused(here, RelayReason.UNKNOWN_PARTY, here.request(signer=other.holders[Purpose.SIG]), OTHER)


def test_a_party_that_was_withdrawn(here: Relaying) -> None:
    with writing(here.world.office.engine) as connection:
        keep(connection, GATEWAY, ChangeProfiles((), (ProfileReference("communication", "grid"),)), 2)
    refused(here, RelayReason.UNKNOWN_PARTY, here.request())


def test_a_party_for_which_nobody_asked_for_a_pseudonym(here: Relaying) -> None:
    here.install(GATEWAY, evaluation(here.party.profile(), pseudonym=None))
    refused(here, RelayReason.UNKNOWN_PARTY, here.request())


def test_a_party_whose_certificate_was_revoked(here: Relaying) -> None:
    here.world.revoke(here.party.tls.certificate)
    refused(here, RelayReason.PARTY_CERTIFICATE, here.request())


def test_a_party_that_is_not_there(here: Relaying) -> None:
    with kept() as (port,):
        nobody = here.party.profile(port=port)
        here.install(GATEWAY, nobody)
        document = replace(here.delivery(), port=nobody.port).to_bytes()
        refused(here, RelayReason.PARTY_UNREACHABLE, here.request(document))


def test_somebody_else_at_the_address_of_the_party(here: Relaying) -> None:
    profile = replace(here.party.profile(), tls_certificate=der(here.world.pki.holder(Role.EMT, Purpose.TLS)))
    here.install(GATEWAY, profile)
    document = replace(here.delivery(), tls_certificate=profile.tls_certificate).to_bytes()
    refused(here, RelayReason.PARTY_UNREACHABLE, here.request(document))


def test_a_party_that_answers_too_late(here: Relaying, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin.relay.ANSWER_TIMEOUT", 10.0)
    ticks = iter(range(0, 1000, 11))
    here.forwarder = Forwarder(here.world.office, clock=here.world.clock, monotonic=lambda: float(next(ticks)))
    refused(here, RelayReason.PARTY_ANSWER, here.request())


def test_a_slow_party_holds_up_a_few_deliveries_only(here: Relaying) -> None:
    request, go_on, arrived = here.request(), threading.Event(), threading.Semaphore(0)

    def slowly(_: bytes) -> bytes:
        arrived.release()
        assert go_on.wait(TIMEOUT)
        return STORED

    here.party.receiver.answer = slowly
    with ThreadPoolExecutor(MAXIMUM_AT_ONCE) as pool:
        waiting = [pool.submit(here.forwarder.deliver, GATEWAY, request, clock()) for _ in range(MAXIMUM_AT_ONCE)]
        for _ in waiting:
            assert arrived.acquire(timeout=TIMEOUT)
        answer = here.forwarder.deliver(GATEWAY, request, clock())
        go_on.set()
        assert {each.result().status for each in waiting} == {200}
    assert (answer.status, answer.body) == (503, b'{"reason":"busy"}')
    assert here.forwarder.deliver(GATEWAY, request, clock()).status == 200


def test_locked_after_it_was_operating(here: Relaying) -> None:
    assert here.forwarder.deliver(GATEWAY, here.request(), clock()).status == 200
    here.world.office.inventory.change(GATEWAY, LifeCycle.LOCKED, BY, clock())
    refused(here, RelayReason.STATE, here.request())
    assert here.party.receiver.bodies
