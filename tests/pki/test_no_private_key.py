"""No private key of the gateway outside its token: not through PKCS#11, not through Python, not on disk.

What can be proven: every way that PKCS#11 has to take a key out is refused (reading, wrapping, copying, marking it as
extractable), a key that was ever outside is not accepted as ours, and after a complete enrolment no file of the gateway
or of the CA holds a private key in an encoding that OpenSSL reads (the search is proven on software keys). What cannot:
nobody knows the scalar of a key that was generated inside, so memory cannot be searched for it; and SoftHSM2 is a
library, whose memory is this process's memory. A module in hardware closes that, with the same code.
"""

import base64
import re
import time
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.util.ec import decode_ec_private_key

from pki.__main__ import main
from pki.certificates import Purpose, fingerprint, load_certificate
from pki.errors import TokenError, TokenReason
from pki.files import write_requests
from pki.requests import build_triple
from pki.token import Token, use_configuration
from tests.softhsm import MODULE, PIN, fresh_token, shared_configuration

pytestmark = pytest.mark.token
GATEWAY = "EABC0012345678"
LABELS = ("TLS", "SIG", "ENC")


@pytest.fixture
def enrolled(token: Token) -> Token:
    for label in LABELS:
        token.generate_key(label, ec.BrainpoolP256R1())
    token.generate_storage_key("STORAGE")
    return token


def secret_objects(token: Token) -> list[Any]:
    with token._logged_in() as session:
        kinds = (ObjectClass.PRIVATE_KEY, ObjectClass.SECRET_KEY)
        return [thing for kind in kinds for thing in session.get_objects({Attribute.CLASS: kind})]


def test_attributes_say_generated_inside_sensitive_and_never_extractable(enrolled: Token) -> None:
    objects = secret_objects(enrolled)
    assert len(objects) == 4
    for thing in objects:
        assert thing[Attribute.LOCAL]
        assert thing[Attribute.PRIVATE]
        assert thing[Attribute.SENSITIVE]
        assert thing[Attribute.ALWAYS_SENSITIVE]
        assert not thing[Attribute.EXTRACTABLE]
        assert thing[Attribute.NEVER_EXTRACTABLE]
        assert not thing[Attribute.MODIFIABLE]


def test_values_cannot_be_read(enrolled: Token) -> None:
    """FDP_ACF.1: nobody reads a private or symmetric key."""
    for thing in secret_objects(enrolled):
        with pytest.raises(pkcs11.AttributeSensitive):
            thing[Attribute.VALUE]


@pytest.mark.parametrize(
    ("attribute", "value"), [(Attribute.EXTRACTABLE, True), (Attribute.SENSITIVE, False), (Attribute.MODIFIABLE, True)]
)
def test_attributes_cannot_be_relaxed(enrolled: Token, attribute: Attribute, value: bool) -> None:
    for thing in secret_objects(enrolled):
        with pytest.raises(pkcs11.PKCS11Error):
            thing[attribute] = value
        with pytest.raises(pkcs11.PKCS11Error):
            thing.copy({attribute: value, Attribute.TOKEN: False})[Attribute.VALUE]


def test_keys_cannot_be_wrapped(enrolled: Token) -> None:
    with enrolled._logged_in() as session:
        wrapping = session.generate_key(KeyType.AES, 256, capabilities=MechanismFlag.WRAP | MechanismFlag.UNWRAP)
        for thing in secret_objects(enrolled):
            for mechanism in (Mechanism.AES_KEY_WRAP, Mechanism.AES_KEY_WRAP_PAD):
                with pytest.raises(pkcs11.KeyUnextractable):
                    wrapping.wrap_key(thing, mechanism=mechanism)


