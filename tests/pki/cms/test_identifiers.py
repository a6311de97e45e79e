import pytest

from pki.cms import KeyAgreement, identifiers
from pki.cms.identifiers import KEY_AGREEMENT_ALGORITHMS, version


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        # tr03109 fact sheet §2.1, and RFC 5652, 5083, 5753, 5754, 3565, 5084, 5639 for the rest.
        (KEY_AGREEMENT_ALGORITHMS[KeyAgreement.TR_03111], "060B04007F0007010105010103"),
        (KEY_AGREEMENT_ALGORITHMS[KeyAgreement.RFC_5753], "06062B8104010B01"),
        (identifiers.ID_AUTH_ENVELOPED_DATA, "060B2A864886F70D0109100117"),
        (identifiers.ID_SIGNED_DATA, "06092A864886F70D010702"),
        (identifiers.ID_DATA, "06092A864886F70D010701"),
        (identifiers.AES_CBC_CMAC_128, "060A04007F00070103010102"),
        (identifiers.AES128_GCM, "0609608648016503040106"),
        (identifiers.AES128_WRAP_ALGORITHM, "300B0609608648016503040105"),
        (identifiers.SHA256_ALGORITHM, "300B0609608648016503040201"),
        (identifiers.ECDSA_SHA256_ALGORITHM, "300A06082A8648CE3D040302"),
        (identifiers.BRAINPOOL_P256R1, "06092B2403030208010107"),
        (version(3), "020103"),
    ],
)
def test_the_spelling(encoded: bytes, expected: str) -> None:
    assert encoded.hex().upper() == expected
