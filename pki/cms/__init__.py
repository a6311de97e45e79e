"""Content protection: seal and open messages, sign and open documents (TR-03116-3 §8).

``sealing`` holds the doors and the numbered steps, ``signed`` and ``enveloped`` the two message forms,
``key_agreement`` and ``content_encryption`` the cryptography, ``names`` how certificates are named, ``identifiers`` the
spelling.
"""

from pki.cms.identifiers import ContentEncryption
from pki.cms.sealing import (
    Opened,
    envelop,
    open_document,
    open_envelope,
    open_sealed,
    seal,
    sign_document,
    sign_envelope,
)
from wire.profiles import KeyAgreement

__all__ = [
    "ContentEncryption",
    "KeyAgreement",
    "Opened",
    "envelop",
    "open_document",
    "open_envelope",
    "open_sealed",
    "seal",
    "sign_document",
    "sign_envelope",
]