def test_an_imported_key_is_not_ours(token: Token) -> None:
    key = ec.generate_private_key(ec.BrainpoolP256R1())
    with token._logged_in() as session:
        template = decode_ec_private_key(private_der(key))
        session.create_object(
            {
                **template,
                Attribute.CLASS: ObjectClass.PRIVATE_KEY,
                Attribute.KEY_TYPE: KeyType.EC,
                Attribute.TOKEN: True,
                Attribute.PRIVATE: True,
                Attribute.SENSITIVE: True,
                Attribute.EXTRACTABLE: False,
                Attribute.SIGN: True,
                Attribute.LABEL: "TLS",
            }
        )
        token.generate_key("SIG", ec.BrainpoolP256R1())
        public = next(iter(session.get_objects({Attribute.LABEL: "SIG", Attribute.CLASS: ObjectClass.PUBLIC_KEY})))
        public.copy({Attribute.LABEL: "TLS", Attribute.TOKEN: True})
    with pytest.raises(TokenError) as caught:
        token.key("TLS")
    assert caught.value.reason is TokenReason.KEY_REFUSED


def test_an_imported_storage_key_is_not_ours(token: Token) -> None:
    with token._logged_in() as session:
        session.create_object(
            {
                Attribute.CLASS: ObjectClass.SECRET_KEY,
                Attribute.KEY_TYPE: KeyType.AES,
                Attribute.TOKEN: True,
                Attribute.VALUE: bytes(32),
                Attribute.LABEL: "STORAGE",
                Attribute.ENCRYPT: True,
                Attribute.DECRYPT: True,
                Attribute.SENSITIVE: True,
                Attribute.EXTRACTABLE: False,
            }
        )
    with pytest.raises(TokenError) as caught:
        token.wrap_secret("STORAGE", b"secret", b"")
    assert caught.value.reason is TokenReason.KEY_REFUSED


def private_der(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def private_keys_in(data: bytes) -> int:
    """How many private keys a file holds: PEM by its words, DER by trying every place that could begin one."""
    found = len(re.findall(rb"-----BEGIN [A-Z ]*PRIVATE" + rb" KEY-----", data))
    bodies = [data, *(base64.b64decode(body) for body in re.findall(rb"KEY-----\n([A-Za-z0-9+/=\n]+)-----END", data))]
    for body in bodies:
        for match in re.finditer(rb"\x30[\x20-\x82]", body):
            try:
                load_der_private_key(body[match.start() : match.start() + 400], None)
            except (ValueError, TypeError):
                try:
                    load_der_private_key(body[match.start() : match.start() + 2 + body[match.start() + 1]], None)
                except (ValueError, TypeError):
                    continue
            found += 1
    return found


def test_no_private_key_on_disk_after_a_complete_enrolment(tmp_path: Path) -> None:
    run = CliRunner().invoke
    state, pin = tmp_path / "ca", tmp_path / "ca.pin"
    gateway, emt = tmp_path / "gateway", tmp_path / "emt"
    shared = shared_configuration()
    label = fresh_token()
    try:
        with Token.open(MODULE, label, PIN, monotonic=time.monotonic) as token:
            keys = {purpose: token.generate_key(purpose, ec.BrainpoolP256R1()) for purpose in Purpose}
            write_requests(gateway, build_triple(keys, f"{GATEWAY}.SMGW"))
        for arguments in (
            ["init", state, "--pin-file", pin],
            ["issue", state, gateway, "--role", "SMGW", "--name", GATEWAY, "--pin-file", pin],
            ["issue", state, emt, "--generate", "--role", "EMT", "--name", "Netz", "--pin-file", pin],
        ):
            result = run(main, [str(argument) for argument in arguments])
            assert result.exit_code == 0, result.output
    finally:
        use_configuration(shared)
    for purpose in Purpose:
        certificate = load_certificate((gateway / f"{purpose}.pem").read_bytes())
        assert certificate.public_key() == keys[purpose].public_key()
        assert len(fingerprint(certificate)) == 64
    files = [path for root in (gateway, state, shared.parent) for path in root.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert {path.name: private_keys_in(path.read_bytes()) for path in files} == {path.name: 0 for path in files}
    # The search does find keys where there are any: an EMT of the testbed keeps its own in software.
    for purpose in Purpose:
        assert private_keys_in((emt / f"{purpose}.key").read_bytes()) >= 2
