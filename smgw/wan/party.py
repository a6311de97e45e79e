"""Whether a party may be sent something now: the terms of its profiles, and its two certificates.

Decides by raising, or by a sentence for people; nothing is sealed or dialled before both said nothing against it.
"""

from datetime import datetime

from cryptography import x509

from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, load_certificate
from pki.errors import CertificateError
from smgw.wan.exchange import Deferral, DeferredError
from wire.profiles import CommunicationProfile, EvaluationProfile


def not_valid(evaluation: EvaluationProfile, communication: CommunicationProfile | None, now: datetime) -> str | None:
    """Why nothing of ``evaluation`` may leave now; what it is owed stays owed.

    An evaluation profile that has ended still delivers what was granted while it held: the last sum of a contract is
    complete only after its end. Nothing new is granted under it (access/decision.py).
    """
    if communication is None:
        return "not sent: the party has no communication profile"
    if now < evaluation.valid_from:
        return "not sent: the evaluation profile is not valid yet"
    if now < communication.valid_from:
        return "not sent: the communication profile is not valid yet"
    if now >= communication.valid_until:
        return "not sent: the communication profile has expired"
    if evaluation.purpose not in communication.purposes:
        return "not sent: the party may not have values for this purpose"
    return None


def verify(
    evaluation: EvaluationProfile, communication: CommunicationProfile, trust: TrustStore, now: datetime
) -> tuple[VerifiedCertificate, VerifiedCertificate]:
    """Both certificates of the party, for sealing and for the tunnel, as good as they are at this moment.

    1. the encryption certificate is the one that the evaluation profile names, and good (chain, revocation, role);
    2. the TLS certificate is the one that the communication profile names, and good;
    3. both belong to the same party. Raises DeferredError.
    """

    def good(der: bytes, purpose: Purpose, pin: str, deferral: Deferral) -> VerifiedCertificate:
        certificate = _certificate(der, deferral)
        try:
            return trust.verify(certificate, role=Role.EMT, purpose=purpose, at=now, pinned={pin})
        except CertificateError as error:
            raise DeferredError(deferral, f"{error.reason.value}: {error}") from error

    # 1
    sealing = communication.encryption_certificate
    recipient = good(sealing, Purpose.ENC, evaluation.recipient, Deferral.RECIPIENT_CERTIFICATE)
    # 2
    tunnel = communication.tls_certificate
    peer = good(tunnel, Purpose.TLS, communication.tls_fingerprint, Deferral.PEER_CERTIFICATE)
    # 3
    if recipient.identity != peer.identity:
        raise DeferredError(
            Deferral.PEER_CERTIFICATE, f"the tunnel leads to {peer.identity}, the seal to {recipient.identity}"
        )
    return recipient, peer


def _certificate(der: bytes, unreadable: Deferral) -> x509.Certificate:
    try:
        return load_certificate(der)
    except CertificateError as error:
        raise DeferredError(unreadable, "a certificate of the party cannot be read") from error
