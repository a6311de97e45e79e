"""Sealed and opened with keys that never leave a token."""

import random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pki.certificates import Purpose, Role
from pki.cms import open_document, open_sealed, seal, sign_document
from pki.errors import TokenError
from pki.inner import sign_reading, verify_reading
from pki.token import Token
from testbed.small_pki import GATEWAY, NOW, Holder
from tests.pki.cms.parties import CONTENT, parties
from wire.obis import Obis
from wire.reading import DeviceId, Reading, Register, Unit

pytestmark = pytest.mark.token
WORLD = parties()


def holder(token: Token, role: Role, purpose: Purpose, name: str) -> Holder:
    key = token.generate_key(purpose.name, ec.BrainpoolP256R1())
    return Holder(WORLD.pki.certify(key.public_key(), role, purpose, name), key)


def test_sealed_with_a_token_key_for_a_token_key(token: Token) -> None:
    signer = holder(token, Role.SMGW, Purpose.SIG, GATEWAY)
    recipient = holder(token, Role.EMT, Purpose.ENC, "Netz")
    verified = WORLD.pki.verified(signer, Role.SMGW, Purpose.SIG)
    sealed = seal(
        CONTENT,
        recipient=recipient.certificate,
        signer=signer.certificate,
        key=signer.key,
        random=random.Random(1).randbytes,
    )
    opened = open_sealed(sealed, signers=[verified], recipient=recipient.certificate, key=recipient.key)
    assert opened.content == CONTENT
    document = sign_document(CONTENT, signer=signer.certificate, key=signer.key)
    assert open_document(document, signers=[verified]).content == CONTENT
    reading = Reading(DeviceId("1ISK0012345678"), Obis.parse("1-0:1.8.0*255"), Register(1, 0, Unit.WH), NOW)
    assert verify_reading(sign_reading(reading, DeviceId(GATEWAY), signer.key), verified) == reading


def test_a_closed_token_opens_and_signs_nothing(token: Token) -> None:
    signer = holder(token, Role.SMGW, Purpose.SIG, GATEWAY)
    recipient = holder(token, Role.EMT, Purpose.ENC, "Netz")
    sealed = WORLD.seal(recipient=recipient)
    token.close()
    with pytest.raises(TokenError):
        open_sealed(sealed, signers=[WORLD.verified], recipient=recipient.certificate, key=recipient.key)
    with pytest.raises(TokenError):
        sign_document(CONTENT, signer=signer.certificate, key=signer.key)
