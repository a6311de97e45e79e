"""Which certificates of this gateway stand behind inner signatures, and what a check of one gives.

Decides that the certificates of all generations of the gateway's keys count which are held: the one in use, and those
before it, as long as their folders are there and a CA of ours certified them (``pki.certificates.verify_recorded``). A
signature that none of them made is altered where one of them was good at that time; else nobody here knows the signer.
PP-0073 FCO_NRO.2; PTB-A 50.8, inner signature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from pki.certificates import Purpose, Role, VerifiedCertificate, fingerprint, load_certificate
from pki.errors import CertificateError, SealError
from pki.inner import verify_reading
from smgw.han.shown import Verdict
from smgw.han.status import Facts
from smgw.keys.cabinet import certificates_of
from wire.reading import SignedReading


@dataclass(frozen=True, slots=True)
class Signers:
    """The signature certificates of one gateway."""

    facts: Facts

    def held(self, at: datetime) -> tuple[VerifiedCertificate, ...]:
        """All that are believed at ``at``, the one in use first."""
        identity, trust = self.facts.identity(), self.facts.trust()
        current = identity.certificates[Purpose.SIG]
        found = {fingerprint(current.certificate): current}
        for generation in range(identity.generation, 0, -1):
            certificate = _read(self.facts, generation)
            pin = "" if certificate is None else fingerprint(certificate)
            if certificate is None or pin in found:
                continue
            begin = certificate.not_valid_before_utc
            try:
                verified = trust.verify_recorded(
                    certificate, role=Role.SMGW, purpose=Purpose.SIG, recorded_at=begin, at=at, pinned={pin}
                )
            except CertificateError:
                continue
            if verified.identity == identity.gateway.text:
                found[pin] = verified
        return tuple(found.values())


def judge(signed: SignedReading, held: Sequence[VerifiedCertificate]) -> Verdict:
    """Whether one of ``held`` made the inner signature."""
    captured_at, known = signed.reading.captured_at, False
    for one in held:
        try:
            verify_reading(signed, one)
        except SealError:
            begin, end = one.certificate.not_valid_before_utc, one.certificate.not_valid_after_utc
            known = known or begin <= captured_at <= end
        else:
            return Verdict.GENUINE
    return Verdict.ALTERED if known else Verdict.UNKNOWN_SIGNER


def _read(facts: Facts, generation: int) -> x509.Certificate | None:
    """The certificate of a former generation; one that cannot be read stands behind nothing."""
    try:
        return load_certificate((certificates_of(facts.certificates, generation) / f"{Purpose.SIG}.pem").read_bytes())
    except (OSError, CertificateError):
        return None
