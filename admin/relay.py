"""Pseudonymous deliveries on their way through the administrator to a market participant (TR-03109-1).

Decides whose deliveries are forwarded, and to whom: those of a gateway that is operating, proven by its tunnel and its
signature, to a party whose profile we installed there. Its signature comes off, ours goes on, and nothing of what is
forwarded depends on the gateway but what it sealed. It never opens a delivery (our keys cannot), never keeps one, and
never writes down more of it than to whom, how many bytes and what the party said. What the party says goes back as it
came: the gateway decides what it means.

What it cannot hide from the party is when a delivery arrives and how long it is: it is forwarded at once, because the
gateway waits for the party's own word.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Final

from admin.audit import Action
from admin.database import reading
from admin.errors import InventoryError
from admin.installed import holding
from admin.life_cycle import LifeCycle
from admin.office import Office
from admin.serve import tls_identity
from admin.service import RelayAnswer
from pki import cms
from pki.certificates import Purpose, Role, VerifiedCertificate, fingerprint, load_certificate
from pki.errors import CertificateError, SealError, TunnelError, TunnelReason
from pki.tls import InProcessBackend
from pki.tunnel import Tunnel, TunnelBackend, TunnelPeer
from wire import canonical_json
from wire.cosem_xml import MEDIA_TYPE
from wire.errors import HttpError, RelayError
from wire.http import HttpClient, Response, host_field
from wire.http_server import Request
from wire.management import CMS, JSON
from wire.profiles import CommunicationProfile, EvaluationProfile
from wire.reading import DeviceId
from wire.relay import RelayedDelivery

HANDSHAKE_TIMEOUT: Final = 6.0
ANSWER_TIMEOUT: Final = 10.0
"""Seconds; both together stay below the 20 s that a gateway waits, so that it hears what became of its delivery."""
MAXIMUM_ANSWER_BYTES: Final = 4096
"""A party's word is one small JSON object; no gateway looks at a longer one."""
MAXIMUM_AT_ONCE: Final = 16
"""Deliveries on their way to one party. A party that is slow holds up its own deliveries, and not the time service and
the alarms of all gateways, which share the server's workers."""
_ANSWERS: Final = (200, *range(400, 600))
"""What a receiver of deliveries may answer; a redirection, for one, is followed by nobody."""
_RECEIVE_BYTES: Final = 4096


class RelayReason(StrEnum):
    """Why a delivery is not forwarded, or not answered; the gateway keeps it and comes again."""

    MEDIA_TYPE = "media-type"
    STATE = "state"
    SIGNATURE = "signature"
    MALFORMED = "malformed"
    UNKNOWN_PARTY = "unknown-party"
    BUSY = "busy"
    PARTY_CERTIFICATE = "party-certificate"
    PARTY_UNREACHABLE = "party-unreachable"
    PARTY_ANSWER = "party-answer"


STATUS: Final = {
    RelayReason.MEDIA_TYPE: 415,
    RelayReason.STATE: 403,
    RelayReason.SIGNATURE: 403,
    RelayReason.MALFORMED: 400,
    RelayReason.UNKNOWN_PARTY: 403,
    RelayReason.BUSY: 503,
    RelayReason.PARTY_CERTIFICATE: 503,
    RelayReason.PARTY_UNREACHABLE: 502,
    RelayReason.PARTY_ANSWER: 502,
}
"""Never 200 or 422: those are the party's words, by which a delivery is forgotten or set aside."""


class RelayRefusedError(Exception):
    """A delivery is not forwarded, or nobody knows what became of it."""

    def __init__(self, reason: RelayReason, detail: str = "") -> None:
        """``detail`` is a fixed word that narrows the reason, never text of the sender."""
        super().__init__(f"{reason.value} {detail}".strip())
        self.reason = reason
        self.detail = detail


