"""The foreign peer: the ``openssl`` command opens what we make, and we open what it makes."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pki.cms import ContentEncryption, KeyAgreement, open_document, sign_document
from pki.cms.enveloped import Envelope
from pki.cms.signed import SignedData
from pki.errors import SealError, SealReason
from tests.pki.cms.parties import CONTENT, parties

pytestmark = pytest.mark.peer
WORLD = parties()
AUTH_ENVELOPED_DATA = "1.2.840.113549.1.9.16.1.23"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("openssl")
    for name, holder in (("signer", WORLD.signer), ("recipient", WORLD.recipient)):
        (path / f"{name}.pem").write_bytes(holder.certificate.public_bytes(Encoding.PEM))
        key = holder.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (path / f"{name}.key").write_bytes(key)
    hierarchy = WORLD.pki.hierarchy
    authorities = (hierarchy.root.certificate, hierarchy.sub_ca.certificate)
    (path / "trusted.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in authorities))
    return path


def openssl(folder: Path, command: str, data: bytes) -> bytes:
    """Run ``openssl cms`` in ``folder`` on ``data``; DER in and out where the command says so."""
    done = subprocess.run(
        ["openssl", "cms", *command.split()], cwd=folder, input=data, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


VERIFY = (
    "-verify -inform DER -binary -certfile signer.pem -CAfile trusted.pem -purpose any -attime 1768478400 -outform DER"
)
DECRYPT = "-decrypt -inform DER -binary -recip recipient.pem -inkey recipient.key"
ENCRYPT = "-encrypt -binary -outform DER -aes-128-gcm -recip recipient.pem -keyopt ecdh_kdf_md:sha256"
SIGN = "-sign -binary -nodetach -nocerts -nosmimecap -md sha256 -signer signer.pem -inkey signer.key -outform DER"


@pytest.mark.parametrize("content", [b"", CONTENT, bytes(70_000)], ids=["empty", "short", "long"])
def test_openssl_opens_what_we_seal(folder: Path, content: bytes) -> None:
    """FCS_COP.1/CMS: a foreign program opens it."""
    envelope = openssl(folder, VERIFY, WORLD.seal(content, agreement=KeyAgreement.RFC_5753))
    assert openssl(folder, DECRYPT, envelope) == content


def test_openssl_verifies_what_we_seal_for_the_tr(folder: Path) -> None:
    """The TR's name for the key agreement is not known to OpenSSL 3.0; the signature around it is."""
    sealed = WORLD.seal()
    assert openssl(folder, VERIFY, sealed) == SignedData.from_bytes(sealed).content


@pytest.mark.parametrize("naming", ["", " -keyid"])
@pytest.mark.parametrize("content", [b"", CONTENT, bytes(70_000)], ids=["empty", "short", "long"])
def test_we_open_what_openssl_seals(folder: Path, content: bytes, naming: str) -> None:
    encrypt = ENCRYPT.replace(" -recip", f"{naming} -recip")
    envelope = openssl(folder, encrypt, content)
    sealed = openssl(folder, f"{SIGN}{naming} -econtent_type {AUTH_ENVELOPED_DATA}", envelope)
    assert WORLD.open(sealed).content == content
    signed = SignedData.from_bytes(sealed)
    assert signed.attributes.signing_time is not None
    assert signed.to_bytes() == sealed
    assert Envelope.from_bytes(signed.content).to_bytes() == signed.content


def test_openssl_verifies_our_documents(folder: Path) -> None:
    document = sign_document(CONTENT, signer=WORLD.signer.certificate, key=WORLD.signer.key)
    assert openssl(folder, VERIFY, document) == CONTENT


def test_we_open_openssls_documents(folder: Path) -> None:
    assert open_document(openssl(folder, SIGN, CONTENT), signers=[WORLD.verified]).content == CONTENT


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (SIGN.replace(" -nocerts", ""), SealReason.MALFORMED),
        (SIGN.replace(" -nosmimecap", ""), SealReason.MALFORMED),
        (SIGN + " -noattr", SealReason.MALFORMED),
        (SIGN.replace(" -nodetach", ""), SealReason.MALFORMED),
        (SIGN.replace("sha256", "sha384"), SealReason.ALGORITHM),
        (SIGN + " -stream -indef", SealReason.MALFORMED),
    ],
    ids=["certificates", "capabilities", "no attributes", "detached", "SHA-384", "indefinite lengths"],
)
def test_other_forms_of_openssl_are_refused(folder: Path, command: str, reason: SealReason) -> None:
    with pytest.raises(SealError) as caught:
        open_document(openssl(folder, command, CONTENT), signers=[WORLD.verified])
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    "encrypt",
    [
        ENCRYPT.replace("-aes-128-gcm", "-aes-256-gcm"),
        ENCRYPT.replace("ecdh_kdf_md:sha256", "ecdh_kdf_md:sha512"),
        ENCRYPT + " -keyopt ecdh_cofactor_mode:1",
    ],
    ids=["AES-256", "SHA-512", "cofactor"],
)
def test_other_algorithms_of_openssl_are_refused(folder: Path, encrypt: str) -> None:
    envelope = openssl(folder, encrypt, CONTENT)
    sealed = openssl(folder, f"{SIGN} -econtent_type {AUTH_ENVELOPED_DATA}", envelope)
    with pytest.raises(SealError) as caught:
        WORLD.open(sealed)
    assert caught.value.reason in {SealReason.ALGORITHM, SealReason.MALFORMED}


def test_cbc_cmac_is_ours_alone_and_openssl_verifies_its_signature(folder: Path) -> None:
    sealed = WORLD.seal(encryption=ContentEncryption.AES128_CBC_CMAC)
    assert openssl(folder, VERIFY, sealed) == SignedData.from_bytes(sealed).content
