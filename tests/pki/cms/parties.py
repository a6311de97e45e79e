"""A gateway that signs, a market participant that opens, and strangers: real certificates, once for all tests."""

import random
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec

from pki.certificates import Purpose, Role, VerifiedCertificate
from pki.cms import ContentEncryption, KeyAgreement, Opened, open_sealed
from pki.cms.sealing import seal_with
from testbed.small_pki import GATEWAY, Holder, SmallPki

CONTENT = b"<content>48 bytes are three blocks of AES</content>"


@dataclass(frozen=True)
class Parties:
    """``signer`` is the gateway's SIG triple part, ``recipient`` the participant's ENC part."""

    pki: SmallPki
    signer: Holder
    recipient: Holder
    verified: VerifiedCertificate

    def seal(
        self,
        content: bytes = CONTENT,
        *,
        encryption: ContentEncryption = ContentEncryption.AES128_GCM,
        agreement: KeyAgreement = KeyAgreement.TR_03111,
        recipient: Holder | None = None,
        signer: Holder | None = None,
        key: ec.EllipticCurvePrivateKey | None = None,
        seed: int = 7,
    ) -> bytes:
        signer = signer or self.signer
        return seal_with(
            encryption,
            content,
            recipient=(recipient or self.recipient).certificate,
            signer=signer.certificate,
            key=key or signer.key,
            random=random.Random(seed).randbytes,
            agreement=agreement,
        )

    def open(self, sealed: bytes) -> Opened:
        return open_sealed(
            sealed, signers=[self.verified], recipient=self.recipient.certificate, key=self.recipient.key
        )


@cache
def parties() -> Parties:
    pki = SmallPki(seed=11)
    signer = pki.holder(Role.SMGW, Purpose.SIG, GATEWAY)
    recipient = pki.holder(Role.EMT, Purpose.ENC)
    return Parties(pki, signer, recipient, pki.verified(signer, Role.SMGW, Purpose.SIG))


@cache
def stranger(role: Role = Role.SMGW, purpose: Purpose = Purpose.SIG) -> Holder:
    return parties().pki.holder(role, purpose, "EABC0099999999" if role is Role.SMGW else "Andere")
