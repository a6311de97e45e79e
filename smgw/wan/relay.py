"""A delivery under a pseudonym: sealed for the party, signed for the administrator, who forwards it (TR-03109-1).

Decides what a pseudonymous content says (the alias in place of gateway, meter and profile, no inner signature, the
minute of its making) and that it never leaves but by way of the administrator, over the service connection. The
gateway's signature stands around the sealed bytes and their address, for the administrator alone: he takes it off. It
believes the administrator that his answer is the party's; nothing else is an acknowledgement.

What it cannot hide: from the administrator, who sends to whom and when; from the party, when a delivery arrives, the
values, their times and their status words. How much is said no size tells, here as little as on the straight way
(FPR_CON.1, ``concealment``).
TR-03109-1, pseudonymous delivery; PP-0073 FPR_PSE.1.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pki import cms
from pki.errors import TunnelReason
from smgw.store.outbox import Delivery
from smgw.wan.concealment import Look, size_of
from smgw.wan.exchange import Acknowledged, Deferral, DeferredError, RefusedForGood, judge
from smgw.wan.management import DialReason
from smgw.wan.service import ServiceError, ServicePorts, ServiceReason, visit
from wire.cosem_xml import Content, render
from wire.errors import ContentError
from wire.management import CMS, RELAY
from wire.profiles import CommunicationProfile, EvaluationProfile
from wire.reading import UnsignedReading
from wire.relay import RelayedDelivery

_DEFERRALS: Final = {
    TunnelReason.TIMEOUT.value: Deferral.TIMEOUT,
    TunnelReason.CLOSED.value: Deferral.CLOSED,
    TunnelReason.PEER_CERTIFICATE.value: Deferral.PEER_CERTIFICATE,
    DialReason.ADMINISTRATOR_CERTIFICATE.value: Deferral.PEER_CERTIFICATE,
    ServiceReason.BROKEN_ANSWER.value: Deferral.BROKEN_ANSWER,
}
"""Why there is no answer, in the words of a sender; everything else is TUNNEL."""


def content_of(delivery: Delivery, evaluation: EvaluationProfile, look: Look) -> Content:
    """What the party reads: the values, and the alias of ``evaluation`` for everything that has a name.

    Raises ContentError, also where the profile asks for no pseudonym.
    """
    pseudonym = evaluation.pseudonym
    if pseudonym is None:
        raise ContentError("a delivery under the gateway's own name does not go by way of the administrator")
    made_at = delivery.created_at.replace(second=0)
    return Content(
        gateway=pseudonym,
        profile=pseudonym.text,
        use_case=evaluation.use_case,
        sequence=delivery.sequence,
        created_at=made_at,
        period_begin=delivery.period_begin if delivery.grants else made_at,
        period_end=delivery.period_end if delivery.grants else made_at,
        readings=tuple(UnsignedReading(replace(signed.reading, device=pseudonym)) for signed in delivery.readings),
        size=size_of(delivery, evaluation, look),
    )


def seal(
    content: Content,
    communication: CommunicationProfile,
    *,
    recipient: x509.Certificate,
    signer: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    random: Callable[[int], bytes],
) -> bytes:
    """``content`` for the party's eyes, with its address under our signature for the administrator's.

    The caller has verified ``recipient``; ``signer`` and ``key`` are our signature certificate and its key. Raises
    ContentError for a content that names us, RelayError, SealError, TokenError.
    """
    if not content.pseudonymous:
        raise ContentError("only a pseudonymous content goes by way of the administrator")
    envelope = cms.envelop(
        render(content), recipient=recipient, random=random, key_agreement=communication.key_agreement
    )
    return cms.sign_document(RelayedDelivery.to(communication, envelope).to_bytes(), signer=signer, key=key)


def forward(document: bytes, service: ServicePorts | None) -> Acknowledged | RefusedForGood:
    """Hand ``document`` to the administrator and wait for what the party said to him. Raises DeferredError."""
    if service is None:
        raise DeferredError(Deferral.TUNNEL, "the profile asks for a pseudonym, and there is nobody who forwards")
    try:
        with visit(service) as connection:
            response = connection.post(RELAY, CMS, document)
    except ServiceError as error:
        deferral = _DEFERRALS.get(error.reason, Deferral.TUNNEL)
        raise DeferredError(deferral, f"the administrator: {error}") from error
    return judge(response)
