"""The names of things in a sealed message: object identifiers, and how the content may be encrypted.

Decides nothing but spelling. Every identifier is kept as its encoded element, because that is what is compared.
"""

from enum import Enum
from typing import Final

from pki.der import INTEGER, SEQUENCE, encode, encode_object_identifier
from wire.profiles import KeyAgreement

ID_DATA: Final = encode_object_identifier("1.2.840.113549.1.7.1")
ID_SIGNED_DATA: Final = encode_object_identifier("1.2.840.113549.1.7.2")
ID_AUTH_ENVELOPED_DATA: Final = encode_object_identifier("1.2.840.113549.1.9.16.1.23")

ATTRIBUTE_CONTENT_TYPE: Final = encode_object_identifier("1.2.840.113549.1.9.3")
ATTRIBUTE_MESSAGE_DIGEST: Final = encode_object_identifier("1.2.840.113549.1.9.4")
ATTRIBUTE_SIGNING_TIME: Final = encode_object_identifier("1.2.840.113549.1.9.5")

EC_PUBLIC_KEY: Final = encode_object_identifier("1.2.840.10045.2.1")
BRAINPOOL_P256R1: Final = encode_object_identifier("1.3.36.3.3.2.8.1.1.7")

# RFC 5754 §2 and §3.2: implementations write these algorithm identifiers without parameters; only that form is read.
SHA256_ALGORITHM: Final = encode(SEQUENCE, encode_object_identifier("2.16.840.1.101.3.4.2.1"))
ECDSA_SHA256_ALGORITHM: Final = encode(SEQUENCE, encode_object_identifier("1.2.840.10045.4.3.2"))
# RFC 3565 §2.3.2: parameters of the AES key wrap are absent.
AES128_WRAP_ALGORITHM: Final = encode(SEQUENCE, encode_object_identifier("2.16.840.1.101.3.4.1.5"))

AES128_GCM: Final = encode_object_identifier("2.16.840.1.101.3.4.1.6")
AES_CBC_CMAC_128: Final = encode_object_identifier("0.4.0.127.0.7.1.3.1.1.2")


def version(number: int) -> bytes:
    """A CMSVersion field."""
    return encode(INTEGER, bytes((number,)))


KEY_AGREEMENT_ALGORITHMS: Final = {
    KeyAgreement.TR_03111: encode_object_identifier("0.4.0.127.0.7.1.1.5.1.1.3"),
    KeyAgreement.RFC_5753: encode_object_identifier("1.3.132.1.11.1"),
}


class ContentEncryption(Enum):
    """How content is encrypted and authenticated (TR-03116-3 §8); GCM is written, both are read."""

    AES128_GCM = "AES-128-GCM"
    AES128_CBC_CMAC = "AES-128-CBC with AES-CMAC"
