"""Step 6 of the walk: a delivery becomes sealed bytes, for one recipient's eyes only.

Decides under which form a delivery leaves: with the gateway's name and signature, or under a pseudonym for the
administrator to forward (``relay``). Its length is the profile's and not its content's (``concealment``). The caller
has verified the recipient, and sealed it is for that one alone (PP-0073 FDP_IFF.1/MTR).
"""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pki import cms
from pki.certificates import VerifiedCertificate
from pki.errors import SealError, TokenError
from smgw.store.outbox import Delivery
from smgw.wan import relay
from smgw.wan.concealment import Look, size_of
from smgw.wan.exchange import Deferral, DeferredError
from wire.cosem_xml import Content, render
from wire.errors import WireError
from wire.profiles import CommunicationProfile, EvaluationProfile
from wire.reading import DeviceId


@dataclass(frozen=True, slots=True)
class SenderIdentity:
    """Who seals: the gateway, its signature certificate, and the key that stays in the security module."""

    gateway: DeviceId
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def content_of(delivery: Delivery, evaluation: EvaluationProfile, look: Look, gateway: DeviceId) -> Content:
    """What the party reads under the gateway's own name. Raises ContentError."""
    return Content(
        gateway=gateway,
        profile=delivery.profile,
        use_case=evaluation.use_case,
        sequence=delivery.sequence,
        created_at=delivery.created_at,
        period_begin=delivery.period_begin,
        period_end=delivery.period_end,
        readings=delivery.readings,
        size=size_of(delivery, evaluation, look),
    )


def seal(
    delivery: Delivery,
    evaluation: EvaluationProfile,
    communication: CommunicationProfile,
    *,
    look: Look,
    recipient: VerifiedCertificate,
    identity: SenderIdentity,
    random: Callable[[int], bytes],
) -> bytes:
    """Grants -> Sealed, with the gateway's signature around it. Raises DeferredError.

    Under a pseudonym that signature is for the administrator, who takes it off.
    """
    try:
        if evaluation.pseudonym is not None:
            return relay.seal(
                relay.content_of(delivery, evaluation, look),
                communication,
                recipient=recipient.certificate,
                signer=identity.certificate,
                key=identity.key,
                random=random,
            )
        return cms.seal(
            render(content_of(delivery, evaluation, look, identity.gateway)),
            recipient=recipient.certificate,
            signer=identity.certificate,
            key=identity.key,
            random=random,
            key_agreement=communication.key_agreement,
        )
    except (WireError, SealError) as error:
        raise DeferredError(Deferral.CONTENT, str(error)) from error
    except TokenError as error:
        raise DeferredError(Deferral.OWN_SECURITY_MODULE, str(error)) from error