class Forwarder:
    """Forwards what gateways hand over (``admin.service.Relay``); safe from several threads."""

    def __init__(
        self,
        office: Office,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        backend: Callable[[], TunnelBackend] | None = None,
    ) -> None:
        """``backend`` makes tunnels with our TLS identity by what is believed at that moment."""
        self._office = office
        self._clock = clock
        self._monotonic = monotonic
        self._backend = backend or self._own_backend
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()

    def deliver(self, gateway: DeviceId, request: Request, at: datetime) -> RelayAnswer:
        """What becomes of a delivery of ``gateway``, which its tunnel proved.

        Whatever it is, it is audited: gateway, party, bytes and outcome. Raises StorageError, TokenError,
        CertificateError (our own certificate), ConfigError: 503, and the gateway comes again.
        """
        try:
            delivery, party = self._believe(gateway, request, at)
            with self._turn(party):
                forwarded = self._cover(delivery, party, at)
                response = self._hand_over(forwarded, party, at)
        except RelayRefusedError as refused:
            self._office.audit.record(
                Action.RELAY_REFUSED, gateway.text, gateway.text, at, reason=refused.reason.value, detail=refused.detail
            )
            body = canonical_json.encode({"reason": refused.reason.value})
            return RelayAnswer(STATUS[refused.reason], JSON, body)
        self._office.audit.record(
            Action.RELAYED,
            gateway.text,
            gateway.text,
            at,
            party=party.id,
            octets=len(forwarded),
            status=response.status,
        )
        return RelayAnswer(response.status, JSON, response.body)

    def _believe(
        self, gateway: DeviceId, request: Request, at: datetime
    ) -> tuple[RelayedDelivery, CommunicationProfile]:
        """The delivery and its party, if both may be believed.

        1. It has the media type of a signed document (its size is bounded by the server).
        2. The gateway is in the inventory and operating.
        3. It is signed by the very gateway whose tunnel it came through, with the certificate of the inventory, good
           now.
        4. It is one document in its one spelling.
        5. It leads where a communication profile leads that an order of ours installed at that gateway, that holds now,
           and for whose party an evaluation profile asks for a pseudonym.
        """
        # 1
        if (request.header("Content-Type") or "").strip().lower() != CMS:
            raise RelayRefusedError(RelayReason.MEDIA_TYPE)
        # 2 and 3
        signer = self._signer(gateway, at)
        try:
            signed = cms.open_document(request.body, signers=[signer])
        except SealError as error:
            raise RelayRefusedError(RelayReason.SIGNATURE, error.reason.value) from error
        # 4
        try:
            delivery = RelayedDelivery.from_bytes(signed.content)
        except RelayError as error:
            raise RelayRefusedError(RelayReason.MALFORMED) from error
        # 5
        with reading(self._office.engine) as connection:
            held = tuple(holding(connection, gateway).profiles.values())
        asked = {each.party for each in held if isinstance(each, EvaluationProfile) and each.pseudonym is not None}
        for party in held:
            if (
                isinstance(party, CommunicationProfile)
                and party.id in asked
                and party.valid_from <= at < party.valid_until
                and delivery.is_for(party)
            ):
                return delivery, party
        raise RelayRefusedError(RelayReason.UNKNOWN_PARTY)

    def _signer(self, gateway: DeviceId, at: datetime) -> VerifiedCertificate:
        """The signature certificate that the inventory holds for an operating gateway, good now."""
        try:
            record = self._office.inventory.get(gateway)
        except InventoryError as error:
            raise RelayRefusedError(RelayReason.STATE) from error
        held = record.certificates.get(Purpose.SIG)
        if record.state is not LifeCycle.OPERATING or held is None:
            raise RelayRefusedError(RelayReason.STATE, record.state.value)
        try:
            certificate = load_certificate(held)
            signer = self._office.trust().verify(
                certificate, role=Role.SMGW, purpose=Purpose.SIG, at=at, pinned={fingerprint(certificate)}
            )
        except CertificateError as error:
            raise RelayRefusedError(RelayReason.SIGNATURE, error.reason.value) from error
        if signer.identity != gateway.text:
            raise RelayRefusedError(RelayReason.SIGNATURE)
        return signer

    @contextmanager
    def _turn(self, party: CommunicationProfile) -> Iterator[None]:
        """One of the few places on the way to ``party``; whoever finds none comes again."""
        with self._lock:
            if self._under_way[party.tls_fingerprint] >= MAXIMUM_AT_ONCE:
                raise RelayRefusedError(RelayReason.BUSY)
            self._under_way[party.tls_fingerprint] += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way[party.tls_fingerprint] -= 1
                if not self._under_way[party.tls_fingerprint]:
                    del self._under_way[party.tls_fingerprint]

    def _cover(self, delivery: RelayedDelivery, party: CommunicationProfile, at: datetime) -> bytes:
        """The sealed bytes under our signature in place of the gateway's.

        1. Our own signature certificate is good now: nobody would believe it otherwise.
        2. They are one envelope for the encryption certificate of the party, and not a byte more.
        """
        # 1
        self._office.require_good(at)
        # 2
        signer = self._office.signer()
        try:
            recipient = load_certificate(party.encryption_certificate)
            return cms.sign_envelope(delivery.sealed, recipient=recipient, signer=signer.certificate, key=signer.key)
        except (CertificateError, SealError) as error:
            raise RelayRefusedError(RelayReason.MALFORMED, error.reason.value) from error

    def _hand_over(self, forwarded: bytes, party: CommunicationProfile, at: datetime) -> Response:
        """The party's answer, whatever its status.

        1. Its TLS certificate is the profile's, a participant's, and good now. 2. It is there. 3. It answers in time,
        in one small piece.
        """
        # 1
        try:
            verified = self._office.trust().verify(
                load_certificate(party.tls_certificate),
                role=Role.EMT,
                purpose=Purpose.TLS,
                at=at,
                pinned={party.tls_fingerprint},
            )
        except CertificateError as error:
            raise RelayRefusedError(RelayReason.PARTY_CERTIFICATE, error.reason.value) from error
        # 2
        try:
            peer = TunnelPeer(party.host, party.port, verified.certificate, Role.EMT)
            tunnel = self._backend().open(peer, timeout=HANDSHAKE_TIMEOUT)
        except TunnelError as error:
            raise RelayRefusedError(RelayReason.PARTY_UNREACHABLE, error.reason.value) from error
        # 3
        try:
            return self._exchange(tunnel, forwarded, party)
        except TunnelError as error:
            raise RelayRefusedError(RelayReason.PARTY_ANSWER, error.reason.value) from error
        except HttpError as error:
            raise RelayRefusedError(RelayReason.PARTY_ANSWER) from error
        finally:
            tunnel.close()

    def _exchange(self, tunnel: Tunnel, forwarded: bytes, party: CommunicationProfile) -> Response:
        client = HttpClient(maximum_body_bytes=MAXIMUM_ANSWER_BYTES)
        deadline = self._monotonic() + ANSWER_TIMEOUT
        host = host_field(party.host, party.port)
        tunnel.send(client.request(party.path, host, {"Content-Type": MEDIA_TYPE}, forwarded))
        while True:
            left = deadline - self._monotonic()
            if left <= 0:
                raise TunnelError(TunnelReason.TIMEOUT, f"no complete answer within {ANSWER_TIMEOUT:.0f} s")
            data = tunnel.receive(_RECEIVE_BYTES, left)
            if not data:
                raise TunnelError(TunnelReason.CLOSED, "the party ended the tunnel before its answer was complete")
            response = client.receive(data)
            if response is None:
                continue
            if response.status not in _ANSWERS:
                raise HttpError("neither an acknowledgement nor a refusal")
            return response

    def _own_backend(self) -> TunnelBackend:
        trust = self._office.trust()
        return InProcessBackend(tls_identity(self._office, trust), trust, clock=self._clock)
