"""What sealing and opening cost beside the bare cryptography of the same message (2 kB of content).

"Bare" is the same operations of the same library on the same keys and bytes, with nothing around them: no message is
read or written, no certificate looked at. For opening that is one ECDSA verification, one ECDH, one key derivation, one
key unwrap and one AES-GCM; for sealing one key generation, one ECDH, wrap, AES-GCM and one ECDSA signature.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, fingerprint
from pki.cms import open_sealed, seal
from pki.issue import Order, build_hierarchy, prepare, serial_number
from pki.plan import Plan
from pki.revoke import build_crl
from testbed.bench.figures import Figure, paired

CONTENT_SIZE: Final = 2000
"""Bytes: one content document with a handful of readings."""
TARGET: Final = 1.5
"""Opening may cost half as much again as its cryptography."""
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
_CURVE: Final = ec.BrainpoolP256R1()
_ECDSA: Final = ec.ECDSA(SHA256())
_GATEWAY: Final = "EABC0012345678"


@dataclass(frozen=True, slots=True)
class Parties:
    """A gateway that signs and a market participant that opens."""

    signer: VerifiedCertificate
    signer_key: ec.EllipticCurvePrivateKey
    recipient: x509.Certificate
    recipient_key: ec.EllipticCurvePrivateKey


def parties() -> Parties:
    """Certificates of a throwaway SM-PKI with software keys."""
    source = random.Random(1).randbytes
    plan = Plan.default()
    root_key, sub_ca_key = ec.generate_private_key(ec.BrainpoolP512R1()), ec.generate_private_key(ec.BrainpoolP384R1())
    hierarchy = build_hierarchy(root_key, sub_ca_key, plan=plan, now=NOW, random=source)
    signer_key, recipient_key = ec.generate_private_key(_CURVE), ec.generate_private_key(_CURVE)

    def certify(key: ec.EllipticCurvePrivateKey, role: Role, name: str, purpose: Purpose) -> x509.Certificate:
        order = Order(key.public_key(), role, name, purpose)
        return prepare(order, issuer=hierarchy.sub_ca, plan=plan, serial=serial_number(source), now=NOW).issue()

    certificate = certify(signer_key, Role.SMGW, _GATEWAY, Purpose.SIG)
    recipient = certify(recipient_key, Role.EMT, "Netz", Purpose.ENC)
    crls = [build_crl(issuer, (), number=1, now=NOW, days=7) for issuer in (hierarchy.root, hierarchy.sub_ca)]
    store = TrustStore([hierarchy.root.certificate], [hierarchy.sub_ca.certificate], crls)
    pinned = {fingerprint(certificate)}
    signer = store.verify(certificate, role=Role.SMGW, purpose=Purpose.SIG, at=NOW, pinned=pinned)
    return Parties(signer, signer_key, recipient, recipient_key)


def bare_opening(content: bytes) -> Callable[[], object]:
    """The cryptography of opening, prepared on a message of the same size."""
    signer, ours, theirs = (ec.generate_private_key(_CURVE) for _ in range(3))
    attributes, kek, nonce = bytes(110), bytes(16), bytes(12)
    signature, public = signer.sign(attributes, _ECDSA), signer.public_key()
    ephemeral = theirs.public_key()
    wrapped, sealed = aes_key_wrap(kek, bytes(16)), AESGCM(kek).encrypt(nonce, content, None)

    def run_once() -> None:
        public.verify(signature, attributes, _ECDSA)
        X963KDF(SHA256(), 16, bytes(23)).derive(ours.exchange(ec.ECDH(), ephemeral))
        AESGCM(aes_key_unwrap(kek, wrapped)).decrypt(nonce, sealed, None)

    return run_once


def bare_sealing(content: bytes) -> Callable[[], object]:
    """The cryptography of sealing."""
    signer, recipient = ec.generate_private_key(_CURVE), ec.generate_private_key(_CURVE).public_key()
    attributes, nonce = bytes(110), bytes(12)

    def run_once() -> None:
        secret = ec.generate_private_key(_CURVE).exchange(ec.ECDH(), recipient)
        key = X963KDF(SHA256(), 16, bytes(23)).derive(secret)
        aes_key_wrap(key, bytes(16))
        AESGCM(key).encrypt(nonce, content, None)
        signer.sign(attributes, _ECDSA)

    return run_once


def run() -> list[Figure]:
    """Opening and sealing, each as a multiple of its bare cryptography."""
    who = parties()
    source = random.Random(2).randbytes
    content = source(CONTENT_SIZE)

    def sealing() -> bytes:
        return seal(content, recipient=who.recipient, signer=who.signer.certificate, key=who.signer_key, random=source)

    sealed = sealing()

    def opening() -> object:
        return open_sealed(sealed, signers=[who.signer], recipient=who.recipient, key=who.recipient_key)

    figures: list[Figure] = []
    for name, ours, bare, target in (
        ("open a sealed message", opening, bare_opening(content), f"<= {TARGET}"),
        ("seal a message", sealing, bare_sealing(content), ""),
    ):
        spent, least = paired(ours, bare)
        note = f"{spent * 1e6:.0f} us, of which cryptography {least * 1e6:.0f} us; {CONTENT_SIZE} B, brainpoolP256r1"
        figures.append(Figure(name, spent / least, "x", "the bare cryptography of the message", target, note))
    overhead = float(len(sealed) - CONTENT_SIZE)
    figures.append(Figure("envelope around a content", overhead, "B", note="no certificates inside"))
    return figures
