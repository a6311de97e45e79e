"""Certificate requests: a TLS/SIG/ENC triple, each signed by the key that is to be certified.

Decides whether a request proves possession and asks for what the requester may have. The SM-PKI uses CRMF messages in a
CMS wrapper of its own (TR-03109-4); here they are PKCS#10 requests in three files, and a renewal is one DER document
with the three requests and a signature by the holder's current SIG key over them (docs/deviations.md). A first request
proves nothing about who asks: the person at the CA's command line vouches for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pki import der
from pki.checks import UNREADABLE, elliptic_key
from pki.errors import IssueError, IssueReason
from pki.profiles import KEY_USAGES, PURPOSE_KEY_USAGE, Purpose, Role

RENEWAL_DOMAIN: Final = b"SMGW certificate renewal v1\0"
"""Stands before what the SIG key signs, so that no other document of that key can be taken for a renewal."""
MAXIMUM_REQUEST: Final = 16 * 1024
"""Octets; a request of ours has about 500."""


_VERSION: Final = der.encode_integer(1)


@dataclass(frozen=True, slots=True)
class Triple:
    """The three requests of one holder, in DER; made by :func:`build_triple` or checked by :func:`read_triple`."""

    requests: Mapping[Purpose, x509.CertificateSigningRequest]

    def public_key(self, purpose: Purpose) -> ec.EllipticCurvePublicKey:
        """The key to be certified for ``purpose``."""
        key = self.requests[purpose].public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise IssueError(IssueReason.REQUEST, f"the key for {purpose} is not one on an elliptic curve")
        return key


@dataclass(frozen=True, slots=True)
class Renewal:
    """A renewal as read, its outer signature not yet verified: :meth:`verify` gives the triple."""

    signer: bytes
    _signed: bytes
    _requests: tuple[bytes, ...]
    _signature: bytes

    def verify(self, current: x509.Certificate, common_name: str) -> Triple:
        """The triple, if the holder of ``current`` (its SIG certificate, verified by the caller) signed it.

        Raises:
            IssueError: POSSESSION where the signature is not that of ``current``, or as :func:`read_triple`.
        """
        if current.fingerprint(hashes.SHA256()) != self.signer:
            raise IssueError(IssueReason.POSSESSION, "the renewal names another certificate as its signer")
        try:
            elliptic_key(current).verify(self._signature, RENEWAL_DOMAIN + self._signed, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as error:
            raise IssueError(IssueReason.POSSESSION, "the renewal is not signed by the current SIG key") from error
        return read_triple(dict(zip(Purpose, self._requests, strict=True)), common_name)


def build_request(
    key: ec.EllipticCurvePrivateKey, purpose: Purpose, common_name: str
) -> x509.CertificateSigningRequest:
    """A request for ``key``, in memory or in a token; the CA decides every other part of the certificate."""
    wanted = PURPOSE_KEY_USAGE[purpose]
    usage = x509.KeyUsage(**{bit: bit in wanted for bit in KEY_USAGES}, encipher_only=False, decipher_only=False)
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )


def build_triple(keys: Mapping[Purpose, ec.EllipticCurvePrivateKey], common_name: str) -> Triple:
    """One request for each of the three keys of ``common_name`` (for a gateway ``<identification>.SMGW``)."""
    return Triple({purpose: build_request(keys[purpose], purpose, common_name) for purpose in Purpose})


def common_name_of(role: Role, name: str) -> str:
    """What requests call the holder: the name and its role."""
    return f"{name}.{role}"


def read_triple(requests: Mapping[Purpose, bytes], common_name: str) -> Triple:
    """Check three requests (PEM or DER) of ``common_name``.

    1. Each can be read, and there is one for every purpose.
    2. Each is signed by its own key: proof of possession.
    3. Each names the holder and the purpose that it is shown for.
    4. The keys are on brainpoolP256r1, and three different ones.

    Raises:
        IssueError: REQUEST, or POSSESSION for the second check.
    """
    # 1. Each can be read, and there is one for every purpose.
    if set(requests) != set(Purpose):
        raise IssueError(IssueReason.REQUEST, f"expected are the requests {', '.join(Purpose)}")
    parsed = {purpose: _load(requests[purpose], purpose) for purpose in Purpose}
    keys: list[ec.EllipticCurvePublicKey] = []
    for purpose, request in parsed.items():
        try:
            # 2. Each is signed by its own key: proof of possession.
            if not request.is_signature_valid or not isinstance(request.signature_hash_algorithm, hashes.SHA256):
                raise IssueError(IssueReason.POSSESSION, f"the request {purpose} is not signed by the key in it")
            # 3. Each names the holder and the purpose that it is shown for.
            names = [str(attribute.value) for attribute in request.subject]
            usage = request.extensions.get_extension_for_class(x509.KeyUsage).value
            key = request.public_key()
        except (*UNREADABLE, x509.ExtensionNotFound) as error:
            raise IssueError(IssueReason.REQUEST, f"the request {purpose} cannot be read: {error}") from error
        if names != [common_name]:
            raise IssueError(IssueReason.REQUEST, f"the request {purpose} is of {names}, not of {common_name}")
        if {bit for bit in KEY_USAGES if getattr(usage, bit)} != PURPOSE_KEY_USAGE[purpose]:
            raise IssueError(IssueReason.REQUEST, f"the request shown for {purpose} asks for another key usage")
        # 4. The keys are on brainpoolP256r1, and three different ones.
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.BrainpoolP256R1):
            raise IssueError(IssueReason.REQUEST, f"the key of the request {purpose} is not on brainpoolP256r1")
        if key in keys:
            raise IssueError(IssueReason.REQUEST, f"the key of the request {purpose} serves another purpose as well")
        keys.append(key)
    return Triple(parsed)


def build_renewal(triple: Triple, current: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The renewal document (DER): the new triple, signed with the ``key`` of the ``current`` SIG certificate.

    ``SEQUENCE { version INTEGER (1), signer OCTET STRING (SHA-256), requests SEQUENCE OF, signature OCTET STRING }``.
    """
    requests = der.encode(der.SEQUENCE, *(triple.requests[purpose].public_bytes(Encoding.DER) for purpose in Purpose))
    signer = current.fingerprint(hashes.SHA256())
    signature = key.sign(RENEWAL_DOMAIN + requests, ec.ECDSA(hashes.SHA256()))
    parts = (der.encode(der.OCTET_STRING, signer), requests, der.encode(der.OCTET_STRING, signature))
    return der.encode(der.SEQUENCE, _VERSION, *parts)


