"""A gateway that can open what was sealed for it, and accounts whose verifiers are."""

import random
from dataclasses import replace

from cryptography import x509

from pki import cms
from pki.certificates import Purpose, Role, fingerprint
from smgw.identity import Identity, OwnCertificates
from testbed.small_pki import SmallPki
from tests.smgw.store.samples import GATEWAY
from tests.wire.profiles.examples import ACCOUNT
from wire.profiles import AccountProfile

VERIFIER = bytes(range(32))


def identity_of(pki: SmallPki) -> Identity:
    """A gateway with its ENC key alone."""
    holder = pki.holder(Role.SMGW, Purpose.ENC, GATEWAY.text)
    pin = {fingerprint(holder.certificate)}
    verified = pki.trust().verify(holder.certificate, role=Role.SMGW, purpose=Purpose.ENC, at=pki.now, pinned=pin)
    certificates = OwnCertificates({Purpose.ENC: verified})
    return Identity(GATEWAY, 1, certificates, {Purpose.ENC: holder.key}, {Purpose.ENC: "ENC-1"})


def sealed(recipient: x509.Certificate, verifier: bytes = VERIFIER) -> bytes:
    """A verifier as an administrator seals it."""
    return cms.envelop(verifier, recipient=recipient, random=random.Random(1).randbytes)


def account_for(identity: Identity, verifier: bytes = VERIFIER) -> AccountProfile:
    """The example, whose verifier this gateway opens."""
    return replace(ACCOUNT, verifier=sealed(identity.certificates[Purpose.ENC].certificate, verifier))
