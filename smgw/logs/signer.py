"""Who signed a checkpoint: this gateway, or somebody who has the key of the database but not the token.

Decides how much is asked of the signer's certificate. Whoever verifies logs asks everything, at the moment of the
signature. The self-test asks only what no time can change, that a CA of ours certified it for this gateway's
signatures: a revocation list that is late must not count as an altered log, it has a condition of its own.
"""

from datetime import datetime

from cryptography import x509

from pki.certificates import Purpose, Role, TrustStore, fingerprint
from pki.checks import purpose_of
from pki.errors import CertificateError
from pki.profiles import read_subject
from proof.checkpoint import Checkpoint
from proof.log_export import grounds
from smgw.logs.errors import IntegrityReason, LogIntegrityError
from smgw.logs.stored import Judge
from wire.reading import DeviceId


def good_signer(gateway: DeviceId, trust: TrustStore, at: datetime) -> Judge:
    """Believes a signer who is this gateway and good now, or was when he signed (expired or renewed since)."""

    def judge(checkpoint: Checkpoint, certificate: x509.Certificate) -> None:
        pin, role, purpose = {fingerprint(certificate)}, Role.SMGW, Purpose.SIG
        try:
            try:
                trust.verify(certificate, role=role, purpose=purpose, at=at, pinned=pin, seal=True)
            except CertificateError:
                trust.verify_recorded(
                    certificate, role=role, purpose=purpose, recorded_at=checkpoint.at, at=at, pinned=pin
                )
        except CertificateError as error:
            raise _not_believed(checkpoint, error) from error
        _require_ours(checkpoint, certificate, gateway)

    return judge


def certified_signer(gateway: DeviceId, trust: TrustStore) -> Judge:
    """Believes a signer whom a CA of ours certified as this gateway, whatever the time and the revocation lists say."""

    def judge(checkpoint: Checkpoint, certificate: x509.Certificate) -> None:
        try:
            grounds(trust, certificate)
            ours = read_subject(certificate.subject).role is Role.SMGW and purpose_of(certificate) is Purpose.SIG
        except CertificateError as error:
            raise _not_believed(checkpoint, error) from error
        if not ours:
            sentence = f"checkpoint {checkpoint.number} was signed by a certificate that is not for that"
            raise LogIntegrityError(IntegrityReason.CERTIFICATE, sentence)
        _require_ours(checkpoint, certificate, gateway)

    return judge


def _require_ours(checkpoint: Checkpoint, certificate: x509.Certificate, gateway: DeviceId) -> None:
    signer = read_subject(certificate.subject).identity
    for named in (checkpoint.gateway, signer):
        if named != gateway.text:
            sentence = f"checkpoint {checkpoint.number} is of gateway {named}, not of {gateway}"
            raise LogIntegrityError(IntegrityReason.GATEWAY, sentence)


def _not_believed(checkpoint: Checkpoint, error: CertificateError) -> LogIntegrityError:
    sentence = f"the signer of checkpoint {checkpoint.number} is not believed: {error}"
    return LogIntegrityError(IntegrityReason.CERTIFICATE, sentence)