def read_renewal(data: bytes) -> Renewal:
    """Read a renewal document; only its own canonical DER is accepted.

    Raises:
        IssueError: REQUEST.
    """
    if len(data) > 4 * MAXIMUM_REQUEST:
        raise IssueError(IssueReason.REQUEST, f"a renewal is not longer than {4 * MAXIMUM_REQUEST} octets")
    try:
        document = der.Reader(data)
        body = document.enter(der.SEQUENCE)
        document.finish()
        body.expect(_VERSION)
        signer = body.take(der.OCTET_STRING)
        requests = body.element(der.SEQUENCE)
        signature = body.take(der.OCTET_STRING)
        body.finish()
        inner = der.Reader(requests).enter(der.SEQUENCE)
        three = tuple(inner.element(der.SEQUENCE) for _ in Purpose)
        inner.finish()
    except der.DerError as error:
        raise IssueError(IssueReason.REQUEST, f"not a renewal of version 1 with three requests: {error}") from error
    return Renewal(signer, requests, three, signature)


def _load(data: bytes, purpose: Purpose) -> x509.CertificateSigningRequest:
    if len(data) > MAXIMUM_REQUEST:
        raise IssueError(IssueReason.REQUEST, f"the request {purpose} is longer than {MAXIMUM_REQUEST} octets")
    load = x509.load_pem_x509_csr if data.lstrip().startswith(b"-----") else x509.load_der_x509_csr
    try:
        return load(data)
    except UNREADABLE as error:
        raise IssueError(IssueReason.REQUEST, f"the request {purpose} cannot be read: {error}") from error
